"""Types of columns as apps have them: recipes of SQLAlchemy's documentation, and of libraries."""

from __future__ import annotations

import base64
import enum
import ipaddress
import json
import os
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from tests.targets.databases import ENGINES

NAMES = ["sqlite", "duckdb", "postgresql"]
if os.environ.get("SEGMENTKIT_MARIADB_URL"):
    NAMES.append("mariadb")


@cache
def opened(name: str) -> sa.Engine:
    """The engine of a database, one for all tests."""
    return next(each for each in ENGINES if each.name == name).open()


class Cents(TypeDecorator[Decimal]):
    """Money kept as whole cents."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value * 100)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Decimal(value) / 100


class MilliFloat(TypeDecorator[float]):
    """A float that is kept as thousandths."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else round(value * 1000)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value / 1000.0


class TextDecimal(TypeDecorator[Decimal]):
    """A decimal kept as text."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Decimal(value)


class TZDateTime(TypeDecorator[datetime]):
    """SQLAlchemy's own recipe."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is not None:
            if not value.tzinfo or value.tzinfo.utcoffset(value) is None:
                raise TypeError("tzinfo is required")
            value = value.astimezone(UTC).replace(tzinfo=None)
        return value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.replace(tzinfo=UTC)


class Epoch(TypeDecorator[datetime]):
    """Instants kept as whole seconds since 1970."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value.timestamp())

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else datetime.fromtimestamp(value, UTC)


class YesNo(TypeDecorator[bool]):
    """Truth kept as Y and N."""

    impl = sa.String(1)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else {True: "Y", False: "N"}[value]

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value == "Y"


class Email(TypeDecorator[str]):
    """Texts in small letters."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.lower()


class Encrypted(TypeDecorator[str]):
    """Texts that a key hides, always in the same way."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else base64.b64encode(value.encode()[::-1]).decode()

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else base64.b64decode(value)[::-1].decode()


class Name(TypeDecorator[str]):
    """Texts as they are, with a check."""

    impl = sa.String(200)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is not None and len(value) > 200:
            raise ValueError("too long")
        return value


class Guid(TypeDecorator[uuid.UUID]):
    """SQLAlchemy's own recipe of a GUID for all backends."""

    impl = sa.CHAR
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID())
        return dialect.type_descriptor(sa.CHAR(32))

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        if not isinstance(value, uuid.UUID):
            return f"{uuid.UUID(value).int:032x}"
        return f"{value.int:032x}"

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(value)


class TextGuid(TypeDecorator[uuid.UUID]):
    """UUIDs kept as texts with dashes."""

    impl = sa.String(36)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else uuid.UUID(value)


class BinaryGuid(TypeDecorator[uuid.UUID]):
    """UUIDs kept as 16 bytes."""

    impl = sa.LargeBinary(16)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.bytes

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else uuid.UUID(bytes=bytes(value))


class Status(enum.Enum):
    PAID = "paid"
    OPEN = "open"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 5


class StringEnum(TypeDecorator[Any]):
    """An enumeration kept as the text of its values."""

    impl = sa.String
    cache_ok = True

    def __init__(self, enum_class: Any, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.enum_class = enum_class

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else self.enum_class(value)


class LevelType(TypeDecorator[Level]):
    """An enumeration kept as numbers."""

    impl = sa.SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Level(value)


class JsonList(TypeDecorator[list[str]]):
    """Lists of texts as JSON in a text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is not None and not isinstance(value, list):
            raise TypeError("a list")
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else json.loads(value)


class AnyJson(TypeDecorator[Any]):
    """SQLAlchemy's own recipe: JSON of any kind in a text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else json.loads(value)


class Commas(TypeDecorator[list[str]]):
    """Lists of texts with commas between."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else ",".join(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.split(",")


class Address(TypeDecorator[Any]):
    """Addresses of the internet as texts."""

    impl = sa.String(50)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else ipaddress.ip_address(value)


class Upper(TypeDecorator[str]):
    """Texts that SQL changes on their way in and out."""

    impl = sa.String
    cache_ok = True

    def bind_expression(self, bindvalue: Any) -> Any:
        return sa.func.lower(bindvalue)

    def column_expression(self, column: Any) -> Any:
        return sa.func.upper(column)


class PublicId(TypeDecorator[str]):
    """Numbers that are shown with a prefix."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value.removeprefix("usr_"))

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else f"usr_{value}"


class Chained(TypeDecorator[Decimal]):
    """A decorator of a decorator."""

    impl = Cents
    cache_ok = True


class OneIntegerId(TypeDecorator[int]):
    """Whole numbers as they are."""

    impl = sa.Integer
    cache_ok = True


class AnyCase(TypeDecorator[str]):
    """Texts that the app compares ignoring case."""

    impl = sa.String(50)
    cache_ok = True

    class comparator_factory(sa.String.Comparator[str]):  # noqa: N801 - SQLAlchemy's name
        def __eq__(self, other: Any) -> Any:
            return sa.func.lower(self.expr) == sa.func.lower(other)

        __hash__ = sa.String.Comparator.__hash__


class CentsOfInts(Cents):
    """Money whose whole numbers the app compares with cents."""

    cache_ok = True

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return sa.Integer() if isinstance(value, int) else self


class Salted(TypeDecorator[str]):
    """Texts that are hidden in another way each time."""

    impl = sa.String(100)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is None:
            return None
        return os.urandom(4).hex() + base64.b64encode(value.encode()).decode()

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else base64.b64decode(value[8:]).decode()


class AwareOnly(TypeDecorator[datetime]):
    """Instants that must have a zone, kept with it where there is a type for that."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is not None and value.tzinfo is None:
            raise ValueError("a zone is needed")
        return value


class Millis(TypeDecorator[datetime]):
    """Instants kept as milliseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value.timestamp() * 1000)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


class Inverted(TypeDecorator[int]):
    """Numbers kept with the other sign."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else -value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else -value


class OneZero(TypeDecorator[bool]):
    """Truth kept as one and zero."""

    impl = sa.SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else bool(value)


class NoNan(TypeDecorator[float]):
    """Floats, of which those that are no number are missing."""

    impl = sa.Double
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value != value else value
