"""A segment: a named set of customers, and the algebra of such sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import define, evolve, field

from segmentkit._checking import combining
from segmentkit._checking.binding import Given
from segmentkit._checking.checker import MAX_SIZE, check, warnings_of
from segmentkit._checking.combining import Part
from segmentkit._checking.context import Checked, Names
from segmentkit._checking.written_names import read
from segmentkit._definition import (
    AsOf,
    Defined,
    by_name,
    check_record,
    instant_of,
    landmarks,
    lowest_first,
    of_one_schema,
)
from segmentkit._diagnostics.diagnostic import Diagnostic
from segmentkit._fingerprint import fingerprint
from segmentkit._html import as_written, element
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._language.given import Definition, Read, pointing, read_document
from segmentkit._language.highlight import coloured
from segmentkit._language.parser import MAX_LENGTH, MAX_REMEMBERED
from segmentkit._language.references import references_in
from segmentkit._language.three_valued import uncertain
from segmentkit._planning import ir
from segmentkit._planning.normalize import normalize
from segmentkit._record.compiler import compile_record
from segmentkit._remembered import Remembered
from segmentkit._usage import expect
from segmentkit.dtypes import DType
from segmentkit.errors import SchemaError
from segmentkit.explanation import Explanation
from segmentkit.extension import Target
from segmentkit.keylist import KeyList
from segmentkit.schema import Schema
from segmentkit.trait import CheckedOf, Trait


@define(frozen=True, slots=False, eq=False, repr=False)
class Segment(Defined):
    """A set of customers, given by a definition that was checked against a schema.

    Make one with `Segment.define`, from a `Catalog`, or from other segments by ``& | - ^ ~``.
    Segments are values: they never change, and they compare, hash and pickle. Two segments are
    equal when their structure means the same, whatever their names and spelling. Equality ignores
    the order of ``and`` and ``or`` and double complements, and finds no deeper equivalences.

    Attributes:
        name: The name, if it has one.
        source: The text as it was written.
        schema: The schema that its names refer to.
        references: The segments that it refers to by ``in segment``.
        traits: The traits that it uses.
        lists: The static lists that it refers to by ``in list``.
        title: A title for people.
        description: What it is, in a sentence or more.
        owner: Who is responsible for it.
        goal: What it is for.
        was: Its name before, of which a store goes on with the history.
    """

    was: str | None = field(default=None, kw_only=True)
    references: Mapping[str, Segment] = field(default=MappingProxyType({}), kw_only=True)
    traits: Mapping[str, Trait] = field(default=MappingProxyType({}), kw_only=True)
    lists: Mapping[str, KeyList] = field(default=MappingProxyType({}), kw_only=True)
    _checked: Checked = field(kw_only=True)

    @classmethod
    def define(  # noqa: PLR0913 - keywords, each of which says one thing
        cls,
        name: str | None,
        definition: Definition,
        schema: Schema,
        *,
        segments: Mapping[str, Segment] | Iterable[Segment] = (),
        traits: Mapping[str, Trait] | Iterable[Trait] = (),
        lists: Mapping[str, KeyList] | Iterable[KeyList] = (),
        title: str | None = None,
        description: str | None = None,
        owner: str | None = None,
        goal: str | None = None,
        was: str | None = None,
    ) -> Segment:
        """Read and check a definition.

        Args:
            name: The name of the segment.
            definition: The condition: a text in the language, or a tree of `segmentkit.expr`.
            schema: The schema that its names refer to.
            segments: Segments that ``in segment`` can refer to: by name, or as named segments.
            traits: Traits that it can use: by name, or as they are.
            lists: Static lists that ``in list`` can refer to: by name, or as they are.
            title: A title for people.
            description: What it is.
            owner: Who is responsible for it.
            goal: What it is for.
            was: Its name before, of which a store goes on with the history.

        Returns:
            The segment; look at its ``warnings`` too.

        Raises:
            SegmentSyntaxError: The text is not a definition, or no text gives the tree.
            SegmentTypeError: The definition does not fit the schema; has all mistakes.
            TypeError: The definition is neither a text nor a tree.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> Segment.define("grown-ups", "age>=18", people)
            Segment('grown-ups', 'age >= 18')
        """
        expect(schema, Schema, "Segment.define(name, definition, schema)")
        about: Any = {"title": title, "description": description, "owner": owner}
        about |= {"goal": goal, "was": was}
        given = by_name(segments, Segment), by_name(traits, Trait), by_name(lists, KeyList)
        if any(given) or type(definition) is not str or len(definition) > MAX_REMEMBERED:
            return segment_of(name, read(definition, schema), schema, given, about)
        tree, checked = _MEANINGS.get(schema, definition, partial(_meaning, definition, schema))
        return cls(name, definition, schema, **about, tree=tree, checked=checked)

    @classmethod
    def from_json(
        cls,
        data: str | bytes | dict[str, Any],
        schema: Schema,
        *,
        segments: Mapping[str, Segment] | Iterable[Segment] = (),
        traits: Mapping[str, Trait] | Iterable[Trait] = (),
        lists: Mapping[str, KeyList] | Iterable[KeyList] = (),
    ) -> Segment:
        """Read and check a segment in JSON, as `to_json` and `to_dict` write it.

        Args:
            data: JSON as text, or the values that a reader of JSON gave.
            schema: The schema that its names refer to.
            segments: Segments that it can refer to, as in `define`.
            traits: Traits that it can use.
            lists: Static lists that it can refer to.

        Returns:
            The segment. Its ``source`` is the canonical text.

        Raises:
            SegmentSyntaxError: It is not JSON, or not a segment; the place is a JSON pointer.
            SegmentTypeError: The definition does not fit the schema; has all mistakes.
        """
        expect(schema, Schema, "Segment.from_json(data, schema)")
        read, about = read_document(data, cls._key())
        given = by_name(segments, Segment), by_name(traits, Trait), by_name(lists, KeyList)
        with pointing(read, cls._key()):
            return segment_of(about.pop("name", None), read, schema, given, about)

    # -- what it says ---------------------------------------------------------------------------

    @cached_property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The checker's warnings about a valid definition; places are in ``source``."""
        return warnings_of(self._tree, self.schema, self._names, self.source)

    @cached_property
    def _names(self) -> Names:
        return _names(self.references, self.traits, self.lists)

    @property
    def parameters(self) -> Mapping[str, DType]:
        """The parameters that have no value yet, and their types."""
        return MappingProxyType(dict(self._checked.parameters))

    @cached_property
    def fingerprint(self) -> str:
        """A text that changes with all that could change whom the segment holds.

        It rests on the definition in its canonical form, the segments and traits that it refers
        to, the keys of its lists, its open parameters, the part of the schema that they name, the
        time zone and the version of the language. It does not rest on the segment's own name, on
        the spelling of the text, or on the process. Beside the instant and the state of the data
        it is a key for a cache.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> adult = Segment.define("adult", "age>=18", people)
            >>> adult.fingerprint == Segment.define("grown-up", "age >= 18", people).fingerprint
            True
        """
        return fingerprint(self)

    def _repr_html_(self) -> str:
        parts = [element("b", str(self.title or self.name))] if self.title or self.name else []
        parts += [element("p", self.description)] if self.description else []
        parts.append(
            element("pre", coloured(self.definition, inline=True), style="white-space: pre-wrap")
        )
        told = [as_written(warning.render(self.source)) for warning in self.warnings]
        return element("div", *parts, *told)

    # -- whom it holds --------------------------------------------------------------------------

    def matches(self, record: Mapping[str, Any], *, as_of: AsOf = None) -> bool:
        """Test whether one record is in the segment.

        Args:
            record: Attributes and links by name (a link's value is a record), relations as lists
                of records. A nullable attribute that is absent, None or NaN is missing.
            as_of: The instant; by default now. Without a zone, it is in the schema's zone.

        Returns:
            Whether it is in the segment; the answer is never unknown.

        Raises:
            DataError: The record does not fit the schema, or a parameter has no value.
            UnsupportedError: The answer depends on other records.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER, nullable=True)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> not_minor = Segment.define("not minor", "not (age < 18)", people)
            >>> not_minor.matches({"id": 7, "age": None})
            True
        """
        check_record(record)
        return bool(self.matcher(as_of=as_of)(record))

    def matcher(self, *, as_of: AsOf = None) -> Callable[[Mapping[str, Any]], bool]:
        """Compile the segment for many records.

        Args:
            as_of: The instant; by default now.

        Returns:
            A function of a record.

        Raises:
            DataError: A parameter has no value.
            UnsupportedError: The answer depends on other records.
        """
        return self._made_for(as_of, self._function)

    def explain(self, record: Mapping[str, Any], *, as_of: AsOf = None) -> Explanation:
        """Explain why one record is in the segment or not, clause by clause.

        Args:
            record: Attributes and links by name, relations as lists of records.
            as_of: The instant; by default now. Without a zone, it is in the schema's zone.

        Returns:
            The explanation: every clause with its verdict and the values behind it, and the
            fewest tests that would have to come out otherwise. Print it, or show it in a
            notebook.

        Raises:
            DataError: The record does not fit the schema, or a parameter has no value.
            UnsupportedError: The answer depends on other records.

        Example:
            >>> from segmentkit import INTEGER, TEXT, Attribute, Entity, Schema
            >>> attributes = [Attribute("age", INTEGER, True), Attribute("country", TEXT)]
            >>> people = Schema([Entity("people", key="id", attributes=attributes)])
            >>> adults = Segment.define("adults", 'age >= 18 and country in ("DK", "NO")', people)
            >>> print(adults.explain({"id": 7, "country": "NO"}, as_of=datetime(2026, 5, 1)))
            people 7: not in "adults", as of 2026-05-01 00:00:00 UTC
            ✗ all of
              ✗ age >= 18
                  age is missing
              ✓ country in ("DK", "NO")
                  country is "NO"
            <BLANKLINE>
            to be in, at least 1 test would have to come out otherwise:
              age >= 18 would have to hold
        """
        check_record(record)
        self._require_bound()
        self._refuse_others()
        instant = instant_of(as_of, self.schema)
        key = record.get(str(self.schema.entity.key))
        # Most programs ask who is in, and never why.
        from segmentkit._explaining.explain import OfRecord, explain, outline  # noqa: PLC0415

        return explain(self, outline(self), OfRecord(record, instant), key, instant)

    def _function(self, instant: datetime) -> Callable[[Mapping[str, Any]], bool]:
        return compile_record(bound_condition(self, instant, Target.RECORD), self.schema)

    # -- other segments from it -----------------------------------------------------------------

    def _about(self) -> dict[str, str | None]:
        return {**super()._about(), "was": self.was}

    def _uses(self) -> Iterable[Defined]:
        return (*self.references.values(), *self.traits.values())

    def _with(self, values: Mapping[str, Given], found: Mapping[int, Defined]) -> Segment:
        others: Any = {"lists": self.lists, **self._about()}
        others["segments"] = {name: found[id(each)] for name, each in self.references.items()}
        others["traits"] = {name: found[id(each)] for name, each in self.traits.items()}
        return Segment.define(self.name, self._substituted(values), self.schema, **others)

    def uncertain(self) -> Segment:
        """Everyone whose answer depends on a missing value.

        In three-valued logic, a test of a missing value is unknown; the segment holds everyone
        for whom the whole definition is unknown. So ``s & s.uncertain()`` are in, and
        ``s.uncertain() - s`` are out, only because a value is missing. Missing values in the rows
        of a relation do not count: there, such a row is left out.

        Returns:
            A segment, which every target can evaluate.

        Raises:
            DefinitionError: The definition becomes too long or too deep.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER, nullable=True)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> adults = Segment.define("adults", "age >= 18", people)
            >>> adults.uncertain().matches({"id": 7, "age": None})
            True
        """
        segments: list[Segment] = lowest_first(self, lambda each: each.references.values())
        text = format_tree(uncertain(combining.spelled_out(segments)))
        return Segment.define(None, text, self.schema, **_together(segments, _BESIDE))

    def __and__(self, other: object) -> Segment:
        return junction(None, t.And, [self, _segment(other)])

    def __or__(self, other: object) -> Segment:
        return junction(None, t.Or, [self, _segment(other)])

    def __sub__(self, other: object) -> Segment:
        return self & ~_segment(other)

    def __xor__(self, other: object) -> Segment:
        return (self - other) | (_segment(other) - self)

    def _refused(self, other: object) -> Segment:
        """Other things do not combine with segments, whichever side they are on."""
        return _segment(other)

    __rand__ = __ror__ = __rsub__ = __rxor__ = _refused
    # So that columns and arrays ask here, and not whether each of their items is a segment.
    __pandas_priority__ = 5_000
    __array_ufunc__ = None

    def __invert__(self) -> Segment:
        return complement(None, self)

    @property
    def _part(self) -> Part:
        return Part(self._made, self.definition, self._checked.condition)

    @cached_property
    def _size(self) -> int:
        """How many parts it has with its references written out."""
        return len(ir.walk(self._checked.condition))

    # -- as a value -----------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segment):
            return NotImplemented
        return self._checked.condition == other._checked.condition and self.schema == other.schema

    def __hash__(self) -> int:
        return hash(self._checked.condition)

    def __reduce__(self) -> tuple[Callable[..., Segment], tuple[object, ...]]:
        names = {kind: dict(referred(self)) for kind, referred in _REFERRED.items()}
        others = {"below": landmarks(self), **names, **self._about()}
        return _restore, (self.name, self.source, self.schema, others)


