"""``segmentkit sql``, ``count`` and ``members``: what a database answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import click
from attrs import asdict, evolve, frozen
from sqlalchemy import URL, Dialect, Select
from sqlalchemy.exc import CompileError, NoSuchModuleError

from segmentkit._cli._database import (
    Database,
    Prepared,
    connected,
    no_dialect,
    prepared,
    schema_url_option,
    url_option,
)
from segmentkit._cli._definitions import (
    Asked,
    AskedCommand,
    Definitions,
    file_argument,
    name_argument,
    names_argument,
)
from segmentkit._cli._errors import WRONG, Failure, definitions_of, one_line, say, show
from segmentkit._cli._files import writing, wrote
from segmentkit._cli._output import (
    duration,
    percent,
    show_json,
    show_sql,
    show_table,
    warn_of,
    write_csv,
)
from segmentkit._cli._values import (
    LeftOut,
    as_of_option,
    bound,
    chosen,
    now_if_none,
    set_option,
    shown_instant,
    the_one,
)
from segmentkit._definition import AsOf, instant_of
from segmentkit._diagnostics.languages import localized
from segmentkit._planning.plan import Plan
from segmentkit._results.freshness import Loaded
from segmentkit.errors import SchemaError
from segmentkit.extension import Target
from segmentkit.segment import Segment, bound_condition
from segmentkit.sqlalchemy import Source, tables_from
from segmentkit.sqlalchemy import members as members_of
from segmentkit.sqlalchemy.dialects.dialect import DIALECTS, is_columnar, shapes_of
from segmentkit.sqlalchemy.planner import planner_of
from segmentkit.sqlalchemy.statements.single_statement import explained, statements
from segmentkit.sqlalchemy.tables import Tables

Pairs = tuple[tuple[str, str], ...]

_AT_ONCE = 10_000
"""How many keys are held in memory."""
_FEW_NAMES = 5

dialect_option = click.option(
    "--dialect",
    metavar="NAME",
    shell_complete=lambda ctx, param, begun: [n for n in DIALECTS if n.startswith(begun)],
    help="The dialect: postgresql, mysql, sqlite, … or any other that SQLAlchemy knows. "
    "By default that of the database.",
)
spreadsheet_option = click.option(
    "--spreadsheet",
    is_flag=True,
    help="Make the CSV safe for spreadsheets: a text that would be a formula gets an apostrophe.",
)


@click.command(cls=AskedCommand)
@file_argument
@name_argument
@dialect_option
@schema_url_option
@as_of_option
@set_option
def sql(asked: Asked, dialect: str | None, url: str | None, as_of: AsOf, pairs: Pairs) -> None:
    """Show the SQL that finds a segment's members.

    Values are bound parameters. They are listed below the SQL, as comments.
    """
    ready, spoken = _spoken(asked, dialect, url)
    name, segment = the_one(bound(ready.catalog, pairs), asked.names, asked.place)
    at = now_if_none(as_of)
    title = "" if segment.title is None else f": {one_line(segment.title)}"
    say(f"-- {one_line(name)}{title}, as of {shown_instant(at, ready.schema)}")
    show_sql(_sql(_members(segment, ready, at, asked.place), spoken))


@click.command(cls=AskedCommand)
@file_argument
@names_argument
@dialect_option
@schema_url_option
@as_of_option
@set_option
def explain_plan(
    asked: Asked, dialect: str | None, url: str | None, as_of: AsOf, pairs: Pairs
) -> None:
    """Show how segments are evaluated: what is read, and SQL.

    For one NAME, this shows how its members are found. For several, or for all, it shows how
    one pass evaluates them for everyone.
    """
    ready, spoken = _spoken(asked, dialect, url)
    segments = chosen(bound(ready.catalog, pairs), asked.names, asked.place)
    at = now_if_none(as_of)
    instant = instant_of(at, ready.schema)
    with definitions_of(asked.place):
        found = {
            name: bound_condition(each, instant, Target.SQL) for name, each in segments.items()
        }
        tables = evolve(Tables.of(ready.schema, ready.table), shapes=shapes_of(spoken))
        with _advised(tables, url, spoken) as known:
            queries = statements(found, known, columnar=is_columnar(spoken))
            lines = explained(Plan(found), known)
    title = one_line(", ".join(segments)) if len(segments) <= _FEW_KEYS else "all segments"
    say(f"-- {title}, as of {shown_instant(at, ready.schema)}")
    for line in lines:
        say(f"-- {one_line(line)}")
    for query in queries:
        show_sql(_sql(query, spoken))


@click.command(cls=AskedCommand)
@file_argument
@names_argument
@url_option
@as_of_option
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@spreadsheet_option
@click.option(
    "--skip-broken",
    is_flag=True,
    help="Leave out segments that are wrong or cannot be computed, name them, and exit with 1.",
)
def count(
    asked: Asked,
    url: str,
    as_of: AsOf,
    pairs: Pairs,
    as_json: bool,
    as_csv: bool,
    spreadsheet: bool,
    skip_broken: bool,
) -> None:
    """Count the members of segments in a database: of those that you name, or of all."""
    if as_json and as_csv:
        raise click.UsageError("Give --json or --csv, not both.")
    if spreadsheet and not as_csv:
        raise click.UsageError("--spreadsheet is about CSV: give --csv, too.")
    definitions = asked.read()
    at = now_if_none(as_of)
    with connected(url) as database:
        ready = prepared(definitions, database, skip_broken=skip_broken)
        left_out: LeftOut | None = {} if skip_broken else None
        segments = chosen(bound(ready.catalog, pairs), asked.names, asked.place, left_out)
        counts = _count(database, ready, segments, at, asked.place, left_out)
    if as_json:
        _show_json(counts, ready, at)
    elif as_csv:
        _show_csv(counts, spreadsheet=spreadsheet)
    else:
        _show(counts, ready, at)
    warn_of(counts.loaded)
    told = [str(each) for each in ready.catalog.broken.values()]
    for name, why in (left_out or {}).items():
        told.append(f"{asked.place}: segment {one_line(repr(name))} is left out: {one_line(why)}")
    for line in told:
        show(line, error=True)
    if told:
        click.get_current_context().exit(WRONG)


@click.command(cls=AskedCommand)
@file_argument
@name_argument
@url_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Write to this file, which appears when it is complete. Default: standard output.",
)
@spreadsheet_option
@as_of_option
@set_option
def members(
    asked: Asked,
    url: str,
    output: Path | None,
    spreadsheet: bool,
    as_of: AsOf,
    pairs: Pairs,
) -> None:
    """List the keys of a segment's members in a database, as CSV with a header line."""
    definitions = asked.read()
    with connected(url) as database:
        ready = prepared(definitions, database)
        name, segment = the_one(bound(ready.catalog, pairs), asked.names, asked.place)
        at = now_if_none(as_of)
        query = _members(segment, ready, at, asked.place)
        with (
            database.asked(f"list the members of {name!r}"),
            database.engine.connect() as connection,
        ):
            warn_of(Source(database.engine, ready.table).loaded(segment, as_of=at))
            # Asked before anything is opened, and read as it comes.
            keys = connection.execution_options(stream_results=True, yield_per=_AT_ONCE).scalars(
                query.order_by(*query.selected_columns)
            )
            with writing(output) as stream:
                rows = ([_cell(key)] for key in chain([ready.schema.entity.key], keys))
                lines = write_csv(stream, rows, spreadsheet=spreadsheet)
            wrote(output, lines - 1, "key")


