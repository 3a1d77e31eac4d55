"""Goals as a file declares them: read, checked against the segments and traits, with places."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from attrs import evolve

from segmentkit._catalog.toml_file import CatalogText, Declared
from segmentkit._diagnostics.diagnostic import diagnostic, did_you_mean
from segmentkit._diagnostics.wording import term
from segmentkit._language.json_text import pointer_of
from segmentkit._language.syntax import NOWHERE
from segmentkit._usage import WrongValue
from segmentkit.errors import CatalogError, Problem, SegmentkitError
from segmentkit.goal import Goal, Measure
from segmentkit.segment import Segment
from segmentkit.trait import Trait

_T = TypeVar("_T")

REQUIRED = {
    "goal": ("segment", "metric", "amount", "starts", "by", "hold_out"),
    "handover": ("segment",),
}
_ABOUT = ("title", "description", "owner")


class Reading:
    """What declarations can name, and where they stand."""

    def __init__(
        self,
        text: CatalogText,
        segments: Mapping[str, Segment],
        traits: Mapping[str, Trait],
        unsound: Container[tuple[str, str | None]] = (),
    ) -> None:
        self.text = text
        self.segments = segments
        self.traits = traits
        self.unsound = unsound

    def check_sound(self, *named: tuple[str, str]) -> None:
        """Say nothing of what rests on something that is wrong itself.

        Raises:
            CatalogError: It does; without a problem.
        """
        if any(each in self.unsound for each in named):
            raise CatalogError([])

    def check_words(self, texts: Iterable[object]) -> None:
        """The same of values in the language."""
        words = {word for text in texts for word in re.findall(r"\w+", str(text))}
        self.check_sound(*(("trait", word) for word in words))

    def made(self, entry: Declared, make: Callable[[Declared], _T]) -> _T:
        """Make what an entry declares.

        Raises:
            CatalogError: It is wrong; has the place.
        """
        lacking = [key for key in REQUIRED[entry.kind] if key not in entry.told]
        if lacking:
            problems = [
                self.problem(entry, key, "SK304", expected=term("given")) for key in lacking
            ]
            raise CatalogError(problems)
        try:
            return make(entry)
        except WrongValue as error:
            told = self.problem(entry, error.key, "SK304", expected=error.expected)
        except SegmentkitError as error:
            if isinstance(error, CatalogError):
                raise
            expected = term("of this schema: {why}", why=str(error).splitlines()[0])
            told = self.problem(entry, "", "SK304", expected=expected)
        raise CatalogError([told])

    def problem(self, entry: Declared, key: str, code: str, **values: Any) -> Problem:
        """What is wrong with a value, and where it stands."""
        steps = [f"{entry.kind}s", entry.name, *(key.split(".") if key else ())]
        found = diagnostic(code, NOWHERE, **{"place": ".".join(steps), **values})
        if self.text.is_json:
            found = evolve(found, pointer=pointer_of(steps))
        line = entry.lines.get(key.partition(".")[0], entry.line)
        return Problem(found, None, self.text.file, line, None, entry.name, entry.kind)

    def segment(self, entry: Declared, key: str, name: object) -> Segment:
        """A segment that is named.

        Raises:
            CatalogError: There is none.
            WrongValue: It is no name.
        """
        if not isinstance(name, str):
            raise WrongValue(key, "the name of a segment")
        self.check_sound(("segment", name))
        if name not in self.segments:
            hint = did_you_mean(name, self.segments)
            raise CatalogError([self.problem(entry, key, "SK117", name=name, hint=hint)])
        return self.segments[name]

    def measure(self, entry: Declared, key: str, name: object) -> Measure:
        """A trait or a segment that is named, alone or with its kind before it.

        Raises:
            WrongValue: There is none, or there are both.
        """
        if not isinstance(name, str):
            raise WrongValue(key, "the name of a trait or of a segment")
        kind, _, own = name.partition(" ")
        self.check_sound(*([(kind, own)] if own else [("trait", name), ("segment", name)]))
        if kind == "segment" and own in self.segments:
            return self.segments[own]
        if kind == "trait" and own in self.traits:
            return self.traits[own]
        if name in self.traits and name in self.segments:
            raise WrongValue(key, f'"trait {name}" or "segment {name}", of which there are both')
        known: dict[str, Measure] = {**self.segments, **self.traits}
        if name not in known:
            hint = did_you_mean(name, [*self.traits, *self.segments])
            told = "the name of a trait or of a segment of the catalog"
            raise WrongValue(key, told + (f"; {hint}" if hint else ""))
        return known[name]

    def goal(self, entry: Declared) -> Goal:
        """The goal that an entry declares."""
        told = entry.told
        guards = told.get("guards", {})
        if not isinstance(guards, Mapping):
            raise WrongValue("guards", "a table of names and amounts")
        return Goal.define(
            entry.name,
            self.segment(entry, "segment", told["segment"]),
            self.measure(entry, "metric", told["metric"]),
            told["amount"],
            starts=told["starts"],
            by=told["by"],
            hold_out=told["hold_out"],
            direction=told.get("direction", "up"),
            guards={
                name: (self.measure(entry, f"guards.{name}", name), margin)
                for name, margin in guards.items()
            },
            **dict(about(told)),
        )


def about(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is said of something for people.

    Raises:
        WrongValue: It is no text.
    """
    for key in _ABOUT:
        if key in told:
            if not isinstance(told[key], str):
                raise WrongValue(key, "text")
            yield key, told[key]
