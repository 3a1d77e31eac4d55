"""What a store hands over: to whom, how often, and what of them, whatever goes wrong."""

from __future__ import annotations

import gc
import hashlib
import json
import smtplib
import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pandas as pd
import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from hypothesis import given, settings
from hypothesis import strategies as st

import segmentkit as sk
from segmentkit._results.contacts import form_of
from segmentkit.errors import DataError
from segmentkit.handover import Field
from segmentkit.sqlalchemy import Store, schema_from
from tests.commands import Run
from tests.stores import ENGINES, database

METADATA = sa.MetaData()
PEOPLE = sa.Table(
    "people",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("email", sa.String(100)),
    sa.Column("phone", sa.String(100)),
    sa.Column("ok", sa.Boolean),
    sa.Column("boss", sa.String(100)),
    sa.Column("seen", sa.BigInteger),
)
SCHEMA = schema_from(PEOPLE, channels={"email": {"address": "email", "consent": "ok"}})
RISKY = sk.Segment.define("at risk", "n >= 5", SCHEMA)


def day(number: float) -> datetime:
    return datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=number - 1)


def mail(**more: Any) -> sk.Handover:
    """A hand-over to letters."""
    return sk.Handover.define("mail", RISKY, **{"channel": "email", **more})


class World:
    """People in a database, and a store."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)
        self.store = Store(engine, PEOPLE)
        self.store.create()

    def be(self, **numbers: int | None) -> None:
        """These people, who are called p1, p2 and so on, have these numbers; None is gone."""
        with self.engine.begin() as connection:
            for name, number in numbers.items():
                key = int(name[1:])
                here = PEOPLE.c.id == key
                if number is None:
                    connection.execute(PEOPLE.delete().where(here))
                elif not connection.execute(PEOPLE.update().where(here).values(n=number)).rowcount:
                    told = {"id": key, "n": number, "email": f"{name}@x.org", "ok": True}
                    connection.execute(PEOPLE.insert().values(told))

    def write(self, key: int, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(PEOPLE.update().where(PEOPLE.c.id == key).values(values))

    def run(self, number: float, **numbers: int | None) -> None:
        """A day's data, and its run."""
        self.be(**numbers)
        self.store.run(RISKY, as_of=day(number))

    def pulled(
        self, handover: sk.Handover, number: float = 90, **more: Any
    ) -> tuple[list[int], dict[str, int]]:
        """Who is handed over, and how many are not; all are acknowledged."""
        keys, skipped = [], Counter[str]()
        for batch in self.store.pull(handover, as_of=day(number), **more):
            keys += [row.key for row in batch.rows]
            skipped.update(batch.skipped)
            batch.ack()
        return keys, dict(skipped)


@pytest.fixture(params=ENGINES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A store on each engine."""
    with database(request.param, tmp_path) as url:
        engine = sa.create_engine(url)
        yield World(engine)
        engine.dispose()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    """A store on SQLite, for what is the same on all engines."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.sqlite'}")
    yield World(engine)
    engine.dispose()


# -- who is handed over ---------------------------------------------------------------------------


def test_who_entered_comes_once(world: World) -> None:
    """The first run hands nobody over, and what was acknowledged does not come again."""
    world.run(1, p1=9, p2=1, p3=1, p4=1)
    assert world.pulled(mail()) == ([], {})
    world.run(2, p2=9, p3=9)
    (batch,) = world.store.pull(mail(), as_of=day(2))
    assert [(row.key, row.event, row.at) for row in batch.rows] == [
        (2, "entered", day(2)), (3, "entered", day(2))
    ]  # fmt: skip
    assert [row.address for row in batch.rows] == ["p2@x.org", "p3@x.org"]
    # Not acknowledged: they come again, with the same ids.
    (again,) = world.store.pull(mail(), as_of=day(2))
    assert [row.id for row in again.rows] == [row.id for row in batch.rows]
    assert [row.id for row in again.rows] == ["at risk:2:2:entered", "at risk:3:2:entered"]
    again.ack()
    batch.ack()  # by another worker, or twice
    assert world.pulled(mail()) == ([], {})
    world.run(3, p4=9)
    assert world.pulled(mail()) == ([4], {})


