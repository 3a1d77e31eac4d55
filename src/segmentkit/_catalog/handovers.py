"""Hand-overs as a file declares them, checked against the segments, traits, goals and channels."""

from __future__ import annotations

from collections.abc import Container, Mapping

from attrs import field, frozen

from segmentkit._catalog.goals import Reading, about
from segmentkit._catalog.toml_file import CatalogText, Declared
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._usage import WrongValue
from segmentkit.errors import CatalogError, Problem
from segmentkit.goal import Goal
from segmentkit.handover import Handover
from segmentkit.segment import Segment
from segmentkit.trait import Trait


@frozen
class Plans:
    """What a file plans with its segments.

    Attributes:
        goals: Its goals.
        handovers: Its hand-overs.
        problems: What is wrong with others.
    """

    goals: dict[str, Goal] = field(factory=dict)
    handovers: dict[str, Handover] = field(factory=dict)
    problems: list[Problem] = field(factory=list)


def plans_of(
    text: CatalogText,
    segments: Mapping[str, Segment],
    traits: Mapping[str, Trait],
    unsound: Container[tuple[str, str | None]] | None,
) -> Plans:
    """What a file plans with segments and traits.

    Args:
        text: The file.
        segments: The segments that can be named.
        traits: The traits that can be named.
        unsound: Of these, what is wrong itself; nothing is said of what rests on it. None if it
            was left out.
    """
    found, reading = Plans(), Reading(text, segments, traits, unsound or ())
    for entry in text.goals.values():
        try:
            found.goals[entry.name] = reading.made(entry, reading.goal)
        except CatalogError as error:
            found.problems.extend(error.problems)

    def made(entry: Declared) -> Handover:
        told = entry.told
        name = told.get("goal")
        if name is not None and name not in found.goals:
            hint = did_you_mean(str(name), text.goals)
            if name in text.goals and unsound is not None:  # it is said what is wrong with it
                raise CatalogError([])
            raise WrongValue("goal", "the name of a goal" + (f"; {hint}" if hint else ""))
        fields = told.get("fields", {})
        if not isinstance(fields, Mapping):
            raise WrongValue("fields", "a table of names and values")
        reading.check_words(fields.values())
        return Handover.define(
            entry.name,
            reading.segment(entry, "segment", told["segment"]),
            channel=told.get("channel"),
            on=told.get("on", "entered"),
            goal=None if name is None else found.goals[name],
            wait=told.get("wait"),
            again=told.get("again"),
            fields=fields,
            task=told.get("task"),
            traits=traits,
            **dict(about(told)),
        )

    for entry in text.handovers.values():
        try:
            found.handovers[entry.name] = reading.made(entry, made)
        except CatalogError as error:
            found.problems.extend(error.problems)
    return found
