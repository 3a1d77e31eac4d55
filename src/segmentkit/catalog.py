"""A catalog: named segments, and what they refer to by name, kept in a TOML file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from segmentkit._catalog.check import check_catalog
from segmentkit._catalog.given import by_names, check_text, of_toml, values_of
from segmentkit._catalog.matching import Matcher, compiled
from segmentkit._catalog.refactoring import Contents, Renaming, users_of
from segmentkit._catalog.toml_file import CatalogText, Origin, read_catalog, read_catalog_file
from segmentkit._checking.binding import Given
from segmentkit._checking.uses import Use
from segmentkit._definition import (
    AsOf,
    Defined,
    bound_together,
    check_record,
    instant_of,
)
from segmentkit._diagnostics.diagnostic import Diagnostic
from segmentkit._html import element, table
from segmentkit._language.json_text import HasJson
from segmentkit._usage import expect
from segmentkit.dtypes import DType
from segmentkit.errors import CatalogError, SchemaError, UsageError
from segmentkit.extension import Extension
from segmentkit.goal import Goal
from segmentkit.handover import Handover
from segmentkit.keylist import KeyList
from segmentkit.limits import DEFAULT, Limits
from segmentkit.partition import Partition
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait


@frozen
class Catalog(HasJson, Mapping[str, Segment]):
    """Named segments: a mapping from names to segments, in the order of the file.

    It also has the traits, static lists, partitions, goals and hand-overs of the file. Make one
    with `Catalog.load`, or from segments: ``Catalog({"adults": adults, "new": new})``.

    Args:
        segments: The segments, by name.
        parameters: Values for their parameters.
        traits: The traits, by name.
        lists: The static lists, by name.
        partitions: The partitions, by name.
        goals: The goals, by name.
        handovers: The hand-overs, by name.
        broken: Everything that was left out because it is wrong, and why: segments by name,
            others by kind and name, such as ``trait spent``.
    """

    _defined: Mapping[str, Segment] = field(alias="segments", converter=by_names)
    parameters: Mapping[str, Given] = field(factory=dict, converter=values_of)
    _traits: Mapping[str, Trait] = field(factory=dict, converter=by_names, kw_only=True)
    lists: Mapping[str, KeyList] = field(factory=dict, converter=by_names, kw_only=True)
    _partitions: Mapping[str, Partition] = field(factory=dict, converter=by_names, kw_only=True)
    _goals: Mapping[str, Goal] = field(factory=dict, converter=by_names, kw_only=True)
    _handovers: Mapping[str, Handover] = field(factory=dict, converter=by_names, kw_only=True)
    broken: Mapping[str, CatalogError] = field(
        factory=dict, converter=by_names, kw_only=True, eq=False
    )
    _origin: Origin | None = field(default=None, kw_only=True, repr=False, eq=False)
    _bound: dict[int, Defined] = field(init=False, repr=False, eq=False)
    _compiled: tuple[datetime, Matcher] | None = field(
        init=False, default=None, repr=False, eq=False
    )

    @_bound.default
    def _bind_all(self) -> dict[int, Defined]:
        for segment in self._defined.values():
            expect(segment, Segment, "Catalog({name: segment})")
        for each in self._all():
            known = [name for name in each.parameters if name in self.parameters]
            each.check_values({name: self.parameters[name] for name in known})
        return bound_together(self._all(), self.parameters)

    def _all(self) -> Iterator[Defined]:
        yield from self._defined.values()
        yield from self._traits.values()
        for partition in self._partitions.values():
            yield from partition.parts.values()
        for goal in self._goals.values():
            yield from goal.parts
        for handover in self._handovers.values():
            yield from handover.parts

    @property
    def parameter_types(self) -> Mapping[str, DType]:
        """The types of all parameters, by name, including those that have a value."""
        found = {name: dtype for each in self._all() for name, dtype in each.parameters.items()}
        return MappingProxyType(found)

    @property
    def schema(self) -> Schema:
        """The schema that the definitions speak of.

        Raises:
            SchemaError: There is no definition that has one.
        """
        if self._origin is not None:
            return self._origin.schema
        for each in self._all():
            return each.schema
        raise SchemaError("an empty catalog has no schema")

    @property
    def traits(self) -> Mapping[str, Trait]:
        """The traits, by name."""
        bound: Any = {name: self._bound[id(trait)] for name, trait in self._traits.items()}
        return MappingProxyType(bound)

    @property
    def partitions(self) -> Mapping[str, Partition]:
        """The partitions, by name."""
        bound = {name: each._with(self._bound) for name, each in self._partitions.items()}
        return MappingProxyType(bound)

    @property
    def goals(self) -> Mapping[str, Goal]:
        """The goals, by name."""
        return MappingProxyType({n: each._with(self._bound) for n, each in self._goals.items()})

    @property
    def handovers(self) -> Mapping[str, Handover]:
        """The hand-overs, by name."""
        return MappingProxyType({n: each._with(self._bound) for n, each in self._handovers.items()})

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        schema: Schema | None = None,
        *,
        skip_broken: bool = False,
        limits: Limits = DEFAULT,
    ) -> Catalog:
        """Read and check a catalog file.

        Args:
            path: A TOML file.
            schema: The schema of the definitions; by default the one that the file declares.
            skip_broken: Leave out wrong definitions, and those that refer to them, and list them
                in ``broken``. By default they are an error.
            limits: Limits for the catalog.

        Returns:
            The catalog. Parameters for which the file has a value are bound.

        Raises:
            CatalogError: The file or its definitions are wrong; has all mistakes.
            SchemaError: The file's ``[schema]`` is wrong, or there is no schema.
            OSError: The file cannot be read, or is not a regular file.
        """
        read = read_catalog_file(Path(path), limits)
        return cls._of_either(read, schema, skip_broken=skip_broken)

    @classmethod
    def loads(
        cls,
        text: str | bytes,
        schema: Schema | None = None,
        *,
        file: str | None = None,
        folder: str | PathLike[str] | None = None,
        skip_broken: bool = False,
        limits: Limits = DEFAULT,
    ) -> Catalog:
        """Read and check the text of a catalog file.

        Args:
            text: TOML.
            schema: The schema of the definitions; by default the one that the text declares.
            file: The name of the text in messages.
            folder: Where the files of its static lists are; without it, it cannot have any.
            skip_broken: Leave out wrong definitions, as in `load`.
            limits: Limits for the catalog.

        Returns:
            The catalog.

        Raises:
            CatalogError: The text or its definitions are wrong; has all mistakes.
            SchemaError: The ``[schema]`` is wrong, or there is no schema.

        Example:
            >>> shop = Catalog.loads('''
            ... language = 1
            ... [schema]
            ... entity = "people"
            ... [schema.tables.people]
            ... key = "id"
            ... attributes = { id = "integer", age = "integer?" }
            ... [segments.grown_ups]
            ... where = "age >= 18"
            ... ''')
            >>> shop["grown_ups"]
            Segment('grown_ups', 'age >= 18')
        """
        check_text(text)
        read = read_catalog(text, file=file, folder=folder, limits=limits)
        return cls._of_either(read, schema, skip_broken=skip_broken)

    @classmethod
    def _of_either(cls, read: CatalogText, schema: Schema | None, *, skip_broken: bool) -> Catalog:
        return cls.of(read, read.schema() if schema is None else schema, skip_broken=skip_broken)

    @classmethod
    def of(cls, text: CatalogText, schema: Schema, *, skip_broken: bool = False) -> Catalog:
        """Check a file that has been read.

        Args:
            text: The file.
            schema: The schema of the definitions.
            skip_broken: Leave out wrong definitions, as in `load`.

        Returns:
            The catalog.

        Raises:
            CatalogError: Definitions are wrong; has all mistakes.
            SchemaError: A channel of the schema is declared wrongly.
        """
        expect(schema, Schema, "a catalog")
        found = check_catalog(text, schema, skip_broken=skip_broken)
        return cls(
            found.segments,
            text.parameters,
            traits=found.traits,
            lists=found.lists,
            partitions=found.partitions,
            goals=found.plans.goals,
            handovers=found.plans.handovers,
            broken=found.broken,
            origin=Origin(text.content, schema, text.file, text.folder, text.limits),
        )

    def bind(self, /, **values: Given) -> Catalog:
        """Give parameters other values in all segments.

        Args:
            **values: By name.

        Returns:
            A catalog with these values; the other parameters keep theirs.

        Raises:
            SegmentTypeError: No segment has the parameter, or a value has the wrong type.
        """
        unknown = {n: v for n, v in values.items() if n not in self.parameter_types}
        for name, segment in self._defined.items() if unknown else ():
            segment.named(name).bind(**unknown)
        return Catalog(self._defined, {**self.parameters, **values}, **self._beside())

    def matches(self, record: Mapping[str, Any], *, as_of: AsOf = None) -> tuple[str, ...]:
        """Find the segments that one record is in.

        Args:
            record: A record, as for `Segment.matches`.
            as_of: The instant; by default now. Without a zone, it is in the schema's zone.

        Returns:
            The names of the segments that the record is in, in the order of the catalog.

        Raises:
            DataError: The record does not fit the schema, or a parameter has no value.
            UnsupportedError: The answer depends on other records.
            SchemaError: The segments are of different schemas.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER, nullable=True)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> texts = {"adults": "age >= 18", "old": "age >= 65", "unknown": "age is missing"}
            >>> ages = Catalog({n: Segment.define(n, text, people) for n, text in texts.items()})
            >>> ages.matches({"id": 7, "age": 70})
            ('adults', 'old')
        """
        check_record(record)
        return self.matcher(as_of=as_of)(record)

    def matcher(self, *, as_of: AsOf = None) -> Matcher:
        """Compile all segments for many records into one function that shares their work.

        It reads each attribute once, computes equal conditions and aggregates once, and loops
        once over the rows of each relation.

        Args:
            as_of: The instant; by default now.

        Returns:
            A function of a record.

        Raises:
            DataError: A parameter has no value.
            UnsupportedError: The answer of a segment depends on other records; names it.
            SchemaError: The segments are of different schemas.
        """
        if not self:
            return lambda record: ()
        segments = list(self.values())
        schema = segments[0].schema
        if any(segment.schema != schema for segment in segments):
            raise SchemaError("the segments are of different schemas")
        instant = instant_of(as_of, schema)
        # One reading and one assignment of one tuple, as in Segment.
        known = self._compiled
        if known is not None and known[0] == instant:
            return known[1]
        made = compiled(dict(self), schema, instant)
        object.__setattr__(self, "_compiled", (instant, made))
        return made

    # -- as a text ------------------------------------------------------------------------------

    def users_of(self, name: str) -> Mapping[str, tuple[Use, ...]]:
        """Find what uses an attribute, a relation, a segment …, itself or through others.

        Args:
            name: ``customers.country`` for an attribute, a link, a relation or a place; for others
                the kind before the name: ``segment loyal``, ``trait spent``, ``list june_fair``,
                ``parameter least``, ``channel email``.

        Returns:
            The uses by who has them: segments by name, others by kind and name, such as
            ``trait spent``. Of what only refers to a user, they are these references. A part of a
            partition is used there without a place.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> age = Attribute("age", INTEGER)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> adults = Segment.define("adults", "age >= 18", people)
            >>> minors = Segment.define(
            ...     "minors", "not in segment adults", people, segments=[adults]
            ... )
            >>> catalog = Catalog({"adults": adults, "minors": minors})
            >>> for user, uses in catalog.users_of("people.age").items():
            ...     print(user, "uses", *uses)
            adults uses attribute people.age
            minors uses segment adults
        """
        found = users_of(name, self._contents())
        return MappingProxyType(
            {
                own if kind == "segment" else f"{kind} {own}": uses
                for (kind, own), uses in found.items()
            }
        )

    def rename(self, old: str, name: str, *, schema: Schema | None = None) -> Catalog:
        """Give something another name wherever the catalog names it.

        Comments and layout stay as they are, in definitions and in the file (see `dumps`). So do
        the members: an attribute whose column has the same name is renamed with its column, since
        that is what a migration does, and reads the new column.

        Args:
            old: What to rename, as for `users_of`; channels and functions keep their names.
            name: Its new name, without the entity: ``land``.
            schema: The schema after the change; by default the same with this one change.

        Returns:
            The catalog with the new name, checked again.

        Raises:
            UsageError: There is no such thing, the name cannot be written or is taken, or a
                definition would mean something else; or the extra ``cli`` is not installed.
            CatalogError: The definitions do not fit the schema that you give.
            SchemaError: The name is taken in the schema.
        """
        if self.broken:
            raise UsageError("definitions of the catalog were left out: mend them, then rename")
        if self._origin is None or not self._origin.content:
            return Catalog.loads(self.dumps(), self.schema).rename(old, name, schema=schema)
        contents = self._contents()
        what = Renaming.of(old, name, contents)
        content, after = of_toml("renaming").renamed(self._origin.read(), contents, what)
        found = Catalog.of(self._origin.read(content), schema or after or self.schema)
        told = [[what.after(use) for use in uses] for uses in contents.uses().values()]
        if told != [[(u.kind, u.name) for u in us] for us in found._contents().uses().values()]:
            raise UsageError(
                f"with {name!r} in the place of {old!r}, a definition says something else"
            )
        return found

    def _contents(self) -> Contents:
        schema = self.schema if len(self) or self._origin else None
        return Contents(
            schema,
            self._defined,
            self._traits,
            self.lists,
            self._partitions,
            self.parameters,
            self.parameter_types,
            self._goals,
            self._handovers,
        )

    def dumps(self) -> str:
        """Write the catalog as the text of a catalog file.

        Returns:
            The text that it was read from, changed by nothing but `rename`; for a catalog that
            was made or bound in Python, a new text. That has a ``[schema]`` unless the schema has
            what no file can say, such as functions: then give it to `loads`.

        Raises:
            UsageError: A segment refers to one that the catalog does not have, or the extra
                ``cli`` is not installed.
        """
        if self._origin is not None and self._origin.content:
            return self._origin.content
        text: str = of_toml("toml_writer").catalog_text(self._contents())
        return text

    def to_dict(self) -> dict[str, Any]:
        """The catalog as values that JSON has.

        Returns:
            ``language``, ``schema``, and by name what it defines; not what is ``broken``.

        Raises:
            UsageError: A segment refers to one that the catalog does not have.
        """
        from segmentkit._catalog.json_file import catalog_dict  # noqa: PLC0415 - few need it

        return catalog_dict(self._contents())

    @classmethod
    def from_json(
        cls,
        data: str | bytes | dict[str, Any],
        schema: Schema | None = None,
        *,
        functions: Iterable[Extension] = (),
        skip_broken: bool = False,
        limits: Limits = DEFAULT,
    ) -> Catalog:
        """Read and check a catalog in JSON, as `to_json` and `to_dict` write it.

        Args:
            data: JSON as text, or the values that a reader of JSON gave.
            schema: The schema of the definitions; by default the one that it has.
            functions: Where to find the functions that its schema names.
            skip_broken: Leave out wrong definitions, as in `load`.
            limits: Limits for the catalog.

        Returns:
            The catalog. In mistakes, places are JSON pointers.

        Raises:
            CatalogError: It is not a catalog, or definitions are wrong; has all mistakes.
            SchemaError: Its schema is wrong, or there is none.
        """
        from segmentkit._catalog.json_file import read_catalog_json  # noqa: PLC0415 - few need it

        read = read_catalog_json(data, functions, limits)
        return cls._of_either(read, schema, skip_broken=skip_broken)

    def _beside(self) -> dict[str, Any]:
        names = ("traits", "lists", "partitions", "goals", "handovers", "broken")
        given = (
            *(self._traits, self.lists, self._partitions),
            *(self._goals, self._handovers, self.broken),
        )
        return {name: dict(each) for name, each in zip(names, given, strict=True)}

    @property
    def warnings(self) -> Mapping[str, tuple[Diagnostic, ...]]:
        """The checker's warnings about the segments as they are written, by name."""
        return {name: s.warnings for name, s in self._defined.items() if s.warnings}

    def _repr_html_(self) -> str:
        rows = []
        for name, s in self._defined.items():
            told = "; ".join(warning.message for warning in s.warnings)
            rows.append((name, s.title or "", element("code", s.definition), told))
        return table(("segment", "title", "definition", "warnings"), rows)

    def unbound(self, name: str) -> Segment:
        """The segment as it is written, with its parameters."""
        return self._defined[name]

    def __reduce__(self) -> tuple[Any, ...]:
        beside = {**self._beside(), "origin": self._origin}
        return _restore, (dict(self._defined), dict(self.parameters), beside)

    def __getitem__(self, name: str) -> Segment:
        bound = self._bound[id(self._defined[name])]
        assert isinstance(bound, Segment)
        return bound

    def __iter__(self) -> Iterator[str]:
        return iter(self._defined)

    def __len__(self) -> int:
        return len(self._defined)


def _restore(
    segments: dict[str, Segment], parameters: dict[str, Given], beside: dict[str, Any]
) -> Catalog:
    return Catalog(segments, parameters, **beside)
