"""What strangers write does no harm: catalogs, key lists, documents, and names in spreadsheets."""

from __future__ import annotations

import csv
import io
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

import segmentkit as sk
from segmentkit.sqlalchemy import load_catalog
from tests.commands import Run

HEAD = """\
language = 1
[schema]
entity = "people"
[schema.tables.people]
key = "id"
attributes = { id = "integer", age = "integer?", name = "text?" }
"""
SECRET = "hunter2"
PEOPLE = sk.Catalog.loads(HEAD + '[segments.s]\nwhere = "true"\n')["s"].schema


def refused(text: str, folder: Path | None = None, **options: sk.Limits) -> str:
    """What is said of a catalog; nothing that stands in another file is in it."""
    with pytest.raises(sk.CatalogError) as caught:
        sk.Catalog.loads(HEAD + text, file="s.toml", folder=folder, **options)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def of_list(name: str) -> str:
    return f"[lists]\nx = '{name}'\n[segments.s]\nwhere = 'in list x'\n"


# -- files ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalog's folder, with a secret beside it and links that lead there."""
    (tmp_path / "secret.env").write_text(SECRET)
    made = tmp_path / "catalogs"
    (made / "in").mkdir(parents=True)
    (made / "in" / "fair.txt").write_text("1\n2\n")
    (made / "link.txt").symlink_to(tmp_path / "secret.env")
    (made / "up").symlink_to(tmp_path)
    (made / "fair.txt").symlink_to(made / "in" / "fair.txt")
    (made / "device").symlink_to("/dev/zero")
    (made / "round").symlink_to(made / "round")
    os.mkfifo(made / "pipe")
    return made


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../secret.env", "link.txt", "up/secret.env", "in/../../secret.env", "device",
     "/dev/zero", "/proc/self/environ", "../nothing.txt", "in/../../catalogs2/x", ".."],
)  # fmt: skip
def test_a_list_is_no_file_elsewhere(folder: Path, name: str) -> None:
    """Neither a path nor a link leads out of the folder, and nobody learns what is there."""
    said = f"SK305 cannot read {name!r}: it is outside of the catalog's folder"
    assert said in refused(of_list(name), folder)


@pytest.mark.parametrize("name", ["pipe", ".", "in"])
def test_a_list_is_a_regular_file(folder: Path, name: str) -> None:
    """A pipe would be waited for, and a folder is no file."""
    said = refused(of_list(name), folder)
    assert "it is not a regular file" in said or "Is a directory" in said


def test_a_link_in_a_circle(folder: Path) -> None:
    """A link that leads to itself is told like any file that cannot be read."""
    assert "SK305 cannot read 'round': " in refused(of_list("round"), folder)


@pytest.mark.parametrize("name", ["fair.txt", "in/fair.txt", "in/../fair.txt", "./in/fair.txt"])
def test_a_list_may_be_anywhere_in_the_folder(folder: Path, name: str) -> None:
    """Sub-folders are fine, and so are links that stay."""
    catalog = sk.Catalog.loads(HEAD + of_list(name), folder=folder)
    assert catalog.lists["x"].keys == {1, 2}
    beside = folder / "s.toml"
    beside.write_text(HEAD + of_list(name))
    assert sk.Catalog.load(beside).lists["x"].keys == {1, 2}


@pytest.mark.parametrize("content", [f"{SECRET}\n", f"1\n{SECRET}\xff".encode("latin-1")])
def test_errors_show_nothing_of_a_list(folder: Path, content: str | bytes) -> None:
    """A line that is no key, or no text, is told by its number alone."""
    content = content if isinstance(content, bytes) else content.encode()
    (folder / "other.txt").write_bytes(content)
    assert "other.txt:" in refused(of_list("other.txt"), folder)


def test_catalogs_and_lists_are_regular_files(folder: Path) -> None:
    """What never ends is not read, wherever a file is named."""
    engine = sa.create_engine("sqlite://")
    for name in ("pipe", "device"):
        with pytest.raises(OSError, match="not a regular file"):
            sk.Catalog.load(folder / name)
        with pytest.raises(OSError, match="not a regular file"):
            sk.KeyList.load(folder / name, PEOPLE)
        with pytest.raises(OSError, match="not a regular file"):
            load_catalog(folder / name, engine)
    engine.dispose()


def test_the_command_line_stops_reading(run: Run) -> None:
    """A device that never ends is too large."""
    said = run("check", "/dev/zero")
    assert said.code == 1
    assert "SK307 more than 1,000,000 bytes in the catalog's file" in said.err


# -- limits ---------------------------------------------------------------------------------------

TWO = HEAD + "[segments.a]\nwhere = 'age > 1 or id = 2'\n[segments.b]\nwhere = 'not in segment a'\n"