_Given: TypeAlias = tuple[Mapping[str, Segment], Mapping[str, Trait], Mapping[str, KeyList]]
_MEANINGS = Remembered()
"""What texts say that refer to nothing but their schema; trees never change."""


def _meaning(definition: str, schema: Schema) -> tuple[t.Expr, Checked]:
    tree = read(definition, schema).tree
    return tree, check(tree, schema, definition, Names())


def segment_of(
    name: str | None,
    read: Read,
    schema: Schema,
    given: _Given,
    about: Mapping[str, Any],
) -> Segment:
    """A segment of a definition that was read already; see `Segment.define`."""
    segments, traits, lists = given
    checked = read.meaning(lambda tree: check(tree, schema, read.text, _names(*given)))
    used = {other: segments[other] for other in references_in(read.tree)} if segments else {}
    referred: Any = {
        "references": of_one_schema(schema, used),
        "traits": of_one_schema(schema, {other: traits[other] for other in checked.traits}),
        "lists": MappingProxyType({other: lists[other] for other in checked.lists}),
    }
    made: Any = {"tree": read.tree, "placed": read.placed, "checked": checked}
    return Segment(name, read.text, schema, **referred, **about, **made)


def _restore(name: str | None, source: str, schema: Schema, others: dict[str, Any]) -> Segment:
    others.pop("below", None)
    return Segment.define(name, source, schema, **others)


