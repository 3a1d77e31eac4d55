"""Lists of texts and values in JSON: what conformance cases cannot say."""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle, postgresql

import segmentkit as sk
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql
from segmentkit._catalog.schema_table import read_declaration
from tests.targets import TARGETS, Target
from tests.targets.databases import ENGINES, Database

PEOPLE = sk.Schema(
    [
        sk.Entity(
            "people",
            key="id",
            attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("tags", sk.TEXTS, True)],
            documents=[
                sk.Document("data", {"plan": sk.TEXT, "seen": sk.TIMESTAMP, "n": sk.INTEGER})
            ],
            relations=[sk.Relation("marks", key="person_id", value="mark")],
        ),
        sk.Entity("marks", attributes=[sk.Attribute("mark", sk.TEXT)]),
    ]
)


def define(text: str) -> sk.Segment:
    return sk.Segment.define(None, text, PEOPLE)


POSTGRESQL = next(each for each in ENGINES if each.name == "postgresql")


@pytest.mark.parametrize(
    "tags",
    [["a", "vip"], ("vip",), {"vip"}, frozenset({"vip"}), np.array(["vip", "b"]), ["vip", None]],
    ids=lambda tags: type(tags).__name__,
)
def test_a_record_has_any_collection_of_texts(tags: Any) -> None:
    """Lists, tuples, sets and arrays hold the texts of a record, and of a frame's cell."""
    segment = define('tags contains "vip"')
    assert segment.matches({"id": 1, "tags": tags})
    frame = pd.DataFrame({"id": [1, 2], "tags": [tags, None]})
    assert frames.members(segment, {"people": frame}).tolist() == [1]


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ("vip", "people.tags must be text[], not str 'vip'"),
        ([1], r"people.tags must be text\[\], not list \[1\]"),
        ({"vip": 1}, "people.tags must be text"),
        (5, "people.tags must be text"),
    ],
)
def test_a_list_holds_texts(tags: Any, says: str) -> None:
    """What is no list of texts is refused in records and in frames alike."""
    segment = define('tags contains "vip"')
    with pytest.raises(sk.DataError, match=says.replace("text[],", r"text\[\],")):
        segment.matches({"id": 1, "tags": tags})
    frame = pd.DataFrame({"id": [1, 2], "tags": [tags, None]})
    with pytest.raises(sk.DataError, match=r"people.tags must be text\[\]"):
        frames.members(segment, {"people": frame})


def test_a_list_that_is_never_missing() -> None:
    """A list that the schema says is always there is refused where it is not."""
    schema = sk.Schema([sk.Entity("people", key="id", attributes=[sk.Attribute("tags", sk.TEXTS)])])
    segment = sk.Segment.define(None, 'tags not contains "vip"', schema)
    assert segment.warnings == ()
    with pytest.raises(sk.DataError, match="does not declare it nullable"):
        segment.matches({"id": 1, "tags": None})
    frame = pd.DataFrame({"id": [1, 2], "tags": [["a"], None]})
    with pytest.raises(sk.DataError, match="missing in a row"):
        frames.members(segment, {"people": frame})


@pytest.mark.parametrize("document", [{"plan": "pro"}, '{"plan": "pro"}'])
def test_a_document_is_an_object_or_its_text(document: Any) -> None:
    """A record and a frame may hold JSON as text."""
    segment = define('data.plan = "pro"')
    assert segment.matches({"id": 1, "data": document})
    frame = pd.DataFrame({"id": [1, 2], "data": [document, pd.NA]})
    assert frames.members(segment, {"people": frame}).tolist() == [1]


@pytest.mark.parametrize("record", [{}, {"data": None}, {"data": float("nan")}, {"data": [1]}])
def test_a_document_that_holds_nothing(record: dict[str, Any]) -> None:
    """Everything is missing in a document that is not there, or is no object."""
    assert define("data.plan is missing and not (data.n = 1)").matches({"id": 1, **record})


