"""A partition: ordered segments, first match wins, and everyone is in exactly one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NoReturn

from attrs import evolve, field, frozen

from segmentkit._checking.binding import Given
from segmentkit._definition import (
    AsOf,
    Defined,
    bound_together,
    check_record,
    frozen_mapping,
)
from segmentkit._diagnostics.diagnostic import Diagnostic, Span, diagnostic
from segmentkit._html import table
from segmentkit.dtypes import DType
from segmentkit.errors import SchemaError, SegmentTypeError
from segmentkit.schema import Schema
from segmentkit.segment import Segment


@frozen(eq=False)
class Partition:
    """Segments in order: everyone belongs to the first that holds them, or to the rest.

    Make one with `Partition.define`, or take it from a `Catalog`.

    Attributes:
        name: The name of the partition.
        parts: The segments by their labels, in order; each as if it stood alone.
        rest: The label of everyone who is in none of them.
        title: A title for people.
        description: What it is.
        owner: Who is responsible for it.
    """

    name: str
    parts: Mapping[str, Segment] = field(converter=frozen_mapping)
    rest: str
    title: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    owner: str | None = field(default=None, kw_only=True)

    @classmethod
    def define(
        cls,
        name: str,
        parts: Iterable[Segment] | Mapping[str, Segment],
        *,
        rest: str,
        title: str | None = None,
        description: str | None = None,
        owner: str | None = None,
    ) -> Partition:
        """Put segments in order.

        Args:
            name: The name of the partition.
            parts: The segments, in order: the first takes its members first. Their names are the
                labels, unless you give other labels in a mapping.
            rest: The label of everyone else.
            title: A title for people.
            description: What it is.
            owner: Who is responsible for it.

        Returns:
            The partition.

        Raises:
            SegmentTypeError: Two parts have the same label, or the rest has the label of a part.
            SchemaError: The segments are of different schemas.
            ValueError: There are no parts, or one of them has no name.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER, nullable=True)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> minor = Segment.define("minor", "age < 18", people)
            >>> young = Segment.define("young", "age < 30", people)
            >>> ages = Partition.define("ages", [minor, young], rest="others")
            >>> [ages.of({"id": 1, "age": age}) for age in (7, 20, 50, None)]
            ['minor', 'young', 'others', 'others']
        """
        if not isinstance(parts, Mapping):
            parts = list(parts)
            nameless = [part for part in parts if part.name is None]
            if nameless:
                raise ValueError(f"a part needs a name: {nameless[0]!r}")
            labels = [str(part.name) for part in parts]
            if problems := repeated([*labels, rest]):
                raise SegmentTypeError(problems, order_of([*labels, rest])[0])
            parts = dict(zip(labels, parts, strict=True))
        elif problems := repeated([*parts, rest]):
            raise SegmentTypeError(problems, order_of([*parts, rest])[0])
        return cls(name, parts, rest, title=title, description=description, owner=owner)

    def __attrs_post_init__(self) -> None:
        if not self.parts:
            raise ValueError("a partition needs at least one part")
        if any(part.schema != self.schema for part in self.parts.values()):
            raise SchemaError("the parts of a partition must be of one schema")

    @property
    def schema(self) -> Schema:
        """The schema of the parts."""
        return next(iter(self.parts.values())).schema

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in order; the last is that of the rest."""
        return (*self.parts, self.rest)

    @property
    def parameters(self) -> Mapping[str, DType]:
        """The parameters of the parts that have no value yet, and their types."""
        found = {n: dtype for part in self.parts.values() for n, dtype in part.parameters.items()}
        return MappingProxyType(found)

    def bind(self, /, **values: Given) -> Partition:
        """Give values to the parameters of the parts.

        Args:
            **values: By name.

        Returns:
            The partition with the values written out.

        Raises:
            SegmentTypeError: A name is unknown, or a value has the wrong type or is not listed.
            SegmentSyntaxError: The definition becomes too long with the values.
        """
        known = self.parameters
        for part in self.parts.values():
            part.check_values(
                {n: v for n, v in values.items() if n in part.parameters or n not in known}
            )
        return self._with(bound_together(self.parts.values(), values))

    def _with(self, found: Mapping[int, Defined]) -> Partition:
        parts: Any = {label: found[id(part)] for label, part in self.parts.items()}
        return evolve(self, parts=parts)

    def of(self, record: Mapping[str, Any], *, as_of: AsOf = None) -> str:
        """The label of one record.

        Args:
            record: Attributes and links by name, relations as lists of records.
            as_of: The instant; by default now. Without a zone, it is in the schema's zone.

        Returns:
            The label of the first part that holds the record, or that of the rest.

        Raises:
            DataError: The record does not fit the schema, or a parameter has no value.
        """
        check_record(record)
        return self.labeller(as_of=as_of)(record)

    def labeller(self, *, as_of: AsOf = None) -> Callable[[Mapping[str, Any]], str]:
        """Compile the partition for many records.

        Args:
            as_of: The instant; by default now.

        Returns:
            A function of a record.

        Raises:
            DataError: A parameter has no value.
        """
        tests = [(label, part.matcher(as_of=as_of)) for label, part in self.parts.items()]

        def label_of(record: Mapping[str, Any]) -> str:
            return next((label for label, holds in tests if holds(record)), self.rest)

        return label_of

    def __bool__(self) -> NoReturn:
        raise TypeError("a partition is neither true nor false: ask of one record by of(record)")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Partition):
            return NotImplemented
        mine, theirs = list(self.parts.items()), list(other.parts.items())
        return mine == theirs and self.rest == other.rest

    def __hash__(self) -> int:
        return hash((tuple(self.parts.items()), self.rest))

    def __reduce__(self) -> tuple[Callable[..., Partition], tuple[Any, ...]]:
        about = {"title": self.title, "description": self.description, "owner": self.owner}
        return _restore, (self.name, dict(self.parts), self.rest, about)

    def __str__(self) -> str:
        return f"{self.name}: {order_of(self.labels)[0]}"


