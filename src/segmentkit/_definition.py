"""What segments and traits share: a text, its meaning in a schema, open parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, Self, TypeVar

from attrs import define, evolve, field, fields

from segmentkit._calendar import first_instant, to_utc
from segmentkit._checking.binding import Given, literal, misfit
from segmentkit._checking.context import Names
from segmentkit._checking.uses import Use, uses_of
from segmentkit._diagnostics.diagnostic import diagnostic
from segmentkit._language import syntax as t
from segmentkit._language.depth import is_of_population
from segmentkit._language.formatter import format_tree
from segmentkit._language.json_text import HasJson
from segmentkit._language.parser import parse
from segmentkit.dtypes import DType
from segmentkit.errors import (
    DataError,
    SchemaError,
    SegmentTypeError,
    UnsupportedError,
)
from segmentkit.extension import Target
from segmentkit.schema import Schema

AsOf = datetime | date | None


@define(frozen=True, slots=False, eq=False, repr=False)
class Defined(HasJson):
    """A text in the language, checked against a schema; a value that never changes."""

    name: str | None
    source: str
    schema: Schema
    title: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    owner: str | None = field(default=None, kw_only=True)
    goal: str | None = field(default=None, kw_only=True)
    _made: t.Expr = field(kw_only=True, alias="tree")
    _placed: bool = field(default=True, kw_only=True)
    _below: tuple[int, tuple[Defined, ...]] | None = field(init=False, default=None)
    _compiled: tuple[datetime, Callable[[Mapping[str, Any]], Any]] | None = field(
        init=False, default=None
    )

    _is_value: ClassVar[bool] = False
    """Whether the text is a value, and no condition."""

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, DType]:
        """The parameters that have no value yet, and their types."""

    @property
    @abstractmethod
    def _names(self) -> Names:
        """What the text can refer to beside the schema."""

    @abstractmethod
    def _uses(self) -> Iterable[Defined]:
        """What it refers to, and that can have parameters itself."""

    @abstractmethod
    def _with(self, values: Mapping[str, Given], found: Mapping[int, Defined]) -> Self:
        """The same with values that are known to fit, and with references that have them."""

    @property
    def _tree(self) -> t.Expr:
        """The definition as a tree, with places in ``source``."""
        if not self._placed:
            # The algebra puts texts together, and reads none that nobody asks about.
            object.__setattr__(self, "_made", parse(self.source))
            object.__setattr__(self, "_placed", True)
        return self._made

    @property
    def tree(self) -> t.Expr:
        """The definition as a tree of `segmentkit.expr`, whose places are in ``source``."""
        return self._tree

    @classmethod
    def _key(cls) -> str:
        """Under which key files and JSON have the definition."""
        return "value" if cls._is_value else "where"

    def to_dict(self) -> dict[str, Any]:
        """The definition as values that JSON has.

        Returns:
            ``language``, the name and what else is known, and the definition: of a segment as
            ``where``, of a trait as ``value``. What it refers to is named, and not in it.
        """
        from segmentkit._language.json_form import to_json  # noqa: PLC0415 - few programs need it

        told = {"name": self.name, **self._about()}
        known = {key: text for key, text in told.items() if text is not None}
        return {"language": t.LANGUAGE, **known, self._key(): to_json(self._made)}

    @cached_property
    def definition(self) -> str:
        """The definition in its canonical form, from which you can define an equal segment."""
        return format_tree(self._made)

    def __str__(self) -> str:
        return self.definition

    def __bool__(self) -> NoReturn:
        raise TypeError(_NO_TRUTH[type(self).__name__])

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.definition!r})"

    def uses(self) -> tuple[Use, ...]:
        """Find everything that the definition uses: attributes, relations, segments and so on.

        Returns:
            Each use with its place in ``source``, in the order of the text. What the segments and
            traits use to which it refers is told by theirs.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema, Segment
            >>> age = Attribute("age", INTEGER)
            >>> people = Schema([Entity("people", key="id", attributes=[age])])
            >>> adults = Segment.define("adults", "age >= :least", people)
            >>> [str(use) for use in adults.uses()]
            ['attribute people.age', 'parameter least']
        """
        return uses_of(self._tree, self.schema, self._names, self.source, is_value=self._is_value)

    def bind(self, /, **values: Given) -> Self:
        """Give values to parameters.

        Args:
            **values: By name; the types must be those in ``parameters``. A list is a list, a tuple
                or a set.

        Returns:
            The same segment or trait with the values written out.

        Raises:
            SegmentTypeError: A name is unknown, or a value has the wrong type or is not listed.
            SegmentSyntaxError: The definition becomes too long with the values.
        """
        self.check_values(values)
        bound = bound_together([self], values)[id(self)]
        assert isinstance(bound, type(self))
        return bound

    def check_values(self, values: Mapping[str, object]) -> None:
        """Check that values fit the parameters, without binding them.

        Args:
            values: By name.

        Raises:
            SegmentTypeError: A name is unknown or a value has the wrong type.
        """
        found = (misfit(n, v, self.parameters, self._tree) for n, v in values.items())
        problems = [problem for problem in found if problem is not None]
        if problems:
            raise SegmentTypeError(problems, self.source)

    def named(self, name: str | None) -> Self:
        """A copy with another name."""
        return evolve(self, name=name)

    def _substituted(self, values: Mapping[str, Given]) -> str:
        """The definition with values in the place of parameters."""
        literals = {name: literal(value) for name, value in values.items()}

        def given(node: t.Node) -> t.Literal | tuple[t.Literal, ...] | None:
            return literals.get(node.name) if isinstance(node, t.Parameter) else None

        return format_tree(t.rewritten(self._tree, given))

    def _about(self) -> dict[str, str | None]:
        return {
            "title": self.title,
            "description": self.description,
            "owner": self.owner,
            "goal": self.goal,
        }

    def _made_for(
        self, as_of: AsOf, make: Callable[[datetime], Callable[[Mapping[str, Any]], Any]]
    ) -> Callable[[Mapping[str, Any]], Any]:
        """A function of a record, kept for the next question about the same instant."""
        instant = instant_of(as_of, self.schema)
        # One reading and one assignment of one tuple: threads see either the old pair or the new.
        known = self._compiled
        if known is not None and known[0] == instant:
            return known[1]
        self._refuse_others()
        compiled = make(instant)
        object.__setattr__(self, "_compiled", (instant, compiled))
        return compiled

    def _refuse_others(self) -> None:
        """Make sure that nothing here needs other records than one."""
        for each, node in self._written():
            if is_of_population(node):
                raise UnsupportedError(diagnostic("SK401", node.span).render(each.source))

    def _refuse_unlowered(self, target: Target) -> None:
        """Make sure that a target can compute what the schema adds to the language."""
        lacking = {f.name: f for f in self.schema.functions if not f.is_lowered(target)}
        for each, node in self._written() if lacking else ():
            if isinstance(node, t.Call) and node.name in lacking:
                kind = type(lacking[node.name]).__name__
                told: dict[str, Any] = {"name": node.name, "target": target.value, "kind": kind}
                found = diagnostic("SK170", node.name_span, **told)
                raise UnsupportedError(found.render(each.source))

    def _written(self) -> Iterator[tuple[Defined, t.Node]]:
        """The nodes of it and of all that it refers to, near or far, with whose they are."""
        stack: list[Defined] = [self]
        seen: set[int] = set()
        while stack:
            each = stack.pop()
            if id(each) not in seen:
                seen.add(id(each))
                stack += each._uses()
                yield from ((each, node) for node in t.every(each._tree))

    def _require_bound(self) -> None:
        if self.parameters:
            names = ", ".join(f":{name}" for name in self.parameters)
            kind = type(self).__name__.lower()
            raise DataError(f"{self.name or f'the {kind}'} has no value for {names}; call bind()")


_NO_TRUTH = {
    "Segment": "a segment is neither true nor false: join segments by & | - ^ ~ (not by and, or, "
    "not), and ask of one record by matches(record)",
    "Trait": "a trait is neither true nor false: test it in a definition, and ask of one record by "
    "of(record)",
}


def bound_together(items: Iterable[Defined], values: Mapping[str, Given]) -> dict[int, Defined]:
    """Segments and traits, and all that they refer to, with values; each is bound once.

    Args:
        items: The segments and traits.
        values: Values of parameters, known to fit; each goes where it has a place.

    Returns:
        What is bound by the ``id`` of what it was made from.
    """
    found: dict[int, Defined] = {}
    stack = list(items)
    while stack:
        item = stack[-1]
        waiting = [each for each in item._uses() if id(each) not in found]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if id(item) not in found:
            own = {name: values[name] for name in item.parameters if name in values}
            found[id(item)] = item._with(own, found) if own else item
    return found


_D = TypeVar("_D", bound=Defined)


def lowest_first(whole: _D, below: Callable[[_D], Iterable[_D]]) -> list[_D]:
    """All that it refers to, near or far, each after those that it refers to; and itself."""
    found: dict[int, _D] = {}
    stack = [whole]
    while stack:
        waiting = [each for each in below(stack[-1]) if id(each) not in found]
        if waiting:
            stack += waiting
        else:
            each = stack.pop()
            found[id(each)] = each
    return list(found.values())


def all_of(whole: Defined) -> list[Defined]:
    """All that it refers to, each once and after those that it refers to; and itself, last."""
    return lowest_first(whole, lambda each: each._uses())


_APART = 30


def landmarks(whole: Defined) -> tuple[Defined, ...]:
    """Some of all that it refers to, lowest first: what is between two of them is not deep.

    A copy that copies them first never nests deeper than from one to the next.
    """
    stack = [whole]
    while stack:
        item = stack[-1]
        uses = list(item._uses())
        waiting = [each for each in uses if each._below is None]
        if item._below is None and waiting:
            stack += waiting
            continue
        stack.pop()
        found: dict[int, Defined] = {}
        height = 0
        for each in uses:
            assert each._below is not None
            height = max(height, each._below[0] + 1)
            found |= {id(one): one for one in each._below[1]}
            if each._below[0] % _APART == 1:
                found[id(each)] = each
        lowest_first = sorted(found.values(), key=lambda one: one._below[0] if one._below else 0)
        object.__setattr__(item, "_below", (height, tuple(lowest_first)))
    assert whole._below is not None
    return whole._below[1]


def by_name(given: Any, kind: type[Any]) -> Mapping[str, Any]:
    """What a definition can refer to: a mapping, or things that have names."""
    if given == ():
        return {}
    if isinstance(given, Mapping):
        return given
    found: dict[str, Any] = {}
    for each in given:
        if not isinstance(each, kind):
            raise TypeError(f"{each!r:.60} is not a {kind.__name__}")
        if each.name is not None:
            found[each.name] = each
    return found


def of_one_schema(schema: Schema, used: Mapping[str, Defined]) -> Mapping[str, Any]:
    """The references of something, read-only.

    Raises:
        SchemaError: One is of another schema.
    """
    for name, each in used.items():
        if each.schema != schema:
            kind = type(each).__name__.lower()
            raise SchemaError(f"{kind} {name!r} is of a different schema")
    return MappingProxyType(dict(used))


def check_record(record: object) -> None:
    """Make sure that something is a record.

    Raises:
        DataError: It is not.
    """
    if not isinstance(record, Mapping):
        ways = [way for way in ("_asdict", "to_dict", "model_dump") if hasattr(record, way)]
        hint = f"; give its .{ways[0]}()" if ways else ""
        if hasattr(record, "_sa_instance_state"):
            hint = "; give segmentkit.sqlalchemy.record(…) of it"
        raise DataError(
            f"a record is a mapping of names to values, not {type(record).__name__}{hint}"
        )


def instant_of(as_of: AsOf, schema: Schema) -> datetime:
    """The instant that a caller gives, naive, in UTC; by default now."""
    return instant_in(as_of, schema.zone)


def instant_in(as_of: AsOf, zone: tzinfo) -> datetime:
    """The instant that a caller gives, naive, in UTC; what has no zone is in this one."""
    if as_of is None:
        return datetime.now(UTC).replace(tzinfo=None)
    is_time = type(as_of).__name__ != "NaTType"  # which pandas makes a datetime of no time
    if is_time and isinstance(as_of, datetime):
        return to_utc(as_of, zone)
    if is_time and isinstance(as_of, date):
        return first_instant(as_of, zone)
    raise TypeError(f"as_of must be a datetime or a date, not {type(as_of).__name__}")


def utc_of(as_of: AsOf, schema: Schema) -> datetime:
    """The same with its zone: asked again of any schema, it stays the same instant."""
    return instant_of(as_of, schema).replace(tzinfo=UTC)


def frozen_mapping(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy of a mapping that nobody can change."""
    return MappingProxyType(dict(given))


def pickled(value: Any) -> tuple[Any, ...]:
    """How to pickle a value of attrs that has frozen mappings, which pickle does not take."""
    told = {each.name: getattr(value, each.name) for each in fields(type(value))}
    copied = {name: dict(v) if isinstance(v, Mapping) else v for name, v in told.items()}
    return _restored, (type(value), copied)


def _restored(kind: type[Any], told: dict[str, Any]) -> Any:
    return kind(**told)
