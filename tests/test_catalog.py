"""Catalog files: what they hold, what is refused and where, parameters, references."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import (
    INTEGER,
    TEXT,
    Attribute,
    Catalog,
    CatalogError,
    DataError,
    DefinitionError,
    Entity,
    Schema,
    SchemaError,
    Segment,
    SegmentTypeError,
    UsageError,
)
from segmentkit._catalog.check import check_syntax
from segmentkit._catalog.toml_file import read_catalog
from segmentkit.pandas import Source
from segmentkit.sqlalchemy import load_catalog

HEAD = """\
language = 1
[schema]
entity = "people"
[schema.tables.people]
key = "id"
attributes = { id = "integer", age = "integer?", name = "text?", seen = "timestamp?" }
"""
PEOPLE = Schema(
    [Entity("people", key="id", attributes=[Attribute("id", INTEGER), Attribute("x", TEXT)])]
)


def loads(text: str, head: str = HEAD) -> Catalog:
    return Catalog.loads(head + text, file="s.toml")


def refused(text: str, head: str = HEAD) -> str:
    with pytest.raises(CatalogError) as caught:
        loads(text, head)
    assert caught.value.problems
    assert len(caught.value.diagnostics) == len(caught.value.problems)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert str(again) == str(caught.value)
    return str(caught.value)


# -- what it holds --------------------------------------------------------------------------------

FILE = """
[parameters]
least = 18

[segments.grown_up]
title = "Grown-ups"
description = "All of age"
owner = "growth"
goal = "sell"
where = "age >= :least"

[segments."with a name"]
where = '''
name is present   # a comment
and name != ""
'''

