"""Sub-queries over relations: one scan computes all aggregates of a relation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from attrs import evolve

from segmentkit._planning import ir
from segmentkit._planning.plan import is_of_columns
from segmentkit.dtypes import Kind
from segmentkit.errors import UnsupportedError
from segmentkit.extension import Aggregate
from segmentkit.sqlalchemy.dialects.column_types import is_own
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled, exact, joined
from segmentkit.sqlalchemy.dialects.shapes import Ends
from segmentkit.sqlalchemy.dialects.stored_values import decoded
from segmentkit.sqlalchemy.dialects.stored_values import ordered as ordered_as_stored
from segmentkit.sqlalchemy.dialects.time_zones import ordinal
from segmentkit.sqlalchemy.dialects.written_times import end_of, on_one_clock
from segmentkit.sqlalchemy.planner import SqlitePlanner
from segmentkit.sqlalchemy.statements.compiler import Sql, divided, zero_as_one
from segmentkit.sqlalchemy.statements.extension import aggregate
from segmentkit.sqlalchemy.statements.joins import Scan

Test: TypeAlias = tuple[int | None, ir.Condition]
"""A condition of the rows of a scan, or of the rows at a place of the way to them."""


class RowTests(Protocol):
    """A scan, and what compiles conditions and values of its rows."""

    scan: Scan

    def value(self, node: ir.Value) -> Sql:
        """A value of a row."""
        ...

    def passed(self, tests: list[Test], *, limited: bool = False) -> list[Sql]:
        """Conditions of a row, or of one on the way to it, of which all must hold.

        ``limited``: with the tests of whose rows are looked at, in the order that is fastest.
        """
        ...

    def limits(self) -> list[Sql]:
        """Tests of whose rows are looked at."""
        ...


def _tests(node: ir.Aggregate) -> list[Test]:
    """What the rows of an aggregate must pass."""
    way: list[Test] = [
        (place, test)
        for place, step in enumerate(node.through)
        for test in ir.conjuncts(step.where)
    ]
    return [*way, *((None, test) for test in ir.conjuncts(node.where))]


_FEW = 4
_MOST = 1_900
"""Aggregates of one scan: SQLite takes 2,000 terms or columns at most."""


class Grouped:
    """One scan, grouped by holder: every aggregate of it as one expression."""

    def __init__(self, rows: RowTests, aggregates: list[ir.Aggregate]) -> None:
        self.rows = rows
        self.scan = rows.scan
        if len(aggregates) > _MOST:
            raise UnsupportedError(
                f"SQL cannot compute {len(aggregates):,} different aggregates of "
                f"{self.scan.way[-1].name!r} in one definition; {_MOST:,} at most"
            )
        tests = {a: _tests(a) for a in aggregates}
        shared = [t for t in tests[aggregates[0]] if all(t in each for each in tests.values())]
        weakest = _weakest([[t for t in each if t not in shared] for each in tests.values()])
        shared += weakest
        rest = {a: [t for t in each if t not in shared] for a, each in tests.items()}
        self.where = rows.passed(shared, limited=True)
        cheap = [[t for t in each if is_of_columns(t[1])] for each in rest.values()]
        # A row that no aggregate looks at need not be grouped; of many aggregates, asking each
        # about every row would cost more than the rows do.
        if all(cheap) and not (weakest and len(cheap) > _FEW):
            self.where.append(joined([self.all(each) for each in cheap], conjunctive=False))
        self.values = {a: self.aggregate(a, rest[a]) for a in aggregates}

    def all(self, tests: list[Test]) -> Sql:
        return joined(self.rows.passed(tests), conjunctive=True)

    def aggregate(self, node: ir.Aggregate, tests: list[Test]) -> Sql:
        """An aggregate of the rows that pass the tests of its own."""
        value: Any = sa.literal_column("1") if node.value is None else self.rows.value(node.value)
        if tests:
            value = sa.case((self.all(tests), value))
        elif node.value is None:
            return sa.func.count()
        return aggregated(node, value)

    def select(self, *columns: Sql, having: Sql | None = None) -> sa.Select[Any]:
        """The scan, grouped."""
        query = self._select(_group(self.scan), *columns)
        return _by_owner(self.scan, query if having is None else query.having(having))

    def of_one(self, key: Sql) -> sa.Select[Any]:
        """The scan of the rows of one owner alone."""
        owner = self.scan.owner
        return self._select(owner).where(owner == key).group_by(owner)

    def owners(self, *, apart: bool) -> sa.Select[Any]:
        """Just who has such rows, not grouped; ``apart``: never joined to those who are asked."""
        if not apart:
            return self._select(self.scan.owner)
        # By its label, as a mode of SQL wants it; no owner is missing.
        return self._select(Spelled(Construct.OWNER, self.scan.owner)).having(
            sa.column("owner").is_not(None)
        )

    def _select(self, owner: Sql, *columns: Sql) -> sa.Select[Any]:
        tests = [self.scan.owner.is_not(None), *self.where]
        return self.scan.finished(
            sa.select(owner.label("owner"), *columns)
            .select_from(self.scan.source)
            .where(joined(tests, conjunctive=True))
        )


def _group(scan: Scan) -> Sql:
    """Whose rows are in one group."""
    owner = Spelled(Construct.OWNER, scan.owner)
    if not scan.tables.rows_in_order.unsorted:
        return owner
    # For more groups than fit into the memory that it may use, PostgreSQL would read rows in the
    # order of an index on the owner, each from another place.
    return sa.func.greatest(owner, type_=owner.type)


def grouped(
    make: Callable[[], RowTests], aggregates: list[ir.Aggregate], *, apart: bool
) -> Iterator[tuple[list[ir.Aggregate], sa.Subquery]]:
    """Sub-queries of rows, grouped by holder: ``owner``, and a column for each aggregate.

    ``apart``: a distinct count stands beside nothing else.
    """
    together, by_value = aggregates, dict[ir.Value | None, list[ir.Aggregate]]()
    if apart and not is_counted_together(aggregates):
        together = [node for node in aggregates if not _is_distinct(node)]
        for node in filter(_is_distinct, aggregates):
            by_value.setdefault(node.value, []).append(node)
    if together:
        scan = Grouped(make(), together)
        columns = [value.label(f"a{i}") for i, value in enumerate(scan.values.values())]
        yield together, scan.select(*columns).subquery()
    for nodes in by_value.values():
        yield nodes, _distinct_counts(make(), nodes)


def is_counted_together(aggregates: list[ir.Aggregate]) -> bool:
    """Whether none of these is a distinct count beside others."""
    return len(aggregates) == 1 or not any(map(_is_distinct, aggregates))


def _is_distinct(node: ir.Aggregate) -> bool:
    return node.function is ir.AggregateFunction.COUNT_DISTINCT


def _distinct_counts(rows: RowTests, nodes: list[ir.Aggregate]) -> sa.Subquery:
    """Distinct counts of one value: each value of a holder once, beside how many of its rows pass.

    Beside others, engines hold the distinct values of each holder in memory, or copy each row for
    each of the counts.
    """
    (node, *_) = nodes
    assert node.value is not None
    value = _told_apart(node, rows.value(node.value))
    scan = Grouped(
        rows, [evolve(n, function=ir.AggregateFunction.COUNT, value=None) for n in nodes]
    )
    passed = [count.label(f"a{i}") for i, count in enumerate(scan.values.values())]
    each = scan.select(value.label("value"), *passed).where(value.is_not(None)).group_by(value)
    values = each.subquery()
    counts = [sa.func.count(sa.case((a > 0, 1))).label(a.name) for a in list(values.c)[2:]]
    return sa.select(values.c.owner, *counts).group_by(values.c.owner).subquery()


def _by_owner(scan: Scan, query: sa.Select[Any]) -> sa.Select[Any]:
    """A query of a scan by the rows' owners, in the order of an index if that has all it reads."""
    owner, planner = _group(scan), scan.tables.planner
    in_order = query.group_by(owner)
    if isinstance(planner, SqlitePlanner) and planner.is_grouped_by_index(in_order):
        return in_order
    return query.group_by(Spelled(Construct.PROBED, owner))


