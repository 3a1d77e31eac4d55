"""What must be true of definitions in a world, whatever they say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from attrs import define, field, frozen

from segmentkit import Segment, UnsupportedError
from segmentkit import sqlalchemy as sql
from segmentkit._planning import ir
from segmentkit.algebra import intersection
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.dialects.statement_sizes import told_if_too_complex, within_limits
from tests.property.printed import as_case
from tests.property.worlds import World
from tests.targets import CORE, TARGETS, Target, frames
from tests.targets.databases import INDEXED, VERIFIED

REFUSALS: Mapping[str, str] = {
    "one record knows nothing of others": r"^SK401 ",
    "a construct that the dialect's row refuses": r" cannot do '",
    "NUL in a text": r" cannot hold the character NUL$",
    "more digits than are sent": r" digits after the point at most$",
    "more digits than Spark's decimals have": r"^Spark cannot (?:compute|compare) .* exactly",
    "a lowering that is not there": r" has no lowering for ",
    "a clock looked up within a clock": r"^in SQL for .* what a clock shows has ",
    "a statement that is too large": r" takes at most .* in one statement, and this one has ",
}
"""Why a target may refuse a random definition, and how it says so; any other refusal is a bug."""

LOCAL_TIMES = "local times, nested deeper than SQLite's parser holds"
MORE_DIGITS = "more than the fifteen digits of SQLite's decimals"
"""What is not asked, because docs/targets.md does not promise it."""

DEFECTS: Mapping[str, Mapping[str, str]] = {
    "sail": {"a plan that Sail makes and then finds wrong": r"^Error during planning: "},
}
"""Errors of engines themselves that no SQL of ours avoids (docs/spark.md); they are counted."""

OF_THE_CORE = {"record": {"one record knows nothing of others"}}
"""The refusals of the targets that every run asks: none of the others refuses anything."""


@frozen
class Refused:
    """A target's answer to what it says it cannot compute."""

    by: str


def refusal(target: Target, error: UnsupportedError) -> str | None:
    """The named reason of a refusal; None where there is none that the target may have."""
    found = (name for name, says in REFUSALS.items() if re.search(says, str(error), re.DOTALL))
    reason = next(found, None)
    name = target.name.partition(",")[0]  # whatever its plans
    core = name in {each.name for each in CORE}
    return reason if not core or reason in OF_THE_CORE.get(name, ()) else None


def has_more_digits(segment: Segment, world: World) -> bool:
    """Whether exact arithmetic can meet integers that a float does not hold."""
    nodes = ir.walk(segment._checked.condition)
    if not any(isinstance(n, ir.Arithmetic) and n.dtype.kind is Kind.DECIMAL for n in nodes):
        return False
    constants = [n.value for n in nodes if isinstance(n, ir.Const)]
    stored = [v for rows in world.rows.values() for row in rows for v in row.values()]
    return any(isinstance(v, int) and abs(v) >= 10**15 for v in (*constants, *stored))


@define(eq=False)
class Disagreement(AssertionError):
    """Targets differ, or a law does not hold.

    Attributes:
        law: What should have been true.
        world: Where.
        segment: The segment that was asked for.
        expected: The keys that it should have had.
        answers: What each target said: keys, a refusal, or an error.
    """

    law: str
    world: World
    segment: Segment
    expected: list[Any]
    answers: Mapping[str, Any]

    def __str__(self) -> str:
        said = [
            f"{'  ' if answer in (self.expected, Refused(name)) else '! '}{name}: {answer}"
            for name, answer in self.answers.items()
        ]
        law = f"{self.law}: expected {self.expected}"
        return "\n".join([law, *said, "", as_case(self.world, self.segment, self.expected)])


def with_plans(targets: Sequence[Target], *, verified: bool = True) -> list[Target]:
    """The targets, and databases among them once more with other plans.

    PostgreSQL has an index on every column then; DuckDB, which takes many times as long at it,
    verifies its own plans, if that is wished.
    """
    names = [target.name for target in targets]
    indexed = [INDEXED] if "postgresql" in names else []
    return [*targets, *indexed, *([VERIFIED] if verified and "duckdb" in names else [])]


