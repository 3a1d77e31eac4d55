"""Arguments of another kind than a function takes: what to give instead."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Never

from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


def is_single(given: object) -> bool:
    """Whether something is one thing, where several can be given."""
    return isinstance(given, str) or not hasattr(given, "__iter__") or hasattr(given, "columns")


def expect(given: object, kind: type[Any], call: str) -> None:
    """Make sure that an argument is of its kind.

    Args:
        given: The argument.
        kind: What it must be.
        call: How the function is called.

    Raises:
        UsageError: It is of another kind.
    """
    if not isinstance(given, kind):
        told = _HINTS.get((kind.__name__, type(given).__name__))
        if told is None and hasattr(given, "columns"):
            told = _HINTS.get((kind.__name__, "DataFrame"))
        hint = f": {told}" if told else ""
        raise UsageError(f"{call} takes a {kind.__name__} here, and not {described(given)}{hint}")


_HINTS = {
    ("Segment", "DataFrame"): "the frame comes after it; in a pipe, "
    "frame.pipe(lambda frame: mask(segment, frame))",
    **dict.fromkeys(
        [
            ("Segment", kind)
            for kind in ("Table", "DeclarativeMeta", "DeclarativeAttributeIntercept")
        ],
        "the class or table comes after it",
    ),
    ("Segment", "str"): "make one of a text by Segment.define(None, text, schema)",
    ("Segment", "Trait"): "a condition on a trait is one, such as "
    'Segment.define(None, "trait > 5", schema, traits=[trait])',
    ("Segment", "Partition"): "labels(partition, …) says who is in which part",
    ("Segment", "Series"): "mask(segment, frames) is a mask of pandas, too, to combine with it",
    ("Segment", "Members"): "source.members(segment) are members, too, to combine with them",
    ("Segment", "list"): "a source takes several: Source(frames).evaluate(segments)",
    ("Trait", "DataFrame"): "the frame comes after the traits",
    ("Trait", "str"): "make one of a text by Trait.define(name, text, schema)",
    ("Trait", "Segment"): "mask(segment, …) says who is in a segment",
    ("Partition", "DataFrame"): "the frame comes after it",
    ("Partition", "Segment"): "mask(segment, …) says who is in a segment",
    (
        "Schema",
        "DataFrame",
    ): 'make one of a frame by segmentkit.pandas.schema_from(frame, "customers"'
    ', keys={"customers": "id"})',
    ("Schema", "dict"): "make one of frames by segmentkit.pandas.schema_from(frames, …)",
    ("Schema", "Table"): "make one of a table by segmentkit.sqlalchemy.schema_from(table)",
    ("Schema", "DeclarativeMeta"): "make one of a class by segmentkit.sqlalchemy.schema_from(cls)",
    ("Schema", "DeclarativeAttributeIntercept"): "make one of a class by "
    "segmentkit.sqlalchemy.schema_from(cls)",
    ("Schema", "Engine"): "make one of a database by segmentkit.sqlalchemy.schema_from(engine, "
    '"customers")',
}
"""What to give, by what is wanted and what is given."""


def check_suffix(path: object, suffixes: tuple[str, ...], way: str) -> None:
    """Make sure that a file is called what it will be.

    Args:
        path: The file.
        suffixes: What its name can end in; names without an ending are nobody's.
        way: What to do instead.

    Raises:
        UsageError: The name says that it is another kind of file.
    """
    suffix = PurePath(str(path)).suffix
    if suffix and suffix.lower() not in suffixes:
        raise UsageError(f"a file called {suffix} would be one of {suffixes[0]}: {way}")


def described(given: object) -> str:
    """What something is, without what it holds."""
    kind = type(given)
    library = kind.__module__.partition(".")[0]
    library = "" if library == "__main__" else library.removeprefix("_")
    article = "an" if kind.__name__[0] in "AEIOaeio" else "a"
    if given is None or isinstance(given, type):
        return repr(given)
    return f"{article} {kind.__name__}" + ("" if library in ("", "builtins") else f" of {library}")


class NoValue:
    """What leads to values, and is none: it cannot be compared, nor given items of."""

    __slots__ = ()

    def _refuse(self, *other: object) -> Never:
        raise UsageError(
            f"{described(self)} is no value: compare a column of it, or a count, as in "
            "rows.count() == 3"
        )

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __len__ = _refuse
    __hash__ = object.__hash__


def none_such(whose: str, name: object, names: Iterable[str]) -> str:
    """What to say of a name that is not there."""
    hint = did_you_mean(name, names) if isinstance(name, str) else "a name is a text"
    return f"{whose} has no {name!r:.60}" + (f"; {hint}" if hint else "")


class WrongValue(UsageError):
    """A value of something that is declared; a file says where it stands.

    Attributes:
        key: Under which key it is declared.
        expected: What it must be.
    """

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(f"{key} must be {expected}")
        self.key = key
        self.expected = expected

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key, self.expected)
