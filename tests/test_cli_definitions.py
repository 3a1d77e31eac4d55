"""One definition on the command line, answers for programs and terminals, and help."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest

from segmentkit._cli import _app
from segmentkit._cli._files import difference
from tests.commands import Run

CATALOG = """\
language = 1

[schema]
entity = "customers"
events.orders = { key = "customer_id", at = "placed_at" }

[schema.tables.orders]
fresh = { at = "placed_at", stale = "9999 days" }

[parameters]
min_spend = 100

[traits]
spent = "sum(orders.amount)"

[segments.loyal]
title = "Loyal\\u001b[31m customers"
where = "spent > :min_spend"

[segments.grown_ups]
where = "not age < 18"

[segments.started]
where = "any(orders where placed_at >= :start)"

[goals.grow]
segment = "loyal"
metric = "spent"
amount = "10%"
starts = 2026-05-01
by = 2026-07-31
hold_out = "20%"

[handovers.letters]
segment = "loyal"
channel = "none"

[partitions.value]
parts = ["loyal", "grown_ups"]
rest = "others"
"""
TABLES = """
create table customers (id integer not null primary key, age integer, tier text);
create table orders (
    id integer not null primary key,
    customer_id integer not null references customers (id),
    placed_at datetime not null,
    amount numeric(10, 2)
);
insert into customers values (1, 17, 'gold'), (2, null, 'silver'), (3, 40, null), (4, 50, 'gold');
insert into orders values
    (1, 1, '2026-01-01 00:00:00.000000', 10),
    (2, 3, '2026-04-30 00:00:00.000000', 200),
    (3, 4, '2026-04-30 22:00:00.000000', 101);
