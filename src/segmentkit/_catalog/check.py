"""A catalog file × a schema → its definitions, or all mistakes in it at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from attrs import evolve, field, frozen

from segmentkit._catalog.toml_file import CatalogText, Entry, ListEntry, PartitionEntry
from segmentkit._checking.checker import check_channel
from segmentkit._checking.context import Checked, CheckedValue
from segmentkit._definition import Defined
from segmentkit._diagnostics.diagnostic import Diagnostic, Span, diagnostic, did_you_mean
from segmentkit._language import syntax as t
from segmentkit._language.parser import parse
from segmentkit._planning import ir
from segmentkit._planning.traversal import size_of
from segmentkit.errors import CatalogError, DataError, DefinitionError, Problem
from segmentkit.keylist import KeyList, read_keys
from segmentkit.limits import beside, over, read_regular
from segmentkit.partition import Partition, order_of, repeated
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

_Key: TypeAlias = tuple[str, str | None]
"""A kind and a name."""
_KINDS = {t.InSegment: "segment", t.InKeyList: "list", t.Reachable: "channel"}


@frozen
class Found:
    """What a file defines, by name, in the order of the file."""

    segments: dict[str, Segment] = field(factory=dict)
    traits: dict[str, Trait] = field(factory=dict)
    lists: dict[str, KeyList] = field(factory=dict)
    partitions: dict[str, Partition] = field(factory=dict)


def check_catalog(text: CatalogText, schema: Schema, absent: Collection[_Key] = ()) -> Found:
    """Check everything in a catalog file.

    Args:
        text: The file.
        schema: What its definitions speak of.
        absent: What nothing in it can refer to, although it is there.

    Returns:
        What it defines.

    Raises:
        CatalogError: The file is wrong; carries every mistake.
        SchemaError: A channel of the schema is declared wrongly.
    """
    for channel in schema.channels:
        check_channel(channel, schema)
    return _Check(text, schema, absent).found()


def without_mistakes(text: CatalogText, schema: Schema) -> tuple[CatalogText, list[Problem]]:
    """Leave out of a catalog file what is wrong in it, and what refers to that.

    Args:
        text: The file.
        schema: What its definitions speak of.

    Returns:
        What stands, and what is wrong with the rest.

    Raises:
        CatalogError: A mistake is of nothing that could be left out.
        SchemaError: A channel of the schema is declared wrongly.
    """
    problems: list[Problem] = []
    absent: set[_Key] = set()
    while True:
        try:
            check_catalog(text, schema, absent)
        except CatalogError as error:
            # Of all rounds but the first, it is what the one before took away that is not found.
            hint = "it is wrong itself, and left out" if problems else None
            problems += [_hinted(problem, hint) for problem in error.problems]
            wrong = {(problem.kind, problem.name) for problem in error.problems}
            less = text.without(wrong)
            if less == text:
                raise
            text, absent = less, _resting_on(wrong, less, schema.entity.name)
        else:
            return text, problems


def _resting_on(wrong: Collection[_Key], text: CatalogText, entity: str) -> set[_Key]:
    """What refers to something that is wrong, directly or through others."""
    users: dict[_Key, list[_Key]] = {}
    for kind, entries in (("segment", text.entries), ("trait", text.traits)):
        for name, tree in _parsed(text, entries)[0].items():
            used: list[_Key] = [(_KINDS[of], other) for of, other, _ in _references(tree)]
            used += [("trait", other) for other, _ in t.trait_places(tree, entity)]
            for each in used:
                users.setdefault(each, []).append((kind, name))
    for name, partition in text.partitions.items():
        for part in partition.parts:
            users.setdefault(("segment", part), []).append(("partition", name))
    found: set[_Key] = set()
    stack = list(wrong)
    while stack:
        more = [each for each in users.get(stack.pop(), ()) if each not in found]
        found.update(more)
        stack += more
    return found


def _hinted(problem: Problem, hint: str | None) -> Problem:
    if hint is None:
        return problem
    return evolve(problem, diagnostic=evolve(problem.diagnostic, hint=hint))


def check_syntax(text: CatalogText) -> None:
    """Check what can be checked without a schema: syntax, references, cycles.

    Raises:
        CatalogError: Carries every mistake found.
    """
    trees, problems = _parsed(text, text.entries)
    traits, more = _parsed(text, text.traits)
    problems += more
    problems += _order(text, text.entries, trees, _SEGMENTS)[1]
    if text.declaration is not None:
        of_traits = _Links("SK142", text.declaration.entity)
        problems += _order(text, text.traits, traits, of_traits)[1]
    known = {t.InSegment: ("SK117", text.entries), t.InKeyList: ("SK143", text.lists)}
    for name, tree in trees.items():
        for kind, reference, span in _references(tree):
            code, names = known.get(kind, (None, ()))
            if code is not None and reference not in names:
                hint = did_you_mean(reference, names)
                unknown = diagnostic(code, span, name=reference, hint=hint)
                problems.append(text.problem(name, unknown))
    for partition in text.partitions.values():
        problems += _wrong_parts(text, partition)
    _refuse(problems)


class _Check:
    """One file against one schema."""

    def __init__(self, text: CatalogText, schema: Schema, absent: Collection[_Key]) -> None:
        self.text = text
        self.schema = schema
        self.absent = absent
        self.problems: list[Problem] = []
        self.room = text.limits.list_bytes
        self.parts = 0

    def found(self) -> Found:
        text = self.text
        found = Found(lists=self.lists(), traits=self.traits())
        segments = self.segments(found)
        found.segments.update((name, segments[name]) for name in text.entries if name in segments)
        self.parameters(text.entries, segments)
        self.parameters(text.traits, found.traits)
        for entry in text.partitions.values():
            wrong = _wrong_parts(text, entry)
            self.problems += wrong
            if not wrong and all(part in segments for part in entry.parts):
                parts = [segments[part] for part in entry.parts]
                made = Partition.define(entry.name, parts, rest=entry.rest, **entry.about)
                found.partitions[entry.name] = made
        _refuse(self.problems)
        return evolve(found, traits={name: found.traits[name] for name in text.traits})

    def segments(self, found: Found) -> dict[str, Segment]:
        trees, problems = _parsed(self.text, self.text.entries)
        self.problems += problems
        order, cycles = _order(self.text, self.text.entries, trees, _SEGMENTS)
        self.problems += cycles
        # What is refused itself is no unknown name: it stands as an empty set until it is mended.
        known = {
            name: _broken(name, self.schema)
            for name in self.text.entries
            if ("segment", name) not in self.absent
        }
        lists = {name: KeyList(name, ()) for name in self.text.lists} | found.lists
        traits = self.broken_traits() | found.traits
        defined: dict[str, Segment] = {}
        for name in order:
            entry = self.text.entries[name]
            try:
                known[name] = defined[name] = Segment.define(
                    name,
                    entry.text,
                    self.schema,
                    segments=known,
                    traits=traits,
                    lists=lists,
                    **entry.about,
                )
                self.count(defined[name]._checked.condition)
            except DefinitionError as error:
                self.tell(entry, error.diagnostics)
        return defined

    def traits(self) -> dict[str, Trait]:
        entries = self.text.traits
        trees, problems = _parsed(self.text, entries)
        self.problems += problems
        links = _Links("SK142", self.schema.entity.name)
        order, cycles = _order(self.text, entries, trees, links)
        self.problems += cycles
        known = self.broken_traits()
        defined: dict[str, Trait] = {}
        for name in order:
            entry = entries[name]
            try:
                known[name] = defined[name] = Trait.define(
                    name, entry.text, self.schema, traits=known, **entry.about
                )
                self.count(defined[name]._checked.value)
            except DefinitionError as error:
                self.tell(entry, error.diagnostics)
        return defined

    def broken_traits(self) -> dict[str, Trait]:
        return {
            name: _broken_trait(name, self.schema)
            for name in self.text.traits
            if ("trait", name) not in self.absent
        }

    def lists(self) -> dict[str, KeyList]:
        found = {}
        for entry in self.text.lists.values():
            keys = self.keys(entry)
            if keys is not None:
                found[entry.name] = KeyList(entry.name, keys, **entry.about)
        return found

    def keys(self, entry: ListEntry) -> Iterable[int | str] | None:
        if not isinstance(entry.keys, str):
            try:
                return KeyList(entry.name, entry.keys).keys
            except (DataError, TypeError) as error:
                expected = f"keys: {error}"
                self.list_problem(entry, "SK304", place=f"lists.{entry.name}", expected=expected)
                return None
        if self.text.folder is None:
            detail = (
                f"there is no folder to look for {entry.keys!r} in; load the catalog from a file"
            )
            self.list_problem(entry, "SK305", detail=detail)
            return None
        try:
            path = beside(self.text.folder, entry.keys)
            content = read_regular(path, self.room)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self.list_problem(entry, "SK305", detail=f"cannot read {entry.keys!r}: {why}")
            return None
        if len(content) > self.room:
            self.list_problem(entry, "SK307", **over("list_bytes", self.text.limits.list_bytes))
            return None
        self.room -= len(content)
        keys, problems = read_keys(self.text.folder / entry.keys, content, self.schema)
        self.problems += [evolve(p, name=entry.name, kind="list") for p in problems]
        return None if problems else keys

    def list_problem(self, entry: ListEntry, code: str, **values: str) -> None:
        found = diagnostic(code, t.NOWHERE, **values)
        place = Problem(found, None, self.text.file, entry.line, None, entry.name, "list")
        self.problems.append(place)

    def count(self, meaning: ir.Condition | ir.Value | None) -> None:
        """Stop at what would make all definitions together larger than they may be."""
        most = self.text.limits.parts
        self.parts += 0 if meaning is None else size_of(meaning, most)
        if self.parts > most:
            found = diagnostic("SK307", t.NOWHERE, **over("parts", most))
            raise CatalogError([Problem(found, None, self.text.file, None, None)])

    def tell(self, entry: Entry, found: Iterable[Diagnostic]) -> None:
        self.problems += [entry.problem(each, self.text.file) for each in found]

    def parameters(self, entries: Mapping[str, Entry], defined: Mapping[str, Defined]) -> None:
        """Tell of parameters whose values have the wrong type where they are used."""
        for name, found in defined.items():
            for parameter in found.parameters:
                if parameter in self.text.parameters:
                    try:
                        found.check_values({parameter: self.text.parameters[parameter]})
                    except DefinitionError as error:
                        self.tell(entries[name], error.diagnostics)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise CatalogError(sorted(problems, key=lambda p: (p.line or 0, p.column or 0)))


def _wrong_parts(text: CatalogText, entry: PartitionEntry) -> list[Problem]:
    """Parts of a partition that are no segments, or that have one name."""
    labels = [*entry.parts, entry.rest]
    order, places = order_of(labels)
    found = repeated(labels)
    for part, place in zip(entry.parts, places, strict=False):
        if part not in text.entries:
            hint = did_you_mean(part, text.entries)
            found.append(diagnostic("SK117", place, name=part, hint=hint))
    return [
        Problem(each, order, text.file, entry.line, each.span.start + 1, entry.name, "partition")
        for each in found
    ]


def _broken(name: str, schema: Schema) -> Segment:
    tree = t.Literal(False, t.NOWHERE)
    return Segment(name, "false", schema, tree=tree, checked=Checked(ir.FALSE))


def _broken_trait(name: str, schema: Schema) -> Trait:
    tree = t.Literal(False, t.NOWHERE)
    return Trait(name, "false", schema, tree=tree, checked=CheckedValue(None))


def _parsed(
    text: CatalogText, entries: Mapping[str, Entry]
) -> tuple[dict[str, t.Expr], list[Problem]]:
    trees: dict[str, t.Expr] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        try:
            trees[name] = parse(entry.text)
        except DefinitionError as error:
            problems += [entry.problem(each, text.file) for each in error.diagnostics]
    return trees, problems


# -- references ---------------------------------------------------------------------------------


@frozen
class _Links:
    """How definitions of one kind refer to each other.

    Attributes:
        code: What to say of a circle.
        entity: For traits, the name of the entity that they are of; for segments None.
    """

    code: str
    entity: str | None = None

    def places(self, tree: t.Expr) -> Iterator[tuple[str, Span]]:
        """The names that a definition refers to."""
        if self.entity is not None:
            yield from t.trait_places(tree, self.entity)
            return
        for kind, name, span in _references(tree):
            if kind is t.InSegment:
                yield name, span


_SEGMENTS = _Links("SK118")


def _references(tree: t.Expr) -> Iterator[tuple[type[t.Expr], str, Span]]:
    """The segments, lists and channels that a definition names."""
    for node in t.every(tree):
        if isinstance(node, t.InSegment | t.InKeyList | t.Reachable):
            yield type(node), node.name, node.name_span


def _order(
    text: CatalogText, entries: Mapping[str, Entry], trees: Mapping[str, t.Expr], links: _Links
) -> tuple[list[str], list[Problem]]:
    """The names, each after those that it refers to; cycles are reported and left out."""
    places = {name: dict(links.places(tree)) for name, tree in trees.items()}
    order: list[str] = []
    problems: list[Problem] = []
    circular: set[str] = set()
    done: set[str] = set()
    for start in trees:
        # From a start to where we are, with what each refers to and was not looked at yet.
        path = {} if start in done else {start: iter(places[start])}
        while path:
            name, others = next(reversed(path.items()))
            other = next((each for each in others if each in trees and each not in done), None)
            if other is None:
                path.popitem()
                done.add(name)
                if name not in circular:
                    order.append(name)
            elif other not in path:
                path[other] = iter(places[other])
            elif other not in circular:
                cycle = [*path]
                cycle = [*cycle[cycle.index(other) :], other]
                if circular.isdisjoint(cycle):  # one message of each definition
                    shown = " → ".join(cycle)
                    found = diagnostic(links.code, places[other][cycle[1]], name=other, path=shown)
                    problems.append(entries[other].problem(found, text.file))
                circular.update(cycle)
    return order, problems
