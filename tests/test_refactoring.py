"""What definitions use, and what another name for it changes: nothing but that name."""

from __future__ import annotations

import pickle
import random
import sqlite3
import tomllib
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from segmentkit import (
    INTEGER,
    Attribute,
    Catalog,
    CatalogError,
    Entity,
    Function,
    KeyList,
    Partition,
    Schema,
    SchemaError,
    Segment,
    Trait,
    UsageError,
)
from segmentkit._language import syntax as t
from segmentkit.dtypes import FLOAT
from tests.answers import answer, expected
from tests.commands import Run
from tests.conformance_cases import Case, cases
from tests.targets import TARGETS

RECORD = next(target for target in TARGETS if target.name == "record")
ANSWERED = [
    case
    for case in cases()
    if case.members is not None and "record" not in case.unsupported and not case.schema.functions
]
DEMO = files("segmentkit.demo").joinpath("segments.toml").read_text(encoding="utf-8")


def _id(case: Case) -> str:
    return f"{case.file}: {case.name}"


def plain(name: str) -> str:
    """A name without the quotes in which a definition writes it."""
    if name[0] in "`\"'":
        return name[1:-1].replace("``", "`")
    return name.removeprefix(":")


# -- uses ------------------------------------------------------------------------------------------


def test_every_name_of_every_case_has_a_meaning() -> None:
    """What is written is found, and where a use is, its name is written."""
    for case in ANSWERED:
        segment = case.define()
        uses = segment.uses()
        for use in uses:
            written = segment.source[use.span.start : use.span.end]
            if not use.implied:
                assert use.name.endswith(plain(written)), (case.where, use)
        for node in t.every(segment._tree):
            if isinstance(node, t.Name):
                within = [u for u in uses if node.span.start <= u.span.start < node.span.end]
                assert [u for u in within if not u.implied], (case.where, node)


SHOP = """\
language = 1

[schema]
entity = "customers"
events.orders = { key = "customer_id", at = "placed_at" }

[schema.tables.customers]
key = "id"
links.company = "company_id"
places.home = { latitude = "north", longitude = "east" }
documents.profile = { plan = "text", billing = { seats = "integer" } }
[schema.tables.customers.attributes]
id = "integer"  # the key
country = "text?"
email = "text?"
north = "float?"
east = "float?"
company_id = "integer?"

[schema.tables.company]
key = "id"
attributes = { id = "integer", "full name" = "text?" }

[schema.tables.orders]
relations = { tags = { key = "order_id", value = "tag" } }
attributes = { customer_id = "integer", id = "integer", placed_at = "timestamp", amount = "decimal(2)" }
key = "id"

[schema.tables.tags]
attributes = { order_id = "integer", tag = "text" }

[schema.channels]
email = { address = "email", consent = 'country != "DK"  # not there' }

[parameters]
least = 2

[lists]
fair = { keys = [1, 2] }

[traits]
spent = "sum(orders.amount)"

[segments.danes]
# country here is a comment
where = '''
country = "DK"  # country, again
and customers . company.`full name` is present
'''

[segments]
loyal.where = "count(orders where amount > 1 and customers.country = \\"DK\\") >= :least"
far = { where = 'distance(home, point(1, 2)) > 5 km and profile.billing.seats > 1' }

[segments."in short"]
where = "spent > 5 and in segment loyal and in list fair and reachable by email"

[segments.tagged]
where = 'any(orders where tags contains "x") and any(orders preceded by orders where amount > 1)'

[partitions.all]
parts = ["danes", "loyal"]
rest = "others"
"""


def shop() -> Catalog:
    """A catalog that uses everything, in many ways of writing."""
    return Catalog.loads(SHOP)


