"""What parameters take that stand for a number of something, a share, or a list."""

from __future__ import annotations

from segmentkit.dtypes import DType, Kind, ParameterType

SHARE = ParameterType(Kind.DECIMAL, 6, counts="percent", least=0, most=100)
"""What takes the place of the number in ``10%``."""


def number_of(what: str, most: int | None = None) -> ParameterType:
    """A whole number of something, from 1."""
    return ParameterType(Kind.INTEGER, counts=what, least=1, most=most)


def list_of(dtype: DType) -> ParameterType:
    """A list of values of a type."""
    return ParameterType(dtype.kind, dtype.scale, dtype.unit, many=True)


def both(first: DType, second: DType) -> DType | None:
    """What a parameter takes that is used in two ways; None where nothing suits both."""
    bounded = [each for each in (first, second) if isinstance(each, ParameterType)]
    lists = [each.many for each in bounded]
    if first.family != second.family and not (first.is_time and second.is_time and not any(lists)):
        return None
    if first == second or not bounded or any(lists):
        return first
    whole = any(each.kind is Kind.INTEGER for each in bounded)
    least = [each.least for each in bounded if each.least is not None]
    most = [each.most for each in bounded if each.most is not None]
    names = {each.counts for each in bounded}
    return ParameterType(
        Kind.INTEGER if whole else Kind.DECIMAL,
        None if whole else SHARE.scale,
        counts=names.pop() if len(names) == 1 else None,
        least=max(least, default=None),
        most=min(most, default=None),
    )
