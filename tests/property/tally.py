"""What a run of the fuzzer has seen: whom it asked, what came, and which constructs it used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from segmentkit import Segment
from segmentkit._language import syntax as t
from tests.property.checks import Checker


def nodes(segment: Segment) -> Iterator[t.Node]:
    """The nodes of the definition, and of those that it refers to."""
    others = (*segment.references.values(), *segment.traits.values())
    stack: list[t.Node] = [segment._tree, *(each._tree for each in others)]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(t.children(node))


def constructs(segment: Segment) -> set[str]:
    """What the definition is made of, in words."""
    return {word for node in nodes(segment) for word in _words(node)}


def _words(node: t.Node) -> Iterator[str]:
    if getattr(node, "ignoring_case", False):
        yield "ignoring case"
    match node:
        case t.Rolling() | t.Calendar() | t.Period() | t.Range() | t.Moment():
            yield _of_time(node)
        case t.Compare(operator):
            yield operator
        case t.Arithmetic(_, operators):
            yield from (f"{o} in arithmetic" for o in operators)
        case t.TextTest(operator, _, quantifier, _, negated):
            yield f"{'not ' * negated}{operator}{f' {quantifier}' if quantifier else ''}"
        case t.InList(_, _, negated):
            yield f"{'not ' * negated}in (…)"
        case t.InWindow(_, _, negated):
            yield f"{'not ' * negated}in or between"
        case t.IsMissing(_, negated):
            yield "is present" if negated else "is missing"
        case t.Call(name, _, distinct, window, where):
            yield f"{name}{' distinct' if distinct else ''}()"
            yield from ["a window in brackets"] * (window is not None)
            yield from ["where"] * (where is not None)
            yield from ["as"] * (node.alias is not None)
        case _:
            yield type(node).__name__


def _of_time(node: t.Window | t.Moment) -> str:
    match node:
        case t.Rolling(direction, _, unit):
            return f"{direction} … {unit}s"
        case t.Calendar(which, _, unit):
            return f"{which} {unit}"
        case t.Period(_, month, day):
            return "a day" if day else "a month" if month else "a year"
        case t.Range():
            return "between"
        case t.Moment(base, count, unit):
            return f"… {unit}s {'ago' if count < 0 else 'from now'}" if count else base


@define
class Tally:
    """Counts, which can be added up."""

    cases: int = 0
    worlds: int = 0
    asked: Counter[str] = field(factory=Counter)
    refused: Counter[tuple[str, str]] = field(factory=Counter)
    left_out: Counter[str] = field(factory=Counter)
    outcomes: Counter[str] = field(factory=Counter)
    laws: Counter[str] = field(factory=Counter)
    constructs: Counter[str] = field(factory=Counter)

    def add(self, other: Tally) -> None:
        """Count what another has counted."""
        self.cases += other.cases
        self.worlds += other.worlds
        for name in ("asked", "refused", "left_out", "outcomes", "laws", "constructs"):
            getattr(self, name).update(getattr(other, name))

    def definition(self, segment: Segment, members: int, everyone: int) -> None:
        """Count a case."""
        self.cases += 1
        nobody = "of an empty world" if not everyone else "nobody"
        kind = nobody if not members else "everybody" if members == everyone else "some"
        self.outcomes[kind] += 1
        self.constructs.update(constructs(segment))

    def world(self, checker: Checker, all_targets: list[str]) -> None:
        """Count what a world's checks asked of whom."""
        self.worlds += 1
        self.asked.update(checker.asked)
        self.refused.update(checker.refused)
        there = {target.name for target in checker.targets}
        self.left_out.update(name for name in all_targets if name not in there)

    def __str__(self) -> str:
        lines = [f"{self.cases:,} cases in {self.worlds:,} worlds"]
        width = max((len(name) for name in (*self.asked, *self.left_out)), default=0)
        lines += [
            f"  {'engine':{width}}  {'answers':>9} {'refused':>9} {'worlds it cannot hold':>22}"
        ]
        for name, count in self.asked.items():
            refused = sum(n for (by, _), n in self.refused.items() if by == name)
            left = self.left_out[name]
            lines.append(f"  {name:{width}}  {count:>9,} {refused:>9,} {left:>22,}")
        for (name, reason), count in self.refused.most_common():
            lines.append(f"refused by {name}: {reason} {count:,}")
        for title in ("outcomes", "laws", "constructs"):
            counts = getattr(self, title).most_common()
            lines.append(f"{title}: " + ", ".join(f"{name} {n:,}" for name, n in counts))
        return "\n".join(lines)
