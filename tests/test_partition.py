"""Partitions: everyone in exactly one part, whatever the parts are."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from segmentkit import (
    INTEGER,
    Attribute,
    DataError,
    DefinitionError,
    Entity,
    Partition,
    Schema,
    SchemaError,
    Segment,
    SegmentTypeError,
)
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql

PEOPLE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("age", INTEGER, True)],
        )
    ]
)
MINOR = Segment.define("minor", "age < 18", PEOPLE)
YOUNG = Segment.define("young", "age < 30", PEOPLE)
AGES = Partition.define("ages", [MINOR, YOUNG], rest="others", title="Ages", owner="growth")
ROWS = [{"id": n, "age": age} for n, age in enumerate([7, 17, 18, 29, 30, None])]
LABELS = ["minor", "minor", "young", "young", "others", "others"]
AUDIT = """\
part       alone       got  lost to
minor          2         2
young          4         2  minor 2
others         2         2"""


def test_as_a_value() -> None:
    """A partition prints its order, compares by its parts, hashes, copies and pickles."""
    assert str(AGES) == "ages: minor > young > others"
    assert AGES.labels == ("minor", "young", "others")
    assert Partition.define("x", {"minor": MINOR, "young": YOUNG}, rest="others") == AGES
    assert Partition.define("x", [YOUNG, MINOR], rest="others") != AGES
    assert Partition.define("x", [MINOR, YOUNG], rest="rest") != AGES
    for again in (pickle.loads(pickle.dumps(AGES)), copy.deepcopy(AGES)):  # noqa: S301
        assert again == AGES
        assert hash(again) == hash(AGES)
        assert (again.name, again.title, again.owner) == ("ages", "Ages", "growth")


def test_labels_of_ones_own() -> None:
    """A mapping gives labels other than the segments' names, also to segments without one."""
    made = Partition.define("x", {"до 18": MINOR, "far": ~YOUNG}, rest="rest")
    assert [made.of(row) for row in ROWS] == ["до 18", "до 18", "rest", "rest", "far", "far"]


def test_refused() -> None:
    """A partition needs parts, names, one schema, and labels that differ."""
    with pytest.raises(ValueError, match="at least one part"):
        Partition.define("x", [], rest="others")
    with pytest.raises(ValueError, match="a part needs a name"):
        Partition.define("x", [~MINOR], rest="others")
    other = Schema([Entity("people", key="id", attributes=[Attribute("age", INTEGER)])])
    with pytest.raises(SchemaError, match="of one schema"):
        Partition.define("x", [MINOR, Segment.define("y", "age > 1", other)], rest="others")
    with pytest.raises(DefinitionError, match="SK147"):
        Partition.define("x", {"minor": MINOR}, rest="minor")


def test_parameters() -> None:
    """Parameters of the parts are bound together."""
    older = Segment.define("older", "age >= :least", PEOPLE)
    open_one = Partition.define("x", [older, YOUNG], rest="others")
    assert list(open_one.parameters) == ["least"]
    assert open_one.bind(least=20).of({"id": 1, "age": 20}) == "older"
    with pytest.raises(DataError, match="older has no value for :least"):
        open_one.of({"id": 1, "age": 20})
    with pytest.raises(SegmentTypeError, match="SK119"):
        open_one.bind(most=20)
    with pytest.raises(SegmentTypeError, match="SK121"):
        open_one.bind(least="x")


def test_frames() -> None:
    """A frame's labels are an ordered category on its index; nothing is missing."""
    people = pd.DataFrame(ROWS, index=list("abcdef"))
    found = frames.labels(AGES, people, as_of=datetime(2026, 5, 1))
    assert found.tolist() == LABELS
    assert found.index.tolist() == list("abcdef")
    assert (found.name, found.cat.categories.tolist()) == ("ages", list(AGES.labels))
    assert (found < "others").sum() == 4
    assert str(frames.audit(AGES, people)) == AUDIT
    assert frames.labels(AGES, people.head(0)).tolist() == []


def test_sql() -> None:
    """One CASE, in a query of one's own too; an audit is one statement."""
    metadata = sql.tables_from(PEOPLE)
    people = metadata.tables["people"]
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(people.insert(), ROWS)
        assert str(sql.labels(AGES, people)).count("CASE") == 1
        query = sql.labels(AGES, people).order_by("id")
        assert connection.execute(query).all() == list(enumerate(LABELS))
        alias = people.alias()
        label = sql.label_of(AGES, alias)
        query = sa.select(label, sa.func.count()).group_by(label).order_by(label)
        assert connection.execute(query).all() == [("minor", 2), ("others", 2), ("young", 2)]
        statements: list[str] = []
        sa.event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
        found = sql.audit(AGES, people, connection)
        assert str(found) == AUDIT
        assert len(statements) == 1
        assert str(sql.audit(AGES, people, Session(connection))) == AUDIT
    assert found == frames.audit(AGES, pd.DataFrame(ROWS), as_of=found.as_of)
    engine.dispose()