def test_what_is_true_now_decides(world: World) -> None:
    """Left again, consent withdrawn, no address, no longer in, gone: all since the run."""
    world.run(1, p1=1, p2=1, p3=1, p4=1, p5=1, p6=1, p7=1)
    world.run(2, p1=9, p2=9, p3=9, p4=9, p5=9, p6=9, p7=9)
    assert list(world.store.pull(mail(), as_of=day(2)))
    world.run(3, p2=1)
    world.write(3, ok=False)
    world.write(4, ok=None)
    world.write(5, email="")
    world.be(p6=1, p7=None)
    assert world.pulled(mail(), 3) == (
        [1],
        {"left again": 1, "not reachable": 3, "no longer in": 2},
    )
    # They were passed over, and are not asked about again.
    world.write(3, ok=True)
    assert world.pulled(mail(), 3) == ([], {})


def test_who_left_is_handed_over_whatever_they_said(world: World) -> None:
    """It is a removal: consent, and whether they are still there, do not matter."""
    gone = sk.Handover.define("gone", RISKY, on="left", channel="email", fields={"n": "n"})
    world.run(1, p1=9, p2=9, p3=9, p4=9)
    assert world.pulled(gone) == ([], {})
    world.run(2, p1=1, p2=1, p3=None)
    world.write(2, ok=False)
    world.run(2.5, p2=9)
    (batch,) = world.store.pull(gone, as_of=day(3))
    assert [(row.key, row.event, row.address) for row in batch.rows] == [
        (1, "left", "p1@x.org"), (3, "left", None)
    ]  # fmt: skip
    assert batch.rows[1].to_dict()["n"] is None
    assert batch.skipped == {"entered again": 1}
    batch.ack()
    world.run(4, p1=9)
    world.run(5, p1=1)
    assert world.pulled(gone) == ([1], {})


def test_who_comes_again(world: World) -> None:
    """Never, unless after so long is said."""
    later = sk.Handover.define("later", RISKY, channel="email", again="after 10 days")
    world.run(1, p1=1)
    world.run(2, p1=9)
    assert world.pulled(mail(), 2) == world.pulled(later, 2) == ([1], {})
    world.run(3, p1=1)
    world.run(4, p1=9)
    assert world.pulled(mail(), 4) == world.pulled(later, 4) == ([], {"handed over before": 1})
    world.run(20, p1=1)
    world.run(21, p1=9)
    assert world.pulled(mail(), 21) == ([], {"handed over before": 1})
    assert world.pulled(later, 21) == ([1], {})


def test_who_must_wait(world: World) -> None:
    """Who has left again after so long was only flapping."""
    slow = mail(wait="3 days")
    world.run(1, p1=1, p2=1, p3=1)
    world.run(2, p1=9, p2=9)
    assert world.pulled(slow, 2) == ([], {})
    world.run(3, p2=1, p3=9)
    assert world.pulled(slow, 3) == ([], {})
    world.run(5)
    assert world.pulled(slow, 5) == ([1], {"left again": 1})
    world.run(6)
    assert world.pulled(slow, 6) == ([3], {})


def test_who_is_held_out_is_left_out(small: World) -> None:
    """By the sample of the goal, as it is for everybody."""
    number = sk.Trait.define("number", "n", SCHEMA)
    goal = sk.Goal.define(
        "g", RISKY, number, 1, starts=day(1).date(), by=day(30).date(), hold_out="50%"
    )
    keys = range(1, 41)
    small.run(1, **{f"p{key}": 1 for key in keys})
    small.run(2, **{f"p{key}": 9 for key in keys})
    told, skipped = small.pulled(mail(goal=goal), 2, size=7)
    held = [key for key in keys if goal.held_out.matches({"id": key})]
    assert told == [key for key in keys if key not in held]
    assert skipped == {"held out": len(held)}
    assert 5 < len(held) < 35


def test_definitions_and_stale_data_hand_nobody_over(small: World) -> None:
    """Only what people did counts."""
    small.run(1, p1=1, p2=3)
    small.run(2, p1=9)
    assert small.pulled(mail(), 2) == ([1], {})
    wider = sk.Segment.define("at risk", "n >= 3", SCHEMA)
    small.store.run(wider, as_of=day(3))
    changed = sk.Handover.define("mail", wider, channel="email")
    assert small.pulled(changed, 3) == ([], {})
    runs = small.store.metadata.tables["segmentkit_run"]
    small.be(p5=9)
    small.store.run(wider, as_of=day(4))
    with small.engine.begin() as connection:
        connection.execute(runs.update().values(stale=True).where(runs.c.run == 5))
    told, skipped = small.pulled(changed, 4)
    assert (told, skipped) in [([], {"stale data": 1}), ([5], {})]


