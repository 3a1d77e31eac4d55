"""A schema from mapped classes and their relationships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.ext.associationproxy import AssociationProxyExtensionType
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipDirection, RelationshipProperty
from sqlalchemy.orm.descriptor_props import ConcreteInheritedProperty, SynonymProperty

from segmentkit._catalog.schema_table import Declaration, RelationDeclaration, TableDeclaration
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.errors import SchemaError
from segmentkit.schema import Attribute, Entity, Link, Relation, Schema
from segmentkit.sqlalchemy._columns import attribute_of, check_told
from segmentkit.sqlalchemy._selection import Selection
from segmentkit.sqlalchemy.models import (
    Unfit,
    equal_columns,
    key_of,
    name_of,
    named_columns,
    table_of,
    way_of,
    whole_table,
)

Holder: TypeAlias = Mapper[Any] | sa.Table
"""What has rows: a class, or a table that no class is mapped to."""


class FromClasses:
    """The entities of a class and of all that its relationships lead to."""

    def __init__(self, root: Mapper[Any], told: Declaration, selection: Selection) -> None:
        self.root = root
        self.selection = selection
        self.told = told
        self.names: dict[Holder, str] = {}
        self.paths: dict[Holder, list[str]] = {root: [""]}

    def schema(self) -> Schema:
        """The schema.

        Raises:
            SchemaError: The root cannot be segmented, or something declared does not exist.
        """
        self.names = _named(self.reached())
        known = {self.told.entity, *self.names.values()}
        for name in self.told.tables:
            if name not in known and self.found(name) is None:
                hint = did_you_mean(name, self.names.values())
                raise SchemaError(f"there is no table {name!r}" + (f"; {hint}" if hint else ""))
        self.rename_root()
        self.told = evolve(self.told, entity=self.names[self.root])
        entities = {holder: self.entity(holder) for holder in self.names}
        if entities[self.root].key is None:
            raise SchemaError(self.why_no_key())
        by_name = {entity.name: entity for entity in entities.values()}
        reachable = _reachable(by_name, self.names[self.root])
        kept = [entity for name, entity in by_name.items() if name in reachable]
        left = self.selection.finished({entity.name for entity in kept})
        return evolve(self.told.made_of(kept), left_out=left)

    def rename_root(self) -> None:
        """Call the root by its class where its name would hide a relationship of that name.

        In a definition, the root's name is the row that is segmented; ``team`` of a table ``hero``
        may be another row of the root's table ``team``.
        """
        name, own = self.names[self.root], self.root.class_.__name__
        ways = [r for each in self.names if isinstance(each, Mapper) for r in each.relationships]
        hidden = [way for way in ways if way.key == name and not way.uselist]
        if hidden and not all(_is_mirror(way, ways, self.root) for way in hidden):
            taken = {*self.names.values(), *(way.key for way in ways)}
            self.names[self.root] = name if own in taken else own

    def why_no_key(self) -> str:
        name = self.names[self.root]
        columns = [self.root.get_property_by_column(c).key for c in self.root.primary_key]
        return (
            f"{self.root.class_.__name__} has a key of {len(columns)} columns "
            f"({', '.join(columns)}), and members are identified by one: name a column that is "
            f'unique alone, as in tables={{"{name}": {{"key": "…"}}}}'
        )

    def reached(self) -> list[Holder]:
        """The root, and all that relationships lead to from there, near ones first."""
        found: dict[Holder, None] = {self.root: None}
        for holder in _growing(found):
            if not isinstance(holder, Mapper):
                continue
            ways: dict[str, Holder | None] = {r.key: r.mapper for r in holder.relationships}
            declared = self.told_of(holder)
            for way in (*declared.relations, *declared.links):
                if way.name not in ways:
                    ways[way.name] = self.found(way.to or way.name)
            for name, target in ways.items():
                if target is None:
                    continue
                found.setdefault(target)
                paths = self.paths.setdefault(target, [])
                paths += [f"{path}.{name}" if path else name for path in self.paths[holder][:1]]
                paths.append(name)
        return list(found)

    def told_of(self, holder: Holder) -> TableDeclaration:
        """What the author tells of a class, by the name of its entity, its table or its own."""
        options = [self.names.get(holder, "")]
        if holder is self.root:
            options.append(self.told.entity)
        if isinstance(holder, Mapper):
            options.append(holder.class_.__name__)
            table = table_of(holder)
            options += [] if table is None or whole_table(holder) is None else [table.fullname]
        else:
            options.append(holder.fullname)
        found = next((self.told.tables[o] for o in options if o in self.told.tables), None)
        return TableDeclaration("") if found is None else found

    def found(self, name: str) -> Holder | None:
        """The class of a name, or of a table of that name, or the table."""
        mappers = sorted(self.root.registry.mappers, key=lambda each: each.class_.__name__)
        classes = [each for each in mappers if each.class_.__name__ == name]
        tables = [(each, table_of(each)) for each in mappers if whole_table(each) is not None]
        classes += [each for each, t in tables if t is not None and name == t.fullname]
        classes += [each for each, t in tables if t is not None and name == t.name]
        if classes:
            return classes[0]
        known = table_of(self.root)
        return None if known is None else known.metadata.tables.get(name)

    def entity(self, holder: Holder) -> Entity:
        told, name = self.told_of(holder), self.names[holder]
        attributes = self.attributes(holder, told)
        links: list[Link] = []
        relations: list[Relation] = []
        model = None
        if isinstance(holder, sa.Table):
            table: sa.Table | None = holder
        else:
            links, relations = self.ways(holder, told, {a.name for a in attributes})
            table = table_of(holder)
            model = holder.class_.__name__ if whole_table(holder) is None else None
        return Entity(
            name,
            key=self.key(holder),
            attributes=attributes,
            documents=told.documents,
            places=told.places,
            links=links,
            relations=relations,
            table=name if table is None else table.name,
            schema=None if table is None else table.schema,
            model=model,
            fresh=told.fresh,
        )

    def key(self, holder: Holder) -> str | None:
        """The column that tells rows apart."""
        told = self.told_of(holder).key
        if told is not None:
            return self.found_column(holder, told)[0]
        if isinstance(holder, sa.Table):
            columns = list(holder.primary_key.columns)
            return columns[0].name if len(columns) == 1 else None
        return key_of(holder)

    def column(self, holder: Holder, name: str) -> str | None:
        """The column of a name, or of an attribute of that name."""
        if isinstance(holder, sa.Table):
            return name if any(c.name == name for c in holder.c) else None
        columns = named_columns(holder)
        by_key = {key: column for column, key in columns.items()}
        return by_key.get(name, name if name in columns else None)

    def names_of(self, holder: Holder) -> list[str]:
        """What an entity goes by where the author chooses parts of it."""
        names = [self.names[holder], *self.paths.get(holder, [])]
        if isinstance(holder, Mapper):
            names.append(holder.class_.__name__)
        return list(dict.fromkeys(names))

    def attributes(self, holder: Holder, told: TableDeclaration) -> list[Attribute]:
        documents = {d.name for d in told.documents}
        declared = {a.name: self.placed(holder, a) for a in told.attributes}
        for name in documents:
            if (column := self.found_column(holder, name)[0]) != name:
                raise SchemaError(f"a document goes by its column: write {column!r}, not {name!r}")
        found: dict[str, Attribute] = {}
        for name, made in self.parts(holder):
            if isinstance(made, Unfit):
                if name not in declared and name not in documents:
                    self.selection.leave_out(self.names[holder], name, made)
            elif made.column not in documents and self.takes(holder, name):
                found[name] = made
        return list((found | declared).values())

    def placed(self, holder: Holder, told: Attribute) -> Attribute:
        """An attribute that the author declares, with its column, which it may name as the class.

        Raises:
            SchemaError: There is no such column, or its type makes other values.
        """
        name, column = self.found_column(holder, told.column)
        check_told(told, column.type)
        return evolve(told, column=name)

    def found_column(self, holder: Holder, name: str) -> tuple[str, Any]:
        """A column that the author names, or an attribute of the class, and what it is called."""
        own, columns = self.column(holder, name), {}
        if isinstance(holder, sa.Table):
            columns = {c.name: c for c in holder.c}
        elif own is not None:
            columns = {own: holder.attrs[named_columns(holder)[own]].columns[0]}
        elif (table := whole_table(holder)) is not None:
            columns = {c.name: c for c in table.c}  # one that is not mapped
        found = own or name
        if found not in columns:
            keys = [] if isinstance(holder, sa.Table) else named_columns(holder).values()
            hint = did_you_mean(name, {*self.columns_of(holder), *keys})
            told = f"{self.names[holder]} has no column {name!r}"
            raise SchemaError(told + (f"; {hint}" if hint else ""))
        return found, columns[found]

    def parts(self, holder: Holder) -> Iterator[tuple[str, Attribute | Unfit]]:
        """The columns, as attributes or as what cannot be one."""
        if isinstance(holder, sa.Table):
            columns = {c.name: (c.name, c) for c in holder.c}
            synonyms: dict[str, str] = {}
        else:
            columns = {
                key: (name, holder.attrs[key].columns[0])
                for name, key in sorted_as(holder, named_columns(holder))
            }
            synonyms = {s.key: s.name for s in holder.synonyms if s.name in columns}
        for key, (name, column) in columns.items():
            yield key, _made(key, column, name)
        for key, of in synonyms.items():
            name, column = columns[of]
            yield key, _made(key, column, name)
        if isinstance(holder, Mapper):
            yield from _computed(holder, {*columns, *synonyms})

    def takes(self, holder: Holder, name: str, to: Holder | None = None) -> bool:
        leads_to = [] if to is None else [self.names[to]]
        if isinstance(to, Mapper):
            leads_to.append(to.class_.__name__)
        return self.selection.takes(self.names[holder], name, self.names_of(holder), leads_to)

    def ways(
        self, mapper: Mapper[Any], told: TableDeclaration, taken: set[str]
    ) -> tuple[list[Link], list[Relation]]:
        links: list[Link] = []
        relations: list[Relation] = []
        declared = {way.name: way for way in told.relations}
        for relationship in mapper.relationships:
            key, target = relationship.key, relationship.mapper
            if key in taken or not self.takes(mapper, key, target):
                continue
            try:
                way = way_of(mapper, relationship, self.key(mapper), self.key(target))
            except Unfit as why:
                self.selection.leave_out(self.names[mapper], key, why)
                continue
            to, join = self.names[target], way.join
            if way.one and key == self.names[self.root] and not self.is_mirror(relationship):
                self.selection.leave_out(self.names[mapper], key, _SHADOWED)
                continue
            if way.one:
                # What is a relation too tells its column, so that both are known to be one.
                is_told = way.many or way.there != self.key(target)
                by = (way.there or None) if is_told else None
                links.append(Link(key, to=to, key=way.here, by=by, join=join))
            if way.many:
                by = None if way.here in ("", self.key(mapper)) else way.here
                self.check_key(mapper, declared.get(key), target, way.there)
                at, value = _told_of_rows(declared.get(key))
                relations.append(
                    Relation(key, to=to, key=way.there, by=by, join=join, at=at, value=value)
                )
        self.add_declared(mapper, told, links, relations)
        return links, relations

    def check_key(
        self,
        mapper: Mapper[Any],
        declared: RelationDeclaration | None,
        target: Mapper[Any],
        column: str,
    ) -> None:
        """See that the author tells no other key than the relationship has."""
        if declared is None or declared.key is None:
            return
        if self.column(target, declared.key) != column:
            raise SchemaError(
                f"{mapper.class_.__name__}.{declared.name} is a relationship, which is not by "
                f"{declared.key!r}: leave out the key, or give your relation another name, with "
                f'{{"to": "{self.names[target]}"}}'
            )

    def is_mirror(self, relationship: RelationshipProperty[Any]) -> bool:
        mappers = [each for each in self.names if isinstance(each, Mapper)]
        ways = [way for mapper in mappers for way in mapper.relationships]
        return _is_mirror(relationship, ways, self.root)

    def add_declared(
        self,
        mapper: Mapper[Any],
        told: TableDeclaration,
        links: list[Link],
        relations: list[Relation],
    ) -> None:
        """Ways that no relationship of the class is, but that the author tells of."""
        known = {each.key for each in mapper.relationships}
        for declared in told.relations:
            if declared.name in known and any(r.name == declared.name for r in relations):
                continue
            target = self.target(mapper, declared, known)
            key, by = self.foreign(mapper, declared, target)
            at, value = _told_of_rows(declared)
            to = self.names[target]
            relations.append(Relation(declared.name, to=to, key=key, by=by, at=at, value=value))
        for declared in told.links:
            if any(link.name == declared.name for link in links):
                continue
            target = self.target(mapper, declared, known)
            here = declared.key and self.column(mapper, declared.key)
            if not here:
                raise SchemaError(_no_key(self.names[mapper], declared, mapper))
            by = declared.by and (self.column(target, declared.by) or declared.by)
            links.append(Link(declared.name, to=self.names[target], key=here, by=by))

    def target(self, mapper: Mapper[Any], declared: RelationDeclaration, known: set[str]) -> Holder:
        if declared.name in known:
            why = self.selection.left_out.get(
                (self.names[mapper], declared.name), "it leads to one row"
            )
            raise SchemaError(f"{mapper.class_.__name__}.{declared.name} is left out: {why}")
        target = self.found(declared.to or declared.name)
        if target is None:
            tables = [
                t.fullname for m in self.root.registry.mappers if (t := table_of(m)) is not None
            ]
            hint = did_you_mean(declared.to or declared.name, known or tables)
            raise SchemaError(
                f"{mapper.class_.__name__} has no relationship {declared.name!r}"
                + (f"; {hint}" if hint else "")
            )
        return target

    def foreign(
        self, mapper: Mapper[Any], declared: RelationDeclaration, target: Holder
    ) -> tuple[str, str | None]:
        """The column there that leads here, and the column here that is not the key, if it does."""
        if declared.key is not None:
            column = self.column(target, declared.key)
            if column is None:
                hint = did_you_mean(declared.key, self.columns_of(target))
                raise SchemaError(
                    f"{self.names[target]} has no column {declared.key!r}"
                    + (f"; {hint}" if hint else "")
                )
            by = declared.by and (self.column(mapper, declared.by) or declared.by)
            return column, by
        table = target if isinstance(target, sa.Table) else table_of(target)
        here = {t for m in mapper.iterate_to_root() if (t := table_of(m)) is not None}
        found = [] if table is None else [f for f in table.foreign_keys if f.column.table in here]
        if len(found) == 1:
            key = found[0].parent.name
            if isinstance(target, Mapper):
                key = name_of(target, found[0].parent) or key
            by = name_of(mapper, found[0].column)
            return key, None if by == self.key(mapper) else by
        raise SchemaError(_no_key(self.names[mapper], declared))

    def columns_of(self, holder: Holder) -> list[str]:
        if isinstance(holder, sa.Table):
            return [column.name for column in holder.c]
        return list(named_columns(holder))


def _is_mirror(
    way: RelationshipProperty[Any], ways: list[RelationshipProperty[Any]], root: Mapper[Any]
) -> bool:
    """Whether a relationship leads back to the very row of the root whose row it is of."""
    names = equal_columns(way.parent, way)
    if names is None or way.mapper is not root or {*names.values()} != {key_of(root)}:
        return False
    back = {there: here for here, there in names.items()}
    relations = [each for each in ways if each.direction is not RelationshipDirection.MANYTOONE]
    seen = {root}
    while new := {each.mapper for each in relations if each.parent in seen} - seen:
        seen |= new
    met = [each for each in relations if each.parent in seen]
    if any(each.mapper.common_parent(root) for each in met):
        return False
    into = [each for each in met if each.mapper.common_parent(way.parent)]
    return all(each.parent is root and equal_columns(root, each) == back for each in into)


_SHADOWED = "in definitions, that name is the row that is segmented"


def _no_key(entity: str, declared: RelationDeclaration, mapper: Mapper[Any] | None = None) -> str:
    if mapper is not None and declared.key:
        hint = did_you_mean(declared.key, list(named_columns(mapper)))
        return f"{entity} has no column {declared.key!r}" + (f"; {hint}" if hint else "")
    return (
        f"no single foreign key declares {entity}.{declared.name}: name the column, "
        'as in {"key": "…"}'
    )


def _told_of_rows(declared: RelationDeclaration | None) -> tuple[str | None, str | None]:
    return (None, None) if declared is None else (declared.at, declared.value)


def _made(key: str, column: Any, name: str) -> Attribute | Unfit:
    try:
        return attribute_of(key, column, name)
    except Unfit as why:
        return why


def sorted_as(mapper: Mapper[Any], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Columns and attributes in the order of the class."""
    order = {prop.key: place for place, prop in enumerate(mapper.column_attrs)}
    return sorted(names.items(), key=lambda each: order[each[1]])