@define
class Checker:
    """Checks definitions in one world on all targets that can hold its rows.

    Attributes:
        world: The world.
        targets: Whom to ask; the first one says what is true.
        refused: How often each target refused, and for which reason.
        asked: How many questions each target answered.
    """

    world: World
    targets: Sequence[Target] = field(factory=lambda: with_plans(TARGETS))
    refused: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    asked: dict[str, int] = field(factory=dict, init=False)
    _known: dict[tuple[str, int], tuple[Segment, Any]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.targets = [t for t in self.targets if not t.lacks & self.world.hostile]
        if not any(target in CORE and target.family != "record" for target in self.targets):
            # Somebody must know of others and refuse nothing: frames hold any world.
            self.targets = [*self.targets, frames.TARGETS[0]]

    def answer(self, target: Target, segment: Segment) -> Any:
        """The sorted keys, a refusal, or the error that came instead; each is asked for once."""
        question = target.name, id(segment)
        if question not in self._known:
            self._known[question] = segment, self.asked_for(target, segment)
        return self._known[question][1]

    def asked_for(self, target: Target, segment: Segment) -> Any:
        """What a target answers now."""
        if not self.can_promise(target, segment):
            self.refused[target.name, MORE_DIGITS] += 1
            return Refused(target.name)
        try:
            found = sorted(target.members(segment, self.world.rows, self.world.as_of))
        except UnsupportedError as error:
            return self.refusal(target, error)
        except Exception as error:  # it is the answer of this target
            return self.defect(target, error)
        self.asked[target.name] = self.asked.get(target.name, 0) + 1
        return found

    def has_local_times(self) -> bool:
        """Whether a column keeps the local time of a zone."""
        return any(a.zone for e in self.world.schema.entities for a in e.attributes)

    def can_promise(self, target: Target, segment: Segment) -> bool:
        """Whether the documentation promises the target's answer."""
        return target.name != "sqlite" or not has_more_digits(segment, self.world)

    def refusal(self, target: Target, error: UnsupportedError) -> Refused | str:
        """A refusal for a named reason; another one is an error."""
        reason = refusal(target, error)
        if "too complex for SQLite (parser stack" in str(error) and self.has_local_times():
            reason = LOCAL_TIMES
        if reason is None:
            return f"{type(error).__name__}: {error}"
        self.refused[target.name, reason] += 1
        return Refused(target.name)

    def defect(self, target: Target, error: Exception) -> Refused | str:
        """An error of the engine's own that is known; another one is an answer, and wrong."""
        for reason, says in DEFECTS.get(target.name, {}).items():
            if re.search(says, str(error)):
                self.refused[target.name, reason] += 1
                return Refused(target.name)
        return f"{type(error).__name__}: {error}"

    def expect(self, law: str, segment: Segment, expected: set[Any]) -> None:
        """All targets answer what is expected."""
        wanted = sorted(expected)
        answers = {t.name: self.answer(t, segment) for t in self.targets}
        if any(a not in (wanted, Refused(name)) for name, a in answers.items()):
            raise Disagreement(law, self.world, segment, wanted, answers)

    def agree(self, segment: Segment) -> set[Any]:
        """All targets agree."""
        expected = self.truth(segment)
        self.expect("all targets agree", segment, expected)
        return expected

    def complement(self, segment: Segment, members: set[Any]) -> None:
        """The complement has exactly everyone else."""
        others = self.world.everyone - members
        self.expect("the complement has everyone else", ~segment, others)

    def truth(self, segment: Segment) -> set[Any]:
        """What the first target says that can: one record knows nothing of the others."""
        answers = (self.answer(target, segment) for target in self.targets)
        found = next((a for a in answers if not isinstance(a, Refused)), "nobody answers")
        if not isinstance(found, list):
            raise Disagreement("an answer", self.world, segment, [], {"first": found})
        return set(found)

    def counted(self, segment: Segment, expected: int) -> None:
        """In a database ``WHERE p`` keeps as many rows as ``SUM(CASE WHEN p …)`` counts."""
        for target in self.targets:
            if target.loaded is None or not self.can_promise(target, segment):
                continue
            with target.loaded(segment.schema, self.world.rows) as (connection, metadata):
                root = metadata.tables[segment.schema.entity.table]
                try:
                    test = sql.predicate(segment, root, as_of=self.world.as_of)
                    # Some engines refuse a sub-query that looks out of an aggregate's brackets.
                    ones = sa.select(sa.case((test, 1), else_=0).label("one")).select_from(root)
                    total = sa.func.sum(ones.subquery().c.one)
                    told = told_if_too_complex(connection.dialect)
                    with within_limits(connection), told:
                        found = connection.scalar(sa.select(sa.func.coalesce(total, 0)))
                except UnsupportedError as error:
                    found = self.refusal(target, error)
            if found not in (expected, Refused(target.name)):
                law = f"{expected} rows are counted by SUM(CASE WHEN …)"
                raise Disagreement(law, self.world, segment, [], {target.name: found})

    def law(self, name: str, segments: Sequence[Segment], members: Sequence[set[Any]]) -> None:
        """One law of sets holds."""
        build, says = LAWS[name]
        self.expect(name, build(*segments), says(self.world.everyone, *members))

    def pivot(self, key: Any, leaves: Sequence[Segment]) -> None:
        """Tests that all hold of one person, and'ed together, find that person everywhere.

        Each leaf is taken as it is, or its complement, whichever holds of the person in plain
        Python.
        """
        rectified = [leaf if key in self.truth(leaf) else ~leaf for leaf in leaves]
        segment = intersection(None, *rectified)
        for target in self.targets:
            found = self.answer(target, segment)
            if not isinstance(found, Refused) and not (isinstance(found, list) and key in found):
                law = f"{key!r} is a member"
                raise Disagreement(law, self.world, segment, [key], {target.name: found})


Build = Callable[[Segment, Segment, Segment], Segment]
Says = Callable[[set[Any], set[Any], set[Any], set[Any]], set[Any]]

LAWS: Mapping[str, tuple[Build, Says]] = {
    "intersection": (lambda a, b, c: a & b & c, lambda u, a, b, c: a & b & c),
    "union": (lambda a, b, c: a | b | c, lambda u, a, b, c: a | b | c),
    "difference": (lambda a, b, c: a - b - c, lambda u, a, b, c: a - b - c),
    "symmetric difference": (lambda a, b, c: a ^ b, lambda u, a, b, c: a ^ b),
    "De Morgan, of and": (lambda a, b, c: ~(a & b), lambda u, a, b, c: (u - a) | (u - b)),
    "De Morgan, of or": (lambda a, b, c: ~(a | b), lambda u, a, b, c: (u - a) & (u - b)),
    "double complement": (lambda a, b, c: ~(~a & b), lambda u, a, b, c: a | (u - b)),
    "absorption": (lambda a, b, c: a & (a | b), lambda u, a, b, c: a),
    "distribution of and": (lambda a, b, c: a & (b | c), lambda u, a, b, c: (a & b) | (a & c)),
    "distribution of or": (lambda a, b, c: a | (b & c), lambda u, a, b, c: (a | b) & (a | c)),
    "nobody": (lambda a, b, c: a & ~a, lambda u, a, b, c: set()),
    "everybody": (lambda a, b, c: a | ~a, lambda u, a, b, c: u),
}
"""A segment of three, and the members that it must have by those of the three."""
