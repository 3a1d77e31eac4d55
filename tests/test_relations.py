"""Rows of rows and rows after rows: what the conformance cases do not reach."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import (
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    DataError,
    DefinitionError,
    Entity,
    Link,
    Relation,
    Schema,
    SchemaError,
    Segment,
    SegmentTypeError,
    UnsupportedError,
    format_definition,
)
from segmentkit.pandas import mask
from segmentkit.sqlalchemy import members, predicate, tables_from
from tests import targets

NOON = datetime(2026, 5, 1, 12)


def entity(name: str, *relations: Relation, links: tuple[Link, ...] = ()) -> Entity:
    attributes = [
        Attribute("id", INTEGER),
        Attribute("at", TIMESTAMP, nullable=True),
        Attribute("n", FLOAT, nullable=True),
    ]
    return Entity(name, key="id", attributes=attributes, relations=relations, links=links)


# Two kinds of rows that lead to each other without end.
SCHEMA = Schema(
    [
        entity("p", Relation("a", key="pid", at="at"), Relation("b", key="pid", at="at")),
        entity("a", Relation("b", key="aid", at="at"), links=(Link("s", key="sid"),)),
        entity("b", Relation("a", key="bid", at="at")),
        entity("s"),
    ]
)
OTHER = {"a": "b", "b": "a"}


def define(text: str, schema: Schema = SCHEMA) -> Segment:
    return Segment.define(None, text, schema)


def sql_of(text: str, tables: sa.MetaData | None = None) -> str:
    root = (tables or tables_from(SCHEMA)).tables["p"]
    return re.sub(r"\s+", " ", str(predicate(define(text), root, as_of=NOON)))


# -- depth ----------------------------------------------------------------------------------------


def _nested(form: str) -> Callable[[int], str]:
    """``form`` inside itself, so that each relation is one of the row around it."""

    def text(depth: int) -> str:
        inner = "n > 0"
        for level in range(depth):
            inner = form.format(inner, r="ab"[(depth - level - 1) % 2])
        return inner

    return text


def _chain(step: str) -> Callable[[int], str]:
    def text(length: int) -> str:
        names = ["a", *("ba"[i % 2] for i in range(length))]
        steps = [step.format(here, there) for here, there in pairwise(names)]
        return f"any(a {' '.join(steps)})"

    return text


DEEP = {
    "any": _nested("any({r} where {0})"),
    "none": _nested("none({r} where {0} or n is missing)"),
    "sum": _nested("sum({r}.n where {0}) > n"),
    "median": _nested("median({r}.n where {0}) > 0"),
    "last": _nested("last({r}.n where {0}) > 0"),
    "the customer's": _nested("any({r} where n > avg(p.a.n) and {0})"),
    "steps inside": _nested("any({r} where {0} followed by {r} within 3 days)"),
    "inside steps": _nested("any({r} followed by {r} where {0})"),
    "a chain": _chain("followed by {1} within 3 days"),
    "a chain with conditions": _chain("preceded by {1} where n > 0 and (n < 2 or n = 3)"),
    "a chain of the row's own": _chain("followed by {0}.{1}"),
    "a chain of absences": _chain("followed by {1} where n = 1 not followed by b within 1 day"),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_depth_up_to_the_limit(text: Callable[[int], str]) -> None:
    """Whatever depth is accepted, SQLite and frames can compute it; what is deeper is refused."""
    accepted = ""
    for depth in range(1, 50):
        try:
            define(text(depth))
        except DefinitionError as error:
            assert {d.code for d in error.diagnostics} == {"SK007"}
            break
        accepted = text(depth)
    assert depth >= 4
    rows: dict[str, list[dict[str, Any]]] = {"p": [{"id": 1, "at": NOON, "n": 1.0}], "s": []}
    for name in OTHER:
        rows[name] = [
            {"id": i, "at": NOON - timedelta(days=40 - i), "n": 1.0, "pid": 1, "aid": i, "bid": i}
            for i in range(1, 30)
        ]
    sqlite, frames = (t for t in targets.CORE if t.name in ("sqlite", "pandas"))
    segment = define(accepted)
    assert sqlite.members(segment, rows, NOON) == frames.members(segment, rows, NOON)


@pytest.mark.parametrize("text", ["any(a{})", "any(a where any(b{}))"])
def test_endless_chains_are_refused(text: str) -> None:
    """A chain as long as a text can be is refused as too deep, not by running out of stack."""
    with pytest.raises(DefinitionError, match="SK007"):
        define(text.format(" followed by b" * 7_000))


# -- records --------------------------------------------------------------------------------------


def test_a_record_without_inner_rows_is_refused() -> None:
    """Inner rows that were not given are not the same as none."""
    matches = define("any(a where any(b))").matcher(as_of=NOON)
    a = {"id": 1, "at": NOON}
    assert not matches({"id": 1, "a": [{**a, "b": []}]})
    with pytest.raises(DataError, match=r"no rows 'a\.b'"):
        matches({"id": 1, "a": [a]})
    with pytest.raises(DataError, match=r"a\.b must hold records"):
        matches({"id": 1, "a": [{**a, "b": [3]}]})


def test_rows_that_make_their_own_rows_anew() -> None:
    """Rows may be made whenever they are asked for; nothing is remembered of the wrong one."""

    class Lazy(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            value = super().get(key, default)
            return [Lazy(row) for row in value] if isinstance(value, list) else value

    days = [NOON - timedelta(days=d) for d in (9, 5, 1)]
    inner = [[], [days[1], days[2]], [days[0]]]
    record = Lazy(
        id=1,
        a=[{"id": i, "at": days[0], "b": [{"id": 1, "at": d} for d in inner[i]]} for i in range(3)],
    )
    assert define("count(a where any(b followed by b within 4 days)) = 1").matches(
        record, as_of=NOON
    )
    assert define("count(a followed by a.b) = 1").matches(record, as_of=NOON)


def test_the_customers_own_aggregate_is_computed_once() -> None:
    """An aggregate of the whole record does not grow with the rows that compare with it."""
    reads = 0

    class Counted(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            nonlocal reads
            reads += key == "n"
            return super().get(key, default)

    rows = [Counted(id=i, at=NOON, n=float(i)) for i in range(100)]
    assert define("count(a where n > avg(p.a.n)) = 50").matches({"id": 1, "a": rows}, as_of=NOON)
    assert reads == 200


# -- SQL ------------------------------------------------------------------------------------------


def test_inner_existence_is_a_semi_join() -> None:
    """Rows of which any inner row passes are found by key, without grouping and joining."""
    text = sql_of("any(a where any(b where n > 1))")
    assert "a_1.id IN (SELECT b_1.aid AS owner FROM b AS b_1" in text
    assert "GROUP BY" not in text
    assert "JOIN" not in text


def test_no_inner_rows_is_the_complement() -> None:
    """Rows without inner rows are those whose key is not among the owners."""
    assert "NOT IN (SELECT b_1.aid AS owner" in sql_of("any(a where none(b))")


def test_no_aggregate_is_a_correlated_sub_query() -> None:
    """What is compared with a row's own value is grouped once and joined by the key."""
    text = sql_of("any(a where n > avg(p.a.n) and n > sum(b.n))")
    assert text.count("GROUP BY") == 2
    assert text.count("LEFT OUTER JOIN (SELECT") == 2


