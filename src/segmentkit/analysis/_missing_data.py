"""What missing data does to a segment, and how much data a schema has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
from attrs import define, evolve, frozen

from segmentkit._checking.checker import value_of
from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._explaining.explain import every_test
from segmentkit._explaining.questions import Question
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.analysis._plot import bare, empty, labels_of, new_figure
from segmentkit.analysis._result import Result, moment, number, plural, share
from segmentkit.analysis._size_queries import Counting
from segmentkit.evaluation import Sizes
from segmentkit.schema import Attribute, Schema
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# -- of a segment -------------------------------------------------------------------------------


@frozen
class Gap:
    """What the missing values of one attribute or aggregate do to a segment.

    Attributes:
        value: The attribute or aggregate, in the language.
        missing: For how many of the population it is missing.
        in_only: How many members are in only because values are missing, this one among them.
        out_only: How many others are out only because values are missing, this one among them.
    """

    value: str
    missing: int
    in_only: int
    out_only: int


@define(frozen=True, slots=False)
class Gaps(Result):
    """How many people are in a segment, or out of it, only because a value is missing.

    Attributes:
        segment: The segment's name, if it has one.
        population: The number of everyone.
        size: How many members the segment has.
        in_only: How many of them are in only because a value is missing.
        out_only: How many others are out only because a value is missing.
        as_of: The instant of the answer, in UTC.
        gaps: The same by missing value; someone with several missing values is counted in each.
    """

    segment: str | None
    population: int
    size: int
    in_only: int
    out_only: int
    as_of: datetime
    gaps: tuple[Gap, ...]

    _formats: ClassVar = dict.fromkeys(("missing", "in only", "out only"), number)

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each value that can be missing."""
        rows = [(g.value, g.missing, g.in_only, g.out_only) for g in self.gaps]
        return pd.DataFrame(rows, columns=["value", "missing", "in only", "out only"])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What to do about it."""
        if not self.in_only and not self.out_only:
            if not self.gaps:
                return ("the definition rests on nothing that can be missing",)
            return ("whatever is missing, it makes no difference to anybody here",)
        if not self.gaps:
            return ("what is missing comes of a computation, such as a division by zero",)
        notes = []
        for gap in self.gaps:
            if gap.in_only:
                members = plural(gap.in_only, "member")
                notes.append(
                    f"{gap.value} is missing of {members} who may not belong: "
                    f"'and {gap.value} is present' leaves them out"
                )
            if gap.out_only:
                notes.append(
                    f"{gap.value} is missing of {localized(gap.out_only)} who may belong: allow "
                    f"'{gap.value} is missing' beside its test to take them in"
                )
        return tuple(notes)

    @property
    def _title(self) -> str:
        name = self.segment or "the segment"
        return (
            f"{name}: {localized(self.size)} of {localized(self.population)}, as of "
            f"{moment(self.as_of)}; only because something is missing, {localized(self.in_only)} "
            f"are in and {localized(self.out_only)} are out"
        )


def gaps(segment: Segment, source: Source, *, as_of: AsOf = None) -> Gaps:
    """Count who is in a segment, or out of it, only because a value is missing.

    These are the members, and the others, in `Segment.uncertain`: in three-valued logic, their
    answer would be unknown.

    Args:
        segment: The segment.
        source: The source of the population.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The counts, in total and by missing value.

    Raises:
        DataError: A parameter has no value.
        DefinitionError: The definition becomes too long.
        UnsupportedError: The source cannot compute a construct.
    """
    check_source(source)
    return gaps_counting(segment).of(source, utc_of(as_of, segment.schema))


def gaps_counting(segment: Segment) -> Counting[Gaps]:
    """Whom to count: who is in or out because something is missing, in all and by what it is."""
    segment._require_bound()
    unsure = segment.uncertain()
    groups = {"in": segment & unsure, "out": unsure - segment}
    asked = {"size": segment, **groups}
    values = list(_nullable(segment))
    for place, value in enumerate(values):
        missing = _missing(value)
        asked[f"missing {place}"] = missing
        asked |= {f"{name} {place}": group & missing for name, group in groups.items()}

    def read(sizes: Sizes, at: datetime) -> Gaps:
        found = tuple(
            Gap(value.text, *(sizes[f"{each} {i}"] for each in ("missing", "in", "out")))
            for i, value in enumerate(values)
        )
        told = (sizes["size"], sizes["in"], sizes["out"])
        return Gaps(segment.name, sizes.population, *told, at, found)

    return Counting(asked, read)


def _nullable(segment: Segment) -> Iterator[Question]:
    """The attributes and aggregates that can be missing and that tests rest on, each once."""
    seen: set[str] = set()
    for test in every_test(segment):
        assert test.test is not None
        if isinstance(test.test.tree, t.IsMissing):
            continue
        for reading in test.readings:
            question = reading.value
            if question.text not in seen and _is_gap(question):
                seen.add(question.text)
                yield question


def _is_gap(question: Question) -> bool:
    """Whether it is an attribute or an aggregate itself, not an expression of some or a trait."""
    if isinstance(question.tree, t.Name) and question.tree.parts[-1] in question.scope.traits:
        return False
    value = value_of(question.tree, question.scope.schema, question.scope.names)
    while isinstance(value, ir.ToFloat):
        value = value.operand
    return isinstance(value, ir.Column | ir.Aggregate | ir.Overall | ir.Standing) and value.nullable


def _missing(value: Question) -> Segment:
    text = format_tree(t.IsMissing(value.tree, False, t.NOWHERE))
    return Segment.define(None, text, value.scope.schema, traits=value.scope.traits)


# -- of a schema --------------------------------------------------------------------------------


@frozen
class Known:
    """How much is known of one attribute or relation.

    Attributes:
        name: The attribute, here or at the end of a link, or the relation.
        dtype: Its type; ``rows`` for a relation.
        present: How many people have the value, or a row of the relation.
        coverage: Their share of the population; None if the population is empty.
        timed: Whether it is a time, or has rows with a time.
        newest: The fewest days, of those in `AGES`, within which the newest value or row lies;
            None if it is older, or has no time.
    """

    name: str
    dtype: str
    present: int
    coverage: float | None
    timed: bool
    newest: int | None


AGES = (1, 7, 30, 90, 365)
"""How old, in days, the newest of something may be."""


@define(frozen=True, slots=False)
class Coverage(Result):
    """How much is known of every attribute and relation of a schema's entity, and how fresh it is.

    Attributes:
        entity: The name of the entity.
        population: How many there are.
        as_of: The instant of the answer, in UTC.
        known: The attributes and relations, in the schema's order.
    """

    entity: str
    population: int
    as_of: datetime
    known: tuple[Known, ...]

    _formats: ClassVar = {
        "present": number,
        "coverage": share,
        "newest within": lambda days: plural(int(days), "day"),
    }

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each attribute or relation."""
        rows = [(k.name, k.dtype, k.present, k.coverage, k.newest) for k in self.known]
        columns = ["name", "type", "present", "coverage", "newest within"]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What deserves attention."""
        if not self.population:
            return (f"there are no {self.entity}",)
        notes = []
        for each in self.known:
            rows = each.dtype == _ROWS
            if not each.present:
                told = "nobody has a row" if rows else "it is missing of everybody"
                notes.append(f"{each.name}: {told}, so definitions find nothing in it")
            elif rows and each.timed and each.newest is None:
                notes.append(f"{each.name}: no row in {AGES[-1]} days; was it loaded?")
        return tuple(notes)

    @property
    def _title(self) -> str:
        return f"{localized(self.population)} {self.entity}, as of {moment(self.as_of)}"

    def plot(self) -> Figure:
        """Draw how much is known of each.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        if not self.population or not self.known:
            return empty(self.notes[0] if self.notes else "the schema has no attributes")
        figure = new_figure(8, 1 + 0.3 * len(self.known), self._title)
        axes = figure.add_subplot()
        places = range(len(self.known))
        axes.barh(places, [1.0] * len(self.known), color="0.92")
        axes.barh(places, [each.coverage or 0 for each in self.known], color="C0")
        for place, each in zip(places, self.known, strict=True):
            axes.text(1.01, place, share(each.coverage), va="center")
        axes.set_yticks(places, labels_of(each.name for each in self.known))
        axes.invert_yaxis()
        axes.set_xlim(0, 1.12)
        axes.set_xticks([])
        bare(axes, "top", "right", "bottom")
        return figure


