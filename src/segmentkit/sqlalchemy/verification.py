"""The check of a database before going live: errors, and advice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from attrs import asdict, field, frozen

from segmentkit.dtypes import DType, Kind
from segmentkit.schema import Attribute, Entity, Link, Relation, Schema
from segmentkit.sqlalchemy._columns import dtype_of
from segmentkit.sqlalchemy.dialects.column_types import codec_of
from segmentkit.sqlalchemy.times_on_sqlite import forms, has_t, is_read, usual

_BY_INDEX = ("sqlite", "postgresql", "mysql", "mariadb", "mssql", "oracle")
"""Databases that find rows by indexes; others read columns."""
_MANY = 1_000
"""Rows from which indexes and statistics matter."""
_TIMES = (Kind.DATE, Kind.TIMESTAMP)


@frozen
class Finding:
    """A problem of a database, or something that could be better.

    Attributes:
        kind: The kind of problem: ``wrong-type``, ``duplicate-keys``, ``missing-keys``,
            ``dangling-keys``, ``unreadable-times``, ``mixed-times``, ``session-zone``,
            ``no-zone``, ``out-of-bounds``, ``no-index``, ``no-statistics`` or ``not-checked``.
        place: A table, or a column of a table.
        message: What was found.
        fix: SQL or code that fixes it.
        count: The number of rows, if it is about rows.
        is_error: Whether answers are wrong until you fix it; otherwise it is advice.
    """

    kind: str
    place: str
    message: str
    fix: str = field(kw_only=True)
    count: int | None = field(default=None, kw_only=True)
    is_error: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        of = "" if self.count is None else f" ({self.count:,} {'row' + 's' * (self.count != 1)})"
        level = "error" if self.is_error else "advice"
        return f"{level}: {self.place}: {self.message}{of}\n    {self.fix}"

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON."""
        return asdict(self)


