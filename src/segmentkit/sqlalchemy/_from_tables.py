"""A schema from tables and their foreign keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from types import MappingProxyType

import sqlalchemy as sa
from attrs import evolve

from segmentkit._catalog.schema_table import Declaration, RelationDeclaration, TableDeclaration
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.errors import SchemaError
from segmentkit.schema import Attribute, Entity, Link, Relation, Schema
from segmentkit.sqlalchemy._columns import attribute_of
from segmentkit.sqlalchemy._selection import Selection
from segmentkit.sqlalchemy.models import Unfit, is_unique


class FromTables:
    """The entities of a table and of all that foreign keys lead to."""

    def __init__(
        self,
        told: Declaration,
        metadata: sa.MetaData,
        selection: Selection,
        unread: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self.metadata = metadata
        # Tables that nobody asked for, with those that their foreign keys lead to.
        self.unread = unread
        self.selection = selection
        often = Counter(table.name for table in metadata.tables.values())
        # Two tables of one name, in two schemas, go by the names with their schemas.
        self.names = {
            table: table.name if often[table.name] == 1 else table.fullname
            for table in metadata.tables.values()
        }
        self.root = self.table(told.entity)
        self.told = evolve(told, entity=self.names[self.root])
        self.given = {self.table(name): table for name, table in told.tables.items()}
        self.paths: dict[sa.Table, list[str]] = {self.root: [""]}
        self.entities: dict[sa.Table, Entity] = {}

    def schema(self) -> Schema:
        """The schema.

        Raises:
            SchemaError: Something declared does not exist.
        """
        # By which ways tables are reached, is known once all are.
        chosen, self.selection = self.selection, Selection(None, ())
        self.add(self.root)
        self.entities, self.selection = {}, chosen
        self.add(self.root)
        if self.entities[self.root].key is None:
            raise SchemaError(self.why_no_key())
        left = {
            name: {self.names[f.column.table] for f in table.foreign_keys}
            for table, name in self.names.items()
            if table not in self.entities
        }
        for name, owners in (*left.items(), *self.unread.items()):
            self.selection.leave_out(name, "", self.why_unreached(name, owners))
        told = self.selection.finished({entity.name for entity in self.entities.values()})
        return evolve(self.told.made_of(self.entities.values()), left_out=told)

    def why_unreached(self, name: str, owners: Collection[str]) -> str:
        """Why a table is left out that nothing leads to, and what to declare."""
        known = {entity.name for entity in self.entities.values()}
        if self.told.entity in owners or any(n == name for _, n in self.selection.left_out):
            return _UNREACHED  # why no relation leads to it is told of the relation
        for owner in sorted(known & {*owners}):
            way = f'tables={{"{owner}": {{"relations": {{"{name}": {{}}}}}}}}'
            return f"only the entity's relations are found; to have those of {owner}, declare {way}"
        if owners:
            return _UNREACHED
        way = f'relations={{"{name}": "…"}}'
        return f"{_UNREACHED}; if one of its columns holds keys of the entity, name it: {way}"

    def why_no_key(self) -> str:
        name, columns = self.names[self.root], [c.name for c in self.root.primary_key.columns]
        has = f"a key of {len(columns)} columns ({', '.join(columns)})" if columns else "no key"
        return (
            f"the table {name!r} has {has}, and members are identified by one column: name one "
            f'that is unique alone, as in tables={{"{name}": {{"key": "…"}}}}'
        )

    def table(self, name: str) -> sa.Table:
        if name in self.metadata.tables:
            return self.metadata.tables[name]
        found = [table for table, each in self.names.items() if each == name]
        if not found:
            hint = did_you_mean(name, self.names.values())
            raise SchemaError(f"there is no table {name!r}" + (f"; {hint}" if hint else ""))
        return found[0]

    def declared(self, table: sa.Table) -> TableDeclaration:
        return self.given.get(table, TableDeclaration(table.name))

    def key(self, table: sa.Table) -> str | None:
        columns = list(table.primary_key.columns)
        return self.declared(table).key or (columns[0].name if len(columns) == 1 else None)

    def add(self, table: sa.Table) -> None:
        """Take up a table and all that its links, and of the entity its relations, lead to."""
        if table in self.entities:
            return
        told, name = self.declared(table), self.names[table]
        attributes = self.attributes(table, told)
        links = self.links(table, told, {a.name for a in attributes})
        with_relations = table is self.root or told.relations
        taken = {a.name for a in attributes} | {i.name for i in links}
        relations = self.relations(table, told, taken) if with_relations else []
        self.entities[table] = Entity(
            name,
            key=self.key(table),
            attributes=attributes,
            documents=told.documents,
            places=told.places,
            links=links,
            relations=relations,
            table=table.name,
            schema=table.schema,
            fresh=told.fresh,
        )
        ways: tuple[Link | Relation, ...] = (*links, *relations)
        for way in ways:
            self.add(self.table(way.to))

    def attributes(self, table: sa.Table, told: TableDeclaration) -> list[Attribute]:
        """The attributes found, with what the author tells instead."""
        documents = {d.name for d in told.documents}
        declared = {a.name: a for a in told.attributes}
        found: dict[str, Attribute] = {}
        for column in table.columns:
            if column.name in documents:
                continue
            try:
                made = attribute_of(column.name, column)
            except Unfit as why:
                if column.name not in declared:
                    self.selection.leave_out(self.names[table], column.name, why)
                continue
            if self.takes(table, column.name):
                found[column.name] = made
        return list((found | declared).values())

    def takes(self, table: sa.Table, name: str, to: sa.Table | None = None) -> bool:
        names = [self.names[table], *self.paths.get(table, [])]
        if to is None:
            return self.selection.takes(self.names[table], name, names)
        here = self.paths.get(table, [""])[0]
        paths = self.paths.setdefault(to, [])
        paths += [f"{here}.{name}" if here else name, name]
        return self.selection.takes(self.names[table], name, names, [self.names[to]])

    def links(self, table: sa.Table, told: TableDeclaration, taken: set[str]) -> list[Link]:
        found: dict[str, Link] = {}
        for foreign in sorted(table.foreign_keys, key=lambda each: each.parent.name):
            target, column = foreign.column.table, foreign.parent.name
            name = column.removesuffix("_id")
            name = target.name if name == column else name
            # The entity's own name leads to its own row, so no link can go by it.
            if name in taken or name in found or name == self.told.entity:
                self.selection.leave_out(self.names[table], f"{column} → {target.name}", _TAKEN)
                continue
            if _is_part(foreign):
                self.selection.leave_out(self.names[table], name, _PART)
                continue
            by = None if foreign.column.name == self.key(target) else foreign.column.name
            if by is not None and not is_unique(target, foreign.column):
                why = f"nothing says that {target.name}.{by} is unique"
                self.selection.leave_out(self.names[table], name, why)
            elif self.takes(table, name, target):
                found[name] = Link(name, to=self.names[target], key=column, by=by)
        for way in told.links:
            known = found.get(way.name)
            to = self.names[self.table(way.to or (known.to if known else way.name))]
            if way.key is None and known is not None:
                found[way.name] = known
            else:
                key = way.key or _unknown(way, table.name)
                found[way.name] = Link(way.name, to=to, key=key, by=way.by)
        return sorted(found.values(), key=lambda link: link.name)

    def relations(self, table: sa.Table, told: TableDeclaration, taken: set[str]) -> list[Relation]:
        known: dict[str, Relation] = {}
        for other, name in self.names.items():
            there = [f for f in other.foreign_keys if f.column.table is table]
            leading = [f for f in there if not _is_part(f)]
            if other is table or not there:
                continue
            if not leading:
                self.selection.leave_out(self.names[table], name, _PART)
            elif len(there) == 1:
                by = None if leading[0].column.name == self.key(table) else leading[0].column.name
                known[name] = Relation(name, key=leading[0].parent.name, by=by)
            elif not any((way.to or way.name) == name for way in told.relations):
                self.selection.leave_out(self.names[table], name, _SEVERAL)
        found = {
            name: relation
            for name, relation in known.items()
            if name not in taken and self.takes(table, name, self.table(name))
        }
        for way in told.relations:
            to = self.names[self.table(way.to or way.name)]
            relation = known.get(to)
            if way.key is None:
                key = relation.key if relation else _unknown(way, table.name)
                by = relation.by if relation else None
            else:
                key, by = way.key, way.by
            found[way.name] = Relation(way.name, to=to, key=key, by=by, at=way.at, value=way.value)
        for name in known.keys() - found.keys():
            self.selection.leave_out(self.names[table], name, _TAKEN)
        return list(found.values())


_UNREACHED = "nothing that is in the schema leads to it"
_TAKEN = "something else goes by that name; declare it by another one"
_PART = (
    "its foreign key has several columns, and one of them says less: give mapped classes, "
    "or declare it by a column that is enough"
)
_SEVERAL = "several foreign keys lead here from there; name one in relations or events"


def _is_part(foreign: sa.ForeignKey) -> bool:
    """Whether a column is one of several of a foreign key."""
    return foreign.constraint is not None and len(foreign.constraint.elements) > 1


def _unknown(way: RelationDeclaration, table: str) -> str:
    raise SchemaError(
        f'no single foreign key declares {table}.{way.name}: name the column, as in {{"key": "…"}}'
    )
