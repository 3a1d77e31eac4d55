"""Explanations: why someone is in a segment or not, clause by clause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from attrs import frozen

from segmentkit._calendar import shown
from segmentkit._diagnostics.languages import dated, localized
from segmentkit._html import Html, element
from segmentkit._language.formatter import format_length, format_text, format_value

_SHORT = 80


class Joined(Enum):
    """How the parts of a clause make its verdict."""

    ALL = "all of"
    ANY = "any of"
    COUNTED = "counted"
    NOT = "not"
    NAMED = "named"
    TEST = "test"


@frozen
class Fact:
    """A value that a clause looked at.

    Attributes:
        text: The value in the language: ``country``, ``sum(orders.amount)``.
        value: Its value; None if it is missing. An instant is in UTC. For a list of texts, the
            texts in it that the test looks for.
        rows: For an aggregate, how many rows were left after the window, after ``where`` and after
            the sequence: each as a count in the language, with its value.
        branch: For a ``case``, what it has the value by: ``when age < 18``, or ``else``.
    """

    text: str
    value: Any
    rows: tuple[tuple[str, int], ...] = ()
    branch: str | None = None

    @property
    def missing(self) -> bool:
        """Whether the value is missing."""
        return self.value is None

    def __str__(self) -> str:
        if isinstance(self.value, tuple):
            return f"{self.text} has {', '.join(map(_shown, self.value)) or 'none of these'}"
        by = "" if self.branch is None else f" ({self.branch})"
        return f"{self.text} is {'missing' if self.missing else _shown(self.value)}{by}"


@frozen
class Clause:
    """A part of a definition, and whether it holds.

    Attributes:
        text: The clause in canonical form.
        holds: Whether it holds.
        joined: How its parts make its verdict: all or any must hold, it counts how many hold, the
            only one must not hold, or the part is what this clause refers to. A test has no parts.
        parts: The clauses in it.
        facts: The values that a test looked at.
    """

    text: str
    holds: bool
    joined: Joined
    parts: tuple[Clause, ...] = ()
    facts: tuple[Fact, ...] = ()

    def tests(self) -> Iterator[Clause]:
        """The tests in it, in the order of the text."""
        if not self.parts and self.joined is Joined.TEST:
            yield self
        for part in self.parts:
            yield from part.tests()

    def to_dict(self) -> dict[str, Any]:
        """The clause and its parts as a dictionary for JSON."""
        found: dict[str, Any] = {"text": self.text, "holds": self.holds}
        if self.joined is not Joined.TEST:
            found["joined"] = self.joined.value
            found["parts"] = [part.to_dict() for part in self.parts]
        if self.facts:
            found["facts"] = [
                {"text": f.text, "value": _plain(f.value), "rows": [list(r) for r in f.rows]}
                | ({} if f.branch is None else {"branch": f.branch})
                for f in self.facts
            ]
        return found


@frozen
class Explanation:
    """Why one member of the population is in a segment or not.

    Attributes:
        segment: The segment's name, if it has one.
        entity: The name of the entity.
        key: The key of the record, if it has one.
        as_of: The instant of the answer, in the schema's zone.
        clause: The definition, clause by clause.
        changes: The fewest tests whose verdicts would have to change for the answer to change. If
            there are several such sets, always the same one. It does not consider that two tests
            may not hold together. None if no change would be enough.
        fewest: Whether it is certain that there are no fewer. It is, unless hundreds of tests
            occur in a definition more than once.
    """

    segment: str | None
    entity: str
    key: Any
    as_of: datetime
    clause: Clause
    changes: tuple[Clause, ...] | None
    fewest: bool = True

    @property
    def holds(self) -> bool:
        """Whether the person is in the segment."""
        return self.clause.holds

    @property
    def missing(self) -> tuple[str, ...]:
        """The missing values that were looked at, each once."""
        facts = (fact for test in self.clause.tests() for fact in test.facts)
        return tuple(dict.fromkeys(fact.text for fact in facts if fact.missing))

    def to_dict(self) -> dict[str, Any]:
        """Everything as a dictionary for JSON."""
        return {
            "segment": self.segment,
            "key": _plain(self.key),
            "as_of": self.as_of.astimezone(UTC).isoformat(),
            "holds": self.holds,
            "clause": self.clause.to_dict(),
            "missing": list(self.missing),
            "changes": None if self.changes is None else [c.text for c in self.changes],
            "fewest": self.fewest,
        }

    @property
    def _verdict(self) -> str:
        who = self.entity if self.key is None else f"{self.entity} {_shown(self.key)}"
        name = "the segment" if self.segment is None else _shown(self.segment)
        return f"{who}: {'in' if self.holds else 'not in'} {name}, as of {dated(shown(self.as_of))}"

    @property
    def _way(self) -> str:
        other = "out" if self.holds else "in"
        if self.changes is None and self.fewest:
            return f"no change of these tests would put them {other}"
        if self.changes is None:
            return f"which changes would put them {other} was not found: there are too many tests"
        count = len(self.changes)
        tests = "1 test" if count == 1 else f"{count} tests"
        least = "at least" if self.fewest else "for example"
        return f"to be {other}, {least} {tests} would have to come out otherwise:"

    def __str__(self) -> str:
        lines = [self._verdict, *_lines(self.clause, 0), "", self._way]
        lines += [f"  {change.text} {_wanted(change)}" for change in self.changes or ()]
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        tree = element("ul", _item(self.clause), style=_LIST)
        ways = [
            element("li", element("code", change.text), f" {_wanted(change)}")
            for change in self.changes or ()
        ]
        way = [element("p", self._way), *([element("ul", *ways)] if ways else [])]
        return element("div", element("p", element("b", self._verdict)), tree, *way)


_LIST = "list-style: none; padding-left: 1.2em; margin: 0"
_QUIET = "opacity: 0.75; font-size: 90%"
_SIGNS = {True: "✓", False: "✗"}


def _wanted(change: Clause) -> str:
    return "would have to fail" if change.holds else "would have to hold"


def _lines(clause: Clause, depth: int) -> Iterator[str]:
    indent = "  " * depth
    yield f"{indent}{_SIGNS[clause.holds]} {_head(clause)}"
    for fact in clause.facts:
        yield f"{indent}    {fact}"
        for text, count in fact.rows:
            yield f"{indent}      {text} is {localized(count)}"
    for part in clause.parts:
        yield from _lines(part, depth + 1)


def _head(clause: Clause) -> str:
    match clause.joined:
        case Joined.TEST | Joined.NAMED:
            return clause.text
        case Joined.COUNTED:
            held = sum(part.holds for part in clause.parts)
            words = clause.text[: clause.text.index("(")].strip()
            return f"{words}: {held} of {len(clause.parts)} hold{'s' * (held == 1)}"
        case _:
            return str(clause.joined.value)


def _item(clause: Clause) -> Html:
    told = clause.joined in (Joined.TEST, Joined.NAMED)
    head = element("code", clause.text) if told else Html(_head(clause))
    label = "holds" if clause.holds else "does not hold"
    sign = element("span", _SIGNS[clause.holds], title=label)
    facts = []
    for fact in clause.facts:
        rows = [
            element("div", f"{text} is {localized(count)}", style=_LIST)
            for text, count in fact.rows
        ]
        facts.append(element("div", str(fact), *rows, style=f"{_QUIET}; padding-left: 1.2em"))
    parts = [element("ul", *map(_item, clause.parts), style=_LIST)] if clause.parts else []
    return element("li", sign, " ", head, *facts, *parts)


def _shown(value: Any) -> str:
    match value:
        case str():
            short = value if len(value) <= _SHORT else value[:_SHORT] + "…"
            return format_text(short)
        case bool() | int() | Decimal() | date():
            return format_value(value)
        case timedelta():
            return format_length(value)
        case _:
            return f"{value!r:.{_SHORT}}"


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            # Neither infinity nor what is no number is JSON.
            return value if abs(value) < float("inf") else repr(value)
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return str(value)
