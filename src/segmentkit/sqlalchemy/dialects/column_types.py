"""What the type of a column makes of values: the app's, the language's, and what is stored.

SQLAlchemy lets an app decide how values are kept: money as cents, instants as whole seconds, truth
as Y and N, texts encrypted. Such a type is tried on a few values, both ways, once; what it is found
to do decides how definitions read the column, in which form constants are bound (always through the
type, as in queries of the app's own), and what SQL can compute of what is stored.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from attrs import evolve, field, frozen
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    DType,
    Kind,
    decimal,
)
from segmentkit.sqlalchemy.dialects.storage_formats import foreign_form


class _Nothing(enum.Enum):
    NOTHING = "nothing"


NOTHING: Final = _Nothing.NOTHING
"""What a constant is that no row of a column can have."""

SAFE = "plain"
"""Of texts, ``info={"segmentkit": "plain"}`` says that what is stored is what is read."""


class _Plain(DefaultDialect):
    """A dialect that keeps values as they are."""

    supports_native_decimal = True
    supports_native_boolean = True


_DIALECT = _Plain()
_MOMENT = datetime(2026, 5, 9, 13, 30, 15)
_ID = UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
_TEXTS = (
    "Abc", " É e\u0301 ß ", "User@Example.com", "10.0.0.1", "https://example.com/A", "+4520123456",
)  # fmt: skip
_EQUAL = ((Decimal("12.5"), Decimal("12.50")), (Decimal(7), Decimal("7.0")))
_NUMBERS = (1, 3, 100, 12_345, 1_000_000, 0, -7)
# What an app may have for a value, and what the language then calls it, most telling first.
_SAMPLES: tuple[tuple[DType, tuple[Any, ...]], ...] = (
    (TEXTS, (["a", "B c"],)),
    (TEXT, _TEXTS),
    (decimal(), (Decimal("12.34"), Decimal("12.5"))),
    (INTEGER, (7, 1_234_567)),
    (FLOAT, (12.5,)),
    (BOOLEAN, (True, False)),
    (TIMESTAMP, (_MOMENT.replace(tzinfo=UTC), _MOMENT)),
    (DATE, (_MOMENT.date(),)),
)
_FITS: tuple[tuple[type[TypeEngine[Any]], tuple[type, ...]], ...] = (
    (sa.Boolean, (bool, int)),
    (sa.Integer, (int,)),
    (sa.Numeric, (int, float, Decimal)),
    (sa.Float, (int, float, Decimal)),
    (sa.String, (str,)),
    (sa.Uuid, (str,)),
    (sa.DateTime, (datetime,)),
    (sa.Date, (date,)),
    (sa.LargeBinary, (bytes, memoryview)),
)
"""What is stored in columns, by the type below all decorators; Enum is a String."""


@frozen(eq=False)
class Codec:
    """What a type was found to do.

    Attributes:
        type: The type.
        stored: The type below all decorators.
        dtype: What definitions take its values for; None if the language has no word.
        why: Why it has none.
        values: The values it can have, if they are few: as they are stored.
        plain: Whether the value is what is stored.
        factor: What a stored number is multiplied by.
        ordered: Whether what is stored is in the order of the values.
        steady: Whether a value is always stored in the same form.
        uuid: Whether the values are UUIDs: texts of 36 characters to definitions.
        in_sql: Whether SQL changes values on their way in or out.
    """

    type: TypeEngine[Any]
    stored: TypeEngine[Any]
    dtype: DType | None = None
    why: str = ""
    values: tuple[Any, ...] = ()
    plain: bool = False
    factor: Fraction | None = None
    ordered: bool = False
    steady: bool = True
    uuid: bool = False
    in_sql: bool = False
    encode: Callable[[Any], Any] = field(repr=False, kw_only=True)
    decode: Callable[[Any], Any] = field(repr=False, kw_only=True)

    @property
    def name(self) -> str:
        """What messages call the type."""
        return type(self.type).__name__

    def bound(self, value: Any) -> Any:
        """The app's value for a constant of the language: what the type takes, and keeps.

        Returns:
            The value; `NOTHING`, where no row can have it.
        """
        if self.values:
            known = value in self.values
            return self.decode(value) if known else NOTHING
        found: Any = NOTHING
        for each in _forms(value, self):
            stored = self.stores(each)
            if stored is NOTHING:
                continue
            if self.reads(stored, each):
                return each
            found = each if found is NOTHING else found
        return found

    def written(self, instant: datetime) -> list[Any]:
        """An instant with a zone and without, if they are stored differently; least first."""
        found: dict[Any, Any] = {}
        for each in _forms(instant, self):
            stored = self.stores(each)
            if stored is not NOTHING and self.reads(stored, each):
                found.setdefault(stored, each)
        return [found[stored] for stored in sorted(found)]

    def told(self, value: Any) -> Any:
        """The language's value for one of the app's."""
        if self.values:
            stored = self.stores(value)
            return value if stored is NOTHING else stored
        time = _TIMES.get(self.dtype)
        if time is not None and not isinstance(value, time):
            # An object of a library of times, which is stored as one.
            stored = self.stores(value)
            return stored if isinstance(stored, time) else value
        is_object = self.dtype == TEXT and not isinstance(value, str)
        return str(value) if is_object else value

    def read(self, value: Any) -> Any:
        """What comes back of a value that is stored, if it can be stored."""
        try:
            return self.decode(self.encode(value))
        except Exception:
            return NOTHING

    def stores(self, value: Any) -> Any:
        """What is stored of the app's value, if the type takes it."""
        try:
            found = self.encode(value)
        except Exception:
            return NOTHING
        return found if self._fits(found) else NOTHING

    def reads(self, stored: Any, value: Any) -> bool:
        """Whether a value is read where so much is stored."""
        try:
            found = self.decode(stored)
        except Exception:
            return False
        return _same(found, value)

    def _fits(self, stored: Any) -> bool:
        kinds = next((kinds for kind, kinds in _FITS if isinstance(self.stored, kind)), (object,))
        if isinstance(stored, datetime):
            zoned = getattr(self.stored, "timezone", False)
            return isinstance(self.stored, sa.DateTime) and (zoned or stored.tzinfo is None)
        return isinstance(stored, kinds)