def _computed(mapper: Mapper[Any], known: set[str]) -> Iterator[tuple[str, Unfit]]:
    """What a class has beside columns and relationships, none of which can be an attribute."""
    for prop in mapper.attrs:
        if prop.key.startswith("_sa_"):
            continue  # SQLAlchemy's own, of what tells classes of one table apart.
        if isinstance(prop, ConcreteInheritedProperty):
            yield prop.key, Unfit("only its base class has it: its own table has no such column")
        elif isinstance(prop, ColumnProperty) and prop.key not in known:
            yield prop.key, Unfit("it is computed, and not a column")
        elif isinstance(prop, SynonymProperty) and prop.key not in known:
            yield prop.key, Unfit(f"it is another name of {prop.name!r}: use that one")
        elif not isinstance(prop, ColumnProperty | RelationshipProperty) and prop.key not in known:
            parts = [mapper.get_property_by_column(each).key for each in prop.columns]
            yield prop.key, Unfit(f"it stands for other attributes: use {', '.join(parts)}")
    for key, descriptor in mapper.all_orm_descriptors.items():
        if descriptor.extension_type is HybridExtensionType.HYBRID_PROPERTY:
            yield key, Unfit("it is computed by a hybrid property, and not a column")
        elif descriptor.extension_type is AssociationProxyExtensionType.ASSOCIATION_PROXY:
            yield key, Unfit("it is a proxy: use the relationship that it goes through")


