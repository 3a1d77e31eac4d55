"""Places, and diagnostics made from the table of messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from segmentkit._diagnostics.formats import ENGLISH
from segmentkit._diagnostics.languages import chosen, in_words, said
from segmentkit._diagnostics.messages import CODES, HINTS
from segmentkit._diagnostics.wording import filled, term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@frozen
class Span:
    """A half-open range of character positions in a definition's text."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The range from the start of this one to the end of the other."""
        return Span(self.start, other.end)


@frozen
class Fix:
    """A hint as a change of the text: followed to the letter, it gives this.

    Attributes:
        span: What is replaced, in characters of the source text; where it is empty, something
            is put in.
        text: What stands there instead.

    Example:
        >>> Fix(Span(0, 3), "age").apply("aeg > 3")
        'age > 3'
    """

    span: Span
    text: str

    def apply(self, source: str) -> str:
        """The text with the change made.

        Args:
            source: The text that was checked.

        Returns:
            What you then check again: there may be more mistakes.
        """
        return source[: self.span.start] + self.text + source[self.span.end :]


@frozen
class Hint:
    """What to write instead, in words, and as what then stands at a place.

    Attributes:
        id: The wording, one of `HINTS`.
        values: What the wording names.
        written: What stands in the place of what is underlined; None if the words do not say so.
        span: The place, where it is another than what is underlined.
    """

    id: str
    values: Mapping[str, Any] = field(factory=dict, hash=False)
    written: str | None = None
    span: Span | None = None

    def __str__(self) -> str:
        return filled(HINTS[self.id], self.values)


@frozen
class Diagnostic:
    """One mistake or warning, with its place.

    Attributes:
        code: The stable code, such as ``SK101``.
        message: What is wrong, in one line.
        span: Where, in characters of the source text.
        hint: What to write instead, when that can be said.
        pointer: Where, in JSON, as a JSON pointer; None if the definition was not JSON.
        fix: The hint as a change of the text, where it says one thing to write.
        values: What the message names, by the places in the wording of its code. What is a part
            of the definition is as it stands there.
        hint_id: The wording of the hint, as stable as the code; None without a hint.
        hint_values: What the hint names.
    """

    code: str
    message: str
    span: Span
    hint: str | None = None
    pointer: str | None = None
    fix: Fix | None = None
    values: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)
    hint_id: str | None = field(default=None, eq=False, repr=False)
    hint_values: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    @property
    def is_warning(self) -> bool:
        """Whether the definition stands all the same."""
        return CODES[self.code].is_warning

    def position(self, source: str) -> tuple[int, int]:
        """The line and the column of the start, both counted from one."""
        place = _place(source, self.span.start)
        return place["line"], place["column"]

    def translated(self, language: str | None = None) -> Diagnostic:
        """The diagnostic in a language: its message and its hint.

        What is a part of the definition stays as it is, and so does a message that was not made
        by segmentkit.

        Args:
            language: A language such as ``uk``, or ``uk-UA``. By default it is that of the
                environment variable ``SEGMENTKIT_LANGUAGE``, or English. A language without
                messages is English, with one warning.

        Returns:
            The diagnostic; its code, its places and its values are the same.

        Example:
            >>> told = {"name": "aeg"}
            >>> found = Diagnostic("SK101", "unknown attribute 'aeg'", Span(0, 3), values=told)
            >>> found.translated("uk").message
            'невідомий атрибут «aeg»'
        """
        code = chosen(language)
        if code == ENGLISH:
            return self
        wording, told = CODES[self.code].message, self
        if self.message == _english(wording, self.values):
            message = said(self.code, wording, self.values, code)
            told = evolve(told, message=visible(message))
        if self.hint_id is not None:
            hint = said(f"hint {self.hint_id}", HINTS[self.hint_id], self.hint_values, code)
            told = evolve(told, hint=visible(hint))
        return told

    def to_dict(self, source: str, language: str | None = None) -> dict[str, Any]:
        """The diagnostic as values that JSON has, for an editor or an answer of a web service.

        Args:
            source: The text that was checked.
            language: The language of the message and the hint, as for `translated`.

        Returns:
            ``code``, ``severity`` ("error" or "warning"), ``message``, ``hint`` (or None), and
            ``start`` and ``end``, each with ``line`` and ``column`` from one, in characters, and
            ``offset`` from zero, in characters and, for JavaScript, as ``offset_utf16``. The end
            is the place after the last character. If the hint says one thing to write, ``fix``
            has ``start``, ``end`` and the ``text`` that stands there instead; otherwise it is
            None. ``values`` is what the message names, ``hint_id`` the wording of the hint (or
            None) and ``hint_values`` what it names: for messages of your own. If the definition
            was JSON, ``pointer`` is the place there.

        Example:
            >>> found = Diagnostic("SK101", "there is no 'aeg'", Span(0, 3), "did you mean 'age'?")
            >>> found.to_dict("aeg > 3")["end"]
            {'line': 1, 'column': 4, 'offset': 3, 'offset_utf16': 3}
        """
        told = self.translated(language)
        return {
            "code": self.code,
            "severity": "warning" if self.is_warning else "error",
            "message": encodable(told.message),
            "hint": told.hint and encodable(told.hint),
            "start": _place(source, self.span.start),
            "end": _place(source, self.span.end),
            "fix": self.fix and _changed(self.fix, source),
            "values": _plain(self.values),
            "hint_id": self.hint_id,
            "hint_values": _plain(self.hint_values),
        } | ({} if self.pointer is None else {"pointer": self.pointer})

    def render(self, source: str | None, language: str | None = None) -> str:
        """The message with the line it speaks of, carets below, and the hint.

        Args:
            source: The text that was checked; None leaves the line out.
            language: The language of the message and the hint, as for `translated`.

        Returns:
            Several lines without a final newline.
        """
        language, found = chosen(language), self.translated(language)
        told = [f"{self.code} {found.message}"]
        if source or (source is not None and self.pointer is None):
            told += self._shown(source)
        if self.pointer:
            pointer = visible(_end(self.pointer)).replace("\n", "\N{REPLACEMENT CHARACTER}")
            told.append(f"    {in_words(term('at {pointer}', pointer=pointer), language)}")
        if found.hint:
            told.append(f"    {in_words(term('hint: {hint}', hint=found.hint), language)}")
        return "\n".join(told)

    def _shown(self, source: str) -> list[str]:
        """The line that it speaks of, and carets below."""
        line, column = self.position(source)
        shown = source.split("\n")[line - 1].rstrip("\r")
        width = max(1, min(self.span.end - self.span.start, len(shown) - column + 1))
        shown, column, width = _clip(visible(shown), column, width)
        # Tabs stay tabs below the line too, so that the caret stands where the eye expects it.
        indent = "".join("\t" if c == "\t" else " " for c in shown[: column - 1])
        return [f"    {shown}", f"    {indent}{'^' * width}"]