def test_stale_data_is_refused(small: World) -> None:
    """When nothing is loaded any more, whoever did nothing is everybody."""
    told = sk.Entity(
        "people", key="id", fresh=sk.Fresh("at", stale="1 day"),
        attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("n", sk.INTEGER),
                    sk.Attribute("at", sk.TIMESTAMP, column="seen", unit="seconds", nullable=True)],
    )  # fmt: skip
    risky = sk.Segment.define("at risk", "n >= 5", sk.Schema([told]))
    handed = sk.Handover.define("calls", risky, task={"title": "Call"})
    small.run(1, p1=1)
    small.run(2, p1=9)
    small.write(1, seen=int(day(1).timestamp()))
    with pytest.raises(DataError, match=r'nobody was handed over.*stale="allow"'):
        small.store.pull(handed, as_of=day(4))
    assert small.pulled(handed, 4, stale="allow") == ([1], {})


@pytest.mark.parametrize("size", [1, 3, 100])
def test_batches_of_any_size_hand_over_the_same(world: World, size: int) -> None:
    """Each in one batch; skipped ones are counted once."""
    world.run(1, **{f"p{key}": 1 for key in range(1, 8)})
    world.run(2, p1=9, p2=9, p3=9)
    assert list(world.store.pull(mail(), as_of=day(2)))
    world.run(3, p4=9, p5=9, p6=9, p7=9)
    world.write(5, ok=False)
    batches = []
    for batch in world.store.pull(mail(), as_of=day(3), size=size):
        batch.ack()
        batches.append(batch)
    assert [row.key for batch in batches for row in batch.rows] == [1, 2, 3, 4, 6, 7]
    assert sum(batch.skipped.get("not reachable", 0) for batch in batches) == 1
    assert max(len(batch) + sum(batch.skipped.values()) for batch in batches) <= size
    assert world.pulled(mail()) == ([], {})


@pytest.mark.parametrize("acknowledged", [[1], [0, 2], [2, 0], [3], [1, 3], [3, 2, 1], []])
def test_what_is_not_acknowledged_is_not_lost(small: World, acknowledged: list[int]) -> None:
    """Batches that failed come again, whichever others were acknowledged, and in whatever order."""
    small.run(1, **{f"p{key}": 1 for key in range(1, 9)})
    small.run(2, p1=9, p2=9, p3=9)
    next(small.store.pull(mail(), as_of=day(2)))
    small.run(3, p4=9, p5=9)
    small.run(4, p6=9, p7=9, p8=9)
    small.write(4, ok=False)
    batches = list(small.store.pull(mail(), as_of=day(4), size=2))
    assert len(batches) == 4
    for place in acknowledged:
        batches[place].ack()
    lost = [row.key for i, each in enumerate(batches) if i not in acknowledged for row in each.rows]
    assert small.pulled(mail(), 4)[0] == lost


def test_an_acknowledgement_that_fails_is_none(small: World) -> None:
    """Even if the next ones are written."""
    small.run(1, p1=1, p2=1, p3=1)
    small.run(2, p1=9, p2=9, p3=9)
    first, second, third = small.store.pull(mail(), as_of=day(2), size=1)
    crashing = Crashing(small.engine)
    crashing.left = 0
    with pytest.raises(Crashed):
        first.ack()
    crashing.left = None
    second.ack()
    third.ack()
    assert small.pulled(mail(), 2) == ([1], {})