def test_an_absence_is_not_exists() -> None:
    """A step is EXISTS with the same owner and the two ends of the time."""
    text = sql_of("any(a not followed by b within 1 day)")
    assert "NOT (EXISTS (SELECT 1 FROM b AS b_1 WHERE b_1.pid = a_1.pid AND b_1.at > a_1.at" in text


def test_links_are_joined_plainly_where_keys_are_unique() -> None:
    """Only a table that may hold a row twice is looked through for repeats."""
    assert "row_number" not in sql_of("any(a where s.n > 1)")
    tables = tables_from(SCHEMA)
    stores = tables.tables["s"]
    tables.remove(stores)
    sa.Table(
        "s",
        tables,
        sa.Column("id", sa.Integer),
        sa.Column("n", sa.Double),
        sa.Column("at", sa.DateTime),
    )
    assert "row_number() OVER (PARTITION BY s_1.id" in sql_of("any(a where s.n > 1)", tables)
    tables.remove(tables.tables["s"])
    sa.Table("s", tables, sa.Column("id", sa.Integer, unique=True), sa.Column("n", sa.Double))
    assert "row_number" not in sql_of("any(a where s.n > 1)", tables)


def test_too_many_joins_are_refused_by_name() -> None:
    """More aggregates beside a row than a database joins are told as such."""
    tests = " and ".join(f"n > last(b.n where n > {i})" for i in range(60))
    with pytest.raises(UnsupportedError, match="different aggregates"):
        sql_of(f"any(a where {tests})")


