"""Evaluate segments in SQL with SQLAlchemy: conditions and queries with bound parameters."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from attrs import evolve

from segmentkit._definition import AsOf, instant_of
from segmentkit._planning import ir
from segmentkit._remembered import Remembered
from segmentkit._usage import expect
from segmentkit.errors import SchemaError
from segmentkit.extension import Target
from segmentkit.partition import Audit, Partition, audit_of
from segmentkit.schema import Schema
from segmentkit.segment import Segment, bound_condition
from segmentkit.sqlalchemy.binds import Bind, bind_of, connected
from segmentkit.sqlalchemy.dialects.engine_setup import prepare
from segmentkit.sqlalchemy.given import Lists, Where, keys_of_lists
from segmentkit.sqlalchemy.mapped_record import record
from segmentkit.sqlalchemy.reflection import load_catalog, schema_from, tables_from, verify
from segmentkit.sqlalchemy.statements.compiler import Sql
from segmentkit.sqlalchemy.statements.export import case_of, count_combinations, select_values
from segmentkit.sqlalchemy.statements.predicate import compile_predicate
from segmentkit.sqlalchemy.tables import Root, Tables
from segmentkit.sqlalchemy.verification import Finding, Verification
from segmentkit.trait import Trait, bound_value, traits_of

if TYPE_CHECKING:
    from segmentkit._results.batches import Batch, Row
    from segmentkit.sqlalchemy._source import Source
    from segmentkit.sqlalchemy._store.store import Store

__all__ = [
    "Batch",
    "Finding",
    "Row",
    "Source",
    "Store",
    "Verification",
    "audit",
    "label_of",
    "labels",
    "load_catalog",
    "members",
    "predicate",
    "prepare",
    "record",
    "schema_from",
    "tables_from",
    "values",
    "verify",
]


def __getattr__(name: str) -> Any:
    """A source answers in pandas' types; whoever only makes queries need not load them."""
    if name in ("Batch", "Row"):
        from segmentkit._results import batches  # noqa: PLC0415 - loads pandas

        return getattr(batches, name)
    if name == "Source":
        from segmentkit.sqlalchemy._source import Source  # noqa: PLC0415 - loads pandas

        return Source
    if name == "Store":
        from segmentkit.sqlalchemy._store.store import Store  # noqa: PLC0415 - loads pandas

        return Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def predicate(
    segment: Segment,
    entity: Root,
    *,
    as_of: AsOf = None,
    lists: Lists | None = None,
    where: Where | None = None,
) -> sa.ColumnElement[bool]:
    """Make a predicate for a query of your own.

    Use it in ``WHERE``. Do not use SQLAlchemy's ``~`` on it: that is a three-valued ``NOT``, which
    loses rows with missing values. Use the complement of the segment instead
    (``predicate(~segment, …)``). To select it as a column, wrap it: ``case((predicate, 1),
    else_=0)``. On SQLite, ``ignoring case``, ``matches``, ``version`` and ``sample`` need an engine
    from `prepare`.

    Args:
        segment: The segment.
        entity: What the query selects from: a mapped class, a table, or an alias of one. The
            other tables of the schema are looked up in its ``MetaData``.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        lists: Columns with the keys of static lists, by the lists' names. The keys of other lists
            are parameters, or one parameter if they are many.
        where: The customers to look at, as a condition on the entity or a function that makes one
            from it: those of a tenant, those not deleted. Nobody else is a member, not even of a
            complement, and ranks, samples and ``among everyone`` cover only them.

    Returns:
        An expression whose values are all bound parameters.

    Raises:
        DataError: A parameter of the segment has no value.
        SchemaError: A table or column of the schema does not exist.
        UnsupportedError: SQL cannot compute a construct.

    Example:
        >>> import sqlalchemy as sa
        >>> from segmentkit import Segment
        >>> people = sa.Table(
        ...     "people",
        ...     sa.MetaData(),
        ...     sa.Column("id", sa.Integer, primary_key=True),
        ...     sa.Column("age", sa.Integer),
        ... )
        >>> grown_up = Segment.define("grown-up", "age >= 18", schema_from(people))
        >>> print(predicate(grown_up, people))
        people.age >= :age_1
        >>> print(predicate(~grown_up, people))
        people.age < :age_1 OR people.age IS NULL
    """
    expect(segment, Segment, "predicate(segment, entity)")
    lists = keys_of_lists(lists)
    condition = bound_condition(segment, instant_of(as_of, segment.schema), Target.SQL)
    found = None
    if where is None and isinstance(entity, Hashable):
        schema = segment.schema
        made = partial(_of_columns, condition, schema, entity)
        found = _PREDICATES.get(schema, (condition, entity), made)
    if found is not None:
        return found
    tables = Tables.of(segment.schema, entity, lists, where)
    return sa.and_(*tables.asked, compile_predicate(condition, tables))