@pytest.mark.parametrize(
    ("limit", "enough", "what"),
    [
        ("bytes", len(TWO), "bytes in the catalog's file"),
        ("definitions", 2, "definitions in the catalog"),
        ("parts", 16, "parts in the catalog's definitions, written out"),
    ],
)
def test_what_a_catalog_may_ask_for(limit: str, enough: int, what: str, tmp_path: Path) -> None:
    """A catalog at a limit loads, and one beyond it is refused by the limit's name."""
    file = tmp_path / "s.toml"
    file.write_text(TWO)
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, age INTEGER, name TEXT)"
        )
    loads = [
        lambda limits: sk.Catalog.loads(TWO, limits=limits),
        lambda limits: sk.Catalog.loads(TWO.encode(), limits=limits),
        lambda limits: sk.Catalog.load(file, limits=limits),
        lambda limits: load_catalog(file, engine, limits=limits)[0],
    ]
    for load in loads:
        assert len(load(sk.Limits(**{limit: enough}))) == 2
        with pytest.raises(sk.CatalogError) as caught:
            load(sk.Limits(**{limit: enough - 1}))
        assert [p.diagnostic.code for p in caught.value.problems] == ["SK307"]
        assert f"more than {enough - 1} {what}" in str(caught.value)
        assert f"Limits({limit}=…)" in str(caught.value)
    engine.dispose()


def test_files_of_lists_have_one_limit(folder: Path) -> None:
    """The sizes of all files count together."""
    text = "[lists]\na = 'fair.txt'\nb = 'fair.txt'\n"
    assert (
        len(sk.Catalog.loads(HEAD + text, folder=folder, limits=sk.Limits(list_bytes=8)).lists) == 2
    )
    said = refused(text, folder, limits=sk.Limits(list_bytes=7))
    assert "list 'b'\nSK307 more than 7 bytes in files of static lists" in said
    with pytest.raises(sk.CatalogError, match="more than 3 bytes in files of static lists"):
        sk.KeyList.load(folder / "fair.txt", PEOPLE, limits=sk.Limits(list_bytes=3))


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "9", None])
def test_a_limit_is_a_number(value: object) -> None:
    """What is no number above 0 is refused at once."""
    with pytest.raises(ValueError, match="parts must be a whole number above 0"):
        sk.Limits(parts=value)  # type: ignore[arg-type]


def test_everything_that_grows_is_limited() -> None:
    """Definitions that double what they refer to stop at the limit, not at the memory's end."""
    text = "".join(
        f"[segments.s{i}]\nwhere = '(in segment s{i - 1} and age > {i}) or in segment s{i - 1}'\n"
        for i in range(1, 40)
    )
    said = refused("[segments.s0]\nwhere = 'age > 1'\n" + text, limits=sk.Limits(parts=5_000))
    assert "SK307" in said


MANY = 4_000


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("".join(f"[segments.s{i}]\nwhere = 'in segment s{i ^ 1}'\n" for i in range(MANY)), {"SK118"}),
        ("".join(f"[segments.s{i}]\nwhere = 'in segment s{(i + 1) % MANY}'\n" for i in range(MANY)), {"SK118"}),
        ("[segments.s0]\nwhere = 'nope > 1'\n"
         + "".join(f"[segments.s{i}]\nwhere = 'in segment s{i - 1}'\n" for i in range(1, MANY)), {"SK101", "SK117"}),
        ("[traits]\nt = 'nope'\n" + "".join(f"t{i} = 't + {i}'\n" for i in range(MANY)), {"SK101"}),
        ("[parameters]\n" + "".join(f"p{i} = 'x'\n" for i in range(MANY))
         + "".join(f"[segments.s{i}]\nwhere = 'age > :p{i}'\n" for i in range(MANY)), {"SK121"}),
    ],
    ids=["rings", "ring", "chain", "traits", "parameters"],
)  # fmt: skip
def test_mistakes_of_thousands(text: str, codes: set[str]) -> None:
    """Each definition that is wrong is left out, and each that rests on it; by the square of their number, this would take an hour."""
    catalog = sk.Catalog.loads(HEAD + text, skip_broken=True)
    assert (len(catalog), len(catalog.traits), len(catalog.broken)) in {
        (0, 0, MANY),
        (0, 0, MANY + 1),
    }
    found = {p.diagnostic.code for error in catalog.broken.values() for p in error.problems}
    assert codes <= found <= {*codes, "SK117"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[parameters]\n" + "a." * 100_000 + "b = 1\n", "a key has more than 50 parts"),
        ("[" + '"a" . ' * 100_000 + "b]\n", "a key has more than 50 parts"),
        ("[segments." + "a" * 500_000 + "]\nwhere = 'nope > 1'\n", "unknown attribute 'nope'"),
        ("x = " + "[" * 100_000, "brackets are nested too deeply"),
        ("x = " + "{a=" * 100_000, "brackets are nested too deeply"),
    ],
    ids=["dotted", "header", "name", "arrays", "tables"],
)
def test_toml_that_never_ends(text: str, why: str) -> None:
    """What would keep the reader of TOML busy for hours, or at a loss, is refused at once."""
    assert why in refused(text)