def _named(holders: list[Holder]) -> dict[Holder, str]:
    """A name for each: of its table, if no other has that one; the first one keeps it."""
    short = {each: _short(each) for each in holders}
    found = {holders[0]: short[holders[0]]}
    for each in holders[1:]:
        table = each if isinstance(each, sa.Table) else table_of(each)
        others = [o for o in holders if o is not each and short[o] == short[each]]
        options = [] if others else [short[each]]
        if table is not None and (isinstance(each, sa.Table) or whole_table(each) is not None):
            options.append(table.fullname)
        if isinstance(each, Mapper):
            named = each.class_.__name__
            options += [named, f"{each.class_.__module__}.{named}"]
        taken = set(found.values())
        found[each] = next(o for o in [*options, f"{short[each]}_{len(found)}"] if o not in taken)
    return found


def _short(holder: Holder) -> str:
    table = holder if isinstance(holder, sa.Table) else table_of(holder)
    if table is None:
        assert isinstance(holder, Mapper)
        return str(holder.class_.__name__)
    return table.name


def _growing(found: dict[Holder, None]) -> Iterator[Holder]:
    """Each key of a dictionary that grows meanwhile."""
    done = 0
    while done < len(found):
        yield list(found)[done]
        done += 1


def _reachable(entities: Mapping[str, Entity], root: str) -> set[str]:
    """The root and what its ways lead to."""
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [link.to for link in entities[name].links]
            waiting += [relation.to for relation in entities[name].relations]
    return seen