[segments.both]
where = 'in segment grown_up and in segment "with a name"'
"""


def test_a_mapping_of_segments() -> None:
    """A catalog maps names to segments in the order of the file, parameters bound."""
    catalog = loads(FILE)
    assert list(catalog) == ["grown_up", "with a name", "both"]
    assert len(catalog) == 3
    assert "both" in catalog
    assert "neither" not in catalog
    assert catalog["grown_up"].definition == "age >= 18"
    assert catalog["with a name"].definition == 'name is present and name != ""'
    assert catalog["both"] == catalog["grown_up"] & catalog["with a name"]
    assert catalog["both"].name == "both"
    with pytest.raises(KeyError):
        catalog["neither"]


def test_facts_for_people() -> None:
    """Title, description, owner and goal come along, bound or not."""
    catalog = loads(FILE)
    for segment in (catalog["grown_up"], catalog.unbound("grown_up")):
        assert segment.title == "Grown-ups"
        assert segment.description == "All of age"
        assert segment.owner == "growth"
        assert segment.goal == "sell"
    assert catalog["both"].title is None


def test_other_values() -> None:
    """``bind`` gives other values, in references too; the catalog stays as it is."""
    catalog = loads(FILE)
    other = catalog.bind(least=21)
    assert other["both"].definition == catalog["both"].definition
    assert other["both"] != catalog["both"]
    assert other["grown_up"].definition == "age >= 21"
    assert other.bind(least=18) == catalog
    assert catalog.parameters == {"least": 18}
    assert catalog.unbound("grown_up").definition == "age >= :least"
    assert catalog["grown_up"].definition == "age >= 18"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"lest": 1}, "SK119 unknown parameter ':lest'"),
        ({"least": "x"}, "SK121 ':least' takes a number; 'x' is a text"),
        ({"least": 2**64}, "SK013 this number is out of range"),
        ({"least": [18]}, "SK121 ':least' takes a number; [18] is a list"),
    ],
)
def test_wrong_values(values: dict[str, object], text: str) -> None:
    """An unknown parameter and a value of another type are type errors."""
    with pytest.raises(SegmentTypeError) as caught:
        loads(FILE).bind(**values)  # type: ignore[arg-type]
    assert str(caught.value).startswith(text)


def test_parameters_without_a_value() -> None:
    """A parameter may stay open until it is bound."""
    catalog = loads('[segments.a]\nwhere = "age > :x"\n[segments.b]\nwhere = "in segment a"\n')
    assert [*catalog["b"].parameters] == ["x"]
    assert not catalog.bind(x=3)["b"].parameters


def test_lists_of_parameters() -> None:
    """A list of the file, of a set and of a list is bound, kept unchanged, pickled and written."""
    text = '[parameters]\nages = [1, 2.50]\nnames = ["a"]\nn = 7\n[segments.a]\n'
    catalog = loads(f'{text}where = "age in :ages or name not in :names or seen > :n days ago"\n')
    assert str(catalog["a"]) == 'age in (1, 2.50) or name not in ("a") or seen > 7 days ago'
    assert {name: str(each) for name, each in catalog.parameter_types.items()} == {
        "ages": "list of integer", "names": "list of text", "n": "days",
    }  # fmt: skip
    names = ["c", "b"]
    other = catalog.bind(names=names, ages={3})
    names.append("a")
    assert other.parameters == {"ages": (3,), "names": ("c", "b"), "n": 7}
    assert str(other["a"]) == 'age in (3) or name not in ("c", "b") or seen > 7 days ago'
    for each in (other, other.bind(names=[])):
        assert pickle.loads(pickle.dumps(each)) == each  # noqa: S301
        assert Catalog.loads(each.dumps()) == each


def test_copies() -> None:
    """Catalogs are values: they compare, copy and pickle."""
    catalog = loads(FILE)
    assert catalog == loads(FILE)
    assert catalog != catalog.bind(least=1)
    for each in (copy.copy(catalog), copy.deepcopy(catalog), pickle.loads(pickle.dumps(catalog))):  # noqa: S301
        assert each == catalog
        assert dict(each) == dict(catalog)


def test_made_by_hand() -> None:
    """A catalog can be made of segments that are there already."""
    segment = Segment.define("a", "id > :n", PEOPLE)
    catalog = Catalog({"a": segment, "b": ~segment}, {"n": 3})
    assert catalog["b"].definition == "not id > 3"


def test_files(tmp_path: Path) -> None:
    """Files are UTF-8, with line ends of any kind; messages name them."""
    path = tmp_path / "segments.toml"
    path.write_bytes((HEAD + FILE).replace("\n", "\r\n").encode())
    assert Catalog.load(path) == loads(FILE) == Catalog.load(str(path))
    path.write_text(HEAD + "[segments.a]\nwhere = 'agee > 1'\n", encoding="utf-8")
    with pytest.raises(CatalogError, match=r"segments\.toml:8 segment 'a'"):
        Catalog.load(path)
    with pytest.raises(FileNotFoundError):
        Catalog.load(tmp_path / "none.toml")


def test_the_schema() -> None:
    """The file's schema serves unless another is given; without any there is nothing to check by."""
    text = "language = 1\n[segments.a]\nwhere = \"x = 'y'\"\n"
    assert Catalog.loads(text, PEOPLE)["a"].schema == PEOPLE
    with pytest.raises(SchemaError, match=r"the catalog has no \[schema\], and none was given"):
        Catalog.loads(text)
    with pytest.raises(CatalogError, match="unknown attribute 'age'"):
        Catalog.loads(HEAD + '[segments.a]\nwhere = "age > 1"\n', PEOPLE)
    incomplete = 'language = 1\n[schema]\nentity = "people"\n'
    with pytest.raises(SchemaError, match="declare them under"):
        Catalog.loads(incomplete)


@pytest.mark.parametrize("text", ["", "[segments]\n", "[parameters]\n"])
def test_an_empty_catalog(text: str) -> None:
    """A catalog without segments is one."""
    assert dict(loads(text)) == {}


