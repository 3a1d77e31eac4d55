"""A store against plain Python: whatever happens, it knows what a dictionary of people knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy.pool import StaticPool

from segmentkit import DataError, RunRefused, Segment
from segmentkit.runs import Stay
from segmentkit.sqlalchemy import Store, schema_from

PEOPLE = sa.Table(
    "people",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("age", sa.Integer),
)
SCHEMA = schema_from(PEOPLE)
DEFINITIONS = {
    "age >= 5": lambda age: age is not None and age >= 5,
    "age < 5": lambda age: age is not None and age < 5,
    "age is missing or age = 3": lambda age: age is None or age == 3,
    "not (age >= 2 and age <= 7)": lambda age: age is None or not 2 <= age <= 7,
}
START = datetime(2026, 5, 1, tzinfo=UTC)
NAMES = ["one", "two"]
KEYS = st.integers(0, 4)
AGES = st.none() | st.integers(0, 9)


@define
class Kept:
    """What the model knows of a segment."""

    definition: str
    last: datetime
    runs: list[tuple[datetime, int, int, int, str]] = field(factory=list)
    members: list[tuple[datetime, set[int]]] = field(factory=list)
    stays: dict[int, list[Stay]] = field(factory=dict)

    def run(self, name: str, definition: str, people: dict[int, Any], now: datetime) -> None:
        """Somebody enters, somebody leaves."""
        if self.runs and definition != self.definition:
            if now > self.last:
                self.step(name, self.definition, people, now, "data")
            self.step(name, definition, people, now, "definition")
        else:
            self.step(name, definition, people, now, "data" if self.runs else "first")
        self.definition, self.last = definition, now

    def step(
        self, name: str, definition: str, people: dict[int, Any], now: datetime, why: str
    ) -> None:
        held = {key for key, age in people.items() if DEFINITIONS[definition](age)}
        before = {key for key, stays in self.stays.items() if stays and stays[-1].left_at is None}
        for key in before - held:
            last = self.stays[key][-1]
            self.stays[key][-1] = Stay(name, last.entered_at, now, last.observed, why == "data")
        for key in held - before:
            self.stays.setdefault(key, []).append(Stay(name, now, None, why == "data"))
        self.runs.append((now, len(held), len(held - before), len(before - held), why))
        self.members.append((now, held))


class Stories(RuleBasedStateMachine):
    """What may happen to people, definitions and a store."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = sa.create_engine("sqlite://", poolclass=StaticPool)
        PEOPLE.create(self.engine)
        self.store = Store(self.engine, PEOPLE)
        self.store.create()
        self.people: dict[int, Any] = {}
        self.defined = dict.fromkeys(NAMES, "age >= 5")
        self.kept: dict[str, Kept] = {}
        self.now = START
        self.unknown = START
        self.ran: dict[tuple[str, datetime], set[str]] = {}

    def write(self, statement: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(statement)

    @rule(key=KEYS, age=AGES)
    def come_or_change(self, key: int, age: int | None) -> None:
        if key in self.people:
            self.write(PEOPLE.update().where(PEOPLE.c.id == key).values(age=age))
        else:
            self.write(PEOPLE.insert().values(id=key, age=age))
        self.people[key] = age

    @rule(key=KEYS)
    def go(self, key: int) -> None:
        self.write(PEOPLE.delete().where(PEOPLE.c.id == key))
        self.people.pop(key, None)

    @rule(key=KEYS)
    def be_erased(self, key: int) -> None:
        assert self.store.erase([key]) == {}
        for each in self.kept.values():
            each.stays.pop(key, None)
            for _, held in each.members:
                held.discard(key)

    @rule(name=st.sampled_from(NAMES), definition=st.sampled_from(sorted(DEFINITIONS)))
    def be_defined(self, name: str, definition: str) -> None:
        self.defined[name] = definition

    @rule(names=st.sets(st.sampled_from(NAMES), min_size=1), later=st.integers(0, 2))
    def run(self, names: set[str], later: int) -> None:
        self.now += timedelta(days=later)
        wanted = {n: Segment.define(n, self.defined[n], SCHEMA) for n in sorted(names)}
        known = {n: self.kept[n] for n in names if n in self.kept}
        same = {
            n for n, k in known.items() if k.last == self.now and k.definition == self.defined[n]
        }
        replaced = (n for n in names - same if self.defined[n] in self.ran.get((n, self.now), ()))
        if any(replaced):
            with pytest.raises(RunRefused, match="later instant"):
                self.store.run(wanted, as_of=self.now)
            return
        found = self.store.run(wanted, as_of=self.now)
        for name in names - same:
            kept = self.kept.setdefault(name, Kept(self.defined[name], self.now))
            kept.run(name, self.defined[name], self.people, self.now)
            self.ran.setdefault((name, self.now), set()).add(self.defined[name])
        for name, run in found.items():
            told = (run.as_of, run.size, run.entered, run.left, run.cause)
            assert told == self.kept[name].runs[-1]

    @precondition(lambda self: self.kept)
    @rule(back=st.integers(1, 3))
    def run_when_the_clock_was_set_back(self, back: int) -> None:
        name = sorted(self.kept)[0]
        wanted = Segment.define(name, self.defined[name], SCHEMA)
        with pytest.raises(RunRefused, match="never rewrites"):
            self.store.run(wanted, as_of=self.kept[name].last - timedelta(days=back))

    @precondition(lambda self: self.kept)
    @rule(back=st.integers(0, 5))
    def forget(self, back: int) -> None:
        before = self.now - timedelta(days=back)
        self.store.prune(before=before)
        for each in self.kept.values():
            for key, stays in each.stays.items():
                each.stays[key] = [s for s in stays if s.left_at is None or s.left_at >= before]
            earlier = [at for at, _ in each.members if at < before]
            # Of runs before the last of these, it is no longer known who was in.
            self.unknown = max([self.unknown, *earlier])

    @invariant()
    def the_store_knows_what_the_model_knows(self) -> None:
        for key in range(5):
            expected = [s for each in self.kept.values() for s in each.stays.get(key, [])]
            found = self.store.stays(key)
            assert sorted(found, key=repr) == sorted(expected, key=repr)
        for name, each in self.kept.items():
            assert self.store.members(name).keys.size == len(each.members[-1][1])
            for at in {at for at, _ in each.members}:
                held = [held for when, held in each.members if when == at][-1]
                try:
                    found_then = set(self.store.members(name, as_of=at))
                except DataError:
                    assert at < self.unknown
                else:
                    assert found_then == held
        history = self.store.history()
        for name, each in self.kept.items():
            rows = history[history["segment"] == name]
            columns = ["as_of", "size", "entered", "left", "cause"]
            told = [(at.to_pydatetime(), *rest) for at, *rest in rows[columns].values.tolist()]
            assert told == each.runs

    def teardown(self) -> None:
        self.engine.dispose()


TestStories = Stories.TestCase
TestStories.settings = settings(
    max_examples=max(8, settings().max_examples // 20), stateful_step_count=20
)
