"""The text of a pattern → a small tree; what engines read differently is refused by name."""

from __future__ import annotations

import string
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from attrs import frozen

Range: TypeAlias = tuple[int, int]
LAST = 0x10FFFF
"""The last code point."""

MOST_REPEATS = 255
"""PostgreSQL knows no more."""
MOST_CHARACTERS = 1_000
"""Where repeats are written out; RE2 multiplies no further."""
_DEEPEST = 50


class PatternError(ValueError):
    """Something that a pattern cannot have.

    Attributes:
        found: What it is.
        hint: What to write instead: the wording of the hint by its id.
        start: Where it begins in the pattern.
        end: Where it ends.
        values: What the wording of the hint names.
    """

    def __init__(self, found: str, hint: str, start: int, end: int, **values: str | int) -> None:
        super().__init__(found)
        self.found = found
        self.hint = hint
        self.values = values
        self.start = start
        self.end = end


@frozen
class Letter:
    """One character: its code point is in one of the ranges, which are sorted and apart."""

    ranges: tuple[Range, ...]


@frozen
class Chain:
    """One part after the other; none is the empty text."""

    parts: tuple[Node, ...]


@frozen
class Either:
    """One of the options."""

    options: tuple[Node, ...]


@frozen
class Repeat:
    """A part so many times, or more.

    Attributes:
        part: What is repeated.
        least: How many times at least.
        most: How many times at most; None if there is no end.
        start: Where it begins in the pattern.
        end: Where it ends.
    """

    part: Node
    least: int
    most: int | None
    start: int
    end: int


Node: TypeAlias = Letter | Chain | Either | Repeat

EMPTY = Chain(())


@lru_cache(maxsize=256)
def parse(pattern: str) -> Node:
    """Read a pattern.

    Raises:
        PatternError: Something in it is not of the part that engines read alike.
    """
    reader = _Reader(pattern)
    tree = reader.either()
    if reader.here:
        raise reader.error("')' without '('", "sign_itself", 1, text="\\)")
    if (size := written_out(tree)) > MOST_CHARACTERS:
        told = {"size": size, "most": MOST_CHARACTERS}
        raise PatternError(f"{size:,} characters", "repeat_less", 0, len(pattern), **told)
    return tree


def written_out(node: Node) -> int:
    """How many characters a pattern has where repeats are written out."""
    match node:
        case Letter():
            return 1
        case Chain(parts) | Either(parts):
            return sum(map(written_out, parts))
        case Repeat(part, least, most):
            return written_out(part) * max(1, least if most is None else most)


def only_text(node: Node) -> str | None:
    """The one text that a pattern matches, if it is made of nothing but characters."""
    parts = node.parts if isinstance(node, Chain) else (node,)
    found = [_only(part.ranges) if isinstance(part, Letter) else None for part in parts]
    known = [chr(code) for code in found if code is not None]
    return "".join(known) if len(known) == len(parts) else None