@pytest.mark.parametrize(
    "value",
    ["1e999999999999", "-1e-999999999999", "0x" + "f" * 90_000, "1" * 5_000, "inf", "nan"],
    ids=["far", "near", "hexadecimal", "long", "inf", "nan"],
)
@pytest.mark.parametrize(
    "text",
    ["[parameters]\np = {}\n[segments.s]\nwhere = 'age > :p'\n",
     "[parameters]\np = {}\n[segments.s]\nwhere = 'name = :p'\n",
     "[lists]\np = {{ keys = [{}] }}\n"],
)  # fmt: skip
def test_numbers_of_any_size(text: str, value: str) -> None:
    """A number that cannot be written out is refused, and not written out to say so."""
    assert len(refused(text.format(value))) < 1_000


def test_a_version_of_any_size() -> None:
    """The same of the version of the language."""
    for version in ("1e999999999999", "0x" + "f" * 90_000):
        with pytest.raises(sk.CatalogError) as caught:
            sk.Catalog.loads(f"language = {version}\n")
        assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("value", [1 << 100_000, -(1 << 100_000)], ids=["above", "below"])
def test_values_of_any_size(value: int) -> None:
    """The same of values that an application binds."""
    for text in ("age > :p", "name = :p"):
        with pytest.raises(sk.SegmentTypeError, match="SK013"):
            sk.Segment.define("s", text, PEOPLE).bind(p=value)


def test_documents_of_any_depth() -> None:
    """JSON that is nested without end is no document."""
    plan = sk.Document("data", {"plan": sk.TEXT})
    entity = sk.Entity(
        "people", key="id", attributes=[sk.Attribute("id", sk.INTEGER)], documents=[plan]
    )
    segment = sk.Segment.define("s", "data.plan = 'x'", sk.Schema([entity]))
    for text in ("[" * 200_000, '{"plan":' * 200_000):
        with pytest.raises(sk.DataError, match=r"data must be JSON"):
            segment.matches({"id": 1, "data": text})


# -- broken definitions left out ------------------------------------------------------------------


def test_what_rests_on_a_mistake_is_left_out_with_it() -> None:
    """However far away the mistake is, through segments, traits, lists and partitions."""
    text = """
[traits]
t = "nope + 1"
u = "t + 1"
sound = "age + 1"
[lists]
l = "nothing.txt"
[segments]
a = { where = "u > 1" }
b = { where = "in segment a" }
c = { where = "not in segment b and sound > 1" }
d = { where = "in list l" }
e = { where = "sound > 1" }
f = { where = "in segment e" }
[partitions.p]
parts = ["e", "c"]
rest = "others"
[partitions.q]
parts = ["e", "f"]
rest = "others"
"""
    catalog = sk.Catalog.loads(HEAD + text, skip_broken=True)
    assert (list(catalog), list(catalog.traits), list(catalog.partitions)) == (
        ["e", "f"],
        ["sound"],
        ["q"],
    )
    assert sorted(catalog.broken) == [
        "a",
        "b",
        "c",
        "d",
        "list l",
        "partition p",
        "trait t",
        "trait u",
    ]
    assert "unknown segment 'b'" in str(catalog.broken["c"])
    assert "it is wrong itself, and left out" in str(catalog.broken["c"])


# -- spreadsheets ---------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1"]


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """A catalog and a database whose keys and names are formulas."""
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection:
        connection.execute("CREATE TABLE people (id TEXT PRIMARY KEY, age INTEGER)")
        connection.executemany(
            "INSERT INTO people VALUES (?, 30)", [(f,) for f in [*FORMULAS, "a=1"]]
        )
        connection.commit()
    segments = '[segments."=HYPERLINK(1)"]\ntitle = "@x"\nwhere = "age = 30"\n'
    (tmp_path / "s.toml").write_text('language = 1\n[schema]\nentity = "people"\n' + segments)
    return "sqlite:///shop.sqlite"


def test_members_for_spreadsheets(run: Run, shop: str) -> None:
    """On request no cell begins like a formula; without, cells are what the database has."""
    asked = ("members", "s.toml", "=HYPERLINK(1)", "--url", shop)
    plain = [row[0] for row in csv.reader(io.StringIO(run(*asked).out, newline=""))]
    assert sorted(plain[1:]) == sorted([*FORMULAS, "a=1"])
    safe = [row[0] for row in csv.reader(io.StringIO(run(*asked, "--spreadsheet").out, newline=""))]
    assert sorted(safe[1:]) == sorted([*(f"'{each}" for each in FORMULAS), "a=1"])


def test_counts_for_spreadsheets(run: Run, shop: str) -> None:
    """Names and titles come from catalogs; numbers stay numbers."""
    asked = ("count", "s.toml", "--url", shop, "--csv")
    assert run(*asked).out.splitlines()[1] == "=HYPERLINK(1),@x,9,1.000000"
    assert run(*asked, "--spreadsheet").out.splitlines()[1] == "'=HYPERLINK(1),'@x,9,1.000000"
    wrong = run(*asked[:-1], "--spreadsheet")
    assert (wrong.code, "give --csv" in wrong.err) == (2, True)