@frozen
class Verification:
    """The findings of a check of a database; print them.

    Attributes:
        findings: All findings, errors first.
    """

    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make answers wrong."""
        return tuple(each for each in self.findings if each.is_error)

    @property
    def advice(self) -> tuple[Finding, ...]:
        """The findings that are advice."""
        return tuple(each for each in self.findings if not each.is_error)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings)) or "nothing to mend"


@frozen
class Place:
    """A table of a schema in the database.

    Attributes:
        entity: What its rows are.
        table: The table.
        columns: The types of its columns, as the database tells them.
        declared: The table as the app declares it, if it gave its classes or tables.
    """

    entity: Entity
    table: sa.TableClause
    columns: dict[str, Any]
    declared: sa.Table | None = None


def findings(
    schema: Schema,
    connection: sa.Connection,
    places: dict[str, Place],
    *,
    data: bool,
) -> Verification:
    """Look for all that can be wrong with tables that are there.

    Args:
        schema: The schema.
        connection: The database.
        places: The tables of entities, by their names.
        data: Whether rows are looked at too.
    """
    checks = _Checks(schema, connection, places)
    each: list[Callable[[], Iterator[Finding]]] = [
        checks.types,
        checks.collations,
        checks.indexes,
        checks.statistics,
    ]
    if data:
        each += [checks.keys, checks.ways, checks.times, checks.numbers]
    found = [finding for check in each for finding in checks.tried(check)]
    return Verification(tuple(sorted(found, key=lambda finding: not finding.is_error)))


class _Checks:
    def __init__(self, schema: Schema, connection: sa.Connection, places: dict[str, Place]) -> None:
        self.schema = schema
        self.connection = connection
        self.places = places
        self.inspector = sa.inspect(connection)
        self.dialect = connection.dialect
        self.quote = connection.dialect.identifier_preparer

    def tried(self, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        """What a check finds; what a database refuses to tell is found, too."""
        try:
            yield from check()
        except sa.exc.DBAPIError as error:
            self.connection.rollback()
            why = str(error.orig).strip().splitlines()[0]
            told = f"the database does not answer: {why}"
            yield Finding("not-checked", check.__name__, told, fix="see what it says")

    def named(self, place: Place, column: str | None = None) -> str:
        """A table, or a column, as SQL writes it."""
        table = self.quote.format_table(place.table)
        return table if column is None else f"{table}.{self.quote.quote(column)}"

    def count(self, place: Place, test: Any = None) -> int:
        query = sa.select(sa.func.count()).select_from(place.table)
        return int(self.connection.scalar(query if test is None else query.where(test)) or 0)

    # -- types ----------------------------------------------------------------------------------

    def types(self) -> Iterator[Finding]:
        for place, attribute in self.attributes():
            kind = place.columns[attribute.column]
            if self.is_converted(place, attribute) or isinstance(kind, sa.types.NullType):
                continue
            found = dtype_of(kind)
            if not self.fits(attribute.stored, found, kind):
                yield Finding(
                    "wrong-type",
                    self.named(place, attribute.column),
                    f"the schema says {attribute.form or attribute.dtype}, "
                    f"and the database has {_called(kind)}",
                    fix=f"tell the schema what it is, or convert the column; if a type of the "
                    f"app converts it, say so: verify(schema, engine, {place.entity.name.title()})",
                    is_error=True,
                )
            elif attribute.form is None and attribute.dtype.kind is Kind.TIMESTAMP:
                yield from self.zones(place, attribute.column, kind)

    def collations(self) -> Iterator[Finding]:
        """Columns that SQLite compares otherwise, as only the text of their tables says."""
        if self.dialect.name != "sqlite":
            return
        for place, attribute in self.attributes():
            if attribute.stored.kind is not Kind.TEXT or self.has_collation(place, attribute):
                continue
            about = sa.text("SELECT sql FROM sqlite_master WHERE lower(name) = lower(:name)")
            made = self.connection.scalar(about, {"name": place.table.name}) or ""
            written = rf"[\"`\[]?\b{re.escape(attribute.column)}\b[^,]*?COLLATE\W+(NOCASE|RTRIM)\b"
            if (found := re.search(written, made, re.IGNORECASE)) is not None:
                collation = found[1].upper()
                yield Finding(
                    "collation",
                    self.named(place, attribute.column),
                    f"it is compared by {collation}, and not by code point",
                    fix="declare it in your class or table, and pass that to verify, too: "
                    f'sqlalchemy.String(collation="{collation}")',
                    is_error=True,
                )

    def has_collation(self, place: Place, attribute: Attribute) -> bool:
        """Whether the app declares how a column is compared, so that the SQL says otherwise."""
        column = None if place.declared is None else place.declared.c.get(attribute.column)
        return getattr(getattr(column, "type", None), "collation", None) is not None

    def attributes(self) -> Iterator[tuple[Place, Attribute]]:
        for place in self.places.values():
            for attribute in place.entity.attributes:
                if attribute.column in place.columns and not attribute.path:
                    yield place, attribute

    def is_converted(self, place: Place, attribute: Attribute) -> bool:
        """Whether a type of the app stands between the column and its values."""
        column = None if place.declared is None else place.declared.c.get(attribute.column)
        return column is not None and codec_of(column.type) is not None

    def fits(self, told: DType, found: DType | None, kind: Any) -> bool:
        if told.kind is Kind.TEXTS:
            return not (found and (found.is_number or found.is_time))
        if found is None:
            return False
        if told.kind is found.kind or (told.is_number and found.is_number):
            return True
        # SQLite has neither booleans nor times: numbers and texts stand for them.
        stands_for = {Kind.BOOLEAN: Kind.INTEGER, Kind.DATE: Kind.TEXT, Kind.TIMESTAMP: Kind.TEXT}
        return self.dialect.name == "sqlite" and stands_for.get(told.kind) is found.kind

    def zones(self, place: Place, column: str, kind: Any) -> Iterator[Finding]:
        where, name = self.named(place), self.quote.quote(column)
        if self.dialect.name in ("postgresql", "duckdb") and not getattr(kind, "timezone", False):
            yield Finding(
                "no-zone",
                self.named(place, column),
                "its times have no zone, and are read as UTC",
                fix=f"ALTER TABLE {where} ALTER COLUMN {name} TYPE TIMESTAMP WITH TIME ZONE "
                f"USING {name} AT TIME ZONE 'UTC'; -- or the zone they were written in",
            )
        if self.dialect.name in ("mysql", "mariadb") and isinstance(kind, sa.TIMESTAMP):
            off = "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())"
            if self.connection.exec_driver_sql(off).scalar():
                yield Finding(
                    "session-zone",
                    self.named(place, column),
                    "a TIMESTAMP is read in the zone of the session, which is not UTC",
                    fix='create_engine(…, connect_args={"init_command": '
                    "\"SET time_zone = '+00:00'\"})",
                    is_error=True,
                )

    # -- keys -----------------------------------------------------------------------------------

    def keys(self) -> Iterator[Finding]:
        for place in self.places.values():
            key = place.entity.key
            if key is None or self.is_unique(place, key):
                continue
            column = place.table.c[key]
            again = sa.select(column).group_by(column).having(sa.func.count() > 1)
            where, name = self.named(place), self.quote.quote(key)
            if doubled := self.count(place, column.in_(again)):
                yield Finding(
                    "duplicate-keys",
                    self.named(place, key),
                    "rows have the same key",
                    fix=f"SELECT {name}, count(*) FROM {where} GROUP BY {name} "
                    f"HAVING count(*) > 1; -- keep one row of each",
                    count=doubled,
                    is_error=True,
                )
            if missing := self.count(place, column.is_(None)):
                yield Finding(
                    "missing-keys",
                    self.named(place, key),
                    "rows have no key",
                    fix=f"DELETE FROM {where} WHERE {name} IS NULL; -- or give them keys",
                    count=missing,
                    is_error=True,
                )
            if not doubled and not missing:
                yield Finding(
                    "no-index",
                    self.named(place, key),
                    "nothing says that its values are unique",
                    fix=f"CREATE UNIQUE INDEX {self.index(place, key)} ON {where} ({name});",
                )

    def is_unique(self, place: Place, column: str) -> bool:
        name, schema = place.table.name, place.table.schema
        primary = self.inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]
        others: list[Any] = [*self.inspector.get_unique_constraints(name, schema=schema)]
        unique = [
            each for each in self.inspector.get_indexes(name, schema=schema) if each["unique"]
        ]
        return [column] in [primary, *(each["column_names"] for each in (*others, *unique))]

    def all_ways(self) -> Iterator[tuple[Place, str, Place, str, Link | Relation]]:
        """Where rows have keys of other rows: their column, and that of the others."""
        for place in self.places.values():
            ways: tuple[Link | Relation, ...] = (*place.entity.links, *place.entity.relations)
            for way in ways:
                other = self.places.get(self.schema.named(way.to).name)
                if other is None or way.join is not None:
                    continue
                many, one = (other, place) if isinstance(way, Relation) else (place, other)
                to = way.by or one.entity.key
                if to in one.columns and way.key in many.columns:
                    yield many, way.key, one, to, way

    def ways(self) -> Iterator[Finding]:
        seen = set()
        for many, key, one, to, _ in self.all_ways():
            if (place := self.named(many, key)) in seen or self.is_enforced(many, key):
                continue
            seen.add(place)
            a, b = dtype_of(many.columns[key]), dtype_of(one.columns[to])
            if a and b and a.family != b.family:
                yield Finding(
                    "wrong-type",
                    place,
                    f"it is {a}, and {self.named(one, to)} is {b}",
                    fix="make both columns of one type",
                    is_error=True,
                )
                continue
            column = many.table.c[key]
            other = one.table.alias()
            there = sa.select(sa.literal_column("1")).where(other.c[to] == column).exists()
            if lost := self.count(many, sa.and_(column.is_not(None), sa.not_(there))):
                name, far = self.quote.quote(key), self.quote.quote(to)
                yield Finding(
                    "dangling-keys",
                    place,
                    f"rows lead to no row of {self.named(one)}",
                    fix=f"SELECT * FROM {self.named(many)} WHERE {name} NOT IN "
                    f"(SELECT {far} FROM {self.named(one)}); -- and declare a foreign key",
                    count=lost,
                )

    def is_enforced(self, place: Place, column: str) -> bool:
        """Whether the database itself sees to it that keys lead somewhere."""
        if self.dialect.name == "sqlite":
            return False  # it does not, unless each connection asks for it
        name, schema = place.table.name, place.table.schema
        keys = self.inspector.get_foreign_keys(name, schema=schema)
        return any(each["constrained_columns"] == [column] for each in keys)

    # -- times ----------------------------------------------------------------------------------

    def times(self) -> Iterator[Finding]:
        if self.dialect.name != "sqlite":
            return
        for place, attribute in self.attributes():
            if attribute.stored.kind in _TIMES and not self.is_converted(place, attribute):
                yield from self.written(place, attribute)

    def written(self, place: Place, attribute: Attribute) -> Iterator[Finding]:
        """How times are written on SQLite, which keeps them as texts."""
        name = self.quote.quote(attribute.column)
        where, table = self.named(place, attribute.column), self.named(place)
        is_day = attribute.dtype.kind is Kind.DATE
        for form in forms(name, is_day=is_day):
            if count := self.count(place, sa.text(_escaped(f"({form.test})"))):
                fix = f"SELECT {name} FROM {table} WHERE {form.left};"
                if form.made is not None:
                    fix = f"UPDATE {table} SET {name} = {form.made} WHERE {form.test};"
                yield Finding(
                    "unreadable-times", where, form.what, fix=fix, count=count, is_error=True
                )
        if not is_day:
            yield from self.mixed(place, where, name)

    def mixed(self, place: Place, where: str, name: str) -> Iterator[Finding]:
        """Times that are understood one by one, and are not in one order."""
        read, table = is_read(name), self.named(place)
        with_t = self.count(place, sa.text(has_t(name)))
        count = with_t if with_t < self.count(place, sa.text(f"typeof({name}) = 'text'")) else 0
        why = "some times have a T before the clock and others have not"
        if not count:
            at: sa.ColumnElement[Any] = sa.literal_column(usual(name))
            column: sa.ColumnElement[Any] = sa.literal_column(name)
            same = sa.select(sa.func.count().label("rows")).select_from(place.table)
            same = same.where(sa.text(_escaped(read))).group_by(at)
            same = same.having(sa.func.min(column) != sa.func.max(column))
            rows = same.subquery().c.rows
            count = int(self.connection.scalar(sa.select(sa.func.sum(rows))) or 0)
            why = "times that are the same have more digits in some rows than in others"
        if count:
            yield Finding(
                "mixed-times",
                where,
                f"{why}: first(…), last(…), min, max and sequences take them for different, "
                "or for later than they are",
                fix=f"UPDATE {table} SET {name} = {usual(name)} WHERE {read};",
                count=count,
                is_error=True,
            )

    # -- numbers --------------------------------------------------------------------------------

    def numbers(self) -> Iterator[Finding]:
        for place, attribute in self.attributes():
            column, name = place.table.c[attribute.column], self.quote.quote(attribute.column)
            ends = zip(attribute.bounds, ("<", ">"), ("least", "greatest"), strict=True)
            outside = [(end, sign, word) for end, sign, word in ends if end is not None]
            if not outside or attribute.form is not None or self.is_converted(place, attribute):
                continue
            where = " OR ".join(f"{name} {sign} {end}" for end, sign, _ in outside)
            tests = [column.op(sign, is_comparison=True)(end) for end, sign, _ in outside]
            if count := self.count(place, sa.or_(*tests)):
                said = " and ".join(f"the {word} is {end}" for end, _, word in outside)
                yield Finding(
                    "out-of-bounds",
                    self.named(place, attribute.column),
                    f"the schema says that {said}, and there are others",
                    fix=f"SELECT * FROM {self.named(place)} WHERE {where};",
                    count=count,
                )

    # -- speed ----------------------------------------------------------------------------------

    def index(self, place: Place, *columns: str) -> str:
        return self.quote.quote("_".join(["ix", place.table.name, *columns]))

    def indexes(self) -> Iterator[Finding]:
        if self.dialect.name not in _BY_INDEX:
            return
        seen = set()
        for many, key, _, _, way in self.all_ways():
            if not isinstance(way, Relation) or (self.named(many), key) in seen:
                continue
            seen.add((self.named(many), key))
            at = many.entity.attribute(way.at) if way.at else None
            columns = [key, at.column] if at else [key]
            if any(each[: len(columns)] == columns for each in self.all_indexes(many)):
                continue
            listed = ", ".join(map(self.quote.quote, columns))
            yield Finding(
                "no-index",
                self.named(many, key),
                f"no index begins with {listed}, by which the rows of {way.name!r} are found",
                fix=f"CREATE INDEX {self.index(many, *columns)} ON {self.named(many)} ({listed});",
            )

    def all_indexes(self, place: Place) -> list[list[str | None]]:
        name, schema = place.table.name, place.table.schema
        primary = self.inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]
        unique = self.inspector.get_unique_constraints(name, schema=schema)
        others: list[Any] = [*unique, *self.inspector.get_indexes(name, schema=schema)]
        return [list(primary), *(list(each["column_names"]) for each in others)]

    def statistics(self) -> Iterator[Finding]:
        for place in self.places.values():
            name = place.table.name
            if self.dialect.name == "sqlite":
                has = "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"
                stat = "SELECT count(*) FROM sqlite_stat1 WHERE tbl = ?"
                known = bool(self.connection.exec_driver_sql(has).scalar()) and bool(
                    self.connection.exec_driver_sql(stat, (name,)).scalar()
                )
            elif self.dialect.name == "postgresql":
                rows = "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)"
                found = self.connection.exec_driver_sql(rows, (self.named(place),)).scalar()
                known = found is None or found >= 0
            else:
                return
            if not known and self.count(place) > _MANY:
                yield Finding(
                    "no-statistics",
                    self.named(place),
                    "the database has never counted what is in it, and plans blindly",
                    fix=f"ANALYZE {self.named(place)};",
                )


def _escaped(sql: str) -> str:
    """SQL as ``text`` takes it, where a colon names a parameter."""
    return sql.replace(":", "\\:")


def _called(kind: Any) -> str:
    try:
        return str(kind)
    except sa.exc.CompileError:
        return type(kind).__name__
