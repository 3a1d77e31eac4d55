"""What uses something of a catalog or its schema, and what another name for it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from segmentkit._checking.binding import Given
from segmentkit._checking.uses import Use
from segmentkit._definition import Defined
from segmentkit._diagnostics.diagnostic import Span, did_you_mean
from segmentkit._language.formatter import format_name, format_reference, is_writable
from segmentkit._language.syntax import NOWHERE
from segmentkit.dtypes import DType
from segmentkit.errors import UsageError
from segmentkit.goal import Goal
from segmentkit.handover import Handover
from segmentkit.keylist import KeyList
from segmentkit.partition import Partition
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

MEMBERS = ("attribute", "value", "link", "relation", "place")
"""What an entity has, each under a name of its own (but that what leads to one row can be a link
and a relation); a value is an attribute inside a document."""

Edit: TypeAlias = tuple[Span, str]
"""A part of a text, and what takes its place."""
UsesByUser: TypeAlias = dict[tuple[str, str], tuple[Use, ...]]
"""Uses by who has them: a kind and a name."""


@frozen
class Contents:
    """What a catalog has, by kind and by name."""

    schema: Schema | None
    segments: Mapping[str, Segment]
    traits: Mapping[str, Trait]
    lists: Mapping[str, KeyList]
    partitions: Mapping[str, Partition]
    parameters: Mapping[str, Given]
    parameter_types: Mapping[str, DType]
    goals: Mapping[str, Goal] = field(factory=dict)
    handovers: Mapping[str, Handover] = field(factory=dict)

    @classmethod
    def of(cls, schema: Schema) -> Contents:
        """A schema alone, of which nothing is defined."""
        return cls(schema, {}, {}, {}, {}, {}, {})

    def check_closed(self) -> None:
        """Make sure that all that its definitions refer to is its own, under the same name.

        Raises:
            UsageError: Something is not.
        """
        for name, each in self.segments.items():
            here = f"segment {name!r}"
            _check_own(here, "segment", each.references, self.segments)
            _check_own(here, "trait", each.traits, self.traits)
            _check_own(here, "list", each.lists, self.lists)
        for name, trait in self.traits.items():
            _check_own(f"trait {name!r}", "trait", trait.traits, self.traits)
        for name, partition in self.partitions.items():
            _check_own(f"partition {name!r}", "segment", partition.parts, self.segments)
        for kind, plans in (("goal", self.goals), ("handover", self.handovers)):
            for name, plan in plans.items():
                self._check_plan(f"{kind} {name!r}", plan)

    def _check_plan(self, here: str, plan: Goal | Handover) -> None:
        fields = plan.values.values() if isinstance(plan, Handover) else ()
        for one in fields:
            _check_own(here, "trait", one.value.traits, self.traits)
        for each in plan.parts if isinstance(plan, Goal) else plan.parts[:1]:
            kind = "segment" if isinstance(each, Segment) else "trait"
            known: Mapping[str, Any] = self.segments if kind == "segment" else self.traits
            _check_own(here, kind, {str(each.name): each}, known)

    def uses(self) -> UsesByUser:
        """All uses of all definitions, and of the parts of partitions, which have no place."""
        found = {("segment", name): each.uses() for name, each in self.segments.items()}
        found |= {("trait", name): each.uses() for name, each in self.traits.items()}
        for name, each in self.partitions.items():
            parts = (str(part.name) for part in each.parts.values())
            found["partition", name] = tuple(Use("segment", part, NOWHERE) for part in parts)
        for name, goal in self.goals.items():
            found["goal", name] = tuple(map(_named, goal.parts))
        for name, handover in self.handovers.items():
            fields = [use for each in handover.values.values() for use in each.value.uses()]
            uses = [_named(handover.segment), *(evolve(use, span=NOWHERE) for use in fields)]
            if handover.channel is not None:
                uses.append(Use("channel", handover.channel, NOWHERE))
            found["handover", name] = tuple(dict.fromkeys(uses))
        return found

    def named(self) -> dict[str, tuple[str, str | None, str]]:
        """What can be asked for, by how it is called: its kind, its entity and its own name."""
        found: dict[str, tuple[str, str | None, str]] = {}
        for entity in self.schema.entities if self.schema else ():
            inner = [a for document in entity.documents for a in document.attributes]
            for kind, group in (
                ("place", entity.places),
                ("link", entity.links),
                ("relation", entity.relations),
                ("attribute", entity.attributes),
                ("value", inner),
            ):
                for each in group:
                    found[f"{entity.name}.{each.name}"] = kind, entity.name, each.name
        for kind, names in (
            ("segment", self.segments),
            ("trait", self.traits),
            ("list", self.lists),
            ("parameter", {**self.parameter_types, **self.parameters}),
        ):
            found |= {f"{kind} {name}": (kind, None, name) for name in names}
        return found


def _named(each: Defined) -> Use:
    return Use("segment" if isinstance(each, Segment) else "trait", str(each.name), NOWHERE)


def _check_own(here: str, kind: str, used: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for name, each in used.items():
        if known.get(name) != each:
            raise UsageError(
                f"{here} uses the {kind} {name!r}, which the catalog does not have under this name"
            )


def users_of(name: str, contents: Contents) -> UsesByUser:
    """What uses something, itself or through others; see `Catalog.users_of`.

    Raises:
        UsageError: There is no such thing.
    """
    kind, _, own = _found(name, contents)
    wanted = {("member", name) if kind in MEMBERS else (kind, own)}
    everyone = contents.uses()
    users: UsesByUser = {}
    while wanted:
        more = {
            user: hits
            for user, uses in everyone.items()
            if user not in users and (hits := tuple(use for use in uses if _key(use) in wanted))
        }
        users |= more
        wanted = set(more)  # what refers to a user uses it, too
    return {user: users[user] for user in everyone if user in users}


def _key(use: Use) -> tuple[str, str]:
    return ("member" if use.kind in MEMBERS else use.kind), use.name


def _found(name: str, contents: Contents) -> tuple[str, str | None, str]:
    known = contents.named()
    kind, _, own = name.partition(" ")
    if kind in ("channel", "function"):
        return kind, None, own
    if name not in known:
        hint = did_you_mean(name, known) or "name one as in 'customers.country' or 'segment loyal'"
        raise UsageError(f"the catalog and its schema have no {name!r}; {hint}")
    return known[name]


@frozen
class Renaming:
    """What gets another name.

    Attributes:
        kind: One of `MEMBERS`, or ``segment``, ``trait``, ``list`` or ``parameter``.
        entity: The entity that has it; None for what a catalog has.
        member: What it is called; of an attribute in a document, the whole path.
        name: What it will be called; there, the last step.
    """

    kind: str
    entity: str | None
    member: str
    name: str

    @classmethod
    def of(cls, old: str, name: str, contents: Contents) -> Renaming:
        """What a caller wants to have renamed.

        Raises:
            UsageError: There is no such thing, or the name cannot be written or is taken.
        """
        found = cls(*_found(old, contents), name)
        if found.kind in ("channel", "function"):
            raise UsageError(f"a {found.kind} is renamed where the schema is made")
        if not is_writable(name) or (found.kind == "parameter" and not name.isidentifier()):
            raise UsageError(f"no definition can write the name {name!r}")
        taken = f"{found.entity}.{found.renamed}" if found.entity else f"{found.kind} {name}"
        if taken in contents.named():
            raise UsageError(f"there is {taken!r} already")
        return found

    @property
    def renamed(self) -> str:
        """The whole new name, without the entity."""
        if self.kind != "value":
            return self.name
        before, dot, _ = self.member.rpartition(".")
        return f"{before}{dot}{self.name}"

    def is_of(self, use: Use) -> bool:
        """Whether a use is one of what is renamed."""
        if self.entity is None:
            return (use.kind, use.name) == (self.kind, self.member)
        return use.kind in MEMBERS and use.name == f"{self.entity}.{self.member}"

    def edits(self, uses: Iterable[Use]) -> list[Edit]:
        """The changes of a text that has these uses."""
        write = format_reference if self.kind in ("segment", "list") else format_name
        written = f":{self.name}" if self.kind == "parameter" else write(self.name)
        return [(use.span, written) for use in uses if self.is_of(use) and not use.implied]

    def after(self, use: Use) -> tuple[str, str]:
        """The kind and the name of a use when all is renamed."""
        if not self.is_of(use):
            return use.kind, use.name
        return use.kind, f"{self.entity}.{self.renamed}" if self.entity else self.name
