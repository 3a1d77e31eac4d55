"""Catalogs of thousands of definitions: the work grows as their number does, and is done once."""

from __future__ import annotations

import gc
import pickle
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from segmentkit import (
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Catalog,
    CatalogError,
    Entity,
    Limits,
    Relation,
    Schema,
    Segment,
    decimal,
    segment,
    trait,
)
from segmentkit._language import parser
from segmentkit._record.compiler import Function
from segmentkit.evaluation import Asked, Evaluation

AS_OF = datetime(2026, 1, 1)
PEOPLE = Entity(
    "people",
    key="id",
    attributes=[
        Attribute("id", INTEGER),
        Attribute("age", INTEGER, nullable=True),
        Attribute("visits", INTEGER, nullable=True),
        Attribute("country", TEXT, nullable=True),
    ],
    relations=[Relation("orders", key="person", at="placed_at")],
)
ORDERS = Entity(
    "orders", attributes=[Attribute("amount", decimal(2)), Attribute("placed_at", TIMESTAMP)]
)
SCHEMA = Schema([PEOPLE, ORDERS])


def texts(count: int) -> dict[str, str]:
    """Definitions that are all different, of three tests each."""
    return {
        f"s{i}": f'age >= {i % 97} and country = "c{i}" and count(orders where amount > {i}) >= 1'
        for i in range(count)
    }


def file(definitions: dict[str, str]) -> str:
    """A catalog of segments."""
    entries = (f"[segments.{name}]\nwhere = '{text}'\n" for name, text in definitions.items())
    return "language = 1\n" + "".join(entries)


