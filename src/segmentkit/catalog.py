"""A catalog: named segments that can refer to each other, kept in a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from segmentkit import _ast as t
from segmentkit import _ir as ir
from segmentkit._check import Checked
from segmentkit._declaration import Declaration, read_declaration
from segmentkit._diagnostics import Diagnostic, Span, diagnostic, did_you_mean
from segmentkit._parser import parse
from segmentkit.errors import CatalogError, DefinitionError, Problem, SchemaError
from segmentkit.schema import Schema
from segmentkit.segment import Constant, Segment, bound_together

LANGUAGE = 1
"""The version of the language that this release reads."""

_KEYS = ("language", "schema", "parameters", "segments")
_SEGMENT_KEYS = ("where", "title", "description", "owner", "goal")


@frozen
class Entry:
    """One segment of a file, as written.

    Attributes:
        name: Its name.
        where: Its definition.
        about: Title, description, owner and goal, as far as given.
        line: The line of the file on which the definition begins.
    """

    name: str
    where: str
    about: Mapping[str, str]
    line: int


@frozen
class CatalogText:
    """A catalog file that has been read, and not yet checked against a schema."""

    entries: Mapping[str, Entry]
    parameters: Mapping[str, Any]
    declaration: Declaration | None
    file: str | None = None

    def check(self, schema: Schema) -> Catalog:
        """Check every definition.

        Args:
            schema: What the definitions speak of.

        Returns:
            The catalog.

        Raises:
            CatalogError: Definitions are wrong; carries every mistake of all of them.
        """
        trees, problems = self._parse()
        order, cycles = self._order(trees)
        problems += cycles
        defined: dict[str, Segment] = {}
        # What is refused itself is no unknown name: it stands as an empty set until it is mended.
        known = {name: _broken(name, schema) for name in self.entries}
        for name in order:
            try:
                known[name] = defined[name] = self._define(name, schema, known)
            except DefinitionError as error:
                problems += self._problems(name, error.diagnostics)
        problems += self._unfit(defined)
        if problems:
            raise CatalogError(sorted(problems, key=lambda p: (p.line or 0, p.column or 0)))
        in_order = {name: defined[name] for name in self.entries}
        return Catalog(in_order, self.parameters)

    def _unfit(self, defined: Mapping[str, Segment]) -> list[Problem]:
        """Parameters whose values have the wrong type where they are used."""
        problems: list[Problem] = []
        for name, value in self.parameters.items():
            for segment, found in defined.items():
                if name in found.parameters:
                    try:
                        found.check_values({name: value})
                    except DefinitionError as error:
                        problems += self._problems(segment, error.diagnostics)
        return problems

    def check_syntax(self) -> None:
        """Check what can be checked without a schema: syntax, references, cycles.

        Raises:
            CatalogError: Carries every mistake found.
        """
        trees, problems = self._parse()
        problems += self._order(trees)[1]
        for name, tree in trees.items():
            for reference, span in _reference_places(tree):
                if reference not in self.entries:
                    hint = did_you_mean(reference, self.entries)
                    unknown = diagnostic("SK117", span, name=reference, hint=hint)
                    problems += self._problems(name, [unknown])
        if problems:
            raise CatalogError(problems)

    def problem(self, name: str, found: Diagnostic) -> Problem:
        """A diagnostic with its place in the file."""
        entry = self.entries[name]
        line, column = found.position(entry.where)
        return Problem(found, entry.where, self.file, entry.line + line - 1, column, name)

    def _problems(self, name: str, found: Iterable[Diagnostic]) -> list[Problem]:
        return [self.problem(name, each) for each in found]

    def _parse(self) -> tuple[dict[str, t.Expr], list[Problem]]:
        trees: dict[str, t.Expr] = {}
        problems: list[Problem] = []
        for name, entry in self.entries.items():
            try:
                trees[name] = parse(entry.where)
            except DefinitionError as error:
                problems += self._problems(name, error.diagnostics)
        return trees, problems

    def _order(self, trees: Mapping[str, t.Expr]) -> tuple[list[str], list[Problem]]:
        """The segments, each after those it refers to; cycles are reported and left out."""
        graph = {n: [r for r in t.references_in(tree) if r in trees] for n, tree in trees.items()}
        problems: list[Problem] = []
        while True:
            try:
                return list(TopologicalSorter(graph).static_order()), problems
            except CycleError as error:
                cycle: list[str] = error.args[1][::-1]
                name, following = cycle[0], cycle[1]
                spans = dict(_reference_places(trees[name]))
                path = " → ".join(cycle)
                found = diagnostic("SK118", spans[following], name=name, path=path)
                problems += self._problems(name, [found])
                for member in set(cycle):
                    del graph[member]
                graph = {n: [r for r in rs if r in graph] for n, rs in graph.items()}

    def _define(self, name: str, schema: Schema, known: Mapping[str, Segment]) -> Segment:
        entry = self.entries[name]
        return Segment.define(name, entry.where, schema, segments=known, **entry.about)


def _broken(name: str, schema: Schema) -> Segment:
    tree = t.Literal(False, Span(0, 0))
    return Segment(name, "false", schema, tree=tree, checked=Checked(ir.FALSE, ()))


def _reference_places(tree: t.Expr) -> Iterator[tuple[str, Span]]:
    for node in t.every(tree):
        if isinstance(node, t.InSegment):
            yield node.name, node.name_span


def _segments(given: Mapping[str, Segment]) -> Mapping[str, Segment]:
    return MappingProxyType(dict(given))


def _values(given: Mapping[str, Constant]) -> Mapping[str, Constant]:
    return MappingProxyType(dict(given))


@frozen
class Catalog(Mapping[str, Segment]):
    """Named segments: a mapping from names to segments, in the order of the file.

    Make one with `Catalog.load`, or from segments that are there already.

    Args:
        segments: The segments, by name.
        parameters: Values of the parameters in them.
    """

    _defined: Mapping[str, Segment] = field(alias="segments", converter=_segments)
    parameters: Mapping[str, Constant] = field(factory=dict, converter=_values)
    _bound: dict[str, Segment] = field(init=False, repr=False, eq=False)

    @_bound.default
    def _bind_all(self) -> dict[str, Segment]:
        for segment in self._defined.values():
            known = segment.parameters
            segment.check_values({p: v for p, v in self.parameters.items() if p in known})
        bound = bound_together(self._defined.values(), self.parameters)
        return {name: bound[id(segment)] for name, segment in self._defined.items()}

    @classmethod
    def load(cls, path: str | PathLike[str], schema: Schema | None = None) -> Catalog:
        """Read and check a catalog file.

        Args:
            path: A TOML file.
            schema: What the definitions speak of; by default what the file itself declares.

        Returns:
            The catalog; parameters that the file gives a value are bound.

        Raises:
            CatalogError: The file or its definitions are wrong; carries every mistake.
            SchemaError: The file's ``[schema]`` is wrong, or there is none and none is given.
            OSError: The file cannot be read.
        """
        return cls.loads(Path(path).read_bytes(), schema, file=str(path))

    @classmethod
    def loads(
        cls, text: str | bytes, schema: Schema | None = None, *, file: str | None = None
    ) -> Catalog:
        """Read and check the text of a catalog file.

        Args:
            text: TOML.
            schema: What the definitions speak of; by default what the text itself declares.
            file: What to call the text in messages.

        Returns:
            The catalog.

        Raises:
            CatalogError: The text or its definitions are wrong; carries every mistake.
            SchemaError: The ``[schema]`` is wrong, or there is none and none is given.

        Example:
            >>> shop = Catalog.loads('''
            ... language = 1
            ... [schema]
            ... entity = "people"
            ... [schema.tables.people]
            ... key = "id"
            ... attributes = { id = "integer", age = "integer?" }
            ... [segments.grown_ups]
            ... where = "age >= 18"
            ... ''')
            >>> shop["grown_ups"]
            Segment('grown_ups', 'age >= 18')
        """
        read = read_catalog(text, file=file)
        if schema is None:
            if read.declaration is None:
                raise SchemaError("the catalog has no [schema], and none was given")
            schema = read.declaration.schema()
        return read.check(schema)

    def bind(self, /, **values: Constant) -> Catalog:
        """Give parameters other values, in all segments.

        Args:
            **values: By name.

        Returns:
            A catalog with these values and, for the other parameters, those it had.

        Raises:
            SegmentTypeError: No segment has such a parameter, or a value has the wrong type.
        """
        known = {p for s in self._defined.values() for p in s.parameters}
        for name, segment in self._defined.items():
            unknown = {n: v for n, v in values.items() if n not in known}
            if unknown:
                segment.named(name).bind(**unknown)
        return Catalog(self._defined, {**self.parameters, **values})

    @property
    def warnings(self) -> Mapping[str, tuple[Diagnostic, ...]]:
        """What the checker says of the segments as they are written; those it warns of, by name."""
        return {name: s.warnings for name, s in self._defined.items() if s.warnings}

    def unbound(self, name: str) -> Segment:
        """The segment as it is written, parameters and all."""
        return self._defined[name]

    def __reduce__(self) -> tuple[Any, ...]:
        return Catalog, (dict(self._defined), dict(self.parameters))

    def __getitem__(self, name: str) -> Segment:
        return self._bound[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bound)

    def __len__(self) -> int:
        return len(self._bound)


def read_catalog(text: str | bytes, *, file: str | None = None) -> CatalogText:
    """Read a catalog file without checking its definitions.

    Args:
        text: TOML.
        file: What to call it in messages.

    Returns:
        What it says.

    Raises:
        CatalogError: It is not a catalog file.
        SchemaError: Its ``[schema]`` is wrong.
    """
    return _Reader(text, file).read()


class _Reader:
    """Reads one file and collects what is wrong with its form."""

    def __init__(self, text: str | bytes, file: str | None) -> None:
        self.file = file
        self.problems: list[Problem] = []
        try:
            self.text = text.decode("utf-8") if isinstance(text, bytes) else text
        except UnicodeDecodeError as error:
            raise CatalogError(
                [self.problem("SK301", None, detail=f"not UTF-8: {error}")]
            ) from None
        self.text = self.text.replace("\r\n", "\n")

    def problem(self, code: str, line: int | None, **values: Any) -> Problem:
        found = diagnostic(code, Span(0, 0), **values)
        return Problem(found, None, self.file, line, None, None)

    def refuse(self, code: str, where: str, **values: Any) -> None:
        self.problems.append(self.problem(code, self.line_of(where), **values))

    def line_of(self, path: str) -> int | None:
        """The line of a table's header or of a key; found by sight, for messages only."""
        head, _, last = path.rpartition(".")
        name = rf"[\"']?{re.escape(last)}[\"']?"
        table = (
            rf"^\s*\[\s*{re.escape(head)}\.{name}\s*\]" if head else rf"^\s*\[?\s*{name}\s*[\]=]"
        )
        match = re.search(table, self.text, re.MULTILINE)
        return None if match is None else self.text.count("\n", 0, match.end()) + 1

    def read(self) -> CatalogText:
        try:
            data = tomllib.loads(self.text, parse_float=Decimal)
        except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
            detail = str(error) or type(error).__name__
            line = re.search(r"at line (\d+)", detail)
            number = int(line[1]) if line else None
            raise CatalogError([self.problem("SK301", number, detail=detail)]) from None
        self.only(data, _KEYS, "the file")
        self.language(data)
        entries = dict(self.entries(data.get("segments", {})))
        parameters = dict(self.parameters(data.get("parameters", {})))
        if self.problems:
            raise CatalogError(self.problems)
        told = data.get("schema")
        if told is not None and not isinstance(told, dict):
            raise SchemaError("schema must be a table")
        declaration = None if told is None else read_declaration(told)
        return CatalogText(MappingProxyType(entries), parameters, declaration, self.file)

    def only(self, data: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
        for name in data:
            if name not in known:
                hint = did_you_mean(name, known)
                self.refuse("SK302", name, name=name, place=place, hint=hint)

    def language(self, data: Mapping[str, Any]) -> None:
        version = data.get("language")
        if version is None or isinstance(version, bool) or version != LANGUAGE:
            shown = "no version" if version is None else f"version {version!r:.20}"
            self.refuse("SK303", "language", version=shown, known=LANGUAGE)

    def entries(self, data: Any) -> Iterator[tuple[str, Entry]]:
        if not isinstance(data, Mapping):
            self.refuse("SK304", "segments", place="segments", expected="a table")
            return
        for name, told in data.items():
            path = f"segments.{name}"
            if not isinstance(told, Mapping):
                self.refuse("SK304", path, place=path, expected="a table with 'where'")
                continue
            self.only(told, _SEGMENT_KEYS, path)
            texts = {key: told[key] for key in _SEGMENT_KEYS if key in told}
            wrong = [key for key, value in texts.items() if not isinstance(value, str)]
            for key in wrong:
                self.refuse("SK304", path, place=f"{path}.{key}", expected="text")
            if "where" not in texts:
                self.refuse("SK304", path, place=f"{path}.where", expected="the definition")
            elif not wrong:
                where = texts.pop("where")
                yield name, Entry(name, where, texts, self.definition_line(name))

    def definition_line(self, name: str) -> int:
        """Where a definition's text begins."""
        start = self.line_of(f"segments.{name}") or 1
        lines = self.text.split("\n")
        for number in range(start, len(lines) + 1):
            match = re.match(r"\s*where\s*=\s*('''|\"\"\")?(\s*$)?", lines[number - 1])
            if match:
                # The line break right after an opening ''' is no part of the text.
                return number + (match[1] is not None and match[2] is not None)
        return start

    def parameters(self, data: Any) -> Iterator[tuple[str, Constant]]:
        if not isinstance(data, Mapping):
            self.refuse("SK304", "parameters", place="parameters", expected="a table")
            return
        for name, value in data.items():
            if isinstance(value, bool | int | Decimal | str | date | datetime):
                yield name, value
            else:
                place = f"parameters.{name}"
                self.refuse(
                    "SK304",
                    "parameters",
                    place=place,
                    expected="a number, text, date or truth value",
                )
