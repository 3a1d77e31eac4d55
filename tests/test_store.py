"""A store of runs, on each engine: what it keeps, what it refuses, and what it forgets."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier
from uuid import UUID

import pytest
import sqlalchemy as sa
from attrs import asdict, evolve

from segmentkit import (
    INTEGER,
    Attribute,
    Catalog,
    DataError,
    Entity,
    Fresh,
    KeyList,
    RunRefused,
    Schema,
    SchemaError,
    Segment,
    Trait,
    UsageError,
)
from segmentkit.runs import Run
from segmentkit.sqlalchemy import Source, Store, schema_from
from tests.stores import ENGINES, database, kill

METADATA = sa.MetaData()
PEOPLE = sa.Table(
    "people",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("age", sa.Integer),
)
ORDERS = sa.Table(
    "orders",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
SCHEMA = schema_from(PEOPLE, events={"orders": "at"})


def day(number: int) -> datetime:
    return datetime(2026, 5, number, tzinfo=UTC)


def segment(definition: str, name: str = "adults") -> Segment:
    return Segment.define(name, definition, SCHEMA)


class World:
    """People in a database, and a store."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)
        self.store = Store(engine, PEOPLE)
        self.store.create()

    def write(self, *statements: sa.Executable) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)

    def be(self, **ages: int) -> None:
        """These people and nobody else; they are called p1, p2 and so on."""
        rows = [{"id": int(name[1:]), "age": age} for name, age in ages.items()]
        with self.engine.begin() as connection:
            connection.execute(PEOPLE.delete())
            if rows:
                connection.execute(PEOPLE.insert(), rows)

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """All that the store's tables hold."""
        with self.engine.connect() as connection:
            return {
                name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
                for name, table in self.store.metadata.tables.items()
            }