_ASCENDING = (ir.Comparison.GT, ir.Comparison.GE)
_DESCENDING = (ir.Comparison.LT, ir.Comparison.LE)


def _weakest(tests: list[list[Test]]) -> list[Test]:
    """Bounds that all of several lists imply: of each column that each bounds, the weakest one."""
    found: list[Test] = []
    for operators in (_ASCENDING, _DESCENDING):
        for place, column in dict.fromkeys((p, t.left) for p, t in _bounds(tests[0], operators)):
            bounds = [
                [t for p, t in _bounds(each, operators) if (p, t.left) == (place, column)]
                for each in tests
            ]
            if all(bounds):
                every = [bound for each in bounds for bound in each]
                choose = min if operators is _ASCENDING else max
                value = choose(_constant(bound) for bound in every)
                # With the value itself, if any takes it.
                same = [bound for bound in every if _constant(bound) == value]
                closed = [bound for bound in same if bound.operator is operators[1]]
                found.append((place, (closed or same)[0]))
    return found


def _bounds(
    tests: list[Test], operators: tuple[ir.Comparison, ...]
) -> Iterator[tuple[int | None, ir.Compare]]:
    for place, test in tests:
        if (
            isinstance(test, ir.Compare)
            and test.operator in operators
            and isinstance(test.left, ir.Column)
            # Texts, databases have in orders of their own.
            and test.left.dtype.kind is not Kind.TEXT
            and isinstance(test.right, ir.Const)
            and test.right.value is not None
        ):
            yield place, test


