"""Answers are sets of keys: they combine, count and are kept without a database."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from segmentkit import Catalog, DataError, SchemaError, Segment, Trait, UnsupportedError
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql
from segmentkit._planning import ir
from segmentkit._planning.plan import Plan
from segmentkit.evaluation import Asked, Evaluation, Members, pack
from segmentkit.extension import Target
from segmentkit.segment import bound_condition
from segmentkit.sqlalchemy.statements import batch_statement
from segmentkit.sqlalchemy.tables import Tables
from tests.targets.databases import asks_planner

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PEOPLE = pd.DataFrame({"id": range(1, 21), "age": [*range(10, 29), None], "name": list("ab" * 10)})
ORDERS = pd.DataFrame(
    {
        "id": range(40),
        "person": [1 + i % 15 for i in range(40)],
        "at": [datetime(2026, 1 + i % 4, 1 + i % 28) for i in range(40)],
        "price": [i * 3 % 17 for i in range(40)],
    }
)
FRAMES = {"people": PEOPLE, "orders": ORDERS}
SHOP = frames.schema_from(
    FRAMES,
    "people",
    keys={"people": "id", "orders": "id"},
    events={"orders": {"key": "person", "at": "at"}},
)
TEXTS = {
    "adult": "age >= 18",
    "minor": "age < 18",
    "frequent": "count(orders) >= 3",
    "spender": "age >= 18 and sum(orders.price in last 90 days) > 10",
    "either": "age < 18 or last(orders.price) > 5",
}
SEGMENTS = {name: Segment.define(name, text, SHOP) for name, text in TEXTS.items()}


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    """The frames in SQLite."""
    made = sql.prepare(sa.create_engine("sqlite://", poolclass=sa.StaticPool))
    tables = sql.tables_from(SHOP)
    tables.create_all(made)
    with made.begin() as connection:
        for name, frame in FRAMES.items():
            rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
            connection.execute(tables.tables[name].insert(), rows)
    yield made
    made.dispose()


@pytest.fixture
def source(engine: sa.Engine) -> sql.Source:
    """SQLite as a source."""
    return sql.Source(engine, sql.tables_from(SHOP).tables["people"])


@pytest.fixture
def found() -> Evaluation:
    """The answers of frames."""
    return frames.Source(FRAMES).evaluate(SEGMENTS, as_of=NOON)


# -- evaluations ----------------------------------------------------------------------------------


def test_everyone_is_told_of(found: Evaluation, source: sql.Source) -> None:
    """Frames and a database give the same table: everyone by key, a column a segment."""
    table = source.evaluate(Catalog(SEGMENTS), as_of=NOON).frame
    pd.testing.assert_frame_equal(table.sort_index(), found.frame)
    assert table.attrs["as_of"] == NOON
    for name, segment in SEGMENTS.items():
        assert found[name].keys.tolist() == frames.members(segment, FRAMES, as_of=NOON).tolist()


def test_signatures_are_bits(found: Evaluation) -> None:
    """The i-th bit of a signature says of the i-th segment, however many there are."""
    table = found.frame
    for place, name in enumerate(found):
        assert ((found.signatures.to_numpy() >> place & 1) == table[name].to_numpy()).all()
    many = {f"s{i}": SEGMENTS["adult"] for i in range(130)}
    wide = frames.Source(FRAMES).evaluate(many, as_of=NOON).signatures
    assert set(wide) == {0, 2**130 - 1}


def test_more_segments_than_bits_in_a_number(source: sql.Source) -> None:
    """A database tells of any number of segments; what one number cannot hold is in the next."""
    many = {f"s{i}": Segment.define(None, f"age > {i % 30}", SHOP) for i in range(130)}
    expected = frames.Source(FRAMES).evaluate(many, as_of=NOON)
    answered = source.evaluate(many, as_of=NOON)
    pd.testing.assert_frame_equal(answered.frame.sort_index(), expected.frame)
    pd.testing.assert_frame_equal(source.overlap(many, as_of=NOON), expected.overlap())


def test_too_many_for_one_statement(
    source: sql.Source, found: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not go into one statement goes into several, and pairs are still counted."""
    monkeypatch.setattr(batch_statement, "_COLUMNS", 3)
    conditions = {
        n: bound_condition(s, NOON.replace(tzinfo=None), Target.SQL) for n, s in SEGMENTS.items()
    }
    assert len(batch_statement.portions(conditions)) > 1
    assert len(batch_statement.portions(conditions, share=2)) > len(
        batch_statement.portions(conditions)
    )
    answered = source.evaluate(SEGMENTS, as_of=NOON)
    pd.testing.assert_frame_equal(answered.frame.sort_index(), found.frame)
    assert dict(source.sizes(SEGMENTS, as_of=NOON)) == dict(found.sizes())
    pd.testing.assert_frame_equal(source.overlap(SEGMENTS, as_of=NOON), found.overlap())