def _restore(
    name: str, parts: dict[str, Segment], rest: str, about: dict[str, str | None]
) -> Partition:
    return Partition(name, parts, rest, **about)


def order_of(labels: Iterable[str]) -> tuple[str, list[Span]]:
    """The order of a partition as a text that diagnostics point into, and where each label is."""
    text, places = "", []
    for label in labels:
        text += " > " if text else ""
        places.append(Span(len(text), len(text) + len(label)))
        text += label
    return text, places


def repeated(labels: list[str]) -> list[Diagnostic]:
    """What there is to say of labels that occur twice."""
    _, places = order_of(labels)
    return [
        diagnostic("SK147", place, name=label)
        for number, (label, place) in enumerate(zip(labels, places, strict=True))
        if label in labels[:number]
    ]


# -- audit ----------------------------------------------------------------------------------------


@frozen
class PartAudit:
    """The members that one part of a partition has, and those that it lost.

    Attributes:
        label: Its label.
        alone: How many members its definition has alone.
        got: How many members it has in the partition.
        lost: How many members each earlier part took from it, by label, if it took any.
    """

    label: str
    alone: int
    got: int
    lost: Mapping[str, int]


@frozen
class Audit:
    """How many members each part of a partition would have alone, and which parts took some.

    Attributes:
        partition: The partition's name.
        as_of: The instant of the answer, in UTC.
        parts: The parts in order, the rest last.
    """

    partition: str
    as_of: datetime
    parts: tuple[PartAudit, ...]

    @property
    def population(self) -> int:
        """The number of everyone in all parts."""
        return sum(part.got for part in self.parts)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        rows = (
            (part.label, f"{part.alone:,}", f"{part.got:,}", _taken(part)) for part in self.parts
        )
        return table(("part", "alone", "got", "lost to"), rows, ("alone", "got"))

    def __str__(self) -> str:
        width = max(len("part"), *(len(part.label) for part in self.parts))
        lines = [f"{'part':{width}} {'alone':>9} {'got':>9}  lost to"]
        for part in self.parts:
            line = f"{part.label:{width}} {part.alone:>9,} {part.got:>9,}  {_taken(part)}"
            lines.append(line.rstrip())
        return "\n".join(lines)


def _taken(part: PartAudit) -> str:
    return ", ".join(f"{label} {count:,}" for label, count in part.lost.items())


def audit_of(
    partition: Partition, counts: Iterable[tuple[tuple[bool, ...], int]], as_of: datetime
) -> Audit:
    """Make an audit from the number of people in each combination of parts.

    Args:
        partition: The partition.
        counts: For each combination that occurs, whether it is in each part, and its number.
        as_of: The instant of the answer.
    """
    labels = partition.labels
    alone = dict.fromkeys(labels, 0)
    got = dict.fromkeys(labels, 0)
    lost: dict[str, dict[str, int]] = {label: {} for label in labels}
    for held, count in counts:
        taken = [label for label, holds in zip(labels, held, strict=False) if holds]
        first, *others = taken or [partition.rest]
        got[first] += count
        for label in (first, *others):
            alone[label] += count
        for label in others:
            lost[label][first] = lost[label].get(first, 0) + count
    parts = tuple(
        PartAudit(
            label,
            alone[label],
            got[label],
            MappingProxyType({by: lost[label][by] for by in labels if by in lost[label]}),
        )
        for label in labels
    )
    return Audit(partition.name, as_of, parts)
