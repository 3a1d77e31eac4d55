"""What a command is asked about: the definitions of a file, or the one of ``--where``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from attrs import frozen
from click.shell_completion import CompletionItem

from segmentkit._calendar import WEEK_STARTS
from segmentkit._catalog.schema_table import Declaration, declare
from segmentkit._catalog.toml_file import CatalogText
from segmentkit._cli._errors import Failure, definitions_of
from segmentkit._cli._files import FILE, read_file
from segmentkit._diagnostics.diagnostic import Diagnostic
from segmentkit.catalog import Catalog
from segmentkit.errors import CatalogError, DefinitionError, Problem, SchemaError, SegmentkitError
from segmentkit.schema import Schema
from segmentkit.segment import Segment

WHERE = "--where"
"""What stands for the file in messages about its definition."""
_LEFT_OUT = "segmentkit.left_out"


@frozen
class Definitions:
    """The definitions that a command is asked about.

    Attributes:
        text: The catalog file; without one, what ``--entity`` and ``--event`` say of the schema.
        file: What to call the file in messages; `WHERE` without one.
        names: The segments that are named; empty if all are meant.
        where: The definition of ``--where``.
    """

    text: CatalogText
    file: str
    names: tuple[str, ...] = ()
    where: str | None = None

    def checked(self, schema: Schema, *, skip_broken: bool = False) -> Catalog:
        """Check the file, or the definition of ``--where``, which is then the only segment.

        The name of that segment is its canonical form.

        Raises:
            Wrong: Something is wrong.
        """
        with definitions_of(self.file):
            catalog = Catalog.of(self.text, schema, skip_broken=skip_broken)
        if self.where is None:
            return catalog
        with definitions_of(WHERE):
            made = _defined(self.where, schema, catalog)
        return Catalog({made.definition: made.named(made.definition)}, catalog.parameters)


def _defined(where: str, schema: Schema, catalog: Catalog) -> Segment:
    # As the file has them, so that --set gives values to their parameters, too.
    segments = {name: catalog.unbound(name) for name in catalog}
    traits, lists = catalog._traits, catalog.lists
    try:
        return Segment.define(WHERE, where, schema, segments=segments, traits=traits, lists=lists)
    except DefinitionError as error:
        raise CatalogError(problems_of(error.diagnostics, error.source)) from None


def problems_of(found: Iterable[Diagnostic], source: str) -> list[Problem]:
    """What is told of the definition of ``--where``, each with its place."""
    several = "\n" in source
    problems = []
    for each in found:
        line, column = each.position(source)
        problems.append(Problem(each, source, WHERE, line if several else None, column))
    return problems


@frozen
class Asked:
    """What the arguments of a command say about definitions; nothing has been read yet.

    Attributes:
        file: The FILE, if there is one.
        names: The segments that are named.
        where: The definition of ``--where``.
        declaration: What ``--entity`` says of the schema, without a FILE.
    """

    file: Path | None
    names: tuple[str, ...]
    where: str | None
    declaration: Declaration | None

    @property
    def place(self) -> str:
        """What to call it in messages."""
        return WHERE if self.file is None else str(self.file)

    def read(self) -> Definitions:
        """Read the file.

        Raises:
            Failure: It cannot be read.
            Wrong: It is no catalog file.
        """
        if self.file is None:
            text = CatalogText({}, {}, {}, {}, {}, self.declaration)
        else:
            text = read_file(self.file)
        return Definitions(text, self.place, self.names, self.where)


def declaration_of(
    entity: str, events: Iterable[str], time_zone: str, week_start: str
) -> Declaration:
    """What ``--entity``, ``--event``, ``--time-zone`` and ``--week-start`` say of a schema.

    Raises:
        Failure: There cannot be such a schema.
        BadParameter: An event is not of the form ``TABLE=COLUMN``.
    """
    told = {}
    for event in events:
        table, equals, at = event.partition("=")
        if not (table and equals and at):
            raise click.BadParameter(
                f"{event!r} is not of the form TABLE=COLUMN", param_hint="'--event'"
            )
        told[table] = {"at": at}
    try:
        return declare(entity, events=told, time_zone=time_zone, week_start=week_start)
    except SchemaError as error:
        raise Failure(str(error)) from None


EVENT: dict[str, Any] = {
    "metavar": "TABLE=COLUMN",
    "multiple": True,
    "help": "A table of events and the column with their time. Can be repeated.",
}
ZONE: dict[str, Any] = {
    "metavar": "ZONE",
    "help": "The zone in which days begin, such as Europe/Kyiv. By default UTC.",
}
WEEK_START: dict[str, Any] = {
    "type": click.Choice(WEEK_STARTS),
    "help": "The day on which weeks begin. By default monday.",
}


def _names_in(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete the name of a segment by those in the FILE."""
    file = ctx.params.get("file")
    if not isinstance(file, Path):
        return []
    try:
        entries = read_file(file).entries.values()
    except (click.ClickException, SegmentkitError, OSError):
        return []  # a shell wants no messages
    taken = ctx.params.get(param.name or "") or ()
    return [
        CompletionItem(each.name, help=each.about.get("title"))
        for each in entries
        if each.name.startswith(begun) and each.name not in taken
    ]