def complement(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The code points that are in none of the ranges, which are sorted and apart."""
    found: list[Range] = []
    start = 0
    for low, high in ranges:
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    return (*found, (start, LAST)) if start <= LAST else tuple(found)


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same code points in ranges that are sorted and apart."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return tuple(found)


def _of(*parts: str) -> tuple[Range, ...]:
    return joined((ord(part[0]), ord(part[-1])) for part in parts)


_SETS = {
    "d": _of("09"),
    "w": _of("09", "AZ", "az", "_"),
    "s": _of("\t\r", " "),
}
_SETS |= {name.upper(): complement(ranges) for name, ranges in _SETS.items()}
"""Of ASCII alone, on every engine."""
_ANY = complement(_of("\n"))
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_ESCAPES = {
    **dict.fromkeys("AzZGK", "whole_text"),
    **dict.fromkeys("bB", "boundary"),
    **dict.fromkeys("pP", "letters"),
    **dict.fromkeys("xuUNceao0", "character_itself"),
    **dict.fromkeys("123456789kg", "no_reference_back"),
    **dict.fromkeys("QE", "backslash_before_each"),
}
"""The hint for an escape that patterns do not have."""
_WRITTEN = {"R": "(\\r\\n|\\n)", "h": "[ \\t]", "H": "[^ \\t]", "X": "."}
"""What is written instead, where there is one thing."""
_GROUPS = (
    ("(?:", None, None),
    ("(?=", "a look ahead", "test_of_its_own"),
    ("(?!", "a look ahead", "test_of_its_own"),
    ("(?<=", "a look behind", "test_of_its_own"),
    ("(?<!", "a look behind", "test_of_its_own"),
    ("(?>", "an atomic group", "plain_group"),
    ("(?|", "a group that counts anew", "plain_group"),
    ("(?P=", "a reference back", "no_reference_back"),
    ("(?P<", "a named group", "group_without_name"),
    ("(?<", "a named group", "group_without_name"),
    ("(?'", "a named group", "group_without_name"),
    ("(?#", "a comment", "comment_outside"),
    ("(?(", "a condition", "both_ways"),
    ("(?", "a flag", "both_cases"),
)
"""What a bracket and a question mark begin; the first that fits."""
_SIGNS = frozenset(".^$*+?{}[]()|\\")


class _Reader:
    """Reads a pattern from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.depth = 0

    @property
    def here(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.place : self.place + 1]

    def error(
        self, found: str, hint: str, length: int, *, start: int | None = None, **values: str | int
    ) -> PatternError:
        """What is wrong here, so many characters long."""
        at = self.place if start is None else start
        return PatternError(found, hint, at, at + length, **values)

    def takes(self, sign: str) -> bool:
        """Go over a sign, if it stands here."""
        if not self.text.startswith(sign, self.place):
            return False
        self.place += len(sign)
        return True

    def either(self) -> Node:
        options = [self.chain()]
        while self.takes("|"):
            options.append(self.chain())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def chain(self) -> Node:
        parts: list[Node] = []
        while self.here and self.here not in "|)":
            start = self.place
            part = self.repeated(self.atom(), start)
            parts += part.parts if isinstance(part, Chain) else [part]
        return parts[0] if len(parts) == 1 else Chain(tuple(parts))

    def atom(self) -> Node:
        match self.here:
            case "(":
                return self.group()
            case "[":
                return Letter(self.letters())
            case ".":
                self.place += 1
                return Letter(_ANY)
            case "\\":
                return Letter(self.escape())
            case "^" | "$" as sign:
                raise self.error(f"'{sign}'", "whole_text_or_sign", 1, text=f"\\{sign}")
            case "*" | "+" | "?" as sign:
                raise self.error(f"'{sign}'", "nothing_to_repeat", 1, text=f"\\{sign}")
            case "{" | "}" | "]" as sign:
                raise self.error(f"'{sign}'", "sign_itself", 1, text=f"\\{sign}")
            case character:
                self.place += 1
                return Letter(_of(character))

    def group(self) -> Node:
        start = self.place
        for opening, found, hint in _GROUPS:
            if self.takes(opening):
                if found is not None and hint is not None:
                    raise self.error(found, hint, len(opening), start=start)
                break
        else:
            self.place += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error("a group as deep as this", "fewer_groups", 1)
        inner = self.either()
        if not self.takes(")"):
            told = {"close": ")", "text": "\\("}
            raise self.error("'(' without ')'", "close_or_sign", 1, start=start, **told)
        self.depth -= 1
        return inner

    def escape(self) -> tuple[Range, ...]:
        """What a backslash and the character after it stand for."""
        character = self.text[self.place + 1 : self.place + 2]
        if not character:
            raise self.error("'\\' at its end", "sign_itself", 1, text="\\\\")
        if character in _SETS or character in _CONTROLS:
            self.place += 2
            return _SETS.get(character) or _of(_CONTROLS[character])
        if character.isalnum():
            found = f"'\\{character}'"
            if (hint := _ESCAPES.get(character)) is not None:
                raise self.error(found, hint, 2)
            raise self.error(found, "write", 2, text=_WRITTEN.get(character, character))
        self.place += 2
        return _of(character)

    # -- repeats

    def repeated(self, part: Node, start: int) -> Node:
        counts = self.counts()
        if counts is None:
            return part
        mark, end = self.place, self.place
        if self.here and self.here in "?+":
            kind = "a lazy repeat" if self.here == "?" else "a possessive repeat"
            raise self.error(kind, "leave_last_out", 1, sign=self.here)
        if self.here == "*" or self.counts() is not None:
            raise self.error("a repeat of a repeat", "group_the_repeat", 1, start=mark)
        least, most = counts
        if part == EMPTY or most == 0:
            return EMPTY
        return part if least == most == 1 else Repeat(part, least, most, start, end)

    def counts(self) -> tuple[int, int | None] | None:
        """How often what stands before is repeated; None where nothing says so."""
        for sign, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.takes(sign):
                return counts
        return self.braces() if self.here == "{" else None

    def braces(self) -> tuple[int, int | None]:
        inside, close, _ = self.text[self.place + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        length = len(inside) + 2
        if not close or not _is_number(low + high):
            raise self.error("'{'", "repeat_form", 1, text="\\{")
        if not low:
            raise self.error(f"'{{{inside}}}'", "write", length, text=f"{{0,{high}}}")
        least = int(low[:9])
        most = least if not comma else int(high[:9]) if high else None
        if max(least, most or 0) > MOST_REPEATS:
            raise self.error(f"'{{{inside}}}'", "repeats_at_most", length, most=MOST_REPEATS)
        if most is not None and most < least:
            raise self.error(f"'{{{inside}}}'", "write", length, text=f"{{{most},{least}}}")
        self.place += length
        return least, most

    # -- sets of letters

    def letters(self) -> tuple[Range, ...]:
        """The ranges of a set in square brackets."""
        start = self.place
        self.place += 1
        negated = self.takes("^")
        if self.here == "]":
            raise self.error("']'", "sign_itself", 1, text="\\]")
        found: list[Range] = []
        while not self.takes("]"):
            if not self.here:
                told = {"close": "]", "text": "\\["}
                raise self.error("'[' without ']'", "close_or_sign", 1, start=start, **told)
            found += self.item()
        ranges = joined(found)
        return complement(ranges) if negated else ranges

    def item(self) -> tuple[Range, ...]:
        start = self.place
        low = self.single()
        if self.here != "-" or self.text[self.place + 1 : self.place + 2] in ("]", ""):
            return low
        self.place += 1
        high = self.single()
        written = self.text[start : self.place]
        first, last = _only(low), _only(high)
        if first is None or last is None:
            raise self.error(f"'{written}'", "range_of_two", len(written), start=start, text="\\-")
        if last < first:
            raise self.error(f"'{written}'", "lower_first", len(written), start=start, text="\\-")
        return ((first, last),)

    def single(self) -> tuple[Range, ...]:
        """One character of a set, or an escape."""
        if self.here == "\\":
            return self.escape()
        if self.text.startswith(("[:", "[.", "[="), self.place):
            raise self.error("a POSIX class", "letters_of_set", 2)
        if self.here == "[":
            raise self.error("'['", "sign_itself", 1, text="\\[")
        if self.text.startswith("&&", self.place):
            raise self.error("'&&'", "sign_once", 2, text="\\&")
        self.place += 1
        return _of(self.text[self.place - 1])


def _only(ranges: tuple[Range, ...]) -> int | None:
    """The one code point of ranges, if there is but one."""
    low, high = ranges[0]
    return low if len(ranges) == 1 and low == high else None


def _is_number(text: str) -> bool:
    return bool(text) and all(character in string.digits for character in text)