def entered(run: Callable[[], object]) -> int:
    """How many functions are entered, those of C included.

    The collector of cycles rests: what it calls depends on the tests before, not on the work.
    """
    count = 0

    def note(frame: object, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
        gc.enable()
    return count


def grows_as(make: Callable[[int], Callable[[], object]], sizes: Iterable[int]) -> list[float]:
    """How many times as much each size takes for one definition as the first."""
    each = [entered(make(size)) / size for size in sizes]
    return [one / each[0] for one in each]


def records() -> list[dict[str, Any]]:
    """People of all kinds, with and without orders."""
    draw = random.Random(1)
    found = []
    for number in range(60):
        orders = [
            {"amount": draw.randrange(300), "placed_at": datetime(2025, 1, 1 + draw.randrange(28))}
            for _ in range(draw.randrange(4))
        ]
        person = {"age": draw.choice([None, 7, 30, 70]), "visits": draw.choice([None, 0, 3])}
        country = draw.choice([None, *(f"c{i}" for i in range(9))])
        found.append({"id": number, **person, "country": country, "orders": orders})
    return found


def test_the_matcher_takes_time_by_the_number_of_definitions() -> None:
    """Of four times as many definitions, with as many aggregates, it does four times as much."""

    def make(size: int) -> Callable[[], object]:
        catalog = Catalog.loads(file(texts(size)), SCHEMA)
        return lambda: catalog.matcher(as_of=AS_OF)

    assert max(grows_as(make, (150, 600))) < 1.1


def referring(count: int, draw: random.Random) -> dict[str, str]:
    """Definitions that refer to those before them in every way."""
    tests = [
        "age >= 18",
        "age < 65",
        "visits is missing",
        "visits > 1",
        'country in ("c1", "c2", "c3")',
        "count(orders where amount > 100) >= 1",
        "sum(orders.amount) > 200",
    ]
    found: dict[str, str] = {}
    for number in range(count):
        parts = draw.sample(tests, draw.randrange(1, 4))
        if number:
            for name in draw.sample(list(found), min(len(found), draw.randrange(3))):
                parts.append(draw.choice(["in segment", "not in segment"]) + f" {name}")
        draw.shuffle(parts)
        joint = draw.choice([" and ", " or "])
        text = joint.join(parts)
        if len(parts) > 1 and draw.random() < 0.3:
            counted = draw.choice(["at least", "at most", "exactly"])
            text = f"{counted} {draw.randrange(1, len(parts) + 1)} of ({', '.join(parts)})"
        if draw.random() < 0.4:
            text = f"({text}){draw.choice([' and ', ' or '])}{draw.choice(tests)}"
        found[f"s{number}"] = f"not ({text})" if draw.random() < 0.2 else text
    return found


@pytest.mark.parametrize("seed", range(12))
def test_answers_that_others_are_made_of_stay_the_same(seed: int) -> None:
    """What refers to other segments, near and far, has the members that it has alone."""
    catalog = Catalog.loads(file(referring(70, random.Random(seed))), SCHEMA)
    match = catalog.matcher(as_of=AS_OF)
    alone = {name: each.matcher(as_of=AS_OF) for name, each in catalog.items()}
    for record in records():
        assert match(record) == tuple(name for name, test in alone.items() if test(record))


def test_what_many_refer_to_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment of forty tests, to which a hundred refer, is forty tests in the matcher."""
    compiled: list[str] = []
    present = Function.present

    def counted(self: Function, test: str, /, **operands: Any) -> Any:
        compiled.append(test)
        return present(self, test, **operands)

    base = {"base": " and ".join(f'not (country contains "x{i}")' for i in range(40))}
    ways = ["in segment base", "not in segment base", "in segment base or in segment s0"]
    users = {f"s{i}": f"visits > {i} and ({ways[i % 3 if i else 0]})" for i in range(100)}
    catalog = Catalog.loads(file(base | users), SCHEMA)
    monkeypatch.setattr(Function, "present", counted)
    match = catalog.matcher(as_of=AS_OF)
    assert len(compiled) == 40 + 100
    assert match({"id": 1, "visits": 2, "country": "DK", "orders": []}) == ("base", "s0")


def test_a_reference_that_is_no_segment_of_the_catalog() -> None:
    """A catalog of segments that refer to others outside of it gives the same answers."""
    minor = Segment.define("minor", "age < 18 and age is present", SCHEMA)
    texts = {"a": "in segment minor and visits > 1", "b": "not in segment minor and visits > 1"}
    catalog = Catalog({n: Segment.define(n, t, SCHEMA, segments=[minor]) for n, t in texts.items()})
    for age, names in ((7, ("a",)), (30, ("b",)), (None, ("b",))):
        assert catalog.matches({"id": 1, "age": age, "visits": 2}, as_of=AS_OF) == names


# -- loading ---------------------------------------------------------------------------------------


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many texts are parsed, and how many definitions are checked."""
    done: Counter[str] = Counter()

    def counted(module: Any, name: str) -> None:
        original = getattr(module, name)

        def count(*given: Any, **named: Any) -> Any:
            done[name] += 1
            return original(*given, **named)

        monkeypatch.setattr(module, name, count)

    counted(parser, "_parsed")
    counted(segment, "check")
    counted(trait, "check_trait")
    return done


LARGE = 1_000


def large() -> str:
    """Definitions that differ from each other, and that no memory of texts holds."""
    return file(texts(LARGE)) + "[traits]\n" + "".join(f"t{i} = 'age + {i}'\n" for i in range(9))


def test_each_text_is_parsed_and_checked_once(work: Counter[str]) -> None:
    """However many texts there are, each is read once and checked once: loaded and unpickled."""
    catalog = Catalog.loads(large(), SCHEMA)
    assert work == {"_parsed": LARGE + 9, "check": LARGE, "check_trait": 9}
    data = pickle.dumps(catalog)
    work.clear()
    assert pickle.loads(data) == catalog  # noqa: S301 - its own
    assert work == {"_parsed": LARGE + 9, "check": LARGE, "check_trait": 9}


def test_loading_takes_time_by_the_number_of_definitions() -> None:
    """Of three times as many definitions, it does three times as much."""

    def make(size: int) -> Callable[[], object]:
        text = file({f"s{size}x{i}": f"age > {size} and visits > {i}" for i in range(size)})
        return lambda: pickle.loads(  # noqa: S301 - its own
            pickle.dumps(Catalog.loads(text, SCHEMA))
        )

    make(100)()
    # Fewer texts than these are remembered.
    assert max(grows_as(make, (600, 1_800))) < 1.1


def test_what_is_sound_is_checked_once(work: Counter[str]) -> None:
    """Of what is left out, only what refers to it is checked again: in one pass, however far."""
    chain = {"s0": "nope > 1", **{f"s{i}": f"in segment s{i - 1}" for i in range(1, 50)}}
    catalog = Catalog.loads(
        file(chain | {f"x{i}": f"age > {i}" for i in range(LARGE)}), SCHEMA, skip_broken=True
    )
    assert len(catalog) == LARGE
    assert set(catalog.broken) == set(chain)
    assert work["_parsed"] == 50 + LARGE
    assert work["check"] == 50 + LARGE + 49


def test_a_reference_to_nothing_takes_no_look_at_all_names() -> None:
    """Similar names are looked for of the first mistakes only."""

    def make(size: int) -> Callable[[], object]:
        text = file({f"s{size}x{i}": f"in segment nobody{i} or age > {size}" for i in range(size)})
        return lambda: Catalog.loads(text, SCHEMA, skip_broken=True).broken

    make(100)()
    assert max(grows_as(make, (300, 1_200))) < 1.1


def test_a_mistake_that_repeats_is_told_once() -> None:
    """The message has one text, the number of the other places, and the first of them."""
    definitions = {f"s{i}": f"agee > {i}" for i in range(30)} | {"other": "nope = 1"}
    with pytest.raises(CatalogError) as raised:
        Catalog.loads(file(definitions), SCHEMA, file="s.toml")
    assert len(raised.value.problems) == 31
    assert str(raised.value) == (
        "s.toml:3 segment 's0'\n"
        "SK101 unknown attribute 'agee'\n"
        "    agee > 0\n"
        "    ^^^^\n"
        "    hint: did you mean 'age'?\n"
        "    the same in 29 other places: "
        "s.toml:5 segment 's1', s.toml:7 segment 's2', s.toml:9 segment 's3', …\n"
        "s.toml:63 segment 'other'\n"
        "SK101 unknown attribute 'nope'\n"
        "    nope = 1\n"
        "    ^^^^\n"
        "    hint: there are age, country, id, orders, visits"
    )


def test_a_value_of_the_wrong_type_is_told_where_it_is_used() -> None:
    """What refers to a segment whose parameter has a wrong value has no mistake of its own."""
    text = file({"a": "age > :least", "b": "in segment a", "c": "visits > 1"})
    text += "[parameters]\nleast = 'many'\n"
    with pytest.raises(CatalogError) as raised:
        Catalog.loads(text, SCHEMA)
    assert [(p.name, p.diagnostic.code) for p in raised.value.problems] == [("a", "SK121")]
    catalog = Catalog.loads(text, SCHEMA, skip_broken=True)
    assert (list(catalog), list(catalog.broken)) == (["c"], ["a", "b"])


def test_a_trait_that_is_called_as_an_attribute_takes_nothing_with_it() -> None:
    """A definition that names the attribute stands, and so does what refers to it."""
    text = file({"a": "age > 1", "b": "in segment a"}) + "[traits]\nage = 'visits + 1'\n"
    catalog = Catalog.loads(text, SCHEMA, skip_broken=True)
    assert (list(catalog), list(catalog.broken)) == (["a", "b"], ["trait age"])


def test_circles_that_share_a_segment() -> None:
    """None of them stands, nor what refers to them."""
    circles = {"hub": " or ".join(f"in segment r{i}" for i in range(20))}
    circles |= {f"r{i}": "in segment hub" for i in range(20)}
    catalog = Catalog.loads(
        file({"first": "in segment r3", **circles, "sound": "age > 1"}), SCHEMA, skip_broken=True
    )
    assert (list(catalog), len(catalog.broken)) == (["sound"], 22)


def test_the_limit_of_parts_ends_the_reading(work: Counter[str]) -> None:
    """What is beyond the limit is not checked one definition after the other."""
    with pytest.raises(CatalogError, match="SK307"):
        Catalog.loads(file(texts(100)), SCHEMA, limits=Limits(parts=100), skip_broken=True)
    assert work["check"] < 20


def test_reading_an_evaluation_by_name_takes_no_look_at_all_names() -> None:
    """Everyone's members in four times as many segments take four times as much."""

    def make(size: int) -> Callable[[], object]:
        asked = tuple(Asked(f"s{i}", None, None) for i in range(size))
        found = Evaluation(pd.Index([1]), asked, None, np.ones((size, 1), np.uint8))
        assert list(found["s7"].keys) == [1]
        return lambda: (dict(found), found & found)

    assert max(grows_as(make, (150, 600))) < 1.1
