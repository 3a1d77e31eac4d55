"""The wording of every diagnostic, and that each is caused by something."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    Attribute,
    Catalog,
    CatalogError,
    Channel,
    DefinitionError,
    Diagnostic,
    Document,
    Entity,
    Function,
    KeyList,
    Limits,
    Link,
    Partition,
    Relation,
    Schema,
    Segment,
    Trait,
    UnsupportedError,
    decimal,
    expr,
)
from segmentkit._diagnostics.messages import CODES
from segmentkit.interchange import ConversionError, from_react_querybuilder, to_react_querybuilder

SHOP = Schema(
    [
        Entity(
            "customers",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("country", TEXT, True, ("UA", "PL", "US")),
                Attribute("name", TEXT, True),
                Attribute("age", INTEGER, True),
                Attribute("born", DATE, True),
                Attribute("seen", TIMESTAMP, True),
                Attribute("vip", BOOLEAN),
                Attribute("tags", TEXTS, True),
            ],
            documents=[Document("properties", {"plan": TEXT, "billing": {"city": TEXT}})],
            links=[Link("company", to="companies", key="company_id")],
            relations=[
                Relation("orders", key="customer_id", at="placed_at"),
                Relation("notes", key="customer_id"),
                Relation("stays", key="customer_id", at="day"),
            ],
        ),
        Entity(
            "orders",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("amount", decimal(2), True),
                Attribute("status", TEXT),
                Attribute("placed_at", TIMESTAMP),
            ],
            relations=[Relation("parcels", key="order_id", at="sent_at")],
        ),
        Entity("parcels", attributes=[Attribute("sent_at", TIMESTAMP)]),
        Entity("stays", attributes=[Attribute("day", DATE), Attribute("nights", INTEGER, max=90)]),
        Entity("notes", attributes=[Attribute("text", TEXT)]),
        Entity("companies", key="id", attributes=[Attribute("industry", TEXT)]),
    ],
    channels=[Channel("email", address="name", consent="vip")],
)
LISTS = [KeyList("june_fair", [1, 2]), KeyList("badges", ["a1"])]
MESSAGES: list[dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("messages.toml").read_text(encoding="utf-8")
)["message"]


def _diagnostics(definition: str) -> tuple[Diagnostic, ...]:
    try:
        return Segment.define("s", definition, SHOP, lists=LISTS).warnings
    except DefinitionError as error:
        return error.diagnostics


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m["code"])
def test_definition(message: dict[str, str]) -> None:
    """A mistake in a definition is told in these words, with this place and hint."""
    found = [d for d in _diagnostics(message["where"]) if d.code == message["code"]]
    assert found[0].render(message["where"]) + "\n" == message["text"]


def _refused(definition: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", definition, SHOP)
    return str(caught.value)


def test_conversions() -> None:
    """SK501 and SK502 point into what is converted by JSON pointers; SK503 into the definition."""
    rules = [
        {"field": "age", "operator": "=", "value": "x"},
        {"field": "name", "operator": "contains", "value": "country", "valueSource": "field"},
    ]
    with pytest.raises(ConversionError) as caught:
        from_react_querybuilder({"combinator": "and", "rules": rules}, SHOP)
    assert str(caught.value) == (
        "SK501 'x' is no number\n    /rules/0/value\n    ^^^^^^^^^^^^^^\n"
        "SK502 no definition can say a test of one text by another field\n"
        "    /rules/1/value\n    ^^^^^^^^^^^^^^\n    hint: write the text itself"
    )
    with pytest.raises(DefinitionError) as refused:
        to_react_querybuilder(Segment.define("s", "vip and seen < now", SHOP))
    assert str(refused.value) == (
        "SK503 no rule can say 'now'\n    vip and seen < now\n                   ^^^"
    )


def test_too_long() -> None:
    """SK006 shows the beginning of what is too long."""
    assert _refused("x" * 100_001).splitlines()[0] == (
        "SK006 the definition has 100,001 characters; at most 100,000 are allowed"
    )


def test_too_deep() -> None:
    """SK007 points at what is too deep."""
    text = _refused("not " * 60 + "vip")
    assert text.splitlines()[0] == "SK007 the definition is nested too deeply"
    assert text.splitlines()[-1] == "    hint: put fewer conditions and values inside one another"


def _bound(**values: Any) -> str:
    segment = Segment.define("s", "age > :least", SHOP)
    with pytest.raises(DefinitionError) as caught:
        segment.bind(**values)
    return str(caught.value)


def test_unknown_parameter() -> None:
    """SK119 names the parameter that was meant."""
    assert _bound(lest=1) == (
        "SK119 unknown parameter ':lest'\n    age > :least\n    ^\n    hint: did you mean 'least'?"
    )


def test_parameter_of_another_type() -> None:
    """SK121 shows the value and where it would go."""
    assert _bound(least="18") == (
        "SK121 ':least' takes a number; '18' is a text\n    age > :least\n          ^^^^^^"
    )


def test_list_for_one_value() -> None:
    """SK121 says how a parameter stands for a list."""
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", "name in (:some)", SHOP).bind(some=["a"])
    assert str(caught.value) == (
        "SK121 ':some' takes a text; ['a'] is a list\n    name in (:some)\n             ^^^^^\n"
        "    hint: for a list, write 'in :some', without brackets"
    )


def test_list_of_lengths() -> None:
    """SK125 says how lengths of time are listed."""
    assert _refused("now - seen in :some").splitlines()[-1] == (
        "    hint: join tests of one each with 'or': … = :first days or … = :second days"
    )
    said = "now - seen = :first days or now - seen = :second days"
    assert list(Segment.define("s", said, SHOP).parameters) == ["first", "second"]


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ("seen in last :n days", "a whole number of days from 1, and 200 is not one"),
        ("at least :n of (vip, age > 3)", "a whole number of conditions from 1 to 2, and 200 is not one"),
        ("top :n% by age", "a percentage from 0 to 100 with at most 6 digits after the point, and 200 is not one"),
    ],
)  # fmt: skip
def test_parameter_out_of_bounds(definition: str, told: str) -> None:
    """SK159 names the parameter, and says what it counts and its bounds."""
    value = 0 if "days" in told else 200
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", definition, SHOP).bind(n=value)
    place = definition.index(":n")
    assert str(caught.value) == (
        f"SK159 ':n' takes {told.replace('200', str(value))}\n    {definition}\n    {' ' * place}^^"
    )


def test_no_key_to_sample_by() -> None:
    """SK156 names the key that must be declared."""
    schema = Schema([Entity("people", key="id", attributes=[Attribute("age", INTEGER)])])
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", 'sample(10%, "spring")', schema)
    assert str(caught.value) == (
        "SK156 the schema has no key of people to draw a sample by\n"
        '    sample(10%, "spring")\n'
        "    ^^^^^^^^^^^^^^^^^^^^^\n"
        "    hint: declare 'id' as an attribute, an integer or a text"
    )


def test_a_record_among_others() -> None:
    """SK401 shows what one record cannot answer, wherever it stands."""
    rank = Segment.define("rank", "vip and not (top 10% by age)", SHOP)
    through = Segment.define("through", "not in segment rank", SHOP, segments=[rank])
    for segment in (rank, through, rank & through):
        with pytest.raises(UnsupportedError) as caught:
            segment.matches({"id": 1, "vip": True, "age": 3})
        assert "SK401 one record cannot be compared with all the others" in str(caught.value)
        assert "^^^^^^^^^^^^^^" in str(caught.value)
        assert "hint: use a database" in str(caught.value)


def test_a_function_without_a_lowering() -> None:
    """SK170 shows where a definition calls what a target cannot compute."""
    half = Function("half", ["number"], FLOAT, "One half.", sql=lambda x: x / 2)
    segment = Segment.define("s", "vip and half(age) > 9", SHOP.extended([half]))
    with pytest.raises(UnsupportedError) as caught:
        segment.matches({"id": 1, "vip": True, "age": 3})
    assert str(caught.value) == (
        "SK170 half() has no lowering for record\n"
        "    vip and half(age) > 9\n"
        "            ^^^^\n"
        "    hint: give it one: Function('half', …, record=…)"
    )


HEAD = """\
language = 1
[schema]
entity = "people"
[schema.tables.people]
key = "id"
attributes = { id = "integer", age = "integer?" }
"""


def _catalog(text: str) -> str:
    with pytest.raises(CatalogError) as caught:
        Catalog.loads(text, file="s.toml")
    return str(caught.value)


def test_cycle() -> None:
    """SK118 shows the way round."""
    text = _catalog(
        HEAD + '[segments.a]\nwhere = "in segment b"\n[segments.b]\nwhere = "in segment a"\n'
    )
    assert text == (
        "s.toml:8 segment 'a'\n"
        "SK118 segment 'a' refers to itself: a → b → a\n"
        "    in segment b\n"
        "               ^"
    )


def test_expansion() -> None:
    """SK127 refuses references that double at each step."""
    steps = [
        f'[segments.s{n}]\nwhere = "(in segment s{n - 1} and age > {n}) '
        f'or (age < {n} and not in segment s{n - 1})"\n'
        for n in range(1, 30)
    ]
    text = _catalog(HEAD + '[segments.s0]\nwhere = "age > 0"\n' + "".join(steps))
    assert re.search(r"SK127 the definition expands to more than [\d,]+ parts", text)


def test_no_toml() -> None:
    """SK301 hands on what the TOML reader says, and shows the place."""
    assert _catalog("language = \n") == (
        "s.toml:1\nSK301 Invalid value\n    language = \n               ^"
    )
    assert _catalog("language = 1\n\nx = [\n\n") == (
        "s.toml:3\nSK301 Invalid value\n    x = [\n         ^"
    )
    assert _catalog("language = “1”") == (
        "s.toml:1\nSK301 Invalid value\n    language = “1”\n               ^\n"
        '    hint: use straight quotes: "'
    )


def test_unknown_key() -> None:
    """SK302 names the key that was meant."""
    assert _catalog(HEAD + '[segments.a]\nwere = "age > 1"\nwhere = "age > 1"\n') == (
        "s.toml:8\nSK302 unknown key 'were' in segments.a\n    hint: did you mean 'where'?"
    )


def test_language_version() -> None:
    """SK303 says which version is read."""
    assert _catalog("language = 2\n") == (
        "s.toml:1\n"
        "SK303 this file names version 2 of the language; this release reads version 1\n"
        "    hint: language = 1"
    )


def test_wrong_form() -> None:
    """SK304 says what a value must be."""
    assert _catalog(HEAD + "[segments.a]\nwhere = 3\n") == (
        "s.toml:7\nSK304 segments.a.where must be text"
    )


def _trait(name: str, value: str, *others: Trait) -> str:
    with pytest.raises(DefinitionError) as caught:
        Trait.define(name, value, SHOP, traits=others)
    return str(caught.value)


def test_trait_of_a_condition() -> None:
    """SK140 tells a value from a condition, and from a day that only windows understand."""
    assert _trait("adult", "age >= 18") == (
        "SK140 a trait is a value, and this is a condition\n"
        "    age >= 18\n"
        "    ^^^^^^^^^\n"
        "    hint: name the condition as a segment"
    )
    assert _trait("birthday", "anniversary(born)").splitlines()[0] == (
        "SK140 a trait is a value, and this is a day of the year"
    )


def test_trait_with_a_name_that_cannot_be_written() -> None:
    """SK148 shows the name that no definition could hold."""
    for name in ("a\nb", "", "\ud800"):
        assert (
            _trait(name, "age").splitlines()[0]
            == f"SK148 no definition can write the name {name!r}"
        )


def test_trait_with_a_taken_name() -> None:
    """SK141 says what has the name already, and the other mistakes are told beside it."""
    assert _trait("orders", "cuont(orders)") == (
        "SK141 trait 'orders' has the name of a relation of customers\n"
        "    cuont(orders)\n"
        "    ^\n"
        "    hint: give the trait another name\n"
        "SK103 unknown function 'cuont'\n"
        "    cuont(orders)\n"
        "    ^^^^^\n"
        "    hint: did you mean 'count'?"
    )


def test_cycle_of_traits() -> None:
    """SK142 shows the way round, once; what rests on the circle is not told."""
    text = _catalog(
        HEAD
        + '[traits]\na = "b + 1"\nb = "people.c / 2"\nc = "a"\nd = "a"\n'
        + '[segments.s]\nwhere = "d > 1"\n'
    )
    assert text == (
        "s.toml:8 trait 'a'\nSK142 trait 'a' refers to itself: a → b → c → a\n    b + 1\n    ^"
    )


def test_list_without_a_key() -> None:
    """SK145 says which column to declare."""
    schema = Schema([Entity("people", key="no", attributes=[Attribute("age", INTEGER)])])
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", "in list june_fair", schema, lists=LISTS)
    assert str(caught.value) == (
        "SK145 the key of 'people' is not declared as an attribute\n"
        "    in list june_fair\n"
        "    ^^^^^^^^^^^^^^^^^\n"
        "    hint: declare the column 'no' as an attribute of 'people'"
    )


def test_parts_of_one_name() -> None:
    """SK147 points at the second of two parts with one name, in the order of the partition."""
    parts = [Segment.define(name, "vip", SHOP) for name in ("vip", "new", "vip")]
    with pytest.raises(DefinitionError) as caught:
        Partition.define("value", parts, rest="others")
    assert str(caught.value) == (
        "SK147 two parts are called 'vip'\n"
        "    vip > new > vip > others\n"
        "                ^^^\n"
        "    hint: rename one of them"
    )


def test_list_file_that_is_not_there() -> None:
    """SK305 says which file cannot be read, and where the list is declared."""
    text = HEAD + '[lists]\nfair = "june.csv"\n'
    with pytest.raises(CatalogError) as caught:
        Catalog.loads(text, file="s.toml", folder="nowhere")
    assert str(caught.value) == (
        "s.toml:8 list 'fair'\nSK305 cannot read 'june.csv': No such file or directory"
    )


def test_bad_line_of_a_list(tmp_path: Path) -> None:
    """SK306 gives the file and the line, and what a key must be."""
    file = tmp_path / "fair.txt"
    file.write_text("7\n\n8\nA9\n", encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        KeyList.load(file, SHOP)
    assert (
        str(caught.value) == f"{file}:4\nSK306 this line is not a key: customers.id is an integer"
    )


def test_a_catalog_that_is_too_large() -> None:
    """SK307 names the limit, and how to raise it."""
    with pytest.raises(CatalogError) as caught:
        Catalog.loads(HEAD, file="s.toml", limits=Limits(bytes=9))
    assert str(caught.value) == (
        "s.toml\nSK307 more than 9 bytes in the catalog's file\n"
        "    hint: if you trust it, load it with limits=segmentkit.Limits(bytes=…)"
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("{", "SK020 expecting property name enclosed in double quotes (line 1, column 2)"),
        (
            {"language": 1, "where": {"not in": [{"name": "age"}, 3]}},
            "SK021 a number is not expected here, but a list\n    at /where/not in/1",
        ),
        (
            {"language": 1, "where": {"nott": True}},
            "SK022 unknown key 'nott'\n    at /where\n    hint: did you mean 'not'?",
        ),
        (
            {"language": 1, "where": {"in window": [{"name": "seen"}, {"last": 3}]}},
            "SK023 'unit' is missing\n    at /where/in window/1",
        ),
        (
            '{"language": 1, "where": {"not": true, "not": false}}',
            "SK024 the key 'not' is there twice\n    at /where\n    hint: remove one of them",
        ),
        (
            {"language": 1, "where": {">": [{"name": "age"}, 0.5]}},
            "SK025 not every reader of JSON keeps this number\n"
            "    at /where/>/1\n"
            '    hint: write {"decimal": "0.5"}',
        ),
        (
            {"language": 1, "where": {"name": "a\nb"}},
            "SK026 no definition can write the name 'a\\nb'\n    at /where/name",
        ),
        (
            {"language": 1, "where": {">": [{"name": "aeg"}, 3]}},
            "SK101 unknown attribute 'aeg'\n"
            "    aeg > 3\n"
            "    ^^^\n"
            "    at /where/>/0\n"
            "    hint: did you mean 'age'?",
        ),
    ],
)
def test_json(data: Any, text: str) -> None:
    """A mistake in JSON is told with its place there."""
    with pytest.raises(DefinitionError) as caught:
        Segment.from_json(data, SHOP)
    assert str(caught.value) == text


def test_tree() -> None:
    """SK027 says what a tree that no text gives would be read as."""
    vip = expr.Name(("vip",))
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", expr.And((vip, expr.And((vip, vip)))), SHOP)
    assert str(caught.value) == (
        "SK027 no text gives And; its text reads as Name\n"
        "    hint: expr.parse(text) shows the tree of a text"
    )


def test_every_code_is_pinned() -> None:
    """No code of the table goes without a test here."""
    tested = {m["code"] for m in MESSAGES}
    source = Path(__file__).read_text(encoding="utf-8")
    tested |= set(re.findall(r"SK\d{3}", source))
    assert set(CODES) <= tested