@pytest.mark.parametrize(
    ("toml", "value"),
    [
        ("3", 3),
        ("0.50", Decimal("0.50")),
        ("1e3", Decimal("1E+3")),
        ('"x"', "x"),
        ("true", True),
        ("2026-05-09", date(2026, 5, 9)),
        ("2026-05-09T12:00:00Z", datetime(2026, 5, 9, 12, tzinfo=UTC)),
        ("2026-05-09 12:00:00", datetime(2026, 5, 9, 12)),
    ],
)
def test_values_in_the_file(toml: str, value: object) -> None:
    """Parameters are TOML's values; numbers with a point are exact."""
    assert loads(f"[parameters]\nx = {toml}\n").parameters == {"x": value}


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([Segment.define("a", "x = 'b'", PEOPLE)], "write Catalog({segment.name: segment for "),
        ({"a": "x = 'b'"}, "make one of a text by Segment.define(None, text, schema)"),
        (3, "a catalog takes mappings from names, and not an int: "),
    ],
)
def test_what_is_no_mapping_of_segments(given: Any, message: str) -> None:
    """A list of segments, and texts, are refused with the way out."""
    with pytest.raises(UsageError) as caught:
        Catalog(given)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[segments.a]\nwhere = 3\n", "s.toml:7\nSK304 segments.a.where must be text"),
        ("[segments.a]\nowner = 3\nwhere = 'age > 1'\n",
         "s.toml:7\nSK304 segments.a.owner must be text"),
        ("[segments]\na.where = 'age > 1'\na.was = 'b'\nb.where = 'age > 2'\n",
         "s.toml:8 segment 'a'\nSK304 segments.a.was must be the name of a segment that is gone, and 'b' is there: remove one of them"),
        ("[segments.a]\ntitle = 'x'\n", "s.toml:7\nSK304 segments.a.where must be the definition"),
        ("[segments]\na = 'age > 1'\n", "s.toml:8\nSK304 segments.a must be a table with 'where'"),
        ("[segments.a]\nwhere = 'age > 1'\nwere = 'x'\n",
         "s.toml:9\nSK302 unknown key 'were' in segments.a\n    hint: did you mean 'where'?"),
        ("[segment.a]\nwhere = 'age > 1'\n",
         "s.toml\nSK302 unknown key 'segment' in the file\n    hint: did you mean 'segments'?"),
        ("[parameters]\nx = [[1]]\n",
         "s.toml:8\nSK304 parameters.x must be a number, text, date or truth value, or a list of such"),
        ("[parameters]\nx = 12:00:00\n",
         "s.toml:8\nSK304 parameters.x must be a number, text, date or truth value, or a list of such"),
    ],
)  # fmt: skip
def test_forms(text: str, message: str) -> None:
    """What has the wrong form is told with its line."""
    assert refused(text) == message


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("", "s.toml\nSK303 this file names no version of the language; this release reads "
             "version 1\n    hint: language = 1"),
        ("language = 2\n", "s.toml:1\nSK303 this file names version 2 of the language; this release "
                           "reads version 1\n    hint: language = 1"),
        ("language = true\n", "s.toml:1\nSK303 this file names version true of the language; this "
                              "release reads version 1\n    hint: language = 1"),
        ("language = 1.0\n", "s.toml:1\nSK303 this file names version 1.0 of the language; this release "
                             "reads version 1\n    hint: language = 1"),
        (f"language = {'9' * 5000}\n", "s.toml\nSK301 a whole number has too many digits"),
        ("\n\nlanguage = 1\nlanguage = 1\n",
         "s.toml:4\nSK301 Cannot overwrite a value\n    language = 1\n                ^"),
        ],
)  # fmt: skip
def test_heads(head: str, message: str) -> None:
    """The version of the language must be there, and the file must be TOML."""
    assert refused("", head) == message


def test_places_of_mistakes() -> None:
    """Each mistake of each definition comes with its line in the file, in the file's order."""
    text = """
[segments.one]
where = "agee > 1 and nam = 'x'"

[segments.two]
title = "x"
where = '''
age > 1
  and (name = 3
'''

[segments.three]
where = \"\"\"
age > 1
and nmae = 'x'\"\"\"

[segments.four]
where = "in segment fife"
"""
    with pytest.raises(CatalogError) as caught:
        loads(text)
    found = [(p.name, p.line, p.column, p.diagnostic.code) for p in caught.value.problems]
    assert found == [
        ("one", 9, 1, "SK101"),
        ("one", 9, 14, "SK101"),
        ("two", 15, 16, "SK002"),
        ("three", 21, 5, "SK101"),
        ("four", 24, 12, "SK117"),
    ]
    assert str(caught.value).split("\n")[:5] == [
        "s.toml:9 segment 'one'",
        "SK101 unknown attribute 'agee'",
        "    agee > 1 and nam = 'x'",
        "    ^^^^",
        "    hint: did you mean 'age'?",
    ]
    assert (HEAD + text).split("\n")[20] == 'and nmae = \'x\'"""'


