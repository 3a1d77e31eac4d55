"""SQL that dialects spell differently, as expressions; the spellings are in `constructs`."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    BinaryExpression,
    BindParameter,
    Boolean,
    BooleanClauseList,
    ColumnClause,
    ColumnElement,
    DateTime,
    FunctionFilter,
    Integer,
    Over,
    Select,
    SelectBase,
    String,
    Table,
    WithinGroup,
    and_,
    cast,
    literal,
    not_,
    or_,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeEngine

from segmentkit._patterns.printing import printed
from segmentkit._patterns.syntax import parse
from segmentkit._patterns.versions import REPLACEMENTS, VERSIONS
from segmentkit.sqlalchemy.dialects.case_folding import RARE, folded, one_of, rare_letters
from segmentkit.sqlalchemy.dialects.constructs import LETTERS, Construct
from segmentkit.sqlalchemy.dialects.dialect import DIALECTS, dialect_of, shapes_of
from segmentkit.sqlalchemy.dialects.shapes import Shapes
from segmentkit.sqlalchemy.dialects.statement_sizes import StatementTooLargeError


class Composite(ColumnElement[Any]):
    """An expression made of others, as `of` says; both are part of what statements are cached by.

    Less than one of SQLAlchemy's functions, because those take long to make.
    """

    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        ("of", InternalTraversal.dp_plain_obj),
        ("clauses", InternalTraversal.dp_clauseelement_tuple),
        ("type", InternalTraversal.dp_type),
    ]

    def __init__(self, of: Hashable, *clauses: ColumnElement[Any], type_: Any) -> None:
        self.of: Any = of
        self.clauses = clauses
        self.type = type_

    @property
    def _from_objects(self) -> list[Any]:
        return [found for clause in self.clauses for found in clause._from_objects]


class Clocked(DateTime):
    """Instants that are all in one form, wherever a database keeps texts."""


class Bracketed(Composite):
    """A condition in brackets that stay, whatever stands around it."""

    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """It is a group already."""
        return self


@compiles(Bracketed)
def _bracketed(element: Bracketed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses[0], **kw)})"


class Shaped(Composite):
    """A condition in each of several shapes: a dialect takes its own, or else the first."""

    inherit_cache = True
    of: tuple[Shapes, ...]

    def self_group(self, against: Any = None) -> Any:
        """It is a group already."""
        return self


@compiles(Shaped)
def _shaped(element: Shaped, compiler: SQLCompiler, **kw: Any) -> str:
    wanted = shapes_of(compiler.dialect, predicate=True)
    place = element.of.index(wanted) if wanted in element.of else 0
    chosen = element.clauses[place]
    text = compiler.process(chosen, **kw)
    return f"({text})" if isinstance(chosen, BooleanClauseList) else text


_TRUTH = Boolean()
_CHAIN = 250


def total(numbers: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    """The sum in halves of halves: databases limit how deep an expression may be."""
    if len(numbers) == 1:
        return numbers[0]
    half = len(numbers) // 2
    return total(numbers[:half]) + total(numbers[half:])


def joined(tests: Sequence[ColumnElement[Any]], *, conjunctive: bool) -> ColumnElement[Any]:
    """All of the tests, or any of them; long chains in brackets.

    SQLite takes a chain of n tests for an expression n levels deep, and refuses more than 1,000.
    """
    join = and_ if conjunctive else or_
    while len(tests) > _CHAIN:
        parts = [join(*tests[start : start + _CHAIN]) for start in range(0, len(tests), _CHAIN)]
        tests = [Bracketed(None, part, type_=_TRUTH) for part in parts]
    return join(*tests)


class Spelled(Composite):
    """What a dialect spells in its own way.

    Args:
        construct: What it is.
        clauses: The operands.
        type_: The type of the result, where it is not that of the construct or its first operand.
        named: What ``{type}`` stands for in a template, where it is not that.
    """

    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        *Composite._traverse_internals,
        ("named", InternalTraversal.dp_type),
    ]
    of: Construct

    def __init__(
        self,
        construct: Construct,
        *clauses: ColumnElement[Any],
        type_: TypeEngine[Any] | None = None,
        named: TypeEngine[Any] | None = None,
    ) -> None:
        super().__init__(construct, *clauses, type_=type_ or construct.type or clauses[0].type)
        self.named = named or self.type

    def self_group(self, against: Any = None) -> Any:
        """What is a condition already need not be compared with true."""
        return self if self.of in _CONDITIONS else super().self_group(against)


_CONDITIONS = {
    Construct.EVERYONE, Construct.NOBODY, Construct.HAS_ANY, Construct.IN_JSON,
    Construct.IN_ARRAY, Construct.MANY_IN_JSON, Construct.MANY_IN_ARRAY, Construct.ABSENT,
    Construct.MATCHES,
}  # fmt: skip


@compiles(Spelled)
def _spelled(element: Spelled, compiler: SQLCompiler, **kw: Any) -> str:
    dialect = dialect_of(compiler.dialect)
    template = dialect.spelling(element.of)
    each = element.clauses

    # Only what the template uses: a parameter that is not in the text must not be bound.
    def processed(word: str, clauses: Sequence[ColumnElement[Any]]) -> list[str]:
        return [compiler.process(c, **kw) for c in clauses] if f"{{{word}}}" in template else []

    words = {
        "items": ", ".join(processed("items", each[1:])),
        "keys": "".join(f", {key}" for key in processed("keys", each[2:])),
        "scale": getattr(element.type, "scale", None),
    }
    if each and isinstance(each[0].type, Clocked):
        template = _ITS_LETTER.sub(r"\1", template)
    if "{type}" in template:
        words["type"] = compiler.dialect.type_compiler_instance.process(element.named)
    operands = ["".join(processed(str(i), [clause])) for i, clause in enumerate(each)]
    first = operands[0] if dialect.naming and template.count("{0}") > 1 else ""
    if len(first) < _LONG or not is_of_one_row(each[0]):
        return template.format(*operands, **words)
    made = template.format(_VALUE, *operands[1:], **words)
    return dialect.naming.format(made, first, name=_VALUE)


_ITS_LETTER = re.compile(r"replace\((.*), ' ', substr\(\{0\}, 11, 1\)\)")
"""What stands between the day and the clock of a text; where all are in one form, a space does."""
_VALUE, _LOOKED_UP = "segmentkit_value", "segmentkit_step"
_LONG = 4_000
"""What is shorter may stand several times: a name takes SQLite's parser several brackets more."""