def _cell(key: object) -> object:
    return key.hex() if isinstance(key, bytes) else key


# -- sql ----------------------------------------------------------------------------------------


def _spoken(asked: Asked, dialect: str | None, url: str | None) -> tuple[Prepared, Dialect]:
    """A catalog and its tables, from a database or from what the file declares; and which SQL."""
    if asked.file is None and url is None:
        raise click.UsageError("--entity needs a --url, which tells what the table has.")
    if dialect is None and url is None:
        raise click.UsageError("Give a --dialect, such as postgresql, or a --url.")
    spoken = None if dialect is None else _dialect(dialect)
    definitions = asked.read()
    if url is None:
        ready = _declared(definitions)
    else:
        with connected(url) as database:
            ready = prepared(definitions, database)
            spoken = spoken or _named(type(database.engine.dialect))
    assert spoken is not None
    return ready, spoken


@contextmanager
def _advised(tables: Tables, url: str | None, spoken: Dialect) -> Iterator[Tables]:
    """The tables, beside the planner of the database, if it is the one spoken to."""
    if url is None:
        yield tables
        return
    with connected(url) as database, database.engine.connect() as connection:
        same = connection.dialect.name == spoken.name
        yield evolve(tables, planner=planner_of(connection)) if same else tables


def _dialect(name: str) -> Dialect:
    try:
        return _named(URL.create(name).get_dialect())
    except (NoSuchModuleError, ValueError):
        raise Failure(no_dialect(name)) from None


def _named(dialect: type[Dialect]) -> Dialect:
    """The dialect, with parameters written by name: each stands for the line below the text."""
    make: Any = dialect
    made: Dialect = make(paramstyle="named")
    return made