def coverage(schema: Schema, source: Source, *, as_of: AsOf = None) -> Coverage:
    """Count for how many people each attribute and relation is known, and how recent it is.

    This includes values in documents and attributes at the end of one link. The source counts
    everything.

    Args:
        schema: The schema.
        source: The source of the population.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The counts, and what deserves attention.

    Raises:
        UnsupportedError: The source cannot compute a construct.
    """
    check_source(source)
    return coverage_counting(schema).of(source, utc_of(as_of, schema))


def coverage_counting(schema: Schema) -> Counting[Coverage]:
    """Whom to count: of whom each thing is known, and known of late."""
    things = [*_attributes(schema), *_relations(schema)]
    asked = {"everyone": Segment.define(None, "true", schema)}
    for place, thing in enumerate(things):
        asked[f"{place}"] = Segment.define(None, format_tree(thing.there), schema)
        for days in AGES if thing.fresh else ():
            asked[f"{place} {days}"] = Segment.define(None, format_tree(thing.within(days)), schema)

    def read(sizes: Sizes, at: datetime) -> Coverage:
        known = []
        for place, thing in enumerate(things):
            ages = AGES if thing.fresh else ()
            newest = next((days for days in ages if sizes[f"{place} {days}"]), None)
            present = sizes[f"{place}"]
            part = present / sizes.population if sizes.population else None
            timed = thing.fresh is not None
            known.append(Known(thing.name, thing.dtype, present, part, timed, newest))
        return Coverage(schema.root, sizes.population, at, tuple(known))

    return Counting(asked, read)


