"""Values for parameters: whether they fit, and how definitions write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import evolve

from segmentkit._checking.coercion import kind_of, literal_dtype
from segmentkit._diagnostics.diagnostic import (
    Diagnostic,
    Hint,
    Span,
    advice,
    diagnostic,
    did_you_mean,
    hinted,
)
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_value
from segmentkit._language.given import Constant, exact
from segmentkit._language.parser import parse
from segmentkit.dtypes import DType, Kind, ParameterType
from segmentkit.errors import SegmentSyntaxError

Constants: TypeAlias = list[Constant] | tuple[Constant, ...] | set[Constant] | frozenset[Constant]
Given: TypeAlias = Constant | Constants
"""What a parameter can be given: a value, or the values of a list."""
_LISTS = (list, tuple, set, frozenset)


def literal(value: Given) -> t.Literal | tuple[t.Literal, ...]:
    """A value that fits, as a definition has it."""
    if isinstance(value, _LISTS):
        return tuple(t.Literal(exact(each), t.NOWHERE) for each in in_order(value))
    return t.Literal(exact(value), t.NOWHERE)


def in_order(values: Constants) -> tuple[Constant, ...]:
    """The values of a list; those of a set in an order that is the same in every process."""
    if isinstance(values, set | frozenset):
        return tuple(sorted(values, key=lambda each: format_value(exact(each))))
    return tuple(values)


def misfit(name: str, value: object, types: Mapping[str, DType], tree: t.Expr) -> Diagnostic | None:
    """Why a value cannot be bound to a parameter, if it cannot.

    Args:
        name: The parameter.
        value: The value.
        types: What the parameters take.
        tree: The definition.
    """
    parameters = (node for node in t.every(tree) if isinstance(node, t.Parameter))
    # One that stands in a reference has no place of its own.
    place = next((node.span for node in parameters if node.name == name), t.NOWHERE)
    expected = types.get(name)
    if expected is None:
        return diagnostic("SK119", place, name=name, hint=did_you_mean(name, types))
    if not isinstance(expected, ParameterType):
        return _unlike(name, value, expected, place) or _unwritable([value], place)
    if expected.many:
        return _unlisted(name, value, expected, place)
    return (
        _unlike(name, value, expected, place)
        or _beyond(name, value, expected, place)
        or _unwritable([value], place)
    )


def _unlike(name: str, value: object, expected: DType, place: Span) -> Diagnostic | None:
    """Whether a value is of another type."""
    if isinstance(value, int) and not _is_written(value):
        return diagnostic("SK013", place)
    if isinstance(value, tuple):
        value = list(value)  # lists of catalogs are kept as tuples
    shown = term("a {type}", type=type(value).__name__)
    if isinstance(value, Constant):
        dtype = literal_dtype(value)
        if dtype.kind is expected.kind or (dtype.is_time and expected.is_time):
            return None
        if dtype.is_number and expected.is_number:
            return None
        shown = kind_of(dtype)
    told: dict[str, Any] = {
        "name": name,
        "expected": _taken(expected),
        "value": _shown(value),
        "what": shown,
    }
    hint = advice("list_without_brackets", name=name) if isinstance(value, _LISTS) else None
    return diagnostic("SK121", place, hint=hint, **told)


def _taken(expected: DType) -> Term:
    """What a parameter takes, as messages say it."""
    if not isinstance(expected, ParameterType) or expected.many:
        return term(f"a {expected.family}")
    if expected.kind is not Kind.INTEGER:
        return term(_OF_SHARE, scale=expected.scale, least=expected.least, most=expected.most)
    of = "" if expected.counts is None else f" of {expected.counts}"
    if expected.most is None:
        return term(f"a whole number{of} from {{least}}", least=expected.least)
    most = {"least": expected.least, "most": expected.most}
    return term(f"a whole number{of} from {{least}} to {{most}}", **most)


_OF_SHARE = "a percentage from {least} to {most} with at most {scale} digits after the point"


def _shown(value: object) -> Term | str:
    """The value that is wrong; of many, the first alone."""
    if isinstance(value, list) and len(value) > 1:
        return f"[{value[0]!r:.40}, …]"
    if isinstance(value, set | frozenset | dict) and len(value) > 1:
        told = {"type": type(value).__name__, "count": len(value)}
        return term("{type} of {count:,} values", **told)
    return f"{value!r:.60}"


def _unlisted(name: str, value: object, expected: ParameterType, place: Span) -> Diagnostic | None:
    """Why a value is not a list of what a parameter takes."""
    if not isinstance(value, _LISTS):
        what = term("a {type}", type=type(value).__name__)
        if isinstance(value, Constant):
            what = kind_of(literal_dtype(value))
        example = f"[{_EXAMPLES[expected.kind]}]"
        takes = term("{what}, such as {example}", what=_taken(expected), example=example)
        told: dict[str, Any] = {"expected": takes, "value": _shown(value), "what": what}
        return diagnostic("SK121", place, name=name, **told)
    found = (_unlike(name, each, expected, place) for each in value)
    return next(filter(None, found), None) or _unwritable(value, place)


_EXAMPLES = {
    Kind.TEXT: '"a", "b"',
    Kind.BOOLEAN: "True",
    Kind.DATE: "date(2026, 5, 9)",
    Kind.TIMESTAMP: "datetime(2026, 5, 9, 12)",
    **dict.fromkeys((Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT), "1, 2"),
}


def _beyond(name: str, value: object, expected: ParameterType, place: Span) -> Diagnostic | None:
    """Whether a number is no whole one, or out of bounds."""
    assert isinstance(value, int | float | Decimal)
    if not isinstance(value, int) and (found := _unwritable([value], place)):
        return found
    number = exact(value)
    assert isinstance(number, int | Decimal)
    exponent = number.as_tuple().exponent if isinstance(number, Decimal) else 0
    assert isinstance(exponent, int)
    whole = isinstance(number, int) if expected.scale is None else -exponent <= expected.scale
    low = expected.least is not None and number < expected.least
    most = _BIGGEST if expected.most is None else expected.most
    if whole and not low and number <= most:
        return None
    told: dict[str, Any] = {"expected": _taken(expected), "value": f"{value!r:.60}"}
    return diagnostic("SK159", place, name=name, **told)


_BIGGEST = 2**63 - 1


def _is_written(value: float | Decimal) -> bool:
    """Whether the digits of a number can be written out at all."""
    if isinstance(value, int):
        return value.bit_length() <= _MOST_DIGITS
    number = Decimal(value)
    return number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS


_MOST_DIGITS = 1000


def check_constant(value: Constant) -> None:
    """Make sure that a definition can write a value.

    Raises:
        SegmentSyntaxError: It cannot.
    """
    found = _unwritable([value], t.NOWHERE)
    if found is not None:
        raise SegmentSyntaxError([evolve(found, pointer="")], "")


def _unwritable(values: Iterable[object], place: Span) -> Diagnostic | None:
    """Why values of the right type cannot stand in a definition, if they cannot."""
    texts = []
    for value in values:
        assert isinstance(value, Constant)
        if isinstance(value, datetime) and value != value:
            return diagnostic("SK010", place, text=value)
        if not isinstance(value, str | date) and not _is_written(value):
            return diagnostic("SK013", place)
        texts.append(format_value(exact(value)))
    try:
        parse(texts[0] if len(texts) == 1 else f"x in ({', '.join(texts)})")
    except SegmentSyntaxError as error:
        found = error.diagnostics[0]
        if found.code == "SK006" and len(texts) > 1:
            return hinted(found, _LONG, place)
        return evolve(found, span=place)
    return None


_LONG: Hint = advice("long_lists")
