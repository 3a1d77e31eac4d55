"""A hand-over: who is passed on to what sends letters or calls people, and what of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from attrs import evolve, field, frozen

from segmentkit._definition import Defined, frozen_mapping, pickled
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._schema.freshness import length_of_time
from segmentkit._usage import WrongValue
from segmentkit.errors import DefinitionError, SchemaError
from segmentkit.goal import Goal
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

EVENTS = ("entered", "left")
PLATFORMS = ("google", "linkedin", "meta", "snapchat", "tiktok")
"""The platforms whose forms of addresses are known."""
OWN = ("id", "key", "event", "at", "address", "title", "due", "owner")
"""What every row has, so that no field can be called so."""

_FUNCTION = re.compile(r"(e164|hashed_email|hashed_phone)\s*\((.*)\)", re.DOTALL)
_LAST_TEXT = re.compile(r'(.*?)\s*,\s*"([^"\\]*)"\s*', re.DOTALL)
_AGAIN = re.compile(r"after (.+)")


@frozen(eq=False)
class Field:
    """Something that is handed over of a person.

    Attributes:
        value: The value in the language.
        form: None for the value itself; or ``e164`` for a phone number in the international form,
            ``hashed_email`` and ``hashed_phone`` for what advertising platforms compare.
        platform: Whose hashes they are.
        region: The country in which a phone number without a country's code is, such as ``DK``.
        source: The field as it is written.
        offset: Where the value begins in that.
    """

    value: Trait
    form: str | None
    platform: str | None
    region: str | None
    source: str
    offset: int

    @classmethod
    def of(cls, key: str, text: object, schema: Schema, traits: Mapping[str, Trait]) -> Field:
        """Read a field as files write it: ``name``, or ``e164(phone, "DK")``.

        Raises:
            WrongValue: It is something else, or the value is wrong.
        """
        if not isinstance(text, str):
            raise WrongValue(key, 'a text such as "name" or "e164(phone)"')
        found = _FUNCTION.fullmatch(text.strip())
        if found is None or schema.function(found[1]) is not None:
            return cls(_value(key, text, schema, traits), None, None, None, text, 0)
        form, inner = found[1], found[2]
        told: list[str] = []
        while (last := _LAST_TEXT.fullmatch(inner)) is not None:
            inner, told = last[1], [last[2], *told]
        platform = told.pop(0) if form != "e164" and told else None
        region = told.pop(0) if form != "hashed_email" and told else None
        if told:
            raise WrongValue(key, f"{_FORMS[form]}, without {told[0]!r}")
        if form != "e164" and platform not in PLATFORMS:
            hint = did_you_mean(str(platform), PLATFORMS)
            known = f"; {hint}" if hint else f"; the platforms are {', '.join(PLATFORMS)}"
            raise WrongValue(key, f"{_FORMS[form]}{known}")
        if (form, platform) == ("hashed_phone", "linkedin"):
            raise WrongValue(key, "a hashed e-mail, since linkedin takes no phone numbers")
        if region is not None and not re.fullmatch("[A-Z]{2}", region):
            raise WrongValue(key, f'{_FORMS[form]}, with a country such as "DK"')
        value = _value(key, inner, schema, traits)
        if str(value.dtype) != "text":
            raise WrongValue(key, f"{_FORMS[form]} of a text, and {inner.strip()} is {value.dtype}")
        return cls(value, form, platform, region, text, text.index("(") + 1)


_FORMS = {
    "e164": 'such as e164(phone), or e164(phone, "DK") for numbers without a country\'s code',
    "hashed_email": 'such as hashed_email(email, "google")',
    "hashed_phone": 'such as hashed_phone(phone, "google") or hashed_phone(phone, "google", "DK")',
}


def _value(key: str, text: str, schema: Schema, traits: Mapping[str, Trait]) -> Trait:
    try:
        # No attribute has such a name, which a trait could not have as well.
        return Trait.define(f"handed over {key}", text, schema, traits=traits)
    except DefinitionError as error:
        told = " ".join(error.diagnostics[0].render(text).split("\n")[0].split()[1:])
        raise WrongValue(key, f"a value of the schema: {told}") from None


@frozen(eq=False)
class Task:
    """Something that a person is to do about each one who is handed over.

    Attributes:
        title: What is to be done.
        due: How long after the event, such as ``2 days``; None if it is not said.
        owner: Whose task it is, as a value in the language; None if it is not said.
    """

    title: str
    due: str | None = None
    owner: Field | None = None

    @property
    def time(self) -> timedelta | None:
        """How long after the event it is due."""
        return None if self.due is None else length_of_time(self.due, "due")


@frozen(eq=False)
class Handover:
    """Who is passed on when they enter or leave a segment, and what of them.

    Make one with `Handover.define`, or take it from a `Catalog`; a store hands over.

    Attributes:
        name: The name of the hand-over.
        segment: The segment.
        on: ``entered`` or ``left``.
        channel: The channel by which they must be reachable; None for none.
        goal: The goal whose held-out people are left out.
        wait: How long they must have been in, or out, such as ``3 days``; against flapping.
        again: After how long somebody who comes again is handed over again; None for never.
        fields: What is handed over of them, by name.
        task: What somebody is to do about them.
        title: A title for people.
        description: What it is.
        owner: Who is responsible for it.
    """

    name: str
    segment: Segment
    on: str = "entered"
    channel: str | None = None
    goal: Goal | None = None
    wait: str | None = None
    again: str | None = None
    fields: Mapping[str, Field] = field(factory=dict, converter=frozen_mapping)
    task: Task | None = None
    title: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    owner: str | None = field(default=None, kw_only=True)

    @classmethod
    def define(  # noqa: PLR0913 - one for each key of a file
        cls,
        name: str,
        segment: Segment,
        *,
        channel: str | None = None,
        on: str = "entered",
        goal: Goal | None = None,
        wait: str | None = None,
        again: str | None = None,
        fields: Mapping[str, str] | None = None,
        task: Mapping[str, str] | None = None,
        traits: Mapping[str, Trait] | None = None,
        **about: str | None,
    ) -> Handover:
        """Check what a hand-over says.

        Args:
            name: The name of the hand-over, by which a store knows how far it got.
            segment: The segment; it needs a name.
            channel: The channel by which people must be reachable; ``"none"`` if nobody is written
                to, such as for a list of tasks.
            on: ``"entered"`` or ``"left"``.
            goal: A goal of the segment; who is held out of it is left out.
            wait: How long somebody must have been in, such as ``"3 days"``.
            again: ``"never"``, or after how long somebody who enters again is handed over again,
                as in ``"after 90 days"``. By default never.
            fields: What is handed over, by name: values in the language, ``e164(phone, "DK")``,
                ``hashed_email(email, "google")`` or ``hashed_phone(phone, "meta", "DK")``.
            task: ``title``, and if you like ``due`` such as ``"2 days"``, and ``owner``, a value.
            traits: Traits that the fields can use.
            **about: ``title``, ``description`` and ``owner``.

        Returns:
            The hand-over.

        Raises:
            UsageError: A value is not what it must be.
            SchemaError: The goal is of another schema.

        Example:
            >>> from segmentkit import INTEGER, TEXT, Attribute, Channel, Entity, Schema
            >>> told = [Attribute("id", INTEGER), Attribute("email", TEXT), Attribute("name", TEXT)]
            >>> people = Entity("people", key="id", attributes=told)
            >>> mail = Channel("email", address="email", consent="id > 0")
            >>> shop = Schema([people], channels=[mail])
            >>> new = Segment.define("new", "id > 7", shop)
            >>> print(Handover.define("welcome", new, channel="email", fields={"name": "name"}))
            welcome: who entered new, by email, once each
        """
        schema, known = segment.schema, dict(traits or {})
        if segment.name is None:
            raise WrongValue("segment", "a segment that has a name")
        if on not in EVENTS:
            raise WrongValue("on", '"entered" or "left"')
        if wait is not None:
            _length("wait", wait)
        _check_again(again, on)
        for key in fields or {}:
            if key in OWN:
                raise WrongValue(f"fields.{key}", "called otherwise: each row has that already")
        read = {
            key: Field.of(f"fields.{key}", text, schema, known)
            for key, text in (fields or {}).items()
        }
        made = cls(
            name,
            segment,
            on,
            _channel(channel, schema, has_task=task is not None),
            goal,
            wait,
            None if again in (None, "never") else again,
            read,
            None if task is None else _task(task, schema, known),
            **about,
        )
        made._check_goal()
        return made

    def _check_goal(self) -> None:
        if self.goal is None:
            return
        if self.goal.schema != self.schema:
            raise SchemaError(f"the goal of {self.name!r} is of another schema than its segment")
        if self.goal.segment.name != self.segment.name:
            raise WrongValue(
                "goal", f"a goal of {self.segment.name}: {self.goal.name} is one of "
                f"{self.goal.segment.name}",
            )  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        return pickled(self)

    @property
    def schema(self) -> Schema:
        """The schema of the segment."""
        return self.segment.schema

    @property
    def waits(self) -> timedelta:
        """How long they must have been in, or out."""
        return timedelta(0) if self.wait is None else length_of_time(self.wait, "wait")

    @property
    def rests(self) -> timedelta | None:
        """After how long somebody is handed over again; None for never."""
        found = _AGAIN.fullmatch(self.again or "")
        return None if found is None else length_of_time(found[1], "again")

    @property
    def values(self) -> dict[str, Field]:
        """All that is computed of a person, by what it is called in a row."""
        owner = self.task.owner if self.task else None
        return {**self.fields, **({"owner": owner} if owner else {})}

    @property
    def parts(self) -> tuple[Defined, ...]:
        """The segments and traits that it is made of, without those of its goal."""
        return (self.segment, *(each.value for each in self.values.values()))

    def _with(self, found: Mapping[int, Any]) -> Handover:
        """The same of segments and traits whose parameters have values."""

        def bound(each: Field) -> Field:
            return evolve(each, value=found[id(each.value)])

        task = self.task
        if task is not None and task.owner is not None:
            task = evolve(task, owner=bound(task.owner))
        return evolve(
            self,
            segment=found[id(self.segment)],
            goal=None if self.goal is None else self.goal._with(found),
            fields={name: bound(each) for name, each in self.fields.items()},
            task=task,
        )

    def told(self) -> dict[str, Any]:
        """What a file says of it."""
        task = self.task
        known: dict[str, Any] = {
            "segment": self.segment.name,
            "on": self.on,
            "channel": self.channel or "none",
            "goal": None if self.goal is None else self.goal.name,
            "wait": self.wait,
            "again": self.again,
            "fields": {name: each.source for name, each in self.fields.items()} or None,
            "task": None if task is None else {
                "title": task.title,
                **({"due": task.due} if task.due else {}),
                **({"owner": task.owner.source} if task.owner else {}),
            },
            "title": self.title,
            "description": self.description,
            "owner": self.owner,
        }  # fmt: skip
        return {name: value for name, value in known.items() if value is not None}

    def __str__(self) -> str:
        by = f", by {self.channel}" if self.channel else ""
        wait = f", after {self.wait}" if self.wait else ""
        again = (
            "" if self.on == "left" else f", again {self.again}" if self.again else ", once each"
        )
        return f"{self.name}: who {self.on} {self.segment.name}{by}{wait}{again}"


def _length(key: str, text: object) -> None:
    try:
        length_of_time(text, key)
    except SchemaError as error:
        raise WrongValue(key, str(error).removeprefix(f"{key} must be ")) from None


def _check_again(again: object, on: str) -> None:
    if again is None:
        return
    if on == "left":
        raise WrongValue("again", "left out: who has left is handed over each time")
    found = _AGAIN.fullmatch(again) if isinstance(again, str) else None
    if again != "never" and found is None:
        raise WrongValue("again", '"never" or such as "after 90 days"')
    if found is not None:
        _length("again", found[1])


def _channel(channel: object, schema: Schema, *, has_task: bool) -> str | None:
    names = [each.name for each in schema.channels]
    if channel == "none" or (channel is None and has_task):
        return None
    if isinstance(channel, str) and channel in names:
        return channel
    hint = did_you_mean(str(channel), names) if names else "the schema declares no channels"
    told = 'the channel by which people are reached, or "none"'
    raise WrongValue("channel", told + (f"; {hint}" if hint else ""))


def _task(told: object, schema: Schema, traits: Mapping[str, Trait]) -> Task:
    if not isinstance(told, Mapping) or not isinstance(told.get("title"), str):
        raise WrongValue("task", 'a table with a title: { title = "Call", due = "2 days" }')
    for key in told:
        if key not in ("title", "due", "owner"):
            raise WrongValue("task", f"a table with title, due and owner, and not {key!r}")
    if "due" in told:
        _length("task.due", told["due"])
    owner = told.get("owner")
    made = None if owner is None else Field.of("task.owner", owner, schema, traits)
    return Task(told["title"], told.get("due"), made)