create table people (name text not null primary key, age integer);
insert into people values ('Ada' || char(27) || ']0;x' || char(7), 40), ('Bo', 12);
"""
URL = ("--url", "sqlite:///shop.sqlite")
ENTITY = ("--entity", "customers")
ORDERS = ("--event", "orders=placed_at")
MAY = ("--as-of", "2026-05-01")


@pytest.fixture(autouse=True)
def shop(tmp_path: Path) -> None:
    """A catalog and its database."""
    (tmp_path / "shop.toml").write_text(CATALOG, encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection:
        connection.executescript(TABLES)


# -- --where --------------------------------------------------------------------------------------


def test_members_of_one_definition(run: Run) -> None:
    """A definition has the members that SQL written by hand has, with and without a file."""
    windowed = "count(orders in last 30 days) > 0"
    with closing(sqlite3.connect("shop.sqlite")) as connection:
        rows = connection.execute(
            "select distinct customer_id from orders "
            "where placed_at >= '2026-04-01' and placed_at < '2026-05-01' order by 1"
        ).fetchall()
    expected = "id\n" + "".join(f"{key}\n" for (key,) in rows)
    alone = run("members", "--where", windowed, *ENTITY, *ORDERS, *URL, *MAY)
    assert (alone.code, alone.out, alone.err) == (0, expected, "")
    filed = run("members", "shop.toml", f"--where={windowed}", *URL, *MAY)
    assert (filed.code, filed.out) == (0, expected)


def test_a_definition_uses_what_the_file_has(run: Run) -> None:
    """Segments, traits and parameters of the file are known, and --set gives values to them all."""
    where = ("--where", "in segment loyal and spent < 150")
    result = run("members", "shop.toml", *where, *URL, *MAY)
    assert (result.code, result.out) == (0, "id\n4\n")
    result = run("members", "shop.toml", *where, *URL, *MAY, "--set", "min_spend=150")
    assert (result.code, result.out) == (0, "id\n")
    result = run("members", "shop.toml", "--where", "in segment started", *URL)
    assert result.code == 2
    assert "'in segment started' has no value for :start" in result.err


def test_count_one_definition(run: Run) -> None:
    """It is named by its canonical form."""
    result = run("count", "--where", "age>=18", *ENTITY, *URL, *MAY, "--json")
    told = json.loads(result.out)
    assert told["population"] == 4
    assert told["segments"] == [
        {"name": "age >= 18", "title": None, "members": 2, "share": 0.5},
    ]


def test_explain_one_definition(run: Run) -> None:
    """The key is the only argument, or the one after the file."""
    for place in (ENTITY, ["shop.toml"]):
        result = run("explain", "--where", "age >= 18", *place, "1", *URL, *MAY)
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith('customers 1: not in "age >= 18", as of 2026-05-01')


def test_sql_and_plan_of_one_definition(run: Run) -> None:
    """The value is a parameter, as in the SQL of a segment of a file."""
    for command in ("sql", "explain-plan"):
        result = run(command, "--where", "age >= 18", *ENTITY, *URL, *MAY)
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith("-- age >= 18, as of 2026-05-01")
        assert re.search(r"age >= :\w+\b", result.out)
        assert re.search(r"^-- :\w+ = 18$", result.out, re.MULTILINE)


def test_check_one_definition(run: Run) -> None:
    """Warnings and mistakes have their place in the definition; without a schema only syntax."""
    result = run("check", "--where", "not age < 18", *ENTITY, *URL)
    assert (result.code, result.out) == (0, "--where: no mistakes, 1 warning\n")
    assert result.err.startswith("--where\nSK201 ")
    assert run("check", "--where", "not age < 18", *ENTITY, *URL, "--strict").code == 1
    result = run("check", "--where", "agee > 18", *ENTITY, *URL)
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "--where\nSK101 unknown attribute 'agee'\n    agee > 18\n    ^^^^\n"
        "    hint: did you mean 'age'?\n--where: 1 mistake\n"
    )
    result = run("check", "--where", "agee > 18", *ENTITY)
    assert result.code == 0
    assert "syntax is right; names and types were not checked" in result.out
    result = run("check", "--where", "agee >", *ENTITY)
    assert result.code == 1
    assert result.err.startswith("--where\nSK0")
    result = run("check", "--where", "age > 1\nand agee > 2", *ENTITY, *URL)
    assert result.err.startswith("--where:2\nSK101 ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["count", "shop.toml", *ENTITY, *URL], "--entity is for --where"),
        (["count", "--where", "age > 1", *URL], "Missing argument 'FILE'"),
        (["count", "shop.toml", "loyal", "--where", "age > 1", *URL], "unexpected extra argument"),
        (["count", "shop.toml", "--where", "age > 1", *ORDERS, *URL], "go with --entity"),
        (
            ["count", "shop.toml", "--where", "age > 1", "--week-start", "sunday", *URL],
            "--week-start goes with --entity",
        ),
        (["sql", "--where", "age > 1", *ENTITY, "--dialect", "sqlite"], "--entity needs a --url"),
        (["check", "shop.toml", "shop.toml", "--where", "age > 1"], "--where goes with one FILE"),
        (["explain", "--where", "age > 1", *ENTITY, *URL], "Missing argument 'KEY'"),
        (["count", "--where", "x", *ENTITY, "--event", "orders", *URL], "not of the form TABLE"),
        (
            ["count", "--where", "x", "--entity", "clients", *URL],
            "Error: the database has no table 'clients'",
        ),
        (["check", "shop.toml", "--json", "--sarif"], "Give --json or --sarif, not both."),
    ],
)
def test_wrong_calls(run: Run, arguments: list[str], says: str) -> None:
    """What does not go together is said, and exits with 2."""
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert says in result.err


# -- check for programs ---------------------------------------------------------------------------


def _wrong(tmp_path: Path) -> None:
    text = CATALOG.replace("not age < 18", "agee < 18 and not tier = 3")
    (tmp_path / "wrong one.toml").write_text(text, encoding="utf-8")
    (tmp_path / "broken.toml").write_text("language = 1\n[schema]\nentty = 1\n", encoding="utf-8")


def test_check_as_json(run: Run, tmp_path: Path) -> None:
    """Each mistake and warning has its code, file, line and place; the exit code is the same."""
    _wrong(tmp_path)
    files = ("shop.toml", "wrong one.toml", "broken.toml")
    result = run("check", *files, *URL, "--json")
    assert (result.code, result.err) == (1, "")
    told = json.loads(result.out)["files"]
    assert [each["file"] for each in told] == list(files)
    assert [each["checked"] for each in told] == ["everything"] * 3
    (warning,) = told[0]["problems"]
    assert (warning["code"], warning["severity"], warning["line"]) == ("SK201", "warning", 21)
    assert [each["code"] for each in told[1]["problems"]] == ["SK101", "SK104"]
    assert told[1]["problems"][0]["hint"] == "did you mean 'age'?"
    assert "entty" in told[2]["error"]
    assert run("check", "shop.toml", *URL, "--json").code == 0
    assert run("check", "shop.toml", *URL, "--json", "--strict").code == 1
    (brief,) = json.loads(run("check", "shop.toml", "--json").out)["files"]
    assert brief["checked"] == "syntax and references"
    (database,) = json.loads(run("check", "shop.toml", *URL, "--json", "--database").out)["files"]
    assert all({"kind", "place", "fix"} <= set(each) for each in database["database"])


# What SARIF 2.1.0 demands of the parts that we write.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {"required": ["driver"]},
                    "results": {
                        "items": {
                            "required": ["message", "ruleId", "level"],
                            "properties": {
                                "level": {"enum": ["error", "warning"]},
                                "message": {"required": ["text"]},
                                "locations": {
                                    "items": {"required": ["physicalLocation"]},
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}


def test_check_as_sarif(run: Run, tmp_path: Path) -> None:
    """A log has each finding with its rule, and places as relative URIs."""
    _wrong(tmp_path)
    result = run("check", "shop.toml", "wrong one.toml", "broken.toml", *URL, "--sarif")
    assert (result.code, result.err) == (1, "")
    log = json.loads(result.out)
    jsonschema.validate(log, SARIF)
    (found,) = log["runs"]
    rules = {rule["id"] for rule in found["tool"]["driver"]["rules"]}
    assert [(each["ruleId"], each["level"]) for each in found["results"]] == [
        ("SK201", "warning"),
        ("SK101", "error"),
        ("SK104", "error"),
        ("schema", "error"),
    ]
    assert {each["ruleId"] for each in found["results"]} == rules
    place = found["results"][1]["locations"][0]["physicalLocation"]
    region = {"startLine": 21, "startColumn": 10, "endLine": 21, "endColumn": 14}
    assert place == {"artifactLocation": {"uri": "wrong%20one.toml"}, "region": region}


PLACES = """\
language = 1
schema = { entity = "customers", tables.customers = { key = "name", attributes = { age = "integer?", name = "text" } } }
[segments]
"quoted" = { where = "age > 3 and \\"x\\" = \\u0061geo" } # escapes
a.where = '''
  # 😀😀
  age > 3 and "😀" = nmae'''