@pytest.mark.parametrize(
    ("segment", "uses"),
    [
        ("danes", "customers.country, customers.company, company.full name"),
        (
            "loyal",
            "customers.orders, ~orders.placed_at, orders.amount, customers.country, least",
        ),
        (
            "far",
            "customers.home, ~customers.north, ~customers.east, customers.profile.billing.seats",
        ),
        (
            "in short",
            "spent, loyal, ~customers.id, fair, ~customers.email, ~customers.country, email",
        ),
        (
            "tagged",
            "customers.orders, ~orders.placed_at, orders.tags, ~tags.tag, "
            "customers.orders, ~orders.placed_at, customers.orders, ~orders.placed_at, "
            "orders.amount",
        ),
    ],
)
def test_uses(segment: str, uses: str) -> None:
    """Each use is told by its name, and what is read without being named as well."""
    found = [f"{'~' * use.implied}{use.name}" for use in shop().unbound(segment).uses()]
    assert sorted(found) == sorted(uses.split(", "))


def test_uses_of_a_trait() -> None:
    """A value has uses, too."""
    assert [str(use) for use in shop().traits["spent"].uses()] == [
        "relation customers.orders",
        "attribute orders.placed_at",
        "attribute orders.amount",
    ]


def test_functions_of_the_schema() -> None:
    """A function that the schema adds is a use."""
    half = Function("half", ["float"], FLOAT, "One half of it.", record=lambda x: x / 2)
    people = Schema([Entity("people", key="id", attributes=[Attribute("size", FLOAT)])])
    small = Segment.define("small", "half(size) < 1", people.extended([half]))
    assert [str(use) for use in small.uses()] == ["function half", "attribute people.size"]


def test_users() -> None:
    """Who uses something through others is a user, by these references."""
    found = shop().users_of("orders.amount")
    assert {user: [str(use) for use in uses] for user, uses in found.items()} == {
        "loyal": ["attribute orders.amount"],
        "in short": ["trait spent", "segment loyal"],
        "tagged": ["attribute orders.amount"],
        "trait spent": ["attribute orders.amount"],
        "partition all": ["segment loyal"],
    }
    assert list(shop().users_of("list fair")) == ["in short"]
    assert list(shop().users_of("parameter least")) == ["loyal", "in short", "partition all"]
    assert list(shop().users_of("channel email")) == ["in short"]
    assert shop().users_of("company.id") == {}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("customers.contry", "did you mean 'customers.country'"),
        ("country", "did you mean 'customers.country'|name one as in"),
        ("segment danish", "did you mean 'segment danes'"),
        ("", "name one as in"),
    ],
)
def test_users_of_nothing(name: str, hint: str) -> None:
    """What is not there is refused, with what is meant."""
    with pytest.raises(UsageError, match=hint):
        shop().users_of(name)


# -- renaming --------------------------------------------------------------------------------------


def changed_lines(before: str, after: str) -> list[str]:
    """The lines that are other than before."""
    pairs = zip(before.split("\n"), after.split("\n"), strict=True)
    return [new for old, new in pairs if old != new]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (
            "customers.country",
            "land",
            [
                'land = "text?"',
                'email = { address = "email", consent = \'land != "DK"  # not there\' }',
                'land = "DK"  # country, again',
                'loyal.where = "count(orders where amount > 1 and customers.land = \\"DK\\") '
                '>= :least"',
            ],
        ),
        (
            "company.full name",
            'the "name"',
            [
                'attributes = { id = "integer", "the \\"name\\"" = "text?" }',
                'and customers . company.`the "name"` is present',
            ],
        ),
        ("customers.profile.billing.seats", "chairs", None),
        ("customers.home", "at home", None),
        ("customers.north", "latitude", None),
        ("customers.company", "firm", None),
        ("customers.company_id", "firm_id", ['links.company = "firm_id"', 'firm_id = "integer?"']),
        ("customers.orders", "purchases", None),
        ("orders.placed_at", "at", None),
        ("orders.customer_id", "buyer", None),
        ("orders.id", "number", None),
        ("orders.tags", "labels", None),
        ("tags.tag", "label", None),
        ("segment loyal", "true friends", None),
        ("trait spent", "was spent", None),
        ("list fair", "june fair", None),
        ("parameter least", "most", None),
    ],
)
def test_renaming_in_a_file(old: str, new: str, lines: list[str] | None) -> None:
    """Only names change; everything checks again, and the way back leads to the same text."""
    before = shop()
    after = before.rename(old, new)
    changed = changed_lines(before.dumps(), after.dumps())
    assert changed
    if lines is not None:
        assert changed == lines
    kind, _, name = old.rpartition(" " if old.partition(" ")[0] in KINDS else ".")
    there = f"{kind}{' ' if kind in KINDS else '.'}{new}"
    assert len(after.users_of(there)) == len(before.users_of(old))
    again = after.rename(there, name)
    assert again == before
    if old not in ("customers.orders", "customers.company", "orders.tags"):  # these tell more now
        assert again.dumps() == before.dumps()


