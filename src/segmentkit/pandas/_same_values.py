"""Rows of one owner that have the same value, as rows of one owner each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segmentkit.pandas._arrays import Array, Positions, Text, Values, Vector
from segmentkit.pandas._exact_numbers import rescaled


def together(
    owners: Positions, values: Values, other_owners: Positions, other_values: Values
) -> tuple[Positions, Positions]:
    """An owner and a value as one number, alike for rows here and other rows; -1 for nobody's.

    What is missing is the same as nothing.
    """
    codes, size = _codes(values, other_values), len(owners)
    whose = np.concatenate([owners, other_owners])
    nobodys = (whose < 0) | (codes < 0)
    # Both are less than the number of rows, and so is what becomes of them: it stays small.
    pairs = pd.factorize(whose * np.int64(codes.max(initial=0) + 1) + codes)[0]
    found = np.where(nobodys, -1, pairs).astype(np.intp, copy=False)
    return found[:size], found[size:]


def _codes(here: Values, there: Values) -> Array:
    """Numbers that are the same where the values are, of rows here and then of others."""
    if isinstance(here, Text):
        assert isinstance(there, Text)
        known = pd.factorize(np.concatenate([here.texts, there.texts]))[0]
        places = [here.codes, np.where(there.codes < 0, -1, there.codes + len(here.texts))]
        codes: Array = np.append(known, -1)[np.concatenate(places)]
        return codes
    assert isinstance(there, Vector)
    scale = max(here.scale, there.scale)
    data = [_plain(rescaled(each, scale)) for each in (here, there)]
    if object in (data[0].dtype, data[1].dtype):
        data = [each.astype(object) for each in data]
    codes = pd.factorize(np.concatenate(data))[0]
    return np.where(np.concatenate([here.missing, there.missing]), -1, codes)


def _plain(data: Array) -> Array:
    """Times as the numbers that they are stored as."""
    return data.view(np.int64) if data.dtype.kind == "M" else data
