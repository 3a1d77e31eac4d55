"""Columns that keep values in a form of their own: what may be said of them, and what is refused."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import sqlalchemy as sa

import segmentkit as sk
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sql
from segmentkit._calendar import clock_steps, local
from segmentkit._catalog.toml_writer import schema_text
from segmentkit._schema.stored_forms import LocalTime

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FORMS: list[dict[str, Any]] = [
    {"at": {"type": "timestamp", "unit": "seconds"}},
    {"at": {"type": "timestamp", "unit": "milliseconds"}},
    {"at": {"type": "timestamp", "zone": "Europe/Kyiv"}},
    {"at": {"type": "boolean", "encoding": {"Y": True, "N": False}}},
    {"at": {"type": "boolean", "encoding": [[1, True], [2, False]]}},
    {"at": {"type": "integer", "encoding": {"": 0, "a b": -1, "ї": 2}}},
    {"at": {"type": "decimal(2)", "encoding": {"half": 0.5, "one": 1}}},
    {"at": {"type": "float", "encoding": {"half": 0.5}, "nullable": True, "column": "c"}},
]


def schema_of(**told: Any) -> sk.Schema:
    """A schema of one attribute, ``at``."""
    at = sk.Attribute("at", told.pop("dtype", sk.TIMESTAMP), **told)
    return sk.Schema(
        [sk.Entity("people", key="id", attributes=[sk.Attribute("id", sk.INTEGER), at])]
    )


@pytest.mark.parametrize("told", FORMS)
def test_a_file_says_every_form(told: dict[str, Any]) -> None:
    """What is told in a file is what is written of the schema."""
    table = {"key": "id", "attributes": {"id": "integer", **told}}
    schema = sk.Catalog.loads("language = 1", _declared(table)).schema
    again = sk.Catalog.loads(schema_text(schema) + '[segments.x]\nwhere = "id = 1"').schema
    assert again == schema
    assert sk.Schema.from_json(schema.to_json()) == schema
    attribute = again.entity.attribute("at")
    assert attribute is not None
    assert attribute.form is not None


def _declared(table: dict[str, Any]) -> sk.Schema:
    from segmentkit._catalog.schema_table import read_declaration

    return read_declaration({"entity": "people", "tables": {"people": table}}).schema()


WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (sk.TIMESTAMP, {"unit": "second"}, "the unit is seconds or milliseconds, not 'second'"),
    (sk.TIMESTAMP, {"unit": ["s"]}, "the unit is"),
    (sk.TIMESTAMP, {"unit": ""}, "the unit is"),
    (sk.DATE, {"unit": "seconds"}, "at is date; unit is of timestamps"),
    (sk.INTEGER, {"zone": "UTC"}, "at is integer; zone is of timestamps"),
    (sk.TIMESTAMP, {"zone": "Kyiv"}, "unknown time zone 'Kyiv'"),
    (sk.TIMESTAMP, {"zone": 3}, "unknown time zone 3"),
    (sk.TIMESTAMP, {"zone": "UTC", "unit": "seconds"}, "one form, not by unit and zone"),
    (sk.TEXT, {"encoding": {"a": "b"}}, "an encoding is of a boolean or a number"),
    (sk.BOOLEAN, {"encoding": {"Y": 1}}, "its value 1 is not"),
    (sk.INTEGER, {"encoding": {"Y": True}}, "its value True is not"),
    (sk.INTEGER, {"encoding": {"a": 1.5}}, "its value 1.5 is not"),
    (sk.FLOAT, {"encoding": {"a": float("nan")}}, "its value nan is not"),
    (sk.decimal(1), {"encoding": {"a": Decimal("0.25")}}, "is not"),
    (sk.BOOLEAN, {"encoding": {"Y": True, 1: False}}, "texts, or whole numbers"),
    (sk.BOOLEAN, {"encoding": {True: True, False: False}}, "texts, or whole numbers"),
    (sk.BOOLEAN, {"encoding": {}}, "an encoding says once of each"),
    (sk.BOOLEAN, {"encoding": "YN"}, "an encoding says once of each"),
    (sk.BOOLEAN, {"encoding": 7}, "an encoding says once of each"),
    (sk.BOOLEAN, {"encoding": [["Y", True], ["Y", False]]}, "an encoding says once of each"),
    (sk.BOOLEAN, {"encoding": {2**63: True}}, "databases have no whole number"),
]


@pytest.mark.parametrize(("dtype", "told", "says"), WRONG)
def test_what_no_column_keeps_is_refused(dtype: Any, told: dict[str, Any], says: str) -> None:
    """A form that makes no sense is an error that says why."""
    with pytest.raises(sk.SchemaError) as error:
        schema_of(dtype=dtype, **told)
    assert says in str(error.value)


def test_keys_have_no_form() -> None:
    """Keys are compared as they are stored."""
    key = sk.Attribute("id", sk.INTEGER, encoding={"one": 1})
    with pytest.raises(sk.SchemaError, match=r"people\.id is the key"):
        sk.Schema([sk.Entity("people", key="id", attributes=[key])])


BAD_VALUES: list[tuple[dict[str, Any], Any, str]] = [
    ({"unit": "seconds"}, "1", "must be whole seconds since 1970, not str '1'"),
    ({"unit": "seconds"}, 1.5, "must be whole seconds since 1970, not float 1.5"),
    ({"unit": "seconds"}, True, "must be whole seconds since 1970, not bool True"),
    ({"unit": "seconds"}, NOW, "must be whole seconds since 1970, not datetime"),
    ({"unit": "seconds"}, 1777636800000, "must be whole seconds since 1970, not int"),
    ({"unit": "milliseconds"}, 10**18, "must be whole milliseconds since 1970, not int"),
    ({"zone": "UTC"}, NOW, "must be local time of UTC, without a zone, not datetime"),
    ({"zone": "UTC"}, 5, "must be local time of UTC, without a zone, not int 5"),
    ({"dtype": sk.BOOLEAN, "encoding": {"Y": True}}, True, "must be text, of which 'Y' are told"),
    ({"dtype": sk.BOOLEAN, "encoding": {1: True}}, "1", "must be integer, of which 1 are told"),
    ({"dtype": sk.BOOLEAN, "encoding": {1: True}}, True, "must be integer, of which 1 are told"),
    ({"dtype": sk.BOOLEAN, "encoding": {"Y": True}}, "y", "'y' is not in its encoding"),
]


@pytest.mark.parametrize(("told", "value", "says"), BAD_VALUES)
def test_what_is_stored_otherwise_is_an_error(told: dict[str, Any], value: Any, says: str) -> None:
    """A record is never read as something that its schema does not say."""
    segment = sk.Segment.define("x", "at" if "dtype" in told else "at > now", schema_of(**told))
    with pytest.raises(sk.DataError) as error:
        segment.matches({"id": 1, "at": value}, as_of=NOW)
    assert says in str(error.value)


@pytest.mark.parametrize(("told", "value", "says"), BAD_VALUES)
def test_frames_say_the_same(told: dict[str, Any], value: Any, says: str) -> None:
    """A column of a frame is read by the same rules."""
    segment = sk.Segment.define("x", "at" if "dtype" in told else "at > now", schema_of(**told))
    frame = pd.DataFrame({"id": [1], "at": [value]})
    with pytest.raises(sk.DataError) as error:
        skp.members(segment, frame, as_of=NOW)
    assert says.partition(", not ")[0].partition(" is not ")[0] in str(error.value) or (
        "is missing in a row" in str(error.value)
    )


def shown_by(
    zone: str, start: datetime, hours: int, step: timedelta
) -> list[tuple[datetime, datetime]]:
    """Instants, and what the clock of a zone shows."""
    count = int(timedelta(hours=hours) / step)
    clock = ZoneInfo(zone)
    return [(at, local(at, clock)) for at in (start + i * step for i in range(count))]


NIGHTS = [
    ("Europe/Kyiv", datetime(2026, 3, 28, 22)),
    ("Europe/Kyiv", datetime(2026, 10, 24, 22)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 12)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 12)),
    ("America/Havana", datetime(2026, 3, 8, 2)),
    ("America/Havana", datetime(2026, 11, 1, 2)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 0)),
    ("Africa/Casablanca", datetime(2026, 3, 22, 0)),
    ("Pacific/Apia", datetime(2011, 12, 30, 7)),
    ("America/New_York", datetime(1883, 11, 18, 14)),
]


@pytest.mark.parametrize(("zone", "start"), NIGHTS)
def test_a_shown_time_is_the_first_instant_whose_clock_has_come_to_it(
    zone: str, start: datetime
) -> None:
    """Found by going through all minutes, however the clock jumps."""
    step = timedelta(minutes=1)
    instants = shown_by(zone, start, 8, step)
    form = LocalTime(zone)
    first, last = instants[0][1], instants[-1][1]
    shown, at = first, 0
    while shown <= last:
        at = next(i for i in range(len(instants)) if instants[i][1] >= shown)
        assert abs(form.read(shown) - instants[at][0]) < step, shown
        shown += step


@pytest.mark.parametrize(("zone", "start"), NIGHTS)
def test_every_bound_on_instants_is_one_bound_on_what_is_kept(zone: str, start: datetime) -> None:
    """The least time that is kept, and no earlier one, is not before the instant."""
    form, rng = LocalTime(zone), random.Random(zone)
    for _ in range(200):
        at = start + timedelta(microseconds=rng.randrange(8 * 3_600_000_000))
        least = form.least(at)
        assert least is not None
        assert form.read(least) >= at
        assert form.read(least - datetime.resolution) < at


def test_frames_read_local_times_as_records_do() -> None:
    """The table of a clock's steps gives the same instants as the clock itself."""
    rng = random.Random(5)
    for zone, start in NIGHTS:
        shown = [start + timedelta(minutes=rng.randrange(1500)) for _ in range(300)]
        shown += [datetime(1, 1, 1), datetime(9999, 12, 31, 23), datetime(1850, 1, 1)]
        schema = schema_of(zone=zone)
        frame = pd.DataFrame({"id": range(len(shown)), "at": pd.Series(shown, dtype="M8[us]")})
        found = skp.values([sk.Trait.define("when", "at", schema)], frame, as_of=NOW)
        form = LocalTime(zone)
        told = pd.to_datetime(found["when"], utc=True).dt.tz_localize(None)
        assert told.tolist() == [pd.Timestamp(form.read(each)) for each in shown]


