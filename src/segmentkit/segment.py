"""A segment: a named set of customers, and the algebra of such sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any

from attrs import define, evolve, field

from segmentkit import _ast as t
from segmentkit import _ir as ir
from segmentkit._certain import uncertain, written_out
from segmentkit._check import Checked, check, warnings_of
from segmentkit._coercion import article, literal_dtype
from segmentkit._diagnostics import Diagnostic, Span, diagnostic, did_you_mean
from segmentkit._format import format_tree, format_value
from segmentkit._normalize import normalize
from segmentkit._parser import parse
from segmentkit._record import compile_record
from segmentkit._time import first_instant, to_utc
from segmentkit.dtypes import DType
from segmentkit.errors import (
    DataError,
    SchemaError,
    SegmentSyntaxError,
    SegmentTypeError,
    UnsupportedError,
)
from segmentkit.schema import Schema

Constant = bool | int | float | Decimal | str | date | datetime
AsOf = datetime | date | None


@define(frozen=True, slots=False, eq=False, repr=False)
class Segment:
    """A set of customers, given by a definition that a schema makes sense of.

    Make one with `Segment.define`, from a `Catalog`, or from other segments by ``& | - ^ ~``.
    Segments are values: they do not change, compare equal when they mean the same by structure
    (whatever their names and spelling), hash, and pickle. Equality knows the order-free laws of
    ``and`` and ``or`` and double complements; it does not search for deeper equivalences.

    Attributes:
        name: What it is called, if anything.
        source: The text as it was written.
        schema: What the names in it refer to.
        references: The segments that ``in segment`` names.
        title: A title for people.
        description: What it is, in a sentence or more.
        owner: Who answers for it.
        goal: What it is for.
    """

    name: str | None
    source: str
    schema: Schema
    references: Mapping[str, Segment] = field(factory=dict)
    title: str | None = None
    description: str | None = None
    owner: str | None = None
    goal: str | None = None
    _tree: t.Expr = field(kw_only=True)
    _checked: Checked = field(kw_only=True)
    _matcher: tuple[datetime, Callable[[Mapping[str, Any]], bool]] | None = field(
        init=False, default=None
    )

    @classmethod
    def define(
        cls,
        name: str | None,
        definition: str,
        schema: Schema,
        *,
        segments: Mapping[str, Segment] | Iterable[Segment] = (),
        title: str | None = None,
        description: str | None = None,
        owner: str | None = None,
        goal: str | None = None,
    ) -> Segment:
        """Read and check a definition.

        Args:
            name: What to call the segment.
            definition: The condition, in the language.
            schema: What its names refer to.
            segments: What ``in segment`` can refer to: by name, or as named segments.
            title: A title for people.
            description: What it is.
            owner: Who answers for it.
            goal: What it is for.

        Returns:
            The segment; its ``warnings`` tell what may surprise.

        Raises:
            SegmentSyntaxError: The text is not a definition.
            SegmentTypeError: The definition does not fit the schema; carries every mistake.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> Segment.define("grown-ups", "age>=18", people)
            Segment('grown-ups', 'age >= 18')
        """
        if not isinstance(segments, Mapping):
            segments = {s.name: s for s in segments if s.name is not None}
        tree = parse(definition)
        checked = check(tree, schema, definition, _CheckedOf(segments))
        used = {other: segments[other] for other in t.references_in(tree)} if segments else {}
        for other, segment in used.items():
            if segment.schema != schema:
                raise SchemaError(f"segment {other!r} is of a different schema")
        about = {"title": title, "description": description, "owner": owner, "goal": goal}
        return cls(
            name, definition, schema, MappingProxyType(used), **about, tree=tree, checked=checked
        )

    # -- what it says ---------------------------------------------------------------------------

    @property
    def definition(self) -> str:
        """The definition in its canonical form; defining it again gives an equal segment."""
        return format_tree(self._tree)

    @cached_property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the checker says of a definition that stands; places are in ``source``."""
        known = {name: segment._checked for name, segment in self.references.items()}
        return warnings_of(self._tree, self.schema, known)

    @property
    def parameters(self) -> Mapping[str, DType]:
        """The parameters that have no value yet, and their types."""
        return MappingProxyType(dict(self._checked.parameters))

    def __str__(self) -> str:
        return self.definition

    def __repr__(self) -> str:
        return f"Segment({self.name!r}, {self.definition!r})"

    # -- whom it holds --------------------------------------------------------------------------

    def matches(self, record: Mapping[str, Any], *, as_of: AsOf = None) -> bool:
        """Say whether one record is in the segment.

        Args:
            record: Attributes and links by name (a link's value is a record), relations as lists
                of records. A nullable attribute that is absent, None or NaN is missing.
            as_of: The instant to ask about; by default now. Without a zone, in the schema's.

        Returns:
            Whether it is; there is no unknown.

        Raises:
            DataError: The record is not what the schema says, or a parameter has no value.
            UnsupportedError: The answer depends on other records.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER, nullable=True)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> not_minor = Segment.define("not minor", "not (age < 18)", people)
            >>> not_minor.matches({"id": 7, "age": None})
            True
        """
        if not isinstance(record, Mapping):
            raise DataError(
                f"a record is a mapping of names to values, not {type(record).__name__}"
            )
        return self.matcher(as_of=as_of)(record)

    def matcher(self, *, as_of: AsOf = None) -> Callable[[Mapping[str, Any]], bool]:
        """Compile the segment for many records.

        Args:
            as_of: The instant to ask about; by default now.

        Returns:
            A function of a record.

        Raises:
            DataError: A parameter has no value.
            UnsupportedError: The answer depends on other records.
        """
        instant = instant_of(as_of, self.schema)
        # One reading and one assignment of one tuple: threads see either the old pair or the new.
        known = self._matcher
        if known is not None and known[0] == instant:
            return known[1]
        condition = bound_condition(self, instant)
        self._refuse_others()
        compiled = compile_record(condition, self.schema)
        object.__setattr__(self, "_matcher", (instant, compiled))
        return compiled

    def _refuse_others(self) -> None:
        """Make sure that nothing here needs other records than one."""
        for node in t.every(self._tree):
            if isinstance(node, t.Ranked) or (
                isinstance(node, t.Call) and (node.among is not None or node.name == "ntile")
            ):
                raise UnsupportedError(diagnostic("SK401", node.span).render(self.source))
        for segment in self.references.values():
            segment._refuse_others()

    # -- other segments from it -----------------------------------------------------------------

    def bind(self, /, **values: Constant) -> Segment:
        """Give parameters their values.

        Args:
            **values: By name; the types must be those in ``parameters``.

        Returns:
            The segment with the values written out.

        Raises:
            SegmentTypeError: A name is unknown or a value has the wrong type.
        """
        self.check_values(values)
        return bound_together([self], values)[id(self)]

    def check_values(self, values: Mapping[str, object]) -> None:
        """Make sure that values fit the parameters, without binding them.

        Args:
            values: By name.

        Raises:
            SegmentTypeError: A name is unknown or a value has the wrong type.
        """
        problems = [p for p in (self._unfit(n, v) for n, v in values.items()) if p is not None]
        if problems:
            raise SegmentTypeError(problems, self.source)

    def _with(self, values: Mapping[str, Constant], references: dict[str, Segment]) -> Segment:
        """The segment with values that are known to fit, and with references that have them."""
        literals = {n: t.Literal(_exact(v), t.NOWHERE) for n, v in values.items()}
        text = format_tree(t.substitute(self._tree, literals))
        bound = Segment.define(self.name, text, self.schema, segments=references)
        return evolve(
            bound,
            title=self.title,
            description=self.description,
            owner=self.owner,
            goal=self.goal,
        )

    def _unfit(self, name: str, value: object) -> Diagnostic | None:
        place = t.place_of(self._tree, name)
        if name not in self.parameters:
            return diagnostic("SK119", place, name=name, hint=did_you_mean(name, self.parameters))
        expected = self.parameters[name]
        if not isinstance(value, Constant):
            shown = {"article": "a", "family": type(value).__name__}
        else:
            dtype = literal_dtype(value)
            if dtype.family == expected.family or (dtype.is_time and expected.is_time):
                return _unwritable(value, place)
            shown = article(dtype)
        takes = f"a {expected.family}"
        return diagnostic(
            "SK121", place, name=name, expected=takes, value=f"{value!r:.60}", **shown
        )

    def _about(self) -> dict[str, str | None]:
        return {
            "title": self.title,
            "description": self.description,
            "owner": self.owner,
            "goal": self.goal,
        }

    def uncertain(self) -> Segment:
        """Everyone whose answer rests on something that is missing.

        The definition is asked again in three-valued logic, where a test of a missing value is
        unknown; the segment holds those of whom the whole is unknown. So ``s & s.uncertain()``
        are in, and ``s.uncertain() - s`` are out, only because something is missing. What is
        missing in the rows of a relation does not count: there such a row is left out.

        Returns:
            A segment, for every target.

        Raises:
            DefinitionError: The definition becomes too long or too deep that way.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER, nullable=True)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> adults = Segment.define("adults", "age >= 18", people)
            >>> adults.uncertain().matches({"id": 7, "age": None})
            True
        """
        return joined(None, [self], uncertain(self._tree, self._reference_trees()))

    def _reference_trees(self) -> dict[str, t.Expr]:
        return {
            name: written_out(s._tree, s._reference_trees()) for name, s in self.references.items()
        }

    def named(self, name: str | None) -> Segment:
        """The same set under another name."""
        return evolve(self, name=name)

    def __and__(self, other: object) -> Segment:
        return _combined(self, other, lambda a, b: t.And((a, b), t.NOWHERE))

    def __or__(self, other: object) -> Segment:
        return _combined(self, other, lambda a, b: t.Or((a, b), t.NOWHERE))

    def __sub__(self, other: object) -> Segment:
        return _combined(self, other, lambda a, b: t.And((a, t.Not(b, t.NOWHERE)), t.NOWHERE))

    def __xor__(self, other: object) -> Segment:
        return _combined(self, other, _either)

    def __invert__(self) -> Segment:
        return complement(None, self)

    # -- as a value -----------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segment):
            return NotImplemented
        return self._checked.condition == other._checked.condition and self.schema == other.schema

    def __hash__(self) -> int:
        return hash(self._checked.condition)

    def __reduce__(self) -> tuple[Callable[..., Segment], tuple[object, ...]]:
        parts = (self.name, self.source, self.schema, dict(self.references), self._about())
        return _restore, parts


