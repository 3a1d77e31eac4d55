"""Expressions that a program builds: conditions and values, as nodes of the syntax tree.

A name knows whose it is, by the `Scope` before it, until the definition is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, Never, TypeAlias, TypeVar

from attrs import frozen

from segmentkit._language import syntax as t
from segmentkit._language.given import (
    Constant,
    HasTree,
    has_numbers,
    is_missing,
    plainest,
    way_out,
)
from segmentkit._language.json_form import checked
from segmentkit._language.keywords import UNITS
from segmentkit._language.periods import period_of
from segmentkit._language.scopes import written
from segmentkit._usage import NoValue, described, none_such
from segmentkit.dtypes import BOOLEAN, TEXT, TEXTS, DType
from segmentkit.errors import SegmentSyntaxError, UsageError

Operand: TypeAlias = "Value | bool | int | float | Decimal | str | date | datetime"
"""What values are compared and computed with."""


class Expression(HasTree):
    """A condition or a value; it prints as the text of a definition."""

    __slots__ = ("_node",)
    _node: t.Expr

    def __init__(self, node: t.Expr) -> None:
        self._node = node

    @property
    def tree(self) -> t.Expr:
        """The tree, which `Segment.define` and `Trait.define` take, as they take the expression."""
        found: t.Expr = written(self._node)
        return found

    def __repr__(self) -> str:
        try:
            return checked(self.tree)[0]
        except SegmentSyntaxError as error:
            return f"<no definition: {error.diagnostics[0].message}>"
        except UsageError as error:
            return f"<no definition: {error}>"

    def __bool__(self) -> Never:
        raise UsageError(
            "an expression is neither true nor false: join conditions by & | ~ (not by and, or, "
            "not), write a.between(1, 5) in place of 1 < a < 5, and a.is_in([…]) in place of in"
        )

    def __iter__(self) -> Never:
        raise UsageError("an expression has no items: write value.is_in([…]), or value.contains(…)")

    def __contains__(self, item: object) -> Never:
        raise UsageError("write value.contains(…) in place of in")

    def __hash__(self) -> Never:
        raise UsageError("an expression is no key: == makes a condition of it")


def _joined(kind: type[t.And | t.Or], *operands: object) -> Condition:
    nodes = []
    for each in operands:
        if not isinstance(each, Condition):
            sign = "&" if kind is t.And else "|"
            shown = f"{each!r}, a value" if isinstance(each, Expression) else described(each)
            raise UsageError(
                f"{sign} joins conditions, and this is {shown}: comparisons beside {sign} stand in "
                f"brackets, as in a {sign} (b == 3)"
            )
        nodes.append(each._node)
    return Condition(t.joined(kind, nodes))


class Condition(Expression):
    """What is true or false of a row: ``a & b``, ``a | b``, ``~a``."""

    __slots__ = ()

    def __and__(self, other: Condition) -> Condition:
        return _joined(t.And, self, other)

    def __or__(self, other: Condition) -> Condition:
        return _joined(t.Or, self, other)

    def __rand__(self, other: object) -> Condition:
        return _joined(t.And, other, self)

    def __ror__(self, other: object) -> Condition:
        return _joined(t.Or, other, self)

    def __invert__(self) -> Condition:
        return Condition(t.Not(self._node))

    def _not_compared(self, other: object) -> Never:
        raise UsageError(
            f"the condition {self!r} is compared with something: put comparisons beside & and | in "
            "brackets, as in a & (b == 3)"
        )

    # Python reads a & b == 3 as (a & b) == 3.
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _not_compared
    __hash__ = Expression.__hash__


# -- values ---------------------------------------------------------------------------------------


def node_of(given: object) -> t.Expr:
    """The node of an operand: of an expression, or of a constant."""
    if isinstance(given, Expression):
        return given._node
    if isinstance(given, Constant) and not is_missing(given):
        return t.Literal(plainest(given))
    shown = str(given) if is_missing(given) else described(given)
    raise UsageError(f"a value is an expression or a constant, and not {shown}{way_out(given)}")


def nodes_of(given: Iterable[object], call: str, *, least: int = 1) -> tuple[t.Expr, ...]:
    """The nodes of several operands."""
    several: Any = given
    one = isinstance(several, str | bytes | bytearray | memoryview | Expression)
    named = hasattr(several, "keys") and not hasattr(several, "dtype")  # a mapping, or a frame
    if one or named or not isinstance(several, Iterable):
        raise UsageError(f"{call} takes several values, and not {described(given)}")
    # Arrays have their numbers as Python has them, too.
    every: Any = several
    found = tuple(map(node_of, every.tolist() if has_numbers(every) else every))
    if len(found) < least:
        raise UsageError(f"{call} takes at least one value")
    return found


def length_of(lengths: Mapping[str, object], call: str) -> tuple[Any, str]:
    """The count and the unit of ``days=30``."""
    if len(lengths) != 1 or next(iter(lengths)).removesuffix("s") not in UNITS:
        raise UsageError(f"{call} takes one length of time, as in {call}(days=30)")
    ((unit, count),) = lengths.items()
    found = count_of(count)
    if type(found) is not int and not isinstance(found, t.Parameter):
        raise UsageError(
            f"{call}({unit}=…) takes a whole number or a parameter, and not {described(count)}"
        )
    return found, unit.removesuffix("s")


def duration_of(lengths: Mapping[str, object], call: str) -> t.Duration:
    """The length of time of ``days=30``."""
    count, unit = length_of(lengths, call)
    return t.Duration(t.Literal(count) if isinstance(count, int) else count, unit)


def count_of(given: object) -> Any:
    """A number that is written as it is, or a parameter."""
    return given._node if isinstance(given, Expression) else given


class Value(Expression):
    """What a row has: an attribute, an aggregate, or what is computed of them."""

    __slots__ = ()

    def _compared(operator: str) -> Callable[[Value, Operand], Condition]:  # type: ignore[misc] # noqa: N805
        def compared(self: Value, other: Operand) -> Condition:
            return Condition(t.Compare(operator, self._node, node_of(other)))

        return compared

    __eq__ = _compared("=")  # type: ignore[assignment]
    __ne__ = _compared("!=")  # type: ignore[assignment]
    __lt__ = _compared("<")
    __le__ = _compared("<=")
    __gt__ = _compared(">")
    __ge__ = _compared(">=")
    __hash__ = Expression.__hash__

    def __add__(self, other: Operand) -> AnyValue:
        return _computed(self, "+", other)

    def __sub__(self, other: Operand) -> AnyValue:
        return _computed(self, "-", other)

    def __mul__(self, other: Operand) -> AnyValue:
        return _computed(self, "*", other)

    def __truediv__(self, other: Operand) -> AnyValue:
        return _computed(self, "/", other)

    def __radd__(self, other: Operand) -> AnyValue:
        return _computed(other, "+", self)

    def __rsub__(self, other: Operand) -> AnyValue:
        return _computed(other, "-", self)

    def __rmul__(self, other: Operand) -> AnyValue:
        return _computed(other, "*", self)

    def __rtruediv__(self, other: Operand) -> AnyValue:
        return _computed(other, "/", self)

    def __neg__(self) -> AnyValue:
        return AnyValue(t.negative(self._node))

    def _joined_with(self, other: object) -> Never:
        _joined(t.And, self, other)
        raise AssertionError

    __and__ = __or__ = __rand__ = __ror__ = _joined_with

    def __invert__(self) -> Never:
        raise UsageError(f"~ is the complement of a condition, and {self!r} is a value")

    def is_missing(self) -> Condition:
        """``value is missing``."""
        return Condition(t.IsMissing(self._node))

    def is_present(self) -> Condition:
        """``value is present``."""
        return Condition(t.IsMissing(self._node, True))

    def is_in(self, options: Iterable[Operand], *, ignoring_case: bool = False) -> Condition:
        """``value in (…)``."""
        return Condition(t.InList(self._node, _options(options), False, ignoring_case))

    def is_not_in(self, options: Iterable[Operand], *, ignoring_case: bool = False) -> Condition:
        """``value not in (…)``."""
        return Condition(t.InList(self._node, _options(options), True, ignoring_case))

    def between(self, low: Operand, high: Operand) -> Condition:
        """``value between low and high``, both ends in."""
        return Condition(t.InWindow(self._node, t.Range(node_of(low), node_of(high))))

    def in_list(self, name: str) -> Condition:
        """``value in list name``."""
        return Condition(t.Listed(self._node, name))


def _options(given: Iterable[object]) -> tuple[t.Expr, ...] | t.Parameter:
    if isinstance(given, Expression) and isinstance(given._node, t.Parameter):
        return given._node
    return nodes_of(given, "is_in", least=0)


def _computed(left: object, operator: str, right: object) -> AnyValue:
    """``a + b``: a chain goes on where an operator of its kind comes after it."""
    first, second = node_of(left), node_of(right)
    if isinstance(first, t.Arithmetic) and (first.operators[0] in "+-") == (operator in "+-"):
        operators = (*first.operators, operator)
        return AnyValue(t.Arithmetic((*first.operands, second), operators))
    return AnyValue(t.Arithmetic((first, second), (operator,)))


class _TextTests(Value):
    __slots__ = ()

    def _tested(self, operator: str, pattern: object, ignoring_case: bool) -> Condition:
        patterns = (node_of(pattern),)
        return Condition(
            t.TextTest(operator, self._node, None, patterns, ignoring_case=ignoring_case)
        )

    def contains(self, pattern: Operand, *, ignoring_case: bool = False) -> Condition:
        """``value contains pattern``."""
        return self._tested("contains", pattern, ignoring_case)


class _OneText(_TextTests):
    __slots__ = ()

    def starts_with(self, pattern: Operand, *, ignoring_case: bool = False) -> Condition:
        """``value starts with pattern``."""
        return self._tested("starts with", pattern, ignoring_case)

    def ends_with(self, pattern: Operand, *, ignoring_case: bool = False) -> Condition:
        """``value ends with pattern``."""
        return self._tested("ends with", pattern, ignoring_case)

    def matches(self, pattern: Operand) -> Condition:
        """``value matches pattern``: the whole of it."""
        return self._tested("matches", pattern, ignoring_case=False)

    def equals(self, other: Operand, *, ignoring_case: bool = False) -> Condition:
        """``value = other``, if you like ignoring case."""
        return Condition(t.Compare("=", self._node, node_of(other), ignoring_case))


class _ManyTexts(_TextTests):
    __slots__ = ()

    def is_empty(self) -> Condition:
        """``value is empty``: there is a list, and no text in it."""
        return Condition(t.IsEmpty(self._node))

    def contains_any(self, texts: Iterable[Operand], *, ignoring_case: bool = False) -> Condition:
        """``value contains any (…)``."""
        return self._several("any", texts, ignoring_case)

    def contains_all(self, texts: Iterable[Operand], *, ignoring_case: bool = False) -> Condition:
        """``value contains all (…)``."""
        return self._several("all", texts, ignoring_case)

    def _several(self, how: str, texts: Iterable[Operand], ignoring_case: bool) -> Condition:
        patterns = nodes_of(texts, f"contains_{how}")
        test = t.TextTest("contains", self._node, how, patterns, ignoring_case=ignoring_case)
        return Condition(test)


_Result = TypeVar("_Result")


class Windowed(Generic[_Result]):
    """What is in windows of time: ``in_last(days=30)``."""

    __slots__ = ()

    def _in(self, window: t.Window) -> _Result:
        raise NotImplementedError

    def in_last(self, **length: int | Value) -> _Result:
        """``in last 30 days``: ``in_last(days=30)``."""
        return self._in(t.Rolling("last", *length_of(length, "in_last")))

    def in_next(self, **length: int | Value) -> _Result:
        """``in next 30 days``: ``in_next(days=30)``."""
        return self._in(t.Rolling("next", *length_of(length, "in_next")))

    def in_this(self, unit: str) -> _Result:
        """``in this month``: ``in_this("month")``."""
        return self._in(t.Calendar("this", None, unit))

    def in_previous(self, unit: str | None = None, **length: int | Value) -> _Result:
        """``in previous month``: ``in_previous("month")``, or ``in_previous(months=3)``."""
        if unit is not None:
            if length:
                raise UsageError(f"in_previous takes {unit!r:.20} or a length of time, not both")
            return self._in(t.Calendar("previous", None, unit))
        return self._in(t.Calendar("previous", *length_of(length, "in_previous")))

    def in_period(self, period: str) -> _Result:
        """``in 2026-05``: ``in_period("2026-05")``, a year, a month or a day."""
        try:
            return self._in(period_of(period))
        except (ValueError, AttributeError, TypeError):
            shown = f"{period!r:.40}"
            raise UsageError(f'a period is a text such as "2026-05", and not {shown}') from None


class Event(Windowed[Condition]):
    """Entering or leaving a segment, in a window that is still to be said."""

    __slots__ = ("_name", "_word")

    def __init__(self, word: str, name: str) -> None:
        self._word = word
        self._name = name

    def __repr__(self) -> str:
        return f"{self._word}({self._name!r})"

    def _in(self, window: t.Window) -> Condition:
        return Condition(t.Membership(self._word, self._name, window))

    def between(self, low: Operand, high: Operand) -> Condition:
        """``between low and high``, both ends in."""
        return self._in(t.Range(node_of(low), node_of(high)))


class _Times(Windowed[Condition], Value):
    __slots__ = ()

    def _in(self, window: t.Window) -> Condition:
        return Condition(t.InWindow(self._node, window))


class Text(_OneText):
    """A text."""

    __slots__ = ()


class Texts(_ManyTexts):
    """A list of texts."""

    __slots__ = ()


class Time(_Times):
    """A date or a timestamp."""

    __slots__ = ()


class Number(Value):
    """A number."""

    __slots__ = ()


class Flag(Value, Condition):  # type: ignore[misc] # it compares as values do
    """A truth value: it can be compared, and it is a condition."""

    __slots__ = ()
    __and__, __or__ = Condition.__and__, Condition.__or__  # type: ignore[assignment]
    __rand__, __ror__ = Condition.__rand__, Condition.__ror__  # type: ignore[assignment]
    __invert__ = Condition.__invert__  # type: ignore[assignment]


# None of these is a subclass of another: Python would ask that one first, and turn tests round.
class AnyValue(_Times, _OneText, _ManyTexts):
    """A value whose type only the schema tells: a function's, a trait's or a parameter's."""

    __slots__ = ()


_BY_TYPE: dict[DType, type[Value]] = {BOOLEAN: Flag, TEXT: Text, TEXTS: Texts}


def value_of(dtype: DType, node: t.Expr) -> Value:
    """A value of a type: it has the methods that make sense of it."""
    if dtype in _BY_TYPE:
        return _BY_TYPE[dtype](node)
    return (Number if dtype.is_number else Time if dtype.is_time else AnyValue)(node)


@frozen(repr=False, eq=False)
class Document(NoValue):
    """A JSON column, whose values with a type are its attributes."""

    _row: Any
    _attributes: tuple[Any, ...]
    _keys: tuple[str, ...]

    def __dir__(self) -> list[str]:
        depth = len(self._keys)
        return sorted({each.path[depth] for each in self._attributes})

    def __getattr__(self, name: str) -> Any:
        keys = (*self._keys, name)
        within = tuple(each for each in self._attributes if each.path[: len(keys)] == keys)
        if not within:
            raise AttributeError(none_such(".".join(self._keys), name, dir(self)))
        if within[0].path == keys:
            return value_of(within[0].dtype, self._row._name((*self._row._parts, *keys)))
        return Document(self._row, within, keys)

    __getitem__ = __getattr__