_TIMES: dict[DType | None, type] = {TIMESTAMP: datetime, DATE: date}


def _forms(value: Any, codec: Codec) -> Iterator[Any]:
    """What an app may have for a constant of the language."""
    match value:
        case datetime():
            yield value.replace(tzinfo=UTC)
            yield value
        case UUID():
            yield from (value, str(value))
        case str() if codec.uuid:
            try:
                found = UUID(value)
            except ValueError:
                return
            yield from (found, str(found))
        case bool() | date():
            yield value
        case int() | float() | Decimal():
            yield from _numbers(value, codec.dtype)
        case _:
            yield value


def _numbers(value: float | Decimal, dtype: DType | None) -> Iterator[Any]:
    exact = Decimal(str(value))
    whole = int(exact) if exact.is_finite() and exact == exact.to_integral_value() else None
    if dtype is not None and dtype.kind is Kind.FLOAT:
        yield float(exact)
    if dtype is not None and dtype.kind is Kind.INTEGER and whole is not None:
        yield whole
    yield exact
    if whole is not None:
        yield whole
    yield float(exact)


def _same(found: Any, value: Any) -> bool:
    """Whether what came back is the value; naive instants are in UTC."""
    if isinstance(found, datetime) and isinstance(value, datetime):
        return found.replace(tzinfo=found.tzinfo or UTC) == value.replace(
            tzinfo=value.tzinfo or UTC
        )
    if isinstance(value, str):
        return isinstance(found, str) and str(found) == value
    if isinstance(found, bool) is not isinstance(value, bool):
        return False
    if isinstance(found, float | Decimal) and isinstance(value, float | Decimal):
        return Decimal(str(found)) == Decimal(str(value))
    try:
        return bool(found == value)
    except Exception:
        return False


