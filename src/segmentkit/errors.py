"""The errors that you can catch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from segmentkit._diagnostics.diagnostic import encodable, visible
from segmentkit._diagnostics.languages import chosen, in_words
from segmentkit._diagnostics.wording import term
from segmentkit._html import as_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segmentkit._diagnostics.diagnostic import Diagnostic


class SegmentkitError(Exception):
    """The base class of every error that this package raises on purpose."""

    def to_dict(self, language: str | None = None) -> dict[str, Any]:
        """The error as values that JSON has: its kind as ``error``, and its ``message``.

        Args:
            language: The language of diagnostics, which a `DefinitionError` has; what speaks to a
                programmer is in English.
        """
        return {"error": type(self).__name__, "message": encodable(str(self))}


class DefinitionError(SegmentkitError):
    """A definition that is not well-formed or does not fit the schema.

    Attributes:
        diagnostics: Every mistake found, in the order of the text.
        source: The text the diagnostics point into.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], source: str) -> None:
        self.diagnostics = tuple(diagnostics)
        self.source = source
        super().__init__(self.diagnostics, source)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics, self.source)

    def __str__(self) -> str:
        return self.render()

    def render(self, language: str | None = None) -> str:
        """Every mistake with its line, its hint and carets: the text of the error.

        Args:
            language: The language, such as ``uk``, as for `Diagnostic.translated`.

        Returns:
            Several lines.
        """
        return "\n".join(d.render(self.source, language) for d in self.diagnostics)

    def to_dict(self, language: str | None = None) -> dict[str, Any]:
        """The error as values that JSON has.

        Args:
            language: The language of the messages, such as ``uk``, as for
                `Diagnostic.translated`.

        Returns:
            ``error``, ``message``, and ``diagnostics``, each as `Diagnostic.to_dict` gives it.
        """
        found = [diagnostic.to_dict(self.source, language) for diagnostic in self.diagnostics]
        told = {**super().to_dict(), "message": encodable(self.render(language))}
        return {**told, "diagnostics": found}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return as_written(str(self))


class SegmentSyntaxError(DefinitionError):
    """The text does not follow the grammar. It has exactly one diagnostic."""


class SegmentTypeError(DefinitionError):
    """The text is well-formed but does not fit the schema. It has all diagnostics."""


class ConversionError(DefinitionError):
    """Something from another tool that cannot be taken over. It has all diagnostics.

    Its ``source`` has a JSON pointer on each line, and the places of the diagnostics are in it.
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        """Where each of the diagnostics is, in what was converted: JSON pointers."""
        return tuple(self.source[d.span.start : d.span.end] for d in self.diagnostics)

    def to_dict(self, language: str | None = None) -> dict[str, Any]:
        """The error as values that JSON has; each diagnostic has its ``pointer``."""
        told = super().to_dict(language)
        for found, pointer in zip(told["diagnostics"], self.pointers, strict=True):
            found["pointer"] = pointer
        return told


@frozen
class Problem:
    """A diagnostic with its place in a catalog file.

    Attributes:
        diagnostic: What is wrong.
        source: The text that it points into: the definition, or the file if it is not TOML; None
            if it is about the file's form.
        file: The name of the file.
        line: The line in the file, from one; None if it is not known.
        column: The column in the line of that text, from one.
        name: The segment, trait or other thing that it is about.
        kind: Its kind: ``segment``, ``trait``, ``list`` or ``partition``.
    """

    diagnostic: Diagnostic
    source: str | None
    file: str | None
    line: int | None
    column: int | None
    name: str | None = None
    kind: str = "segment"

    def _place(self, language: str) -> str:
        place = [visible(str(part)) for part in (self.file, self.line) if part is not None]
        head = ":".join(place)
        if place and not self.file:
            head = in_words(term("line {line}", line=self.line), language)
        if not self.name:
            return head
        what = in_words(term(self.kind), language)
        comma = "," if place and not self.file else ""
        return f"{head}{comma} {what} {self.name!r:.100}".strip()

    def render(self, language: str | None = None) -> str:
        """The message, with its place in the file above it."""
        head = self._place(chosen(language))
        text = self.diagnostic.render(self.source, language)
        return f"{head}\n{text}" if head else text

    def to_dict(self, language: str | None = None) -> dict[str, Any]:
        """The problem as values that JSON has: its diagnostic, and its place in the file.

        The places of the diagnostic are in ``source``, which is among the values.
        """
        found = self.diagnostic.to_dict(self.source or "", language)
        place = {"file": self.file, "line": self.line, "column": self.column}
        about = {"name": self.name, "kind": self.kind, "source": self.source}
        told = {**place, **about}
        return found | {k: encodable(v) if isinstance(v, str) else v for k, v in told.items()}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.render())

    def _repr_html_(self) -> str:
        return as_written(self.render())


_PLACES = 3
"""A mistake that is made more often is told once, with so many other places."""


def _told(problems: Iterable[Problem], language: str) -> Iterator[str]:
    """The messages of problems, each with its place; one that repeats is counted."""
    same: dict[tuple[str | None, ...], list[Problem]] = {}
    for each in problems:
        found = each.diagnostic
        same.setdefault((found.code, found.message, found.hint, each.kind), []).append(each)
    for first, *others in same.values():
        if len(others) < _PLACES:
            yield from (each.render(language) for each in (first, *others))
            continue
        places = ", ".join(each._place(language) for each in others[:_PLACES])
        places += ", …" if len(others) > _PLACES else ""
        same_in = "the same in {count:,} other places: {places}"
        more = in_words(term(same_in, count=len(others), places=places), language)
        yield f"{first.render(language)}\n    {more}"


class CatalogError(DefinitionError):
    """A catalog file with mistakes. A message that repeats over many definitions is told once.

    Attributes:
        problems: All of them, each with its line in the file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__([p.diagnostic for p in self.problems], "")

    def render(self, language: str | None = None) -> str:
        """Every mistake with its place in the file: the text of the error."""
        return "\n".join(_told(self.problems, chosen(language)))

    def to_dict(self, language: str | None = None) -> dict[str, Any]:
        """The error as values that JSON has; its ``diagnostics`` are by `Problem.to_dict`."""
        found = [problem.to_dict(language) for problem in self.problems]
        return {**super().to_dict(language), "diagnostics": found}

    def __reduce__(self) -> tuple[Any, ...]:
        return CatalogError, (self.problems,)


class SchemaError(SegmentkitError):
    """A schema that contradicts itself, or that a database or a frame does not fit."""


class UnsupportedError(SegmentkitError):
    """A definition that a target cannot compute; it names the construct and the target."""


class DataError(SegmentkitError):
    """A record or a frame that does not fit the schema."""


class RunRefused(SegmentkitError):
    """A run of a store that would write what is not wanted; nothing was written."""


class UsageError(SegmentkitError, TypeError):
    """An argument of another kind than a function takes; says what to give."""