b.where = \"\"\"
  age \\
     > 3 and ageo \\
     < 3\"\"\"
c.where = "in segment nobody"
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_columns_in_sarif(run: Run, tmp_path: Path, mark: str, end: str) -> None:
    """Columns are those of the file, in units of UTF-16, whatever its strings and line ends."""
    content = PLACES.replace("\n", end)
    (tmp_path / "places.toml").write_bytes((mark + content).encode())
    log = json.loads(run("check", "places.toml", "--sarif").out)
    lines = content.replace("\r\n", "\n").split("\n")
    found = []
    for each in log["runs"][0]["results"]:
        region = each["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] == region["endLine"]
        units = lines[region["startLine"] - 1].encode("utf-16-le")
        part = units[2 * region["startColumn"] - 2 : 2 * region["endColumn"] - 2]
        found.append((region["startLine"], part.decode("utf-16-le")))
    assert log["runs"][0]["columnKind"] == "utf16CodeUnits"
    assert sorted(found) == [(4, "\\u0061geo"), (7, "nmae"), (10, "ageo"), (12, "nobody")]


# -- --fix ----------------------------------------------------------------------------------------

FIXABLE = """\
language = 1

[schema]
entity = "customers"

[schema.tables.customers]
key = "id"
attributes = { id = "integer", age = "integer?", country = "text?" }

[traits]
years = "agee + 1"  # a trait

[segments.a]
where = '''
  # those of age
  agee >= 18   # here
  and country == DK
'''
[segments.b]
where = 'not  in segment aa'
[segments.c]
where = \"\"\"country = \\"DK\\" and \\
   years > 18,5\"\"\"
[segments.surprising]
where = "age != 18"
[segments.hopeless]
where = 'agee > 18 and birthday_of_mother > 3'
[segments.backslash]
where = "country = O"
"""
FIXED = {
    '"agee + 1"': '"age + 1"',
    "  agee >=": "  age >=",
    "== DK": '== "DK"',
    "segment aa": "segment a",
    "18,5": "18.5",
    '"country = O"': '"country = \\"O\\""',
}


def _mended() -> str:
    text = FIXABLE
    for old, new in FIXED.items():
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_fix(run: Run, tmp_path: Path, end: str) -> None:
    """Hints are followed in the file and change nothing else; what stays wrong stays as it was."""
    file = tmp_path / "fixable.toml"
    file.write_bytes(FIXABLE.replace("\n", end).encode())
    result = run("check", "fixable.toml", "--fix")
    assert file.read_bytes().decode() == _mended().replace("\n", end)
    assert result.code == 1
    head = "fixable.toml:27 segment 'hopeless' left alone: its hints end at SK101\n"
    assert result.err.startswith(f"{head}fixable.toml: fixed a, b, c, backslash, years\n")
    assert "unknown attribute 'birthday_of_mother'" in result.err
    again = run("check", "fixable.toml", "--fix")
    assert again.err.startswith(head + "fixable.toml:27 segment 'hopeless'\nSK101")
    assert file.read_bytes().decode() == _mended().replace("\n", end)


def test_what_would_be_fixed(run: Run, tmp_path: Path) -> None:
    """--diff writes nothing, and shows the same change."""
    file = tmp_path / "fixable.toml"
    file.write_text(FIXABLE, encoding="utf-8")
    result = run("check", "fixable.toml", "--fix", "--diff")
    assert (result.code, file.read_text(encoding="utf-8")) == (1, FIXABLE)
    assert result.out == difference(FIXABLE, _mended(), "fixable.toml")
    assert "fixable.toml: would fix a, b, c, backslash, years" in result.err


def test_hints_of_warnings_are_followed_if_that_is_asked(run: Run, tmp_path: Path) -> None:
    """Without --fix-warnings, what is right stays as it is."""
    file = tmp_path / "shop.toml"
    before = CATALOG.replace('"not age < 18"', """'"tier" = "gold"'""")
    file.write_text(before, encoding="utf-8")
    result = run("check", "shop.toml", *URL, "--fix")
    assert (result.code, file.read_text(encoding="utf-8")) == (0, before)
    result = run("check", "shop.toml", *URL, "--fix-warnings", "--strict")
    assert result.code == 0
    assert file.read_text(encoding="utf-8") == before.replace('\'"tier"', "'tier")


@pytest.mark.parametrize(
    "where",
    [
        '"country" = DK',  # ends at a comparison of two constants
        "birthday > 3",
        "age > ",
        "in segment nobody",
    ],
)
def test_a_fix_that_leads_elsewhere_is_none(run: Run, tmp_path: Path, where: str) -> None:
    """Nothing is written where the hints end at another mistake, or there are none."""
    file = tmp_path / "fixable.toml"
    before = f"{FIXABLE.partition('[traits]')[0]}[segments.x]\nwhere = '''{where}'''\n"
    file.write_text(before, encoding="utf-8")
    result = run("check", "fixable.toml", "--fix")
    assert (result.code, file.read_text(encoding="utf-8")) == (1, before)
    assert "fixed" not in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shop.toml", "--diff"], "--diff goes with --fix."),
        (["shop.toml", "--fix", "--diff", "--json"], "Give --diff or another form, not both."),
        (["shop.toml", "--fix", "--where", "age > 3"], "--fix changes files"),
    ],
)
def test_where_nothing_can_be_fixed(run: Run, arguments: list[str], message: str) -> None:
    """What cannot go together is refused."""
    result = run("check", *arguments)
    assert result.code == 2
    assert message in result.err


