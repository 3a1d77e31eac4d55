"""Conditions of SQL, as sqlglot reads them → definitions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import sqlglot
from attrs import evolve
from sqlglot import exp

from segmentkit._diagnostics.diagnostic import advice
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.parser import MAX_LENGTH
from segmentkit._language.three_valued import certain
from segmentkit.dtypes import BOOLEAN, TEXT, TIMESTAMP
from segmentkit.interchange._logic import all_of, any_of, either, negation
from segmentkit.interchange._reader import EVERYBODY, NOBODY, Refusal, converted
from segmentkit.interchange._result import Applied, Converted
from segmentkit.interchange._sql_rows import Rows, rows_of
from segmentkit.interchange._sql_texts import LIKE_PADDED, PADDED, padded
from segmentkit.interchange._sql_values import (
    BLIND,
    LIKE_BLIND,
    WITH_CLASSES,
    SqlReader,
    Values,
    like_parts,
)
from segmentkit.interchange._values import first_instant, literal
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

_NESTED = 200
"""Brackets inside one another, before sqlglot is asked."""


def converted_sql(
    where: str, schema: Schema, dialect: str | None, name: str | None, traits: Mapping[str, Trait]
) -> Converted:
    """The result of one conversion; see `from_sql`."""

    def read(applied: Applied) -> tuple[SqlReader, Segment]:
        reader = SqlReader(where, schema, MappingProxyType(dict(traits)), applied=applied)
        return reader, reader.segment(name, lambda: _Where(reader, dialect).whole(where))

    def again(applied: Applied) -> Segment | None:
        reader, segment = read(applied)
        return None if reader.is_beyond else segment

    reader, segment = read(())
    return converted(reader, segment, again)


class _Where(Values):
    """One condition: what its tests mean."""

    def whole(self, where: str) -> t.Expr:
        """The condition of a text."""
        return self.condition(self._parsed(where))

    def _parsed(self, where: str) -> exp.Expression:
        reader = self.reader
        if len(where) > MAX_LENGTH:
            raise reader.refusal("SK006", "", length=len(where), limit=MAX_LENGTH)
        if reader.text != where:
            raise reader.refusal("SK001", "", found=term("half of a character"))
        if _depth(where) > _NESTED:
            raise reader.refusal("SK007", "")
        try:
            found = [each for each in sqlglot.parse(where, read=self.dialect) if each is not None]
        except RecursionError:
            raise reader.refusal("SK007", "") from None
        except Exception as error:
            raise self._unreadable(error) from None
        if len(found) != 1:
            raise reader.wrong("", "the text is not one condition")
        return found[0]

    def _unreadable(self, error: Exception) -> Refusal:
        for each in getattr(error, "errors", ()):
            told = str(each.get("description") or "")[:100].partition(" for <")[0]
            place = self._place_of(each.get("line"), each.get("col"), each.get("highlight"))
            return self.reader.wrong(place, f"the text is no condition of SQL: {told}")
        told = str(error).partition("\n")[0][:100] or type(error).__name__
        return self.reader.wrong("", f"the text is no condition of SQL: {told}")

    # -- conditions

    def condition(self, node: exp.Expression) -> t.Expr:
        """What a condition means."""
        reader, at = self.reader, self.at(node)
        reader.count(at)
        read = _CONDITIONS.get(type(node))
        if read is None:
            raise reader.unsayable(at, f"{self.told(node)} as a condition")
        self.check_arguments(node)
        with reader.deeper(at):
            return read(self, node)

    def junction(self, node: exp.Expression) -> t.Expr:
        """AND and OR of any number of conditions."""
        parts = []
        for each in node.flatten(unnest=False):
            with self.reader.noting():
                parts.append(self.condition(each))
        if not parts:
            return NOBODY
        return (all_of if isinstance(node, exp.And) else any_of)(parts)

    def xor(self, node: exp.Expression) -> t.Expr:
        """XOR of two conditions, each of which is asked with a not and without."""
        before, self.both = self.both, True
        try:
            return either(self.condition(node.this), self.condition(node.expression))
        finally:
            self.both = before

    def negated(self, node: exp.Expression) -> t.Expr:
        """NOT: of a test, its negative form."""
        self.negative = not self.negative
        try:
            found = self.condition(node.this)
        finally:
            self.negative = not self.negative
        return negative_form(found)

    def bracketed(self, node: exp.Expression) -> t.Expr:
        """A condition in brackets."""
        return self.condition(node.this)

    def constant(self, node: exp.Expression) -> t.Expr:
        """TRUE and FALSE."""
        return EVERYBODY if node.this else NOBODY

    def flag(self, node: exp.Expression) -> t.Expr:
        """A column of truth values that stands alone."""
        found = self.column(node)
        if found.dtype != BOOLEAN:
            raise self.reader.unsayable(self.at(node), f"{self.told(node)} as a condition")
        self.note_missing(node, nullable=found.nullable)
        return t.Name(found.parts, self.reader.span(self.at(node)))

    def compare(self, node: exp.Expression) -> t.Expr:
        """A comparison of two values."""
        sign = _SIGNS[type(node)]
        left, right = node.this, node.expression
        constants = self.constants(left, right)
        if constants is not None:
            return EVERYBODY if _HOLDS[sign](*constants) else NOBODY
        dtype = self.dtype_of(left) or self.dtype_of(right)
        if dtype is None:
            raise self.reader.unsayable(self.at(node), "a test of constants alone")
        self.beside_column = isinstance(left, exp.Column) or isinstance(right, exp.Column)
        one, other = self.value(left, dtype), self.value(right, dtype)
        # Of a text that is longer than the constant, these two say the same as of the instant.
        shorter = sign in ((">=", "<") if isinstance(left, exp.Column) else ("<=", ">"))
        self.note_times(node, dtype, left, right, shorter=shorter)
        folded = self.folded(left, right)
        if dtype == TEXT and not folded and self.dialect in BLIND:
            folded = self.differs("case", node, "this database ignores the case of letters")
        nullable = self.is_nullable(left) or self.is_nullable(right)
        self.note_missing(node, nullable=nullable, negated=sign == "!=")
        test = t.Compare(sign, one, other, folded, self.reader.span(self.at(node)))
        return self.padded(node, test) if dtype == TEXT else test

    def safe(self, node: exp.Expression) -> t.Expr:
        """IS [NOT] DISTINCT FROM a constant, which is never unknown."""
        if not isinstance(node.this, exp.Column) or self.dtype_of(node.expression) is not None:
            raise self.reader.unsayable(self.at(node), f"{self.told(node)} of two columns")
        found = self.column(node.this)
        name = t.Name(found.parts, self.reader.span(self.at(node)))
        if isinstance(node.expression, exp.Null):
            return t.IsMissing(name, isinstance(node, exp.NullSafeNEQ), name.span)
        self.beside_column = True
        value = self.value(node.expression, found.dtype or TEXT)
        distinct = any_of(
            [t.Compare("!=", name, value, False, name.span), t.IsMissing(name, False, name.span)]
        )
        return distinct if isinstance(node, exp.NullSafeNEQ) else negation(distinct)

    def is_(self, node: exp.Expression) -> t.Expr:
        """IS [NOT] NULL, and IS [NOT] TRUE and FALSE of a column, which are never unknown."""
        found = self._is(node)
        return negative_form(found) if node.args.get("negate") else found

    def _is(self, node: exp.Expression) -> t.Expr:
        if not isinstance(node.this, exp.Column):
            raise self.reader.unsayable(self.at(node), f"{self.told(node)} of what is no column")
        found = self.column(node.this)
        name = t.Name(found.parts, self.reader.span(self.at(node)))
        if isinstance(node.expression, exp.Null):
            return t.IsMissing(name, False, name.span)
        if not isinstance(node.expression, exp.Boolean) or found.dtype != BOOLEAN:
            raise self.reader.unsayable(self.at(node), self.told(node))
        truth = t.Literal(bool(node.expression.this), name.span)
        test = t.Compare("=", name, truth, False, name.span)
        return all_of([test, t.IsMissing(name, True, name.span)])

    def in_(self, node: exp.Expression) -> t.Expr:
        """IN of a list of constants."""
        reader, at = self.reader, self.at(node)
        dtype = self.dtype_of(node.this)
        if dtype is None:
            raise reader.unsayable(at, "a test of constants alone")
        if any(isinstance(each, exp.Null) for each in node.expressions):
            raise reader.unsayable(at, "NULL in a list: it makes every other answer unknown")
        self.beside_column = isinstance(node.this, exp.Column)
        options = tuple(self.value(each, dtype) for each in node.expressions)
        self.note_times(node, dtype, *node.expressions)
        folded = self.folded(node.this, *node.expressions)
        if dtype == TEXT and not folded and self.dialect in BLIND:
            folded = self.differs("case", node, "this database ignores the case of letters")
        self.note_missing(node, nullable=self.is_nullable(node.this))
        test = t.InList(self.value(node.this, dtype), options, False, folded, reader.span(at))
        return self.padded(node, test) if dtype == TEXT else test

    def between(self, node: exp.Expression) -> t.Expr:
        """BETWEEN two values; a day beside an instant is its first instant."""
        low, high = node.args["low"], node.args["high"]
        known = (self.dtype_of(each) for each in (node.this, low, high))
        dtype = next((each for each in known if each is not None), None)
        if dtype is None:
            raise self.reader.unsayable(self.at(node), "a test of constants alone")
        self.beside_column = isinstance(node.this, exp.Column)
        ends = [self.value(each, dtype) for each in (low, high)]
        self.note_times(node, dtype, low, shorter=True)
        self.note_times(node, dtype, high)
        first, last = map(first_instant, ends) if dtype == TIMESTAMP else ends
        span = self.reader.span(self.at(node))
        nullable = any(self.is_nullable(each) for each in (node.this, low, high))
        self.note_missing(node, nullable=nullable)
        value = self.value(node.this, dtype)
        if dtype == TIMESTAMP and isinstance(last, t.Moment) and last.base == "today":
            # As the upper end of `between`, today is the whole day.
            bounds = (
                t.Compare(">=", value, first, False, span),
                t.Compare("<=", value, last, False, span),
            )
            return all_of(bounds)
        return t.InWindow(value, t.Range(first, last, span), False, span)

    def padded(self, node: exp.Expression, test: t.Expr) -> t.Expr:
        """A test for the equality of texts, of which the spaces at their ends may not count."""
        told = "this database does not count the spaces at the ends of texts"
        if self.dialect not in PADDED or not self.differs("trailing-spaces", node, told):
            return test
        found = padded(test)
        self.reader.is_beyond |= found is None
        return found or test

    # -- rows

    def exists(self, node: exp.Expression) -> t.Expr:
        """EXISTS of rows of a relation."""
        for each in node.this.expressions if isinstance(node.this, exp.Select) else ():
            # An aggregate has an answer where there are no rows, too.
            if not isinstance(each, exp.Literal | exp.Star | exp.Column):
                raise self.reader.unsayable(self.at(each), f"EXISTS of {self.told(each)}")
        return self.aggregate("any", node.this, self.at(node))

    def aggregate(self, function: str, select: exp.Expression, at: str) -> t.Call:
        """An aggregate of the rows of a sub-query."""
        reader = self.reader
        if self.alias is not None or not isinstance(select, exp.Select):
            raise reader.unsayable(at, "a sub-query in a sub-query")
        rows = rows_of(self, select, at)
        where = self._row_condition(rows)
        if rows.relation.at is not None:
            told = "rows that are later than the instant are counted there"
            reader.differs("later-rows", at, told)
        span = reader.span(at)
        name = t.Name((rows.relation.name,), span)
        return t.Call(function, (name,), where=where, name_span=span, span=span)

    def _row_condition(self, rows: Rows) -> t.Expr | None:
        """What holds of each row: there it is asked with an answer more, and only yes counts."""
        before = self.entity, self.alias, self.negative, self.both, self.unsure
        self.entity = self.reader.schema.named(rows.relation.to)
        self.alias, self.negative, self.both, self.unsure = rows.alias, False, False, False
        try:
            parts = [self.condition(each) for each in rows.conditions]
            where = all_of(parts) if parts else None
            return certain(where) if where is not None and self.unsure else where
        finally:
            self.entity, self.alias, self.negative, self.both, self.unsure = before

    def sub_query(self, node: exp.Expression) -> t.Expr:
        """The number of rows of a relation."""
        at, select = self.at(node), node.this
        what = select.expressions if isinstance(select, exp.Select) else []
        counts = len(what) == 1 and isinstance(what[0], exp.Count)
        if not counts or not isinstance(what[0].this, exp.Star) or what[0].args.get("expressions"):
            raise self.reader.unsayable(at, "a sub-query of what is no COUNT(*)")
        return self.aggregate("count", select, at)

    # -- texts

    def like(self, node: exp.Expression) -> t.Expr:
        """LIKE of a pattern with % at its ends, or once within it."""
        found = self._like(node, escape=None)
        return negative_form(found) if node.args.get("negate") else found

    def escaped(self, node: exp.Expression) -> t.Expr:
        """LIKE with a sign of its own before what is plain."""
        sign, inner = node.expression, node.this
        if not isinstance(sign, exp.Literal) or len(sign.this) != 1:
            raise self.reader.wrong(self.at(node), "ESCAPE takes one sign")
        if type(inner) not in (exp.Like, exp.ILike):
            raise self.reader.unsayable(self.at(node), f"ESCAPE of {self.told(inner)}")
        self.check_arguments(inner)
        found = self._like(inner, escape=sign.this)
        return negative_form(found) if inner.args.get("negate") else found

    def _like(self, node: exp.Expression, escape: str | None) -> t.Expr:
        reader, at = self.reader, self.at(node)
        pattern = node.expression
        column = node.this.this if isinstance(node.this, exp.Lower | exp.Upper) else node.this
        if not isinstance(column, exp.Column) or self.column(column).dtype != TEXT:
            raise reader.unsayable(at, "LIKE of what is no column of texts")
        if not (isinstance(pattern, exp.Literal) and pattern.is_string):
            raise reader.unsayable(at, "LIKE of what is no text written out")
        if escape is None and "\\" in pattern.this:
            hint = advice("say_escape")
            raise reader.unsayable(at, "a backslash in LIKE, which databases differ in", hint)
        if "[" in pattern.this and self.dialect in WITH_CLASSES:
            raise reader.unsayable(at, "a class of letters in LIKE", advice("like_pattern"))
        self.check_empty(pattern.this, at)
        parts = like_parts(pattern.this, escape)
        if parts is None:
            hint = advice("like_pattern")
            raise reader.unsayable(at, f"the pattern {pattern.this[:40]!r}", hint)
        folded = isinstance(node, exp.ILike) or self.folded(node.this, pattern)
        if isinstance(node, exp.ILike):
            told = "ILIKE compares lower case, and here Unicode's folding is compared"
            self.differs("case-folding", node, told)
        elif not folded and self.dialect in LIKE_BLIND:
            folded = self.differs("case", node, "LIKE ignores the case of letters here or there")
        negated = bool(node.args.get("negate"))
        found = self.column(column)
        self.note_missing(node, nullable=found.nullable, negated=negated)
        name = t.Name(found.parts, reader.span(at))
        test = self._searched(name, parts, at, folded=folded)
        return self.padded(node, test) if len(parts) == 1 and self.dialect in LIKE_PADDED else test

    def _searched(self, name: t.Name, parts: list[str], at: str, *, folded: bool) -> t.Expr:
        """The test of a text by the parts of a pattern between its percent signs."""
        reader, span = self.reader, name.span

        def test(operator: str, part: str) -> t.Expr:
            pattern = literal(reader, part, TEXT, at)
            return t.TextTest(operator, name, None, (pattern,), False, folded, span)

        if len(parts) == 1:
            return t.Compare("=", name, literal(reader, parts[0], TEXT, at), folded, span)
        if len(parts) == 3:
            return test("contains", parts[1])
        first, last = parts
        tests = [
            test(word, part) for word, part in (("starts with", first), ("ends with", last)) if part
        ]
        if first and last:
            # Both must have room beside one another.
            length = t.Call("length", (name,), False, None, None, None, span, span)
            room = t.Literal(len(first) + len(last), span)
            tests.append(t.Compare(">=", length, room, False, span))
        return all_of(tests) if tests else test("contains", "")


def _depth(text: str) -> int:
    """How deep brackets nest at most; those in texts count, too."""
    deepest = depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        deepest = max(deepest, depth)
    return deepest


def negative_form(found: t.Expr) -> t.Expr:
    """The complement of a test: ``x not in (…)`` rather than ``not x in (…)``."""
    match found:
        case t.InList() | t.TextTest() | t.InWindow() | t.IsMissing() if not found.negated:
            return evolve(found, negated=True)
        case t.Call("any"):
            return evolve(found, name="none")
        case t.Literal():
            return NOBODY if found == EVERYBODY else EVERYBODY
        case _:
            return negation(found)


_SIGNS = {exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONDITIONS: Mapping[type[exp.Expression], Callable[[_Where, Any], t.Expr]] = {
    exp.And: _Where.junction,
    exp.Or: _Where.junction,
    exp.Xor: _Where.xor,
    exp.Not: _Where.negated,
    exp.Paren: _Where.bracketed,
    exp.Boolean: _Where.constant,
    exp.Column: _Where.flag,
    **dict.fromkeys(_SIGNS, _Where.compare),
    exp.NullSafeEQ: _Where.safe,
    exp.NullSafeNEQ: _Where.safe,
    exp.Is: _Where.is_,
    exp.In: _Where.in_,
    exp.Between: _Where.between,
    exp.Like: _Where.like,
    exp.ILike: _Where.like,
    exp.Escape: _Where.escaped,
    exp.Exists: _Where.exists,
}
