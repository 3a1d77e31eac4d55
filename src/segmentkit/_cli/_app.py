"""The group of commands; each ends in an exit code, never in a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from importlib import import_module
from typing import Any

import click

from segmentkit._cli._errors import complaint, say
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._diagnostics.formats import ENGLISH
from segmentkit._diagnostics.languages import (
    VARIABLE,
    choose,
    code_of,
    is_known,
    of_environment,
)

INTERRUPTED = 130

# Each command: the module that it is in, loaded when it is called, and its line in the help.
COMMANDS = {
    "check": ("_check", "Check the definitions in catalog files."),
    "format": ("_format", "Write definitions in catalog files in their canonical form."),
    "sql": ("_query", "Show the SQL that finds a segment's members."),
    "explain-plan": ("_query", "Show how segments are evaluated: what is read, and SQL."),
    "count": ("_query", "Count the members of segments in a database."),
    "partition": ("_partition", "Count each part of a partition in a database."),
    "freshness": (
        "_freshness",
        "Check how old the newest rows of tables are, by the thresholds in the schema.",
    ),
    "run": ("_store", "Keep in the database who entered and left segments since the last run."),
    "history": ("_store", "List the runs of segments: sizes, who entered and left, and why."),
    "erase": ("_store", "Forget people in the store of a database."),
    "pull": ("_handover", "Hand over who has entered or left a segment, as a hand-over says."),
    "ack": ("_handover", "Acknowledge the people of a file that 'segmentkit pull' has written."),
    "retire": ("_handover", "End a hand-over that nobody pulls any more."),
    "goal": ("_goal", "Tell whether goals are reached, by those who were held out."),
    "explain": ("_explain", "Say why someone in a database is in a segment or not."),
    "report": ("_report", "Write one HTML page about all segments of a catalog in a database."),
    "members": ("_query", "List the keys of a segment's members in a database."),
    "uses": ("_refactor", "List where catalog files use something, itself or through others."),
    "refactor": ("_refactor", "Change catalog files without changing what they mean."),
    "schema": ("_schema", "Write the [schema] of a catalog file from a database."),
    "demo": ("_demo", "Evaluate a catalog on real data, in SQLite and in pandas."),
}


EXAMPLES = {
    "check": (
        "check shop.toml",
        "check shop.toml --url sqlite:///shop.sqlite --strict",
        "check shop.toml --url sqlite:///shop.sqlite --json",
        "check shop.toml --url sqlite:///shop.sqlite --fix --diff",
        "check --where 'age >= 18' --entity customers --url sqlite:///shop.sqlite",
    ),
    "format": ("format shop.toml", "format --check shop.toml", "format --diff shop.toml"),
    "sql": (
        "sql shop.toml loyal --url sqlite:///shop.sqlite",
        "sql shop.toml loyal --url sqlite:///shop.sqlite --dialect postgresql",
        "sql --where 'age >= 18' --entity customers --url sqlite:///shop.sqlite",
    ),
    "explain-plan": (
        "explain-plan shop.toml loyal --url sqlite:///shop.sqlite",
        "explain-plan shop.toml loyal grown_ups --url sqlite:///shop.sqlite",
    ),
    "count": (
        "count shop.toml loyal grown_ups --url sqlite:///shop.sqlite",
        "count shop.toml loyal --url sqlite:///shop.sqlite --as-of 2026-01-01 --set min_spend=250",
        "count --where 'count(orders in last 30 days) > 0' --entity customers "
        "--event orders=placed_at --url sqlite:///shop.sqlite",
        "count shop.toml --where 'in segment loyal and age >= 18' --url sqlite:///shop.sqlite",
    ),
    "freshness": (
        "freshness shop.toml --url sqlite:///shop.sqlite --as-of 2026-05-01",
        "freshness shop.toml loyal --url sqlite:///shop.sqlite --as-of 2026-05-01 --json",
    ),
    "run": (
        "run shop.toml loyal grown_ups --create --url sqlite:///shop.sqlite --as-of 2026-05-01",
        "run shop.toml loyal --most 20% --url sqlite:///shop.sqlite --as-of 2026-05-02",
    ),
    "history": (
        "history shop.toml --url sqlite:///shop.sqlite",
        "history shop.toml loyal --url sqlite:///shop.sqlite --json",
    ),
    "erase": ("erase shop.toml 7 --url sqlite:///shop.sqlite",),
    "pull": ("pull shop.toml letters --url sqlite:///shop.sqlite -o letters.csv",),
    "ack": ("ack shop.toml letters letters.csv --url sqlite:///shop.sqlite",),
    "retire": ("retire shop.toml letters --url sqlite:///shop.sqlite",),
    "goal": (
        "goal shop.toml --plan --url sqlite:///shop.sqlite --as-of 2026-05-01",
        "goal shop.toml grow --plan --url sqlite:///shop.sqlite --as-of 2026-05-01 --json",
    ),
    "partition": ("partition shop.toml value --url sqlite:///shop.sqlite",),
    "explain": (
        "explain shop.toml grown_ups 2 --url sqlite:///shop.sqlite",
        "explain --where 'age >= 18' --entity customers 2 --url sqlite:///shop.sqlite",
    ),
    "report": ("report shop.toml -o shop.html --url sqlite:///shop.sqlite --set start=2026-01-01",),
    "members": (
        "members shop.toml loyal --url sqlite:///shop.sqlite",
        "members shop.toml loyal --url sqlite:///shop.sqlite -o loyal.csv",
        "members --where 'age >= 18' --entity customers --url sqlite:///shop.sqlite",
    ),
    "uses": (
        "uses orders.amount shop.toml --url sqlite:///shop.sqlite",
        "uses 'segment loyal' shop.toml --url sqlite:///shop.sqlite",
    ),
    "refactor": (
        "refactor rename customers.tier level shop.toml --url sqlite:///shop.sqlite --diff",
        "refactor rename 'segment loyal' faithful shop.toml --url sqlite:///shop.sqlite",
    ),
    "schema": ("schema --entity customers --event orders=placed_at --url sqlite:///shop.sqlite",),
    "demo": ("demo", "demo --only pandas"),
}
"""What the help of each command shows; the tests run them."""


def _illustrate(command: click.Command, name: str) -> None:
    """Put the examples into the help of a command, and of those below it."""
    lines = "\n".join(f"  segmentkit {example}" for example in EXAMPLES[name])
    command.epilog = f"\b\nExamples:\n{lines}"
    if isinstance(command, click.Group):
        for each in command.commands.values():
            each.epilog = command.epilog


class _PipeClosed(Exception):
    """Whoever reads our output has seen enough of it: `segmentkit … | head`."""


@contextlib.contextmanager
def _told_of_closed_pipes() -> Iterator[None]:
    """Keep a closed pipe from click, for which it is a failure."""
    try:
        yield
    except BrokenPipeError:
        raise _PipeClosed from None


class _Commands(click.Group):
    """The commands, without loading SQLAlchemy or pandas for one that needs neither."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _told_of_closed_pipes():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _told_of_closed_pipes():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"segmentkit._cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        _illustrate(command, cmd_name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            hint = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"No such command {args[0]!r}" + (f"; {hint}" if hint else "."))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["--help", "-h"]})