def test_text_that_is_no_json() -> None:
    """A document that is not JSON is told by its place."""
    segment = define('data.plan = "pro"')
    with pytest.raises(sk.DataError, match=r"people\.data must be JSON, not '\{plan'"):
        segment.matches({"id": 1, "data": "{plan"})
    frame = pd.DataFrame({"id": [1], "data": ["{plan"]})
    with pytest.raises(sk.DataError, match=r"people\.data must be JSON, not '\{plan'"):
        frames.members(segment, {"people": frame})


@pytest.mark.parametrize("n", [2**63, -(2**63) - 1, 1e300, float("inf"), float("nan"), 10**400])
def test_whole_numbers_beyond_databases_are_missing(n: Any) -> None:
    """A whole number that no database holds is missing."""
    assert define("data.n is missing").matches({"id": 1, "data": {"n": n}})


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ([sk.Document("tags", {"a": sk.TEXT})], "declares 'tags' twice"),
        ([sk.Document("marks", {"a": sk.TEXT})], "declares 'marks' twice"),
        ([sk.Document("x", {"a": {"b": sk.TEXT}, "a.b": sk.TEXT})], "declares 'x.a.b' twice"),
    ],
)
def test_names_do_not_clash(documents: list[sk.Document], says: str) -> None:
    """A document goes by a name of its own, and so does what is in it."""
    with pytest.raises(sk.SchemaError, match=says):
        sk.Entity(
            "people",
            key="id",
            attributes=[sk.Attribute("tags", sk.TEXTS)],
            documents=documents,
            relations=[sk.Relation("marks", key="person_id")],
        )


@pytest.mark.parametrize("key", ['a"b', "a'b", "a\\b", "$", "", "a\nb"])
def test_keys_that_paths_have_words_for(key: str) -> None:
    """A key with which one could leave its place in a path is refused by the schema."""
    with pytest.raises(sk.SchemaError, match="without quotes"):
        sk.Document("data", {"x": {key: sk.TEXT}})


def test_types_in_a_document_are_types() -> None:
    """What is no type is refused when the document is declared."""
    with pytest.raises(sk.SchemaError, match=r"data.x: the type must be one like TEXT"):
        sk.Document("data", {"x": "text"})  # type: ignore[dict-item]


def test_a_table_of_texts_has_texts() -> None:
    """The value of a relation is an attribute there, a text."""
    marks = sk.Entity("marks", attributes=[sk.Attribute("n", sk.INTEGER)])
    for value in ("n", "mark"):
        people = sk.Entity(
            "people", key="id", relations=[sk.Relation("marks", key="person_id", value=value)]
        )
        with pytest.raises(sk.SchemaError, match=f"people.marks: 'marks' has no text '{value}'"):
            sk.Schema([people, marks])


def test_the_time_of_an_event_is_a_column() -> None:
    """What tells a relation's time is not in a document, where anything may be."""
    visits = sk.Entity("visits", documents=[sk.Document("data", {"at": sk.TIMESTAMP})])
    people = sk.Entity("people", key="id", relations=[sk.Relation("visits", key="p", at="data.at")])
    with pytest.raises(sk.SchemaError, match=r"no attribute 'data\.at' to tell the time"):
        sk.Schema([people, visits])


def test_schemas_with_lists_are_values() -> None:
    """Schemas with documents compare, hash and pickle, as all do."""
    copy = pickle.loads(pickle.dumps(PEOPLE))  # noqa: S301 - our own
    assert copy == PEOPLE
    assert hash(copy) == hash(PEOPLE)
    segment = sk.Segment.define(None, 'data.plan = "pro"', copy)
    assert segment == define('data.plan = "pro"')
    assert pickle.loads(pickle.dumps(segment)) == segment  # noqa: S301 - our own


