"""Random graphs of mapped classes with random rows: every relation is what the ORM's is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session, foreign, registry, relationship, remote
from sqlalchemy.pool import StaticPool

from segmentkit import Segment, Trait
from segmentkit.sqlalchemy import Source, members, predicate, schema_from, values
from tests.targets.databases import ENGINES

SMALL = st.integers(0, 3)
MAYBE = st.none() | SMALL


@frozen
class Drawn:
    """A class: how it inherits, where its table is, and what its columns are called.

    Attributes:
        kind: Whether it has a subclass, and where that has its columns.
        schema: The schema of its table.
        renamed: Whether attributes, keys and columns have names of their own.
        rows: The numbers and the kinds of its rows.
    """

    kind: str
    schema: str | None
    renamed: bool
    rows: list[tuple[int | None, int | None, bool]]


@frozen
class Related:
    """A relationship: between which classes or subclasses, and by what.

    Attributes:
        source: The class.
        target: The class it leads to.
        of_sub: Whether the subclass has it.
        to_sub: Whether it leads to the subclass.
        kind: How it is joined.
        pairs: Rows of a secondary table.
        bound: A number in its condition.
    """

    source: int
    target: int
    of_sub: bool
    to_sub: bool
    kind: str
    pairs: list[tuple[int | None, int | None, int]]
    bound: int


KINDS = [
    "key", "deleted", "larger", "unique", "column", "not equal", "cast",
    "secondary", "secondary with a condition", "secondary once", "one",
]  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Drawn], list[Related]]:
    count = draw(st.integers(1, 3))
    rows = st.lists(st.tuples(MAYBE, MAYBE, st.booleans()), max_size=5)
    classes = [
        Drawn(
            draw(st.sampled_from(["plain", "single", "joined"])),
            draw(st.sampled_from([None, None, "one", "two"])),
            draw(st.booleans()),
            draw(rows),
        )
        for _ in range(count)
    ]
    place = st.integers(0, count - 1)
    pairs = st.lists(st.tuples(MAYBE, MAYBE, SMALL), max_size=6)
    related = st.builds(
        Related, place, place, st.booleans(), st.booleans(), st.sampled_from(KINDS), pairs, SMALL
    )
    return classes, draw(st.lists(related, min_size=1, max_size=4))


class Graph:
    """The classes that were drawn, mapped."""

    def __init__(self, drawn: list[Drawn], related: list[Related]) -> None:
        self.drawn, self.related = drawn, related
        self.registry = registry()
        self.tables: list[Any] = []
        self.secondary: dict[int, Any] = {}
        self.classes: list[Any] = []
        self.subclasses: list[Any] = []
        for place, each in enumerate(drawn):
            self._map(place, each)
        for place, way in enumerate(related):
            self._relate(place, way)
        self.registry.configure()

    def _map(self, place: int, drawn: Drawn) -> None:
        # Some tables have one name, in several schemas.
        name = f"t{place}" if drawn.schema is None else "same" if place else "t0"
        if any(t.name == name and t.schema == drawn.schema for t in self.tables):
            name = f"t{place}"
        new = {"n": ("N n", "nn"), "u": ("select", "u"), "d": ("d", "u2")} if drawn.renamed else {}

        def column(attribute: str, *rest: Any, **told: Any) -> sa.Column[Any]:
            called, key = new.get(attribute, (attribute, attribute))
            return sa.Column(called, sa.Integer, *rest, key=key, **told)

        ways = [p for p, way in enumerate(self.related) if way.target == place]
        table = sa.Table(
            name,
            self.registry.metadata,
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
            column("n"),
            column("d"),
            column("u", unique=True),
            sa.Column("kind", sa.String(10)),
            *(sa.Column(f"f{p}", sa.Integer) for p in ways),
            schema=drawn.schema,
        )
        self.tables.append(table)
        keys = {a: new.get(a, (a, a))[1] for a in ("n", "d", "u")}
        base = type(f"C{place}", (), {})
        inherits = drawn.kind != "plain"
        told = {"polymorphic_on": table.c.kind, "polymorphic_identity": "base"} if inherits else {}
        self.registry.map_imperatively(
            base, table, properties={a: table.c[k] for a, k in keys.items()}, **told
        )
        sub = base
        if inherits:
            sub = type(f"S{place}", (base,), {})
            own = None
            if drawn.kind == "joined":
                own = sa.Table(
                    f"sub{place}",
                    self.registry.metadata,
                    sa.Column("id", sa.ForeignKey(table.c.id), primary_key=True),
                    sa.Column("m", sa.Integer),
                    schema=drawn.schema,
                )
            self.registry.map_imperatively(sub, own, inherits=base, polymorphic_identity="sub")
        self.classes.append(base)
        self.subclasses.append(sub)

    def _relate(self, place: int, way: Related) -> None:
        source = (self.subclasses if way.of_sub else self.classes)[way.source]
        target = (self.subclasses if way.to_sub else self.classes)[way.target]
        here, there = self.classes[way.source], self.classes[way.target]
        key = getattr(there, f"f{place}")
        far = lambda column: foreign(remote(column))  # noqa: E731
        told: dict[str, Any] = {"viewonly": True, "uselist": way.kind != "one"}
        match way.kind:
            case "key" | "one":
                join = here.id == far(key)
            case "deleted":
                join = sa.and_(here.id == far(key), remote(there.d).is_(None))
            case "larger":
                join = sa.and_(here.id == far(key), remote(there.n) >= here.n)
            case "unique":
                join = here.u == far(key)
            case "column":
                join = here.n == far(key)
            case "not equal":
                join = here.n > far(there.n)
            case "cast":
                join = sa.cast(here.id, sa.String) == sa.cast(far(key), sa.String)
            case _:
                once = way.kind == "secondary once"
                secondary = sa.Table(
                    f"pairs{place}",
                    self.registry.metadata,
                    sa.Column("a", sa.Integer, primary_key=once, autoincrement=False),
                    sa.Column("b", sa.Integer, primary_key=once, autoincrement=False),
                    sa.Column("c", sa.Integer),
                )
                self.secondary[place] = secondary
                join = here.id == secondary.c.a
                if way.kind == "secondary with a condition":
                    join = sa.and_(join, secondary.c.c >= way.bound)
                told |= {
                    "secondary": secondary,
                    "secondaryjoin": there.id == secondary.c.b,
                    "foreign_keys": [secondary.c.a, secondary.c.b],
                }
        if way.kind == "not equal":
            told["foreign_keys"] = None
            told.pop("foreign_keys")
        sa.inspect(source).add_property(f"r{place}", relationship(target, primaryjoin=join, **told))

    def store(self, session: Session) -> None:
        """The rows that were drawn."""
        for place, drawn in enumerate(self.drawn):
            for number, (n, d, is_sub) in enumerate(drawn.rows):
                each = (self.subclasses if is_sub else self.classes)[place]()
                each.id, each.n, each.d, each.u = number, n, d, (number + 2) % 7
                for p, way in enumerate(self.related):
                    if way.target == place:
                        # The first pairs serve as keys, too.
                        chosen = way.pairs[number % len(way.pairs)][0] if way.pairs else None
                        if way.kind == "one":
                            chosen = (number + way.bound) % 7
                        setattr(each, f"f{p}", chosen)
                session.add(each)
        session.flush()
        for p, table in self.secondary.items():
            pairs = [dict(zip("abc", pair, strict=True)) for pair in self.related[p].pairs]
            if table.primary_key.columns:
                known = {(r["a"], r["b"]): r for r in pairs if None not in (r["a"], r["b"])}
                pairs = list(known.values())
            if pairs:
                session.execute(table.insert(), pairs)
        session.expunge_all()


@contextmanager
def _session(database: str, graph: Graph) -> Iterator[Session]:
    schemas = {each.schema for each in graph.drawn if each.schema}
    if database == "sqlite":
        engine = sa.create_engine("sqlite://", poolclass=StaticPool)
        connection = engine.connect()
        for schema in schemas:
            connection.exec_driver_sql(f"ATTACH ':memory:' AS {schema}")
    else:
        connection = next(each for each in ENGINES if each.name == database).emptied()
        for schema in schemas:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    graph.registry.metadata.create_all(connection)
    with Session(connection) as session:
        graph.store(session)
        yield session
    connection.rollback()
    if database == "sqlite":
        connection.close()
        engine.dispose()


def _held(each: Any, name: str) -> list[Any]:
    rows = getattr(each, name)
    return [] if rows is None else rows if isinstance(rows, list) else [rows]


def _check(session: Session, root: Any) -> None:
    schema = schema_from(root)
    source = Source(session, root)
    people = {each.id: each for each in session.scalars(sa.select(root))}
    for name in sa.inspect(root).relationships.keys():  # noqa: SIM118
        rows = {key: _held(each, name) for key, each in people.items()}
        numbers = {key: [r.n for r in each if r.n is not None] for key, each in rows.items()}
        tests = {
            f"any({name})": lambda k, rows=rows: bool(rows[k]),
            f"none({name})": lambda k, rows=rows: not rows[k],
            f"count({name}) > 1": lambda k, rows=rows: len(rows[k]) > 1,
            f"sum({name}.n) > 2": lambda k, numbers=numbers: sum(numbers[k]) > 2,
            f"any({name} where n >= 2)": lambda k, n=numbers: any(x >= 2 for x in n[k]),
            f"none({name} where n >= 2)": lambda k, n=numbers: not any(x >= 2 for x in n[k]),
            f"any({name}) and n >= 1": lambda k, rows=rows: (
                bool(rows[k]) and (people[k].n or 0) >= 1
            ),
            f"count({name}) > n": lambda k, rows=rows: (
                people[k].n is not None and len(rows[k]) > people[k].n
            ),
        }
        segments = {text: Segment.define(text, text, schema) for text in tests}
        held = source.evaluate(segments).frame
        assert set(held.index) == people.keys()
        for text, test in tests.items():
            expected = sorted(key for key in people if test(key))
            assert sorted(held.index[held[text]]) == expected, text
            query = sa.select(root.id).where(predicate(segments[text], root))
            assert sorted(session.scalars(query)) == expected, text
            assert sorted(session.scalars(members(segments[text], root))) == expected, text
            assert sorted(source.members(segments[text]).keys) == expected, text
        trait = Trait.define("it", f"sum({name}.n)", schema)
        found = {key: int(value) for key, value in session.execute(values([trait], root))}
        assert found == {key: sum(numbers[key]) for key in people}


def _check_graph(database: str, drawn: tuple[list[Drawn], list[Related]]) -> None:
    graph = Graph(*drawn)
    try:
        with _session(database, graph) as session:
            for root in dict.fromkeys([*graph.classes, *graph.subclasses]):
                note(str(root))
                _check(session, root)
    finally:
        graph.registry.dispose()


CHECKS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    max_examples=250,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@CHECKS
@given(graphs())
def test_graphs_on_sqlite(drawn: tuple[list[Drawn], list[Related]]) -> None:
    """Whatever classes inherit, join and are called: any, none, count and sum are the ORM's."""
    _check_graph("sqlite", drawn)


@settings(CHECKS, max_examples=15)
@given(graphs())
def test_graphs_on_postgresql(drawn: tuple[list[Drawn], list[Related]]) -> None:
    """The same on PostgreSQL, which knows types and schemas better."""
    _check_graph("postgresql", drawn)