def test_what_is_asked_about(found: Evaluation) -> None:
    """One segment, several, and a mapping are asked about; nothing, and two of one name, not."""
    source = frames.Source(FRAMES)
    adult, minor = SEGMENTS["adult"], SEGMENTS["minor"]
    assert source.evaluate(adult).names == ("adult",)
    assert source.evaluate([adult.named(None), minor]).names == ("age >= 18", "minor")
    with pytest.raises(ValueError, match="at least one"):
        source.evaluate([])
    with pytest.raises(ValueError, match="two different segments are called 'x'"):
        source.sizes([adult.named("x"), minor.named("x")])
    with pytest.raises(TypeError, match="takes a Segment here, and not a str"):
        source.sizes(["adult"])  # type: ignore[list-item]
    other = Segment.define("other", "age > 1", frames.schema_from(PEOPLE, "p", keys={"p": "id"}))
    with pytest.raises(SchemaError):
        source.sizes([adult, other])
    with pytest.raises(KeyError, match="did you mean 'adult'"):
        found.members("adlut")


# -- broken ones ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sql", "frames"])
def test_a_broken_segment_is_named(
    source: sql.Source, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be computed is an error that names it; if asked to, the rest is answered."""

    def refuse(*_: object, **__: object) -> None:
        raise UnsupportedError("there is no such test")

    monkeypatch.setattr("segmentkit.sqlalchemy.statements.compiler.Compiler.text_test", refuse)
    monkeypatch.setattr("segmentkit.pandas._compile.has", refuse)
    text = Segment.define("text", 'name contains "a"', SHOP)
    unbound = Segment.define("unbound", "age > :limit", SHOP)
    segments = {"adult": SEGMENTS["adult"], "text": text, "minor": SEGMENTS["minor"]}
    asked = source if kind == "sql" else frames.Source(FRAMES)
    for ask in (asked.evaluate, asked.sizes, asked.overlap):
        with pytest.raises(UnsupportedError, match="segment 'text': there is no such test"):
            ask(segments)
    with pytest.raises(DataError, match="segment 'unbound': unbound has no value for :limit"):
        asked.sizes({"unbound": unbound})
    answered = asked.evaluate({**segments, "unbound": unbound}, skip_broken=True)
    assert answered.names == ("adult", "minor")
    assert set(answered.broken) == {"text", "unbound"}
    nobody = asked.evaluate([text], skip_broken=True)
    assert (len(nobody), len(nobody.population)) == (0, 20)
    assert asked.sizes([text], skip_broken=True).population == 20
    assert asked.overlap([text], skip_broken=True).empty


def test_an_interrupted_question_leaves_nothing(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C in the middle of the answer, the connection is back and can be used again."""
    pool = sa.create_engine("sqlite://", creator=lambda: _copy(engine), poolclass=sa.QueuePool)
    source = sql.Source(pool, sql.tables_from(SHOP).tables["people"])

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("segmentkit.sqlalchemy.sql_source._bits", interrupt)
        with pytest.raises(KeyboardInterrupt):
            source.evaluate(SEGMENTS, as_of=NOON)
    assert isinstance(pool.pool, sa.QueuePool)
    assert pool.pool.checkedout() == 0
    assert len(source.evaluate(SEGMENTS, as_of=NOON).population) == 20
    pool.dispose()


def _copy(engine: sa.Engine) -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", check_same_thread=False)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.backup(made)
    return made


def test_a_connection_and_a_session_are_used_as_they_are(engine: sa.Engine) -> None:
    """What is not committed yet counts, and the transaction stays open."""
    people = sql.tables_from(SHOP).tables["people"]
    with engine.connect() as connection:
        connection.execute(people.insert(), [{"id": 99, "age": 40, "name": "x"}])
        sizes = sql.Source(connection, people).sizes(SEGMENTS, as_of=NOON)
        assert sizes.population == 21
        assert connection.in_transaction()
        connection.rollback()
    with Session(engine) as session:
        assert sql.Source(session, people).count(SEGMENTS["minor"], as_of=NOON) == 8


# -- how it is computed ---------------------------------------------------------------------------


def _two_hundred() -> dict[str, Segment]:
    texts = [
        f"age > {i % 40} and count(orders in last {30 * (1 + i % 4)} days) {'>=' if i % 2 else '<'} "
        f"{i % 5} and sum(orders.price in last {30 * (1 + i % 4)} days) > {i % 7}"
        for i in range(200)
    ]
    return {f"s{i}": Segment.define(None, text, SHOP) for i, text in enumerate(texts)}


def test_two_hundred_segments_scan_the_events_once(engine: sa.Engine, source: sql.Source) -> None:
    """One statement, one scan of the relation, in the text and in the database's own plan."""
    segments = _two_hundred()
    with engine.connect() as connection:
        asked: list[str] = []
        sa.event.listen(
            connection, "before_cursor_execute", lambda c, k, text, *more: asked.append(text)
        )
        own = sql.Source(connection, sql.tables_from(SHOP).tables["people"])
        own.evaluate(segments, as_of=NOON)
        (found,) = [text for text in asked if not asks_planner(text)]
        assert found.count("FROM orders") == 1
        text = source.explain(segments, as_of=NOON)
        assert text.count("FROM orders") == 1
        question = Plan(
            {
                n: bound_condition(s, NOON.replace(tzinfo=None), Target.SQL)
                for n, s in segments.items()
            }
        )
        assert [len(each) for each in question.scans.values()] == [8]
        assert len(question.tests) < 200
        query = batch_statement.Pass.of(
            dict(question.conditions),
            Tables.of(SHOP, own.entity),
        ).signed()
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN "
            + str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        ).all()
    assert sum("SCAN orders" in str(row) for row in plan) == 1


