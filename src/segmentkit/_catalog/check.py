"""A catalog file × a schema → its definitions, or all mistakes in it at once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from segmentkit._catalog.handovers import Plans, plans_of
from segmentkit._catalog.toml_file import CatalogText, Entry, ListEntry, PartitionEntry
from segmentkit._checking.checker import check_channel
from segmentkit._checking.context import Checked, CheckedValue
from segmentkit._checking.written_names import in_backquotes
from segmentkit._diagnostics.diagnostic import (
    Diagnostic,
    Span,
    advice,
    diagnostic,
    did_you_mean,
    hinted,
)
from segmentkit._diagnostics.wording import over, term
from segmentkit._language import syntax as t
from segmentkit._language.given import Read
from segmentkit._language.json_text import pointer_of
from segmentkit._language.parser import parse
from segmentkit._language.references import trait_places
from segmentkit._language.syntax import NOWHERE
from segmentkit._planning import ir
from segmentkit._planning.traversal import size_of
from segmentkit.errors import CatalogError, DataError, DefinitionError, Problem
from segmentkit.keylist import KeyList, read_keys
from segmentkit.limits import beside, read_regular
from segmentkit.partition import Partition, order_of, repeated
from segmentkit.schema import Schema
from segmentkit.segment import Segment, segment_of
from segmentkit.trait import Trait, trait_of

_Key: TypeAlias = tuple[str, str | None]
"""A kind and a name."""
_HINTED = 100
"""Of so many mistakes, similar names are looked for."""
_KINDS = {t.InSegment: "segment", t.InKeyList: "list", t.Listed: "list", t.Reachable: "channel"}


@frozen
class Found:
    """What a file defines, by name, in the order of the file.

    Attributes:
        segments: Its segments.
        traits: Its traits.
        lists: Its static lists.
        partitions: Its partitions.
        plans: Its goals and hand-overs.
        problems: What is wrong with what was left out, and with what refers to that.
    """

    segments: dict[str, Segment] = field(factory=dict)
    traits: dict[str, Trait] = field(factory=dict)
    lists: dict[str, KeyList] = field(factory=dict)
    partitions: dict[str, Partition] = field(factory=dict)
    plans: Plans = field(factory=Plans)
    problems: list[Problem] = field(factory=list)

    @property
    def broken(self) -> dict[str, CatalogError]:
        """The problems by what has them."""
        found: dict[str, list[Problem]] = {}
        for each in self.problems:
            name = str(each.name) if each.kind == "segment" else f"{each.kind} {each.name}"
            found.setdefault(name, []).append(each)
        return {name: CatalogError(problems) for name, problems in found.items()}


def check_catalog(text: CatalogText, schema: Schema, *, skip_broken: bool = False) -> Found:
    """Check everything in a catalog file.

    Args:
        text: The file.
        schema: What its definitions speak of.
        skip_broken: Leave out what is wrong, and what refers to that.

    Returns:
        What it defines.

    Raises:
        CatalogError: The file is wrong; carries every mistake.
        SchemaError: A channel of the schema is declared wrongly.
    """
    for channel in schema.channels:
        check_channel(channel, schema)
    return _Check(text, schema).found(skip_broken=skip_broken)


def _former_names(text: CatalogText) -> Iterator[Problem]:
    """Segments that say to have had the name of one that is there: a store would refuse both."""
    for name, entry in text.entries.items():
        was = entry.about.get("was")
        if was is None or was not in text.entries:
            continue
        steps = ["segments", name, "was"]
        expected = f"the name of a segment that is gone, and {was!r} is there: remove one of them"
        found = diagnostic("SK304", NOWHERE, place=".".join(steps), expected=expected)
        line = None if text.is_json else entry.line
        if text.is_json:
            found = evolve(found, pointer=pointer_of(steps))
        yield Problem(found, None, text.file, line, None, name)


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
    unlisted = ("SK143", text.lists)
    known = {
        t.InSegment: ("SK117", text.entries),
        t.Membership: ("SK117", text.entries),
        t.InKeyList: unlisted,
        t.Listed: unlisted,
    }
    for name, tree in trees.items():
        for kind, reference, span in _references(tree):
            code, names = known.get(kind, (None, ()))
            if code is not None and reference not in names:
                hint = did_you_mean(reference, names) if len(problems) < _HINTED else None
                unknown = diagnostic(code, span, name=reference, hint=hint)
                problems.append(text.problem(name, unknown))
    for partition in text.partitions.values():
        problems += _wrong_parts(text, partition)
    problems += _former_names(text)
    _refuse(problems)


class _Check:
    """One file against one schema. Each text is read once, and what is sound is checked once."""

    def __init__(self, text: CatalogText, schema: Schema) -> None:
        self.text = text
        self.schema = schema
        self.problems: list[Problem] = []
        self.room = text.limits.list_bytes
        self.parts = 0
        self.entries = {"trait": text.traits, "segment": text.entries}
        self.trees: dict[str, dict[str, t.Expr]] = {}
        self.orders: dict[str, list[str]] = {}
        of_traits = _Links("SK142", schema.entity.name)
        for kind, links in (("trait", of_traits), ("segment", _SEGMENTS)):
            entries = self.entries[kind]
            self.trees[kind], wrong = _parsed(text, entries, schema)
            self.orders[kind], cycles = _order(text, entries, self.trees[kind], links)
            self.problems += wrong + cycles
        # What is refused itself is no unknown name: it stands as nothing until it is mended.
        self.known: dict[str, dict[str, Any]] = {
            "list": {name: KeyList(name, ()) for name in text.lists},
            "trait": {name: _broken_trait(name, schema) for name in text.traits},
            "segment": {name: _broken(name, schema) for name in text.entries},
        }
        self.sound: set[_Key] = set()

    def found(self, *, skip_broken: bool) -> Found:
        text = self.text
        self.lists()
        for kind, order in self.orders.items():
            for name in order:
                self.define(self.entries[kind][name])
        for entry in text.partitions.values():
            self.problems += _wrong_parts(text, entry)
        self.problems += _former_names(text)
        unsound = {(k, n) for k, names in self.known.items() for n in names} - self.sound
        plans = self.plans(unsound)
        self.problems += plans.problems
        if not skip_broken:
            _refuse(self.problems)
        problems = self.problems = _sorted(self.problems)
        if problems:
            wrong = {(p.kind, p.name) for p in problems}
            problems = [*problems, *self.leave_out(wrong)]
            plans = self.plans()
            problems += [_left_out(p) for p in plans.problems if (p.kind, p.name) not in wrong]
        left_out = {(problem.kind, problem.name) for problem in problems}
        return Found(
            self.standing("segment", text.entries),
            self.standing("trait", text.traits),
            self.standing("list", text.lists),
            {
                name: Partition.define(
                    name, [self.known["segment"][p] for p in e.parts], rest=e.rest, **e.about
                )
                for name, e in text.partitions.items()
                if ("partition", name) not in left_out
            },
            plans,
            problems,
        )

    def standing(self, kind: str, names: Iterable[str]) -> dict[str, Any]:
        return {name: self.known[kind][name] for name in names if (kind, name) in self.sound}

    def define(self, entry: Entry, *, hinted: bool = True) -> None:
        """Check a definition, which can refer to what is known."""
        tree = self.trees[entry.kind][entry.name]
        told = entry.name, Read(entry.text, tree, placed=entry.tree is None)
        # Names that are similar are looked for among all names, which takes long.
        hinted = hinted and len(self.problems) < _HINTED
        known = self.known if hinted else self.named(self.uses_of(tree))
        made: Segment | Trait
        meaning: ir.Condition | ir.Value | None
        try:
            if entry.kind == "trait":
                made = trait_of(*told, self.schema, known["trait"], entry.about)
                meaning = made._checked.value
            else:
                others = known["segment"], known["trait"], known["list"]
                made = segment_of(*told, self.schema, others, entry.about)
                meaning = made._checked.condition
            given = self.text.parameters
            made.check_values({name: given[name] for name in made.parameters if name in given})
        except DefinitionError as error:
            found = error.diagnostics
            self.tell(entry, found if hinted else map(_without_names, found))
        else:
            if unknown := list(self.never_run(tree)):
                self.tell(entry, unknown)
                return
            self.count(entry, meaning)
            self.known[entry.kind][entry.name] = made
            self.sound.add((entry.kind, entry.name))

    def never_run(self, tree: t.Expr) -> Iterator[Diagnostic]:
        """Names of segments whose stays are asked for, and that the file does not have."""
        names = self.text.entries
        for of, name, span in _references(tree):
            if of is t.Membership and name not in names:
                yield diagnostic("SK117", span, name=name, hint=did_you_mean(name, names))

    def leave_out(self, wrong: set[_Key]) -> list[Problem]:
        """Forget what is wrong, and check again what refers to it, near or far.

        Returns:
            What is wrong with that now.
        """
        self.problems, self.parts = [], 0
        uses: dict[_Key, list[_Key]] = {
            (kind, name): self.uses_of(tree)
            for kind, trees in self.trees.items()
            for name, tree in trees.items()
        }
        resting = _resting_on(wrong, uses)
        for kind, name in wrong | resting:
            if name is not None:
                self.known.get(kind, {}).pop(name, None)
        self.sound -= wrong | resting
        for kind, order in self.orders.items():
            # Of a circle nothing stands, in whatever order it is checked.
            for name in dict.fromkeys([*order, *self.trees[kind]]):
                if (kind, name) in resting - wrong:
                    self.define(self.entries[kind][name], hinted=False)
        for entry in self.text.partitions.values():
            if ("partition", entry.name) not in wrong:
                self.problems += _wrong_parts(self.text, entry, self.known["segment"])
        # What was taken away is all that can be wrong now.
        return [_left_out(each) for each in _sorted(self.problems)]

    def plans(self, unsound: Container[_Key] | None = None) -> Plans:
        """Goals and hand-overs of what is known."""
        return plans_of(self.text, self.known["segment"], self.known["trait"], unsound)

    def uses_of(self, tree: t.Expr) -> list[_Key]:
        """What a definition refers to."""
        # Who was in a segment is not told by its definition.
        found = [(of, other) for of, other, _ in _references(tree) if of in _KINDS]
        used: list[_Key] = [(_KINDS[of], other) for of, other in found]
        return used + [("trait", name) for name, _ in trait_places(tree, self.schema.entity.name)]

    def named(self, uses: Iterable[_Key]) -> dict[str, dict[str, Any]]:
        """What is known of some things."""
        found: dict[str, dict[str, Any]] = {kind: {} for kind in self.known}
        for kind, name in uses:
            if name is not None and name in self.known.get(kind, ()):
                found[kind][name] = self.known[kind][name]
        return found

    def lists(self) -> None:
        for entry in self.text.lists.values():
            keys = self.keys(entry)
            if keys is not None:
                self.known["list"][entry.name] = KeyList(entry.name, keys, **entry.about)
                self.sound.add(("list", entry.name))

    def keys(self, entry: ListEntry) -> Iterable[int | str] | None:
        if not isinstance(entry.keys, str):
            try:
                return KeyList(entry.name, entry.keys).keys
            except (DataError, TypeError) as error:
                expected = term("keys: {why}", why=error)
                self.list_problem(entry, "SK304", place=f"lists.{entry.name}", expected=expected)
                return None
        if self.text.folder is None:
            wording = "there is no folder to look for {file} in; load the catalog from a file"
            detail = term(wording, file=repr(entry.keys))
            self.list_problem(entry, "SK305", detail=detail)
            return None
        try:
            path = beside(self.text.folder, entry.keys)
            content = read_regular(path, self.room)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            told = term("cannot read {file}: {why}", file=repr(entry.keys), why=why)
            self.list_problem(entry, "SK305", detail=told)
            return None
        if len(content) > self.room:
            self.list_problem(entry, "SK307", **over("list_bytes", self.text.limits.list_bytes))
            return None
        self.room -= len(content)
        keys, problems = read_keys(self.text.folder / entry.keys, content, self.schema)
        self.problems += [evolve(p, name=entry.name, kind="list") for p in problems]
        return None if problems else keys

    def list_problem(self, entry: ListEntry, code: str, **values: Any) -> None:
        found = self.text.pointed(diagnostic(code, t.NOWHERE, **values), "list", entry.name)
        place = Problem(found, None, self.text.file, entry.line, None, entry.name, "list")
        self.problems.append(place)

    def count(self, entry: Entry, meaning: ir.Condition | ir.Value | None) -> None:
        """Stop at what would make all definitions together larger than they may be."""
        most = self.text.limits.parts
        self.parts += 0 if meaning is None else size_of(meaning, most)
        if self.parts > most:
            found = diagnostic("SK307", t.NOWHERE, **over("parts", most))
            raise CatalogError([entry.problem(found, self.text.file)])

    def tell(self, entry: Entry, found: Iterable[Diagnostic]) -> None:
        self.problems += [entry.problem(each, self.text.file) for each in found]


def _resting_on(wrong: Iterable[_Key], uses: Mapping[_Key, Iterable[_Key]]) -> set[_Key]:
    """What refers to something that is wrong, directly or through others."""
    users: dict[_Key, list[_Key]] = {}
    for key, used in uses.items():
        for each in used:
            users.setdefault(each, []).append(key)
    found: set[_Key] = set()
    stack = list(wrong)
    while stack:
        more = [each for each in users.get(stack.pop(), ()) if each not in found]
        found.update(more)
        stack += more
    return found


def _left_out(problem: Problem) -> Problem:
    """What is wrong only since something else is."""
    return evolve(problem, diagnostic=hinted(problem.diagnostic, advice("wrong_itself")))


def _without_names(found: Diagnostic) -> Diagnostic:
    """A mistake without the hint that rests on all names, where only some were looked at."""
    return hinted(found, None) if found.code in ("SK117", "SK143") else found


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise CatalogError(_sorted(problems))


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda p: (p.line or 0, p.column or 0))


def _wrong_parts(
    text: CatalogText, entry: PartitionEntry, known: Container[str] | None = None
) -> list[Problem]:
    """Parts of a partition that are no segments, or that have one name.

    Args:
        text: The file.
        entry: The partition.
        known: The segments that are left of those in the file; by default all.
    """
    labels = [*entry.parts, entry.rest]
    order, places = order_of(labels)
    found = repeated(labels)
    for part, place in zip(entry.parts, places, strict=False):
        if part not in (text.entries if known is None else known):
            hint = None if known is not None else did_you_mean(part, text.entries)
            found.append(diagnostic("SK117", place, name=part, hint=hint))
    return [
        Problem(each, order, text.file, entry.line, each.span.start + 1, entry.name, "partition")
        for each in (text.pointed(each, "partition", entry.name) for each in found)
    ]


def _broken(name: str, schema: Schema) -> Segment:
    tree = t.Literal(False, t.NOWHERE)
    return Segment(name, "false", schema, tree=tree, checked=Checked(ir.FALSE))


def _broken_trait(name: str, schema: Schema) -> Trait:
    tree = t.Literal(False, t.NOWHERE)
    return Trait(name, "false", schema, tree=tree, checked=CheckedValue(None))


def _parsed(
    text: CatalogText, entries: Mapping[str, Entry], schema: Schema | None = None
) -> tuple[dict[str, t.Expr], list[Problem]]:
    trees: dict[str, t.Expr] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        try:
            trees[name] = parse(entry.text) if entry.tree is None else entry.tree[0]
        except DefinitionError as error:
            found = list(error.diagnostics)
            found = found if schema is None else in_backquotes(found, entry.text, schema)
            problems += [entry.problem(each, text.file) for each in found]
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
            yield from trait_places(tree, self.entity)
            return
        for kind, name, span in _references(tree):
            if kind is t.InSegment:
                yield name, span


_SEGMENTS = _Links("SK118")


def _references(tree: t.Expr) -> Iterator[tuple[type[t.Expr], str, Span]]:
    """The segments, lists and channels that a definition names."""
    for node in t.every(tree):
        if isinstance(node, t.InSegment | t.Membership | t.InKeyList | t.Listed | t.Reachable):
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