ZONES = [
    "Europe/Kyiv",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kabul",
]


@pytest.mark.parametrize(("kept", "zone"), [*pairwise(ZONES), (ZONES[-1], ZONES[0])])
def test_sqlite_knows_what_clocks_show(kept: str, zone: str) -> None:
    """One look-up makes what one clock showed what another one did, near every change of both."""
    form, clock = LocalTime(kept), ZoneInfo(zone)
    turns = [t for z in (form.clock, clock) for t, _ in clock_steps(z, [1940, 1971, 2026, 2034])]
    apart = [timedelta(minutes=each) for each in (-61, -30, -1, 0, 1, 29, 30, 60, 61)]
    turns = [turn for turn in turns if turn.year > 1]
    shown = sorted({local(turn, form.clock) + each for turn in turns for each in apart})
    entity = sk.Entity(
        "people",
        key="id",
        attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("at", sk.TIMESTAMP, zone=kept)],
    )
    schema = sk.Schema([entity], time_zone=zone)
    metadata = sql.tables_from(schema)
    people = metadata.tables["people"]
    parts = ("monthday(at) * 100 + hour(at)", "monthday(at + 1 day) * 100 + hour(at + 1 day)")
    traits = [sk.Trait.define(f"t{i}", part, schema) for i, part in enumerate(parts)]
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        rows = [{"id": number, "at": each} for number, each in enumerate(shown)]
        connection.execute(people.insert(), rows)
        asked = sql.values(traits, people, as_of=NOW)
        assert len(str(asked.compile(connection))) < 300_000
        for number, *found in connection.execute(asked):
            instant = form.read(shown[number])
            there = [local(instant + timedelta(days=days), clock) for days in (0, 1)]
            assert found == [each.day * 100 + each.hour for each in there], shown[number]
    engine.dispose()


