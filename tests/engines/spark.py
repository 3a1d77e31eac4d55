"""What only Spark has: its types, its session, its lazy frames; asked by the nox session "spark"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.errors import PySparkException

from segmentkit import (
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Entity,
    KeyList,
    Partition,
    Schema,
    SchemaError,
    Segment,
    Trait,
    UnsupportedError,
    UsageError,
    decimal,
)
from segmentkit import pandas as skp
from segmentkit import spark as sks
from segmentkit.spark import _frames
from segmentkit.sqlalchemy.statements import batch_statement
from tests.conformance_cases import Case
from tests.targets import TARGETS
from tests.targets import spark as targets
from tests.test_evaluation import FRAMES, SEGMENTS, SHOP
from tests.test_source import TOGETHER

AS_OF = datetime(2026, 5, 1, 12, tzinfo=UTC)
NAMES = {target.name for target in TARGETS}
CHOSEN = [each for each in targets.EVERY if each.name in NAMES]


@pytest.fixture(params=CHOSEN, ids=lambda t: t.name)
def session(request: pytest.FixtureRequest) -> Any:
    """A session of each target that is asked for."""
    return request.param.session


def schema(**columns: Any) -> Schema:
    """One table, of columns that may be missing."""
    attributes = [Attribute(name, dtype, nullable=True) for name, dtype in columns.items()]
    return Schema([Entity("t", key="id", attributes=[Attribute("id", INTEGER), *attributes])])


def ids(segment: Segment, frame: Any) -> list[int]:
    """The keys of the members."""
    return sorted(row[0] for row in sks.members(segment, frame, as_of=AS_OF).collect())


def test_a_frame_outlives_its_making(session: Any) -> None:
    """What is made is computed later, more than once, and leaves nothing in the catalog."""
    frame = session.sql("SELECT id FROM range(10)")
    found = sks.members(Segment.define("s", "id >= 8", schema()), frame, as_of=AS_OF)
    masked = sks.mask(Segment.define("s", "id >= 9", schema()), frame, as_of=AS_OF)
    assert session.catalog.listTables() == []
    del frame
    assert found.count() == 2
    assert found.join(masked, "id").filter("is_member").collect()[0]["id"] == 9


@pytest.mark.parametrize(
    "text",
    [
        "it's",
        'say "hi"',
        "\\",
        "\\n",
        "a\nb",
        "`",
        "{t0}",
        "{}",
        ":p1",
        "?",
        "--",
        "/*",
        "😀",
        "\0",
    ],
)
def test_texts_are_arguments(session: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any text is found, and no statement holds it."""
    statements = []

    def spy(query: Any) -> Any:
        found = original(query)
        statements.append(found[0])
        return found

    original = _frames.text_and_arguments
    monkeypatch.setattr(_frames, "text_and_arguments", spy)
    frame = session.sql("SELECT 1L AS id, :a AS x UNION ALL SELECT 2L, 'other'", {"a": f"<{text}>"})
    values = schema(x=TEXT)
    for definition in ("x = :a", "x in (:a)", "x contains :a", "x starts with :a"):
        assert ids(Segment.define("s", definition, values).bind(a=f"<{text}>"), frame) == [1]
    assert len(statements) == 4
    assert not any(f"<{text}>" in each for each in statements)


def test_a_name_may_be_anything(session: Any) -> None:
    """Backquotes, braces and the marks of parameters in names are names."""
    for name in ("a`b", "{x}", "{t0}", "a:b", "%(x)s", "a?b", "it's", "select"):
        quoted = name.replace("`", "``")
        frame = session.sql(f"SELECT 1L AS id, 7 AS `{quoted}`")
        odd = Schema(
            [
                Entity(
                    "t",
                    key="id",
                    attributes=[Attribute("id", INTEGER), Attribute("x", INTEGER, column=name)],
                )
            ]
        )
        segment = Segment.define("s", "x = 7", odd)
        assert ids(segment, frame) == [1]
        assert sks.mask(segment, frame, column="yes`{no}").columns == ["id", name, "yes`{no}"]


ZONES = ["UTC", "America/New_York", "Asia/Kolkata"]