# -- terminals ------------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has terminals to play")


def _on_terminal(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """What a command shows on a terminal, and its exit code."""
    import pty

    ours, theirs = pty.openpty()
    inherited = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "segmentkit", *arguments],
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**inherited, "TERM": "xterm-256color", **environment},
    )
    os.close(theirs)
    shown = b""
    # Where nobody holds the other end any more, Linux says EIO.
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 10_000):
            shown += piece
    os.close(ours)
    return process.wait(timeout=60), shown.decode()


@posix
def test_nothing_steers_a_terminal(run: Run, tmp_path: Path) -> None:
    """Control characters of titles and keys are replaced on a terminal, and kept in a file."""
    people = ("members", "--where", "age > 18", "--entity", "people", *URL)
    for arguments in (people, ("count", "shop.toml", "loyal", *URL, "--csv")):
        code, shown = _on_terminal(tmp_path, *arguments, NO_COLOR="1")
        assert code == 0
        assert "�" in shown
        assert not set(shown) & set("\x1b\x07")
    rows = list(csv.reader(io.StringIO(run(*people).out)))
    assert rows == [["name"], ["Ada\x1b]0;x\x07"]]
    for arguments in (
        ("explain", *people[1:5], "Ada\x1b]0;x\x07", *URL),
        ("count", "shop.toml", "loyal", *URL),
        ("count", "shop.toml", "loyal", *URL, "--json"),
        ("sql", "shop.toml", "loyal", *URL),
    ):
        told = run(*arguments)
        assert told.code == 0
        assert not set(told.out + told.err) & set("\x1b\x07")