file_argument = click.argument("file", type=FILE)
name_argument = click.argument("name", shell_complete=_names_in)
names_argument = click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=_names_in)


class AskedCommand(click.Command):
    """A command about the definitions of a FILE, or about the one of ``--where``.

    There is no NAME beside ``--where``, and ``--entity`` stands in place of the FILE. The function
    of the command takes what they say together, as ``asked``; if it takes several files, as a list.
    """

    def __init__(self, name: str | None, *, params: list[click.Parameter], **extra: Any) -> None:
        self._several = any(each.name == "files" for each in params)
        super().__init__(name, params=[*params, *_options()], **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        told = args[: args.index("--")] if "--" in args else args
        options = {each.partition("=")[0] for each in told}
        left_out = {"file", "files"} if "--entity" in options else set()
        ctx.meta[_LEFT_OUT] = left_out | ({"name", "names"} if WHERE in options else set())
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        left_out = ctx.meta.get(_LEFT_OUT, ())
        return [each for each in super().get_params(ctx) if each.name not in left_out]

    def invoke(self, ctx: click.Context) -> Any:
        told = ctx.params
        name, names = told.pop("name", None), told.pop("names", ())
        files = told.pop("files", ()) or (told.pop("file", None),)
        where, declared = told.pop("where"), _declared(told)
        if declared is not None and where is None:
            raise click.UsageError(f"--entity is for {WHERE}; a FILE has its own [schema].")
        if len(files) > 1 and where is not None:
            raise click.UsageError(f"{WHERE} goes with one FILE.")
        chosen = names if name is None else (name,)
        asked = [Asked(file, chosen, where, declared) for file in files]
        told["asked"] = asked if self._several else asked[0]
        return super().invoke(ctx)


def _declared(told: dict[str, Any]) -> Declaration | None:
    entity, events, zone = told.pop("entity"), told.pop("events"), told.pop("time_zone")
    week_start = told.pop("week_start")
    if entity is not None:
        return declaration_of(entity, events, zone or "UTC", week_start or WEEK_STARTS[0])
    if events or zone or week_start:
        given = "--week-start" if week_start else "--event and --time-zone"
        goes = "goes" if week_start else "go"
        raise click.UsageError(f"{given} {goes} with --entity; a FILE says it itself.")
    return None


def _options() -> list[click.Parameter]:
    """The options of every such command."""
    one = "Ask about this one definition, in place of a NAME. It can use what the FILE defines."
    table = f"The table whose rows are segmented, for {WHERE} without a FILE."
    about = "With --entity: {0[help]}"
    return [
        click.Option([WHERE], metavar="DEFINITION", help=one),
        click.Option(["--entity"], metavar="TABLE", help=table),
        click.Option(["--event", "events"], **EVENT | {"help": about.format(EVENT)}),
        click.Option(["--time-zone"], **ZONE | {"help": about.format(ZONE)}),
        click.Option(["--week-start"], **WEEK_START | {"help": about.format(WEEK_START)}),
    ]