def test_places_of_mistakes_in_keys_with_points() -> None:
    """A key such as ``one.where`` has the line on which it stands; a text has lines, and no name."""
    text = """
[segments]
one.where = "agee > 1"
"two".title = "x"
"two".where = '''
age > 1
  and nmae = 'x'
'''
three = { where = "agee > 1" }

[traits]
four . value = "agee"
"""
    with pytest.raises(CatalogError) as caught:
        Catalog.loads(HEAD + text)
    found = {p.name: p.line for p in caught.value.problems}
    lines = (HEAD + text).split("\n")
    assert {name: lines[line - 1] for name, line in found.items() if name and line} == {
        "one": 'one.where = "agee > 1"',
        "two": "  and nmae = 'x'",
        "three": 'three = { where = "agee > 1" }',
        "four": 'four . value = "agee"',
    }
    assert str(caught.value).split("\n")[0] == f"line {found['one']}, segment 'one'"


def test_a_broken_reference_is_told_once() -> None:
    """What refers to a refused segment is not refused for it."""
    text = '[segments.a]\nwhere = "agee > 1"\n[segments.b]\nwhere = "in segment a"\n'
    with pytest.raises(CatalogError) as caught:
        loads(text)
    assert [p.name for p in caught.value.problems] == ["a"]


def test_cycles() -> None:
    """Each circle of references is told once, with the way round."""
    text = "".join(
        f'[segments.{name}]\nwhere = "{where}"\n'
        for name, where in {
            "a": "age > 1 or in segment b",
            "b": "not in segment a",
            "c": "in segment c",
            "d": "in segment a and in segment ok",
            "ok": "age > 1",
        }.items()
    )
    assert refused(text) == (
        "s.toml:8 segment 'a'\n"
        "SK118 segment 'a' refers to itself: a → b → a\n"
        "    age > 1 or in segment b\n"
        "                          ^\n"
        "s.toml:12 segment 'c'\n"
        "SK118 segment 'c' refers to itself: c → c\n"
        "    in segment c\n"
        "               ^"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("'x'", "SK121 ':x' takes a number; 'x' is a text"),
        ("true", "SK121 ':x' takes a number; True is a boolean"),
        ("99999999999999999999", "SK013 this number is out of range"),
        ("nan", "SK013 this number is out of range"),
        ("inf", "SK013 this number is out of range"),
        ("1e400", "SK013 this number is out of range"),
    ],
)
def test_values_of_another_type(value: str, text: str) -> None:
    """A value that does not fit its use is a mistake of the file, at the use."""
    found = refused(f'[parameters]\nx = {value}\n[segments.a]\nwhere = "age > :x"\n')
    assert found == f"s.toml:10 segment 'a'\n{text}\n    age > :x\n          ^^"


def test_syntax_alone() -> None:
    """Without a schema syntax, references and cycles can be checked."""
    text = 'language = 1\n[segments.a]\nwhere = "anything > 1 and in segment b"\n'
    with pytest.raises(CatalogError, match="unknown segment 'b'"):
        check_syntax(read_catalog(text))
    check_syntax(read_catalog(text + '[segments.b]\nwhere = "x"\n'))
    with pytest.raises(DefinitionError, match="SK001"):
        check_syntax(read_catalog(text + '[segments.b]\nwhere = "x ="\n'.replace('="', '= ="')))


def test_names_that_look_like_something_else() -> None:
    """Names of segments are any keys of TOML."""
    names = ["a b", "and", "é", "a.b", "", "a`b", 'q"t', "1"]
    text = "".join(f"[segments.{_key(n)}]\nwhere = 'age > {i}'\n" for i, n in enumerate(names))
    catalog = loads(text)
    assert list(catalog) == names
    for name in names:
        segment = catalog[name]
        again = Segment.define("x", f"in segment {_key(name)}", segment.schema, segments=catalog)
        assert again == segment
        assert Segment.define("y", again.definition, segment.schema, segments=catalog) == segment


def _key(name: str) -> str:
    return '"' + name.replace('"', '\\"') + '"'


