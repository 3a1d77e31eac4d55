"""A mask of ten conditions over a million rows, beside the mask that one writes by hand.

Prints, for each way to store texts and each list of conditions, the two times and their ratio,
which must be at most 1.2. Run it from the repository: ``python tests/bench/pandas_mask.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

import segmentkit as sk
from segmentkit.pandas import mask, schema_from

ROWS = 1_000_000
REPEATS = 15
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
SIGNED_UP, BORN = pd.Timestamp("2017-01-01"), pd.Timestamp("2000-01-01")

MIXED = """
    age > 30 and country in ("DK", "NO", "SE") and not (tier = "bronze") and score >= 25
    and visits < 40 and (vip or country = "UA" or tier = "gold") and signup >= 2017-01-01T00:00Z
    and birth < 2000-01-01 and country != "NO" and age <= 70
"""
ONE_TEST_EACH = """
    age > 30 and email contains "gmail" and country = "DK" and score >= 25 and visits < 40
    and signup >= 2017-01-01T00:00Z and birth < 2000-01-01 and tier = "gold"
    and not (email starts with "u1") and age <= 70
"""
NUMBERS = """
    age > 20 and score >= 5 and visits < 45 and signup >= 2017-01-01T00:00Z and birth < 2000-01-01
    and age <= 80 and score < 95 and visits > 2 and signup < 2024-06-01T00:00Z and not vip
"""


def mixed(f: Any) -> Any:
    """The first list by hand."""
    return (
        (f.age > 30)
        & f.country.isin(["DK", "NO", "SE"])
        & ~(f.tier == "bronze")
        & (f.score >= 25)
        & (f.visits < 40)
        & (f.vip | (f.country == "UA") | (f.tier == "gold"))
        & (f.signup >= SIGNED_UP)
        & (f.birth < BORN)
        & (f.country != "NO")
        & (f.age <= 70)
    )


def one_test_each(f: Any) -> Any:
    """The second list by hand."""
    return (
        (f.age > 30)
        & f.email.str.contains("gmail", regex=False)
        & (f.country == "DK")
        & (f.score >= 25)
        & (f.visits < 40)
        & (f.signup >= SIGNED_UP)
        & (f.birth < BORN)
        & (f.tier == "gold")
        & ~f.email.str.startswith("u1")
        & (f.age <= 70)
    )


def numbers(f: Any) -> Any:
    """The third list by hand."""
    return (
        (f.age > 20)
        & (f.score >= 5)
        & (f.visits < 45)
        & (f.signup >= SIGNED_UP)
        & (f.birth < BORN)
        & (f.age <= 80)
        & (f.score < 95)
        & (f.visits > 2)
        & (f.signup < pd.Timestamp("2024-06-01"))
        & ~f.vip
    )


LISTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "mixed": (MIXED, mixed),
    "each text once": (ONE_TEST_EACH, one_test_each),
    "numbers": (NUMBERS, numbers),
}


def population(texts: str) -> pd.DataFrame:
    """Customers, some of whose countries and ages are missing."""
    random = np.random.default_rng(1)

    def choice(*names: str | None) -> pd.Series[Any]:
        return pd.Series(random.choice(np.array(names, dtype=object), ROWS), dtype=object)

    emails = [f"u{i}@gmail.com" for i in random.integers(0, 10**8, ROWS)]
    age = random.integers(15, 90, ROWS).astype(float)
    age[random.random(ROWS) < 0.1] = np.nan
    seconds = random.integers(0, 315_000_000, ROWS).astype("m8[s]")
    days = random.integers(0, 25_000, ROWS).astype("m8[D]")
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "country": choice("DK", "NO", "SE", "FI", "UA", None).astype(texts),
            "tier": choice("gold", "silver", "bronze").astype(texts),
            # Nobody keeps a million different texts as categories.
            "email": pd.Series(emails, dtype="str" if texts == "category" else texts),
            "age": age,
            "score": random.random(ROWS) * 100,
            "visits": random.integers(0, 50, ROWS),
            "signup": np.datetime64("2015-01-01", "us") + seconds,
            "birth": (np.datetime64("1940-01-01", "D") + days).astype("M8[s]"),
            "vip": random.random(ROWS) < 0.2,
        }
    )


def milliseconds(work: Callable[[], object]) -> float:
    """The least time of several runs, without what else the machine did."""
    times = []
    for _ in range(REPEATS):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times) * 1000


def main() -> None:
    """Measure and print."""
    told = {"people": {"age": sk.INTEGER, "birth": sk.DATE}}
    for texts in ("str", "object", "category"):
        frame = population(texts)
        schema = schema_from(frame, "people", keys={"people": "id"}, types=told)
        for name, (definition, by_hand) in LISTS.items():
            segment = sk.Segment.define(name, definition, schema)
            assert (mask(segment, frame, as_of=AS_OF) == by_hand(frame)).all(), name
            theirs = milliseconds(lambda: by_hand(frame))  # noqa: B023 - called at once
            ours = milliseconds(lambda: mask(segment, frame, as_of=AS_OF))  # noqa: B023
            print(
                f"{texts:9} {name:15} by hand {theirs:6.1f} ms, mask {ours:6.1f} ms, "
                f"ratio {ours / theirs:.2f}"
            )


if __name__ == "__main__":
    main()