class Named(Composite):
    """A value within a `Naming` of it, whatever the value is."""

    inherit_cache = True


@compiles(Named)
def _named(element: Named, compiler: SQLCompiler, *, named: str, **kw: Any) -> str:
    return named


class Naming(Composite):
    """What is made of a value, which stands once where a dialect can name values.

    Args:
        of: All that was made follows from, so that statements need not be cached by what was made,
            which can have hundreds of parts.
        value: The value.
        made: What was made, of a `Named`; it has nothing else with a name in it.
    """

    inherit_cache = True

    def __init__(self, of: Hashable, value: ColumnElement[Any], made: ColumnElement[Any]) -> None:
        super().__init__(of, value, type_=made.type)
        self.made = made


@compiles(Naming)
def _naming(element: Naming, compiler: SQLCompiler, **kw: Any) -> str:
    (value,), made = element.clauses, element.made
    text = compiler.process(value, **kw)
    known = dialect_of(compiler.dialect)
    if known.naming and len(text) >= known.named_from and is_of_one_row(value):
        kw["named"] = _LOOKED_UP
        return known.naming.format(compiler.process(made, **kw), text, name=_LOOKED_UP)
    if len(text) > known.named_from:
        steps = compiler.process(made, named=_LOOKED_UP, **kw).count(_LOOKED_UP)
        if (length := len(text) * steps) > _MOST:
            raise StatementTooLargeError(
                f"in SQL for {known.title}, this search for what a clock shows has {length:,} "
                f"characters, and {_MOST:,} is the most: keep what the clock shows in a column"
            )
    kw["named"] = text
    return compiler.process(made, **kw)