@pytest.fixture
def zone(session: Any) -> Iterator[Any]:
    """Sets the session's zone for a while."""
    before = session.conf.get("spark.sql.session.timeZone")
    yield lambda name: session.conf.set("spark.sql.session.timeZone", name)
    session.conf.set("spark.sql.session.timeZone", before)


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize(
    "instant", ["2026-03-08 02:30:00", "2025-11-02 05:30:00.000001", "1900-01-01 00:00:00"]
)
def test_the_session_s_zone_has_no_say(session: Any, zone: Any, name: str, instant: str) -> None:
    """Instants are UTC, in columns with a zone and without, and beside each other."""
    zone(name)
    frame = session.sql(
        "SELECT 1L AS id, CAST(:utc AS TIMESTAMP) AS z, CAST(:naive AS TIMESTAMP_NTZ) AS n, "
        "CAST(:naive AS DATE) AS d",
        {"utc": f"{instant}Z", "naive": instant},
    )
    values = schema(z=TIMESTAMP, n=TIMESTAMP, d=DATE)
    at = instant.replace(" ", "T") + "Z"
    for definition in (
        f"z = {at}", f"n = {at}", "z = n", "not (z != n)", "z >= d", "n >= d", f"default(z, n) = {at}",
        f"z between {at} and {at}",
    ):  # fmt: skip
        assert ids(Segment.define("s", definition, values), frame) == [1], definition


def test_whole_numbers_do_not_wrap_around(session: Any) -> None:
    """Small integers are computed to large ones, and large ones to larger ones."""
    frame = session.sql("SELECT 1L AS id, 2147483647 AS i, 9223372036854775807L AS l")
    values = schema(i=INTEGER, l=INTEGER)
    for definition in (
        "i + 1 = 2147483648", "i * i > 4_000_000_000_000_000_000", "-i - 2 < -2147483648",
        "l + 1 > l", "l * 2 > l", "abs(i) * 10 > i",
    ):  # fmt: skip
        assert ids(Segment.define("s", definition, values), frame) == [1], definition


def test_decimals_are_exact_or_refused(session: Any) -> None:
    """No digit is lost in silence."""
    frame = session.sql(
        "SELECT 1L AS id, CAST('0.10' AS DECIMAL(12, 2)) AS a, CAST('0.000000000000000001' AS DECIMAL(38, 18)) AS b"
    )
    values = schema(a=decimal(2), b=decimal(18))
    assert ids(Segment.define("s", "a * a = 0.01 and a + a + a = 0.3", values), frame) == [1]
    assert ids(Segment.define("s", "b = 0.000000000000000001", values), frame) == [1]
    refused = (
        "b * b > 0",
        "b + b > 0",
        "a * b > 0",
        "top 1 by b * b",
        "avg(b * b among everyone) > 0",
    )
    for definition in refused:
        with pytest.raises(UnsupportedError, match=r"exactly.*38 digits"):
            sks.members(Segment.define("s", definition, values), frame)


def test_whole_numbers_are_compared_with_fractions_exactly_or_not(session: Any) -> None:
    """A product of columns is too long for a fraction beside it; what is shorter is compared."""
    frame = session.sql("SELECT 1L AS id, 3 AS i, 1L AS l, CAST(3.4 AS DECIMAL(12, 2)) AS a")
    values = schema(i=INTEGER, l=INTEGER, a=decimal(2))
    for definition in ("i + l > 3.4 and i * 2 < 6.1", "i + l > a", "i * l < 4", "i < a"):
        assert ids(Segment.define("s", definition, values), frame) == [1], definition
    for definition in ("i * l = 3.4", "i * l < a", "i * l in (3.4, 1.5)", "not i * l = 2.5"):
        with pytest.raises(UnsupportedError, match=r"exactly.*38 digits.*whole number"):
            sks.members(Segment.define("s", definition, values), frame)


