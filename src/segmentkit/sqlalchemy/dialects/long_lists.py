"""Constants that not every database takes: long lists, and texts that contain a NUL."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Dialect,
    Integer,
    String,
    Text,
    TypeDecorator,
    Uuid,
    and_,
    or_,
)
from sqlalchemy import BindParameter as Bound
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.dialect import dialect_of
from segmentkit.sqlalchemy.dialects.elements import Composite

_SHORT = 1_000
"""Values in a list that is written out; Oracle takes no more."""


def portions(values: Sequence[Any]) -> list[Sequence[Any]]:
    """The values of a list, in lists that every database takes."""
    return [values[start : start + _SHORT] for start in range(0, len(values), _SHORT)]


def among(
    tests: Sequence[ColumnElement[Any]],
    operand: ColumnElement[Any],
    values: Sequence[Any],
    kind: Any,
    *,
    positive: bool,
) -> ColumnElement[Any]:
    """Whether a value is one of many, or is none of them.

    A short list is one parameter a value. A long one is a single parameter where there is a way to
    bind it, since databases limit the parameters of a statement; elsewhere it is ``tests``, one a
    portion.
    """
    whole = whole_list(None, values, kind)
    construct = Construct.AMONG if positive else Construct.NOT_AMONG
    return _in_one(construct, tests, operand, whole, positive=positive)


def on_list(
    tests: Sequence[ColumnElement[Any]],
    operand: ColumnElement[Any],
    whole: Bound[Any],
    *,
    positive: bool,
) -> ColumnElement[Any]:
    """Whether a key is one of those on a static list, or is none of them; as `among`."""
    construct = Construct.LISTED if positive else Construct.NOT_LISTED
    return _in_one(construct, tests, operand, whole, positive=positive)


def _in_one(
    construct: Construct,
    tests: Sequence[ColumnElement[Any]],
    operand: ColumnElement[Any],
    whole: Bound[Any],
    *,
    positive: bool,
) -> ColumnElement[Any]:
    if len(tests) == 1:
        return tests[0]
    written = (or_ if positive else and_)(*tests).self_group()
    return Among((construct, len(tests)), written, operand, whole, type_=Boolean())


def whole_list(name: str | None, values: Sequence[Any], kind: Any) -> Bound[Any]:
    """A list as one parameter."""
    return Bound(name, list(values), _List(kind), unique=True)


class Among(Composite):
    """The test by short lists; the operand and the whole list, for those who can take it.

    It is of a construct and of how many lists there are. Keys are whole numbers or texts, which
    more databases can bind than other values.
    """

    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """It is a condition already: nothing need compare it with true."""
        return self


@compiles(Among)
def _among(element: Among, compiler: SQLCompiler, **kw: Any) -> str:
    (construct, lists), (written, operand, whole) = element.of, element.clauses
    dialect = dialect_of(compiler.dialect)
    template = dialect.spelling(construct)
    if "{0}" not in template:
        item = _item(operand.type, compiler.dialect)
        words = {"type": compiler.dialect.type_compiler_instance.process(item)}
        parts = [compiler.process(clause, **kw) for clause in (operand, whole)]
        return template.format("", *parts, **words)
    if dialect.parameters is not None and lists * _SHORT > dialect.parameters:
        raise UnsupportedError(
            f"{dialect.title} takes {dialect.parameters:,} parameters, fewer than the definition's "
            f"list of more than {(lists - 1) * _SHORT:,} values"
        )
    return template.format(compiler.process(written, **kw))


def _item(kind: Any, dialect: Dialect) -> Any:
    """The type of the items of a list that is read out of one parameter."""
    stored = kind
    while isinstance(stored, TypeDecorator):
        stored = stored.load_dialect_impl(dialect)
    if isinstance(stored, Integer):
        return BigInteger()
    return stored if is_native_uuid(stored, dialect) else Text()


def is_native_uuid(kind: Any, dialect: Dialect) -> bool:
    """Whether a database has a type of its own for UUIDs."""
    if not isinstance(kind, Uuid):
        return False
    words = dialect.type_compiler_instance.process(kind.dialect_impl(dialect))
    return words.upper() == "UUID"


class _List(TypeDecorator[Any]):
    """A list as one parameter: an array, or JSON where there are none."""

    impl = String
    cache_ok = True

    def __init__(self, item: Any) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        found: Any = ARRAY(self.item) if dialect_of(dialect).arrays else String()
        return dialect.type_descriptor(found)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        if dialect_of(dialect).arrays:
            return super().bind_processor(dialect)
        each = self.item.dialect_impl(dialect).bind_processor(dialect)
        return lambda values: json.dumps([each(v) for v in values] if each else values)


class WithNul(Composite):
    """A condition one of whose constants holds the character NUL."""

    inherit_cache = True


@compiles(WithNul)
def _with_nul(element: WithNul, compiler: SQLCompiler, **kw: Any) -> str:
    dialect = dialect_of(compiler.dialect)
    if not dialect.nul:
        raise UnsupportedError(f"a text in {dialect.title} cannot hold the character NUL")
    return compiler.process(element.clauses[0], **kw)