_MOST = 1_000_000
"""Characters of a value beside all steps of a clock, together."""


_OF_ONE_ROW = ("coalesce", "nullif", "abs")


def is_of_one_row(value: ColumnElement[Any]) -> bool:
    """Whether a value needs no other rows beside its own, except in sub-queries."""
    left: list[Any] = [value]
    while left:
        match left.pop():
            case SelectBase():
                pass
            case FunctionElement(name=name) if name not in _OF_ONE_ROW:
                return False
            case Over() | FunctionFilter() | WithinGroup() | Spelled(of=Construct.TALLY):
                return False
            case element:
                left.extend(element.get_children())
    return True


class TextTest(BinaryExpression[bool]):
    """A comparison of texts by code point, whatever the collation of a column.

    Where a column's own collation is not exact, a positive test says both: as the collation has
    it, for the sake of an index on the column, and exactly.
    """

    inherit_cache = True

    @classmethod
    def of(cls, operator: Any, left: Any, right: Any, negate: Any) -> TextTest:
        """A test of two expressions."""
        # A part of what the statement is cached by, unlike the texts themselves.
        modifiers = {"ascii": _is_ascii(left) and _is_ascii(right)}
        return cls(left, right, operator, _TRUTH, negate, modifiers)

    def _negate(self) -> Any:
        plain: Any = super()._negate()  # type: ignore[no-untyped-call]
        return TextTest.of(plain.operator, plain.left, plain.right, plain.negate)


def _is_ascii(operand: ColumnElement[Any]) -> bool:
    """Whether no constant has a letter beyond ASCII."""
    wanted: Any = operand.value if isinstance(operand, BindParameter) else ""
    each = wanted if isinstance(wanted, list) else [wanted]
    return all(isinstance(text, str) and text.isascii() for text in each)


@compiles(TextTest)
def _text_test(element: TextTest, compiler: SQLCompiler, **kw: Any) -> str:
    exact = dialect_of(compiler.dialect).exact_collations
    as_declared: str = compiler.visit_binary(element, **kw)  # type: ignore[no-untyped-call]
    columns = [e for e in (element.left, element.right) if not isinstance(e, BindParameter)]
    if not exact or all(getattr(each.type, "collation", None) in exact for each in columns):
        return as_declared
    text = Spelled(Construct.EXACT_TEXT, element.left)
    test = BinaryExpression(text, element.right, element.operator, _TRUTH)
    exactly = compiler.process(test, **kw)
    return f"({as_declared} AND {exactly})" if _may_use_index(element) else exactly


def _may_use_index(test: TextTest) -> bool:
    """Whether a column is tested for being one of some texts, in a character set that has them.

    To ask a column for a text that its character set lacks is an error.
    """
    column, wanted = test.left, test.right
    if isinstance(column, BindParameter):
        column, wanted = wanted, column
    if not isinstance(column, ColumnClause) or not isinstance(wanted, BindParameter):
        return False
    positive = test.operator in (operators.eq, operators.in_op)
    return positive and (test.modifiers["ascii"] or _holds_unicode(column))


def _holds_unicode(column: ColumnClause[Any]) -> bool:
    """Whether a column, or else its table, says that it can hold any text."""
    declared = [getattr(column.type, name, None) for name in ("charset", "collation")]
    if not any(declared):
        tables = [getattr(base, "table", None) for base in column.base_columns]
        options = [option for t in tables if isinstance(t, Table) for option in t.kwargs.items()]
        declared = [value for name, value in options if name.endswith(("charset", "collate"))]
    return any(str(each).startswith("utf8mb4") for each in declared if each)


PREDICATE_SHAPES = tuple(
    dict.fromkeys([Shapes(), *(each.predicate_shapes for each in DIALECTS.values())])
)
"""Those that some dialect takes in a predicate, the standard first."""


def shaped(make: Callable[[Shapes], ColumnElement[bool]]) -> ColumnElement[bool]:
    """A condition in all shapes, for a query whose engine is not known yet."""
    clauses = map(make, PREDICATE_SHAPES)
    return Shaped(PREDICATE_SHAPES, *clauses, type_=_TRUTH)


