"""The types a value can have: what the checker reasons about and every target stores."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen, validators


class Kind(Enum):
    """The families of types; numbers are three kinds of one family."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    ANNIVERSARY = "anniversary"
    TEXTS = "text[]"

    # Members are single objects: hashing their names would be slower and tell nothing more.
    __hash__ = object.__hash__


_NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
_TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP})
_FAMILIES = {kind: "number" if kind in _NUMBERS else kind.value for kind in Kind}
_FAMILIES[Kind.TEXTS] = "list of texts"
_MEASURES = {"m": "distance", "us": "length of time", "version": "version"}


@frozen(cache_hash=True, repr=False)
class DType:
    """A type: its kind and, for exact decimals, the digits after the point.

    Attributes:
        kind: Which family the values belong to.
        scale: For decimals, how many digits stand after the point; ``None`` when unknown.
        unit: The unit of values that are not plain numbers or texts: ``m`` for distances, ``us``
            for lengths of time, which are whole microseconds, or floats where they were divided,
            and ``version`` for versions, which are texts by which they are in order.
    """

    kind: Kind
    scale: int | None = field(default=None, validator=validators.optional(validators.ge(0)))
    unit: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether values can be used in arithmetic and have an order."""
        return self.kind in _NUMBERS and self.unit is None

    @property
    def is_time(self) -> bool:
        """Whether windows and calendar comparisons work on values."""
        return self.kind in _TIMES

    @property
    def is_duration(self) -> bool:
        """Whether values are lengths of time."""
        return self.unit == "us"

    @property
    def is_ordered(self) -> bool:
        """Whether values have an order."""
        return self.kind in _NUMBERS or self.kind in _TIMES

    @property
    def is_compared(self) -> bool:
        """Whether values can be compared by their order; versions can do nothing else."""
        return self.is_ordered or self.unit == "version"

    @property
    def family(self) -> str:
        """The word a message uses: the three kinds of number are all 'number'."""
        return _FAMILIES[self.kind] if self.unit is None else _MEASURES[self.unit]

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.kind is Kind.DECIMAL and self.scale is not None:
            return f"decimal({self.scale})"
        if self.unit:
            return self.family
        return self.kind.value


@frozen(cache_hash=True, repr=False)
class ParameterType(DType):
    """What a parameter takes that stands for a list, or for a number with bounds.

    Attributes:
        many: Whether it stands for a list of values of the type.
        counts: What a number is a number of, such as ``days``; None where it is of several.
        least: The least number that it takes; None for any.
        most: The greatest number that it takes; None for any.
    """

    many: bool = field(default=False, kw_only=True)
    counts: str | None = field(default=None, kw_only=True)
    least: int | None = field(default=None, kw_only=True)
    most: int | None = field(default=None, kw_only=True)

    @property
    def family(self) -> str:
        """The word a message uses."""
        return f"list of {super().family}s" if self.many else super().family

    @property
    def described(self) -> str:
        """What it takes, in words."""
        if self.many:
            return f"a {self.family}"
        what = f"whole number of {self.counts}" if self.counts else "whole number"
        digits = ""
        if self.kind is not Kind.INTEGER:
            what, digits = "percentage", f" with at most {self.scale} digits after the point"
        most = "" if self.most is None else f" to {self.most}"
        return f"a {what} from {self.least}{most}{digits}"

    def __str__(self) -> str:
        if self.many:
            return f"list of {super().__str__()}"
        return self.counts or super().__str__()


BOOLEAN = DType(Kind.BOOLEAN)
INTEGER = DType(Kind.INTEGER)
FLOAT = DType(Kind.FLOAT)
TEXT = DType(Kind.TEXT)
TEXTS = DType(Kind.TEXTS)
DATE = DType(Kind.DATE)
TIMESTAMP = DType(Kind.TIMESTAMP)
ANNIVERSARY = DType(Kind.ANNIVERSARY)
DISTANCE = DType(Kind.FLOAT, unit="m")
DURATION = DType(Kind.INTEGER, unit="us")
MEAN_DURATION = DType(Kind.FLOAT, unit="us")
VERSION = DType(Kind.TEXT, unit="version")


def decimal(scale: int | None = None) -> DType:
    """An exact decimal number, such as money.

    Args:
        scale: The largest number of digits after the point. ``None`` if unknown; engines that
            store decimals as floats are then not exact.

    Returns:
        The type.

    Example:
        >>> str(decimal(2))
        'decimal(2)'
    """
    return DType(Kind.DECIMAL, scale)
