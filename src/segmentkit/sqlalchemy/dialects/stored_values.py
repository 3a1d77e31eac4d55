"""Columns whose types keep values in a form of their own: constants for them, and their values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator

from segmentkit.dtypes import TEXT, TIMESTAMP, DType, Kind
from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy.dialects.bind_types import sent
from segmentkit.sqlalchemy.dialects.column_types import NOTHING, SAFE, Codec, codec_of
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.dialect import dialect_of
from segmentkit.sqlalchemy.dialects.elements import Composite, Spelled, exact, later
from segmentkit.sqlalchemy.dialects.long_lists import is_native_uuid

Sql: TypeAlias = sa.ColumnElement[Any]

_BELOW = {
    operators.lt: operators.le,
    operators.le: operators.le,
    operators.gt: operators.gt,
    operators.ge: operators.gt,
}
"""What a test against a constant is of the next lower value that the type has."""
_ABOVE = {
    operators.lt: operators.lt,
    operators.le: operators.lt,
    operators.gt: operators.ge,
    operators.ge: operators.ge,
}
_EXACT = (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.DATE, Kind.TIMESTAMP)


def bound(column: Sql, op: Any, value: Any) -> tuple[Any, Any]:
    """How a column of a type of its own is compared with a constant.

    Returns:
        The operator, and what to bind through the column's type: `NOTHING`, where equality with it
        holds of no row.

    Raises:
        UnsupportedError: The type does not keep values in their order, or never in the same form.
    """
    codec = codec_of(column.type)
    assert codec is not None
    if codec.dtype is None and not codec.steady:
        raise _refused(column, codec, codec.why)
    if not codec.steady:
        raise _refused(column, codec, "the same value can be stored in several forms")
    found = codec.bound(value)
    is_order = op in _BELOW
    forms = codec.written(value) if codec.dtype == TIMESTAMP else []
    if len(forms) > 1:
        if not is_order:
            why = "SQL does not know whether the app's instants have zones"
            raise _refused(column, codec, why, "<, <=, >, >=, windows and is missing")
        found = forms[0] if op in (operators.ge, operators.lt) else forms[-1]
    if found is NOTHING and is_order:
        raise _refused(column, codec, f"it does not take {value!r}")
    if found is NOTHING or codec.dtype is None or codec.dtype.kind not in _EXACT or codec.values:
        return op, found
    kept = codec.told(codec.read(found))
    if kept is NOTHING or _number(kept) == _number(value):
        return op, found
    if not is_order:
        return op, NOTHING
    return (_BELOW if _number(kept) < _number(value) else _ABOVE)[op], found


def _number(value: Any) -> Any:
    """What values are compared by: instants without a zone are in UTC."""
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value))
    zoned = not isinstance(value, date) or isinstance(value, datetime)
    return value.replace(tzinfo=value.tzinfo or UTC) if zoned else value


def kind_of(column: Sql, op: Any, value: Any) -> Any:
    """The type in which the app's own queries bind a value that they compare with a column."""
    kind, codec = column.type, codec_of(column.type)
    if codec is None or not isinstance(kind, TypeDecorator):
        return kind
    found = kind.coerce_compared_value(op, value)
    whole = int(value) if isinstance(value, Decimal) and value == int(value) else value
    others = found, kind.coerce_compared_value(op, whole)
    if any(each is not kind for each in others) and codec.stores(value) != value:
        raise _refused(column, codec, f"its queries compare {value!r} in another form")
    return found


def is_compared(column: Sql, op: Any) -> bool:
    """Whether a column is compared with a constant in the form in which it keeps values."""
    codec = codec_of(column.type)
    return codec is not None and (codec.ordered or op not in _BELOW)


def same_form(one: Sql, other: Sql, *, ordered: bool) -> bool:
    """Whether two columns keep values in one form, so that what is stored can be compared."""
    a, b = codec_of(one.type), codec_of(other.type)
    if a is None or b is None:
        return a is b
    if type(a.stored) is not type(b.stored) or a.dtype != b.dtype or a.values != b.values:
        return False
    if _native(a) != _native(b):
        return False
    if isinstance(a.stored, sa.Enum):
        return True
    probes = [codec.bound(each) for codec in (a, b) for each in _PROBES]
    same = all(a.stores(each) == b.stores(each) for each in probes)
    return same and a.steady and b.steady and (a.ordered or not ordered)


def _native(codec: Codec) -> list[Any]:
    """Which types of a database a type is, where it has such: enums and UUIDs."""
    kinds = [codec.stored, *codec.type._variant_mapping.values()]
    names = ("native_enum", "native_uuid", "name", "schema")
    return [[type(kind), *(vars(kind).get(name) for name in names)] for kind in kinds]