def _restore(
    name: str | None,
    source: str,
    schema: Schema,
    references: dict[str, Segment],
    about: dict[str, str | None],
) -> Segment:
    return Segment.define(name, source, schema, segments=references, **about)


class _CheckedOf(Mapping[str, Checked]):
    """What segments mean, by name, looked at only where it is asked for."""

    def __init__(self, segments: Mapping[str, Segment]) -> None:
        self.segments = segments

    def __getitem__(self, name: str) -> Checked:
        return self.segments[name]._checked

    def __iter__(self) -> Iterator[str]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self.segments)


def bound_together(
    segments: Iterable[Segment], values: Mapping[str, Constant]
) -> dict[int, Segment]:
    """Segments and all that they refer to with values; each is bound once.

    Args:
        segments: The segments.
        values: Values of parameters, known to fit; each goes where it has a place.

    Returns:
        The bound segments by the ``id`` of what they were made from.
    """
    found: dict[int, Segment] = {}
    stack = list(segments)
    while stack:
        segment = stack[-1]
        waiting = [s for s in segment.references.values() if id(s) not in found]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if id(segment) not in found:
            own = {name: value for name, value in values.items() if name in segment.parameters}
            references = {name: found[id(s)] for name, s in segment.references.items()}
            found[id(segment)] = segment._with(own, references) if own else segment
    return found


