"""What a schema adds to the language: functions and aggregates, with a lowering for each target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import field, frozen

from segmentkit._language.keywords import RESERVED
from segmentkit.dtypes import DType, Kind
from segmentkit.errors import SchemaError, UnsupportedError
from segmentkit.functions import (
    AGGREGATES,
    FORMS,
    FUNCTIONS,
    WORDS,
    AggregateSignature,
    Signature,
)

Sql: TypeAlias = Callable[..., Any] | Mapping[str, Callable[..., Any]]
"""A lowering for SQL, or one a dialect."""

DEFAULT = "default"
"""The key of the lowering for dialects that have none of their own."""


class Target(Enum):
    """Who computes; the value is the name of the lowering."""

    RECORD = "record"
    PANDAS = "pandas"
    SQL = "sql"

    __hash__ = object.__hash__


_ByDialect: TypeAlias = tuple[tuple[str, Callable[..., Any]], ...]


def _by_dialect(given: Sql | _ByDialect | None) -> _ByDialect:
    """Lowerings for SQL in a form that hashes; those in it already stay."""
    if given is None:
        return ()
    if isinstance(given, tuple):
        return given
    return tuple(sorted(given.items())) if isinstance(given, Mapping) else ((DEFAULT, given),)


Examples: TypeAlias = tuple[tuple[tuple[Any, ...], Any], ...]
"""Arguments, or values, each with the result."""


def _examples(given: Iterable[tuple[Iterable[Any], Any]]) -> Examples:
    found = []
    for arguments, result in given:
        if isinstance(arguments, str):
            raise SchemaError(f"an example has a list of values and a result, not {arguments!r}")
        found.append((tuple(arguments), result))
    return tuple(found)


_WORDS = tuple(word for word in WORDS if word != "amount")
"""What arguments can be; lengths of time are for the language's own functions."""


def _is_result(dtype: object) -> bool:
    if isinstance(dtype, DType):
        single = dtype.kind not in (Kind.ANNIVERSARY, Kind.TEXTS)
        return single and dtype.unit is None
    return dtype is None


class _Lowered:
    """What functions and aggregates have in common."""

    __slots__ = ()

    name: str
    result: DType | None
    examples: Examples
    record: Callable[..., Any] | None
    pandas: Callable[..., Any] | None
    _sql: _ByDialect

    @property
    def sql(self) -> Mapping[str, Callable[..., Any]]:
        """The lowerings for SQL, by dialect."""
        return MappingProxyType(dict(self._sql))

    def is_lowered(self, target: Target) -> bool:
        """Whether a target can compute it; frames can by the lowering for records, too."""
        match target:
            case Target.RECORD:
                return self.record is not None
            case Target.PANDAS:
                return self.pandas is not None or self.record is not None
            case Target.SQL:
                return bool(self._sql)

    def refuse(self, target: Target) -> UnsupportedError:
        """The error of a target that cannot compute it."""
        return UnsupportedError(f"{self.name}() has no lowering for {target.value}")

    def _check(self, words: Iterable[str]) -> None:
        if not self.name.isidentifier() or self.name != self.name.lower():
            raise SchemaError(
                f"a function's name is a word of lower-case letters, not {self.name!r}"
            )
        if self.name in RESERVED:
            raise SchemaError(f"{self.name!r} is a word of the language itself")
        if self.name in (*FUNCTIONS, *AGGREGATES, *FORMS):
            raise SchemaError(f"the language has a {self.name}() already")
        for word in words:
            if word not in _WORDS:
                raise SchemaError(
                    f"{self.name}() cannot take {word!r}; arguments are {', '.join(_WORDS)}"
                )
        if not _is_result(self.result):
            raise SchemaError(
                f"the result of {self.name}() must be a type like TEXT, not {self.result!r}"
            )
        given = (self.record, self.pandas, *self.sql.values())
        if not any(each is not None for each in given):
            raise SchemaError(f"{self.name}() has no lowering: give it record, pandas or sql")
        if any(each is not None and not callable(each) for each in given):
            raise SchemaError(f"the lowerings of {self.name}() must be functions")