# -- traits, lists, channels, partitions ------------------------------------------------------------

NAMES = """
[schema.channels]
letter = { address = "name", consent = "age >= 18" }

[parameters]
least = 10

[traits.half]
title = "Half an age"
owner = "growth"
value = "age / 2"

[traits]
quarter = "half / 2"
beyond = "age - :least"

[lists]
staff = { keys = [1, 2], description = "Ours" }

[segments.old]
where = "half > 20 and beyond > 5"

[segments.ours]
where = "in list staff and reachable by letter"

[partitions.all]
title = "Everyone"
parts = ["ours", "old"]
rest = "others"
"""


def test_all_that_a_catalog_names() -> None:
    """A catalog has traits, lists and partitions beside its segments; parameters are bound."""
    catalog = loads(NAMES)
    assert list(catalog) == ["old", "ours"]
    assert list(catalog.traits) == ["half", "quarter", "beyond"]
    assert (catalog.traits["half"].title, catalog.traits["half"].owner) == ("Half an age", "growth")
    assert catalog.traits["quarter"].of({"id": 1, "age": 8}) == 2
    assert catalog.traits["beyond"].of({"id": 1, "age": 8}) == -2
    assert catalog.lists["staff"].description == "Ours"
    people = catalog.partitions["all"]
    assert (people.title, people.labels) == ("Everyone", ("ours", "old", "others"))
    ages = [(1, 20), (1, 7), (3, 50), (3, 7)]
    found = [people.of({"id": n, "age": age, "name": "x"}) for n, age in ages]
    assert found == ["ours", "others", "old", "others"]


def test_bound_and_copied_with_all_names() -> None:
    """Values reach traits and partitions, and copies have everything."""
    catalog = loads(NAMES)
    other = catalog.bind(least=100)
    record = {"id": 3, "age": 50, "name": "x"}
    assert other.traits["beyond"].of(record) == -50
    assert other.partitions["all"].of(record) == "others"
    assert catalog.partitions["all"].of(record) == "old"
    for again in (pickle.loads(pickle.dumps(other)), copy.deepcopy(other)):  # noqa: S301
        assert again == other
        assert again.traits == other.traits
        assert again.partitions == other.partitions
        assert again.lists == other.lists


def test_lists_in_files(tmp_path: Path) -> None:
    """The file of a list is looked for beside the catalog."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "fair.csv").write_text("id\n3\n8\n", encoding="utf-8")
    text = HEAD + '[lists]\nfair = "in/fair.csv"\n[segments.s]\nwhere = "in list fair"\n'
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    catalog = Catalog.load(tmp_path / "s.toml")
    assert catalog.lists["fair"].keys == {3, 8}
    assert catalog["s"].matches({"id": 8})
    with pytest.raises(CatalogError, match="there is no folder to look for"):
        loads('[lists]\nfair = "in/fair.csv"\n')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[traits]\na = 3\n", "s.toml:8\nSK304 traits.a must be a table with 'value'"),
        ("[traits.a]\ntitle = 'x'\n", "s.toml:7\nSK304 traits.a.value must be the definition"),
        ("[traits.a]\nvalue = 'age'\nvalu = 'x'\n",
         "s.toml:9\nSK302 unknown key 'valu' in traits.a\n    hint: did you mean 'value'?"),
        ("[lists]\nb = [1]\na = 3\n",
         "s.toml:8\nSK304 lists.b must be a file, or a table with 'file' or 'keys'\n"
         "s.toml:9\nSK304 lists.a must be a file, or a table with 'file' or 'keys'"),
        ("[lists.a]\nkeys = 3\n", "s.toml:7\nSK304 lists.a.keys must be a list"),
        ("[lists.a]\nkeys = [1, 'x']\n",
         "s.toml:7 list 'a'\nSK304 lists.a must be keys: the keys of a list must be all integers "
         "or all texts, not both"),
        ("[lists.a]\nkeys = [[1]]\n",
         "s.toml:7 list 'a'\nSK304 lists.a must be keys: unhashable type: 'list'"),
        ("[partitions.a]\nrest = 'x'\n",
         "s.toml:7\nSK304 partitions.a.parts must be a list of names of segments"),
        ("[partitions.a]\nparts = ['s']\n",
         "s.toml:7\nSK304 partitions.a.rest must be the name of the rest"),
        ("[partitions.a]\nparts = ['sgement']\nrest = 'x'\n[segments.segment]\nwhere = 'true'\n",
         "s.toml:7 partition 'a'\nSK117 unknown segment 'sgement'\n    sgement > x\n    ^^^^^^^\n"
         "    hint: did you mean 'segment'?"),
        ("[partitions.a]\nparts = ['s', 's']\nrest = 'x'\n[segments.s]\nwhere = 'true'\n",
         "s.toml:7 partition 'a'\nSK147 two parts are called 's'\n    s > s > x\n        ^\n"
         "    hint: rename one of them"),
    ],
)  # fmt: skip
def test_forms_of_names(text: str, message: str) -> None:
    """What has the wrong form is told with its line."""
    assert refused(text) == message


def test_all_mistakes_of_names_at_once(tmp_path: Path) -> None:
    """One mistake makes one message, and those of traits, lists, segments, partitions come together."""
    (tmp_path / "fair.txt").write_text("1\nx\n", encoding="utf-8")
    text = """
