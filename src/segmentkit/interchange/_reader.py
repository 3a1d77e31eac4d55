"""What the readers of all formats share: places, mistakes, depth and size, and the way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from attrs import evolve

from segmentkit._checking.checker import check
from segmentkit._checking.context import Names
from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, diagnostic, encodable
from segmentkit._language import syntax as t
from segmentkit._language.depth import too_deep
from segmentkit._language.formatter import format_tree
from segmentkit._language.parser import MAX_LENGTH
from segmentkit._language.references import references_in
from segmentkit.errors import ConversionError, SegmentTypeError
from segmentkit.interchange._result import Applied, Converted, Difference, people
from segmentkit.keylist import KeyList
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import CheckedOf, Trait

MAX_PARTS = 50_000
"""Values in what is converted: no definition is larger."""

MAX_NESTING = 60
"""Levels in what is converted; brackets that a definition does not need count, too."""

NOBODY, EVERYBODY = t.Literal(False, t.NOWHERE), t.Literal(True, t.NOWHERE)


class Refusal(Exception):
    """A mistake at one place; others may follow elsewhere."""

    def __init__(self, found: Diagnostic) -> None:
        self.diagnostic = found
        super().__init__(found.message)


def pointer(*parts: str | int) -> str:
    """The end of a JSON pointer: the keys and positions from one value to one inside it."""
    return "".join(f"/{_escaped(str(part))}" for part in parts)


_SPECIAL = re.compile(r"[~/\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def _escaped(key: str) -> str:
    if not _SPECIAL.search(key):
        return key
    key = encodable(key).replace("~", "~0").replace("/", "~1")
    return "".join(c if c.isprintable() or c == " " else f"\\u{ord(c):04x}" for c in key)


class Reader:
    """One conversion: its places are lines of a text of pointers, in which mistakes are shown.

    Attributes:
        schema: What names refer to.
        applied: The differences that are read as the other tool does.
        differences: Those found, each with what differs.
        left_out: Pointers to what the other tool leaves out.
        lists: Static lists that the definition can refer to.
    """

    def __init__(
        self,
        schema: Schema,
        traits: Mapping[str, Trait] = MappingProxyType({}),
        lists: Mapping[str, KeyList] = MappingProxyType({}),
        segments: Mapping[str, Segment] = MappingProxyType({}),
        applied: Applied = (),
    ) -> None:
        self.schema = schema
        self.traits, self.lists, self.segments = traits, lists, segments
        self.applied = applied
        self.differences: dict[tuple[str, str], str] = {}
        self.left_out: list[str] = []
        self._problems: list[Diagnostic] = []
        self._places: list[str] = []
        self._end = 0
        self._parts = 0
        self._nesting = 0

    # -- places and mistakes

    def span(self, at: str) -> Span:
        """The place of a pointer."""
        start = self._end
        self._places.append(at)
        self._end = start + len(at) + 1
        return Span(start, start + len(at))

    def refusal(self, code: str, at: str, *, hint: Hint | None = None, **values: Any) -> Refusal:
        """A mistake at a place, to raise."""
        return Refusal(diagnostic(code, self.span(at), hint=hint, **values))

    def wrong(self, at: str, detail: str, hint: Hint | None = None) -> Refusal:
        """A mistake of form, to raise."""
        return self.refusal("SK501", at, hint=hint, detail=detail)

    def unsayable(self, at: str, what: str, hint: Hint | None = None) -> Refusal:
        """Something that no definition can say, to raise."""
        return self.refusal("SK502", at, hint=hint, what=what)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """A mistake in here is noted, and reading goes on after it."""
        try:
            yield
        except Refusal as error:
            self.note(error)

    def note(self, error: Refusal) -> None:
        """Note a mistake: all are told together."""
        self._problems.append(error.diagnostic)

    @contextmanager
    def deeper(self, at: str) -> Iterator[None]:
        """One level of nesting."""
        if self._nesting == MAX_NESTING:
            raise self.refusal("SK007", at)
        self._nesting += 1
        try:
            yield
        finally:
            self._nesting -= 1

    def count(self, at: str, parts: int = 1) -> None:
        """Count what was read."""
        self._parts += parts
        if self._parts > MAX_PARTS:
            raise TooLarge(diagnostic("SK127", self.span(at), limit=MAX_PARTS))

    # -- differences

    def differs(self, rule: str, at: str, message: str) -> bool:
        """Note a difference; tells whether to read this place as the other tool does."""
        self.differences[rule, at] = message
        return (rule, at) in self.applied

    # -- the way out

    def segment(self, name: str | None, read: Callable[[], t.Expr]) -> Segment:
        """The segment of what a function reads.

        Raises:
            ConversionError: Something cannot be taken over; has all mistakes.
        """
        tree: t.Expr = NOBODY
        try:
            with self.noting():
                tree = read()
        except TooLarge as error:
            self._problems = [error.diagnostic]
        except RecursionError:
            self._problems = [diagnostic("SK007", self.span(""))]
        if not self._problems and (deep := too_deep(tree)):
            self._problems.append(diagnostic("SK007", deep.span))
        text = "" if self._problems else format_tree(tree)
        if len(text) > MAX_LENGTH:
            told: dict[str, Any] = {"length": len(text), "limit": MAX_LENGTH}
            self._problems.append(diagnostic("SK006", self.span(""), **told))
        self._raise(self._problems)
        segments: Any = CheckedOf(self.segments) if self.segments else {}
        names = Names(segments, CheckedOf(self.traits) if self.traits else {}, self.lists)
        try:
            checked = check(tree, self.schema, "", names)
        except SegmentTypeError as error:
            self._raise(error.diagnostics)
            raise
        referred: Any = {
            "references": {each: self.segments[each] for each in references_in(tree)},
            "traits": {each: self.traits[each] for each in checked.traits},
            "lists": {each: self.lists[each] for each in checked.lists},
        }
        proxies: Any = {kind: MappingProxyType(each) for kind, each in referred.items()}
        return Segment(name, text, self.schema, **proxies, tree=tree, placed=False, checked=checked)

    def _raise(self, problems: Iterable[Diagnostic]) -> None:
        if found := [evolve(each, span=self.place(each.span)) for each in problems]:
            raise ConversionError(found, self.source)

    @property
    def source(self) -> str:
        """The text that places are in: a pointer on each line."""
        return "\n".join(self._places)

    def place(self, span: Span) -> Span:
        """One pointer: two, such as those of both sides of a comparison, are told by the first."""
        end = self.source.find("\n", span.start)
        return Span(span.start, len(self.source) if end < 0 else end)


class TooLarge(Exception):
    """Reading stops: there is too much of it."""

    def __init__(self, found: Diagnostic) -> None:
        self.diagnostic = found
        super().__init__(found.message)


def converted(
    reader: Reader, segment: Segment, again: Callable[[Applied], Segment | None]
) -> Converted:
    """The result of a conversion: the differences can be asked for their people."""

    def ask(difference: Difference) -> Segment | None:
        return people(difference, segment, again)

    found = [Difference(rule, at, told, ask) for (rule, at), told in reader.differences.items()]
    return Converted(segment, tuple(found), tuple(reader.left_out), again=again)
