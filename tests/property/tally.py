"""What a run of the fuzzer has seen: whom it asked, what came, and which constructs it used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from segmentkit import Segment
from segmentkit import _ast as t
from segmentkit._certain import written_out
from tests.property.checks import Checker


def constructs(segment: Segment) -> Iterator[str]:
    """What the definition is made of: the words for each node of its tree."""
    stack: list[t.Node] = [written_out(segment._tree, segment._reference_trees())]
    while stack:
        node = stack.pop()
        yield from _words(node)
        stack.extend(t.children(node))


def _words(node: t.Node) -> Iterator[str]:
    if getattr(node, "ignoring_case", False):
        yield "ignoring case"
    match node:
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
        case t.Rolling(direction, _, unit):
            yield f"{direction} … {unit}s"
        case t.Calendar(which, _, unit):
            yield f"{which} {unit}"
        case t.Period(_, month, day):
            yield "a day" if day else "a month" if month else "a year"
        case t.Range():
            yield "between"
        case t.Moment(base, count, unit):
            yield base if not count else f"… {unit}s {'ago' if count < 0 else 'from now'}"
        case t.Call(name, _, distinct, window, where):
            yield f"{name}{' distinct' if distinct else ''}()"
            if window is not None:
                yield "a window in brackets"
            if where is not None:
                yield "where"
        case t.Name(parts):
            yield "a path" if len(parts) > 1 else "a name"
        case _:
            yield type(node).__name__


@define
class Tally:
    """Counts, which can be added up."""

    cases: int = 0
    worlds: int = 0
    asked: Counter[str] = field(factory=Counter)
    refused: Counter[str] = field(factory=Counter)
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
        self.constructs.update(set(constructs(segment)))

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
        lines += [f"  {'engine':{width}}  {'answers':>9} {'refused':>9} {'worlds it cannot hold':>22}"]
        for name, count in self.asked.items():
            refused, left = self.refused[name], self.left_out[name]
            lines.append(f"  {name:{width}}  {count:>9,} {refused:>9,} {left:>22,}")
        for title in ("outcomes", "laws", "constructs"):
            counts = getattr(self, title).most_common()
            lines.append(f"{title}: " + ", ".join(f"{name} {n:,}" for name, n in counts))
        return "\n".join(lines)