def _constant(test: ir.Compare) -> Any:
    assert isinstance(test.right, ir.Const)
    return test.right.value


def aggregated(node: ir.Aggregate | ir.Overall, value: Sql) -> Sql:
    """One value of many, those that are NULL left out."""
    match node.function:
        case Aggregate() as added:
            return aggregate(node, added, decoded(value))
        case ir.AggregateFunction.COUNT:
            return sa.func.count(value)
        case ir.AggregateFunction.COUNT_DISTINCT:
            return sa.func.count(_told_apart(node, value).distinct())
        case ir.AggregateFunction.SUM:
            total = _sum(node, value)
            return sa.func.coalesce(total, 0, type_=total.type)
        case ir.AggregateFunction.AVG:
            return mean(node, value)
        case ir.AggregateFunction.MIN:
            return end_of(sa.func.min, ordered_as_stored(value))
        case ir.AggregateFunction.MAX:
            return end_of(sa.func.max, ordered_as_stored(value))
        case _:
            raise AssertionError("needs rows in order")


def _told_apart(node: ir.Aggregate | ir.Overall, value: Sql) -> Sql:
    """A value in the form in which the same ones are one."""
    assert node.value is not None
    if node.value.dtype.kind is Kind.TEXT and not is_own(value.type):
        value = Spelled(Construct.EXACT_TEXT, value)
    return on_one_clock(zero_as_one(node.value, value))


def mean(node: ir.Aggregate | ir.Overall, value: Sql) -> Sql:
    """The exact sum over the count, as a float: engines' own averages have their own scales."""
    count = Spelled(Construct.AS_FLOAT, sa.func.count(value))
    total = Spelled(Construct.AS_FLOAT, _sum(node, value))
    return divided(total, Spelled(Construct.DIVISOR, count))


def _sum(node: ir.Aggregate | ir.Overall, value: Sql) -> Sql:
    assert node.value is not None
    dtype = node.value.dtype
    value = decoded(value)
    if dtype.kind is Kind.INTEGER:
        value = Spelled(Construct.ADDEND, value)
    total: Sql = sa.func.sum(value, type_=value.type)
    rounded = dtype.kind is Kind.DECIMAL and dtype.scale is not None
    return exact(total, dtype.scale or 0) if rounded else total