def _names(
    segments: Mapping[str, Segment], traits: Mapping[str, Trait], lists: Mapping[str, KeyList]
) -> Names:
    return Names(
        CheckedOf(segments) if segments else {}, CheckedOf(traits) if traits else {}, lists
    )


def _segment(other: object) -> Segment:
    """What is combined with a segment: another one, or it is refused."""
    expect(other, Segment, "the algebra of segments")
    assert isinstance(other, Segment)
    return other


def joined(name: str | None, segments: list[Segment], tree: t.Expr) -> Segment:
    """A segment of a tree made from others' trees."""
    schema = _one_schema(segments)
    return Segment.define(name, format_tree(tree), schema, **_together(segments, _REFERRED))


def junction(name: str | None, kind: type[t.And | t.Or], segments: list[Segment]) -> Segment:
    """All of several segments, or any of them."""
    first = segments[0]
    if all(s._made == first._made and s == first for s in segments):
        about: dict[str, Any] = dict.fromkeys(first._about())
        return evolve(first, name=name, **about)
    made = combining.junction(kind, [segment._part for segment in segments])
    return _put_together(name, segments, made)


def complement(name: str | None, segment: Segment) -> Segment:
    """Everyone of the population who is not in the segment."""
    return _put_together(name, [segment], combining.complement(segment._part))


