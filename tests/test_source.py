"""Many segments in one pass: the answers of each alone, on every target that is a source."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Entity,
    Relation,
    Schema,
    SchemaError,
    Segment,
    Trait,
    UnsupportedError,
    decimal,
)
from tests.conformance_cases import Case, cases
from tests.targets import TARGETS, Target

SOURCES = [target for target in TARGETS if target.source]


def _together() -> list[list[Case]]:
    """The cases that ask about the same rows at the same instant."""
    found: dict[Any, list[Case]] = defaultdict(list)
    for case in cases():
        if case.members is not None:
            found[case.file, case.schema.root, case.as_of, repr(case.rows)].append(case)
    return list(found.values())


TOGETHER = _together()


def _id(together: list[Case]) -> str:
    return f"{together[0].file}, {len(together)} cases"


@pytest.mark.parametrize("together", TOGETHER, ids=_id)
@pytest.mark.parametrize("target", SOURCES, ids=lambda target: target.name)
def test_all_cases_at_once(target: Target, together: list[Case]) -> None:
    """Cases of the same rows have their members in one evaluation, too; refusals are told of."""
    first = together[0]
    segments = {f"{i}: {case.name}": case.define() for i, case in enumerate(together)}
    expected = dict(zip(segments, (sorted(case.members or []) for case in together), strict=True))
    refused = {
        name
        for name, case in zip(segments, together, strict=True)
        if {target.name, target.family} & set(case.unsupported)
    }
    with target.source(first.schema, first.rows) as source:
        found = source.evaluate(segments, as_of=first.as_of, skip_broken=True)
        sizes = source.sizes(segments, as_of=first.as_of, skip_broken=True)
        overlap = source.overlap(segments, as_of=first.as_of, skip_broken=True)
    assert set(found.broken) == set(sizes.broken) == refused
    assert all(isinstance(error, UnsupportedError) for error in found.broken.values())
    assert sorted(found.population) == sorted(
        row[first.schema.entity.key] for row in first.rows[first.schema.entity.table]
    )
    members = {name: sorted(found[name]) for name in found}
    assert members == {name: keys for name, keys in expected.items() if name not in refused}
    assert dict(sizes) == {name: len(keys) for name, keys in members.items()}
    assert sizes.population == len(found.population)
    pd.testing.assert_frame_equal(overlap, found.overlap())


PEOPLE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("town", TEXT, nullable=True),
                Attribute("height", FLOAT, nullable=True),
                Attribute("owes", decimal(2), nullable=True),
                Attribute("born", DATE, nullable=True),
                Attribute("seen", TIMESTAMP, nullable=True),
                Attribute("vip", BOOLEAN, nullable=True),
            ],
            relations=[Relation("orders", key="person", at="at")],
        ),
        Entity(
            "orders",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("at", TIMESTAMP),
                Attribute("town", TEXT, nullable=True),
            ],
        ),
    ]
)
VALUES = ["town", "height", "owes", "born", "seen", "vip", "count(orders)", "last(orders.town)"]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _rows(count: int) -> dict[str, list[dict[str, Any]]]:
    towns = ["Aarhus", "aarhus", "Aarhus ", "Ærø", "", None]
    people = [
        {
            "id": i,
            "town": towns[i % 6],
            "height": [1.5, 0.1 + 0.2, 0.3, None][i % 4],
            "owes": [Decimal("0.10"), Decimal("12345678901.25"), None][i % 3],
            "born": [date(2000, 2, 29), date(1999, 12, 31), None][i * 7 % 3],
            "seen": [datetime(2026, 4, 1, 3, 4, 5, 600), None][i % 2],
            "vip": [True, False, None][i % 3],
        }
        for i in range(count)
    ]
    orders = [
        {"id": i, "person": i % 11, "at": datetime(2026, 3, 1 + i % 30), "town": towns[i % 5]}
        for i in range(3 * count)
    ]
    return {"people": people, "orders": orders}


@pytest.mark.parametrize("count", [0, 1, 30])
@pytest.mark.parametrize("target", SOURCES, ids=lambda target: target.name)
def test_values_are_tallied_where_they_are(target: Target, count: int) -> None:
    """Counts of values in segments are those that values and answers one by one would give."""
    traits = [Trait.define(f"trait {i}", text, PEOPLE) for i, text in enumerate(VALUES)]
    segments = {
        "some": Segment.define(None, "id >= 20 or count(orders) = 9", PEOPLE),
        "towns": Segment.define(None, 'town starts with "A"', PEOPLE),
        "nobody": Segment.define(None, "id < 0", PEOPLE),
    }
    with target.source(PEOPLE, _rows(count)) as source:
        found = source.tally(traits, segments, as_of=NOON)
        few = source.tally(traits, segments, most=1, as_of=NOON)
        values = source.values(traits, as_of=NOON)
        held = source.evaluate(segments, as_of=NOON).frame
    held = held.reindex(values.index)
    for trait in traits:
        expected: dict[Any, list[int]] = {}
        for value, row in zip(values[trait.name], held.to_numpy().tolist(), strict=True):
            counts = expected.setdefault(None if pd.isna(value) else value, [0, 0, 0])
            counts[:] = [n + holds for n, holds in zip(counts, row, strict=True)]
        expected = {value: counts for value, counts in expected.items() if any(counts)}
        told = _told(found[trait.name])
        assert told == expected
        present = {value: counts for value, counts in expected.items() if value is not None}
        assert found[trait.name].attrs == {"different": len(present), "as_of": NOON}
        assert few[trait.name].attrs == {"different": len(present), "as_of": NOON}
        short = _told(few[trait.name])
        assert short.items() <= expected.items()
        assert (None in short) == (None in expected)
        for place in range(3):
            best = max((counts[place] for counts in present.values()), default=0)
            assert best == 0 or best in [c[place] for v, c in short.items() if v is not None]
        assert len([value for value in short if value is not None]) <= 2


def _told(tally: pd.DataFrame) -> dict[Any, list[int]]:
    """Counts by value, None where it is missing."""
    keys = [None if pd.isna(value) else value for value in tally.index.tolist()]
    assert len(keys) == len(set(keys))
    return dict(zip(keys, tally.to_numpy().tolist(), strict=True))


@pytest.mark.parametrize("target", SOURCES, ids=lambda target: target.name)
def test_what_cannot_be_tallied_is_refused(target: Target) -> None:
    """No traits, and traits of another schema, are errors in words."""
    everyone = Segment.define("everyone", "true", PEOPLE)
    other = Schema([Entity("others", key="id", attributes=[Attribute("id", INTEGER)])])
    with target.source(PEOPLE, _rows(1)) as source:
        with pytest.raises(ValueError, match="at least one trait"):
            source.tally([], everyone)
        with pytest.raises(SchemaError, match="different schemas"):
            source.tally([Trait.define("number", "id", other)], everyone)
