"""Functions and aggregates that a schema adds, computed in Python value by value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from segmentkit._planning import ir
from segmentkit._record.convert import reader
from segmentkit.dtypes import DType, Kind
from segmentkit.extension import Aggregate, Extension, Function, Target
from segmentkit.functions import WORDS
from segmentkit.schema import Attribute

_RESULT = "result"
_ROW: dict[str, Any] = {_RESULT: None}
"""The reader asks for the record to say what it has when a key is absent; here it is there."""


def result_of(function: Extension, dtype: DType) -> Attribute:
    """What a function gives, as if it stood in a column."""
    nullable = not isinstance(function, Function) or function.nullable
    return Attribute(_RESULT, dtype, nullable)


def place_of(function: Extension) -> str:
    """Whose result it is, for messages."""
    return f"{function.name}()"


def as_decimals(function: Function, arguments: Iterable[ir.Value]) -> tuple[bool, ...]:
    """Which arguments are whole numbers, and are given as decimals because others are some."""
    pairs = list(zip(function.parameters, (a.dtype.kind for a in arguments), strict=True))
    decimals = {word for word, kind in pairs if WORDS[word].together and kind is Kind.DECIMAL}
    return tuple(kind is Kind.INTEGER and word in decimals for word, kind in pairs)


def scalar(node: ir.Call, function: Function) -> Callable[..., Any]:
    """A function of Python's values, each of which may be None.

    Raises:
        UnsupportedError: It has no lowering for records.
    """
    compute = function.record
    if compute is None:
        raise function.refuse(Target.RECORD)
    read = reader(result_of(function, node.dtype), place_of(function))
    widened = as_decimals(function, node.arguments)

    def lowered(*arguments: Any) -> Any:
        if not function.takes_missing:
            for argument in arguments:
                if argument is None:
                    return None
        if any(widened):
            pairs = zip(arguments, widened, strict=True)
            arguments = tuple(Decimal(a) if wide and a is not None else a for a, wide in pairs)
        return read(compute(*arguments), _ROW)

    return lowered


def aggregate(node: ir.Aggregate | ir.Overall, function: Aggregate) -> Callable[[list[Any]], Any]:
    """A function of the values that are present.

    Raises:
        UnsupportedError: It has no lowering for records.
    """
    compute = function.record
    if compute is None:
        raise function.refuse(Target.RECORD)
    read = reader(result_of(function, node.dtype), place_of(function))
    empty = ir.over_nothing(function, node.dtype).value

    def reduce(values: list[Any]) -> Any:
        found = read(compute(values), _ROW) if values else None
        return empty if found is None else found

    return reduce