@pytest.mark.parametrize("taken", [[], [0], [5], [1, 4], [0, 1, 2], [5, 4, 3, 2, 1, 0]])
def test_what_is_acknowledged_by_ids(small: World, taken: list[int]) -> None:
    """Any part of what was pulled, in any order; who was skipped is not asked about again."""
    small.run(1, **{f"p{key}": 1 for key in range(1, 9)})
    small.run(2, p1=9, p2=9, p3=9)
    next(small.store.pull(mail(), as_of=day(2)))
    small.run(3, p4=9, p5=9, p6=9, p7=9)
    small.write(2, ok=False)
    ids = [row.id for each in small.store.pull(mail(), as_of=day(3)) for row in each.rows]
    assert small.store.ack(mail(), [ids[place] for place in taken]) == len(taken)
    keys, skipped = small.pulled(mail(), 3)
    assert keys == [key for place, key in enumerate([1, 3, 4, 5, 6, 7]) if place not in taken]
    # Of runs of which nobody is left, nobody is asked about again.
    assert skipped == ({} if {0, 1} <= set(taken) else {"not reachable": 1})


def test_two_workers_hand_over_the_same_ids(world: World) -> None:
    """Nobody is lost, and whoever drops repeats has each once."""
    world.run(1, **{f"p{key}": 1 for key in range(1, 7)})
    world.run(2, **{f"p{key}": 9 for key in range(1, 7)})
    one, other = (world.store.pull(mail(), as_of=day(2), size=2) for _ in range(2))
    ids: list[str] = []
    for first, second in zip(one, other, strict=False):
        ids += [row.id for batch in (first, second) for row in batch.rows]
        second.ack()
        first.ack()
    assert len(set(ids)) == 6
    assert world.pulled(mail()) == ([], {})


def test_a_retired_hand_over_is_waited_for_no_longer(world: World) -> None:
    """Who was due is forgotten, who was handed over is not, and pulling again begins anew."""
    world.run(1)
    world.run(2, p1=9, p2=9)
    assert world.pulled(mail(), 2) == ([1, 2], {})
    world.run(3, p2=1, p3=9)
    world.run(4, p3=1)
    assert world.store.prune(before=day(9)) == 0  # the letters about these runs are still to come
    with pytest.raises(DataError, match=r"'mial' has never been pulled.*did you mean 'mail'"):
        world.store.retire("mial")
    assert world.store.retire("mail") == 2
    assert world.store.prune(before=day(9)) == 2
    with pytest.raises(DataError, match="or is retired already"):
        world.store.retire(mail())
    world.run(5, p2=9, p4=9)
    assert world.pulled(mail(), 5) == ([4], {"handed over before": 1})
    assert world.store.erase([1]) == {"mail": 1}


def test_erased_people_are_told_of(world: World) -> None:
    """Who took them over may still hold them; then nothing of them is left."""
    world.run(1, p1=1, p2=1, p3=1)
    world.run(2, p1=9, p2=9, p3=9)
    assert world.pulled(mail(), 2)[0] == [1, 2, 3]
    calls = sk.Handover.define("calls", RISKY, task={"title": "Call"})
    world.pulled(calls, 2)
    with world.engine.begin() as connection:  # one that is asked for no longer
        cursor = world.store.metadata.tables["segmentkit_cursor"]
        connection.execute(cursor.delete().where(cursor.c.consumer == "calls"))
    assert world.store.erase([2, 3, 99]) == {"calls": 2, "mail": 2}
    assert world.store.erase([2]) == {}
    with world.engine.connect() as connection:
        handed = world.store.metadata.tables["segmentkit_handed"]
        assert set(connection.scalars(sa.select(handed.c.key))) == {1}


def test_a_segment_that_was_never_run_hands_nobody_over(small: World) -> None:
    """It is an error that says what to do."""
    with pytest.raises(DataError, match="was never run here: call run"):
        next(small.store.pull(mail()))
    with pytest.raises(ValueError, match="size must be at least 1"):
        small.store.pull(mail(), size=0)


# -- what of them ---------------------------------------------------------------------------------


