"""A trait: a named value, such as a lifetime value, that definitions use like an attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

from attrs import define, field

from segmentkit._calendar import length_of
from segmentkit._checking.binding import Given
from segmentkit._checking.checker import check_trait
from segmentkit._checking.context import CheckedValue, Names
from segmentkit._checking.written_names import read
from segmentkit._definition import (
    AsOf,
    Defined,
    by_name,
    check_record,
    landmarks,
    of_one_schema,
)
from segmentkit._language.given import Definition, Read, pointing, read_document
from segmentkit._planning import ir
from segmentkit._planning.normalize import normalize_value
from segmentkit._record.compiler import compile_record
from segmentkit._usage import expect, is_single
from segmentkit.dtypes import DType
from segmentkit.extension import Target
from segmentkit.schema import Schema


@define(frozen=True, slots=False, eq=False, repr=False)
class Trait(Defined):
    """A named value, given by an expression that was checked against a schema.

    Make one with `Trait.define`, or take it from a `Catalog`. A definition to which you give the
    trait can use it like an attribute. Traits are values: they never change, and they compare by
    their structure, hash and pickle.

    Attributes:
        name: The name that definitions use.
        source: The text as it was written.
        schema: The schema that its names refer to.
        traits: The other traits that it uses.
        title: A title for people.
        description: What it is, in a sentence or more.
        owner: Who is responsible for it.
        goal: What it is for.
    """

    traits: Mapping[str, Trait] = field(factory=dict, kw_only=True)
    _checked: CheckedValue = field(kw_only=True)
    _is_value = True

    @classmethod
    def define(
        cls,
        name: str,
        value: Definition,
        schema: Schema,
        *,
        traits: Mapping[str, Trait] | Iterable[Trait] = (),
        title: str | None = None,
        description: str | None = None,
        owner: str | None = None,
        goal: str | None = None,
    ) -> Trait:
        """Read and check a value.

        Args:
            name: The name of the trait. No attribute, link or relation may have the same name.
            value: The expression: a text in the language, or a tree of `segmentkit.expr`.
            schema: The schema that its names refer to.
            traits: Other traits that it can use: by name, or as they are.
            title: A title for people.
            description: What it is.
            owner: Who is responsible for it.
            goal: What it is for.

        Returns:
            The trait.

        Raises:
            SegmentSyntaxError: The text is not an expression, or no text gives the tree.
            SegmentTypeError: The expression does not fit the schema, or is a condition; has all
                mistakes.

        Example:
            >>> from segmentkit import DATE, Attribute, Entity, Schema
            >>> born = Attribute("born", DATE, nullable=True)
            >>> people = Schema([Entity("people", key="id", attributes=[born])])
            >>> years = Trait.define("years", "age(born)", people)
            >>> years.dtype
            integer
        """
        expect(schema, Schema, "Trait.define(name, value, schema)")
        about = {"title": title, "description": description, "owner": owner, "goal": goal}
        return trait_of(name, read(value, schema), schema, by_name(traits, Trait), about)

    @classmethod
    def from_json(
        cls,
        data: str | bytes | dict[str, Any],
        schema: Schema,
        *,
        traits: Mapping[str, Trait] | Iterable[Trait] = (),
    ) -> Trait:
        """Read and check a trait in JSON, as `to_json` and `to_dict` write it.

        Args:
            data: JSON as text, or the values that a reader of JSON gave.
            schema: The schema that its names refer to.
            traits: Other traits that it can use, as in `define`.

        Returns:
            The trait. Its ``source`` is the canonical text.

        Raises:
            SegmentSyntaxError: It is not JSON, or not a trait; the place is a JSON pointer.
            SegmentTypeError: The expression does not fit the schema; has all mistakes.
        """
        expect(schema, Schema, "Trait.from_json(data, schema)")
        read, about = read_document(data, cls._key(), ["name"])
        name = about.pop("name")
        with pointing(read, cls._key()):
            return trait_of(name, read, schema, by_name(traits, Trait), about)

    @cached_property
    def _names(self) -> Names:
        return Names(traits=CheckedOf(self.traits))

    @property
    def _value(self) -> ir.Value:
        assert self._checked.value is not None
        return self._checked.value

    @property
    def dtype(self) -> DType:
        """The type of the value."""
        return self._value.dtype

    @property
    def nullable(self) -> bool:
        """Whether the value may be missing."""
        return self._value.nullable

    @property
    def parameters(self) -> Mapping[str, DType]:
        """The parameters that have no value yet, and their types."""
        return MappingProxyType(dict(self._checked.parameters))

    def of(self, record: Mapping[str, Any], *, as_of: AsOf = None) -> Any:
        """The value for one record.

        Args:
            record: Attributes and links by name, relations as lists of records.
            as_of: The instant; by default now. Without a zone, it is in the schema's zone.

        Returns:
            The value, or None if it is missing. An instant is in UTC, and a length of time is a
            ``timedelta``.

        Raises:
            DataError: The record does not fit the schema, or a parameter has no value.

        Example:
            >>> from segmentkit import Attribute, Entity, Relation, Schema, decimal
            >>> orders = Entity("orders", attributes=[Attribute("amount", decimal(2))])
            >>> bought = Relation("orders", key="person")
            >>> shop = Schema([Entity("people", key="id", relations=[bought]), orders])
            >>> ltv = Trait.define("ltv", "sum(orders.amount)", shop)
            >>> ltv.of({"id": 7, "orders": [{"amount": 12.5}, {"amount": 30}]})
            Decimal('42.50')
        """
        check_record(record)
        return self.calculator(as_of=as_of)(record)

    def calculator(self, *, as_of: AsOf = None) -> Callable[[Mapping[str, Any]], Any]:
        """Compile the trait for many records.

        Args:
            as_of: The instant; by default now.

        Returns:
            A function of a record.

        Raises:
            DataError: A parameter has no value.
        """
        return self._made_for(as_of, self._function)

    def _function(self, instant: datetime) -> Callable[[Mapping[str, Any]], Any]:
        compiled = compile_record(bound_value(self, instant, Target.RECORD), self.schema)
        if not (self.dtype.is_time or self.dtype.is_duration):
            return compiled
        return lambda record: as_python(compiled(record), self.dtype)

    def _uses(self) -> Iterable[Defined]:
        return self.traits.values()

    def _with(self, values: Mapping[str, Given], found: Mapping[int, Defined]) -> Trait:
        traits: Any = {name: found[id(trait)] for name, trait in self.traits.items()}
        assert self.name is not None
        value = self._substituted(values)
        return Trait.define(self.name, value, self.schema, traits=traits, **self._about())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trait):
            return NotImplemented
        return self._checked.value == other._checked.value and self.schema == other.schema

    def __hash__(self) -> int:
        return hash(self._checked.value)

    def __reduce__(self) -> tuple[Callable[..., Trait], tuple[object, ...]]:
        about = {"below": landmarks(self), **self._about()}
        return _restore, (self.name, self.source, self.schema, about, dict(self.traits))


def trait_of(
    name: str,
    read: Read,
    schema: Schema,
    traits: Mapping[str, Trait],
    about: Mapping[str, Any],
) -> Trait:
    """A trait of a value that was read already; see `Trait.define`."""
    known = CheckedOf(traits)
    checked = read.meaning(lambda tree: check_trait(name, tree, schema, read.text, known))
    used = of_one_schema(schema, {other: traits[other] for other in checked.traits})
    made: Any = {"tree": read.tree, "placed": read.placed, "checked": checked}
    return Trait(name, read.text, schema, traits=used, **about, **made)


def _restore(
    name: str,
    source: str,
    schema: Schema,
    about: dict[str, Any],
    traits: Mapping[str, Trait],
) -> Trait:
    about.pop("below", None)
    return Trait.define(name, source, schema, traits=traits, **about)


def as_python(value: Any, dtype: DType) -> Any:
    """A value that was computed, in the type that users get."""
    if dtype.is_duration and value is not None:
        return length_of(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def bound_value(trait: Trait, instant: datetime, target: Target) -> ir.Value:
    """What a target computes: the trait's value, normalized for an instant.

    Raises:
        DataError: A parameter has no value.
        UnsupportedError: The target cannot compute a function that the schema adds.
    """
    trait._require_bound()
    trait._refuse_unlowered(target)
    return normalize_value(trait._value, instant, trait.schema.zone)


class CheckedOf(Mapping[str, Any]):
    """What segments or traits mean, by name, looked at only where it is asked for."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        self.items_by_name = items

    def __getitem__(self, name: str) -> Any:
        return self.items_by_name[name]._checked

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_by_name)

    def __len__(self) -> int:
        return len(self.items_by_name)


def traits_of(given: Any) -> list[Trait]:
    """Traits, of which there is at least one."""
    traits = [given] if is_single(given) else list(given)
    for trait in traits:
        expect(trait, Trait, "values(traits, …)")
    if not traits:
        raise ValueError("give at least one trait")
    return traits
