"""What stands in the JSON form of a definition: how each kind of value is read, written, described.

A field reads what JSON has and makes what the tree has, or says what is wrong and where. Nothing is
converted on the way: a number in quotes is no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import field, frozen

from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, diagnostic, did_you_mean
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import is_writable
from segmentkit._language.json_text import Repeated, pointer_of

MAX_NODES = 100_000
MAX_NESTING = 200
"""Levels of JSON that are looked at; the language allows fewer (``depth.MAX_DEPTH``)."""
MAX_EXACT = 2**53 - 1
"""Readers of JSON that have floats only, such as JavaScript's, read larger numbers as others."""

Steps: TypeAlias = tuple[str | int, ...]


class Wrong(Exception):
    """What is wrong, and where: the steps from the top to it, the last one first."""

    def __init__(
        self, code: str, *, hint: Hint | None = None, steps: Steps = (), **values: Any
    ) -> None:
        self.code = code
        self.hint = hint
        self.values = values
        self.steps = [*reversed(steps)]

    def diagnostic(self, above: str = "") -> Diagnostic:
        """The mistake, with its place below another one."""
        place = above + pointer_of(reversed(self.steps))
        return diagnostic(self.code, Span(0, 0), hint=self.hint, pointer=place, **self.values)


def unexpected(found: object, expected: Term | str, hint: Hint | None = None) -> Wrong:
    """What to say of a value of another kind."""
    if isinstance(found, Repeated):
        return Wrong("SK024", name=found.key)
    told = expected if isinstance(expected, Term) else term(expected)
    return Wrong("SK021", found=_told(found), expected=told, hint=hint)


def _told(value: object) -> Term | str:
    match value:
        case None:
            return "null"
        case _ if type(value) not in _OF_JSON:
            name = type(value).__name__
            return term("an {type}" if name[0] in "AEIOUaeiou" else "a {type}", type=name)
        case bool():
            return "true" if value else "false"
        case dict() if not value:
            return term("an empty object")
        case dict():
            return term("an object")
        case list():
            return term("a list of {size}", size=len(value))
        case str():
            return f"{value!r:.40}"
        case _:
            return term("a number")


_OF_JSON = (bool, dict, list, str, int, float, Decimal)


class Room:
    """How much may still be read: what is built of itself many times has no end."""

    def __init__(self, most: int = MAX_NODES, refusal: Wrong | None = None) -> None:
        self.left = most
        self.depth = 0
        length = term("more than {limit:,}", limit=most)
        self.refusal = refusal or Wrong("SK006", length=length, limit=most)

    def take(self, size: int = 1) -> None:
        """Use some of it up."""
        self.left -= size
        if self.left < 0:
            raise self.refusal

    def enter(self) -> None:
        """Go one level down."""
        self.take()
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Wrong("SK007")