def _declared(definitions: Definitions) -> Prepared:
    """A catalog that is checked against what its file declares, and tables made from that."""
    with definitions_of(definitions.file):
        if definitions.text.declaration is None:
            raise SchemaError("there is no [schema]: declare one in the file")
        schema = definitions.text.declaration.schema()
        tables = tables_from(schema)
    return Prepared(definitions.checked(schema), schema, tables.tables[schema.entity.table])


def _members(segment: Segment, ready: Prepared, as_of: AsOf, file: str) -> Select[Any]:
    with definitions_of(file):
        return members_of(segment, ready.table, as_of=as_of)


def _sql(query: Select[Any], dialect: Dialect) -> str:
    try:
        compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        text = str(compiled)
    except CompileError as error:
        raise Failure(f"{dialect.name} has no SQL for this: {error.args[0]}") from None
    names = compiled.escaped_bind_names
    lines = [f"-- :{names.get(n, n)} = {_shown(v)}" for n, v in compiled.params.items()]
    return "\n".join([text, *lines])


_FEW_KEYS = 20


def _shown(value: object) -> str:
    """A value on one line: nothing in it can end the comment."""
    if isinstance(value, list) and len(value) > _FEW_KEYS:
        first = ", ".join(map(repr, value[:_FEW_KEYS]))
        return f"[{first}, …] ({localized(len(value))} values)"
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "true", False: "false"}[value]
    if isinstance(value, int | float | Decimal | date):
        return str(value)
    return repr(value)


# -- count --------------------------------------------------------------------------------------


@frozen
class Counted:
    """A segment's size."""

    name: str
    title: str | None
    members: int
    share: float | None


@frozen
class Counts:
    """The sizes of segments, of how many, how long it took, and how fresh what they read is."""

    segments: list[Counted]
    population: int
    seconds: float
    loaded: tuple[Loaded, ...]


def _count(
    database: Database,
    ready: Prepared,
    segments: dict[str, Segment],
    as_of: AsOf,
    file: str,
    left_out: LeftOut | None,
) -> Counts:
    """Count all segments in one pass; ``left_out`` takes those that cannot be, if any may."""
    few = ", ".join(map(repr, segments))
    which = few if len(segments) <= _FEW_NAMES else f"{localized(len(segments))} segments"
    skip = left_out is not None
    start = time.perf_counter()
    with definitions_of(file), database.asked(f"count the members of {which}"):
        source = Source(database.engine, ready.table)
        sizes = source.sizes(segments, as_of=as_of, skip_broken=skip)
        seconds = time.perf_counter() - start
        loaded = source.loaded(segments, as_of=as_of)
    if left_out is not None:
        left_out |= {name: str(error) for name, error in sizes.broken.items()}
    population = sizes.population
    counts = [
        Counted(name, segments[name].title, size, size / population if population else None)
        for name, size in sizes.items()
    ]
    return Counts(counts, population, seconds, loaded)


def _show(counts: Counts, ready: Prepared, as_of: AsOf) -> None:
    who = f"{localized(counts.population)} {ready.schema.root}"
    told = f"{who}, as of {shown_instant(as_of, ready.schema)}"
    stale = [each.table for each in counts.loaded if each.state == "stale"]
    mark = f"; stale: {', '.join(map(one_line, stale))}" if stale else ""
    say(f"{told}, counted in {duration(counts.seconds)}{mark}")
    show_table(
        ("Segment", "Title", "Members", "Share"),
        (
            (
                each.name,
                each.title or "",
                localized(each.members),
                percent(each.members, counts.population),
            )
            for each in counts.segments
        ),
        numbers=("Members", "Share"),
    )


def _show_json(counts: Counts, ready: Prepared, as_of: AsOf) -> None:
    instant = instant_of(as_of, ready.schema).isoformat() + "Z"
    told = {
        "as_of": instant,
        "population": counts.population,
        "seconds": round(counts.seconds, 6),
        **({"freshness": {t.table: t.state for t in counts.loaded}} if counts.loaded else {}),
        "segments": [asdict(each) for each in counts.segments],
    }
    show_json(told)


def _show_csv(counts: Counts, *, spreadsheet: bool) -> None:
    rows: list[tuple[object, ...]] = [("name", "title", "members", "share")]
    for each in counts.segments:
        share = "" if each.share is None else f"{each.share:.6f}"
        rows.append((each.name, each.title, each.members, share))
    with writing(None) as stream:
        write_csv(stream, rows, spreadsheet=spreadsheet)