def has_ends(node: ir.Aggregate) -> bool:
    """Whether it is the value at the first or the last instant."""
    return node.function in (ir.AggregateFunction.FIRST, ir.AggregateFunction.LAST)


def ordered(make: Callable[[], RowTests], node: ir.Aggregate, shape: Ends) -> sa.Subquery:
    """``owner`` and ``value`` of an aggregate that needs rows in order."""
    if node.function is ir.AggregateFunction.MEDIAN:
        return _median(_Candidates(make(), node), node)
    if node.function is ir.AggregateFunction.MODE:
        return _mode(_Candidates(make(), node))
    if node.function is ir.AggregateFunction.STREAK:
        return _streak(make(), node)
    if isinstance(node.share, Fraction):
        return _percentile(_Candidates(make(), node), node.share)
    return _at_the_end(lambda: _Candidates(make(), node), node, shape)


class _Candidates:
    """The rows that an ordered aggregate chooses from: those that pass and have a value."""

    def __init__(self, rows: RowTests, node: ir.Aggregate) -> None:
        assert node.value is not None
        self.scan = rows.scan
        self.kind = node.value.dtype.kind
        self.owner = self.scan.owner
        value = rows.value(node.value)
        self.value = value if has_ends(node) else decoded(value)
        present = self.owner.is_not(None), self.value.is_not(None)
        self.where = [*present, *rows.passed(_tests(node)), *rows.limits()]

    def query(self, *columns: Sql) -> sa.Select[Any]:
        """Columns of the candidates."""
        query = sa.select(*columns).select_from(self.scan.source).where(*self.where)
        return self.scan.finished(query)

    @property
    def at(self) -> Sql:
        """When a row happened, so that instants can be compared."""
        return on_one_clock(ordered_as_stored(self.scan.at))

    @property
    def tie(self) -> Sql:
        """What settles the order of rows at one instant."""
        key = self.scan.entity.key_attribute
        tie = self.scan.key(key.column) if key else self.value
        is_text = (key.dtype.kind if key else self.kind) is Kind.TEXT
        tie = ordered_as_stored(tie)
        return _by_code_point(tie) if is_text and not is_own(tie.type) else tie


def _by_code_point(text: Sql) -> Sql:
    """A text by which rows are in order, or grouped."""
    return Spelled(Construct.TEXT_ORDER, Spelled(Construct.EXACT_TEXT, text))


def _mode(rows: _Candidates) -> sa.Subquery:
    """The value that most rows have; of several the least."""
    value = on_one_clock(rows.value)
    if rows.kind is Kind.TEXT and not is_own(value.type):
        value = _by_code_point(value)
    owner = _group(rows.scan)
    counted = rows.query(owner.label("owner"), value.label("value"), sa.func.count().label("of"))
    groups = counted.group_by(Spelled(Construct.PROBED, owner), value).subquery()
    order = groups.c["of"].desc(), groups.c.value
    place = sa.func.row_number().over(partition_by=groups.c.owner, order_by=order)
    placed = sa.select(groups.c.owner, groups.c.value, place.label("place")).subquery()
    chosen = sa.select(placed.c.owner, placed.c.value).where(placed.c.place.between(1, 1))
    return chosen.subquery()