def keeping_gaps(query: Select[Any]) -> Select[Any]:
    """A query with outer joins, in which what they do not find is NULL everywhere."""
    return _followed(query, {name: each.after_outer_joins for name, each in DIALECTS.items()})


def computed_once(query: Select[Any]) -> Select[Any]:
    """A query each of whose columns is computed once, however often they are used around it."""
    return _followed(query, {name: each.after_columns for name, each in DIALECTS.items()})


def _followed(query: Select[Any], words: Mapping[str, str | None]) -> Select[Any]:
    for dialect, suffix in words.items():
        if suffix:
            query = query.suffix_with(text(suffix), dialect=dialect)
    return query


class FoldedCase(Composite):
    """A text in which case makes no difference.

    Args:
        text: The text.
        others: What it is compared with, folded; by default anything.
    """

    inherit_cache = True

    def __init__(self, text: ColumnElement[Any], others: Iterable[str] | None = None) -> None:
        letters = RARE if others is None else rare_letters(others)
        super().__init__(letters, text, type_=String())


@compiles(FoldedCase)
def _folded_case(element: FoldedCase, compiler: SQLCompiler, **kw: Any) -> str:
    (clause,), letters = element.clauses, element.of
    dialect = dialect_of(compiler.dialect)
    collation = getattr(compiler.dialect, LETTERS, '"default"')
    given = compiler.process(clause, **kw)
    text = dialect.spelling(Construct.LETTERS).format(given, letters=collation)
    lower = dialect.spelling(Construct.FOLDED)
    if dialect.rare_letters is None or not letters:
        return lower.format(text)
    # Folding them takes many times as long, and hardly any text holds one.
    rare = dialect.rare_letters.format(text, one_of(letters))
    rarely = folded(text, lower=lower, letters=letters, translate=dialect.translates)
    return f"CASE WHEN {rare} THEN {rarely} ELSE {lower.format(text)} END"


_NUL = "\\u0000"


def matched(text: ColumnElement[Any], pattern: str, *, positive: bool) -> ColumnElement[Any]:
    """Whether a whole text matches a pattern; parameters, printed as dialects read them."""
    tree = parse(pattern)
    ways = (
        rf"\A(?:{printed(tree)})\z",
        # There, \x takes as many digits as there are.
        rf"\A(?:{printed(tree, nul=_NUL)})\Z",
        pattern,
        rf"\A(?!(?:{printed(tree)})\z)",
        printed(tree),
    )
    found = Spelled(Construct.MATCHES, text, *(literal(way, String()) for way in ways))
    return found if positive else not_(found)


def version_key(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """The key of a text that is a version; NULL of others."""
    ways = [
        way
        for pattern, written in REPLACEMENTS
        for way in (pattern, written.format("\\"), written.format("$"))
    ]
    is_one = matched(text, VERSIONS, positive=True)
    return Spelled(Construct.VERSION, text, is_one, *(literal(way, String()) for way in ways))


def bucket(salt: str, key: ColumnElement[Any]) -> ColumnElement[Any]:
    """The bucket of a key that is salted."""
    text = cast(key, String(_DIGITS)) if isinstance(key.type, Integer) else cast_to_text(key)
    return Spelled(Construct.BUCKET, literal(f"{salt}:", String()) + text)


def cast_to_text(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value as text, however long it is."""
    return key if isinstance(key.type, String) else cast(key, String())


_DIGITS = 20
"""Those of a whole number, with its sign."""


def exact(number: ColumnElement[Any], scale: int) -> ColumnElement[Any]:
    """An exact decimal: the expression itself, rounded to its scale where decimals are floats."""
    return Spelled(Construct.EXACT, number, literal(scale, Integer()))


def later(time: ColumnElement[Any], seconds: int | ColumnElement[Any]) -> ColumnElement[Any]:
    """A time so many seconds later; earlier, where they are less than none."""
    known = literal(seconds, BigInteger()) if isinstance(seconds, int) else seconds
    return Spelled(Construct.SECONDS_LATER, time, known)
