"""What can go wrong, as the caller sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segmentkit._diagnostics import Diagnostic


class SegmentkitError(Exception):
    """The root of every error that this package raises on purpose."""


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

    def __str__(self) -> str:
        return "\n".join(d.render(self.source) for d in self.diagnostics)


class SegmentSyntaxError(DefinitionError):
    """The text does not follow the grammar; carries exactly one diagnostic."""


class SegmentTypeError(DefinitionError):
    """The text is well-formed and means nothing in this schema; carries all diagnostics."""


class CatalogError(DefinitionError):
    """A catalog file with mistakes; carries all of them, each with its line in the file."""


class SchemaError(SegmentkitError):
    """A schema that contradicts itself, or a database or frame that lacks what it names."""


class UnsupportedError(SegmentkitError):
    """A definition that this target cannot compute; names the construct and the target."""


class DataError(SegmentkitError):
    """A record or a frame that is not what the schema says."""