_PREDICATES = Remembered()


def _of_columns(condition: ir.Condition, schema: Schema, entity: Root) -> Sql | None:
    """A predicate that looks at columns of the entity's own table; None if it needs others.

    It is remembered: the same for the same question about the same table, as it never changes.
    """
    nodes = ir.walk(condition)
    linked = any(node.links for node in nodes if type(node) is ir.Column)
    if linked or not _OF_OTHERS.isdisjoint(map(type, nodes)):
        return None
    return compile_predicate(condition, Tables.of(schema, entity), nodes)


_OF_OTHERS = frozenset({ir.Listed, *ir.OF_MANY})


def members(
    segment: Segment,
    entity: Root,
    *,
    as_of: AsOf = None,
    lists: Lists | None = None,
    where: Where | None = None,
) -> sa.Select[Any]:
    """Make a query for the keys of a segment's members.

    Args:
        segment: The segment.
        entity: A mapped class, a table, or an alias of one.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        lists: Columns with the keys of static lists, by the lists' names.
        where: The customers to look at, as a condition on the entity or a function that makes one
            from it: those of a tenant, those not deleted. Ranks, samples and ``among everyone``
            cover only them.

    Returns:
        A ``SELECT`` of one column, the key. Its execution options ``segmentkit_as_of`` and
        ``segmentkit_segment`` are the instant and the segment's name.

    Raises:
        DataError: A parameter of the segment has no value.
        SchemaError: A table or column of the schema does not exist.
        UnsupportedError: SQL cannot compute a construct.
    """
    expect(segment, Segment, "members(segment, entity)")
    instant = instant_of(as_of, segment.schema)
    tables = Tables.of(segment.schema, entity, lists, where)
    key = tables.root_column(segment.schema.entity.key or "")
    test = compile_predicate(bound_condition(segment, instant, Target.SQL), tables)
    query = sa.select(key).where(*tables.asked, test)
    return query.execution_options(
        segmentkit_as_of=instant.replace(tzinfo=UTC), segmentkit_segment=segment.name
    )


def values(
    traits: Iterable[Trait],
    entity: Root,
    *,
    segment: Segment | None = None,
    as_of: AsOf = None,
    lists: Lists | None = None,
    where: Where | None = None,
) -> sa.Select[Any]:
    """Make a query for the values of traits, beside the key.

    Args:
        traits: The traits to compute; at least one.
        entity: A mapped class, a table, or an alias of one.
        segment: The segment whose members you want; by default everyone.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        lists: Columns with the keys of static lists, by the lists' names.
        where: The customers to look at, as a condition on the entity or a function that makes one
            from it: those of a tenant, those not deleted. Ranks, samples and ``among everyone``
            cover only them.

    Returns:
        A ``SELECT`` of the key and of one column for each trait, with the trait's name. Its
        execution option ``segmentkit_as_of`` is the instant. Missing values are NULL.

    Raises:
        DataError: A parameter has no value.
        SchemaError: A table or column of the schema does not exist, or the traits and the segment
            are of different schemas.
        UnsupportedError: SQL cannot compute a construct.
        ValueError: You gave no traits.

    Example:
        >>> import sqlalchemy as sa
        >>> from segmentkit import Trait
        >>> people = sa.Table(
        ...     "people",
        ...     sa.MetaData(),
        ...     sa.Column("id", sa.Integer, primary_key=True),
        ...     sa.Column("height", sa.Integer),
        ... )
        >>> metres = Trait.define("metres", "height / 100", schema_from(people))
        >>> print(values([metres], people))
        SELECT people_1.id, CAST(people_1.height AS DOUBLE) / :param_1 AS metres
        FROM people AS people_1
    """
    traits = traits_of(traits)
    schema = traits[0].schema
    if any(
        each.schema != schema for each in (*traits, *([segment] if segment is not None else ()))
    ):
        raise SchemaError("the traits and the segment are of different schemas")
    instant = instant_of(as_of, schema)
    bound = {str(trait.name): bound_value(trait, instant, Target.SQL) for trait in traits}
    of = ir.TRUE if segment is None else bound_condition(segment, instant, Target.SQL)
    query = select_values(bound, of, Tables.of(schema, entity, lists, where))
    return query.execution_options(segmentkit_as_of=instant.replace(tzinfo=UTC))