_ROWS = "rows"


@frozen
class _Thing:
    """Something that is known of an entity or not.

    Attributes:
        name: In the language.
        dtype: Its type.
        there: The test that it is known.
        fresh: The test that it is of one of the last days, if it has a time; see `within`.
    """

    name: str
    dtype: str
    there: t.Expr
    fresh: t.InWindow | t.Call | None

    def within(self, days: int) -> t.Expr:
        """The test that it is of so many last days."""
        assert self.fresh is not None
        return evolve(self.fresh, window=t.Rolling("last", days, "day", t.NOWHERE))


def paths_of(schema: Schema) -> list[tuple[tuple[str, ...], Attribute]]:
    """Every attribute of the entity, in its documents and at the end of one link, and its path."""
    root = schema.entity
    paths: list[tuple[tuple[str, ...], Attribute]] = [((a.name,), a) for a in root.attributes]
    paths += [(a.path, a) for document in root.documents for a in document.attributes]
    for link in root.links:
        paths += [((link.name, a.name), a) for a in schema.named(link.to).attributes]
    return paths


def _attributes(schema: Schema) -> Iterator[_Thing]:
    for path, attribute in paths_of(schema):
        name = t.Name(path, t.NOWHERE)
        window = t.Rolling("last", 1, "day", t.NOWHERE)
        fresh = t.InWindow(name, window, False, t.NOWHERE) if attribute.dtype.is_time else None
        there = t.IsMissing(name, True, t.NOWHERE)
        yield _Thing(format_tree(name), str(attribute.dtype), there, fresh)


def _relations(schema: Schema) -> Iterator[_Thing]:
    for relation in schema.entity.relations:
        name = t.Name((relation.name,), t.NOWHERE)
        rows = t.Call("any", (name,), False, None, None, None, t.NOWHERE, t.NOWHERE)
        yield _Thing(format_tree(name), _ROWS, rows, rows if relation.at else None)