def _plan_of(segments: dict[str, Segment]) -> Plan:
    at = NOON.replace(tzinfo=None)
    return Plan({n: bound_condition(s, at, Target.PANDAS) for n, s in segments.items()})


def test_all_is_forgotten_after_its_last_use() -> None:
    """In frames, what is computed of many rows is kept only for the steps to come."""
    plan = _plan_of(_two_hundred())
    assert {test for step in plan.steps for test in step.tests} == set(plan.tests)
    assert sorted(name for step in plan.steps for name in step.answered) == sorted(plan.conditions)
    forgotten: set[ir.Condition | ir.Value] = set()
    known: set[ir.Condition | ir.Value] = set()
    for step in plan.steps:
        looked = {node for test in step.tests for node in ir.walk(test)}
        looked |= {plan.conditions[name] for name in step.answered}
        assert not looked & forgotten
        known |= looked
        assert sum(isinstance(node, ir.Aggregate) for node in known) <= 2
        known -= step.last
        forgotten |= step.last
    assert not known


def _peak(run: Callable[[], object]) -> int:
    """How much is held at most while something runs, in bytes."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_segments() -> None:
    """Ten times the windows, tests of rows and aggregates take little more room, only time."""
    draw = np.random.default_rng(1)
    people = pd.DataFrame({"id": np.arange(10_000), "age": draw.integers(10, 90, 10_000)})
    orders = pd.DataFrame(
        {
            "id": np.arange(200_000),
            "person": draw.integers(0, 10_000, 200_000),
            "at": np.datetime64("2026-05-01", "s")
            - draw.integers(0, 1_000, 200_000).astype("m8[D]"),
            "price": draw.integers(0, 99, 200_000),
        }
    )
    tables = {"people": people, "orders": orders}
    schema = frames.schema_from(
        tables,
        "people",
        keys={"people": "id", "orders": "id"},
        events={"orders": {"key": "person", "at": "at"}},
    )
    texts = [
        f"age > {i % 50} and count(orders in last {900 + i} days where price > {i % 97}) > 2"
        for i in range(1, 101)
    ]
    segments = {text: Segment.define(None, text, schema) for text in texts}
    few = dict(list(segments.items())[:10])
    source = frames.Source(tables)
    source.sizes(segments, as_of=NOON)  # what is loaded and remembered at first
    least, most = (_peak(partial(source.sizes, each, as_of=NOON)) for each in (few, segments))
    # Bits of a hundred windows of the rows alone would be 2.5 MB.
    assert most < least + 1_000_000


def test_the_shape_is_told(source: sql.Source) -> None:
    """One segment is asked in the shape that suits it, and the text says which."""
    assert "no relation is read" in source.explain(SEGMENTS["adult"])
    assert "rows of those who pass" in source.explain(SEGMENTS["spender"])
    lapsed = Segment.define(None, "age >= 18 and none(orders in last 90 days)", SHOP)
    assert "rows of those who pass" in source.explain(lapsed)
    assert "joined to everyone" in source.explain(SEGMENTS["either"])
    assert "5 segments in one pass" in source.explain(SEGMENTS)


def test_one_person_is_found_by_key(source: sql.Source) -> None:
    """Only that person's rows are looked at; whoever is not there is no member."""
    for each in (source, frames.Source(FRAMES)):
        assert each.contains(SEGMENTS["adult"], 10, as_of=NOON)
        assert not each.contains(SEGMENTS["adult"], 1, as_of=NOON)
        assert not each.contains(SEGMENTS["adult"], 1_000, as_of=NOON)
        assert not each.contains(~SEGMENTS["adult"], 1_000, as_of=NOON)