def _either(a: t.Expr, b: t.Expr) -> t.Expr:
    only_a = t.And((a, t.Not(b, t.NOWHERE)), t.NOWHERE)
    only_b = t.And((b, t.Not(a, t.NOWHERE)), t.NOWHERE)
    return t.Or((only_a, only_b), t.NOWHERE)


def _combined(left: Segment, right: object, join: Callable[[t.Expr, t.Expr], t.Expr]) -> Segment:
    if not isinstance(right, Segment):
        return NotImplemented  # type: ignore[no-any-return]
    return joined(None, [left, right], join(left._tree, right._tree))


def joined(name: str | None, segments: list[Segment], tree: t.Expr) -> Segment:
    """A segment of a tree made from others' trees."""
    schema = segments[0].schema
    known: dict[str, Segment] = {}
    for segment in segments:
        if segment.schema != schema:
            raise SchemaError("the segments are of different schemas")
        for other, reference in segment.references.items():
            if known.setdefault(other, reference) != reference:
                raise SchemaError(f"two different segments are referred to as {other!r}")
    return Segment.define(name, format_tree(tree), schema, segments=known)


def complement(name: str | None, segment: Segment) -> Segment:
    """Everyone of the population who is not in the segment.

    Args:
        name: What to call the result.
        segment: Whom to leave out.

    Returns:
        The complement.
    """
    tree = segment._tree
    inner = tree.operand if isinstance(tree, t.Not) else t.Not(tree, t.NOWHERE)
    return joined(name, [segment], inner)