def _streak(tests: RowTests, node: ir.Aggregate) -> sa.Subquery:
    """Of numbers in a row, each is as far ahead of its place as the others: the longest run."""
    assert isinstance(node.value, ir.Call)
    (day,) = node.value.arguments
    rows = _Candidates(tests, evolve(node, value=day))
    # What makes a day of an instant can be long, and stands once.
    days = rows.query(rows.owner.label("owner"), rows.value.label("value")).distinct().subquery()
    number = ordinal(node.value.name, days.c.value)
    place = sa.func.dense_rank().over(partition_by=days.c.owner, order_by=number)
    placed = sa.select(days.c.owner, number.label("value"), place.label("place")).subquery()
    length = sa.func.max(placed.c.place) - sa.func.min(placed.c.place) + 1
    run = placed.c.owner, placed.c.value - placed.c.place
    runs = sa.select(placed.c.owner, length.label("value")).group_by(*run).subquery()
    longest = sa.select(runs.c.owner, sa.func.max(runs.c.value).label("value"))
    return longest.group_by(runs.c.owner).subquery()


def _percentile(rows: _Candidates, share: Fraction) -> sa.Subquery:
    """The row at the first place that is at least a share of how many there are."""
    placed = _placed(rows, on_one_clock(rows.value))
    part, whole = (sa.literal(n, sa.BigInteger()) for n in share.as_integer_ratio())
    place, least = placed.c.place * whole, placed.c["of"] * part
    first = sa.and_(place >= least, place < least + whole)
    return sa.select(placed.c.owner, placed.c.value).where(first).subquery()


def _placed(rows: _Candidates, value: Sql) -> sa.Subquery:
    """The values with their owners, their places in order, and of how many they are."""
    owner = Spelled(Construct.PROBED, _group(rows.scan))
    place = sa.func.row_number().over(partition_by=owner, order_by=value)
    of = sa.func.count().over(partition_by=owner)
    return rows.query(
        rows.owner.label("owner"), value.label("value"), place.label("place"), of.label("of")
    ).subquery()


def _median(rows: _Candidates, node: ir.Aggregate) -> sa.Subquery:
    """The middle row of an odd number of rows, the mean of two in the middle of an even one."""
    placed = _placed(rows, rows.value)
    median = mean(node, placed.c.value).label("value")
    chosen = sa.select(placed.c.owner, median).where(middle(placed.c.place, placed.c.of))
    return chosen.group_by(placed.c.owner).subquery()


def middle(place: Sql, of: Sql) -> Sql:
    """Of rows that know their place, and of how many: the one in the middle, or the two."""
    twice = 2 * place
    return sa.and_(twice >= of, twice <= of + 2)


def _at_the_end(make: Callable[[], _Candidates], node: ir.Aggregate, shape: Ends) -> sa.Subquery:
    """The value at the first or last instant."""
    last = node.function is ir.AggregateFunction.LAST
    rows = make()
    order = [rows.at, rows.tie] if shape is Ends.SORTED else [rows.tie]
    place = sa.func.row_number().over(
        partition_by=rows.owner, order_by=[each.desc() for each in order] if last else order
    )
    if shape is not Ends.SORTED:
        # Only rows of that one instant are put in order.
        _limit(rows, _ends(make(), last=last), paired=shape is Ends.PAIRED)
    placed = rows.query(
        rows.owner.label("owner"), rows.value.label("value"), place.label("place")
    ).subquery()
    # Of "= 1" DuckDB 1.5 makes a plan that ends in an internal error where a range of two tables'
    # values stands beside it.
    first = placed.c.place.between(1, 1)
    return sa.select(placed.c.owner, placed.c.value).where(first).subquery()


def _ends(rows: _Candidates, *, last: bool) -> sa.Select[Any]:
    """The first or last instant of each owner."""
    end = (sa.func.max if last else sa.func.min)(rows.at)
    owner = _group(rows.scan).label("owner")
    return _by_owner(rows.scan, rows.query(owner, end.label("instant")))


def _limit(rows: _Candidates, ends: sa.Select[Any], *, paired: bool) -> None:
    """Leave the rows at the instants of their owners."""
    if paired:
        pair = sa.tuple_(Spelled(Construct.PROBED, rows.owner), rows.at)
        rows.where.append(pair.in_(ends))
        return
    found = ends.subquery()
    same = sa.and_(found.c.owner == rows.owner, found.c.instant == rows.at)
    rows.scan.source = rows.scan.source.join(found, same)
