"""What definitions are given as: a text, a tree or JSON."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