def _english(wording: str, values: Mapping[str, Any]) -> str | None:
    """A message in English; None where values are lacking."""
    try:
        return visible(filled(wording, values))
    except KeyError:
        return None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON has them: whole numbers as such, and all else as the message shows it."""
    return {
        name: value if type(value) is int else encodable(visible(str(value)))
        for name, value in values.items()
    }


def _end(pointer: str) -> str:
    return pointer if len(pointer) <= _SHOWN else "…" + pointer[-_SHOWN:]


def _place(source: str, offset: int) -> dict[str, int]:
    before = source[:offset]
    return {
        "line": before.count("\n") + 1,
        "column": len(before) - before.rfind("\n"),
        "offset": len(before),
        "offset_utf16": len(before) + sum(character > "\uffff" for character in before),
    }


def _changed(fix: Fix, source: str) -> dict[str, Any]:
    start, end = (_place(source, offset) for offset in (fix.span.start, fix.span.end))
    return {"start": start, "end": end, "text": encodable(fix.text)}


def encodable(text: str) -> str:
    """A text that UTF-8 has: halves of characters, which JSON can bring, are replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str) -> str:
    """A text without what steers a terminal, turns letters round, or cannot be seen or encoded."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


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


def advice(
    id: str, written: str | None = None, /, *, span: Span | None = None, **values: Any
) -> Hint:
    """A hint of the table of hints.

    Args:
        id: Its wording, one of `HINTS`.
        written: What stands in the place of what is underlined, if the words say so.
        span: The place, where it is another.
        **values: What the wording names.
    """
    return Hint(id, values, written, span)


def write(text: str, *, span: Span | None = None) -> Hint:
    """The hint to write a text in the place of what is underlined."""
    return advice("write", text, span=span, text=text)


def likely(word: str, known: Iterable[str], written: Callable[[str], str] = str) -> Hint | None:
    """A hint that names the probable word, or the few there are.

    Args:
        word: What stands there.
        known: What could stand there.
        written: How a definition writes one of them.
    """
    known = sorted(set(known))
    if close := suggest(word, known):
        return advice("did_you_mean", written(close), name=close)
    if known and len(known) <= _FEW:
        return advice("there_are", names=", ".join(known))
    return None


def did_you_mean(word: str, known: Iterable[str]) -> Hint | None:
    """The same, where it is not said what then stands in the place."""
    hint = likely(word, known)
    return hint and evolve(hint, written=None)


_FEW = 12


def diagnostic(
    code: str, span: Span, *, hint: Hint | None = None, pointer: str | None = None, **values: Any
) -> Diagnostic:
    """Make a diagnostic from the table.

    Args:
        code: One of ``CODES``.
        span: Where.
        hint: A hint that replaces the table's.
        pointer: Where, if it is in JSON.
        **values: What the wording names.

    Returns:
        The diagnostic.
    """
    if hint is None and code in HINTS:
        hint = Hint(code, values)
    message = visible(filled(CODES[code].message, values))
    return hinted(Diagnostic(code, message, span, pointer=pointer, values=values), hint)


def hinted(found: Diagnostic, hint: Hint | None, span: Span | None = None) -> Diagnostic:
    """The diagnostic with another hint, or with none, and perhaps with another place."""
    span = span or found.span
    if hint is None:
        return evolve(found, span=span, hint=None, fix=None, hint_id=None, hint_values={})
    fix = None if hint.written is None else Fix(hint.span or span, hint.written)
    told: dict[str, Any] = {"hint_id": hint.id, "hint_values": hint.values}
    return evolve(found, span=span, hint=visible(str(hint)), fix=fix, **told)