@posix
def test_a_report_is_not_for_terminals(tmp_path: Path) -> None:
    """HTML is written to files and pipes."""
    for output in ((), ("-o", "-")):
        code, shown = _on_terminal(tmp_path, "report", "shop.toml", *URL, *output)
        assert code == 2
        assert "<html" not in shown
        assert "-o report.html" in shown


COLOUR = r"\x1b\[(?:\d;)*[39]\d"


@posix
def test_sql_has_colours_on_terminals(run: Run, tmp_path: Path) -> None:
    """The words of SQL are coloured, unless NO_COLOR is set; nothing else about it differs."""
    asked = ("sql", "shop.toml", "loyal", *URL, *MAY)
    plain = _on_terminal(tmp_path, *asked, NO_COLOR="1")[1]
    assert not re.search(COLOUR, plain)
    coloured = _on_terminal(tmp_path, *asked)[1]
    assert re.search(COLOUR, coloured)
    said = re.sub(r"\x1b\[[\d;]*m", "", coloured).replace("\r\n", "\n")
    assert said.replace("SELECT", "").split() == run(*asked).out.replace("SELECT", "").split()


# -- help and completion --------------------------------------------------------------------------


# What must have been called before the examples of a command.
STORE = _app.EXAMPLES["run"][0]
BEFORE = {
    "history": (STORE,),
    "erase": (STORE,),
    "pull": (STORE,),
    "ack": (STORE, *_app.EXAMPLES["pull"]),
    "retire": (STORE, *_app.EXAMPLES["pull"]),
}


@pytest.mark.parametrize("command", [name for name in _app.COMMANDS if name != "demo"])
def test_examples_of_the_help_work(run: Run, command: str) -> None:
    """Every command's help has examples, and each of them can be called as it stands."""
    shown = re.sub(r"\n {4,}", " ", run(command, "--help").out)
    assert "Examples:" in shown
    for example in BEFORE.get(command, ()):
        assert run(*shlex.split(example)).code == 0, example
    for example in _app.EXAMPLES[command]:
        assert f"segmentkit {example}" in shown
        result = run(*shlex.split(example))
        # "loyal" has a warning less than strict is content with, and format rewrites nothing.
        allowed = {1} if "--strict" in example else {0}
        assert result.code in allowed, (example, result)


def _completed(folder: Path, line: str) -> list[str]:
    """What bash is told when the last word of a line is completed."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_SEGMENTKIT_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    program = "from segmentkit._cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        cwd=folder,
        env=environment,
        check=True,
    )
    return [each.partition(",")[2] for each in ended.stdout.decode().splitlines() if each]


def test_completion(tmp_path: Path) -> None:
    """Names of segments come from the file, dialects from the library."""
    assert _completed(tmp_path, "segmentkit sql shop.toml l") == ["loyal"]
    assert _completed(tmp_path, "segmentkit count shop.toml loyal ") == ["grown_ups", "started"]
    assert _completed(tmp_path, "segmentkit members none.toml ") == []
    assert "postgresql" in _completed(tmp_path, "segmentkit sql shop.toml loyal --dialect p")
    assert "--where" in _completed(tmp_path, "segmentkit check --w")
