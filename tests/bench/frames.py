"""A pandas mask of ten conditions beside the mask that one writes by hand."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import polars as pl
from timing import Row, compared, rounds

from segmentkit import DATE, INTEGER, Segment
from segmentkit.pandas import mask, schema_from

BENCHMARK = "pandas mask"
PEER = "by hand"
SIZE = 1_000_000
ROUNDS = 25
GAPS = 0.05
AS_OF = pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()
SIGNED_UP, LATER, BORN = map(pd.Timestamp, ("2017-01-01", "2024-06-01", "2000-01-01"))

MIXED = """
    age > 30 and country in ("DK", "NO", "SE") and not (tier = "bronze") and score >= 25
    and visits < 40 and (vip or country = "UA" or tier = "gold") and signup >= 2017-01-01T00:00Z
    and birth < 2000-01-01 and country != "NO" and age <= 70
"""
EACH_TEXT_ONCE = """
    age > 30 and email contains "gmail" and country = "DK" and score >= 25 and visits < 40
    and signup >= 2017-01-01T00:00Z and birth < 2000-01-01 and tier = "gold"
    and not (email starts with "u1") and age <= 70
"""
NUMBERS = """
    age > 20 and score >= 5 and visits < 45 and signup >= 2017-01-01T00:00Z and birth < 2000-01-01
    and age <= 80 and score < 95 and visits > 2 and signup < 2024-06-01T00:00Z and not vip
"""

ByHand: TypeAlias = Callable[[pd.DataFrame], Any]


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


def mixed_with_na(f: Any) -> Any:
    """The first list by hand, where comparing with a missing value gives pandas' NA."""
    return (
        (f.age > 30).fillna(False)
        & f.country.isin(["DK", "NO", "SE"])
        & ~(f.tier == "bronze").fillna(False)
        & (f.score >= 25).fillna(False)
        & (f.visits < 40).fillna(False)
        & (f.vip | (f.country == "UA").fillna(False) | (f.tier == "gold").fillna(False))
        & (f.signup >= SIGNED_UP)
        & (f.birth < BORN)
        & (f.country != "NO").fillna(True)
        & (f.age <= 70).fillna(False)
    )


IN_QUERY = {
    "mixed": (
        "age > 30 and country in ('DK', 'NO', 'SE') and not (tier == 'bronze') and score >= 25"
        " and visits < 40 and (vip or country == 'UA' or tier == 'gold') and signup >= @SIGNED_UP"
        " and birth < @BORN and country != 'NO' and age <= 70"
    ),
    "numbers": (
        "age > 20 and score >= 5 and visits < 45 and signup >= @SIGNED_UP and birth < @BORN"
        " and age <= 80 and score < 95 and visits > 2 and signup < @LATER and not vip"
    ),
}
"""The first and the third list for ``DataFrame.query``."""


def queried(df: pd.DataFrame, name: str) -> int:
    """How many rows ``DataFrame.query`` finds."""
    return len(df.query(IN_QUERY[name]))


def in_polars(name: str) -> pl.Expr:
    """The first or the third list for polars, by the same operators as by hand."""

    class Columns:
        def __getattr__(self, column: str) -> Any:
            return pl.col(column)

    if name == "numbers":
        return numbers(Columns())  # type: ignore[no-any-return]
    f: Any = Columns()
    found: pl.Expr = (
        (f.age > 30)
        & f.country.is_in(["DK", "NO", "SE"])
        & ~(f.tier == "bronze")
        & (f.score >= 25)
        & (f.visits < 40)
        & (f.vip | (f.country == "UA") | (f.tier == "gold"))
        & (f.signup >= SIGNED_UP)
        & (f.birth < BORN)
        & (f.country != "NO")
        & (f.age <= 70)
    )
    return found


def others(df: pd.DataFrame, name: str) -> dict[str, Callable[[], int]]:
    """The same in other ways, where they are written down; each says how many rows it finds."""
    if name not in IN_QUERY:
        return {}
    frame, test = pl.from_pandas(df), in_polars(name)
    return {
        "DataFrame.query": partial(queried, df, name),
        "polars": lambda: int(frame.select(test.sum()).item()),
    }


