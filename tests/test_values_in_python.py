"""Segments, traits and partitions as values of Python: no truth, long chains, large wholes."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from functools import reduce
from operator import and_, or_, sub, xor
from typing import Any

import pandas as pd
import pytest

from segmentkit import (
    INTEGER,
    TEXT,
    Attribute,
    Catalog,
    DefinitionError,
    Entity,
    Partition,
    Relation,
    Schema,
    SchemaError,
    Segment,
    Trait,
    difference,
    intersection,
    union,
)
from segmentkit import pandas as frames
from segmentkit.analysis import gaps
from tests.test_messages import SHOP

PEOPLE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("age", INTEGER, nullable=True),
                Attribute("name", TEXT, nullable=True),
            ],
            relations=[Relation("friends", to="people", key="friend")],
        )
    ]
)
OLD = Segment.define("old", "age > 40", PEOPLE)
ADA = Segment.define("ada", 'name = "Ada"', PEOPLE)
YEARS = Trait.define("years", "age + 1", PEOPLE)
RECORD = {"id": 1, "age": 50_000, "name": None}


def _chain(length: int, body: str) -> list[Segment]:
    found = [Segment.define("s0", "age > 40 and not name is missing", PEOPLE)]
    for i in range(1, length):
        text = body.format(last=f"s{i - 1}", i=i)
        found.append(Segment.define(f"s{i}", text, PEOPLE, segments=found[-1:]))
    return found


def _copied(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - of our own


def _ever_deeper(segment: Segment, times: int) -> Segment:
    for i in range(times):
        segment = ~(segment & Segment.define(None, f"age = {i}", PEOPLE))
    return segment


def test_segments_have_no_truth() -> None:
    """`and`, `or`, `not` and `if` would silently give one of the operands: they are refused."""
    for given in (
        lambda: OLD and ADA, lambda: OLD or ADA, lambda: not OLD, lambda: 1 if OLD else 2,
        lambda: bool(OLD & ADA), lambda: any([OLD]),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            given()
    with pytest.raises(TypeError, match=r"& \| - \^ ~.*matches"):
        bool(OLD)
    with pytest.raises(TypeError, match="of"):
        bool(YEARS)
    with pytest.raises(TypeError, match="of"):
        bool(Partition.define("p", [OLD], rest="others"))
    assert OLD in [ADA, OLD]


LONG = 'name = "' + "x" * 60_000 + '"'


@pytest.mark.parametrize(
    "text",
    [
        "----------age in (17, 40)",
        "(" * 40 + "age > 3" + ")" * 40,
        "not (not (not (not age > 3)))",
        "any(friends where any(friends where any(friends where age > 3)))",
        "age > 3 or (age < 2 and (age = 1 or not (age != 7 and age = 3)))",
        LONG,
    ],
)
def test_the_algebra_accepts_what_is_defined(text: str) -> None:
    """What is a segment can be complemented and joined, with itself and with others."""
    one = Segment.define(None, text, PEOPLE)
    made = [~one, ~~one, one & one, one | one, one & OLD, OLD | one, OLD - one, one - OLD]
    made += [(one & OLD) | (ADA - one), ~(one | OLD)] if text != LONG else []
    for each in made:
        again = Segment.define(None, each.definition, PEOPLE)
        assert again == each
        assert again.definition == each.definition == str(each)
        assert _copied(each) == each
    assert one & one == one == ~~one


def test_combinations_are_what_their_text_says() -> None:
    """Put together from what is checked, a segment is the same as its text is, warnings too."""
    vip = Segment.define("vip", "vip and country = :home", SHOP)
    low = Segment.define("low", "not age > :most or in segment vip", SHOP, segments=[vip])
    born = Trait.define("years", "age(born)", SHOP)
    grown = Segment.define("grown", "years >= 18 and not years > 65", SHOP, traits=[born])
    segments = [vip, low, grown, ~low, vip | grown]
    for a in segments:
        for b in segments:
            for join in (and_, or_, sub, xor):
                made = join(a, b)
                again = Segment.define(None, made.definition, SHOP, segments=[vip], traits=[born])
                assert again == made
                assert again.definition == made.definition
                assert again.parameters == made.parameters
                assert (again.references, again.traits) == (made.references, made.traits)
                assert again.warnings == made.warnings
                assert again._tree == made._tree
    bound = (vip & low).bind(home="UA", most=3)
    assert bound.definition == 'vip and country = "UA" and (not age > 3 or in segment vip)'


def test_combinations_that_do_not_fit_are_refused() -> None:
    """One parameter of two types, two segments of one name, two schemas: errors as before."""
    number = Segment.define(None, "age > :x", PEOPLE)
    text = Segment.define(None, "name = :x", PEOPLE)
    with pytest.raises(DefinitionError, match="SK120"):
        _ = number & text
    a = Segment.define(None, "in segment s", PEOPLE, segments={"s": OLD})
    b = Segment.define(None, "in segment s", PEOPLE, segments={"s": ADA})
    with pytest.raises(SchemaError, match="two different segments"):
        _ = a | b
    with pytest.raises(SchemaError, match="different schemas"):
        _ = OLD - Segment.define(None, "vip", SHOP)
    with pytest.raises(DefinitionError, match="SK006"):
        union(None, *(Segment.define(None, LONG.replace("x", c), PEOPLE) for c in "xy"))
    with pytest.raises(DefinitionError, match="SK007"):
        _ever_deeper(OLD, 60)


def test_combinations_one_by_one_are_those_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Joining segments one after the other reads no text again, so it takes hardly longer."""
    segments = [Segment.define(None, f'age > {i} and name != "n{i}"', PEOPLE) for i in range(400)]
    monkeypatch.delattr("segmentkit.segment.read")
    monkeypatch.delattr("segmentkit.segment.check")
    assert reduce(and_, segments) == intersection(None, *segments)
    assert reduce(or_, segments) == union(None, *segments)
    assert reduce(sub, segments) == difference(None, *segments)


