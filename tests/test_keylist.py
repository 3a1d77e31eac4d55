"""Static lists: what keys are, files of them, and long ones on every target."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import (
    FLOAT,
    INTEGER,
    TEXT,
    Attribute,
    CatalogError,
    DataError,
    Entity,
    KeyList,
    Schema,
    SchemaError,
    Segment,
)
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql


def schema(dtype: Any = INTEGER, column: str = "id") -> Schema:
    key = Attribute("number", dtype, column=column)
    return Schema([Entity("people", key=column, attributes=[key, Attribute("age", INTEGER, True)])])


PEOPLE, CODES = schema(), schema(TEXT, "code")


def load(tmp_path: Path, content: bytes | str, name: str = "fair.txt", of: Schema = PEOPLE) -> Any:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return KeyList.load(file, of)


def refused(tmp_path: Path, content: bytes | str, name: str = "fair.txt") -> list[str]:
    with pytest.raises(CatalogError) as caught:
        load(tmp_path, content, name)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


# -- keys -----------------------------------------------------------------------------------------


def test_keys() -> None:
    """Any values that iterate make a list; order and repetition do not matter."""
    wanted = KeyList("a", [3, 1, 2])
    for keys in (
        (1, 2, 3, 3),
        {1, 2, 3},
        iter([1, 2, 3]),
        np.array([1, 2, 3]),
        pd.Series([1, 2, 3]),
    ):
        assert KeyList("a", keys) == wanted
    assert KeyList("a", np.array(["x", "y"])).keys == {"x", "y"}
    assert KeyList("a", [UUID(int=7)]).keys == {"00000000-0000-0000-0000-000000000007"}
    assert (len(wanted), 3 in wanted, 4 in wanted) == (3, True, False)
    assert (str(wanted), wanted.dtype) == ("a: 3 keys", INTEGER)
    assert len(repr(KeyList("a", range(100_000)))) < 200
    assert pickle.loads(pickle.dumps(wanted)) == wanted  # noqa: S301


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([1, "a"], "all integers or all texts"),
        ([1, None], "not NoneType None"),
        ([1.5], "not float 1.5"),
        ([True], "not bool True"),
        ([2**63], "64 bits"),
        ("abc", "not one text 'abc'"),
    ],
)
def test_no_keys(keys: Any, message: str) -> None:
    """What cannot be a key is refused when the list is made."""
    with pytest.raises(DataError, match=message):
        KeyList("a", keys)


def test_meaning() -> None:
    """Segments are equal when their lists hold the same keys; the lists go with them."""
    some = Segment.define("s", "in list a", PEOPLE, lists=[KeyList("a", [1, 2])])
    assert some == Segment.define(None, "in list b", PEOPLE, lists=[KeyList("b", (2, 1))])
    assert some != Segment.define(None, "in list a", PEOPLE, lists=[KeyList("a", [1])])
    for made in (~some, some & ~some, some.uncertain(), pickle.loads(pickle.dumps(some))):  # noqa: S301
        assert made.lists == some.lists
    assert [some.matches({"number": n}) for n in (1, 3)] == [True, False]
    with pytest.raises(SchemaError, match="two different lists are referred to as 'a'"):
        some & Segment.define(None, "in list a", PEOPLE, lists=[KeyList("a", [1])])


def test_key_of_another_kind() -> None:
    """Only keys that are integers or texts can be on a list."""
    with pytest.raises(SchemaError, match="an integer or a text"):
        KeyList.load("nothing", schema(FLOAT))


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("fair.txt", "7\n8\n9"),
        ("fair.txt", "7\r\n\r\n 8 \r\n9\r\n9\r\n"),
        ("fair.txt", "\ufeff7\n8\n+9\n"),
        ("fair.txt", "number\n7\n8\n9\n"),
        ("fair.txt", "id\n7\n8\n9\n"),
        ("fair.csv", "id,name\n7,Ada\n8,\"B\no\"\n\n9,\"x,y\"\n"),
        ("fair.CSV", "7\n8\n9\n"),
    ],
)  # fmt: skip
def test_files(tmp_path: Path, name: str, content: str) -> None:
    """One key a line, or the first column; empty lines and a heading are passed over."""
    found = load(tmp_path, content, name)
    assert (found.name, found.keys) == ("fair", {7, 8, 9})


def test_files_of_texts(tmp_path: Path) -> None:
    """Where the key is a text, every line is one, white space around it aside."""
    assert load(tmp_path, "007\n x y \nЇ\ncode\n", of=CODES).keys == {"007", "x y", "Ї", "code"}
    assert load(tmp_path, "code\n7\n", of=CODES).keys == {"7"}
    assert load(tmp_path, 'code\n"a,b"\n', "a.csv", CODES).keys == {"a,b"}


def test_an_empty_file(tmp_path: Path) -> None:
    """A file without keys is a list of nobody."""
    assert load(tmp_path, "\n\n").keys == frozenset()


@pytest.mark.parametrize("line", ["x", "1.0", "1_000", "9223372036854775808", "7 8", "٣", "-"])
def test_a_bad_line(tmp_path: Path, line: str) -> None:
    """A line that is no key is told with its number."""
    assert refused(tmp_path, f"7\n\n{line}\n8\n") == [
        "fair.txt:3",
        "SK306 this line is not a key: people.number is an integer",
    ]


def test_bad_lines_of_csv(tmp_path: Path) -> None:
    """Lines are counted as editors count them, also after a cell of several lines."""
    content = '7,"a\nb"\n,no key\nid,heading too late\n'
    assert refused(tmp_path, content, "fair.csv") == [
        "fair.csv:3",
        "SK306 this line is not a key: people.number is an integer",
        "fair.csv:4",
        "SK306 this line is not a key: people.number is an integer",
    ]


def test_many_bad_lines(tmp_path: Path) -> None:
    """Of a file of the wrong kind the first ten lines are told, and no more."""
    first, what, others = refused(tmp_path, "x\n" * 1000)
    assert first == "fair.txt:1"
    assert what.startswith("SK306")
    assert others.strip().startswith("the same in 9 other places: ")


def test_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8, or no CSV, is told as such."""
    assert refused(tmp_path, b"7\n\xff\n")[1].startswith("SK305 not UTF-8")
    assert refused(tmp_path, '7\n"8\n', "fair.csv")[1].startswith("SK305 not CSV")