[lists]
fair = "fair.txt"
[traits]
age = "1"
bad = "aeg + 1"
worse = "bad + 1"
[segments]
a = { where = "worse > 1 and in list fair and in list fiar" }
b = { where = "in segment a and reachable by letter" }
[partitions]
p = { parts = ["a", "b", "c"], rest = "a" }
"""
    with pytest.raises(CatalogError) as caught:
        Catalog.loads(HEAD + text, file="s.toml", folder=tmp_path)
    told = [(p.kind, p.name, p.line, p.diagnostic.code) for p in caught.value.problems]
    assert sorted(told) == [
        ("list", "fair", 2, "SK306"),
        ("partition", "p", 18, "SK117"),
        ("partition", "p", 18, "SK147"),
        ("segment", "a", 15, "SK143"),
        ("segment", "b", 16, "SK146"),
        ("trait", "age", 11, "SK141"),
        ("trait", "bad", 12, "SK101"),
    ]


def test_wrong_channel() -> None:
    """A channel that is declared wrongly is an error of the schema, used or not."""
    with pytest.raises(SchemaError, match="channel 'letter' is declared wrongly"):
        loads('[schema.channels]\nletter = { address = "nmae", consent = "age > 1" }\n')
    with pytest.raises(SchemaError, match=r"schema.channels.letter.consent is missing"):
        loads('[schema.channels]\nletter = { address = "name" }\n')


def test_names_without_a_schema() -> None:
    """Without a schema the syntax of traits, their circles, lists and parts are checked."""
    text = """
language = 1
[traits]
a = "b + 1"
b = "sum(x.a where a > 1) + other.c"
[lists]
here = "here.txt"
[segments.s]
where = "in list here and a > 1"
[partitions.p]
parts = ["s"]
rest = "others"
"""
    check_syntax(read_catalog(text))
    wrong = text.replace('parts = ["s"]', 'parts = ["t"]').replace("in list here", "in list her")
    with pytest.raises(CatalogError) as caught:
        check_syntax(read_catalog(wrong.replace("b + 1", "b +")))
    assert [p.diagnostic.code for p in caught.value.problems] == ["SK002", "SK143", "SK117"]
    circle = '[schema]\nentity = "x"\n' + text.replace("language = 1", "").replace("other.c", "x.a")
    with pytest.raises(CatalogError, match="SK142 trait 'a' refers to itself: a → b → a"):
        check_syntax(read_catalog("language = 1\n" + circle))


def test_a_name_in_brackets_is_no_trait() -> None:
    """Inside the brackets of an aggregate a bare name is the row's, so it closes no circle."""
    catalog = Catalog.loads("""
language = 1
[schema]
entity = "people"
relations.visits = "person"
[schema.tables.people]
key = "id"
attributes = { id = "integer" }
[schema.tables.visits]
attributes = { person = "integer", paid = "integer" }
[traits]
paid = "sum(visits.paid where paid > 1)"
""")
    assert catalog.traits["paid"].of({"id": 1, "visits": [{"person": 1, "paid": 1}] * 2}) == 0