KINDS = ("segment", "trait", "list", "parameter")


@pytest.mark.parametrize("form", ["crlf", "mark", "escapes"])
def test_renaming_in_files_as_editors_write_them(form: str) -> None:
    """Line ends, the mark of Windows and escapes stay as they are."""
    text = {
        "crlf": SHOP.replace("\n", "\r\n"),
        "mark": "\ufeff" + SHOP,
        "escapes": SHOP.replace("where = '''\ncountry", 'where = """\n\\\n  countr\\u0079').replace(
            "is present\n'''", 'is present\\\n  \n"""'
        ),
    }[form]
    after = Catalog.loads(text).rename("customers.country", "land").dumps()
    assert Catalog.loads(after) == shop().rename("customers.country", "land")
    expected = [line.rstrip("\r") for line in after.split("\n")]
    assert len(expected) == len(text.split("\n"))
    assert after.count("\r") == text.count("\r")
    assert after.startswith("\ufeff") == (form == "mark")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("customers.country", "email", "there is 'customers.email' already"),
        ("segment loyal", "far", "there is 'segment far' already"),
        ("customers.country", "", "can write"),
        ("customers.country", "a\nb", "can write"),
        ("parameter least", "a b", "can write"),
        ("customers.country", "company", "already"),
        ("channel email", "mail", "where the schema is made"),
        ("customers.nothing", "land", "no 'customers.nothing'"),
        ("trait spent", "country", "."),
    ],
)
def test_renaming_refused(old: str, new: str, why: str) -> None:
    """What is not there, cannot be written or is taken is refused."""
    with pytest.raises((UsageError, SchemaError, CatalogError), match=why):
        shop().rename(old, new)


def test_a_name_that_changes_what_is_meant_is_refused() -> None:
    """An attribute called like the entity would be read in place of the entity."""
    people = Schema(
        [Entity("people", key="id", attributes=[Attribute("id", INTEGER), Attribute("n", INTEGER)])]
    )
    catalog = Catalog({"a": Segment.define("a", "people.id > 1 and n > 2", people)})
    with pytest.raises((UsageError, CatalogError)):
        catalog.rename("people.n", "people")


def test_a_broken_catalog_is_not_renamed() -> None:
    """What was left out could not be renamed."""
    text = SHOP + '[segments.wrong]\nwhere = "contry = 1"\n'
    with pytest.raises(UsageError, match="mend them"):
        Catalog.loads(text, skip_broken=True).rename("customers.country", "land")