class Slot:
    """A kind of value."""

    def read(self, value: Any, room: Room) -> Any:
        """What the tree has for what JSON has."""
        raise NotImplementedError

    def write(self, value: Any, room: Room) -> Any:
        """What JSON has for what the tree has."""
        return value

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of it."""
        raise NotImplementedError

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        """The nodes in it, and how JSON goes there."""
        yield (), value


@frozen
class Text(Slot):
    """A text, of which not every one need be right."""

    expected: str
    is_right: Callable[[str], object] = field(default=lambda value: True)
    pattern: str | None = None
    code: str | None = None

    def read(self, value: Any, room: Room) -> str:
        if type(value) is not str:
            raise unexpected(value, self.expected)
        room.take(len(value))
        if not value.isascii() and _HALF.search(value):
            raise Wrong("SK001", found=term("half of a character"))
        if not self.is_right(value):
            if self.code is not None:
                raise Wrong(self.code, name=f"{value!r:.60}", text=f"{value:.60}")
            raise unexpected(value, self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        pattern = {} if self.pattern is None else {"pattern": self.pattern}
        return {"type": "string", **pattern}


_HALF = re.compile("[\ud800-\udfff]")

TEXT = Text("a text")
NAME = Text("a name", is_writable, "^[^\\n]+$", "SK026")
PARAMETER = Text(
    "the name of a parameter: a letter, then letters, digits and _",
    re.compile(r"[^\W\d]\w*").fullmatch,
    "^\\S+$",
)


@frozen
class Choice(Slot):
    """One of a few texts."""

    options: tuple[str, ...]

    def read(self, value: Any, room: Room) -> str:
        if type(value) is not str or value not in self.options:
            hint = did_you_mean(value, self.options) if type(value) is str else None
            expected = term("one of {options}", options=", ".join(self.options))
            raise unexpected(value, expected, hint)
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.options)}


class Flag(Slot):
    """`true`; what is false is not written."""

    def read(self, value: Any, room: Room) -> bool:
        if value is not True:
            raise unexpected(value, "true, or leave it out")
        return True

    def schema(self) -> dict[str, Any]:
        return {"const": True}


FLAG = Flag()


class Path(Slot):
    """Names that lead from one to the next: ``"orders.amount"``, or a list of any names."""

    def read(self, value: Any, room: Room) -> tuple[str, ...]:
        if type(value) is str:
            try:
                return tuple([NAME.read(part, room) for part in value.split(".")])
            except Wrong as error:
                error.steps.clear()
                raise
        if type(value) is not list or not value:
            raise unexpected(value, "a name, or a list of names")
        return tuple(each(value, NAME.read, room))

    def write(self, value: Any, room: Room) -> Any:
        parts = [NAME.read(part, room) for part in sequence(value)]
        return parts if any("." in part for part in parts) else ".".join(parts)

    def schema(self) -> dict[str, Any]:
        names = {"type": "array", "items": NAME.schema(), "minItems": 1}
        return {"anyOf": [{"type": "string", "minLength": 1}, names]}

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        yield from ()


PATH = Path()


class Target(Path):
    """A path, which the tree has as a node."""

    def read(self, value: Any, room: Room) -> Any:
        return t.Name(super().read(value, room))

    def write(self, value: Any, room: Room) -> Any:
        if type(value) is not t.Name:
            raise unexpected(value, "a Name")
        return super().write(value.parts, room)


TARGET = Target()


class Alias(Slot):
    """A name for a row."""

    def read(self, value: Any, room: Room) -> t.Name:
        return t.Name((NAME.read(value, room),))

    def write(self, value: Any, room: Room) -> Any:
        if type(value) is not t.Name or len(sequence(value.parts)) != 1:
            raise unexpected(value, "a Name of one part")
        return value.parts[0]

    def schema(self) -> dict[str, Any]:
        return NAME.schema()

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        yield from ()


ALIAS = Alias()


def sequence(value: Any) -> tuple[Any, ...]:
    """What the tree has where JSON has a list."""
    if type(value) is not tuple:
        raise unexpected(value, "a tuple")
    return value


def each(values: Any, change: Callable[[Any, Room], Any], room: Room) -> list[Any]:
    """Read or write the items of a list, with the place of one that is wrong."""
    found: list[Any] = []
    try:
        found.extend(change(item, room) for item in values)
    except Wrong as error:
        error.steps.append(len(found))
        raise
    return found


@frozen
class Several(Slot):
    """A list of at least so many."""

    of: Slot
    least: int = 1

    def read(self, value: Any, room: Room) -> tuple[Any, ...]:
        if type(value) is not list or len(value) < self.least:
            many = ("a list", "a list, which is not empty", "a list, with at least {least} in it")
            told = {"least": self.least} if self.least > 1 else {}
            raise unexpected(value, term(many[min(self.least, 2)], **told))
        return tuple(each(value, self.of.read, room))

    def write(self, value: Any, room: Room) -> list[Any]:
        return each(sequence(value), self.of.write, room)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.of.schema(), "minItems": self.least}

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        yield from (((n,), item) for n, item in enumerate(value))


@frozen
class Open(Several):
    """A list, or a node that stands for one."""

    kind: type = field(kw_only=True)

    def read(self, value: Any, room: Room) -> Any:
        if type(value) is not dict:
            return super().read(value, room)
        found = self.of.read(value, room)
        if type(found) is not self.kind:
            raise unexpected(value, 'a list, or {"param": …}')
        return found

    def write(self, value: Any, room: Room) -> Any:
        if type(value) is self.kind:
            return self.of.write(value, room)
        return super().write(value, room)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [super().schema(), self.of.schema()]}

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        if type(value) is self.kind:
            yield (), value
        else:
            yield from super().inside(value)


@frozen
class Single(Slot):
    """One value, which the tree has as a tuple of one."""

    of: Slot

    def read(self, value: Any, room: Room) -> tuple[Any, ...]:
        return (self.of.read(value, room),)

    def write(self, value: Any, room: Room) -> Any:
        if len(sequence(value)) != 1:
            raise unexpected(value, "a tuple of one")
        return self.of.write(value[0], room)

    def schema(self) -> dict[str, Any]:
        return self.of.schema()

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        yield (), value[0]


@frozen
class Limited(Slot):
    """What another one reads, if it is right."""

    of: Slot
    is_right: Callable[[Any], bool]
    expected: str

    def read(self, value: Any, room: Room) -> Any:
        found = self.of.read(value, room)
        if not self.is_right(found):
            raise Wrong("SK021", found=term("this"), expected=term(self.expected))
        return found

    def write(self, value: Any, room: Room) -> Any:
        return self.of.write(value, room)

    def schema(self) -> dict[str, Any]:
        return self.of.schema()


@frozen
class Bare(Limited):
    """A number that the tree has without a `Literal`; or a node of one of some kinds."""

    kinds: tuple[type, ...] = ()

    def read(self, value: Any, room: Room) -> Any:
        found = self.of.read(value, room)
        if isinstance(found, self.kinds):
            return found
        if not isinstance(found, t.Literal) or not self.is_right(found.value):
            raise unexpected(value, self.expected)
        return found.value

    def write(self, value: Any, room: Room) -> Any:
        if type(value) in self.kinds:
            return self.of.write(value, room)
        if type(value) not in (int, Decimal):
            raise unexpected(value, self.expected)
        return self.of.write(t.Literal(value), room)

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        if isinstance(value, self.kinds):
            yield (), value