def test_what_does_not_fit_the_schema_is_said(session: Any) -> None:
    """A missing frame or column, another type, and a taken name are errors of ours."""
    frame = session.sql("SELECT 1L AS id, 'x' AS seen")
    segment = Segment.define("s", "seen > 2026-01-01", schema(seen=TIMESTAMP))
    with pytest.raises(SchemaError, match=r"t\.seen is timestamp in the schema.*String"):
        sks.members(segment, frame)
    with pytest.raises(SchemaError, match="no column 'age'"):
        sks.members(Segment.define("s", "age > 1", schema(age=INTEGER)), frame)
    with pytest.raises(SchemaError, match="there is no frame 't'; the frames are other"):
        sks.count(segment, {"other": frame})
    with pytest.raises(SchemaError, match="must be a DataFrame"):
        sks.count(segment, {"t": 3})  # type: ignore[dict-item]
    with pytest.raises(SchemaError, match="has a column 'seen'"):
        sks.mask(Segment.define("s", "id = 1", schema()), frame, column="seen")
    doubles = session.sql("SELECT 1L AS id, 0.1D AS price")
    with pytest.raises(SchemaError, match=r"price is decimal\(2\) in the schema"):
        sks.members(Segment.define("s", "price = 0.1", schema(price=decimal(2))), doubles)


def test_narrow_types_are_the_language_s_types(session: Any) -> None:
    """Bytes, shorts and single floats are numbers; NaN is missing in floats of any size."""
    frame = session.sql("SELECT 1L AS id, 7Y AS b, 8S AS s, CAST('NaN' AS FLOAT) AS f, 0.5F AS g")
    found = sks.schema_from(frame, "t", keys={"t": "id"})
    kinds = {a.name: str(a.dtype) for a in found.entity.attributes}
    assert kinds == {"id": "integer", "b": "integer", "s": "integer", "f": "float", "g": "float"}
    assert ids(
        Segment.define("s", "b * 100 = 700 and s = 8 and f is missing and g = 0.5", found), frame
    ) == [1]
    assert ids(Segment.define("s", "f > 0 or f = f", schema(f=FLOAT)), frame) == []


def test_a_frame_may_be_a_name(session: Any) -> None:
    """The name of a table in the catalog stands for it."""
    session.sql("SELECT id FROM range(5)").createOrReplaceTempView("segmentkit_people")
    frame = session.table("segmentkit_people")
    try:
        segment = Segment.define("s", "id > 2", schema())
        assert ids(segment, {"t": frame}) == [3, 4]
        type(session).active = classmethod(lambda _: session)  # which one is, is Spark's affair
        assert ids(segment, {"t": "segmentkit_people"}) == [3, 4]
    finally:
        session.catalog.dropTempView("segmentkit_people")


def test_values_come_back_as_they_are(session: Any) -> None:
    """A mask keeps the columns that the language has no word for."""
    frame = session.sql("SELECT 1L AS id, array(1, 2) AS a, named_struct('x', 1.50BD) AS s")
    row = sks.mask(Segment.define("s", "id = 1", schema()), frame).collect()[0]
    assert (row["a"], row["s"]["x"], row["is_member"]) == ([1, 2], Decimal("1.50"), True)


# -- as a source ----------------------------------------------------------------------------------


@pytest.fixture(params=CHOSEN, ids=lambda t: t.name)
def source(request: pytest.FixtureRequest) -> sks.Source:
    """A small shop on each target that is asked for."""
    told = {
        name: frame.astype(object).where(frame.notna(), None).to_dict("records")
        for name, frame in FRAMES.items()
    }
    return sks.Source(request.param.loaded(SHOP, told))


HERE = skp.Source(FRAMES)
"""The same shop in pandas."""


def sorted_frame(source: Any, segments: Any) -> pd.DataFrame:
    """Everyone by key, in order."""
    return source.evaluate(segments, as_of=AS_OF).frame.sort_index()


def test_a_source_answers_one_by_one_as_at_once(source: sks.Source) -> None:
    """Members, counts and single persons are those of the pass, and of frames of pandas."""
    found = HERE.evaluate(SEGMENTS, as_of=AS_OF)
    pd.testing.assert_frame_equal(sorted_frame(source, SEGMENTS), found.frame)
    for name, segment in SEGMENTS.items():
        members = source.members(segment, as_of=AS_OF)
        assert sorted(members) == sorted(found[name])
        assert (members.as_of, members.asked) == (AS_OF, found[name].asked)
        assert source.count(segment, as_of=AS_OF) == len(members)
    for key in (1, 10, 15, 20, 1_000):
        for name in ("adult", "spender", "either"):
            holds = source.contains(SEGMENTS[name], key, as_of=AS_OF)
            assert holds == (key in found[name]), (name, key)