def renamed(case: Case, draw: random.Random) -> Case | None:
    """A case that asks the same with another name for one attribute; None if it uses none."""
    segment = case.define()
    uses = [u for u in segment.uses() if u.kind == "attribute" and not u.implied]
    uses = [u for u in uses if u.name in Catalog({"case": segment})._contents().named()]
    if not uses:
        return None
    names = case.names
    catalog = Catalog(
        {
            **names.segments,
            "the case": Segment.define(
                "the case",
                case.where or "",
                case.schema,
                segments=names.segments,
                traits=names.traits,
                lists=names.lists,
            ),
        },
        traits=names.traits,
        lists=names.lists,
    )
    old = draw.choice(uses).name
    kind, entity, member = catalog._contents().named()[old]
    if kind == "value":
        return None
    new = draw.choice(["x new", "zz", "`", "in", "any"])
    if f"{entity}.{new}" in catalog._contents().named():
        return None
    after = catalog.rename(old, new)
    table = case.schema.named(str(entity)).table
    column = case.schema.named(str(entity)).attribute(member)
    assert column is not None
    moved = {column.name: new} if column.column == column.name else {}
    rows = {
        name: [{moved.get(k, k): v for k, v in row.items()} for row in rows]
        if name == table
        else rows
        for name, rows in case.rows.items()
    }
    definition = after.unbound("the case")
    found = evolve(
        names,
        segments={n: after.unbound(n) for n in names.segments},
        traits=dict(after._traits),
    )
    return evolve(case, where=definition.source, schema=after.schema, rows=rows, names=found)


def test_a_name_changes_no_members() -> None:
    """Every case has the same members when an attribute, and its column, have another name."""
    draw = random.Random(1)
    asked = 0
    for case in draw.sample(ANSWERED, 400):
        other = renamed(case, draw)
        if other is not None:
            asked += 1
            assert answer(RECORD, other) == expected(case), (case.where, other.where)
    assert asked > 200


# -- as a text -------------------------------------------------------------------------------------


def test_a_file_stays_as_it_is() -> None:
    """What was read is what is written, pickled or not."""
    for text in (SHOP, DEMO):
        catalog = Catalog.loads(text)
        assert catalog.dumps() == text
        assert pickle.loads(pickle.dumps(catalog)).dumps() == text  # noqa: S301 - its own
        assert catalog.schema == Catalog.loads(catalog.dumps()).schema


def of_python(catalog: Catalog) -> Catalog:
    """The same catalog, made of its parts."""
    parts: dict[str, Any] = {"traits": catalog._traits, "lists": catalog.lists}
    partitions = catalog._partitions
    return Catalog(catalog._defined, catalog.parameters, partitions=partitions, **parts)


@pytest.mark.parametrize("text", [SHOP, DEMO])
def test_a_catalog_of_python_is_written_as_a_file(text: str) -> None:
    """Read again, it is the same."""
    catalog = of_python(Catalog.loads(text))
    assert Catalog.loads(catalog.dumps()) == catalog
    about = tomllib.loads(catalog.dumps())["segments"]
    assert {n: s.get("title") for n, s in about.items()} == {
        name: segment.title for name, segment in catalog.items()
    }


def test_a_bound_catalog_is_written_with_its_values() -> None:
    """The file says what it was before, and the new text says the value."""
    bound = shop().bind(least=7)
    assert tomllib.loads(bound.dumps())["parameters"] == {"least": 7}
    assert Catalog.loads(bound.dumps()) == bound


def test_a_schema_that_no_file_can_say() -> None:
    """Functions are code: the text has no [schema], and takes one."""
    half = Function("half", ["float"], FLOAT, "One half of it.", record=lambda x: x / 2)
    people = Schema([Entity("people", key="id", attributes=[Attribute("size", FLOAT)])])
    schema = people.extended([half])
    catalog = Catalog({"small": Segment.define("small", "half(size) < 1", schema)})
    assert "schema" not in tomllib.loads(catalog.dumps())
    assert Catalog.loads(catalog.dumps(), schema) == catalog