def test_fields_tasks_and_files(small: World, tmp_path: Path) -> None:
    """Rows, frames, CSV, JSON lines and Parquet say the same."""
    calls = sk.Handover.define(
        "calls", RISKY,
        task={"title": "Call", "due": "2 days", "owner": "boss"},
        fields={"tel": 'e164(phone, "DK")', "meta": 'hashed_phone(phone, "meta", "DK")',
                "twice": "n * 2"},
    )  # fmt: skip
    small.run(1, p1=1, p2=1)
    small.run(2, p1=9, p2=8)
    small.write(1, phone="32 12 34 56", boss="Ada", ok=None)
    small.write(2, phone="12")
    (batch,) = small.store.pull(calls, as_of=day(2))
    digest = hashlib.sha256(b"4532123456").hexdigest()
    assert batch.rows[0].to_dict() == {
        "id": "at risk:1:2:entered", "key": 1, "event": "entered", "at": day(2), "title": "Call",
        "due": day(4), "owner": "Ada", "tel": "+4532123456", "meta": digest, "twice": 18,
    }  # fmt: skip
    assert batch.rows[1].fields == {"tel": None, "meta": None, "twice": 16}
    assert list(batch.frame["twice"]) == [18, 16]
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        batch.save(tmp_path / name)
    read = pd.read_csv(tmp_path / "a.csv", dtype={"tel": "string"})
    assert list(read.columns) == list(batch.columns)
    assert read.loc[0, "tel"] == "+4532123456"
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert lines[0] | {"at": 0} == {
        **batch.rows[0].to_dict(),
        "at": 0,
        "due": "2026-05-04T00:00:00Z",
    }
    assert lines[1]["tel"] is None
    assert pd.read_parquet(tmp_path / "a.parquet")["meta"].tolist()[0] == digest
    with pytest.raises(sk.UsageError, match=r"or \.jsonl or \.parquet"):
        batch.save(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ('e164(phone, "UA")', "044 123 45 67", "+380441234567"),
        ("e164(phone)", "+380 44 123 45 67", "+380441234567"),
        ("e164(phone)", "044 123 45 67", None),
        ("e164(phone)", None, None),
        ('e164(phone, "DK")', "no number", None),
        ('hashed_phone(phone, "google", "UA")', "044 123 45 67", "+380441234567"),
        ('hashed_phone(phone, "snapchat", "UA")', "044 123 45 67", "380441234567"),
        ('hashed_email(email, "google")', " Ada@Example.com ", "ada@example.com"),
        ('hashed_email(email, "linkedin")', "nowhere", None),
        ('hashed_email(email, "tiktok")', None, None),
    ],
)
def test_forms(text: str, value: str | None, found: str | None) -> None:
    """As platforms compare them; what is none is missing."""
    form = form_of(Field.of("x", text, SCHEMA, {}))
    if text.startswith("hashed") and found is not None:
        found = hashlib.sha256(found.encode()).hexdigest()
    assert form(value) == found


# -- whatever goes wrong --------------------------------------------------------------------------


class Crashed(BaseException):
    """The process is gone."""


class Crashing:
    """An engine whose process dies at the n-th statement."""

    def __init__(self, engine: sa.Engine) -> None:
        self.left: int | None = None
        sa.event.listen(engine, "before_cursor_execute", self.count)

    def count(self, *_: Any) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Crashed


@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_killed_at_any_statement(world: World) -> None:
    """Whoever entered and consents is handed over in the end, with one id each, and no others."""
    crashing = Crashing(world.engine)
    world.run(1, **{f"p{key}": 1 for key in range(1, 8)})
    world.run(2)
    world.pulled(mail(), 2)
    world.run(3, p1=9, p2=9, p3=9, p4=9, p5=9)
    world.write(3, ok=False)
    got: Counter[str] = Counter()
    step = 1 if world.engine.dialect.name == "sqlite" else 3
    for statements in range(0, 90, step):
        crashing.left = statements
        try:
            for batch in world.store.pull(mail(), as_of=day(3), size=2):
                got.update(row.id for row in batch.rows)
                batch.ack()
        except Crashed:
            continue
        finally:
            crashing.left = None
        break
    else:
        raise AssertionError("it never came through")
    assert set(got) == {f"at risk:{key}:3:entered" for key in (1, 2, 4, 5)}
    assert world.pulled(mail(), 3) == ([], {})
    gc.collect()  # cursors of the dead


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("be"), st.integers(1, 4), st.integers(0, 9)),
        st.tuples(st.just("ok"), st.integers(1, 4), st.booleans()),
        st.just(("run",)),
        st.tuples(st.just("pull"), st.integers(1, 3), st.booleans()),
    ),
    max_size=25,
)