def test_a_file_declares_lists_and_documents() -> None:
    """A file says the same as Python does."""
    told = {
        "entity": "people",
        "tables": {
            "people": {
                "key": "id",
                "attributes": {"id": "integer", "tags": "text[]?"},
                "documents": {"data": {"plan": "text", "seen": "timestamp", "n": "integer"}},
                "relations": {"marks": {"key": "person_id", "value": "mark"}},
            },
            "marks": {"attributes": {"mark": "text"}},
        },
    }
    assert read_declaration(told).schema() == PEOPLE


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ({"data": {"plan": "txt"}}, r"people.documents.data.plan: unknown type 'txt'"),
        ({"data": "text"}, r"people.documents.data must be a table"),
        ({"data": {"plan": {"x": 5}}}, r"people.documents.data.plan.x must be a table"),
    ],
)
def test_wrong_documents_in_a_file(documents: Any, says: str) -> None:
    """A file that declares documents wrongly is told the place."""
    told = {"entity": "people", "tables": {"people": {"documents": documents}}}
    with pytest.raises(sk.SchemaError, match=says):
        read_declaration(told)


def test_a_schema_from_tables_has_lists() -> None:
    """Arrays of texts are lists; what JSON holds is told, beside what was found."""
    metadata = sa.MetaData()
    sa.Table(
        "people",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tags", postgresql.ARRAY(sa.String(20))),
        sa.Column("numbers", sa.ARRAY(sa.Integer)),
        sa.Column("grid", sa.ARRAY(sa.String, dimensions=2)),
        sa.Column("data", sa.Text),
    )
    sa.Table(
        "marks",
        metadata,
        sa.Column("person_id", sa.ForeignKey("people.id")),
        sa.Column("mark", sa.Text, nullable=False),
    )
    schema = sql.schema_from(
        metadata,
        "people",
        tables={"people": {"documents": {"data": {"plan": "text"}}}},
        relations={"marks": {"key": "person_id", "value": "mark"}},
    )
    assert str(schema).splitlines()[1:5] == [
        "    id: integer",
        "    tags: text[]?",
        "    data.plan: text?",
        "    marks -> many of marks, by person_id, each a mark",
    ]