def test_progress_is_told() -> None:
    """Whoever wants to know is told how many steps are done."""
    told: list[tuple[int, int]] = []
    frames.Source(FRAMES, progress=lambda *step: told.append(step)).sizes(SEGMENTS, as_of=NOON)
    assert [done for done, _ in told] == list(range(1, told[0][1] + 1))


def test_progress_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar is shown to whoever wants one; without its package the error names the extra."""
    source = frames.Source(FRAMES, progress=True)
    source.sizes(SEGMENTS, as_of=NOON)
    assert "100%" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"segmentkit\[progress\]"):
        source.sizes(SEGMENTS, as_of=NOON)


def test_interrupted_frames_can_be_asked_again(found: Evaluation) -> None:
    """After Ctrl-C at any step nothing is kept, nothing is changed, and the answer is the same."""

    def stop(done: int, total: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    before = {name: frame.copy() for name, frame in FRAMES.items()}
    source = frames.Source(FRAMES, progress=stop)
    for at in (1, 2):  # noqa: B007 - read by the function above
        with pytest.raises(KeyboardInterrupt):
            source.evaluate(SEGMENTS, as_of=NOON)
    at = 0
    pd.testing.assert_frame_equal(source.evaluate(SEGMENTS, as_of=NOON).frame, found.frame)
    for name, frame in FRAMES.items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_values_are_columns(source: sql.Source) -> None:
    """Traits have the same values and the same types from a database as from frames."""
    texts = {
        "orders_made": "count(orders)",
        "mean": "avg(orders.price)",
        "latest": "max(orders.at)",
        "called": "name",
        "grown": "age",
    }
    traits = [Trait.define(name, text, SHOP) for name, text in texts.items()]
    expected = frames.Source(FRAMES).values(traits, of=SEGMENTS["adult"], as_of=NOON)
    answered = source.values(traits, of=SEGMENTS["adult"], as_of=NOON)
    pd.testing.assert_frame_equal(answered.sort_index(), expected)
    assert answered.attrs == {"as_of": NOON}
    assert source.values(traits, of=SEGMENTS["adult"] & SEGMENTS["minor"]).empty


def test_making_queries_loads_no_pandas() -> None:
    """A source answers in pandas' types; whoever only makes queries does not load them."""
    code = (
        "import sys, segmentkit.sqlalchemy as s; print('pandas' in sys.modules, s.Source.__name__)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False Source\n"


# -- sets -----------------------------------------------------------------------------------------


def test_members_are_sets(found: Evaluation) -> None:
    """Members combine as sets of keys do, and say what they are as long as one text can."""
    adult, frequent = found["adult"], found["frequent"]
    a, f, everyone = set(adult), set(frequent), set(found.population)
    assert set(adult & frequent) == a & f
    assert set(adult | frequent) == a | f
    assert set(adult - frequent) == a - f
    assert set(adult ^ frequent) == a ^ f
    assert set(~adult) == everyone - a
    assert (adult & frequent) | (adult - frequent) == adult
    assert len(adult) == len(a)
    assert 10 in adult
    assert 1 not in adult
    assert (adult - frequent).asked.definition == "(age >= 18) and not (count(orders) >= 3)"
    defined = Segment.define(None, (adult - frequent).asked.definition or "", SHOP)
    again = frames.members(defined, FRAMES, as_of=NOON)
    assert set(again) == a - f


def test_members_of_different_populations(found: Evaluation) -> None:
    """The result is of everyone in either; keys that one does not know are not in it."""
    written_to = Members.of([3, 12, 700])
    assert set(found["adult"] | written_to) == {*found["adult"], 3, 700}
    assert set(found["adult"] - written_to) == set(found["adult"]) - {12}
    assert set(written_to - found["adult"]) == {3, 700}
    with pytest.raises(ValueError, match="only the members are here"):
        _ = ~written_to
    with pytest.raises(DataError, match="two of the population have the key 3"):
        _ = Members.of([3, 3]) & found["adult"]


@pytest.mark.parametrize("kind", ["int64", "float64", "str", "object"])
def test_populations_of_any_order(kind: str) -> None:
    """Whoever is in one population only keeps their place, wherever they stand."""
    draw = random.Random(kind)
    for _ in range(20):
        people = [draw.sample(range(30), draw.randrange(30)) for _ in range(2)]
        a, b = (pd.Index(each, dtype="int64").astype(kind) for each in people)
        held = [{k for k in each if draw.random() < 0.5} for each in (a, b)]
        mine, theirs = (
            Members(
                each, Asked(None, None, None), NOON, pack(np.array([k in h for k in each], bool))
            )
            for each, h in zip((a, b), held, strict=True)
        )
        for found, expected in (
            (mine & theirs, held[0] & held[1]),
            (mine | theirs, held[0] | held[1]),
            (mine - theirs, held[0] - held[1]),
            (theirs ^ mine, held[0] ^ held[1]),
            (~(mine | theirs), {*a, *b} - held[0] - held[1]),
        ):
            assert set(found) == expected
            assert sorted(found.population) == sorted({*a, *b})


def test_evaluations_combine_by_name(found: Evaluation) -> None:
    """Now without before are those who joined; a segment that only one has is an error."""
    later = frames.Source(FRAMES).evaluate(SEGMENTS, as_of=datetime(2026, 7, 1, tzinfo=UTC))
    for name in found:
        assert set((later - found)[name]) == set(later[name]) - set(found[name])
        assert set((later & found)[name]) == set(later[name]) & set(found[name])
        assert set((later | found)[name]) == set(later[name]) | set(found[name])
    assert (later - found).as_of is None
    with pytest.raises(ValueError, match="'minor'"):
        found | frames.Source(FRAMES).evaluate([SEGMENTS["adult"]])


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 200_003])
def test_counts_of_bits(size: int) -> None:
    """Sizes and pairs count what the table has, whatever the number of people."""
    draw = np.random.default_rng(size)
    people = pd.DataFrame({"id": np.arange(size), "n": draw.integers(0, 10, size)})
    schema = frames.schema_from(people, "people", keys={"people": "id"})
    texts = ["n > 3", "n < 6", "n = 2", "not (n = 2)"]
    segments = [Segment.define(text, text, schema) for text in texts]
    answered = frames.Source(people).evaluate(segments)
    table = answered.frame
    assert dict(answered.sizes()) == table.sum().to_dict()
    held = table.to_numpy().astype(np.int64)
    assert answered.overlap().to_numpy().tolist() == (held.T @ held).tolist()
    for name in texts:
        assert len(~answered[name]) == size - len(answered[name])