@pytest.mark.parametrize(
    "chain",
    [_chain(400, "in segment {last} and age > {i}"), _chain(3_000, "in segment {last}")],
    ids=["and", "alone"],
)
def test_long_chains_of_references(chain: list[Segment]) -> None:
    """What loads can be copied, explained and asked about, however far references lead."""
    last = chain[-1]
    limit = sys.getrecursionlimit()
    assert _copied(last) == last == copy.deepcopy(last)
    again = _copied(chain)
    assert again == chain
    assert again[-1].references["s" + str(len(chain) - 2)] is again[-2]
    explanation = last.explain(RECORD)
    assert explanation.holds is last.matches(RECORD)
    assert "in segment" in str(explanation)
    assert json.dumps(explanation.to_dict())
    assert explanation._repr_html_()
    assert last.uncertain().matches(RECORD) is False
    assert last.uncertain().matches({"id": 1, "age": None, "name": "Ada"}) is True
    assert last.warnings == ()
    assert len(last.fingerprint) == 32
    assert sys.getrecursionlimit() == limit


def test_chains_of_traits() -> None:
    """Traits rest on traits as segments do on segments."""
    traits = [Trait.define("t0", "age", PEOPLE)]
    for i in range(1, 500):
        text = f"default(t{i - 1}, age)" if i == 1 else f"t{i - 1}"
        traits.append(Trait.define(f"t{i}", text, PEOPLE, traits=traits[-1:]))
    assert _copied(traits[-1]) == traits[-1] == copy.deepcopy(traits[-1])
    segment = Segment.define(None, "t499 > 3", PEOPLE, traits=traits[-1:])
    assert _copied(segment) == segment


def test_references_that_double() -> None:
    """Where every level names the one below twice, there is an answer, or an error, and soon."""
    chain = _chain(40, "not in segment {last} and not in segment {last}")
    explanation = chain[-1].explain(RECORD)
    assert explanation.holds is chain[-1].matches(RECORD)
    assert sum(1 for _ in explanation.clause.tests()) <= 1_000
    with pytest.raises(DefinitionError, match="SK006"):
        chain[-1].uncertain()
    assert chain[-1].warnings == ()


def test_gaps_of_long_chains() -> None:
    """What is missing far down a chain of references counts as what is missing above."""
    rows = pd.DataFrame({"id": [1, 2, 3], "age": [999.0, None, 1.0], "name": ["a", "b", None]})
    found = gaps(
        _chain(400, "in segment {last} and age > {i}")[-1], frames.Source({"people": rows})
    )
    assert (found.size, found.in_only, found.out_only) == (1, 0, 1)
    assert [gap.value for gap in found.gaps] == ["age"]
    doubled = _chain(40, "not in segment {last} and not in segment {last}")[-1]
    with pytest.raises(DefinitionError, match="SK006"):
        gaps(doubled, frames.Source({"people": rows}))


def test_near_references_are_explained_first() -> None:
    """What is spelled out is what is near; further down it is said whether a segment holds them."""
    chain = _chain(200, "in segment {last} and age > {i}")
    explained = chain[-1].explain(RECORD)
    texts = [test.text for test in explained.clause.tests()]
    assert "age > 199" in texts
    assert "age > 160" in texts
    (named,) = [text for text in texts if text.startswith("in segment")]
    assert named not in ("in segment s198", "in segment s0")
    assert explained.clause.holds is chain[-1].matches(RECORD)


def test_catalogs_of_long_chains() -> None:
    """A catalog whose segments rest on each other in a long chain loads, and can be copied."""
    lines = ["language = 1", "[segments]", 's0.where = "age > 1"']
    lines += [f's{i}.where = "in segment s{i - 1} and age > {i}"' for i in range(1, 400)]
    catalog = Catalog.loads("\n".join(lines), PEOPLE)
    assert _copied(catalog["s399"]) == catalog["s399"]
    assert catalog["s399"].explain(RECORD).holds