def test_a_schema_from_frames_has_lists() -> None:
    """Columns of lists of texts are lists; other lists are left out."""
    arrow = pd.ArrowDtype(pa.list_(pa.string()))
    people = pd.DataFrame(
        {
            "id": [1, 2],
            "tags": [["a"], None],
            "names": [("a", None), ()],
            "arrow": pd.Series([["a"], None], dtype=arrow),
            "numbers": [[1], [2]],
            "wide": pd.Series([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
            "data": ['{"plan": "pro"}', None],
        }
    )
    schema = frames.schema_from(
        people,
        "people",
        keys={"people": "id"},
        tables={"people": {"documents": {"data": {"plan": "text"}}}},
    )
    assert str(schema).splitlines()[1:] == [
        "    id: integer",
        "    tags: text[]?",
        "    names: text[]",
        "    arrow: text[]?",
        "    data.plan: text?",
        "left out:",
        "    people.numbers: there is no type for objects of list that hold something other than "
        "texts",
        "    people.wide: there is no type for list<item: int64>[pyarrow]",
    ]
    segment = sk.Segment.define(None, 'arrow contains "a" and data.plan = "pro"', schema)
    assert frames.members(segment, people).tolist() == [1]


def test_lists_of_rows_that_are_there_twice() -> None:
    """A row behind a link that is in its frame twice is taken once, lists and all."""
    schema = sk.Schema(
        [
            sk.Entity("people", key="id", links=[sk.Link("shop", to="shops", key="shop_id")]),
            sk.Entity("shops", key="id", attributes=[sk.Attribute("tags", sk.TEXTS, True)]),
        ]
    )
    given = {
        "people": pd.DataFrame({"id": [1, 2], "shop_id": [7, 8]}),
        "shops": pd.DataFrame({"id": [7, 7, 8], "tags": [["a"], ["a"], ["b"]]}),
    }
    segment = sk.Segment.define(None, 'shop.tags contains "a"', schema)
    assert frames.members(segment, given).tolist() == [1]


HOSTILE = ["'; DROP TABLE people; --", '"', "\\", "$.x", "%s", ":x", "{0}", "]", "a'b"]


@pytest.mark.parametrize("text", HOSTILE)
def test_values_are_parameters(text: str) -> None:
    """Neither a text that is looked for nor a key of JSON becomes SQL."""
    table = sql.tables_from(PEOPLE).tables["people"]
    for dialect in (postgresql.dialect(), sa.create_engine("sqlite://").dialect):
        for test in ('tags contains any ("{}", "x")', 'data.plan = "{}"'):
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            segment = define(test.format(escaped))
            compiled = sql.members(segment, table).compile(dialect=dialect)
            assert "DROP" not in str(compiled)
            assert text in str(list(compiled.params.values())) or text in _flat(compiled.params)


def _flat(parameters: Any) -> list[Any]:
    return [v for p in parameters.values() for v in (p if isinstance(p, list) else [p])]


@pytest.mark.parametrize("dialect", [mssql.dialect(), oracle.dialect()])
@pytest.mark.parametrize("test", ['tags contains "a"', 'data.plan = "a"', "data.seen is missing"])
def test_others_refuse_by_name(dialect: Any, test: str) -> None:
    """A database that nobody has tried says so when a query is compiled."""
    table = sql.tables_from(PEOPLE).tables["people"]
    with pytest.raises(sk.UnsupportedError, match=r"cannot do '.* in JSON'"):
        sql.members(define(test), table).compile(dialect=dialect)
    rows = sql.members(define('marks contains "a"'), table)
    assert "marks" in str(rows.compile(dialect=dialect))


ROWS = [
    {"id": 1, "tags": ["abc", "a"]},
    {"id": 2, "tags": ["abcd", None]},
    {"id": 3, "tags": []},
    {"id": 4, "tags": None},
]


@pytest.mark.parametrize(
    "type_",
    [
        sa.ARRAY(sa.Text()),
        sa.ARRAY(sa.String()),
        sa.ARRAY(sa.String(4)),
        sa.ARRAY(sa.CHAR(4)),
        postgresql.JSONB(none_as_null=True),
        sa.JSON(none_as_null=True),
    ],
    ids=repr,
)
def test_columns_of_postgresql(type_: Any) -> None:
    """However PostgreSQL stores a list, it has the same texts, and no wanted text is cut."""
    connection = POSTGRESQL.emptied()
    metadata = sa.MetaData()
    table = sa.Table(
        "people", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("tags", type_)
    )
    expected = {
        'tags contains "abcd"': [2],
        'tags contains "abcdef"': [],
        'tags contains any ("abc", "x")': [1],
        'tags contains "ABC" ignoring case': [1],
        'tags not contains "abc"': [2, 3, 4],
        "tags is missing": [4],
    }
    with connection.begin_nested() as inside:
        metadata.create_all(connection)
        connection.execute(table.insert(), ROWS)
        for text, members in expected.items():
            found = connection.scalars(sql.members(define(text), table)).all()
            assert sorted(found) == members, text
        inside.rollback()


WITH_JSON = [each for each in ENGINES if each.name in ("sqlite", "duckdb", "postgresql")]


@pytest.mark.parametrize(
    ("engine", "type_"),
    [(each, sa.JSON(none_as_null=True)) for each in WITH_JSON]
    + [(each, sa.ARRAY(sa.Text())) for each in WITH_JSON[1:]],
    ids=lambda value: getattr(value, "name", type(value).__name__),
)
def test_many_texts_are_looked_for(engine: Database, type_: Any) -> None:
    """A list has one of more texts than are written out, as it has one of few."""
    connection = engine.emptied()
    metadata = sa.MetaData()
    table = sa.Table(
        "people", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("tags", type_)
    )
    many = ", ".join(f'"x{i}"' for i in range(1_500))
    metadata.create_all(connection)
    connection.execute(table.insert(), ROWS)
    for rest in ("", " ignoring case"):
        for negated, members in (("", [1]), ("not ", [2, 3, 4])):
            segment = define(f'tags {negated}contains any ({many}, "abc"){rest}')
            found = connection.scalars(sql.members(segment, table)).all()
            assert sorted(found) == members
    connection.rollback()


@pytest.mark.parametrize(
    "target",
    [each for each in TARGETS if each.name in ("sqlite", "duckdb", "postgresql", "pandas")],
    ids=lambda target: target.name,
)
def test_lists_beside_what_has_no_rows(target: Target) -> None:
    """An engine that knows beforehand that no row is within a window does not lose its way."""
    people = sk.Entity(
        "people",
        key="id",
        attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("tags", sk.TEXTS, True)],
        relations=[sk.Relation("visits", key="person_id", at="at")],
    )
    visits = [sk.Attribute("person_id", sk.INTEGER), sk.Attribute("at", sk.TIMESTAMP)]
    visits.append(sk.Attribute("cost", sk.INTEGER))
    schema = sk.Schema([people, sk.Entity("visits", attributes=visits)])
    rows = {
        "people": [{"id": 1, "tags": ["a"]}, {"id": 2, "tags": ["VIP"]}, {"id": 3, "tags": None}],
        "visits": [{"person_id": 1, "at": datetime(2026, 4, 30), "cost": 6}],
    }
    costly = "max(visits.cost{}) = sum(id among everyone)"
    within = costly.format(" between 2026-04-07 and 2025-03-30")
    for test, members in ((costly.format(""), [1]), (within, []), (f"({within} or id = 3)", [3])):
        segment = sk.Segment.define(
            None, f'tags not contains "vip" ignoring case and {test}', schema
        )
        assert sorted(target.members(segment, rows, datetime(2026, 5, 1))) == members


def test_an_index_serves_arrays() -> None:
    """On PostgreSQL an index of the kind GIN finds who has a text."""
    connection = POSTGRESQL.emptied()
    metadata = sa.MetaData()
    table = sa.Table(
        "people",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tags", sa.ARRAY(sa.Text())),
    )
    with connection.begin_nested() as inside:
        metadata.create_all(connection)
        connection.execute(sa.text("CREATE INDEX by_tag ON people USING gin (tags)"))
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        query = sql.members(define('tags contains any ("a", "b")'), table)
        plan = connection.execute(sa.text("EXPLAIN " + str(
            query.compile(connection, compile_kwargs={"literal_binds": True})
        ))).scalars().all()  # fmt: skip
        inside.rollback()
    assert any("by_tag" in line for line in plan), plan


@pytest.mark.parametrize("part", [slice(0, 0), slice(1, 3), slice(2, None)])
@pytest.mark.parametrize("text", ['tags contains "a"', 'tags not contains any ("a", "b")'])
def test_parts_of_frames_of_arrow(part: slice, text: str) -> None:
    """A part of a frame of Arrow's lists is asked as its objects are."""
    tags = [["a", None], None, ["b", "a"], [], [None]]
    arrow = pd.Series(tags, dtype=pd.ArrowDtype(pa.large_list(pa.string())))
    people = pd.DataFrame({"id": range(5), "tags": arrow, "objects": tags})
    twice = pd.concat([people, people.assign(id=people["id"] + 5)])
    for frame in (people, people.iloc[part], twice, twice.iloc[3:8]):
        told = frame.assign(tags=frame["objects"].astype(object))
        found = frames.members(define(text), {"people": frame}).tolist()
        assert found == frames.members(define(text), {"people": told}).tolist()