@pytest.mark.parametrize("what", ["segment", "trait", "list", "part"])
def test_a_catalog_that_refers_to_others_is_not_written(what: str) -> None:
    """What the catalog does not have, no file could refer to."""
    schema = shop().schema
    other = Segment.define("other", "country is missing", schema)
    where = {"segment": "in segment other", "trait": "spent > 1", "list": "in list fair"}
    segment = Segment.define(
        "a",
        where.get(what, "id > 1"),
        schema,
        segments=[other],
        traits=[Trait.define("spent", "id", schema)],
        lists=[KeyList("fair", [1])],
    )
    parts = {"p": Partition.define("p", [other], rest="r")} if what == "part" else {}
    with pytest.raises(UsageError, match="which the catalog does not have"):
        Catalog({"a": segment}, partitions=parts).dumps()


def test_an_empty_catalog() -> None:
    """It has a text, and no schema."""
    assert Catalog.loads(Catalog({}).dumps(), shop().schema) == Catalog({})
    with pytest.raises(SchemaError):
        Catalog({}).schema  # noqa: B018 - asking is what fails


# -- from the command line -------------------------------------------------------------------------


def test_uses_command(run: Run) -> None:
    """Each use has its file, its line and whose it is."""
    Path("shop.toml").write_text(SHOP, encoding="utf-8")
    lines = SHOP.split("\n")
    done = run("uses", "orders.amount", "shop.toml")
    assert done.code == 0
    told = [line for line in done.out.splitlines() if "attribute" in line]
    for line in told:
        number = int(line.split()[0].partition(":")[2])
        assert "amount" in lines[number - 1], line
    assert "partition 'all' segment loyal" in done.out
    assert run("uses", "orders.amont", "shop.toml").code == 1
    assert "orders.amount" in run("uses", "orders.amont", "shop.toml").err


def test_rename_command(run: Run) -> None:
    """The file is as `Catalog.rename` makes it, and --diff writes nothing."""
    Path("shop.toml").write_text(SHOP, encoding="utf-8")
    done = run("refactor", "rename", "customers.country", "land", "shop.toml", "--diff")
    assert done.code == 0
    assert '+land = "text?"' in done.out
    assert Path("shop.toml").read_text(encoding="utf-8") == SHOP
    done = run("refactor", "rename", "customers.country", "land", "shop.toml")
    assert done.code == 0
    assert "used by danes, loyal, in short, partition all" in done.out
    after = shop().rename("customers.country", "land").dumps()
    assert Path("shop.toml").read_text(encoding="utf-8") == after
    assert run("check", "shop.toml").code == 0
    assert run("refactor", "rename", "customers.country", "land", "shop.toml").code == 1


def test_a_column_renamed_by_a_migration(run: Run) -> None:
    """A database that has the new name already: the definitions that it broke are mended."""
    text = """language = 1
[schema]
entity = "people"
[segments.danes]
where = 'country = "DK"  # of Denmark'
[segments.others]
where = 'not in segment danes'
"""
    Path("people.toml").write_text(text, encoding="utf-8")
    with closing(sqlite3.connect("people.sqlite")) as connection:
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, country TEXT)")
        connection.execute("INSERT INTO people VALUES (1, 'DK'), (2, NULL)")
        connection.execute("ALTER TABLE people RENAME COLUMN country TO land")
        connection.commit()
    url = ("--url", "sqlite:///people.sqlite")
    assert run("check", "people.toml", *url).code == 1
    done = run("refactor", "rename", "people.country", "land", "people.toml", *url)
    assert (done.code, done.err) == (0, "")
    after = Path("people.toml").read_text(encoding="utf-8")
    assert after == text.replace("country =", "land =")
    assert run("check", "people.toml", *url).code == 0
    assert run("members", "people.toml", "others", *url).out.split() == ["id", "2"]


def test_a_schema_that_is_not_there(run: Run) -> None:
    """Without a database, the file must say what its tables have."""
    Path("people.toml").write_text('language = 1\n[schema]\nentity = "people"\n', encoding="utf-8")
    done = run("uses", "people.id", "people.toml")
    assert done.code == 2
    assert "--url" in done.err