@pytest.mark.parametrize("dialect", ["mssql", "oracle", "mysql", "postgresql", "sqlite"])
def test_every_dialect_spells_steps(dialect: str) -> None:
    """Steps compile for dialects that the tests do not run."""
    query = members(define("any(a followed by b within 2 hours)"), tables_from(SCHEMA).tables["p"])
    found = str(query.compile(dialect=sa.dialects.registry.load(dialect)()))
    assert "EXISTS" in found


# -- frames ---------------------------------------------------------------------------------------


def _frames(stores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    a = pd.DataFrame({"id": [1], "pid": [1], "sid": [7], "bid": [None], "at": [NOON], "n": [1.0]})
    people = pd.DataFrame({"id": [1, 2], "at": [NOON, NOON], "n": [1.0, 1.0]})
    return {"p": people, "a": a, "b": a.iloc[:0].rename(columns={"bid": "aid"}), "s": stores}


def test_a_linked_row_that_is_there_twice() -> None:
    """Equal rows are one row; two rows that contradict each other are refused."""
    twice = pd.DataFrame({"id": [7, 7, 8], "at": [NOON] * 3, "n": [2.0, 2.0, 3.0]})
    segment = define("sum(a.n where s.n = 2) = 1")
    assert mask(segment, _frames(twice), as_of=NOON).tolist() == [True, False]
    twice.loc[1, "n"] = 5.0
    with pytest.raises(DataError, match=r"s\.id tells rows apart, and two of them have 7"):
        mask(segment, _frames(twice), as_of=NOON)


def test_a_missing_frame_of_inner_rows_is_told() -> None:
    """Everything that inner rows are computed from is looked for before anything is computed."""
    frames = _frames(pd.DataFrame({"id": [7], "at": [NOON], "n": [1.0]}))
    del frames["b"]
    for text in ("any(a where any(b))", "any(a followed by b)", "sum(a.b.n) > 1"):
        with pytest.raises(DataError, match="no frame 'b'"):
            mask(define(text), frames, as_of=NOON)


# -- texts and schemas ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ANY(a NOT  Followed BY b WITHIN 1 Days)", "any(a not followed by b within 1 day)"),
        (
            "any(a preceded by `b` where n>1 within 24 hour)",
            "any(a preceded by b where n > 1 within 24 hours)",
        ),
        ("any(a not # why\n followed by b)", "any(a not followed by b)"),
        ("within = by and not followed", "within = by and not followed"),
        ("any(by followed by within within 2 days)", "any(by followed by within within 2 days)"),
        ("any(a where followed not followed by by)", "any(a where followed not followed by by)"),
    ],
)
def test_words_of_steps_are_names_elsewhere(text: str, canonical: str) -> None:
    """Steps have one canonical form, and their words are reserved nowhere else."""
    assert format_definition(text) == canonical
    assert format_definition(canonical) == canonical


def test_equal_steps_are_equal_segments() -> None:
    """Spelling of units makes no difference to what a sequence means; direction does."""
    assert define("any(a followed by b within 1 day)") == define(
        "any(a followed by b within 24 hours)"
    )
    assert define("any(a followed by b)") != define("any(a preceded by b)")
    assert define("any(a followed by a.b)") != define("any(a followed by b)")


