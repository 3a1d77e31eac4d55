"""A catalog file as it is written: TOML → entries with their places, not checked yet."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import evolve, field, frozen

from segmentkit._catalog.schema_table import Declaration, read_declaration
from segmentkit._checking.binding import Given
from segmentkit._diagnostics.diagnostic import Diagnostic, Span, advice, diagnostic, did_you_mean
from segmentkit._diagnostics.wording import Term, over, term
from segmentkit._language import syntax as t
from segmentkit._language.json_text import pointer_of
from segmentkit._language.syntax import LANGUAGE
from segmentkit.errors import CatalogError, Problem, SchemaError
from segmentkit.limits import DEFAULT, Limits, read_regular
from segmentkit.schema import Schema

BYTE_ORDER_MARK = "\ufeff"

_CONSTANT = bool | int | Decimal | str | date | datetime
_DECLARED = {
    "goal": ("segment", "metric", "direction", "amount", "starts", "by", "hold_out", "guards"),
    "handover": ("segment", "on", "channel", "goal", "wait", "again", "fields", "task"),
}
_KEYS = (
    *("language", "schema", "parameters", "traits", "lists", "segments", "partitions"),
    *(f"{kind}s" for kind in _DECLARED),
)
_ABOUT = ("title", "description", "owner")


@frozen
class Entry:
    """A definition in a file: a segment or a trait.

    Attributes:
        kind: Which of them.
        name: Its name.
        text: Its definition.
        about: Title, description, owner, goal and former name, as far as given.
        line: The line of the file on which the definition begins.
        tree: What it says, and what gives mistakes their places, if the file is JSON.
    """

    kind: str
    name: str
    text: str
    about: Mapping[str, str]
    line: int
    tree: tuple[t.Expr, Callable[[Diagnostic], Diagnostic]] | None = None

    def problem(self, found: Diagnostic, file: str | None) -> Problem:
        """A diagnostic of it with its place in the file."""
        if self.tree is not None:
            placed = self.tree[1](found)
            return Problem(placed, self.text, file, None, None, self.name, self.kind)
        line, column = found.position(self.text)
        return Problem(found, self.text, file, self.line + line - 1, column, self.name, self.kind)


@frozen
class ListEntry:
    """A static list in a file.

    Attributes:
        name: Its name.
        keys: The keys, or the path of the file that has them.
        about: Title, description and owner, as far as given.
        line: The line of the file on which it begins.
    """

    name: str
    keys: tuple[Any, ...] | str
    about: Mapping[str, str]
    line: int | None


@frozen
class PartitionEntry:
    """A partition in a file.

    Attributes:
        name: Its name.
        parts: The names of its segments, in order.
        rest: The label of everyone else.
        about: Title, description and owner, as far as given.
        line: The line of the file on which it begins.
    """

    name: str
    parts: tuple[str, ...]
    rest: str
    about: Mapping[str, str]
    line: int | None


@frozen
class Declared:
    """A goal or a hand-over in a file.

    Attributes:
        kind: Which of them.
        name: Its name.
        told: What the file says of it, by key.
        line: The line of the file on which it begins.
        lines: The lines of its keys.
    """

    kind: str
    name: str
    told: Mapping[str, Any]
    line: int | None = None
    lines: Mapping[str, int] = field(factory=dict)


@frozen
class CatalogText:
    """A catalog file that has been read, and not yet checked against a schema.

    Attributes:
        entries: The segments.
        traits: The traits.
        lists: The static lists.
        partitions: The partitions.
        parameters: Values of parameters.
        declaration: What the file says of the schema, if anything.
        file: What to call the file in messages.
        folder: Where the files of its lists are; None if there can be none.
        limits: How much it may ask for.
        content: The file as it is, every character of it; of JSON, nothing.
        own: The schema that JSON has.
        is_json: Whether it is JSON.
        goals: The goals.
        handovers: The hand-overs.
    """

    entries: Mapping[str, Entry]
    traits: Mapping[str, Entry]
    lists: Mapping[str, ListEntry]
    partitions: Mapping[str, PartitionEntry]
    parameters: Mapping[str, Any]
    declaration: Declaration | None
    file: str | None = None
    folder: Path | None = None
    limits: Limits = DEFAULT
    content: str = ""
    own: Schema | None = None
    is_json: bool = False
    goals: Mapping[str, Declared] = field(factory=dict)
    handovers: Mapping[str, Declared] = field(factory=dict)

    def pointed(self, found: Diagnostic, kind: str, name: str) -> Diagnostic:
        """A diagnostic of what stands under a name; with its place, if the file is JSON."""
        return evolve(found, pointer=pointer_of([f"{kind}s", name])) if self.is_json else found

    def schema(self) -> Schema:
        """The schema that it declares.

        Raises:
            SchemaError: It declares none, or a wrong one.
        """
        if self.own is not None:
            return self.own
        if self.declaration is None:
            raise SchemaError("the catalog has no [schema], and none was given")
        return self.declaration.schema()

    def problem(self, name: str, found: Diagnostic) -> Problem:
        """A diagnostic of a segment with its place in the file."""
        return self.entries[name].problem(found, self.file)


def read_catalog(
    text: str | bytes,
    *,
    file: str | None = None,
    folder: str | PathLike[str] | None = None,
    limits: Limits = DEFAULT,
) -> CatalogText:
    """Read a catalog without checking its definitions.

    Args:
        text: TOML.
        file: What to call it in messages.
        folder: Where the files of its lists are; without it there can be none.
        limits: How much it may ask for.

    Returns:
        What it says.

    Raises:
        CatalogError: It is not a catalog file.
        SchemaError: Its ``[schema]`` is wrong.
    """
    found = _Reader(text, file, limits).read(None if folder is None else Path(folder))
    tables = (found.entries, found.traits, found.lists, found.partitions)
    declared = (found.goals, found.handovers)
    if sum(map(len, (*tables, *declared))) > limits.definitions:
        raise CatalogError([_over("definitions", limits, file)])
    return found


def read_catalog_file(path: Path, limits: Limits = DEFAULT) -> CatalogText:
    """Read a catalog file without checking its definitions.

    Raises:
        CatalogError: It is not a catalog file, or larger than may be.
        SchemaError: Its ``[schema]`` is wrong.
        OSError: It cannot be read, or is no regular file.
    """
    content = read_regular(path, limits.bytes)
    return read_catalog(content, file=str(path), folder=path.parent, limits=limits)


def _over(name: str, limits: Limits, file: str | None) -> Problem:
    found = diagnostic("SK307", Span(0, 0), **over(name, getattr(limits, name)))
    return Problem(found, None, file, None, None)


_PARTS_AND_REST = "a table with 'parts' and 'rest'"
_NAME = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s.\"']+")
_HEADER = re.compile(r"\s*\[([^\[\]=,]+)\]\s*(#.*)?$")
_KEY = re.compile(rf"\s*((?:{_NAME.pattern})(?:\s*\.\s*(?:{_NAME.pattern}))*)\s*=")


# The reader of TOML takes time by the square of a key's parts, and hexadecimal numbers of any size.
_LONG = "a whole number has too many digits"
_MOST_STEPS, _MOST_BITS = 50, 1000
_STEP = r"""(?:(?<![\w-])[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_LONG_KEY = re.compile(rf"(?:{_STEP}\.[ \t]*+){{{_MOST_STEPS}}}")


def _every(data: Any) -> Iterator[Any]:
    """All values in what TOML says."""
    stack = [data]
    while stack:
        match stack.pop():
            case dict() as table:
                stack += table.values()
            case list() as items:
                stack += items
            case value:
                yield value


def _unquoted(name: str) -> str:
    return name[1:-1] if name[0] in "\"'" else name


class _Reader:
    """Reads one file and collects what is wrong with its form."""

    def __init__(self, text: str | bytes, file: str | None, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.problems: list[Problem] = []
        size = len(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
        if size > limits.bytes:
            raise CatalogError([_over("bytes", limits, file)])
        try:
            decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            byte = f"0x{error.object[error.start]:02X}"
            detail = term("the file is not UTF-8: it has the byte {byte}", byte=byte)
            found = self.problem("SK301", line, detail=detail, hint=advice("save_as_utf8"))
            raise CatalogError([found]) from None
        self.content = decoded
        # Editors on Windows put a mark before the text.
        self.text = decoded.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n")

    def problem(self, code: str, line: int | None, **values: Any) -> Problem:
        found = diagnostic(code, Span(0, 0), **values)
        return Problem(found, None, self.file, line, None)

    def no_toml(self, told: str) -> Problem:
        """What the reader of TOML says, with the place that it names."""
        found = re.fullmatch(
            r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", told, re.S
        )
        if found is None:
            return self.problem("SK301", None, detail=told)
        lines = self.lines
        if found[2]:
            line, column = int(found[2]), int(found[3])
        else:
            text = self.text.rstrip()
            line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        start = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1
        curly = re.search("[“”„‘’]", lines[line - 1])
        hint = advice("straight_quotes", text='"') if curly else None
        shown = diagnostic("SK301", Span(start, start + 1), detail=found[1], hint=hint)
        return Problem(shown, self.text, self.file, line, column)

    def refuse(self, code: str, where: str, **values: Any) -> None:
        self.problems.append(self.problem(code, self.line_of(where), **values))

    def line_of(self, path: str) -> int | None:
        """The line of a table's header or of a key."""
        return self.places.get(path)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def places(self) -> dict[str, int]:
        """The lines of tables' headers and of keys, by path; found by sight, for messages only."""
        found: dict[str, int] = {}
        anywhere: dict[str, int] = {}  # what belongs at the top may stand in a table by mistake
        table = ""
        for number, line in enumerate(self.lines, start=1):
            if header := _HEADER.match(line):
                table = ".".join(map(_unquoted, _NAME.findall(header[1])))
                found.setdefault(table, number)
            elif key := _KEY.match(line):
                steps = [_unquoted(step) for step in _NAME.findall(key[1])]
                for n in range(1, len(steps) + 1):  # "a.b = 1" is a key of "a", too
                    name = ".".join(steps[:n])
                    found.setdefault(f"{table}.{name}" if table else name, number)
                    anywhere.setdefault(name, number)
        return anywhere | found

    def read(self, folder: Path | None) -> CatalogText:
        try:
            if _LONG_KEY.search(self.text):
                raise ValueError(f"a key has more than {_MOST_STEPS} parts")
            data = tomllib.loads(self.text, parse_float=Decimal)
            if any(isinstance(v, int) and v.bit_length() > _MOST_BITS for v in _every(data)):
                raise ValueError(_LONG)
        except RecursionError:
            detail = term("brackets are nested too deeply")
            raise CatalogError([self.problem("SK301", None, detail=detail)]) from None
        except ValueError as error:
            shown = _LONG if "max_str_digits" in str(error) else str(error)  # Python's own limit
            raise CatalogError([self.no_toml(shown)]) from None
        self.only(data, _KEYS, term("the file"))
        self.language(data)
        segments = {e.name: e for e in self.entries(data, "segment", "where")}
        traits = {e.name: e for e in self.entries(data, "trait", "value")}
        lists = {e.name: e for e in self.lists(data)}
        partitions = {e.name: e for e in self.partitions(data)}
        goals, handovers = (
            {e.name: e for e in self.declared(data, kind, keys)} for kind, keys in _DECLARED.items()
        )
        parameters = dict(self.parameters(data.get("parameters", {})))
        if self.problems:
            raise CatalogError(self.problems)
        told = data.get("schema")
        if told is not None and not isinstance(told, dict):
            raise SchemaError("schema must be a table")
        return CatalogText(
            MappingProxyType(segments),
            MappingProxyType(traits),
            MappingProxyType(lists),
            MappingProxyType(partitions),
            parameters,
            None if told is None else read_declaration(told),
            self.file,
            folder,
            self.limits,
            self.content,
            goals=goals,
            handovers=handovers,
        )

    def only(self, data: Mapping[str, Any], known: tuple[str, ...], place: Term | str) -> None:
        for name in data:
            if name not in known:
                hint = did_you_mean(name, known)
                self.refuse("SK302", name, name=name, place=place, hint=hint)

    def language(self, data: Mapping[str, Any]) -> None:
        version = data.get("language")
        if type(version) is not int or version != LANGUAGE:
            is_word = isinstance(version, bool | Decimal)
            named = str(version).lower() if is_word else f"{version!r:.20}"
            shown = term("no version" if version is None else "version {named}", named=named)
            self.refuse("SK303", "language", version=shown, known=LANGUAGE)

    def table(self, data: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
        """What stands in one of the tables at the top."""
        found = data.get(name, {})
        if isinstance(found, Mapping):
            yield from found.items()
        else:
            self.refuse("SK304", name, place=name, expected=term("a table"))

    def texts(
        self,
        told: Mapping[str, Any],
        path: str,
        keys: tuple[str, ...],
        others: tuple[str, ...] = (),
    ) -> dict[str, str] | None:
        """The values of an entry that are texts; None if one of them is none."""
        self.only(told, (*keys, *others), path)
        wrong = [key for key in keys if not isinstance(told.get(key, ""), str)]
        for key in wrong:
            self.refuse("SK304", path, place=f"{path}.{key}", expected=term("text"))
        return None if wrong else {key: told[key] for key in keys if key in told}

    def entries(self, data: Mapping[str, Any], kind: str, key: str) -> Iterator[Entry]:
        """Segments, whose definitions are conditions, or traits, whose are values."""
        for name, told in self.table(data, f"{kind}s"):
            path = f"{kind}s.{name}"
            if kind == "trait" and isinstance(told, str):
                yield Entry(kind, name, told, {}, self.line_of(path) or 1)
                continue
            if not isinstance(told, Mapping):
                self.refuse(
                    "SK304", path, place=path, expected=term("a table with '{key}'", key=key)
                )
                continue
            own = ("goal", "was") if kind == "segment" else ("goal",)
            texts = self.texts(told, path, (key, *_ABOUT, *own))
            if key not in told:
                self.refuse("SK304", path, place=f"{path}.{key}", expected=term("the definition"))
            elif texts is not None:
                text = texts.pop(key)
                yield Entry(kind, name, text, texts, self.definition_line(path, key))

    def definition_line(self, path: str, key: str) -> int:
        """Where a definition's text begins."""
        start = self.line_of(f"{path}.{key}") or self.line_of(path) or 1
        # The line break right after an opening ''' is no part of the text.
        opening = rf"{key}['\"]?\s*=\s*('''|\"\"\")\s*$"
        return start + bool(re.search(opening, self.lines[start - 1]))

    def lists(self, data: Mapping[str, Any]) -> Iterator[ListEntry]:
        for name, told in self.table(data, "lists"):
            path = f"lists.{name}"
            line = self.line_of(path)
            if isinstance(told, str):
                yield ListEntry(name, told, {}, line)
                continue
            if not isinstance(told, Mapping) or ("file" in told) == ("keys" in told):
                expected = term("a file, or a table with 'file' or 'keys'")
                self.refuse("SK304", path, place=path, expected=expected)
                continue
            texts = self.texts(told, path, ("file", *_ABOUT), ("keys",))
            keys = told.get("keys", [])
            if not isinstance(keys, list):
                self.refuse("SK304", path, place=f"{path}.keys", expected=term("a list"))
            elif texts is not None:
                file = texts.pop("file", None)
                yield ListEntry(name, tuple(keys) if file is None else file, texts, line)

    def partitions(self, data: Mapping[str, Any]) -> Iterator[PartitionEntry]:
        for name, told in self.table(data, "partitions"):
            path = f"partitions.{name}"
            if not isinstance(told, Mapping):
                self.refuse("SK304", path, place=path, expected=term(_PARTS_AND_REST))
                continue
            texts = self.texts(told, path, ("rest", *_ABOUT), ("parts",))
            parts = told.get("parts")
            if not (isinstance(parts, list) and parts and all(isinstance(p, str) for p in parts)):
                expected = term("a list of names of segments")
                self.refuse("SK304", path, place=f"{path}.parts", expected=expected)
            elif texts is not None and "rest" not in texts:
                expected = term("the name of the rest")
                self.refuse("SK304", path, place=f"{path}.rest", expected=expected)
            elif texts is not None:
                rest = texts.pop("rest")
                yield PartitionEntry(name, tuple(parts), rest, texts, self.line_of(path))

    def declared(
        self, data: Mapping[str, Any], kind: str, keys: tuple[str, ...]
    ) -> Iterator[Declared]:
        """Goals and hand-overs, whose values are checked with the schema."""
        for name, told in self.table(data, f"{kind}s"):
            path = f"{kind}s.{name}"
            if not isinstance(told, Mapping):
                self.refuse("SK304", path, place=path, expected=term("a table"))
                continue
            self.only(told, (*keys, *_ABOUT), path)
            places = {key: self.line_of(f"{path}.{key}") for key in told}
            lines = {key: line for key, line in places.items() if line is not None}
            yield Declared(kind, name, told, self.line_of(path), lines)

    def parameters(self, data: Any) -> Iterator[tuple[str, Given]]:
        if not isinstance(data, Mapping):
            self.refuse("SK304", "parameters", place="parameters", expected=term("a table"))
            return
        for name, value in data.items():
            if isinstance(value, list) and all(isinstance(each, _CONSTANT) for each in value):
                yield name, tuple(value)
            elif isinstance(value, _CONSTANT):
                yield name, value
            else:
                place = f"parameters.{name}"
                expected = term("a number, text, date or truth value, or a list of such")
                self.refuse("SK304", place, place=place, expected=expected)


@frozen
class Origin:
    """The file that a catalog was read from, and how."""

    content: str
    schema: Schema
    file: str | None
    folder: Path | None
    limits: Limits

    def read(self, content: str | None = None) -> CatalogText:
        """The file, read again; or another text in its place."""
        text = self.content if content is None else content
        return read_catalog(text, file=self.file, folder=self.folder, limits=self.limits)