def format_definition(text: str) -> str:
    """Write a definition in its canonical form, without a schema.

    Args:
        text: A definition.

    Returns:
        The canonical text, on one line; comments are gone.

    Raises:
        SegmentSyntaxError: The text is not a definition.

    Example:
        >>> format_definition("Country IN ('UA','PL')  AND NOT vip")
        'Country in ("UA", "PL") and not vip'
    """
    return format_tree(parse(text))


def instant_of(as_of: AsOf, schema: Schema) -> datetime:
    """The instant that a caller asks about, naive, in UTC; now if none is given."""
    if as_of is None:
        return datetime.now(UTC).replace(tzinfo=None)
    if isinstance(as_of, datetime):
        return to_utc(as_of, schema.zone)
    if isinstance(as_of, date):
        return first_instant(as_of, schema.zone)
    raise TypeError(f"as_of must be a datetime or a date, not {type(as_of).__name__}")


def bound_condition(segment: Segment, instant: datetime) -> ir.Condition:
    """What a target computes: the segment's condition, normalized for an instant.

    Raises:
        DataError: A parameter has no value.
    """
    if segment.parameters:
        names = ", ".join(f":{name}" for name in segment.parameters)
        raise DataError(f"{segment.name or 'the segment'} has no value for {names}; call bind()")
    return normalize(segment._checked.condition, instant, segment.schema.zone)


def _exact(value: Constant) -> bool | int | Decimal | str | date | datetime:
    """A value as a definition can write it, of the plain types of Python."""
    match value:
        case bool():
            return value
        case int():
            return int(value)
        case float():
            return Decimal(repr(float(value)))
        case str():
            return str.__str__(value)
        case datetime():
            plain = datetime.combine(value.date(), value.time(), value.tzinfo)
            offset = plain.utcoffset()
            # Definitions write offsets in whole minutes.
            odd = offset is not None and offset % timedelta(minutes=1)
            return plain.astimezone(UTC) if odd else plain
        case _:
            return value


def _unwritable(value: Constant, place: Span) -> Diagnostic | None:
    """Why a value of the right type cannot stand in a definition, if it cannot."""
    if isinstance(value, datetime) and value != value:
        return diagnostic("SK010", place, text=value)
    if isinstance(value, float | Decimal) and not Decimal(value).is_finite():
        return diagnostic("SK013", place)
    try:
        parse(format_value(_exact(value)))
    except SegmentSyntaxError as error:
        return evolve(error.diagnostics[0], span=place)
    return None