# -- broken ones ----------------------------------------------------------------------------------

BROKEN = """
[traits]
years = "age + 0"
weight = "wieght"
[lists]
fair = "fair.csv"
[segments.adults]
where = "years >= :least"
[segments.tall]
where = "heihgt > 180"
[segments.tall_adults]
where = "in segment tall and in segment adults"
[segments.heavy]
where = "weight > 90"
[segments.guests]
where = "in list fair"
[segments.circle]
where = "in segment circle"
[segments.unread]
where = "age >"
[segments.minors]
where = "age < 18"
[partitions.ages]
parts = ["minors", "tall"]
rest = "others"
[partitions.grown]
parts = ["minors"]
rest = "others"
[parameters]
least = 18
"""


def test_broken_definitions_are_left_out_if_asked_to() -> None:
    """What is wrong, and what refers to it, is told of with its place; the rest can be asked."""
    refused(BROKEN)
    catalog = Catalog.loads(HEAD + BROKEN, file="s.toml", skip_broken=True)
    assert list(catalog) == ["adults", "minors"]
    assert (list(catalog.traits), list(catalog.lists)) == (["years"], [])
    assert list(catalog.partitions) == ["grown"]
    assert set(catalog.broken) == {
        *("tall", "tall_adults", "heavy", "guests", "circle", "unread"),
        *("trait weight", "list fair", "partition ages"),
    }
    line = 1 + (HEAD + BROKEN).splitlines().index('where = "heihgt > 180"')
    assert str(catalog.broken["tall"]).startswith(f"s.toml:{line} segment 'tall'\nSK101 unknown")
    assert "left out" in str(catalog.broken["tall_adults"])
    assert catalog.matches({"id": 1, "age": 20}) == ("adults",)
    for same in (catalog.bind(least=21), pickle.loads(pickle.dumps(catalog))):  # noqa: S301
        assert set(same.broken) == set(catalog.broken)
    assert pickle.loads(pickle.dumps(catalog)) == catalog  # noqa: S301


def test_broken_files_are_errors_all_the_same() -> None:
    """Only definitions can be left out: a file that is none, or has no schema, is an error."""
    for text, error in (
        ("language = 1\n[segments", CatalogError),
        ("language = 2", CatalogError),
        ("language = 1\n[segments.a]\nwhere = 'age > 1'", SchemaError),
    ):
        with pytest.raises(error):
            Catalog.loads(text, skip_broken=True)
    assert not loads("[segments.a]\nwhere = 'age > 1'").broken


def test_answers_tell_of_what_the_catalog_left_out(tmp_path: Path) -> None:
    """A source that is asked about the rest of a catalog tells of the broken ones, too."""
    people = pd.DataFrame({"id": [1, 2, 3], "age": [17, 20, None], "name": None, "seen": None})
    (tmp_path / "s.toml").write_text(HEAD + BROKEN + "[segments.named]\nwhere = 'name = :who'\n")
    catalog = Catalog.load(tmp_path / "s.toml", skip_broken=True)
    sizes = Source(people).sizes(catalog, skip_broken=True)
    assert dict(sizes) == {"adults": 1, "minors": 1}
    assert set(sizes.broken) == {*catalog.broken, "named"}
    with pytest.raises(DataError, match="named has no value for :who"):
        Source(people).sizes(catalog)
    assert set(Source(people).sizes(catalog.bind(who="x")).broken) == set(catalog.broken)


def test_a_database_beside_a_broken_file(tmp_path: Path) -> None:
    """So does a file whose schema the database completes."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table people (id integer primary key, age integer)")
    file = tmp_path / "s.toml"
    file.write_text(
        "language = 1\nschema.entity = 'people'\n"
        "[segments.tall]\nwhere = 'heihgt > 1'\n[segments.adults]\nwhere = 'age >= 18'\n"
    )
    with pytest.raises(CatalogError):
        load_catalog(file, engine)
    catalog, tables = load_catalog(file, engine, skip_broken=True)
    assert (list(catalog), list(catalog.broken), list(tables.tables)) == (
        ["adults"],
        ["tall"],
        ["people"],
    )
    engine.dispose()