def _put_together(name: str | None, segments: list[Segment], made: Part) -> Segment:
    schema = _one_schema(segments)
    referred = _together(segments, _REFERRED)
    parameters = {n: dtype for s in segments for n, dtype in s._checked.parameters}
    agree = all(parameters[n] == dtype for s in segments for n, dtype in s._checked.parameters)
    size = 1 + sum(segment._size for segment in segments)
    if made.deep or not agree or len(made.text) > MAX_LENGTH or size > MAX_SIZE:
        # It may have to be refused, with a place in the text.
        return Segment.define(name, made.text, schema, **referred)
    traits, lists = tuple(referred["traits"]), tuple(referred["lists"])
    found = Segment(
        name,
        made.text,
        schema,
        references=MappingProxyType(referred["segments"]),
        traits=MappingProxyType(referred["traits"]),
        lists=MappingProxyType(referred["lists"]),
        tree=made.tree,
        placed=False,
        checked=Checked(made.condition, tuple(parameters.items()), traits, lists),
    )
    found.__dict__.update(definition=made.text, _size=size)
    return found


def _one_schema(segments: list[Segment]) -> Schema:
    schema = segments[0].schema
    if any(segment.schema != schema for segment in segments):
        raise SchemaError("the segments are of different schemas")
    return schema


_BESIDE: dict[str, Callable[[Segment], Mapping[str, Any]]] = {
    "traits": lambda segment: segment.traits,
    "lists": lambda segment: segment.lists,
}
_REFERRED = {"segments": lambda segment: segment.references, **_BESIDE}
"""What a segment refers to, by the names of the arguments that take it."""


def _together(
    segments: list[Segment], kinds: Mapping[str, Callable[[Segment], Mapping[str, Any]]]
) -> dict[str, Any]:
    """What several segments refer to, for a definition made of theirs."""
    names: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
    for segment in segments:
        for kind, referred in kinds.items():
            for name, each in referred(segment).items():
                known = names[kind].setdefault(name, each)
                if known is not each and known != each:
                    raise SchemaError(f"two different {kind} are referred to as {name!r}")
    return names


def bound_condition(segment: Segment, instant: datetime, target: Target) -> ir.Condition:
    """What a target computes: the segment's condition, normalized for an instant."""
    segment._require_bound()
    segment._refuse_unlowered(target)
    return normalize(segment._checked.condition, instant, segment.schema.zone)