def test_parameters_inside_steps_and_inner_rows() -> None:
    """Parameters are found and bound wherever they stand."""
    segment = define("any(a where any(b where n > :x) followed by b where n > :y)")
    assert set(segment.parameters) == {"x", "y"}
    assert segment.bind(x=1, y=2).definition == (
        "any(a where any(b where n > 1) followed by b where n > 2)"
    )


def test_another_root() -> None:
    """Any entity with a key can be segmented; others are refused."""
    assert define("count(b) > 1", SCHEMA.rooted("a")).schema.entity.name == "a"
    assert SCHEMA.rooted("p") == SCHEMA
    with pytest.raises(SchemaError, match="no entity 'x'"):
        SCHEMA.rooted("x")


def test_values_listed_by_one_relation_do_not_bind_another() -> None:
    """An attribute of the same name in another relation may have any value."""
    listed = Attribute("kind", INTEGER, True, (1, 2))
    free = Attribute("kind", INTEGER, True)
    schema = Schema(
        [
            Entity("p", key="id", relations=[Relation("a", key="pid"), Relation("b", key="pid")]),
            Entity("a", attributes=[listed]),
            Entity("b", attributes=[free]),
        ]
    )
    text = "any(a where kind = 1) and any(b where kind = 3)"
    assert Segment.define(None, text, schema).definition == text


def test_a_path_through_a_table_without_a_unique_key() -> None:
    """The column that leads to a holder counts among a row's, attribute or not."""
    metadata = tables_from(SCHEMA)
    for column in metadata.tables["a"].c:
        column.primary_key = False
    metadata.tables["a"].append_constraint(sa.PrimaryKeyConstraint())
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(metadata.tables["p"].insert(), [{"id": 1}, {"id": 2}])
        row = {"id": 7, "pid": 2, "at": NOON}
        connection.execute(metadata.tables["a"].insert(), [row, row])
        connection.execute(metadata.tables["b"].insert(), {"id": 9, "aid": 7, "at": NOON, "n": 3})
        found = connection.scalars(
            members(define("sum(a.b.n) = 3"), metadata.tables["p"], as_of=NOON)
        ).all()
    engine.dispose()
    assert found == [2]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("any(store.sales)", "store.sales"),
        ("none(store.sales where total > 3)", "store.sales"),
        ("count(store.sales) > 2", "store.sales"),
        ("store.sales is present", "store.sales"),
        ("sum(store.sales.total) > 3", "store.sales.total"),
        ("sum(store.sales.total * 2) > 3", "store.sales.total"),
        ("store.sales.total > 3", "store.sales.total"),
        ("any(visits.shop.sales)", "visits.shop.sales"),
        ("any(visits where any(shop.sales where total > 3))", "shop.sales"),
        ("last(visits.shop.sales.total) > 3", "visits.shop.sales.total"),
        ("count(distinct visits.shop.sales.total) > 3", "visits.shop.sales.total"),
    ],
)
def test_that_begin_at_a_link(text: str, name: str) -> None:
    """No form of it is in the language, so no hint names another form of it."""
    sale = Entity("sales", key="id", attributes=[Attribute("total", INTEGER)])
    shops = Entity(
        "shops",
        key="id",
        attributes=[Attribute("city", TEXT)],
        relations=[Relation("sales", key="shop_id")],
    )
    visits = Entity(
        "visits",
        key="id",
        attributes=[Attribute("at", TIMESTAMP)],
        links=[Link("shop", to="shops", key="shop_id")],
    )
    person = Entity(
        "people",
        key="id",
        attributes=[Attribute("id", INTEGER)],
        links=[Link("store", to="shops", key="shop_id")],
        relations=[Relation("visits", key="person_id", at="at")],
    )
    with pytest.raises(SegmentTypeError) as caught:
        Segment.define(None, text, Schema([person, shops, visits, sale]))
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.values["name"]) == ("SK102", name)
    assert "sales are rows of shops, which segments of schema.rooted('shops')" in problem.hint
