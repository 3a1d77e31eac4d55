"""The order of rows in time, without a loop over rows."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from segmentkit.pandas._arrays import NAT, Array, Mask, Positions

_SECOND, _DAY = 1_000_000, 86_400
_FURTHEST = 2**62


@frozen(eq=False)
class Moments:
    """Rows in time.

    Attributes:
        owners: Whose each row is; -1 for nobody's.
        at: When each row happened: datetime64[us], or datetime64[D].
    """

    owners: Positions
    at: Array


def follows(here: Moments, there: Moments, *, backward: bool, within: int | None) -> Mask:
    """Which rows here have a row of the same owner there after them, or before them.

    Args:
        here: The rows to say it of.
        there: The rows to look among.
        backward: Whether to look before.
        within: How many seconds may lie between the two; None if any number.

    Returns:
        True where there is one; rows at one instant do not follow each other.
    """
    at, times = here.at.view(np.int64), there.at.view(np.int64)
    real = (there.owners >= 0) & (times != NAT)
    owners, times = there.owners[real], times[real]
    found = np.zeros(len(at), dtype=np.bool_)
    if not len(times):
        return found
    # An owner and the rank of a time make one number, by which rows are found in order.
    distinct = np.unique(times)
    base = len(distinct) + 1
    order = np.lexsort((times, owners))
    owners, times = owners[order], times[order]
    numbers = owners * base + np.searchsorted(distinct, times)
    # The nearest one decides: if it is too far away, so are all others.
    rank = np.searchsorted(distinct, at, side="left" if backward else "right")
    place = np.searchsorted(numbers, here.owners * base + rank) - (1 if backward else 0)
    inside = (here.owners >= 0) & (at != NAT) & (place >= 0) & (place < len(times))
    rows, place = np.flatnonzero(inside), place[inside]
    same = owners[place] == here.owners[rows]
    if within is not None:
        unit = np.datetime_data(here.at.dtype)[0]
        most = within // _DAY if unit == "D" else within * _SECOND
        same &= np.abs(times[place] - at[rows]) <= min(most, _FURTHEST)
    found[rows] = same
    return found