@frozen(cache_hash=True)
class Function(Signature, _Lowered):
    """A function that a schema adds to the language.

    Pass it to `Schema(functions=[…])` or `Schema.extended`. It must be pure: the same arguments
    give the same result, on every day and from each of its lowerings;
    `segmentkit.testing.check_examples` checks this. A target without a lowering refuses
    definitions that use the function, by its name.

    Functions are values and compare by everything that they contain. To pickle segments that use
    one, make its lowerings functions of a module, not lambdas.

    Args:
        name: The name that definitions use: a word of lower-case letters.
        parameters: What each argument must be. ``number`` is any number; ``integer``; ``float``,
            any number, given as a float; ``text``; ``boolean``; ``date``; ``timestamp``, given in
            UTC without a zone; ``time``, a date or a timestamp; ``ordered``, a number, a time or
            a distance; ``any``. All ``number``, all ``ordered`` and all ``any`` arguments have
            one type; of numbers it is one that holds them all.
        result: Its type; None if it is that of the first argument.
        doc: What it means, in one or two sentences.
        examples: Lists of arguments, each with its result; None is missing.
        takes_missing: Whether the lowerings get missing arguments too. By default the result is
            missing if an argument is, and no lowering is called.
        nullable: Whether the result may be missing although no argument is.
        record: A function of Python values: bool, int, float, Decimal, str, date, datetime.
            It returns None for a missing result.
        pandas: A function of Series, of the dtypes that `segmentkit.pandas.values` gives, which
            returns as many values. Without it, ``record`` is called row by row.
        sql: A function of SQLAlchemy expressions that returns one; or a mapping of such functions
            by the names of dialects, with ``default`` for all others.

    Raises:
        SchemaError: The language has this name already, or the declaration is wrong.

    Example:
        >>> from segmentkit import TEXT, Attribute, Entity, Schema, Segment
        >>> initial = Function(
        ...     "initial", ["text"], TEXT, "The first character.", record=lambda text: text[:1]
        ... )
        >>> people = Entity("people", key="id", attributes=[Attribute("name", TEXT)])
        >>> schema = Schema([people], functions=[initial])
        >>> Segment.define(None, 'initial(name) = "A"', schema).matches({"id": 7, "name": "Ada"})
        True
    """

    examples: Examples = field(default=(), converter=_examples, kw_only=True)
    takes_missing: bool = field(default=False, kw_only=True)
    nullable: bool = field(default=True, kw_only=True)
    record: Callable[..., Any] | None = field(default=None, kw_only=True)
    pandas: Callable[..., Any] | None = field(default=None, kw_only=True)
    _sql: _ByDialect = field(default=None, converter=_by_dialect, kw_only=True, alias="sql")

    def __attrs_post_init__(self) -> None:
        self._check(self.parameters)
        if not self.parameters:
            raise SchemaError(f"{self.name}() needs a parameter: it would be a constant")
        for arguments, _ in self.examples:
            if len(arguments) != len(self.parameters):
                raise SchemaError(f"an example of {self.name}() has {len(arguments)} arguments")

    def __str__(self) -> str:
        gives = self.result or f"type of the {self.parameters[0]}"
        return f"{self.name}({', '.join(self.parameters)}) -> {gives}"


@frozen(cache_hash=True)
class Aggregate(AggregateSignature, _Lowered):
    """An aggregate that a schema adds to the language.

    It works like a `Function`, but its lowerings make one value of many: of the present values,
    at least one, in no particular order. Definitions call it like ``sum``, with windows,
    ``where`` and steps, and ``among`` customers.

    Args:
        name: The name that definitions use: a word of lower-case letters.
        operand: What the values must be, as for a parameter of a `Function`.
        result: Its type; None if it is that of the values.
        doc: What it means, in one or two sentences.
        examples: Lists of values, each with its result; None is missing.
        empty: The result over no values, or if a lowering finds nothing; by default missing.
        record: A function of a list of Python values. It returns None for a missing result.
        pandas: A function of a Series that is grouped by owner (``SeriesGroupBy``), which returns
            a Series by owner. Without it, ``record`` is called for each owner.
        sql: A function of a SQLAlchemy expression that returns an aggregate of it, which must
            skip NULL; or a mapping of such functions by the names of dialects, with ``default``
            for all others.

    Raises:
        SchemaError: The language has this name already, or the declaration is wrong.

    Example:
        >>> from segmentkit import INTEGER, Attribute, Entity, Relation, Schema, Trait
        >>> spread = Aggregate(
        ...     "spread", "number", None, "Most less least.", record=lambda n: max(n) - min(n)
        ... )
        >>> orders = Entity("orders", attributes=[Attribute("amount", INTEGER)])
        >>> people = Entity("people", key="id", relations=[Relation("orders", key="person")])
        >>> schema = Schema([people, orders], functions=[spread])
        >>> record = {"id": 7, "orders": [{"amount": 5}, {"amount": 30}]}
        >>> Trait.define("spread", "spread(orders.amount)", schema).of(record)
        25
    """

    examples: Examples = field(default=(), converter=_examples, kw_only=True)
    empty: bool | int | float | Decimal | str | None = field(default=None, kw_only=True)
    record: Callable[..., Any] | None = field(default=None, kw_only=True)
    pandas: Callable[..., Any] | None = field(default=None, kw_only=True)
    _sql: _ByDialect = field(default=None, converter=_by_dialect, kw_only=True, alias="sql")

    def __attrs_post_init__(self) -> None:
        self._check([self.operand])
        if self.empty is not None and not self._may_be(self.empty):
            raise SchemaError(f"{self.name}() cannot be {self.empty!r} over no rows")

    def _may_be(self, value: object) -> bool:
        """Whether a constant is of the type of the result."""
        family = self.operand if self.result is None else self.result.family
        if isinstance(value, bool):
            return family == "boolean"
        if isinstance(value, str):
            return family == "text"
        whole = isinstance(value, int)
        if self.operand == "integer" or (self.result and self.result.kind is Kind.INTEGER):
            return whole
        return family in ("number", "float") and isinstance(value, int | float | Decimal)

    def __str__(self) -> str:
        gives = self.result or f"type of the {self.operand}"
        return f"{self.name}(rows of {self.operand}) -> {gives}"


Extension: TypeAlias = Function | Aggregate
"""What a schema can add."""