def is_own(kind: TypeEngine[Any]) -> bool:
    """Whether values are not simply what is stored."""
    decorated = isinstance(kind, TypeDecorator | sa.Enum | sa.Uuid)
    return decorated or _overrides(kind) or bool(foreign_form(kind))


_PROCESSORS = ("bind_processor", "result_processor", "bind_expression", "column_expression")
_DIALECTS = frozenset({
    "sqlalchemy", "chdb_sqlalchemy", "clickhouse_connect", "clickhouse_sqlalchemy", "databricks",
    "duckdb_engine", "duckdb_sqlalchemy", "pyathena", "snowflake", "sqlalchemy_bigquery",
    "sqlalchemy_redshift", "trino",
})  # fmt: skip
"""Packages of dialects, whose types are what they are called."""


def _overrides(kind: TypeEngine[Any]) -> bool:
    """Whether a class of the app's own, which is no decorator, changes values."""
    own = [c for c in type(kind).__mro__ if c.__module__.partition(".")[0] not in _DIALECTS]
    return any(name in vars(each) for each in own for name in _PROCESSORS)


@lru_cache(maxsize=512)
def codec_of(kind: TypeEngine[Any]) -> Codec | None:
    """What a type does, if values are not simply what is stored."""
    if not is_own(kind):
        return None
    stored = _below(kind)
    impl = kind.dialect_impl(_DIALECT)
    same: Callable[[Any], Any] = lambda value: value  # noqa: E731
    codec = Codec(
        kind,
        stored,
        in_sql=bool(kind._has_bind_expression or kind._has_column_expression),
        encode=impl.bind_processor(_DIALECT) or same,
        decode=impl.result_processor(_DIALECT, None) or same,
    )
    if (why := foreign_form(kind)) is not None:
        return evolve(codec, why=why, steady=False)
    if isinstance(kind, sa.Enum):
        return evolve(codec, dtype=TEXT, values=tuple(kind.enums))
    if isinstance(kind, sa.Uuid):
        return evolve(codec, dtype=TEXT, uuid=True, ordered=True)
    if isinstance(kind, sa.Interval):
        return evolve(codec, why="the language has no word for lengths of time")
    if not isinstance(kind, TypeDecorator | sa.types.UserDefinedType):
        why = f"{codec.name} has processors that some databases do not use: make it a TypeDecorator"
        return evolve(codec, why=why)
    found = _tried(codec)
    missing = _kept_of_none(codec)
    if missing is not None and found.dtype != TEXTS:
        why = f"{codec.name} keeps {missing!r:.40} where a value is missing: SQL knows only NULL"
        return evolve(found, dtype=None, why=why)
    return found


def _kept_of_none(codec: Codec) -> Any:
    """What a type stores, and reads as None, in place of NULL."""
    try:
        stored = codec.encode(None)
        return stored if codec.decode(stored) is None else None
    except Exception:
        return None