def label_of(
    partition: Partition,
    entity: Root,
    *,
    as_of: AsOf = None,
    lists: Lists | None = None,
    where: Where | None = None,
) -> sa.ColumnElement[str]:
    """Make a column for a query of your own: which part of a partition a row is in.

    Args:
        partition: The partition.
        entity: What the query selects from: a mapped class, a table, or an alias of one.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        lists: Columns with the keys of static lists, by the lists' names.
        where: The customers to look at, as a condition on the entity or a function that makes one
            from it: those of a tenant, those not deleted. Ranks, samples and ``among everyone``
            cover only them.

    Returns:
        One ``CASE``; the labels in it are bound parameters. It is NULL only of those who are
        not asked about (``where``).

    Raises:
        DataError: A parameter of the partition has no value.
        SchemaError: A table or column of the schema does not exist.
        UnsupportedError: SQL cannot compute a construct.

    Example:
        >>> import sqlalchemy as sa
        >>> from segmentkit import Partition
        >>> people = sa.Table(
        ...     "people",
        ...     sa.MetaData(),
        ...     sa.Column("id", sa.Integer, primary_key=True),
        ...     sa.Column("age", sa.Integer),
        ... )
        >>> minor = Segment.define("minor", "age < 18", schema_from(people))
        >>> print(label_of(Partition.define("ages", [minor], rest="others"), people))
        CASE WHEN (people.age < :age_1) THEN :param_1 ELSE :param_2 END
    """
    expect(partition, Partition, "partitions")
    instant = instant_of(as_of, partition.schema)
    tables = Tables.of(partition.schema, entity, lists, where)
    found = _case(partition, tables, instant)
    return found if tables.scope is None else sa.case((tables.scope, found))


def labels(
    partition: Partition,
    entity: Root,
    *,
    as_of: AsOf = None,
    lists: Lists | None = None,
    where: Where | None = None,
) -> sa.Select[Any]:
    """Make a query for the part of a partition that everyone is in.

    Args:
        partition: The partition.
        entity: A mapped class, a table, or an alias of one.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        lists: Columns with the keys of static lists, by the lists' names.
        where: The customers to look at, as a condition on the entity or a function that makes one
            from it: those of a tenant, those not deleted. Ranks, samples and ``among everyone``
            cover only them.

    Returns:
        A ``SELECT`` of the key and of the label, with the partition's name; its
        execution option ``segmentkit_as_of`` is the instant.

    Raises:
        DataError: A parameter of the partition has no value.
        SchemaError: A table or column of the schema does not exist.
        UnsupportedError: SQL cannot compute a construct.
    """
    expect(partition, Partition, "partitions")
    instant = instant_of(as_of, partition.schema)
    tables = Tables.of(partition.schema, entity, lists, where)
    key = tables.root_column(partition.schema.entity.key or "")
    query = sa.select(key, _case(partition, tables, instant).label(partition.name))
    query = query.where(*tables.asked)
    return query.execution_options(segmentkit_as_of=instant.replace(tzinfo=UTC))


def _case(partition: Partition, tables: Tables, instant: datetime) -> Sql:
    parts = [
        (label, bound_condition(p, instant, Target.SQL)) for label, p in partition.parts.items()
    ]
    return case_of(parts, partition.rest, tables)


def audit(
    partition: Partition,
    entity: Root,
    connection: Bind,
    *,
    as_of: AsOf = None,
    lists: Lists | None = None,
    where: Where | None = None,
) -> Audit:
    """Ask how many each part of a partition would have had alone, and to whom it lost them.

    Args:
        partition: The partition.
        entity: A mapped class, a table, or an alias of one.
        connection: What to ask, with one statement.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        lists: Columns with the keys of static lists, by the lists' names.
        where: The customers to look at, as a condition on the entity or a function that makes one
            from it: those of a tenant, those not deleted. Ranks, samples and ``among everyone``
            cover only them.

    Returns:
        The audit; print it.

    Raises:
        DataError: A parameter of the partition has no value.
        SchemaError: A table or column of the schema does not exist.
        UnsupportedError: SQL cannot compute a construct.
    """
    expect(partition, Partition, "partitions")
    instant = instant_of(as_of, partition.schema)
    tables = Tables.of(partition.schema, entity, lists, where)
    parts = [bound_condition(part, instant, Target.SQL) for part in partition.parts.values()]
    with connected(bind_of(connection, "audit(…, {})"), entity) as asked:
        tables = evolve(tables, by_class=asked.session is not None)
        found: Any = asked.execute(count_combinations(parts, tables)).all()
    counts = [(tuple(map(bool, held)), count) for *held, count in found]
    return audit_of(partition, counts, instant.replace(tzinfo=UTC))