_PROBES = ("Abc", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", 7, True, datetime(2026, 5, 9, 13))


def decoded(column: Sql) -> Sql:
    """A column's values, of a type that SQL computes with.

    Raises:
        UnsupportedError: SQL cannot tell them from what is stored.
    """
    codec = codec_of(column.type)
    if codec is None:
        return column
    if codec.uuid:
        return UuidText(column)
    if isinstance(codec.stored, sa.Enum):
        # Text functions of some engines refuse their own enums.
        return sa.cast(column, sa.String())
    stored: Sql = sa.type_coerce(column, codec.stored)
    if codec.plain and codec.in_sql:
        made: Any = codec.type.column_expression(column)
        return stored if made is None else sa.type_coerce(made, codec.stored)
    if codec.plain or codec.values or is_safe(column):
        return stored
    if codec.factor:
        return _multiplied(stored, codec, codec.factor)
    if codec.dtype is not None and codec.dtype.kind is Kind.BOOLEAN:
        forms = [(sa.literal(codec.stores(v), codec.stored), v) for v in (True, False)]
        whens = [(stored == form, sa.literal(v, sa.Boolean())) for form, v in forms]
        return sa.case(*whens, else_=sa.null())
    if _counts_seconds(codec):
        return later(sent(_EPOCH, Kind.TIMESTAMP), stored)
    raise _refused(column, codec, "SQL does not know the value of what is stored")


_EPOCH = datetime(1970, 1, 1)


def _counts_seconds(codec: Codec) -> bool:
    """Whether instants are kept as whole seconds since 1970."""
    if codec.dtype != TIMESTAMP or not isinstance(codec.stored, sa.Integer):
        return False
    moments = (datetime(1970, 1, 1, 0, 1), datetime(2026, 5, 9, 13, 30, 15))
    return all(
        codec.stores(codec.bound(each)) == (each - _EPOCH).total_seconds() for each in moments
    )


def _multiplied(stored: Sql, codec: Codec, factor: Fraction) -> Sql:
    assert codec.dtype is not None
    scale = codec.dtype.scale
    if codec.dtype.kind is Kind.DECIMAL and scale is not None:
        share = sa.literal(Decimal(factor.numerator) / factor.denominator, sa.Numeric(38, scale))
        return exact(sa.type_coerce(stored, sa.Numeric(38, scale)) * share, scale)
    whole: Sql = Spelled(Construct.AS_FLOAT, stored)
    if factor.numerator == 1:
        return whole.op("/", precedence=8, return_type=sa.Double())(
            sa.literal(float(factor.denominator), sa.Double())
        )
    return whole * sa.literal(float(factor), sa.Double())


def all_bound(column: Sql, values: Iterable[Any]) -> list[Any]:
    """Those of the constants that a column can have, as its type takes them."""
    if codec_of(column.type) is None:
        return list(values)
    found = [bound(column, operators.eq, value)[1] for value in values]
    return [value for value in found if value is not NOTHING]


def compares_itself(column: Sql) -> bool:
    """Whether the app's queries compare a column by operators of its own."""
    return any(
        "comparator_factory" in vars(each) or "Comparator" in vars(each)
        for each in type(column.type).__mro__
        if not each.__module__.startswith("sqlalchemy.")
    )


def keeps_nan(dtype: DType, kind: Any) -> bool:
    """Whether what is stored can be a float that is not a number."""
    codec = codec_of(kind)
    stored = kind if codec is None else codec.stored
    return dtype.kind is Kind.FLOAT and not isinstance(stored, sa.Integer | sa.String)


def varies(kind: Any) -> bool:
    """Whether instants have a zone in some dialects and none in others."""
    return bool(kind._variant_mapping)


class InstantOf(TypeDecorator[datetime]):
    """The type in which an instant is bound for a column that varies with the dialect."""

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return self.kind.dialect_impl(dialect)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        zoned = getattr(self.kind.dialect_impl(dialect), "timezone", False)
        return value if value is None else value.replace(tzinfo=UTC if zoned else None)


def is_safe(column: Sql) -> bool:
    """Whether the app says that the texts that are stored are those that are read."""
    codec = codec_of(column.type)
    if codec is None or codec.dtype != TEXT:
        return False
    bases = (base for each in _columns(column) for base in each.base_columns)
    return any(getattr(base, "info", {}).get("segmentkit") == SAFE for base in bases)


def _columns(expression: Sql) -> list[sa.Column[Any]]:
    """The columns that an expression is made of."""
    clause = sa.type_coerce(expression, sa.types.NullType()).clause
    return [each for each in visitors.iterate(clause) if isinstance(each, sa.Column)]


def below_domain(column: Sql) -> Sql:
    """A column of a domain in the type below, which takes constants that no row can have.

    PostgreSQL compares no domains of enums.
    """
    kind: Any = column.type
    below = kind.data_type
    is_enum = isinstance(below, sa.Enum)
    return sa.cast(column, below) if is_enum else sa.type_coerce(column, below)


def by_code_point(column: Sql) -> Sql:
    """A column whose texts are compared as they are, where its type ignores case."""
    variants = column.type._variant_mapping
    if variants and any(map(_is_inexact, (column.type, *variants.values()))):
        return ByCodePoint(column)
    return _exact(column, column.type)


def _exact(column: Sql, kind: Any) -> Sql:
    if isinstance(kind, postgresql.CITEXT):
        return sa.cast(column, sa.Text())
    return sa.collate(column, "BINARY") if _is_inexact(kind) else column


def _is_inexact(kind: Any) -> bool:
    collation = getattr(kind, "collation", None) or ""
    return isinstance(kind, postgresql.CITEXT) or collation.upper() in _INEXACT


_INEXACT = ("NOCASE", "RTRIM")
"""Collations of SQLite, which DuckDB has in part, that take some texts for equal."""


class ByCodePoint(Composite):
    """A column whose type ignores case in some dialects, as texts that are compared as they are."""

    inherit_cache = True

    def __init__(self, column: Sql) -> None:
        super().__init__("text", column, type_=column.type)


@compiles(ByCodePoint)
def _by_code_point(element: ByCodePoint, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    found = _exact(column, column.type.dialect_impl(compiler.dialect))
    return str(compiler.process(found, **kw))


def ordered(column: Sql) -> Sql:
    """A column whose greatest and least values are those that are stored."""
    codec = codec_of(column.type)
    return column if codec is None or codec.ordered else decoded(column)


def shown(column: Sql) -> Sql:
    """A column as an answer gives it, in the language's types."""
    codec = codec_of(column.type)
    if codec is None or not (codec.uuid or codec.values or codec.plain):
        return column
    return decoded(column)


def _refused(column: Sql, codec: Codec, why: str, can: str = "") -> UnsupportedError:
    bases = [base for each in _columns(column) for base in each.base_columns]
    title = str(bases[0]) if bases else "a column"
    order = "<, <=, >, >=, " if codec.ordered and not codec.values else ""
    can = can or (f"=, {order}in and is missing" if codec.steady else "is missing")
    out = "To ask more, keep it in a column whose own type has such values"
    if codec.dtype == TEXT:
        told = 'declare the column with info={"segmentkit": "plain"}'
        out = f"If what is stored is what is read, {told}"
    return UnsupportedError(
        f"{title} is kept by {codec.name}, and {why}; of it SQL can be asked {can}. {out}"
    )


class VariedInUtc(Composite):
    """An instant without a zone, in UTC, of a column that has one in some dialects."""

    inherit_cache = True

    def __init__(self, column: Sql) -> None:
        super().__init__("in UTC", column, type_=sa.DateTime())


@compiles(VariedInUtc)
def _varied_in_utc(element: VariedInUtc, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    words = compiler.process(column, **kw)
    if not getattr(column.type.dialect_impl(compiler.dialect), "timezone", False):
        return words
    return dialect_of(compiler.dialect).spelling(Construct.IN_UTC).format(words)


class UuidText(Composite):
    """A UUID as its text: 32 small digits and four dashes."""

    inherit_cache = True

    def __init__(self, column: Sql) -> None:
        super().__init__("text", column, type_=sa.String(36))


@compiles(UuidText)
def _uuid_text(element: UuidText, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    dialect = compiler.dialect
    below: Any = column.type
    while isinstance(below, TypeDecorator):
        below = below.load_dialect_impl(dialect)
    below = below.dialect_impl(dialect)
    words = compiler.process(column, **kw)
    if is_native_uuid(below, dialect):
        text = dialect.type_compiler_instance.process(sa.String(36))
        text = "CHAR(36)" if dialect.name in _MYSQL else text
        return f"lower(CAST({words} AS {text}))"
    if isinstance(below, sa.LargeBinary | sa.BINARY):
        if dialect.name not in ("sqlite", *_MYSQL):
            raise UnsupportedError(
                f"{dialect_of(dialect).title} cannot tell the text of a UUID kept as bytes"
            )
        # Of NULL, SQLite makes the empty text.
        words = f"hex({words})" if dialect.name in _MYSQL else f"nullif(hex({words}), '')"
    digits = f"replace(lower({words}), '-', '')"
    parts = [f"substr({digits}, {start}, {n})" for start, n in _PARTS]
    if dialect.name in _MYSQL:
        return f"concat({_COMMA.join(parts)})"
    return f"({_DASH.join(parts)})"


_MYSQL = ("mysql", "mariadb")
_DASH, _COMMA = " || '-' || ", ", '-', "
_PARTS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