def _below(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type below all decorators."""
    below: Any = kind
    while isinstance(below, TypeDecorator):
        try:
            below = below.load_dialect_impl(_DIALECT)
        except Exception:
            below = below.impl_instance
    found: TypeEngine[Any] = below
    return found


def _tried(codec: Codec) -> Codec:
    """What a decorator does to samples."""
    if members := _members(codec):
        kind = INTEGER if all(type(each) is int for each in members) else TEXT
        ordered = kind is INTEGER
        return evolve(codec, dtype=kind, values=members, ordered=ordered)
    if _is_uuid(codec):
        return evolve(codec, dtype=TEXT, uuid=True, ordered=True)
    if isinstance(codec.stored, sa.Float) and codec.reads(codec.stores(12.5), 12.5):
        return _described(codec, FLOAT, [12.5])
    for dtype, samples in _SAMPLES:
        kept = [each for each in samples if _keeps(codec, each, dtype)]
        # `value and …` keeps what is false, whatever its type.
        if kept and (dtype is not BOOLEAN or len(kept) == len(samples)):
            return _described(codec, dtype, kept)
    if _names(codec):
        return evolve(codec, dtype=TEXT)
    why = f"its type {codec.name} makes values that the language has no word for"
    return evolve(codec, why=why)


def _keeps(codec: Codec, sample: Any, dtype: DType) -> bool:
    stored = codec.stores(sample)
    if stored is NOTHING:
        return False
    if dtype is TEXT:
        # Types of texts may change them: in small letters, say.
        try:
            found = codec.decode(stored)
        except Exception:
            return False
        return isinstance(found, str) or str(found) == sample
    is_time = dtype in _TIMES and isinstance(stored, _TIMES[dtype])
    is_word = is_time or isinstance(codec.read(sample), _WORDS)
    return is_word and codec.reads(stored, sample)


_WORDS = (bool, int, float, Decimal, date, list, tuple, set, frozenset)
"""What the language takes for values as they are; other objects may be equal to them, too."""


def _described(codec: Codec, dtype: DType, kept: list[Any]) -> Codec:
    """How a type that keeps values of a kind stores them."""
    steady = all(codec.stores(each) == codec.stores(each) for each in kept)
    plain = all(_is_unchanged(codec, each) for each in kept)
    codec = evolve(codec, dtype=dtype, steady=steady, plain=plain)
    match dtype.kind:
        case Kind.TEXTS:
            return _list(codec, kept[0])
        case Kind.TEXT:
            others = all(codec.stores(each) in (each, NOTHING) for each in _TEXTS)
            read = all(str(codec.read(each)) == each for each in kept)
            return evolve(codec, plain=plain and others and read)
        case Kind.DECIMAL | Kind.INTEGER | Kind.FLOAT:
            return _number(codec)
        case Kind.TIMESTAMP | Kind.DATE:
            told = sa.DateTime if dtype == TIMESTAMP else sa.Date
            same = isinstance(codec.stored, told) and all(
                _same(codec.stores(each), each) for each in kept
            )
            return evolve(codec, plain=same, ordered=_rises(codec))
        case _:
            return codec


def _is_unchanged(codec: Codec, sample: Any) -> bool:
    stored = codec.stores(sample)
    return type(stored) is type(sample) and bool(stored == sample)


def _list(codec: Codec, sample: list[str]) -> Codec:
    if not isinstance(codec.stored, sa.ARRAY | sa.LargeBinary) and codec.reads(codec.stores(7), 7):
        why = f"{codec.name} keeps values of any kind: say of which, in tables"
        return evolve(codec, dtype=None, why=why)
    stored = codec.stores(sample)
    try:
        is_json = json.loads(stored) == sample
    except (TypeError, ValueError):
        is_json = isinstance(codec.stored, sa.JSON | sa.ARRAY)
    if not is_json:
        return evolve(codec, dtype=None, why=f"{codec.name} keeps lists in a form of its own")
    return evolve(codec, plain=True)


def _number(codec: Codec) -> Codec:
    """Numbers that are kept as so many units: in order, unless some are kept as others are."""
    assert codec.dtype is not None
    if not isinstance(codec.stored, sa.Numeric | sa.Float | sa.Integer):
        # Numbers as texts are in another order, and 12.5 and 12.50 may be two texts.
        same = all(codec.stores(a) == codec.stores(b) for a, b in _EQUAL)
        return evolve(codec, plain=False, steady=same or codec.dtype.kind is not Kind.DECIMAL)
    factors, kept = set(), []
    for stored in _NUMBERS:
        try:
            value = Fraction(str(read := codec.decode(stored)))
            kept.append((again := codec.stores(read)) is NOTHING or round(again) == stored)
        except Exception:
            return codec
        factors.add(value / stored if stored else Fraction(int(value != 0), 1))
    factors.discard(Fraction(0))
    if len(factors) != 1:
        return evolve(codec, ordered=_rises(codec), plain=False)
    (factor,) = factors
    dtype = codec.dtype
    if dtype.kind is Kind.DECIMAL:
        own = getattr(codec.stored, "scale", None)
        digits = _digits(factor)
        whole = isinstance(codec.stored, sa.Integer)
        scale = None if digits is None or (not whole and own is None) else digits + (own or 0)
        dtype = decimal(None if scale is None else max(0, scale))
    ordered = factor > 0 and all(kept)
    return evolve(codec, dtype=dtype, factor=factor, plain=factor == 1, ordered=ordered)


def _digits(factor: Fraction) -> int | None:
    """How many digits after the point a factor has."""
    return next((n for n in range(19) if (factor * 10**n).denominator == 1), None)


def _rises(codec: Codec) -> bool:
    """Whether later values are stored as more."""
    days = [date(1969, 12, 31), date(1999, 2, 3), date(2001, 9, 9), date(2026, 1, 10)]
    moments = [datetime(d.year, d.month, d.day, 9, 5) for d in days]
    times: dict[DType | None, Any] = {DATE: days, TIMESTAMP: moments}
    samples = times.get(codec.dtype, sorted(_NUMBERS))
    stored = [codec.stores(codec.bound(each)) for each in samples]
    try:
        return all(a < b for a, b in pairwise(stored))
    except TypeError:
        return False


def _is_uuid(codec: Codec) -> bool:
    """Whether the values are UUIDs, as objects or as texts."""
    stored = codec.stores(_ID)
    if stored is NOTHING:
        stored = codec.stores(str(_ID))
    kept = codec.read(_ID) == _ID or codec.read(str(_ID)) == str(_ID)
    as_text = str(stored).replace("-", "").lower() == _ID.hex
    if isinstance(codec.read("Abc"), str):
        return False  # any text
    return kept and (as_text or stored == _ID.bytes)


def _names(codec: Codec) -> bool:
    """Whether what is stored is read as a name of its own, such as "usr_4f" of a number."""
    for stored in (42, "a0eebc999c0b4ef8bb6d6bb9bd380a11", str(_ID)):
        try:
            found = codec.decode(stored)
            if isinstance(found, str) and codec.encode(found) == stored:
                return True
        except Exception:
            continue
    return False


def _members(codec: Codec) -> tuple[Any, ...]:
    """What the members of an enumeration are stored as, if a type is of one."""
    for found in _enumerations(codec.type):
        members = list(found)
        stored = [codec.stores(each) for each in members]
        if members and all(type(s) in (int, str) for s in stored) and all(
            codec.reads(s, m) for s, m in zip(stored, members, strict=True)
        ):  # fmt: skip
            return tuple(stored)
    choices = getattr(codec.type, "choices", ())
    if isinstance(choices, list | tuple):
        codes = tuple(getattr(codec.stored, "enums", [c[0] for c in choices if type(c) is tuple]))
        if codes and all(type(c) is str and codec.stores(c) == c for c in codes):
            return codes
    return ()


def _enumerations(kind: TypeEngine[Any]) -> Iterator[type[enum.Enum]]:
    """The enumerations that a type names: among its attributes, and in its methods."""
    seen: list[Any] = [*vars(kind).values()]
    for each in type(kind).__mro__:
        if each is TypeDecorator:
            break
        seen += vars(each).values()
    for method in [each for each in seen if callable(getattr(each, "__code__", None) and each)]:
        seen += [cell.cell_contents for cell in method.__closure__ or ()]
        seen += [method.__globals__.get(name) for name in method.__code__.co_names]
    for each in seen:
        # A flag has more values than members.
        if isinstance(each, type) and issubclass(each, enum.Enum):
            yield from () if issubclass(each, enum.Flag) else (each,)