@settings(max_examples=15)
@given(STEPS)
def test_a_model_in_python_hands_over_the_same(steps: list[Any]) -> None:
    """Runs, pulls that are acknowledged or not, and consent that comes and goes."""
    engine = sa.create_engine("sqlite://")
    world = World(engine)
    world.run(1, p1=1, p2=1, p3=1, p4=1)
    world.run(2)
    world.pulled(mail(), 2)
    numbers, consents = dict.fromkeys(range(1, 5), 1), dict.fromkeys(range(1, 5), True)
    inside: dict[int, int] = {}  # since which run
    waiting: list[tuple[int, int]] = []  # runs and keys that nobody has taken over
    taken: set[int] = set()
    number = 2
    for step in steps:
        match step:
            case "be", key, n:
                numbers[key] = n
                world.write(key, n=n)
            case "ok", key, ok:
                consents[key] = ok
                world.write(key, ok=ok)
            case ("run",):
                number += 1
                world.store.run(RISKY, as_of=day(number))
                for key, n in numbers.items():
                    if n >= 5 and key not in inside:
                        inside[key] = number
                        waiting.append((number, key))
                    elif n < 5:
                        inside.pop(key, None)
            case "pull", size, acknowledged:
                expected = [
                    (run, key)
                    for run, key in sorted(waiting)
                    if inside.get(key) == run and numbers[key] >= 5 and consents[key]
                    and key not in taken
                ]  # fmt: skip
                told = []
                for batch in world.store.pull(mail(), as_of=day(number), size=size):
                    told += [(int(row.id.split(":")[2]), row.key) for row in batch.rows]
                    if acknowledged:
                        batch.ack()
                assert told == expected
                if acknowledged:
                    waiting, taken = [], taken | {key for _, key in expected}
    engine.dispose()


# -- to the end -----------------------------------------------------------------------------------


class Inbox:
    """A server that takes letters, and drops those that it has by their ids."""

    def __init__(self) -> None:
        self.letters: dict[str, list[str]] = {}
        self.repeats = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        letter = BytesParser().parsebytes(envelope.content)
        name = str(letter["Message-ID"])
        self.repeats += name in self.letters
        self.letters[name] = list(envelope.rcpt_tos)
        return "250 OK"


@pytest.mark.parametrize("dies", ["before sending", "after sending", "after acknowledging"])
def test_one_letter_each(small: World, dies: str) -> None:
    """Everyone who entered and consents gets exactly one letter, across crashes and repeats."""
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    crashes = {3, 5, 8}
    count = 0

    def dying(place: str) -> None:
        nonlocal count
        if place == dies:
            count += 1
            if count in crashes:
                raise Crashed

    def send(now: float) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for batch in small.store.pull(mail(), as_of=day(now), size=2):
                for row in batch.rows:
                    letter = EmailMessage()
                    letter["Subject"] = "We miss you"
                    letter["To"] = row.address
                    name = hashlib.sha256(row.id.encode()).hexdigest()
                    letter["Message-ID"] = f"<{name}@shop>"
                    letter.set_content("Come back!")
                    dying("before sending")
                    smtp.send_message(letter, from_addr="shop@x.org")
                    dying("after sending")
                batch.ack()
                dying("after acknowledging")

    try:
        small.run(1, **{f"p{key}": 1 for key in range(1, 13)})
        small.run(2)
        send(2)
        for number, numbers in enumerate(
            ({"p1": 9, "p2": 9, "p3": 9}, {"p4": 9, "p5": 9, "p1": 1}, {"p1": 9, "p6": 9, "p7": 9}),
            start=3,
        ):
            small.run(number, **numbers)
            small.write(5, ok=False)
            for _ in range(5):  # a job that is started again and again
                try:
                    send(number)
                except Crashed:
                    continue
    finally:
        server.stop()
    receivers = Counter(receiver for each in inbox.letters.values() for receiver in each)
    assert receivers == Counter(f"p{key}@x.org" for key in (1, 2, 3, 4, 6, 7))
    assert count >= 3
    assert inbox.repeats <= 6