# -- kept -----------------------------------------------------------------------------------------


def test_an_evaluation_is_kept_in_parquet(found: Evaluation, tmp_path: Path) -> None:
    """What is read is what was written: keys, members, definitions, versions and the instant."""
    found.save(tmp_path / "found.parquet")
    again = Evaluation.load(tmp_path / "found.parquet")
    assert (again.asked, again.as_of) == (found.asked, found.as_of)
    pd.testing.assert_frame_equal(again.frame, found.frame)
    assert again.asked[0].definition == "age >= 18"
    plain = pd.read_parquet(tmp_path / "found.parquet")
    assert list(plain.columns) == ["id", *SEGMENTS]
    assert [path.name for path in tmp_path.iterdir()] == ["found.parquet"]


def test_files_are_written_and_read_as_bits(tmp_path: Path) -> None:
    """Nowhere do all answers take a byte each."""
    people, names = pd.Index(np.arange(50_001), name="id"), [f"s{i}" for i in range(200)]
    held = np.random.default_rng(1).random((200, 50_001)) < 0.5
    asked = tuple(Asked(name, None, None) for name in names)
    saved = Evaluation(people, asked, NOON, pack(held))
    file = tmp_path / "found.parquet"
    saved.save(file)
    again = Evaluation.load(file)
    for name, row in zip(names, held, strict=True):
        assert (again[name].mask == row).all()
    assert _peak(lambda: saved.save(file)) < held.size / 2
    assert _peak(lambda: Evaluation.load(file)) < held.size / 2


def test_a_file_that_is_not_ours(
    found: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file is refused; a write that fails leaves nothing behind."""
    PEOPLE.to_parquet(tmp_path / "other.parquet")
    with pytest.raises(DataError, match="was not written by segmentkit"):
        Evaluation.load(tmp_path / "other.parquet")
    (tmp_path / "text").write_text("x")
    with pytest.raises(DataError, match="is not a Parquet file"):
        Evaluation.load(tmp_path / "text")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("os.replace", _refuse)
    with pytest.raises(PermissionError):
        found.save(tmp_path / "new.parquet")
    assert sorted(tmp_path.iterdir()) == before


def _refuse(*_: object) -> None:
    raise PermissionError


def test_versions_change_with_what_a_definition_rests_on() -> None:
    """A version is of the definition and all that it refers to, and not of its name."""
    base = Segment.define("base", "age > 20", SHOP)
    other = Segment.define("base", "age > 21", SHOP)
    uses = Segment.define("uses", "in segment base", SHOP, segments=[base])
    assert uses.fingerprint == uses.named("another name").fingerprint
    assert uses.fingerprint != (
        Segment.define("uses", "in segment base", SHOP, segments=[other]).fingerprint
    )