INDEXED = [
    ({"unit": "seconds"}, sa.Integer, "at in last 7 days", "at>? AND at<?"),
    ({"unit": "milliseconds"}, sa.BigInteger, "at >= 2026-04-01", "at>?"),
    ({"unit": "seconds"}, sa.Integer, "at = 2026-04-01", "at=?"),
    ({"zone": "Europe/Kyiv"}, sa.DateTime, "at >= 2026-04-01", "at>?"),
    ({"zone": "Europe/Kyiv"}, sa.DateTime, "at = 2026-03-29T01:00:00Z", "at>? AND at<?"),
    ({"dtype": sk.BOOLEAN, "encoding": {"Y": True, "N": False}}, sa.String, "at", "at=?"),
    ({"dtype": sk.INTEGER, "encoding": {"a": 1, "b": 2, "c": 3}}, sa.String, "at > 1", "at=?"),
]


@pytest.mark.parametrize(("told", "kind", "where", "by"), INDEXED)
def test_an_index_on_the_bare_column_serves(
    told: dict[str, Any], kind: Any, where: str, by: str
) -> None:
    """A constant is put into the form of the column, and not the column into that of the constant."""
    schema = schema_of(**told)
    metadata = sql.tables_from(schema)
    people = metadata.tables["people"]
    sa.Index("people_at", people.c.at)
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        query = sql.members(sk.Segment.define("x", where, schema), people, as_of=NOW)
        compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})
        text = f"EXPLAIN QUERY PLAN {compiled}"
        values = compiled.construct_params()
        assert isinstance(people.c.at.type, kind)
        # For the plan, a time is as good as its text, which Python's driver takes without a warning.
        given = (values[name] for name in compiled.positiontup or ())
        given = (str(value) if isinstance(value, datetime) else value for value in given)
        plan = connection.exec_driver_sql(text, tuple(given))
        assert f"USING INDEX people_at ({by})" in str(plan.all()).replace("COVERING ", "")
    engine.dispose()


