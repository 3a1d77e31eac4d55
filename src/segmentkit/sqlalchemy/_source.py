"""A database as a source: many segments in one pass, counted where the data is."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from operator import itemgetter
from typing import Any, ClassVar

import sqlalchemy as sa
from attrs import define, evolve, field, frozen
from sqlalchemy.sql.compiler import SQLCompiler

from segmentkit._planning import ir
from segmentkit._results.columns import columns_of
from segmentkit.schema import Schema
from segmentkit.sqlalchemy.binds import Bind, Connected, bind_of, connected, is_autocommit
from segmentkit.sqlalchemy.dialects.dialect import is_columnar, shapes_of
from segmentkit.sqlalchemy.dialects.statement_sizes import (
    check_size,
    told_if_too_complex,
    within_limits,
)
from segmentkit.sqlalchemy.given import Lists, Where
from segmentkit.sqlalchemy.planner import planner_of
from segmentkit.sqlalchemy.sql_source import AT_ONCE, Columns, SqlSource
from segmentkit.sqlalchemy.tables import Root, Tables


@define(eq=False, repr=False)
class Source(SqlSource):
    """A database on which you evaluate many segments at once.

    Each call runs one statement, or a few if the database limits their length; before, SQLite and
    PostgreSQL are asked how they would answer it. Nothing is written, and rows are read in
    portions. An engine lends a connection for the time of a call; a connection or a session of
    yours is used as it is, in its transaction.

    Args:
        bind: An engine, a connection or a session. What a session adds to its statements, such as
            `with_loader_criteria`, holds here too.
        entity: A mapped class, a table, or an alias of one.
        lists: Columns with the keys of static lists, by the lists' names.
        where: The customers to look at, as a condition on the entity or a function that makes one
            from it: those of a tenant, those not deleted. The population, ranks, samples and
            ``among everyone`` cover only them.

    Example:
        >>> import sqlalchemy as sa
        >>> from segmentkit import Segment
        >>> from segmentkit.sqlalchemy import schema_from
        >>> people = sa.Table(
        ...     "people",
        ...     sa.MetaData(),
        ...     sa.Column("id", sa.Integer, primary_key=True),
        ...     sa.Column("age", sa.Integer),
        ... )
        >>> engine = sa.create_engine("sqlite://")
        >>> with engine.begin() as connection:
        ...     people.create(connection)
        ...     rows = [{"id": 7, "age": 17}, {"id": 8, "age": 40}]
        ...     _ = connection.execute(people.insert(), rows)
        >>> schema = schema_from(people)
        >>> minor = Segment.define("minor", "age < 18", schema)
        >>> adult = Segment.define("adult", "age >= 18", schema)
        >>> source = Source(engine, people)
        >>> source.evaluate([minor, adult]).frame
            minor  adult
        id
        7    True  False
        8   False   True
        >>> source.sizes([minor, adult])
        Sizes({'minor': 1, 'adult': 1}, population=2)
    """

    bind: Bind = field(converter=bind_of)
    entity: Root
    lists: Lists | None = field(default=None, kw_only=True)
    where: Where | None = field(default=None, kw_only=True)

    @contextmanager
    def _connected(self, schema: Schema) -> Iterator[tuple[_Database, Tables]]:
        tables = Tables.of(schema, self.entity, self.lists, self.where)
        with connected(self.bind, self.entity) as asked, within_limits(asked.connection):
            shapes = shapes_of(asked.connection.dialect)
            planner = planner_of(asked.connection)
            by_class = asked.session is not None
            known = evolve(tables, by_class=by_class, shapes=shapes, planner=planner)
            yield _Database(asked), known

    def __repr__(self) -> str:
        scope = "" if self.where is None else ", where=…"
        return f"Source({type(self.bind).__name__}, {self.entity!r:.80}{scope})"


def _as_declared(declared: sa.ColumnElement[Any], column: Any) -> Any:
    """Values as a driver gives them row by row: in Arrow, long integers are decimals."""
    if isinstance(column, list) and isinstance(declared.type, sa.Integer):
        return [int(each) if isinstance(each, Decimal) else each for each in column]
    return column


def _batches(cursor: Any) -> Any:
    """An answer of DuckDB in parts of Arrow."""
    # Since version 2 it has another name, and warns that the answer is copied once.
    read = getattr(cursor, "to_arrow_reader", None) or cursor.fetch_record_batch
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
        return read(AT_ONCE)


_OF_ARROW = (sa.Boolean, sa.SmallInteger, sa.Integer, sa.BigInteger, sa.String, sa.Text)
"""Types whose values are the same from Arrow."""


@frozen
class _Database:
    """A database for the time of a question."""

    errors: ClassVar[tuple[type[Exception], ...]] = (sa.exc.SQLAlchemyError,)
    asked: Connected

    @property
    def columnar(self) -> bool:
        return self.asked.session is None and is_columnar(self.asked.connection.dialect)

    def parts(self, query: sa.Select[Any]) -> Iterator[Columns]:
        if self.columnar and all(type(c.type) in _OF_ARROW for c in query.selected_columns):
            with told_if_too_complex(self.asked.connection.dialect):
                answer = self.asked.connection.execute(query)
            with answer as result:
                for batch in _batches(result.cursor):
                    if batch.num_rows:
                        yield [*map(_as_declared, query.selected_columns, columns_of(batch))]
            return
        connection = self.asked.connection
        if connection.dialect.name != "postgresql" or not is_autocommit(connection):
            # PostgreSQL has cursors within transactions only.
            query = query.execution_options(stream_results=True, yield_per=AT_ONCE)
        with self._execute(query) as result:
            for part in result.partitions(AT_ONCE):
                # Much faster than zip, which makes an iterator of every row.
                yield [list(map(itemgetter(i), part)) for i in range(len(part[0]))]

    def row(self, query: sa.Select[Any]) -> sa.Row[Any] | None:
        return self._execute(query).first()

    def _execute(self, query: sa.Select[Any]) -> sa.Result[Any]:
        with told_if_too_complex(self.asked.connection.dialect):
            return self.asked.execute(query)

    def text(self, query: sa.Select[Any]) -> str:
        told = {"render_postcompile": True}
        compiled = query.compile(self.asked.connection, compile_kwargs=told)
        assert isinstance(compiled, SQLCompiler)
        values: Any = compiled.construct_params(escape_names=False)
        if compiled.positiontup is not None:
            values = [values[name] for name in compiled.positiontup]
        check_size(self.asked.connection, str(compiled), values)
        return str(compiled)

    def check(self, nodes: Iterable[ir.Condition | ir.Value], tables: Tables) -> None:
        """Nothing: what a database computes otherwise, SQLAlchemy does not compile."""
