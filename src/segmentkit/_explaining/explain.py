"""Definition → its clauses as questions; answers → an explanation.

What is asked about each test is decided here. Who answers is not: a record in plain Python, or a
source of which the same is asked as sizes of segments and values of traits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from attrs import evolve, frozen

from segmentkit._calendar import in_zone
from segmentkit._checking.checker import coordinates_of, is_list, value_of
from segmentkit._checking.context import Names
from segmentkit._checking.memberships import counted
from segmentkit._explaining.minimal_changes import (
    Formula,
    Junction,
    Leaf,
    Opposite,
    Tally,
    fewest_changes,
)
from segmentkit._explaining.questions import Explained, Question, Scope
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._language.parser import parse
from segmentkit._language.three_valued import rests_on
from segmentkit._planning import ir
from segmentkit._record.compiler import compile_record
from segmentkit.dtypes import TEXTS, VERSION
from segmentkit.explanation import Clause, Explanation, Fact, Joined
from segmentkit.functions import AGGREGATES
from segmentkit.schema import Schema
from segmentkit.trait import as_python


@frozen(eq=False)
class Reading:
    """A value to be told of.

    Attributes:
        value: The value.
        rows: Of an aggregate, counts of the rows that it is made of.
        listed: Of a list of texts: whether it is missing, and each text that a test looks for,
            with the condition that it is there. No target gives the list itself.
        branches: The conditions of a case, and what its fact says where each is the first to hold
            and where none does.
    """

    value: Question
    rows: tuple[Question, ...] = ()
    listed: tuple[Question, Mapping[str, Question]] | None = None
    branches: tuple[tuple[Question, ...], tuple[str, ...]] = ((), ())

    def conditions(self) -> Iterator[Question]:
        """What is asked about it that holds or does not."""
        if self.listed is not None:
            missing, texts = self.listed
            yield from (missing, *texts.values())
        yield from self.branches[0]


@frozen(eq=False)
class Outline:
    """A clause before anybody has answered.

    A test has a question and no parts; what is counted has the least and the most that may hold.
    """

    text: str
    joined: Joined
    parts: tuple[Outline, ...] = ()
    test: Question | None = None
    readings: tuple[Reading, ...] = ()
    bounds: tuple[int, int] = (0, 0)

    def tests(self) -> Iterator[Outline]:
        """The tests in it, in the order of the text."""
        if self.test is not None:
            yield self
        for part in self.parts:
            yield from part.tests()


class Answers(Protocol):
    """Who knows whether conditions hold of somebody, and what values come to."""

    def holds(self, question: Question) -> bool:
        """Whether a condition holds."""

    def value(self, question: Question) -> Any:
        """What a value comes to; None if it is missing."""


# -- questions ------------------------------------------------------------------------------------


_MOST_TESTS = 1_000
_MOST_DEEP = 100
"""How many tests references may lead to, and how deep clauses stand in one another, to be shown."""


def outline(segment: Explained) -> Outline:
    """What to ask about a segment, clause by clause.

    References are spelled out as long as that is not too much to show. Those further down are
    tests: it is said whether they hold, and no more.

    Args:
        segment: The segment; its parameters have values.

    Returns:
        The clauses.
    """
    known: dict[tuple[int, int], tuple[int, int]] = {}
    levels = 0
    while levels < _MOST_DEEP:
        before = _extent(segment, levels, known)
        tests, depth = _extent(segment, levels + 1, known)
        if (tests, depth) == before or tests > _MOST_TESTS or depth > _MOST_DEEP:
            break
        levels += 1
    return _outline(segment._tree, Scope.of(segment), levels)


def every_test(segment: Explained) -> Iterator[Outline]:
    """The tests of a segment and of all that it refers to, each definition once."""
    seen: set[int] = set()
    waiting = [_outline(segment._tree, Scope.of(segment), 0).tests()]
    while waiting:
        test = next(waiting[-1], None)
        if test is None:
            waiting.pop()
            continue
        assert test.test is not None
        match test.test.tree:
            case t.InSegment(name):
                other = test.test.scope.reference(name)
                if id(other) not in seen:
                    seen.add(id(other))
                    waiting.append(_outline(other._tree, Scope.of(other), 0).tests())
            case _:
                yield test


def _extent(
    segment: Explained, levels: int, known: dict[tuple[int, int], tuple[int, int]]
) -> tuple[int, int]:
    """How many tests there are, and how deep they stand, with so many levels of references."""
    if (found := known.get((id(segment), levels))) is not None:
        return found
    tests = deepest = 0
    stack: list[tuple[t.Expr, int]] = [(segment._tree, 1)]
    while stack:
        node, depth = stack.pop()
        more, below = 1, 0
        match node:
            case t.And(operands) | t.Or(operands) | t.Counted(operands=operands):
                stack += [(operand, depth + 1) for operand in operands]
                continue
            case t.Not(operand):
                stack.append((operand, depth + 1))
                continue
            case t.InSegment(name) if levels:
                more, below = _extent(segment.references[name], levels - 1, known)
            case _:
                pass
        tests, deepest = tests + more, max(deepest, depth + below)
    known[id(segment), levels] = tests, deepest
    return tests, deepest


def _outline(tree: t.Expr, scope: Scope, levels: int) -> Outline:
    text = format_tree(tree)
    match tree:
        case t.And(operands=parts):
            return Outline(text, Joined.ALL, tuple(_outline(p, scope, levels) for p in parts))
        case t.Or(operands=parts):
            return Outline(text, Joined.ANY, tuple(_outline(p, scope, levels) for p in parts))
        case t.Counted(operands=parts):
            asked = tuple(_outline(p, scope, levels) for p in parts)
            return Outline(text, Joined.COUNTED, asked, bounds=tree.bounds)
        case t.Not(operand=part):
            return Outline(text, Joined.NOT, (_outline(part, scope, levels),))
        case t.InSegment(name) if levels:
            other = scope.reference(name)
            spelled = _outline(other._tree, Scope.of(other), levels - 1)
            return Outline(text, Joined.NAMED, (spelled,))
        case t.Reachable(name):
            return Outline(text, Joined.NAMED, (_channel(name, scope.schema),))
        case _:
            return Outline(text, Joined.TEST, (), Question(tree, scope), _read(tree, scope))


def _channel(name: str, schema: Schema) -> Outline:
    """What being reachable comes to, each part as the channel declares it."""
    channel = schema.channel(name)
    assert channel is not None
    address, consent = parse(channel.address), parse(channel.consent)
    tests: list[t.Expr] = [t.IsMissing(address, True, t.NOWHERE)]
    value = value_of(address, schema, Names())
    if value is not None and value.dtype.family == "text":
        tests.append(t.Compare("!=", address, t.Literal("", t.NOWHERE), False, t.NOWHERE))
    return _outline(t.And((*tests, consent), t.NOWHERE), Scope(schema), 0)


def _read(leaf: t.Expr, scope: Scope) -> tuple[Reading, ...]:
    match leaf:
        case t.TextTest(operand=operand) | t.IsMissing(operand) if _is_list(operand, scope):
            return (_list(leaf, operand, scope),)
        case t.IsMissing(operand):
            values = [operand]
        case t.IsEmpty(operand):
            values = [t.Call("length", (operand,))]
        case t.InKeyList():
            key = scope.schema.entity.key_attribute
            values = [] if key is None else [t.Name((key.name,), t.NOWHERE)]
        case t.Membership():
            values = [counted(leaf)]
        case t.Call("any" | "none"):
            values = [evolve(leaf, name="count")]
        case _:
            values = rests_on(leaf)
    readings = [reading for value in values for reading in _readings(value, scope)]
    return tuple({reading.value.text: reading for reading in readings}.values())


_MOST_TEXTS = 100
"""Of how many texts it is asked, one by one, whether they are in a list."""


def _is_list(tree: t.Expr, scope: Scope) -> bool:
    return is_list(tree, scope.schema, scope.names)


def _list(leaf: t.TextTest | t.IsMissing, operand: t.Expr, scope: Scope) -> Reading:
    """What is asked about a list: each text that the test looks for."""
    texts = {}
    if isinstance(leaf, t.TextTest) and len(leaf.patterns) <= _MOST_TEXTS:
        for pattern in leaf.patterns:
            assert isinstance(pattern, t.Literal)
            one = evolve(leaf, quantifier=None, patterns=(pattern,), negated=False)
            texts[str(pattern.value)] = Question(one, scope)
    missing = Question(t.IsMissing(operand, False, t.NOWHERE), scope)
    return Reading(Question(operand, scope), (), (missing, texts))


_CONSTANTS = (t.Literal, t.Parameter, t.Length, t.Duration, t.Percent, t.Moment)


def _readings(tree: t.Expr, scope: Scope) -> Iterator[Reading]:
    """A value, and the values that it is made of."""
    if isinstance(tree, _CONSTANTS):
        return
    if coordinates := coordinates_of(tree, scope.schema):
        for coordinate in coordinates:
            yield from _readings(coordinate, scope)
        return
    value = value_of(tree, scope.schema, scope.names)
    if (
        value is not None
        and not isinstance(value, ir.Const)
        and value.dtype not in (TEXTS, VERSION)
        # No trait refers to segments.
        and not any(isinstance(each, t.InSegment) for each in t.every(tree))
    ):
        rows, branches = tuple(_rows(tree, value, scope)), _branches(tree, scope)
        yield Reading(Question(tree, scope), rows, branches=branches)
    match tree:
        case t.Name((name,)) if name in scope.traits:
            trait = scope.traits[name]
            yield from _readings(trait._tree, scope.inside(trait))
        case t.Call(name, among=None) if name not in AGGREGATES:
            yield from (r for part in tree.arguments for r in _readings(part, scope))
        case t.Arithmetic(operands=parts):
            yield from (r for part in parts for r in _readings(part, scope))
        case t.Case():
            yield from _of_case(tree, scope)
        case t.Negative(operand):
            yield from _readings(operand, scope)
        case _:
            pass


def _branches(tree: t.Expr, scope: Scope) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    if not isinstance(tree, t.Case):
        return (), ()
    asked = tuple(Question(branch.condition, scope) for branch in tree.branches)
    rest = "no condition holds" if tree.otherwise is None else "else"
    return asked, (*(f"when {each.text}" for each in asked), rest)


def _of_case(tree: t.Case, scope: Scope) -> Iterator[Reading]:
    """What its conditions and its results rest on."""
    for branch in tree.branches:
        yield from (r for leaf in _leaves(branch.condition) for r in _read(leaf, scope))
        yield from _readings(branch.value, scope)
    if tree.otherwise is not None:
        yield from _readings(tree.otherwise, scope)


def _leaves(tree: t.Expr) -> Iterator[t.Expr]:
    match tree:
        case t.And(operands) | t.Or(operands) | t.Counted(operands=operands):
            yield from (leaf for operand in operands for leaf in _leaves(operand))
        case t.Not(operand):
            yield from _leaves(operand)
        case _:
            yield tree


def _rows(tree: t.Expr, value: ir.Value, scope: Scope) -> Iterator[Question]:
    """How many rows there are for an aggregate, and how many each of its limits leaves."""
    beside = ir.walk(value, into_rows=False)
    aggregate = next((each for each in beside if isinstance(each, ir.Aggregate)), None)
    if not isinstance(tree, t.Call) or tree.name not in AGGREGATES or aggregate is None:
        return
    rows = t.Name(aggregate.path, t.NOWHERE)
    call = evolve(tree, name="count", arguments=(rows,), distinct=False)
    stages = [
        evolve(call, window=None, where=None, then=None, alias=None),
        evolve(call, where=None, then=None, alias=None),
        evolve(call, then=None),
        call,
    ]
    known = {format_tree(tree)}
    for stage in stages:
        question = Question(stage, scope)
        if question.text not in known:
            known.add(question.text)
            yield question


# -- answers --------------------------------------------------------------------------------------


@frozen
class OfRecord:
    """Answers about one record."""

    record: Mapping[str, Any]
    instant: datetime

    def holds(self, question: Question) -> bool:
        """Whether a condition holds of the record."""
        condition = question.condition(self.instant)
        return bool(compile_record(condition, question.scope.schema)(self.record))

    def value(self, question: Question) -> Any:
        """What a value of the record comes to."""
        value, dtype = question.value(self.instant), question.meaning.dtype
        return as_python(compile_record(value, question.scope.schema)(self.record), dtype)


def explain(
    segment: Explained, asked: Outline, answers: Answers, key: object, instant: datetime
) -> Explanation:
    """Put the answers together.

    Args:
        segment: The segment.
        asked: Its clauses.
        answers: Who answers.
        key: Who it is about; None if nobody knows.
        instant: The instant that was asked about.

    Returns:
        The explanation.
    """
    clause = _answered(asked, answers)
    pairs = list(zip(asked.tests(), clause.tests(), strict=True))
    formula = _formula(asked, iter(pairs), instant)
    found: dict[object, Clause] = {}
    for question, test in pairs:
        found.setdefault(_key(question, instant)[0], test)
    changes = fewest_changes(formula)
    told = None if changes.keys is None else tuple(found[key] for key in changes.keys)
    return Explanation(
        segment.name,
        segment.schema.root,
        key,
        in_zone(instant, segment.schema.zone),
        clause,
        told,
        changes.fewest,
    )


def _answered(asked: Outline, answers: Answers) -> Clause:
    parts = tuple(_answered(part, answers) for part in asked.parts)
    match asked.joined:
        case Joined.ALL:
            holds = all(part.holds for part in parts)
        case Joined.ANY:
            holds = any(part.holds for part in parts)
        case Joined.COUNTED:
            least, most = asked.bounds
            holds = least <= sum(part.holds for part in parts) <= most
        case Joined.NOT:
            holds = not parts[0].holds
        case Joined.NAMED:
            holds = parts[0].holds
        case Joined.TEST:
            assert asked.test is not None
            holds = answers.holds(asked.test)
    facts = tuple(fact for reading in asked.readings for fact in _facts(reading, answers))
    return Clause(asked.text, holds, asked.joined, parts, facts)


def _facts(reading: Reading, answers: Answers) -> Iterator[Fact]:
    text = reading.value.text
    if reading.listed is None:
        rows = tuple((rows.text, answers.value(rows)) for rows in reading.rows)
        asked, told = reading.branches
        held = next((i for i, each in enumerate(asked) if answers.holds(each)), len(asked))
        branch = told[held] if told else None
        yield Fact(text, answers.value(reading.value), rows, branch)
        return
    missing, texts = reading.listed
    if answers.holds(missing):
        yield Fact(text, None)
    elif texts:
        yield Fact(text, tuple(each for each, there in texts.items() if answers.holds(there)))


def _key(asked: Outline, instant: datetime) -> tuple[ir.Condition | None, bool]:
    """What a test is of, alike for a test and its complement, and whether it is the latter."""
    assert asked.test is not None
    match asked.test.condition(instant):
        case ir.Always():
            return None, False
        case ir.Not() | ir.Or() as condition:
            return ir.complement(condition), True
        case condition:
            return condition, False


def _formula(asked: Outline, pairs: Iterator[tuple[Outline, Clause]], instant: datetime) -> Formula:
    if asked.test is not None:
        _, clause = next(pairs)
        key, opposite = _key(asked, instant)
        test = Leaf(key, clause.holds is not opposite)
        return Opposite(test) if opposite else test
    parts = tuple(_formula(part, pairs, instant) for part in asked.parts)
    match asked.joined:
        case Joined.ALL | Joined.ANY:
            return Junction(asked.joined is Joined.ALL, parts)
        case Joined.COUNTED:
            return Tally(*asked.bounds, parts)
        case Joined.NOT:
            return Opposite(parts[0])
        case _:
            return parts[0]