def test_only_numbers_come_home_where_numbers_are_asked_for(
    source: sks.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting collects a row, pairs a row a combination; nobody's key is in any."""
    collected = []
    for name in ("parts", "row"):
        original = getattr(_frames.Stored, name)

        def spy(self: Any, query: Any, original: Any = original) -> Any:
            collected.append(query)
            return original(self, query)

        monkeypatch.setattr(_frames.Stored, name, spy)
    sizes = source.sizes(SEGMENTS, as_of=AS_OF)
    pairs = source.overlap(SEGMENTS, as_of=AS_OF)
    assert source.count(SEGMENTS["adult"], as_of=AS_OF) == sizes["adult"]
    assert len(collected) == 3
    assert not any({"key", "id"} & set(query.selected_columns.keys()) for query in collected)
    found = HERE.evaluate(SEGMENTS, as_of=AS_OF)
    assert (dict(sizes), sizes.population) == (dict(found.sizes()), 20)
    pd.testing.assert_frame_equal(pairs, found.overlap())


def test_more_segments_than_bits_and_than_one_query_takes(
    source: sks.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """130 segments are three numbers; parts and queries of whatever order are put together."""
    many = {f"s{i}": Segment.define(None, f"age > {i % 30}", SHOP) for i in range(130)}
    for at_once in (1 << 16, 3):
        monkeypatch.setattr(_frames, "AT_ONCE", at_once)
        pd.testing.assert_frame_equal(sorted_frame(source, many), sorted_frame(HERE, many))
    monkeypatch.setattr(batch_statement, "_COLUMNS", 3)
    assert len(batch_statement.portions(dict.fromkeys(SEGMENTS, batch_statement.ir.TRUE))) == 2
    pd.testing.assert_frame_equal(sorted_frame(source, SEGMENTS), sorted_frame(HERE, SEGMENTS))
    pairs = source.overlap(SEGMENTS, as_of=AS_OF)
    pd.testing.assert_frame_equal(pairs, HERE.overlap(SEGMENTS, as_of=AS_OF))


def test_there_is_no_limit_of_joins(source: sks.Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """What joins more than other databases take is joined in the pass as everything else."""
    monkeypatch.setattr(batch_statement, "JOINS", 2)
    ordered = [f"median(orders.price where id > {i}) > 3" for i in range(3)]
    segments = {
        "ordered": Segment.define(None, " and ".join(ordered), SHOP),
        "either": Segment.define(None, " or ".join([*ordered, "none(orders)"]), SHOP),
        "adult": SEGMENTS["adult"],
    }
    pd.testing.assert_frame_equal(sorted_frame(source, segments), sorted_frame(HERE, segments))
    text = source.explain(segments, as_of=AS_OF)
    assert " IN (" not in text
    assert source.count(segments["either"], as_of=AS_OF) == HERE.count(
        segments["either"], as_of=AS_OF
    )


def test_everyone_is_signed_on_the_cluster(
    source: sks.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bits of a lazy frame are those of pandas' evaluation, 62 a column; nothing is collected."""
    many = {f"s{i}": Segment.define(None, f"age > {i % 30}", SHOP) for i in range(130)}
    many |= SEGMENTS
    with monkeypatch.context() as patch:
        for name in ("parts", "row"):
            patch.delattr(_frames.Stored, name)
        signed = sks.signatures(many, source.frames, as_of=AS_OF)
    assert signed.columns == ["id", "signature_0", "signature_1", "signature_2"]
    names = [signed.schema[column].metadata["segments"] for column in signed.columns[1:]]
    assert [len(each) for each in names] == [62, 62, 11]
    assert [name for each in names for name in each] == list(many)
    rows = signed.collect()
    found = {row[0]: row[1] | row[2] << 62 | row[3] << 124 for row in rows}
    assert len(rows) == len(found)
    assert found == HERE.evaluate(many, as_of=AS_OF).signatures.to_dict()


def _signed() -> Iterator[Any]:
    """The cases of the same rows, a few at a time: of dozens, Spark's plans take minutes."""
    for target in CHOSEN:
        for together in TOGETHER:
            asked = [case for case in together if target.name not in case.unsupported]
            for start in range(0, len(asked), 8):
                part = asked[start : start + 8]
                yield pytest.param(target, part, id=f"{target.name}-{part[0].file}: {part[0].name}")


@pytest.mark.parametrize(("target", "asked"), list(_signed()))
def test_cases_of_the_same_rows_are_signed_at_once(
    target: targets.Spark, asked: list[Case]
) -> None:
    """Each definition has the members that its case says, in one lazy frame for all of them."""
    first = asked[0]
    segments = {f"{i}: {case.name}": case.define() for i, case in enumerate(asked)}
    frames = target.loaded(first.schema, first.rows)
    rows = sks.signatures(segments, frames, as_of=first.as_of).collect()
    entity = first.schema.entity
    assert sorted(row[0] for row in rows) == sorted(r[entity.key] for r in first.rows[entity.table])
    for place, case in enumerate(asked):
        column, bit = divmod(place, 62)
        found = [row[0] for row in rows if row[1 + column] >> bit & 1]
        assert sorted(found) == sorted(case.members or []), case.where


def test_what_cannot_be_signed_is_told_of(session: Any) -> None:
    """No segments, a key of a column's name, and a refusal, which names the segment."""
    frame = session.sql("SELECT 1L AS id, CAST(1 AS DECIMAL(38, 18)) AS x")
    with pytest.raises(ValueError, match="at least one segment"):
        sks.signatures([], frame)
    precise = Segment.define("precise", "x * x > 1", schema(x=decimal(18)))
    with pytest.raises(UnsupportedError, match="segment 'precise': Spark cannot compute"):
        sks.signatures([precise, Segment.define("s", "id > 0", precise.schema)], frame)
    odd = Schema([Entity("t", key="signature_0", attributes=[Attribute("signature_0", INTEGER)])])
    frame = session.sql("SELECT 1L AS signature_0")
    with pytest.raises(SchemaError, match="the key is called 'signature_0'"):
        sks.signatures(Segment.define("s", "signature_0 > 0", odd), frame)


def test_several_partitions_label_everyone_in_one_pass(source: sks.Source) -> None:
    """Labels of several partitions are those of each alone, and those of pandas."""
    ages = Partition.define("ages", [SEGMENTS["minor"], SEGMENTS["adult"]], rest="unknown")
    spend = Partition.define("spend", [SEGMENTS["spender"], SEGMENTS["frequent"]], rest="little")
    found = sks.labels([ages, spend], source.frames, as_of=AS_OF)
    assert found.columns == ["id", "ages", "spend"]
    rows = found.collect()
    for place, each in enumerate([ages, spend], start=1):
        alone = dict(map(tuple, sks.labels(each, source.frames, as_of=AS_OF).collect()))
        expected = skp.labels(each, FRAMES, as_of=AS_OF).set_axis(FRAMES["people"]["id"])
        assert {row[0]: row[place] for row in rows} == alone == expected.to_dict()
    with pytest.raises(ValueError, match="two columns would be called 'ages'"):
        sks.labels([ages, ages], source.frames)
    with pytest.raises(ValueError, match="two columns would be called 'id'"):
        sks.labels(Partition.define("id", [SEGMENTS["minor"]], rest="x"), source.frames)
    with pytest.raises(ValueError, match="at least one partition"):
        sks.labels([], source.frames)
    with pytest.raises(UsageError, match="takes a Partition here"):
        sks.labels(SEGMENTS["minor"], source.frames)
    other = Partition.define("other", [Segment.define("s", "id > 1", schema())], rest="x")
    with pytest.raises(SchemaError, match="of different schemas"):
        sks.labels([ages, other], source.frames)


def test_ranks_are_windows_of_one_sub_query(source: sks.Source) -> None:
    """However many ranks and values of everyone there are, each kind is one sub-query of everyone."""
    texts = [
        "top 3 by age",
        "not bottom 3 by age among (count(orders) >= 2)",
        "top 20% by count(orders)",
        "ntile(4, sum(orders.price)) = 1 or ntile(3, age) = 2",
        "bottom 1 by age among (ntile(2, sum(orders.price)) = 2)",
        "age > avg(age among everyone)",
        "age > median(age among (count(orders) >= 3))",
        "age < median(age among (age > 99)) or sum(orders.price) = max(sum(orders.price) among everyone)",
    ]
    segments = {text: Segment.define(None, text, SHOP) for text in texts}
    pd.testing.assert_frame_equal(sorted_frame(source, segments), sorted_frame(HERE, segments))
    for text, segment in segments.items():
        found = source.members(segment, as_of=AS_OF)
        assert sorted(found) == sorted(HERE.members(segment, as_of=AS_OF)), text
    text = source.explain(segments, as_of=AS_OF)
    assert " IN (" not in text
    # Everyone, beside ranks, totals and orders; ranks beside orders and inner ranks, and these
    # beside orders; totals beside orders.
    assert text.count(" JOIN ") == 7, text


def test_several_distinct_counts_copy_no_rows(source: sks.Source) -> None:
    """Distinct counts beside others group by the values: engines copy rows, or hold sets, of them.

    Sail held 40 kB for each customer.
    """
    texts = [
        "count(distinct orders.price) >= 2",
        "sum(orders.price) > 20",
        "count(distinct orders.price where price > 10) >= 1",
        "count(distinct orders.at in last 300 days) = 0",
    ]
    segments = {text: Segment.define(None, text, SHOP) for text in texts}
    pd.testing.assert_frame_equal(sorted_frame(source, segments), sorted_frame(HERE, segments))
    together = source.explain(segments, as_of=AS_OF)
    # The sum; the prices, of which two are counted; the instants: each of them twice.
    assert (together.count("GROUP BY"), together.count("DISTINCT")) == (5, 0), together
    # One alone is counted in two steps by engines themselves.
    alone = source.explain(segments[texts[0]], as_of=AS_OF)
    assert (alone.count("GROUP BY"), alone.count("DISTINCT")) == (1, 1), alone


@pytest.mark.parametrize("other", ["age", "AGE"])
def test_columns_of_one_name_are_refused(session: Any, other: str) -> None:
    """Two columns that Spark takes for one are named, and never one of them read."""
    frame = session.sql("SELECT 1L AS id, 2 AS age, 3 AS x").toDF("id", "age", other)
    for ask in (
        lambda: sks.schema_from(frame, "p", keys={"p": "id"}),
        lambda: sks.members(Segment.define("s", "id > 0", schema()), frame),
    ):
        with pytest.raises(SchemaError, match=f"takes for one: 'age' and '{other}'"):
            ask()


def test_values_have_the_types_of_every_source(source: sks.Source) -> None:
    """Traits have the same values and the same types as from frames of pandas."""
    texts = {
        "orders_made": "count(orders)",
        "mean": "avg(orders.price)",
        "latest": "max(orders.at)",
        "called": "name",
        "grown": "age",
        "half": "age * 0.5",
    }
    traits = [Trait.define(name, text, SHOP) for name, text in texts.items()]
    for whom in (None, SEGMENTS["spender"], ~SEGMENTS["frequent"]):
        found = source.values(traits, of=whom, as_of=AS_OF)
        expected = HERE.values(traits, of=whom, as_of=AS_OF)
        pd.testing.assert_frame_equal(found.sort_index(), expected)
        assert found.attrs == {"as_of": AS_OF}
    assert source.values(traits, of=SEGMENTS["adult"] & SEGMENTS["minor"]).empty


def test_what_would_be_rounded_is_told_of(session: Any) -> None:
    """A segment whose decimals Spark rounds is named, or left out; the others are answered."""
    source = sks.Source(session.sql("SELECT 1L AS id, CAST('0.5' AS DECIMAL(38, 18)) AS b"))
    values = schema(b=decimal(18))
    exact, rounded = (Segment.define(None, text, values) for text in ("b > 0", "b * b > 0"))
    asked = {"exact": exact, "rounded": rounded}
    for ask in (source.evaluate, source.sizes, source.overlap):
        with pytest.raises(UnsupportedError, match=r"segment 'rounded': Spark cannot.*exactly"):
            ask(asked)
        assert set(ask(asked, skip_broken=True)) == {"exact"}
    found = source.evaluate(asked, skip_broken=True)
    assert (list(found["exact"]), set(found.broken)) == ([1], {"rounded"})
    assert source.sizes([rounded], skip_broken=True).population == 1
    for one in (source.members, source.count, source.explain):
        with pytest.raises(UnsupportedError, match="exactly"):
            one(rounded)
    with pytest.raises(UnsupportedError, match="exactly"):
        source.contains(rounded, 1)
    with pytest.raises(UnsupportedError, match="exactly"):
        source.values([Trait.define("t", "b * b", values)])


def test_a_source_takes_lists(source: sks.Source) -> None:
    """Static lists, short and long, are asked about in a pass and alone."""
    lists = [KeyList("few", [3, 5]), KeyList("lots", range(4, 5_000))]
    segments = {
        text: Segment.define(None, text, SHOP, lists=lists)
        for text in ("in list few", "in list lots", "not in list lots", "in list few and age > 12")
    }
    pd.testing.assert_frame_equal(sorted_frame(source, segments), sorted_frame(HERE, segments))
    for segment in segments.values():
        assert source.count(segment, as_of=AS_OF) == HERE.count(segment, as_of=AS_OF)


def test_a_source_without_arrow(source: sks.Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that has no Arrow collects rows, and the answers are the same."""
    monkeypatch.setattr(_frames, "find_spec", lambda _: None)
    pd.testing.assert_frame_equal(sorted_frame(source, SEGMENTS), sorted_frame(HERE, SEGMENTS))
    assert source.members(SEGMENTS["adult"] & SEGMENTS["minor"]).keys.empty


def test_a_source_of_nobody(session: Any) -> None:
    """Of nobody there are answers, too."""
    source = sks.Source(session.sql("SELECT 1L AS id WHERE 1 > 2"))
    segment = Segment.define("s", "id > 1", schema())
    assert len(source.evaluate(segment).population) == 0
    assert (dict(source.sizes(segment)), source.sizes(segment).population) == ({"s": 0}, 0)
    assert source.overlap(segment).loc["s", "s"] == source.count(segment) == 0
    assert not source.contains(segment, 1)


def test_a_source_says_how_it_asks(session: Any) -> None:
    """The plan, and SQL with the frames' names, without values; nothing is run."""
    source = sks.Source({"t`{x}": session.sql("SELECT 1L AS id, '{' AS `n{`")})
    odd = Schema(
        [
            Entity(
                "people",
                table="t`{x}",
                key="id",
                attributes=[Attribute("id", INTEGER), Attribute("n", TEXT, column="n{")],
            )
        ]
    )
    one, other = (Segment.define(None, text, odd) for text in ('n = "{secret}"', "id > 1"))
    text = source.explain(one)
    assert text.startswith(
        "-- tests of attributes; no relation is read\n-- distinct tests: 1\nSELECT"
    )
    assert "FROM `t``{x}` AS" in text
    assert ".`n{` =" in text
    assert "secret" not in text
    assert "2 segments in one pass over everyone" in source.explain([one, other])
    assert dict(source.sizes({"one": one, "other": other})) == {"one": 0, "other": 0}


def test_a_source_may_be_of_names(session: Any) -> None:
    """Names of tables in the catalog are looked up anew for each question."""
    type(session).active = classmethod(lambda _: session)  # which one is, is Spark's affair
    source = sks.Source("segmentkit_crowd")
    segment = Segment.define("s", "id > 2", schema())
    try:
        for last in (5, 7):
            session.sql(f"SELECT id FROM range({last})").createOrReplaceTempView("segmentkit_crowd")
            assert source.count(segment) == last - 3
    finally:
        session.catalog.dropTempView("segmentkit_crowd")


def test_an_error_of_spark_names_the_segments(session: Any, tmp_path: Path) -> None:
    """What goes wrong on the cluster is Spark's error, with a note of what was asked."""
    session.sql("SELECT id FROM range(3)").write.parquet(str(tmp_path / "t"))
    frame = session.read.parquet(str(tmp_path / "t"))
    assert frame.schema
    source = sks.Source(frame)
    segment = Segment.define("lost", "id > 1", schema())
    assert source.count(segment, as_of=AS_OF) == 1
    for path in (tmp_path / "t").iterdir():
        path.write_bytes(b"gone")
    with pytest.raises(PySparkException) as caught:
        source.evaluate(segment, as_of=AS_OF)
    (note,) = caught.value.__notes__
    assert note == "while asking about segment 'lost', as of 2026-05-01T12:00:00+00:00"