@click.version_option(package_name="segmentkit", message="segmentkit %(version)s")
@click.option(
    "--language",
    metavar="CODE",
    envvar=VARIABLE,
    help="The language of messages and numbers, such as uk; by default that of the environment.",
)
def segmentkit(language: str | None) -> None:
    """Check catalogs of customer segments, and evaluate them in a database.

    Exit codes: 0 all is well, 1 definitions are wrong, 2 the command cannot run as called.
    """
    if language is None:
        return
    if is_known(language):
        choose(code_of(language))
        return
    say(f"no messages in {language[:20]!r}: they are in English", error=True)
    choose(ENGLISH)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows the program's name; by default those of the process.

    Returns:
        The exit code.
    """
    _settle_streams()
    try:
        # The language that is chosen is that of this command alone.
        code = copy_context().run(_invoke, arguments)
        with _told_of_closed_pipes():
            sys.stdout.flush()
    except _PipeClosed:
        _abandon_streams()
        return 0
    return code


def _invoke(arguments: Sequence[str] | None) -> int:
    told = None if arguments is None else list(arguments)
    choose(of_environment() or ENGLISH)
    try:
        code = segmentkit.main(told, prog_name="segmentkit", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except _PipeClosed:
        raise
    except Exception as error:
        found = complaint(error)
        if found is None:
            raise
        found.show()
        return found.exit_code
    return code if isinstance(code, int) else 0


def _settle_streams() -> None:
    """What goes into a file or a pipe is UTF-8 everywhere; no character is ever a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if not stream.isatty():
                stream.reconfigure(encoding="utf-8")
            stream.reconfigure(errors="backslashreplace")


def _abandon_streams() -> None:
    """Let Python's last flush at exit go nowhere, instead of complaining."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            os.dup2(nowhere, descriptor)
