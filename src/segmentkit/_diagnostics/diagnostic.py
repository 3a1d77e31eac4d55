"""Places, and diagnostics made from the table of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from segmentkit._diagnostics.messages import CODES

if TYPE_CHECKING:
    from collections.abc import Iterable


@frozen
class Span:
    """A half-open range of character positions in a definition's text."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The range from the start of this one to the end of the other."""
        return Span(self.start, other.end)


@frozen
class Diagnostic:
    """One mistake or warning, with its place.

    Attributes:
        code: The stable code, such as ``SK101``.
        message: What is wrong, in one line.
        span: Where, in characters of the source text.
        hint: What to write instead, when that can be said.
    """

    code: str
    message: str
    span: Span
    hint: str | None = None

    @property
    def is_warning(self) -> bool:
        """Whether the definition stands all the same."""
        return CODES[self.code].is_warning

    def position(self, source: str) -> tuple[int, int]:
        """The line and the column of the start, both counted from one."""
        start = min(self.span.start, len(source))
        return source.count("\n", 0, start) + 1, start - (source.rfind("\n", 0, start) + 1) + 1

    def render(self, source: str) -> str:
        """The message with the line it speaks of, carets below, and the hint.

        Args:
            source: The text that was checked.

        Returns:
            Several lines without a final newline.
        """
        line, column = self.position(source)
        shown = source.split("\n")[line - 1].rstrip("\r")
        width = max(1, min(self.span.end - self.span.start, len(shown) - column + 1))
        shown, column, width = _clip(shown, column, width)
        # Tabs stay tabs below the line too, so that the caret stands where the eye expects it.
        indent = "".join("\t" if c == "\t" else " " for c in shown[: column - 1])
        lines = [f"{self.code} {self.message}", f"    {shown}", f"    {indent}{'^' * width}"]
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)


_SHOWN = 100


def _clip(line: str, column: int, width: int) -> tuple[str, int, int]:
    """A window of a very long line around the column."""
    if len(line) <= 2 * _SHOWN:
        return line, column, width
    start = max(0, column - _SHOWN // 2)
    piece = line[start : start + _SHOWN]
    head, tail = "…" * (start > 0), "…" * (start + _SHOWN < len(line))
    column = column - start + len(head)
    return head + piece + tail, column, max(1, min(width, len(head + piece) - column + 1))


def suggest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that was probably meant, compared without regard to case."""
    import difflib  # noqa: PLC0415 - it takes long to load, and only a mistake needs it

    by_fold = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=cutoff)
    return by_fold[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the probable word, or the few there are."""
    known = sorted(set(known))
    if close := suggest(word, known):
        return f"did you mean '{close}'?"
    if known and len(known) <= _FEW:
        return f"there are {', '.join(known)}"
    return None


_FEW = 12


def diagnostic(code: str, span: Span, *, hint: str | None = None, **values: Any) -> Diagnostic:
    """Make a diagnostic from the table.

    Args:
        code: One of ``CODES``.
        span: Where.
        hint: A hint that replaces the table's.
        **values: What the wording names.

    Returns:
        The diagnostic.
    """
    entry = CODES[code]
    if hint is None and entry.hint is not None:
        hint = entry.hint.format(**values)
    return Diagnostic(code, entry.message.format(**values), span, hint)
