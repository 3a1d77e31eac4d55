"""Stays as rows of a relation: a view of a store's tables, and its place in a schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import DDLElement
from sqlalchemy.sql.compiler import DDLCompiler

from segmentkit._checking.memberships import ATTRIBUTES, RELATION, RUN_ATTRIBUTES, RUNS
from segmentkit.dtypes import BOOLEAN, TEXT, TIMESTAMP
from segmentkit.errors import SchemaError
from segmentkit.schema import Attribute, Entity, Fresh, Relation, Schema
from segmentkit.sqlalchemy._store.tables import StoreTables
from segmentkit.sqlalchemy.tables import VIEWS

OWNER = "person_key"
"""The column of the view with people's keys."""


class CreateView(DDLElement):
    """Make a view, if there is none."""

    inherit_cache = False

    def __init__(self, name: str, query: sa.SelectBase) -> None:
        self.name = name
        self.query = query


class DropView(DDLElement):
    """Drop a view, if there is one."""

    inherit_cache = False

    def __init__(self, name: str) -> None:
        self.name = name


@compiles(CreateView)
def _create(element: CreateView, compiler: DDLCompiler, **_: Any) -> str:
    name = compiler.preparer.quote(element.name)
    query = compiler.sql_compiler.process(element.query, literal_binds=True)
    # SQLite takes no OR REPLACE, and PostgreSQL no IF NOT EXISTS.
    word = "VIEW IF NOT EXISTS" if compiler.dialect.name == "sqlite" else "OR REPLACE VIEW"
    start = "CREATE " + word
    return f"{start} {name} AS {query}"


@compiles(DropView)
def _drop(element: DropView, compiler: DDLCompiler, **_: Any) -> str:
    return f"DROP VIEW IF EXISTS {compiler.preparer.quote(element.name)}"


def with_view(tables: StoreTables) -> StoreTables:
    """The tables, which are created and dropped with their views."""
    views = view_of(tables, RELATION), view_of(tables, RUNS)
    for name, query in zip(views, (_stays(tables), _runs(tables)), strict=True):
        sa.event.listen(tables.metadata, "after_create", CreateView(name, query))
        sa.event.listen(tables.metadata, "before_drop", DropView(name))
    return tables


def view_of(tables: StoreTables, entity: str) -> str:
    """What the view of an entity is called."""
    return f"{tables.prefix}_{entity}"


def _runs(tables: StoreTables) -> sa.Select[Any]:
    """All runs of which it is known who was in."""
    segment, run = tables.segment, tables.run
    query = sa.select(segment.c.name.label("segment"), run.c.as_of)
    of = query.join_from(run, segment, segment.c.id == run.c.segment_id)
    return of.where(run.c.run >= segment.c.known_from)


def _stays(tables: StoreTables) -> sa.CompoundSelect[Any]:
    """All stays: those that last, and those that have ended."""
    segment, run, member, past = tables.segment, tables.run, tables.member, tables.past
    entered, left = run.alias("entered"), run.alias("gone")

    def of(rows: sa.Table, *more: sa.ColumnElement[Any]) -> sa.Select[Any]:
        joined: Any = rows.join(segment, segment.c.id == rows.c.segment_id).join(
            entered,
            sa.and_(entered.c.segment_id == rows.c.segment_id, entered.c.run == rows.c.since_run),
        )
        if rows is past:
            joined = joined.join(
                left,
                sa.and_(left.c.segment_id == rows.c.segment_id, left.c.run == rows.c.left_run),
            )
        observed = _by_data(entered)
        columns = rows.c.key.label(OWNER), segment.c.name.label("segment")
        told = entered.c.as_of.label("entered_at"), observed.label("observed")
        return sa.select(*columns, *told, *more).select_from(joined)

    left_observed = _by_data(left)
    never = sa.cast(sa.null(), run.c.as_of.type).label("left_at")
    now = of(member, never, sa.false().label("left_observed"))
    then = of(past, left.c.as_of.label("left_at"), left_observed.label("left_observed"))
    return now.union_all(then)


def _by_data(run: Any) -> sa.ColumnElement[bool]:
    """Whether what a run has found is what people did: stale data says nothing of it."""
    is_so = sa.and_(run.c.cause == "data", run.c.stale == sa.false())
    return sa.case((is_so, sa.true()), else_=sa.false())


def remembering(schema: Schema, tables: StoreTables, fresh: Fresh) -> Schema:
    """A schema whose people have their stays as a relation.

    Raises:
        SchemaError: It has something of that name already.
    """
    root = schema.entity
    for taken in (RELATION, RUNS):
        if root.relation(taken) is not None or any(e.name == taken for e in schema.entities):
            raise SchemaError(f"the schema has {taken!r} already: it remembers, or another does")
    attributes = [Attribute(name, *told) for name, told in ATTRIBUTES.items()]
    rows = Entity(RELATION, table=view_of(tables, RELATION), attributes=attributes)
    told = [Attribute(name, dtype) for name, dtype in RUN_ATTRIBUTES.items()]
    runs = Entity(RUNS, table=view_of(tables, RUNS), attributes=told, fresh=fresh)
    relation = Relation(RELATION, to=RELATION, key=OWNER, at="entered_at")
    here = evolve(root, relations=[*root.relations, relation])
    entities = [here if each.name == root.name else each for each in schema.entities]
    return evolve(schema, entities=[*entities, rows, runs])


def known_views(metadata: sa.MetaData, tables: StoreTables) -> None:
    """The views beside the tables of the people, where queries look for them."""
    instant = tables.run.c.as_of.type
    types = {TEXT: sa.String(), TIMESTAMP: instant, BOOLEAN: sa.Boolean()}
    stays = {name: dtype for name, (dtype, _) in ATTRIBUTES.items()}
    of_people = [sa.Column(OWNER, tables.key)]
    for entity, first, each in ((RELATION, of_people, stays), (RUNS, [], RUN_ATTRIBUTES)):
        columns = [sa.Column(name, types[dtype]) for name, dtype in each.items()]
        name = view_of(tables, entity)
        view = sa.Table(name, sa.MetaData(), *first, *columns)
        metadata.info.setdefault(VIEWS, {})[name] = view
