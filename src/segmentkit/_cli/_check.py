"""``segmentkit check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from attrs import field, frozen

from segmentkit._catalog.check import check_syntax
from segmentkit._catalog.toml_file import CatalogText
from segmentkit._cli._definitions import WHERE, Asked, AskedCommand, Definitions, problems_of
from segmentkit._cli._errors import WRONG, Wrong, definitions_of, each, say, show
from segmentkit._cli._files import FILE
from segmentkit._cli._fix import Fixing, fixed, fixing_options, warnings_of
from segmentkit._cli._output import show_json
from segmentkit._cli._sarif import sarif_log
from segmentkit._language.parser import parse
from segmentkit.catalog import Catalog
from segmentkit.errors import CatalogError, DefinitionError, Problem

if TYPE_CHECKING:
    from segmentkit.sqlalchemy.verification import Verification


@frozen
class Checked:
    """What a check has found in one file.

    Attributes:
        file: What the file is called.
        contents: What is in it, for people.
        complete: Whether names and types were checked, beside syntax and references.
        problems: Mistakes and warnings.
        failed: What is wrong without being about a definition.
        database: The findings about the database, if it was checked.
    """

    file: str
    contents: str = ""
    complete: bool = True
    problems: tuple[Problem, ...] = ()
    failed: str | None = None
    database: Verification | None = field(default=None, eq=False)

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return sum(each.diagnostic.is_warning for each in self.problems)

    def code(self, *, strict: bool) -> int:
        """The exit code."""
        wrong = self.failed is not None or (self.database is not None and self.database.errors)
        return WRONG if wrong or len(self.problems) > self.warnings * (not strict) else 0

    def to_dict(self) -> dict[str, Any]:
        """The findings as values that JSON has."""
        told: dict[str, Any] = {
            "file": self.file,
            "checked": "everything" if self.complete else "syntax and references",
            "error": self.failed,
            "problems": [problem.to_dict() for problem in self.problems],
        }
        if self.database is not None:
            told["database"] = [finding.to_dict() for finding in self.database.findings]
        return told


@click.command(cls=AskedCommand)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--url", metavar="URL", help="Check against this database (an SQLAlchemy URL).")
@click.option(
    "--database",
    is_flag=True,
    help="Check the database too: its types, keys, links, times, indexes and statistics.",
)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@fixing_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, for CI systems.")
@click.pass_context
def check(
    ctx: click.Context,
    asked: list[Asked],
    url: str | None,
    database: bool,
    strict: bool,
    fixing: Fixing | None,
    as_json: bool,
    as_sarif: bool,
) -> None:
    """Check the definitions in catalog files.

    With a complete [schema] in the file, or with a database, everything is checked. Otherwise
    only syntax and the references between segments are checked, and the command says so.
    """
    if database and url is None:
        raise click.UsageError("--database needs a --url")
    if as_json and as_sarif:
        raise click.UsageError("Give --json or --sarif, not both.")
    diff = fixing is not None and fixing.diff
    if diff and (as_json or as_sarif):
        raise click.UsageError("Give --diff or another form, not both.")
    if fixing is not None and any(one.where is not None for one in asked):
        raise click.UsageError(f"--fix changes files; {WHERE} is in none.")
    found: list[Checked] = []

    def work(one: Asked) -> int:
        checked = _checked(one, url, database, fixing, caught=as_json or as_sarif)
        if as_json or as_sarif:
            found.append(checked)
        else:
            _show(checked, url, error=diff)
        return checked.code(strict=strict)

    code = each(asked, work)
    if as_json:
        show_json({"files": [one.to_dict() for one in found]})
    if as_sarif:
        show_json(sarif_log((one.file, one.problems, one.failed) for one in found))
    ctx.exit(code)


def _show(found: Checked, url: str | None, *, error: bool) -> None:
    if found.database is not None:
        assert url is not None
        say(f"{found.file}: {found.database}", error=bool(found.database.findings))
    for warning in found.problems:
        show(warning.render(), error=True)
    if not found.complete:
        say(
            f"{found.file}: {found.contents} right; names and types were not "
            "checked: declare the attributes in [schema.tables], or give a --url",
            error=error,
        )
        return
    warnings = f", {_count(found.warnings, 'warning')}" if found.warnings else ""
    say(f"{found.file}: {found.contents}no mistakes{warnings}", error=error)


def _checked(
    asked: Asked, url: str | None, database: bool, fixing: Fixing | None, *, caught: bool
) -> Checked:
    """Check one file, or one definition; what is wrong may be caught."""
    try:
        return _look(asked.read(), url, database, fixing)
    except Wrong as error:
        if not caught:
            raise
        failed = None if error.problems else error.message
        return Checked(asked.place, problems=error.problems, failed=failed)


def _look(
    definitions: Definitions, url: str | None, database: bool, fixing: Fixing | None
) -> Checked:
    text, file = definitions.text, definitions.file
    if url is not None:
        from segmentkit._cli._database import (  # noqa: PLC0415 - loads SQLAlchemy, rarely needed
            connected,
            described,
            verified,
        )

        with connected(url) as reached:
            schema = described(text, file, reached)[0]
            definitions = fixed(definitions, schema, fixing)
            catalog = definitions.checked(schema)
            found = verified(schema, reached) if database else None
            return _complete(definitions, catalog, found)
    if text.declaration is None or not text.declaration.is_complete:
        text = fixed(definitions, None, fixing).text
        with definitions_of(file):
            check_syntax(text)
        if definitions.where is not None:
            _check_syntax_of(definitions.where)
            return Checked(file, "syntax is", complete=False)
        return Checked(file, f"{_contents(text)}, syntax and references are", complete=False)
    with definitions_of(file):
        schema = text.declaration.schema()
    definitions = fixed(definitions, schema, fixing)
    return _complete(definitions, definitions.checked(schema), None)


def _complete(definitions: Definitions, catalog: Catalog, database: Verification | None) -> Checked:
    text = definitions.text
    if definitions.where is not None:
        (segment,) = (catalog.unbound(name) for name in catalog)
        problems = problems_of(segment.warnings, definitions.where)
        return Checked(WHERE, "", problems=tuple(problems), database=database)
    contents, warnings = f"{_contents(text)}, ", tuple(warnings_of(text, catalog))
    return Checked(definitions.file, contents, problems=warnings, database=database)


def _check_syntax_of(where: str) -> None:
    with definitions_of(WHERE):
        try:
            parse(where)
        except DefinitionError as error:
            raise CatalogError(problems_of(error.diagnostics, error.source)) from None


def _contents(text: CatalogText) -> str:
    """How many of each there are; of what there is none, nothing is said."""
    others = ((text.traits, "trait"), (text.lists, "list"), (text.partitions, "partition"))
    found = [_count(len(items), noun) for items, noun in others if items]
    return ", ".join([_count(len(text.entries), "segment"), *found])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