class Bot(BaseHTTPRequestHandler):
    """A server like Telegram's, which forgets nothing, and fails now and then."""

    messages: list[tuple[str, str]]
    asked: int

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind: Any = type(self)
        kind.asked += 1
        fails = kind.asked % 3 == 0
        if not fails:
            kind.messages.append((told["chat_id"], told["text"]))
        body = json.dumps({"ok": not fails}).encode()
        self.send_response(502 if fails else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def test_one_message_each(small: World) -> None:
    """A bot that fails, and a sender that keeps the ids of what was sent: nobody has two."""
    handler: Any = type("OneBot", (Bot,), {"messages": [], "asked": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/bot42/sendMessage"
    sent: set[str] = set()  # a table of the sender's own

    def send() -> bool:
        for batch in small.store.pull(mail(fields={"chat": "phone"}), as_of=day(3), size=3):
            for row in batch.rows:
                if row.id in sent:
                    continue
                told = {"chat_id": row.fields["chat"], "text": "We miss you"}
                request = Request(address, json.dumps(told).encode(), method="POST")
                try:
                    with urlopen(request, timeout=5):
                        sent.add(row.id)
                except OSError:
                    return False
            batch.ack()
        return True

    try:
        small.run(1, **{f"p{key}": 1 for key in range(1, 8)})
        for key in range(1, 8):
            small.write(key, phone=f"chat {key}")
        small.run(2)
        small.pulled(mail(fields={"chat": "phone"}), 2)
        small.run(3, **{f"p{key}": 9 for key in range(1, 8)})
        tries = 1
        while not send():
            tries += 1
            assert tries < 20
    finally:
        server.shutdown()
        server.server_close()
    assert tries > 1
    assert sorted(handler.messages) == [(f"chat {key}", "We miss you") for key in range(1, 8)]


# -- the commands ---------------------------------------------------------------------------------

FILE = """\
language = 1
[schema]
entity = "people"
[schema.channels]
email = { address = "email", consent = "ok" }
[segments."at risk"]
where = "n >= 5"
[handovers.mail]
segment = "at risk"
channel = "email"
fields = { n = "n" }
"""


def test_the_commands(small: World, run: Run, tmp_path: Path) -> None:
    """Pulled into a file, and acknowledged by it."""
    tmp_path.joinpath("shop.toml").write_text(FILE, encoding="utf-8")
    url = ("--url", "sqlite:///shop.sqlite", "--as-of", "2026-05-04")
    assert "was never run" in run("pull", "shop.toml", "mail", *url).err
    with small.engine.begin() as connection:
        small.store.metadata.drop_all(connection)
    missing = run("pull", "shop.toml", "mail", *url)
    assert (missing.code, "segmentkit run --create" in missing.err) == (2, True)
    small.store.create()
    small.run(1, p1=1, p2=1, p3=1)
    small.run(2)
    assert (run("pull", "shop.toml", "mail", *url).out) == ""
    small.run(3, p1=9, p2=9, p3=9)
    small.write(3, ok=False)
    pulled = run("pull", "shop.toml", "mail", *url)
    assert pulled.code == 0
    rows = [json.loads(line) for line in pulled.out.splitlines()]
    assert [(row["key"], row["address"], row["n"]) for row in rows] == [
        (1, "p1@x.org", 9), (2, "p2@x.org", 9)
    ]  # fmt: skip
    assert "skipped: 1 not reachable" in pulled.err
    for name in ("out.csv", "out.jsonl"):
        assert run("pull", "shop.toml", "mail", *url, "-o", name).code == 0
    told = run("ack", "shop.toml", "mail", "out.csv", "--url", "sqlite:///shop.sqlite")
    assert (told.code, told.out) == (0, "2 acknowledged\n")
    told = run("ack", "shop.toml", "mail", "out.jsonl", "--url", "sqlite:///shop.sqlite")
    assert (told.code, told.out) == (0, "0 acknowledged\n")
    assert run("pull", "shop.toml", "mail", *url).out == ""
    assert "no hand-over 'mial'" in run("pull", "shop.toml", "mial", *url).err
    tmp_path.joinpath("wrong.jsonl").write_text('{"id": "x"}\n', encoding="utf-8")
    told = run("ack", "shop.toml", "mail", "wrong.jsonl", "--url", "sqlite:///shop.sqlite")
    assert (told.code, "no id of the hand-over" in told.err) == (1, True)
    retire = "retire", "shop.toml", "mail", "--url", "sqlite:///shop.sqlite"
    assert run(*retire).out == "mail is retired; it was told of 2 people\n"
    assert "has never been pulled here, or is retired already" in run(*retire).err