# -- long lists -----------------------------------------------------------------------------------

MANY = KeyList("many", range(0, 200_000, 2))
IN, OUT, EITHER = (
    Segment.define(None, text, PEOPLE, lists=[MANY])
    for text in ("in list many", "not in list many", "in list many or age = 1")
)
ROWS = [{"id": n, "age": n % 3} for n in range(20)]
WANTED = {
    IN: [n for n in range(20) if n % 2 == 0],
    OUT: [n for n in range(20) if n % 2],
    EITHER: [n for n in range(20) if n % 2 == 0 or n % 3 == 1],
}


def test_long_in_a_database() -> None:
    """A list is one parameter, however long, and one in a statement that asks for it twice."""
    metadata = sql.tables_from(PEOPLE)
    people = metadata.tables["people"]
    stored = sa.Table("stored", metadata, sa.Column("person", sa.Integer))
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(people.insert(), ROWS)
        connection.execute(stored.insert(), [{"person": n} for n in (*range(0, 20, 2), None)])
        for segment, wanted in WANTED.items():
            query = sql.members(segment, people)
            assert sorted(connection.scalars(query)) == wanted
            query = sql.members(segment, people, lists={"many": stored.c.person})
            assert "stored" in str(query)
            assert sorted(connection.scalars(query)) == wanted
    twice = Segment.define(
        None, "(in list many and age = 1) or (not in list many and age = 2)", PEOPLE, lists=[MANY]
    )
    compiled = sql.predicate(twice, people).compile(dialect=engine.dialect)
    assert len([name for name in compiled.params if name.startswith("many")]) == 1
    engine.dispose()


def test_long_in_frames() -> None:
    """A list of many keys is one pass over a column of any dtype."""
    people = pd.DataFrame(ROWS)
    for segment, wanted in WANTED.items():
        for dtype in ("int64", "Int64", "float64", object):
            given = people.astype({"id": dtype})
            assert frames.members(segment, given).astype(int).tolist() == wanted


@pytest.mark.parametrize("dialect", ["postgresql", "duckdb", "mysql", "mssql"])
def test_spellings(dialect: str) -> None:
    """No key is ever in the text of a statement, and the statement has one parameter."""
    people = sql.tables_from(PEOPLE).tables["people"]
    if dialect == "duckdb":
        pytest.importorskip("duckdb_sqlalchemy")
    spoken = sa.make_url(f"{dialect}://").get_dialect()()
    for segment in (IN, OUT):
        compiled = sql.predicate(segment, people).compile(dialect=spoken)
        assert len(compiled.params) == 1
        assert not any(
            character in "0123456789"
            for character in str(compiled).replace("many_1", "").replace("keys_1", "")
        )
