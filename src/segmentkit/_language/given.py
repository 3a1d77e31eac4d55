"""What definitions are given as: a text, a tree or JSON; and the constants of a program in them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from attrs import frozen

from segmentkit._language import syntax as t
from segmentkit._language.parser import parse
from segmentkit.errors import SegmentTypeError

_T = TypeVar("_T")


class HasTree:
    """What is built in Python, and has a tree."""

    __slots__ = ()

    @property
    @abstractmethod
    def tree(self) -> t.Expr:
        """The tree."""


Definition: TypeAlias = str | t.Expr | HasTree
"""What a segment or a trait can be defined by."""


@frozen
class Read:
    """A definition that was read, with the tree and whether that has places in the text."""

    text: str
    tree: t.Expr
    placed: bool = True

    @classmethod
    def of(cls, given: Definition) -> Read:
        """Read a text, or check a tree.

        Raises:
            SegmentSyntaxError: It is not a definition.
            TypeError: It is neither.
        """
        if isinstance(given, HasTree):
            given = given.tree
        if isinstance(given, t.Node):
            # Most programs define segments by texts.
            from segmentkit._language import json_form  # noqa: PLC0415

            return cls(*json_form.checked(given), placed=False)
        return cls(given, parse(given))

    def meaning(self, check: Callable[[t.Expr], _T]) -> _T:
        """What a check makes of the tree; mistakes have places in the text.

        Raises:
            SegmentTypeError: The tree does not fit the schema.
        """
        try:
            return check(self.tree)
        except SegmentTypeError:
            if self.placed:
                raise
            return check(parse(self.text))


def read_document(
    data: str | bytes | dict[str, Any], key: str, required: Iterable[str] = ()
) -> tuple[Read, dict[str, str]]:
    """A definition in JSON, as `Defined.to_dict` has it: what stands under a key, and the texts.

    Raises:
        SegmentSyntaxError: It is not one; the place is a JSON pointer.
    """
    from segmentkit._language import json_form  # noqa: PLC0415

    names = json_form.about_of(key)
    told = json_form.document(data, (*names, key))
    texts = json_form.texts_of(told, names)
    for each in required:
        json_form.part(told, each)
    data = json_form.part(told, key)
    written = json_form.from_json(data, f"/{key}", is_condition=key == "where")
    return Read(*written, placed=False), texts


@contextmanager
def pointing(read: Read, key: str) -> Iterator[None]:
    """Give mistakes in a definition that was JSON their places there.

    Raises:
        SegmentTypeError: The same, with places.
    """
    try:
        yield
    except SegmentTypeError as error:
        from segmentkit._language import json_form  # noqa: PLC0415

        found = json_form.pointed(error.diagnostics, parse(read.text), f"/{key}")
        raise SegmentTypeError(found, read.text) from None


# -- constants ------------------------------------------------------------------------------------

Constant: TypeAlias = bool | int | float | Decimal | str | date | datetime


def exact(value: Constant) -> bool | int | Decimal | str | date | datetime:
    """A value as a definition can write it, of the plain types of Python."""
    match value:
        case bool():
            return value
        case int():
            return int(value)
        case float():
            return Decimal(repr(float(value)))
        case str():
            return str.__str__(value)
        case datetime():
            plain = datetime.combine(value.date(), value.time(), value.tzinfo)
            offset = plain.utcoffset()
            # Definitions write offsets in whole minutes.
            odd = offset is not None and offset % timedelta(minutes=1)
            try:
                return plain.astimezone(UTC) if odd else plain
            except OverflowError:
                return plain
        case _:
            return value


def is_missing(value: object) -> bool:
    """Whether a value is no value: NaN, or a time that is none."""
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float | date) and value != value


def plainest(value: Constant) -> bool | int | Decimal | str | date | datetime:
    """The same, and a decimal without places as the whole number that its text is read as."""
    found = exact(value)
    if type(found) is Decimal and found.is_finite():
        places = found.as_tuple().exponent
        if 0 <= int(places) < _FAR:
            return int(found)
    return found


_FAR = 40


def way_out(given: object) -> str:
    """What to write in place of something that is no constant, as the end of a message."""
    if given is None or is_missing(given) or type(given).__name__ == "NAType":
        return ": write value.is_missing()"
    if isinstance(given, Enum):
        return ": give its .value"
    if isinstance(given, timedelta):
        return ": write builder.duration(days=…)"
    if isinstance(given, list | tuple | set | frozenset) or getattr(given, "ndim", 0) == 1:
        return ": write value.is_in([…])"
    return ": give its .item()" if has_numbers(given) else ""


def has_numbers(given: object) -> bool:
    """Whether something is a number of numpy, or numbers in an array or a series."""
    return getattr(getattr(given, "dtype", None), "kind", None) in ("b", "i", "u", "f")
