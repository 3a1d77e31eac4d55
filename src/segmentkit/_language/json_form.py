"""The JSON form of definitions: written, read, described, and what trees are checked by.

A tree from elsewhere is written in this form and read again: what the reader takes, the language
can write, and with the same meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import evolve, fields

from segmentkit._diagnostics.diagnostic import Diagnostic, Span, advice
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.depth import too_deep
from segmentkit._language.formatter import format_tree
from segmentkit._language.json_fields import TEXT, Room, Text, Wrong, unexpected
from segmentkit._language.json_rows import no_key
from segmentkit._language.json_table import EXPRESSION, GROUPS
from segmentkit._language.json_text import Unreadable, pointer_of, read_json
from segmentkit._language.parser import MAX_LENGTH
from segmentkit.errors import SegmentSyntaxError

MAX_SIZE = 4_000_000
"""Characters of JSON that a definition can have: more than the longest, well indented."""

Written: TypeAlias = tuple[str, t.Expr]
"""A canonical text, and its tree, in which nothing has a place."""


def to_json(tree: t.Expr) -> Any:
    """The JSON form of a tree that a text or `from_json` gave."""
    return EXPRESSION.write(tree, Room())


def from_json(data: Any, pointer: str = "", *, is_condition: bool = False) -> Written:
    """Read the JSON form of a definition.

    Args:
        data: Values that JSON has.
        pointer: Where they stand.
        is_condition: Whether a text alone, which is a value, cannot be meant.

    Raises:
        SegmentSyntaxError: They are not the form of a definition; the place is a JSON pointer.
    """
    try:
        if is_condition and type(data) is str:
            raise unexpected(data, "an object", advice("define_reads_texts"))
        return _read(data)
    except Wrong as error:
        raise SegmentSyntaxError([error.diagnostic(pointer)], "") from None


def _read(data: Any) -> Written:
    tree = EXPRESSION.read(data, Room())
    text = format_tree(tree)
    if len(text) > MAX_LENGTH:
        raise Wrong("SK006", length=len(text), limit=MAX_LENGTH)
    if deep := too_deep(tree):
        raise Wrong("SK007", steps=_way_to(tree, deep))
    return text, tree


def checked(tree: Any) -> Written:
    """Check a tree that someone made, as texts are checked.

    Raises:
        SegmentSyntaxError: No text gives it; the place is a JSON pointer into its JSON form.
    """
    try:
        text, read = _read(EXPRESSION.write(tree, Room()))
        if read != tree:
            raise _different(tree, read)
    except Wrong as error:
        raise SegmentSyntaxError([error.diagnostic()], "") from None
    return text, read


def _different(given: Any, read: Any) -> Wrong:
    """What to say of a tree that reads as another one: the first node that differs."""
    ours, others = list(t.every(given)), list(t.every(read))
    for mine, other in zip(ours, others, strict=False):
        if type(mine) is not type(other):
            return Wrong("SK027", what=type(mine).__name__, expected=type(other).__name__)
        for each in fields(type(mine)):
            if each.eq and not t.holds_nodes(type(mine), each.name):
                was, is_now = getattr(mine, each.name), getattr(other, each.name)
                if was != is_now:
                    what = f"{type(mine).__name__}({each.name}={was!r:.40})"
                    return Wrong("SK027", what=what, expected=f"{each.name}={is_now!r:.40}")
    return Wrong("SK027", what=type(given).__name__, expected=f"{read!r:.60}")


# -- documents ------------------------------------------------------------------------------------


def document(data: str | bytes | dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """What stands at the top of JSON that says its version of the language.

    Args:
        data: JSON as text, or the values that a reader of JSON gave.
        known: The keys that it may have beside ``language``.

    Raises:
        SegmentSyntaxError: It is no such object.
    """
    try:
        return envelope(data, known)
    except Wrong as error:
        raise SegmentSyntaxError([error.diagnostic()], "") from None


def envelope(data: Any, known: Iterable[str], most: int = MAX_SIZE) -> dict[str, Any]:
    """The same, where mistakes are `Wrong`."""
    if isinstance(data, str | bytes):
        if len(data) > most:
            detail = term("the JSON has more than {most:,} characters", most=most)
            raise Wrong("SK020", detail=detail)
        try:
            data = read_json(data)
        except Unreadable as error:
            raise Wrong("SK020", detail=term(str(error))) from None
    if type(data) is not dict:
        raise unexpected(data, 'an object with "language"')
    keys = ("language", *known)
    for key in data:
        if key not in keys:
            raise no_key(key, keys)
    version = data.get("language")
    if type(version) is not int or version != t.LANGUAGE:
        # Python does not write numbers of very many digits.
        is_long = type(version) is int and version.bit_length() > 64
        named = "…" if is_long else f"{version!r:.20}"
        if type(version) in (bool, Decimal):
            named = str(version).lower()
        shown = term("version {named}" if "language" in data else "no version", named=named)
        hint = advice("language_key", version=t.LANGUAGE)
        raise Wrong("SK303", version=shown, known=t.LANGUAGE, hint=hint)
    return data


def texts_of(data: dict[str, Any], keys: Iterable[str]) -> dict[str, str]:
    """What some keys have, which must be texts; those that are not there are left out.

    Raises:
        SegmentSyntaxError: One is no text.
    """
    found = {}
    for key in keys:
        if key in data:
            try:
                found[key] = TEXT.read(data[key], Room())
            except Wrong as error:
                error.steps.append(key)
                raise SegmentSyntaxError([error.diagnostic()], "") from None
    return found


def part(data: dict[str, Any], key: str) -> Any:
    """What a key has.

    Raises:
        SegmentSyntaxError: It is not there.
    """
    if key not in data:
        raise SegmentSyntaxError([Wrong("SK023", name=key).diagnostic()], "")
    return data[key]


# -- places ---------------------------------------------------------------------------------------


def pointed(found: Iterable[Diagnostic], tree: t.Expr, above: str) -> list[Diagnostic]:
    """Diagnostics of a text with their places in the JSON form of its tree, too."""
    places = list(_places(tree))
    return [_in_json(each, above + _nearest(places, each.span)) for each in found]


def _in_json(found: Diagnostic, pointer: str) -> Diagnostic:
    """The diagnostic with its place in JSON, and the hint as JSON writes what it says."""
    is_date = found.hint_id == "dates_without_quotes"
    text = str(found.hint_values["text"]) if is_date else ""
    for kind in ("date", "timestamp"):
        (of_kind,) = EXPRESSION.rows[kind].main
        if isinstance(of_kind.slot, Text) and of_kind.slot.is_right(text):
            hint = advice("json_number", kind=kind, number=text)
            told: dict[str, Any] = {"hint_id": hint.id, "hint_values": hint.values}
            return evolve(found, pointer=pointer, hint=str(hint), **told)
    return evolve(found, pointer=pointer)


def _nearest(places: list[tuple[str, Span]], span: Span) -> str:
    """The smallest of the places that has the span in it."""
    around = [
        (s.end - s.start, p) for p, s in places if s.start <= span.start and span.end <= s.end
    ]
    return min(around, key=lambda found: found[0])[1] if around else ""


def _places(tree: t.Expr) -> Iterator[tuple[str, Span]]:
    yield from ((pointer_of(steps), node.span) for steps, node in _every(tree))


def _way_to(tree: t.Expr, node: t.Node) -> tuple[str | int, ...]:
    return next((steps for steps, each in _every(tree) if each is node), ())


def _every(tree: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every node, with the way to it in JSON."""
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    while stack:
        above, node = stack.pop()
        if type(node) is t.Literal:
            yield above, node
            continue
        for group in GROUPS:
            found = group.row_of(node)
            if found is not None:
                yield above, node
                row, values = found
                stack += [((*above, *steps), inner) for steps, inner in row.inside(values)]


# -- the JSON Schema ------------------------------------------------------------------------------


def schema_of(key: str, required: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON Schema of documents that have a definition under a key."""
    return {
        "type": "object",
        "required": ["language", *required, key],
        "properties": {
            "language": {"const": t.LANGUAGE},
            **dict.fromkeys(about_of(key), TEXT.schema()),
            key: EXPRESSION.schema(),
        },
        "additionalProperties": False,
        "$defs": definitions(),
    }


def about_of(key: str) -> tuple[str, ...]:
    """What documents that have a definition under a key can say of it, as texts."""
    about = ("name", "title", "description", "owner", "goal")
    return (*about, "was") if key == "where" else about


def definitions() -> dict[str, Any]:
    """The JSON Schemas of all that can stand in a definition, by name."""
    return {group.name: group.definition() for group in GROUPS}