def each_text_once(f: Any) -> Any:
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
        & (f.signup < LATER)
        & ~f.vip
    )


def population(size: int, texts: str, gaps: float = 0.0) -> pd.DataFrame:
    """Customers; a share of everything but the e-mail address, the key and a flag is missing."""
    random = np.random.default_rng(1)

    def column(values: Any, dtype: Any = None) -> pd.Series[Any]:
        found: pd.Series[Any] = pd.Series(values)
        if gaps:
            found = found.mask(random.random(size) < gaps)
        return found if dtype is None else found.astype(dtype)

    def choice(*names: str) -> pd.Series[Any]:
        return column(random.choice(np.array(names, dtype=object), size), texts)

    emails = [f"u{i}@gmail.com" for i in random.integers(0, 10**8, size)]
    seconds = random.integers(0, 315_000_000, size).astype("m8[s]")
    days = random.integers(0, 25_000, size).astype("m8[D]")
    return pd.DataFrame(
        {
            "id": np.arange(size),
            "country": choice("DK", "NO", "SE", "FI", "UA"),
            "tier": choice("gold", "silver", "bronze"),
            # Nobody keeps a million different texts as categories.
            "email": pd.Series(emails, dtype="str" if texts == "category" else texts),
            "age": column(random.integers(15, 90, size)),
            "score": column(random.random(size) * 100),
            "visits": column(random.integers(0, 50, size)),
            "signup": column(np.datetime64("2015-01-01", "us") + seconds),
            "birth": column((np.datetime64("1940-01-01", "D") + days).astype("M8[s]")),
            "vip": random.random(size) < 0.2,
        }
    )


def cases(size: int) -> Iterator[tuple[str, pd.DataFrame, list[tuple[str, str, ByHand]]]]:
    """Frames of several types, each with lists of ten conditions."""
    first = ("mixed", MIXED, mixed)
    once, plain = ("each text once", EACH_TEXT_ONCE, each_text_once), ("numbers", NUMBERS, numbers)
    yield "str", population(size, "str"), [first, once, plain]
    yield "object", population(size, "object"), [first, once]
    yield "category", population(size, "category"), [first, once]
    for texts in ("str", "object", "category"):
        yield f"{texts}, with gaps", population(size, texts, GAPS), [first]
    nullable = population(size, "str", GAPS).convert_dtypes()
    yield "nullable dtypes, with gaps", nullable, [("mixed", MIXED, mixed_with_na)]


def run(*, quick: bool) -> Iterator[Row]:
    """Measure masks, and what it costs to define the segment once before."""
    size = SIZE // 50 if quick else SIZE
    told = {"people": {"age": INTEGER, "visits": INTEGER, "birth": DATE}}
    for texts, df, lists in cases(size):
        schema = schema_from(df, "people", keys={"people": "id"}, types=told)
        for name, definition, by_hand in lists:
            segment = Segment.define(name, definition, schema)
            found, same = mask(segment, df, as_of=AS_OF), by_hand(df)
            if found.tolist() != same.tolist() or not 0 < found.sum() < size:
                raise AssertionError(f"{texts}, {name}: {found.sum()} rows, {same.sum()} {PEER}")
            contenders = {
                "segmentkit": partial(mask, segment, df, as_of=AS_OF),
                PEER: partial(by_hand, df),
            }
            more = others(df, name) if texts == "str" else {}
            if any(count() != found.sum() for count in more.values()):
                raise AssertionError(f"{texts}, {name}: others find other rows")
            seconds = rounds(contenders | more, 3 if quick else ROUNDS)
            yield compared(BENCHMARK, f"{name}, {texts}", seconds, beside=PEER, target=1.0)
            for beside in more:
                yield compared(BENCHMARK, f"{name}, {texts}", seconds, beside=beside)
    define = partial(Segment.define, "mixed", MIXED, schema)
    seconds = rounds({"segmentkit": define}, 3 if quick else 500, warm=3)
    yield Row(BENCHMARK, "Segment.define, the text known", statistics.median(seconds["segmentkit"]))