@pytest.fixture(params=ENGINES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with database(request.param, tmp_path) as url:
        engine = sa.create_engine(url)
        yield World(engine)
        engine.dispose()


# -- runs -----------------------------------------------------------------------------------------


def test_a_run_tells_who_entered_and_left(world: World) -> None:
    """Stays begin and end with the runs that see it, and those of the first run are not observed."""
    adults = segment("age >= 18")
    world.be(p1=30, p2=10, p3=40)
    first = world.store.run(adults, as_of=day(1))["adults"]
    assert (first.size, first.entered, first.left, first.cause) == (2, 2, 0, "first")
    world.be(p1=30, p2=18)
    second = world.store.run(adults, as_of=day(2))["adults"]
    assert (second.size, second.entered, second.left, second.cause) == (2, 1, 1, "data")
    assert second.as_of == day(2)
    assert sorted(world.store.members("adults", as_of=day(1))) == [1, 3]
    assert sorted(world.store.members("adults")) == [1, 2]
    assert world.store.since("adults", 1) == day(1)
    assert world.store.since("adults", 2) == day(2)
    assert world.store.since("adults", 3) is None
    told = [(s.entered_at, s.left_at, s.observed) for k in (1, 2, 3) for s in world.store.stays(k)]
    assert told == [(day(1), None, False), (day(2), None, True), (day(1), day(2), False)]


def test_who_comes_back_has_two_stays(world: World) -> None:
    """A person with the key of one who is gone enters anew, and the first stay has ended."""
    adults = segment("age >= 18")
    for number, ages in enumerate([{"p1": 30}, {}, {"p1": 19}], start=1):
        world.be(**ages)
        world.store.run(adults, as_of=day(number))
    assert [(s.entered_at, s.left_at) for s in world.store.stays(1)] == [
        (day(1), day(2)),
        (day(3), None),
    ]


def test_the_same_run_again_changes_nothing(world: World) -> None:
    """As of the same instant the run is the one that was, whatever has happened to the data."""
    adults = segment("age >= 18")
    world.be(p1=30)
    first = world.store.run(adults, as_of=day(1))
    before = world.rows()
    world.be(p1=30, p2=30)
    assert world.store.run(adults, as_of=day(1)) == first
    assert world.rows() == before


def test_an_earlier_run_is_refused(world: World) -> None:
    """A clock that was set back, or a late worker, rewrites nothing."""
    adults = segment("age >= 18")
    world.be(p1=30)
    world.store.run(adults, as_of=day(2))
    before = world.rows()
    with pytest.raises(RunRefused, match=r"'adults' was run as of 2026-05-02.*never rewrites"):
        world.store.run([adults, segment("age < 18", "minors")], as_of=day(1))
    assert world.rows() == before


def test_a_changed_definition_is_told_apart(world: World) -> None:
    """The old definition runs first at the same instant; only what that changes is due to data."""
    world.be(p1=30, p2=10, p3=20)
    world.store.run(segment("age >= 18"), as_of=day(1))
    world.be(p1=30, p2=18, p3=15)
    run = world.store.run(segment("age >= 21 or age = 15"), as_of=day(2))["adults"]
    assert (run.size, run.entered, run.left, run.cause) == (2, 1, 1, "definition")
    history = world.store.history()
    assert history[["run", "cause", "size", "entered", "left"]].values.tolist() == [
        [1, "first", 2, 2, 0],
        [2, "data", 2, 1, 1],
        [3, "definition", 2, 1, 1],
    ]
    told = {k: [(s.entered_at, s.observed) for s in world.store.stays(k)] for k in (1, 2, 3)}
    assert told == {
        1: [(day(1), False)],
        2: [(day(2), True)],
        3: [(day(1), False), (day(2), False)],
    }
    # Another spelling is the same definition.
    again = world.store.run(segment("(age>=21) or (age=15)"), as_of=day(3))["adults"]
    assert again.cause == "data"


def test_a_definition_changes_with_what_it_refers_to(world: World) -> None:
    """The stored definition has its traits and segments in it, as they were."""

    def referring(limit: int) -> Segment:
        years = Trait.define("years", f"age - {limit}", SCHEMA)
        old = Segment.define("old", "years >= 0", SCHEMA, traits=[years])
        return Segment.define("not_old", "not in segment old", SCHEMA, segments=[old])

    world.be(p1=30, p2=10)
    world.store.run(referring(18), as_of=day(1))
    world.be(p1=17, p2=10, p3=70)
    run = world.store.run(referring(5), as_of=day(2))["not_old"]
    assert (run.size, run.left, run.cause) == (0, 2, "definition")
    assert world.store.history()["cause"].tolist() == ["first", "data", "definition"]
    assert [(s.entered_at, s.observed) for s in world.store.stays(1)] == [(day(2), True)]


def test_a_changed_list_cannot_be_run_as_it_was(world: World) -> None:
    """Keys of lists are not kept; if they change, all changes are due to the definition."""

    def of_list(definition: str, *keys: int) -> Segment:
        return Segment.define("fair", definition, SCHEMA, lists=[KeyList("june", keys)])

    world.be(p1=30, p2=40)
    world.store.run(of_list("in list june", 1), as_of=day(1))
    world.store.run(of_list("in list june and age > 1", 1), as_of=day(2))
    world.store.run(of_list("in list june", 1, 2), as_of=day(3))
    assert world.store.history()["cause"].tolist() == ["first", "data", "definition", "definition"]
    definitions = [row[4] for row in world.rows()["segmentkit_run"]]
    assert not any("[1" in str(text) for text in definitions)


def test_an_old_definition_that_means_nothing_now(world: World) -> None:
    """When the schema has lost what the old definition tests, all is due to the new one."""
    world.be(p1=30)
    world.store.run(segment("age >= 18"), as_of=day(1))
    table = sa.Table("people", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    fewer = Segment.define("adults", "id > 0", schema_from(table))
    store = Store(world.engine, table)
    assert store.run(fewer, as_of=day(2))["adults"].cause == "definition"
    assert store.history()["cause"].tolist() == ["first", "definition"]


def test_two_definitions_at_one_instant(world: World) -> None:
    """What another definition has replaced at the same instant does not come back then."""
    world.be(p1=30)
    world.store.run(segment("age >= 18"), as_of=day(1))
    world.store.run(segment("age >= 40"), as_of=day(1))
    assert world.store.history()["cause"].tolist() == ["first", "definition"]
    with pytest.raises(RunRefused, match="run as of a later instant"):
        world.store.run(segment("age >= 18"), as_of=day(1))
    assert world.store.run(segment("age >= 18"), as_of=day(2))["adults"].cause == "definition"


def test_a_segment_that_is_gone_for_a_while(world: World) -> None:
    """A segment that is not run stays as it was; when it is back, it goes on from there."""
    world.be(p1=30, p2=10)
    both = [segment("age >= 18"), segment("age < 18", "minors")]
    world.store.run(both, as_of=day(1))
    world.be(p1=30, p2=18)
    world.store.run(both[1], as_of=day(2))
    assert sorted(world.store.members("adults")) == [1]
    run = world.store.run(both, as_of=day(3))["adults"]
    assert (run.entered, run.left, run.cause) == (1, 0, "data")


def test_all_segments_or_none(world: World) -> None:
    """If one segment is refused, nothing of the others is written."""
    ages = {f"p{n}": 30 for n in range(200)}
    world.be(**ages)
    both = [segment("age >= 18"), segment("age < 18", "minors")]
    world.store.run(both, as_of=day(1))
    before = world.rows()
    world.be(**dict(list(ages.items())[:100]), p1000=10)
    with pytest.raises(RunRefused, match=r"'adults': 100 of 200 members would leave.*allows 40"):
        world.store.run([both[1], both[0]], as_of=day(2), most="20%")
    assert world.rows() == before
    run = world.store.run(both, as_of=day(2), most="50%")
    assert run["adults"].left == 100


@pytest.mark.parametrize(("most", "passes"), [(3, True), (2, False), ("3%", True), ("2.9%", False)])
def test_how_many_may_enter(tmp_path: Path, most: str | int, passes: bool) -> None:
    """A share of few members is a share of 100; a definition that changed may change anything."""
    world = World(sa.create_engine(f"sqlite:///{tmp_path}/shop"))
    world.be(p1=30)
    world.store.run(segment("age >= 18"), as_of=day(1), most=most)
    world.be(p1=30, p2=30, p3=30, p4=30)
    if passes:
        world.store.run(segment("age >= 18"), as_of=day(2), most=most)
    else:
        with pytest.raises(RunRefused, match="3 of 1 members would enter"):
            world.store.run(segment("age >= 18"), as_of=day(2), most=most)
    changed = {f"p{n}": 30 for n in range(1, 5)} | {f"p{n}": 5 for n in range(10, 90)}
    world.be(**changed)
    world.store.run(segment("age >= 18"), as_of=day(3))
    world.store.run(segment("age >= 0"), as_of=day(4), most=most)


@pytest.mark.parametrize("most", ["20", "-5%", -1, 0.2, True, "many"])
def test_what_most_can_be(world: World, most: object) -> None:
    """A share is written with its sign, so that 20 is never taken for 20%."""
    with pytest.raises(UsageError, match='such as "20%", or a number of people, such as 5000'):
        world.store.run(segment("age >= 18"), most=most)  # type: ignore[arg-type]


def test_stale_data_is_refused_or_marked(world: World) -> None:
    """Only segments that read a stale table are marked; by default nothing is written."""
    fresh = Fresh("at", warn="12 hours", stale="36 hours")
    entities = [evolve(e, fresh=fresh if e.name == "orders" else None) for e in SCHEMA.entities]
    schema = evolve(SCHEMA, entities=entities)
    world.be(p1=30)
    world.write(ORDERS.insert().values(id=1, person_id=1, at=datetime(2026, 5, 1)))
    both = [
        Segment.define("lapsed", "none(orders in last 2 days)", schema),
        Segment.define("adults", "age >= 18", schema),
    ]
    runs = world.store.run(both, as_of=day(2))
    assert [run.stale for run in runs.values()] == [False, False]
    before = world.rows()
    with pytest.raises(
        RunRefused, match=r"newest row of orders is 3 days old.*stale from 36 hours on"
    ):
        world.store.run(both, as_of=day(4))
    assert world.rows() == before
    runs = world.store.run(both, as_of=day(4), stale="allow")
    assert {name: run.stale for name, run in runs.items()} == {"lapsed": True, "adults": False}
    assert world.store.history()["stale"].tolist() == [False, False, True, False]
    assert world.store.run(both[1], as_of=day(5))["adults"].size == 1
    with pytest.raises(UsageError, match='"refuse" or "allow"'):
        world.store.run(both, as_of=day(6), stale="mark")


def test_names_of_any_characters(world: World) -> None:
    """Names and keys differ as their characters do, whatever the database's collation says."""
    world.be(p1=30, p2=10)
    named = {"VIP": "age > 18", "vip": "age > 5", "vip ": "age > 50", "Köln 'x' %": "age > 0"}
    world.store.run({n: segment(text, n) for n, text in named.items()}, as_of=day(1))
    sizes = world.store.history().set_index("segment")["size"]
    assert sizes.to_dict() == {"VIP": 1, "vip": 2, "vip ": 0, "Köln 'x' %": 2}
    with pytest.raises(UsageError, match="at most 255 characters"):
        world.store.run(segment("age > 1", "x" * 256))


def test_a_schema_with_a_zone(world: World) -> None:
    """A date is the day's begin in the schema's zone, when members are asked for, too."""
    schema = schema_from(PEOPLE, events={"orders": "at"}, time_zone="America/New_York")
    adults = Segment.define("adults", "age >= 18", schema)
    world.be(p1=30)
    world.store.run(adults, as_of=date(2026, 5, 1))
    world.be(p1=30, p2=30)
    world.store.run(adults, as_of=date(2026, 5, 2))
    assert sorted(world.store.members("adults", as_of=date(2026, 5, 1))) == [1]
    assert sorted(world.store.members("adults", as_of=date(2026, 5, 2))) == [1, 2]
    with pytest.raises(DataError, match="first run as of 2026-05-01T04:00:00"):
        world.store.members("adults", as_of=date(2026, 4, 30))


def test_questions_about_what_was_never_run(world: World) -> None:
    """A segment without a run is an error that says what there is."""
    world.be(p1=30)
    world.store.run(segment("age >= 18"), as_of=day(1))
    with pytest.raises(DataError, match="'adult' was never run here; did you mean 'adults'"):
        world.store.members("adult")
    with pytest.raises(DataError, match="'x' was never run here; there are adults"):
        world.store.since("x", 1)


# -- definitions that ask a store ---------------------------------------------------------------------


def test_definitions_that_ask_for_stays(world: World) -> None:
    """Who is in for long, has entered or has left, as of an instant; only what was observed."""
    schema = world.store.remember(SCHEMA, stale="10 days")
    adults = segment("age >= 18")
    for number, ages in enumerate([{"p1": 30}, {"p1": 30, "p2": 30}, {"p2": 30, "p3": 5}], start=1):
        world.be(**ages)
        world.store.run(adults, as_of=day(10 * number))
    world.store.run(segment("age >= 5"), as_of=day(31))
    source = Source(world.engine, PEOPLE)

    def members(definition: str, number: int) -> list[int]:
        asked = Segment.define(None, definition, schema)
        found = sorted(source.members(asked, as_of=day(number)))
        # One person's stays, as a record, tell the same.
        stays = {key: [asdict(stay) for stay in world.store.stays(key)] for key in (1, 2, 3)}
        records = [{"id": key, "memberships": each} for key, each in stays.items()]
        matches = asked.matcher(as_of=day(number))
        assert [each["id"] for each in records if matches(each)] == found
        return found

    world.be(p1=1, p2=1, p3=1)
    assert members("in segment adults for 5 days", 15) == [1]
    assert members("in segment adults for 5 days", 14) == []
    assert members("in segment adults for 5 days", 30) == [2]
    assert members("in segment adults for 10 days", 29) == [1]
    assert members("in segment adults for 10 days", 30) == [2]
    assert members("not in segment adults for 10 days", 30) == [1, 3]
    assert members("entered segment adults in last 5 days", 21) == [2]
    assert members("entered segment adults in last 60 days", 31) == [2]  # others were not observed
    assert members("left segment adults in last 5 days", 31) == [1]
    assert members("left segment adults in last 5 days", 29) == []
    assert members("left segment adults between 2026-05-29 and 2026-05-30", 31) == [1]
    with pytest.raises(DataError, match="segment 'minors' was not run by then"):
        members("in segment minors for 1 day", 31)
    lapsed = Segment.define("lapsed", "left segment adults in last 5 days", schema)
    assert world.store.run(lapsed, as_of=day(31))["lapsed"].size == 1
    assert schema_from(PEOPLE).entity.relation("memberships") is None
    with pytest.raises(SchemaError, match="has 'memberships' already"):
        world.store.remember(schema, stale="10 days")


def test_stays_that_no_run_has_seen_lately(world: World) -> None:
    """A question about stays is refused, and never answered of what was known long ago."""
    schema = world.store.remember(SCHEMA, warn="1 day", stale="36 hours")
    source = Source(world.engine, PEOPLE)
    lasting = Segment.define("lasting", "in segment adults for 0 days", schema)
    through = Segment.define("through", "in segment lasting", schema, segments={"lasting": lasting})
    everyone = Segment.define("everyone", "id > 0", schema)
    age = Trait.define("how old", "age", schema)
    world.be(p1=30)
    world.store.run([segment("age >= 18"), segment("age < 18", "minors")], as_of=day(2))
    world.store.run(segment("age < 18", "minors"), as_of=day(4))
    assert source.count(through, as_of=day(3)) == 1
    (known,) = source.loaded(through, as_of=day(3))
    assert (known.state, str(known)) == ("warn", "the last run of segment 'adults' is 1 day old")
    assert source.loaded(everyone, as_of=day(3)) == ()
    long_ago = r"the last run of segment 'adults' is 36 hours old.*run the segment again"
    noon = datetime(2026, 5, 3, 12, tzinfo=UTC)
    for ask in (source.count, source.members, source.sizes, source.evaluate, source.overlap):
        with pytest.raises(DataError, match=long_ago):
            ask(through, as_of=noon)
    with pytest.raises(DataError, match=long_ago):
        source.values([age], of=lasting, as_of=noon)
    with pytest.raises(DataError, match=long_ago):
        source.tally([age], through, as_of=noon)
    with pytest.raises(DataError, match=r"'adults' was not run by then.*run it in the store first"):
        source.contains(lasting, 1, as_of=day(1))
    sizes = source.sizes([everyone, through], as_of=noon, skip_broken=True)
    assert dict(sizes) == {"everyone": 1}
    assert list(sizes.broken) == ["through"]


def test_runs_that_ask_for_stays(world: World) -> None:
    """A run is after those whose stays it asks for; what it cannot know is refused or marked."""
    schema = world.store.remember(SCHEMA, stale="36 hours")

    def defined(name: str, text: str) -> Segment:
        return Segment.define(name, text, schema)

    new = defined("new", "entered segment adults in last 1 day")
    adults, kept = (
        defined("adults", "age >= 18"),
        defined("kept", "age > 20 or in segment kept for 1 day"),
    )
    world.be(p1=30)
    with pytest.raises(RunRefused, match=r"'adults' was not run by then.*nothing was written"):
        world.store.run(new, as_of=day(1))
    with pytest.raises(RunRefused, match=r"run it in the store first; nothing was written$"):
        world.store.backfill(new, [day(1)])
    assert world.store.runs() == []
    runs = world.store.run([new, adults, kept], as_of=day(1))
    assert [runs[name].size for name in ("new", "adults", "kept")] == [0, 1, 1]
    world.be(p1=1, p2=30)
    # Nobody ran it for days: the run itself finds out first who is an adult.
    assert world.store.run([new, adults], as_of=day(9))["new"].size == 1
    with pytest.raises(RunRefused, match=r"'kept' is 8 days old.*--allow-stale"):
        world.store.run(kept, as_of=day(9))
    run = world.store.run([kept, adults], as_of=day(9), stale="allow")
    assert (run["kept"].size, run["kept"].stale, run["adults"].stale) == (2, True, False)
    # Who came or went with stale data was not seen to.
    assert [stay.observed for stay in world.store.stays(2)] == [True, False, True]
    world.store.prune(before=day(20))
    with pytest.raises(DataError, match="'adults' was not run by then"):
        Source(world.engine, PEOPLE).count(new, as_of=day(1))


# -- days that have passed ------------------------------------------------------------------------


def test_backfill_runs_old_to_new(world: World) -> None:
    """Events know their past; whatever the order of the days, runs are in the order of time."""
    world.be(p1=30, p2=30)
    world.write(
        ORDERS.insert().values(id=1, person_id=1, at=datetime(2026, 5, 2)),
        ORDERS.insert().values(id=2, person_id=2, at=datetime(2026, 5, 4)),
    )
    recent = segment("any(orders in last 2 days)", "recent")
    found = world.store.backfill(recent, [day(5), day(1), day(3)])["recent"]
    assert [(r.as_of, r.size, r.cause) for r in found] == [
        (day(1), 0, "first"),
        (day(3), 1, "first"),
        (day(5), 1, "first"),
    ]
    assert not any(s.observed for s in world.store.stays(2))
    assert world.store.run(recent, as_of=day(6))["recent"].cause == "data"
    with pytest.raises(RunRefused):
        world.store.backfill(recent, [day(2)])


def test_backfill_refuses_what_has_no_past(world: World) -> None:
    """An attribute is as it is now, so a segment that tests it has no past but what is declared."""
    world.be(p1=30)
    with pytest.raises(UsageError, match=r"tests the attribute people.age.*constant=\['age'\]"):
        world.store.backfill(segment("age >= 18"), [day(1)])
    older = Segment.define("o", "in segment a", SCHEMA, segments={"a": segment("age > 1")})
    with pytest.raises(UsageError, match=r"tests the attribute people.age"):
        world.store.backfill(older, [day(1)])
    world.store.backfill(segment("age >= 18"), [day(1)], constant=["age"])
    world.store.backfill(segment("id > 0", "all"), [day(1)])


# -- what is forgotten ----------------------------------------------------------------------------


def test_erased_people_are_in_no_table(world: World) -> None:
    """Nothing of them is left; consumers that were told of them are named, with how many."""
    adults = segment("age >= 18")
    world.be(p1=30, p2=30, p3=30)
    world.store.run(adults, as_of=day(1))
    world.be(p1=30, p3=30)
    world.store.run(adults, as_of=day(2))
    world.be(p1=30, p3=30, p4=30)
    world.store.run(adults, as_of=day(3))
    cursor = world.store.metadata.tables["segmentkit_cursor"]
    rows = [{"consumer": f"mail {n}", "segment_id": 1, "run": n} for n in (0, 2)]
    handed = world.store.metadata.tables["segmentkit_handed"]
    taken = {"consumer": "mail 2", "segment_id": 1, "run": 1, "at": datetime(2026, 5, 1)}
    with world.engine.begin() as connection:
        connection.execute(cursor.insert(), rows)
        connection.execute(handed.insert(), [{**taken, "key": key} for key in (1, 2)])
    assert world.store.erase([2, 4, 99]) == {"mail 2": 1}
    assert [row[2] for row in world.rows()["segmentkit_handed"]] == [1]
    assert world.store.stays(2) == world.store.stays(4) == []
    assert world.store.since("adults", 1) == day(1)
    keys = [row[1] for name in ("member", "past") for row in world.rows()[f"segmentkit_{name}"]]
    assert sorted(keys) == [1, 3]
    # Who is still there enters again.
    assert world.store.run(adults, as_of=day(4))["adults"].entered == 1


def test_pruned_stays_are_not_known(world: World) -> None:
    """What was pruned is not answered; what a consumer has not read is not pruned."""
    adults = segment("age >= 18")
    for number, ages in enumerate([{"p1": 30, "p2": 30}, {"p2": 30}, {}, {"p1": 30}], start=1):
        world.be(**ages)
        world.store.run(adults, as_of=day(number))
    cursor = world.store.metadata.tables["segmentkit_cursor"]
    world.write(cursor.insert().values(consumer="mail", segment_id=1, run=2))
    assert world.store.prune(before=day(2)) == 0
    assert world.store.prune(before=day(4)) == 1
    assert world.store.stays(1)[0].entered_at == day(4)
    assert sorted(world.store.members("adults", as_of=day(2))) == [2]
    with pytest.raises(DataError, match="no longer known: stays that had ended were pruned"):
        world.store.members("adults", as_of=day(1))
    world.write(cursor.delete())
    assert world.store.prune(before=day(9)) == 1
    assert len(world.store.history()) == 4


# -- what a store is made of ----------------------------------------------------------------------


def test_the_key_that_people_are_known_by(world: World) -> None:
    """A store of one key does not take segments of another, and says how to make one that does."""
    table = sa.Table(
        "pairs",
        sa.MetaData(),
        sa.Column("a", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("b", sa.String(20), primary_key=True),
    )
    with pytest.raises(SchemaError, match="has several columns: say by which"):
        Store(world.engine, table)
    with pytest.raises(SchemaError, match=r"'c', which .* does not have"):
        Store(world.engine, table, key="c")
    schema = Schema([Entity("people", key="age", attributes=[Attribute("age", INTEGER, True)])])
    with pytest.raises(SchemaError, match=r"make it by Store\(engine, …, key='age'\)"):
        world.store.run(Segment.define("s", "age > 1", schema))


def test_people_with_one_key_are_refused(world: World) -> None:
    """What does not tell people apart, or is missing, is no key."""
    schema = Schema([Entity("people", key="age", attributes=[Attribute("age", INTEGER, True)])])
    store = Store(world.engine, PEOPLE, key="age", prefix="other")
    store.create()
    everyone = Segment.define("all", "age > 0", schema)
    world.be(p1=30, p2=31)
    assert store.run(everyone, as_of=day(1))["all"].size == 2
    world.be(p1=30, p2=30)
    with pytest.raises(DataError, match="two have the same one, or somebody has none"):
        store.run(everyone, as_of=day(2))
    world.write(PEOPLE.update().where(PEOPLE.c.id == 1).values(age=None))
    with pytest.raises(DataError, match="two have the same one, or somebody has none"):
        store.run(everyone, as_of=day(2))
    assert len(store.history()) == 1


def test_keys_that_are_texts(world: World) -> None:
    """Texts are keys, and differ by case."""
    metadata = sa.MetaData()
    kind = sa.String(40, collation="utf8mb4_bin" if world.engine.name == "mariadb" else None)
    table = sa.Table(
        "texts", metadata, sa.Column("id", kind, primary_key=True), sa.Column("n", sa.Integer)
    )
    metadata.create_all(world.engine)
    with world.engine.begin() as connection:
        connection.execute(
            table.insert(), [{"id": "a", "n": 1}, {"id": "A", "n": 2}, {"id": "é'", "n": 3}]
        )
    store = Store(world.engine, table, prefix="texts")
    store.create()
    store.run(Segment.define("s", "n > 1", schema_from(table)), as_of=day(1))
    assert sorted(store.members("s")) == ["A", "é'"]
    assert store.since("s", "a") is None
    assert store.erase(["A"]) == {}
    assert sorted(store.members("s")) == ["é'"]


def test_keys_that_are_uuids(world: World) -> None:
    """Keys of other types are kept in their own."""
    metadata = sa.MetaData()
    table = sa.Table(
        "things",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("n", sa.Integer),
    )
    metadata.create_all(world.engine)
    keys = [UUID(int=number) for number in (1, 2**100, 2**127 + 1)]
    with world.engine.begin() as connection:
        rows = [{"id": key, "n": n} for n, key in enumerate(keys)]
        connection.execute(table.insert(), rows)
    store = Store(world.engine, table, prefix="things")
    store.create()
    schema = store.remember(schema_from(table), stale="2 days")
    store.run(Segment.define("s", "n > 0", schema), as_of=day(1))
    assert sorted(store.members("s")) == keys[1:]
    assert store.since("s", keys[2]) == day(1)
    lasting = Segment.define("lasting", "in segment s for 1 day", schema)
    assert store.run(lasting, as_of=day(2))["lasting"].size == 2
    store.erase(keys[1:2])
    assert sorted(store.members("s")) == keys[2:]


def test_part_of_the_people(world: World) -> None:
    """A store of some of the people, in tables of their own, knows nobody else."""
    world.be(p1=30, p2=40)
    store = Store(world.engine, PEOPLE, where=PEOPLE.c.age < 35, prefix="young")
    store.create()
    assert store.run(segment("age >= 18"), as_of=day(1))["adults"].size == 1


def test_many_segments_in_several_statements(world: World) -> None:
    """More segments than one number has bits, and more than one statement takes."""
    world.be(**{f"p{n}": n for n in range(1, 100)})
    many = {
        f"s{n}": segment(f"age = {n} and age in ({n}, {n + 1})", f"s{n}") for n in range(1, 131)
    }
    for number in (1, 2):
        runs = world.store.run(many, as_of=day(number))
        assert [r.size for r in runs.values()] == [1] * 99 + [0] * 31
        assert [r.entered for r in runs.values()] == ([1] * 99 if number == 1 else [0] * 99) + [
            0
        ] * 31
    assert sorted(world.store.members("s64")) == [64]


def test_many_segments_whose_definitions_change(world: World) -> None:
    """Old and new definitions are told apart in every word of bits; the rest is due to data."""
    count = 70
    ages = {f"p{n}": n for n in range(1, count + 1)}
    world.be(**ages)
    names = [f"s{n}" for n in range(1, count + 1)]
    former = {f"s{n}": segment(f"age = {n}", f"s{n}") for n in range(1, count + 1)}
    world.store.run(former, as_of=day(1))
    # Everybody has the next age; odd segments take who is a year older, too.
    world.be(**{name: age + 1 for name, age in ages.items()})
    later = {
        f"s{n}": segment(f"age = {n} or age = {n + 1}", f"s{n}") if n % 2 else former[f"s{n}"]
        for n in range(1, count + 1)
    }
    runs = world.store.run(later, as_of=day(2))
    assert list(runs) == names
    for number, name in enumerate(names, start=1):
        found = [(r.cause, r.size, r.entered, r.left) for r in world.store.runs(name)]
        here = int(number > 1)
        expected = [("first", 1, 1, 0), ("data", here, here, 1)]
        expected += [("definition", here + 1, 1, 0)] if number % 2 else []
        assert found == expected
        # Person 1 is 2 now: whoever is n now is the one before.
        members = {number - 1, *([number] if number % 2 else [])} - {0}
        assert set(world.store.members(name)) == members


def test_a_segment_named_as_a_former_definition(world: World) -> None:
    """A name that reads like the former definition of another segment is a name."""
    world.be(p1=30, p2=10)
    both = [segment("age >= 18", "a"), segment("age < 18", "a (before)")]
    world.store.run(both, as_of=day(1))
    world.be(p1=30, p2=18)
    changed = [segment("age >= 21", "a"), segment("age < 19", "a (before)")]
    world.store.run(changed, as_of=day(2))
    told = {n: [(r.cause, r.size) for r in world.store.runs(n)] for n in ("a", "a (before)")}
    assert told == {
        "a": [("first", 1), ("data", 2), ("definition", 1)],
        "a (before)": [("first", 1), ("data", 0), ("definition", 1)],
    }


def test_tables_that_were_changed_by_hand(world: World) -> None:
    """A run believes no copy: what a restored backup or a hand has changed is compared as it is."""
    both = [segment("age >= 18"), segment("age < 18", "minors")]
    world.be(p1=30, p2=30, p3=10)
    world.store.run(both, as_of=day(1))
    member = world.store.metadata.tables["segmentkit_member"]
    # One is gone and another is there, so that the number is right.
    is_first = sa.and_(member.c.segment_id == 1, member.c.key == 1)
    world.write(
        member.delete().where(is_first),
        member.insert().values(segment_id=1, key=3, since_run=1),
        member.insert().values(segment_id=2, key=99, since_run=1),
    )
    runs = world.store.run(both, as_of=day(2))
    assert [(r.size, r.entered, r.left) for r in runs.values()] == [(2, 1, 1), (1, 0, 1)]
    assert sorted(world.store.members("adults")) == [1, 2]
    assert sorted(world.store.members("minors")) == [3]


def test_a_renamed_segment_goes_on(world: World) -> None:
    """With its former name, a segment keeps its history, also in a file and in JSON."""
    world.be(p1=30)
    world.store.run(segment("age >= 18"), as_of=day(1))
    text = """
        language = 1
        [segments.grown_ups]
        where = "age >= 18"
        was = "adults"
    """
    catalog = Catalog.from_json(Catalog.loads(text, SCHEMA).to_json(), SCHEMA)
    both = Catalog({**catalog, "adults": segment("age >= 18")})
    with pytest.raises(UsageError, match="there is a segment 'adults', too"):
        world.store.run(both, as_of=day(2))
    assert world.store.run(catalog, as_of=day(2))["grown_ups"].cause == "data"
    assert world.store.run(catalog, as_of=day(3))["grown_ups"].entered == 0
    # Also when it has its new name already, as a check of the file refuses it.
    with pytest.raises(UsageError, match="there is a segment 'adults', too"):
        world.store.run(both, as_of=day(4))
    assert world.store.since("grown_ups", 1) == day(1)
    assert set(world.store.history()["segment"]) == {"grown_ups"}
    assert catalog["grown_ups"].was == "adults"
    # Who has a new history under the old name has not been renamed.
    world.store.run(segment("age >= 18"), as_of=day(4))
    world.store.run(catalog, as_of=day(5))
    assert len(world.store.history("adults")) == 1


def test_a_catalog_and_an_engine_that_is_not_prepared(world: World) -> None:
    """Samples and folded texts work on an engine that nobody has prepared."""
    world.be(p1=30, p2=20)
    catalog = Catalog(
        {"adults": segment("age >= 18"), "some": segment('sample(100%, "x")', "some")}
    )
    assert world.store.run(catalog, as_of=day(1))["some"].size == 2
    names = world.store.history(catalog)["segment"].tolist()
    assert names == ["adults", "some"]
    assert world.store.history("some")["size"].tolist() == [2]


# -- several workers, and processes that are killed -----------------------------------------------


def _at_once(world: World, *instants: datetime) -> list[object]:
    """Runs of workers that begin together: what each has found, or why not."""
    barrier = Barrier(len(instants))

    def work(instant: datetime) -> object:
        engine = sa.create_engine(world.engine.url)
        if engine.dialect.name == "duckdb":
            engine = world.engine  # a file of DuckDB is open in one process, and here in one engine
        store = Store(engine, PEOPLE)
        barrier.wait(timeout=60)
        try:
            return store.run(segment("age >= 18"), as_of=instant)["adults"]
        except RunRefused as error:
            return error
        finally:
            if engine is not world.engine:
                engine.dispose()

    with ThreadPoolExecutor(len(instants)) as pool:
        return list(pool.map(work, instants))


@pytest.mark.parametrize("is_first", [True, False])
def test_workers_that_run_the_same(world: World, is_first: bool) -> None:
    """One of them runs; all others get its run, and nobody is in twice."""
    world.be(p1=30, p2=10)
    if not is_first:
        world.store.run(segment("age >= 18"), as_of=day(1))
        world.be(p1=30, p2=18)
    found = _at_once(world, *[day(2)] * 5)
    [run] = set(found)
    assert isinstance(run, Run)
    assert run.size == (1 if is_first else 2)
    rows = world.rows()
    assert len(rows["segmentkit_run"]) == (1 if is_first else 2)
    assert len(rows["segmentkit_member"]) == run.size
    assert rows["segmentkit_past"] == []


def test_workers_that_run_one_after_the_other(world: World) -> None:
    """Whoever is late is refused; the runs are in the order of time, and nobody is in twice."""
    world.be(p1=30, p2=10)
    found = _at_once(world, *map(day, range(1, 11)))
    ran = [each for each in found if isinstance(each, Run)]
    assert max(run.as_of for run in ran) == day(10)
    history = world.store.history()
    assert history["run"].tolist() == list(range(1, len(ran) + 1))
    assert history["cause"].tolist() == ["first"] + ["data"] * (len(ran) - 1)
    assert history["entered"].tolist() == [1] + [0] * (len(ran) - 1)
    assert [row[1] for row in world.rows()["segmentkit_member"]] == [1]


@pytest.mark.parametrize(("task", "every"), [("run", 3), ("letters", 9)])
@pytest.mark.parametrize("name", [each for each in ENGINES if each in {"sqlite", "mariadb"}])
def test_killed_processes_leave_nothing_half_written(
    name: str, task: str, every: int, tmp_path: Path
) -> None:
    """Whatever statement a run or a hand-over is killed at, the next finds all as it was before."""
    with database(name, tmp_path) as url:
        assert kill(url, every, task) > 4
