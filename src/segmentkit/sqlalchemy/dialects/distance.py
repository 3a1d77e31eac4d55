"""Distances on the globe in SQL, by functions that every database has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa

from segmentkit._operators import EARTH_RADIUS
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled

Sql: TypeAlias = sa.ColumnElement[Any]

FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "sqrt": math.sqrt,
    "atan2": math.atan2,
}
"""What SQLite has only if it was built so."""
CALL = "SELECT atan2(sin(0), cos(0)) + sqrt(0)"
"""Fails where it has them not."""


def distance(north: Sql, east: Sql, north2: Sql, east2: Sql) -> Sql:
    """Metres between two points, by the haversine formula; degrees north and east.

    NULL if a point is not on the globe; no database is asked for the sine of infinity.
    """
    on_globe = [
        sa.and_(degrees >= _float(-most), degrees <= _float(most))
        for degrees, most in ((north, 90), (east, 180), (north2, 90), (east2, 180))
        if not _is_within(degrees, most)
    ]
    a, b = _radians(north), _radians(north2)
    across, along = _sin((b - a) / _float(2)), _sin(_radians(east2 - east) / _float(2))
    square = across * across + _cos(a) * _cos(b) * along * along
    # Rounding can make the square exceed one between antipodes.
    rest: Sql = sa.func.abs(_float(1) - square, type_=sa.Double())
    angle = Spelled(Construct.ANGLE, _sqrt(square), _sqrt(rest))
    metres = angle * _float(2 * EARTH_RADIUS)
    return sa.case((sa.and_(*on_globe), metres)) if on_globe else metres


def _is_within(degrees: Sql, most: int) -> bool:
    """Whether it is known to be on the globe, or missing; what is computed need not be."""
    if not isinstance(degrees, sa.BindParameter):
        return False
    constant: Any = degrees.value
    return constant is None or bool(abs(constant) <= most)


def _float(number: float) -> Sql:
    return sa.literal(float(number), sa.Double())


def _radians(degrees: Sql) -> Sql:
    return degrees * _float(math.pi / 180)


def _sin(angle: Sql) -> Sql:
    return sa.func.sin(angle, type_=sa.Double())


def _cos(angle: Sql) -> Sql:
    return sa.func.cos(angle, type_=sa.Double())


def _sqrt(number: Sql) -> Sql:
    return sa.func.sqrt(number, type_=sa.Double())