class Yes(sa.types.TypeDecorator[bool]):
    """A type of the app's own."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else "Y" if value else "N"

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value == "Y"


MISFITS: list[tuple[dict[str, Any], Any, type[Exception], str]] = [
    ({"unit": "seconds"}, sa.Float, sk.SchemaError, "is Float"),
    ({"unit": "seconds"}, sa.DateTime, sk.SchemaError, "is DateTime"),
    ({"unit": "seconds"}, sa.String, sk.SchemaError, "is String"),
    ({"zone": "UTC"}, sa.DateTime(timezone=True), sk.UnsupportedError, "keeps a zone"),
    ({"zone": "UTC"}, sa.Integer, sk.SchemaError, "is Integer"),
    ({"dtype": sk.BOOLEAN, "encoding": {"Y": True}}, sa.Integer, sk.SchemaError, "is Integer"),
    ({"dtype": sk.BOOLEAN, "encoding": {"Y": True}}, Yes, sk.SchemaError, "has the type Yes"),
]


@pytest.mark.parametrize(("told", "kind", "error", "says"), MISFITS)
def test_a_column_of_another_type_is_refused(
    told: dict[str, Any], kind: Any, error: type[Exception], says: str
) -> None:
    """A query is not made of a column that does not keep what the schema says."""
    people = sa.Table("people", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("at", kind))
    segment = sk.Segment.define("x", "at" if "dtype" in told else "at > now", schema_of(**told))
    with pytest.raises(error, match=says):
        sql.predicate(segment, people)


def test_an_enumeration_of_letters_can_be_a_boolean() -> None:
    """What a database calls an enumeration are texts."""
    kind = sa.Enum("Y", "N", name="yes_or_no")
    people = sa.Table("people", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("at", kind))
    schema = schema_of(dtype=sk.BOOLEAN, encoding={"Y": True, "N": False})
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        people.metadata.create_all(connection)
        connection.execute(people.insert(), [{"id": 1, "at": "Y"}, {"id": 2, "at": "N"}])
        query = sql.members(sk.Segment.define("x", "at", schema), people, as_of=NOW)
        assert connection.scalars(query).all() == [1]
    engine.dispose()


def test_the_empty_text_can_mean_something() -> None:
    """It is a text, and not missing."""
    schema = schema_of(dtype=sk.INTEGER, encoding={"": 0, " ": 1}, nullable=True)
    rows = [{"id": 1, "at": ""}, {"id": 2, "at": " "}, {"id": 3, "at": None}, {"id": 4, "at": "x"}]
    metadata = sql.tables_from(schema)
    people = metadata.tables["people"]
    for where, members in {"at = 0": [1], "at * 2 = 2": [2], "at is missing": [3, 4]}.items():
        segment = sk.Segment.define("x", where, schema)
        assert [row["id"] for row in rows if segment.matches(row, as_of=NOW)] == members
        assert list(skp.members(segment, pd.DataFrame(rows), as_of=NOW)) == members
        for url in ("sqlite://", "duckdb://"):
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                metadata.create_all(connection)
                connection.execute(people.insert(), rows)
                query = sql.members(segment, people, as_of=NOW).order_by(people.c.id)
                assert connection.scalars(query).all() == members
            engine.dispose()


def test_a_fingerprint_tells_forms_apart() -> None:
    """Another form has other members."""
    forms: list[dict[str, Any]] = [
        {},
        {"unit": "seconds"},
        {"unit": "milliseconds"},
        {"zone": "UTC"},
        {"zone": "Europe/Kyiv"},
    ]
    found = {sk.Segment.define("x", "at > now", schema_of(**f)).fingerprint for f in forms}
    assert len(found) == len(forms)
    encodings: list[dict[Any, bool]] = [
        {"Y": True}, {"Y": False}, {1: True}, {"1": True}, {"Y": True, "N": False},
    ]  # fmt: skip
    found = {
        sk.Segment.define("x", "at", schema_of(dtype=sk.BOOLEAN, encoding=e)).fingerprint
        for e in encodings
    }
    assert len(found) == len(encodings)
    other = {"N": False, "Y": True}
    again = sk.Segment.define("x", "at", schema_of(dtype=sk.BOOLEAN, encoding=other)).fingerprint
    assert again in found


def test_an_explanation_shows_what_is_meant() -> None:
    """The values that it shows are those of the language."""
    schema = schema_of(zone="Europe/Kyiv", nullable=True)
    segment = sk.Segment.define("x", "at > 2026-06-01", schema)
    told = str(segment.explain({"id": 1, "at": datetime(2026, 3, 29, 3, 30)}, as_of=NOW))
    assert "at is 2026-03-29T01:00Z" in told


def test_a_frame_declares_its_forms_in_types() -> None:
    """Beside the type stands how it is stored; the values are looked at at once."""
    frame = pd.DataFrame({"id": [1, 2], "at": [0, 60], "ok": ["Y", "n"]})
    schema = skp.schema_from(
        frame.rename_axis(None),
        "people",
        keys={"people": "id"},
        types={
            "people": {
                "at": {"type": "timestamp", "unit": "seconds"},
                "ok": {"type": "boolean", "encoding": {"Y": True}},
            }
        },
    )
    at, ok = (schema.entity.attribute(name) for name in ("at", "ok"))
    assert at is not None
    assert ok is not None
    assert (at.unit, at.nullable) == ("seconds", False)
    assert ok.nullable
    segment = sk.Segment.define("x", "at > 1970-01-01T00:00:30Z and ok is missing", schema)
    assert list(skp.members(segment, frame, as_of=NOW)) == [2]
    with pytest.raises(sk.SchemaError, match="must be whole seconds since 1970"):
        skp.schema_from(
            pd.DataFrame({"id": [1], "at": [0.5]}),
            "people",
            keys={"people": "id"},
            types={"people": {"at": {"type": "timestamp", "unit": "seconds"}}},
        )


def test_a_reflected_schema_takes_forms_in_tables() -> None:
    """What a database cannot tell is told beside it, and verified."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE people (id INTEGER PRIMARY KEY, at INTEGER)")
        connection.exec_driver_sql("INSERT INTO people VALUES (1, 1777636799), (2, NULL)")
    told = {"at": {"type": "timestamp", "unit": "seconds", "nullable": True}}
    schema = sql.schema_from(engine, "people", tables={"people": {"attributes": told}})
    assert not sql.verify(schema, engine).errors
    with engine.connect() as connection:
        source = sql.Source(connection, sql.tables_from(schema).tables["people"])
        segment = sk.Segment.define("x", "at in last 1 day", schema)
        assert list(source.members(segment, as_of=NOW).keys) == [1]
    wrong = {"at": {"type": "boolean", "encoding": {"Y": True}, "nullable": True}}
    schema = sql.schema_from(engine, "people", tables={"people": {"attributes": wrong}})
    assert [f.kind for f in sql.verify(schema, engine).errors] == ["wrong-type"]
    engine.dispose()
