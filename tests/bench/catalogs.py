"""Catalogs of thousands of definitions beside what is the least: TOML, parsing and checking once."""

from __future__ import annotations

import pickle
import time
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from functools import partial

import pandas as pd
from timing import Row, compared, rounds

from segmentkit import (
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Catalog,
    Entity,
    Limits,
    Relation,
    Schema,
    decimal,
)
from segmentkit._checking.checker import check
from segmentkit._checking.context import Names
from segmentkit._language import parser

BENCHMARK = "catalog"
ONCE = "TOML, parsed and checked once"
SIZES, ROUNDS = (2_500, 5_000, 10_000), 3
AS_OF = pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()
AMPLE = Limits(bytes=10**8, parts=10**8)
ATTRIBUTES = [Attribute("id", INTEGER), Attribute("age", INTEGER, nullable=True)]
ATTRIBUTES += [Attribute("country", TEXT, nullable=True)]
ORDERS = [Attribute("amount", decimal(2)), Attribute("placed_at", TIMESTAMP)]
BOUGHT = Relation("orders", key="customer", at="placed_at")
SCHEMA = Schema(
    [
        Entity("customers", key="id", attributes=ATTRIBUTES, relations=[BOUGHT]),
        Entity("orders", attributes=ORDERS),
    ]
)


def catalog(size: int) -> str:
    """A file of definitions that are all different, of three tests each."""
    entries = (
        f"[segments.s{i}]\n"
        f'where = \'age >= {i % 97} and country = "c{i}" and '
        f"count(orders where amount > {i}) >= {i % 7 + 1}'\n"
        for i in range(size)
    )
    return "language = 1\n" + "".join(entries)


def once(text: str) -> object:
    """What nobody can do without."""
    told = tomllib.loads(text, parse_float=Decimal)["segments"]
    texts = [each["where"] for each in told.values()]
    trees = [parser._parsed(each) for each in texts]
    return trees, [check(t, SCHEMA, s, Names()) for t, s in zip(trees, texts, strict=True)]


def afresh(text: str) -> Catalog:
    """The catalog, of which nothing is known yet."""
    parser._remembered.cache_clear()
    return Catalog.loads(text, SCHEMA, limits=AMPLE)


def run(*, quick: bool) -> Iterator[Row]:
    """Load, unpickle and compile catalogs; processor time."""
    for size in (250,) if quick else SIZES:
        text = catalog(size)
        loaded = afresh(text)
        data = pickle.dumps(loaded)
        contenders = {
            "load": partial(afresh, text),
            "unpickle": partial(pickle.loads, data),
            # What is compiled is kept for one instant, by each catalog of its own.
            "matcher": lambda loaded=loaded: loaded.bind().matcher(as_of=AS_OF),
            ONCE: partial(once, text),
        }
        seconds = rounds(contenders, 2 if quick else ROUNDS, clock=time.process_time)
        for name in ("load", "unpickle", "matcher"):
            both = {"segmentkit": seconds[name], ONCE: seconds[ONCE]}
            case = f"{name}, {size:,} definitions"
            yield compared(BENCHMARK, case, both, beside=ONCE, target=1.5)
