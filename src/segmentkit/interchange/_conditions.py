"""Conditions of GrowthBook, which are written as MongoDB's → definitions.

https://docs.growthbook.io; what its ``evalCondition`` answers is what a condition means there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import evolve, frozen

from segmentkit._definition import by_name
from segmentkit._diagnostics.diagnostic import advice, did_you_mean
from segmentkit._language import syntax as t
from segmentkit._usage import expect
from segmentkit.dtypes import BOOLEAN, INTEGER, TEXT, TEXTS, DType, Kind
from segmentkit.interchange._json import loaded
from segmentkit.interchange._logic import all_of, any_of, negation
from segmentkit.interchange._patterns import Literals, literals_of, searched_for
from segmentkit.interchange._reader import EVERYBODY, NOBODY, Reader, converted, pointer
from segmentkit.interchange._result import Applied, Converted
from segmentkit.interchange._values import Field, field_of, literal, shown
from segmentkit.keylist import KeyList
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

_JUNCTIONS = ("$and", "$or", "$nor", "$not")
_COMPARED = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TYPES: Mapping[str, Callable[[DType], bool]] = {
    "string": lambda dtype: dtype == TEXT,
    "number": lambda dtype: dtype.is_number,
    "boolean": lambda dtype: dtype == BOOLEAN,
    "array": lambda dtype: dtype == TEXTS,
}
_VERSIONS = {"$veq": "=", "$vne": "!=", **{f"$v{word[1:]}": s for word, s in _COMPARED.items()}}
_ORDER = 'versions are padded texts there: "1.2" comes before "1.2.0", and "-" is another "."'
_KINDS: Mapping[Kind, type | tuple[type, ...]] = {
    Kind.BOOLEAN: bool,
    **dict.fromkeys((Kind.TEXT, Kind.TEXTS, Kind.DATE, Kind.TIMESTAMP), str),
    **dict.fromkeys((Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL), (int, float, Decimal)),
}
Lists = Mapping[str, KeyList | Iterable[Any]] | Iterable[KeyList]


def from_conditions(
    condition: Mapping[str, Any] | str,
    schema: Schema,
    *,
    name: str | None = None,
    traits: Mapping[str, Trait] | Iterable[Trait] = (),
    lists: Lists = (),
) -> Converted:
    """Take over a condition of GrowthBook, which is written as MongoDB's are.

    Attributes are those of the schema, also behind links and in documents (``father.age``). Arrays
    of objects are relations.

    Args:
        condition: The condition, or its JSON text.
        schema: The schema that its attributes refer to.
        name: The name of the segment.
        traits: Traits that it can name: by name, or as they are.
        lists: The saved groups, by their identifiers: static lists, or their values.

    Returns:
        The segment, and where GrowthBook answers differently.

    Raises:
        ConversionError: Something in it cannot be said, or is no condition; has all mistakes, each
            with a JSON pointer.

    Example:
        >>> from segmentkit import INTEGER, TEXT, Attribute, Entity, Schema
        >>> attributes = [Attribute("age", INTEGER, True), Attribute("country", TEXT)]
        >>> people = Schema([Entity("people", key="id", attributes=attributes)])
        >>> found = from_conditions({"country": {"$in": ["DK", "NO"]}, "age": {"$lt": 18}}, people)
        >>> found.definition
        'country in ("DK", "NO") and age < 18'
        >>> [(each.rule, each.who.matches({"country": "DK"})) for each in found.differences]
        [('missing-number', True)]
    """
    expect(schema, Schema, "from_conditions(condition, schema)")
    given = by_name(traits, Trait)
    groups = lists if isinstance(lists, Mapping) else by_name(lists, KeyList)

    def read(applied: Applied) -> tuple[Reader, Segment]:
        known: dict[str, KeyList] = {}
        reader = Reader(schema, MappingProxyType(dict(given)), known, applied=applied)
        conditions = _Conditions(reader, groups, known)
        return reader, reader.segment(name, lambda: conditions.whole(condition))

    reader, segment = read(())
    return converted(reader, segment, lambda applied: read(applied)[1])


class _Conditions:
    """One condition: what its operators mean of what the schema says."""

    def __init__(
        self, reader: Reader, groups: Mapping[str, Any], known: dict[str, KeyList]
    ) -> None:
        self.reader = reader
        self.groups = groups
        self.known = known
        self.entity = reader.schema.entity

    def whole(self, condition: Any) -> t.Expr:
        """The condition of everything."""
        return self.condition(loaded(self.reader, condition), "")

    def condition(self, given: Any, at: str) -> t.Expr:
        """All of the entries of an object."""
        reader = self.reader
        reader.count(at)
        if not isinstance(given, Mapping):
            raise reader.wrong(at, f"a condition is an object, and not {shown(given)}")
        parts: list[t.Expr] = []
        with reader.deeper(at):
            for key, value in given.items():
                with reader.noting():
                    parts.append(self._entry(str(key), value, at + pointer(str(key))))
        return all_of(parts) if parts else EVERYBODY

    def _entry(self, key: str, value: Any, at: str) -> t.Expr:
        match key:
            case "$and" | "$or" | "$nor":
                return self._junction(key, value, at)
            case "$not":
                return negation(self.condition(value, at))
            case _ if key.startswith("$") and self.entity.attribute(key) is None:
                told = f"{shown(key)} is no operator here"
                raise self.reader.wrong(at, told, did_you_mean(key, _JUNCTIONS))
            case _:
                return self.value(_Asked(field_of(self.reader, self.entity, key, at), at), value)

    def _junction(self, key: str, value: Any, at: str) -> t.Expr:
        if not isinstance(value, list | tuple):
            raise self.reader.wrong(at, f"{key} takes a list of conditions, not {shown(value)}")
        parts = [self.condition(each, f"{at}/{i}") for i, each in enumerate(value)]
        # None of no conditions is nobody there, as any of them is everybody.
        found = EVERYBODY if not parts else (all_of if key == "$and" else any_of)(parts)
        return negation(found) if key == "$nor" else found

    # -- one value

    def value(self, asked: _Asked, given: Any) -> t.Expr:
        """What is said of a value: operators, or what it is."""
        reader, at = self.reader, asked.at
        reader.count(at)
        if given is None:
            return self._missing(asked, holds=True)
        if isinstance(given, Mapping) and given and all(str(k).startswith("$") for k in given):
            parts = []
            with reader.deeper(at):
                for word, operand in given.items():
                    here = asked.below(pointer(str(word)))
                    with reader.noting():
                        parts.append(self._operator(here, str(word), operand))
            return all_of(parts) if parts else NOBODY
        if isinstance(given, Mapping | list | tuple):
            raise reader.unsayable(at, "that a list or an object is equal to another")
        return self._loosely_equal(asked, given)

    def _missing(self, asked: _Asked, *, holds: bool) -> t.Expr:
        if asked.found.dtype is None:
            hint = advice("ask_size")
            raise self.reader.unsayable(asked.at, "that a relation is missing", hint)
        return t.IsMissing(self._name(asked), not holds, self.reader.span(asked.at))

    def _name(self, asked: _Asked) -> t.Name:
        return t.Name(asked.found.parts, self.reader.span(asked.at))

    def _loosely_equal(self, asked: _Asked, given: Any) -> t.Expr:
        """``value == given`` after the value was made a text or a number, as `given` is."""
        dtype = asked.found.dtype
        if dtype is not None and dtype.is_number and isinstance(given, str):
            number = literal(self.reader, given, dtype, asked.at).value
            if str(number) != given:
                told = f"a number is never written as {shown(given)} there"
                raise self.reader.wrong(asked.at, told)
            given = number
        constant = self._constant(asked, given)
        test: t.Expr = t.Compare("=", self._name(asked), constant, False, constant.span)
        if given == "null" and isinstance(given, str):
            return self._as_text(asked, test, holds=True)
        if isinstance(given, int | float | Decimal) and not isinstance(given, bool) and given == 0:
            return self._as_zero(asked, test)
        return test

    def _constant(self, asked: _Asked, given: Any, *, strict: bool = True) -> t.Literal:
        """A value of the type of the attribute; there are no conversions between types."""
        dtype = asked.found.dtype
        if dtype is None or dtype == TEXTS:
            hint = advice("ask_elements")
            raise self.reader.unsayable(asked.at, "that many values are one", hint)
        if strict and given is not None and not _is_of(given, dtype):
            told = f"{shown(given)} is no {dtype.family}, and never equal to one"
            raise self.reader.wrong(asked.at, told)
        return literal(self.reader, given, dtype, asked.at)

    # -- what is missing there

    def _as_zero(self, asked: _Asked, test: t.Expr) -> t.Expr:
        """A test of a number that holds of zero, and so there of a missing number, too."""
        told = "a missing number compares as zero there"
        return self._or_missing(asked, test, "missing-number", told)

    def _as_text(self, asked: _Asked, test: t.Expr, *, holds: bool) -> t.Expr:
        """A test of a text that holds of "null", and so there of a missing text, too."""
        told = 'a missing text is compared as the text "null" there'
        return self._or_missing(asked, test, "missing-text", told) if holds else test

    def _or_missing(self, asked: _Asked, test: t.Expr, rule: str, told: str) -> t.Expr:
        if asked.found.nullable and self.reader.differs(rule, asked.at, told):
            return any_of([test, self._missing(asked, holds=True)])
        return test

    # -- operators

    def _operator(self, asked: _Asked, word: str, operand: Any) -> t.Expr:
        read = _OPERATORS.get(word)
        if read is None:
            told = f"{shown(word)} is no operator of conditions"
            raise self.reader.wrong(asked.at, told, did_you_mean(word[:40], _OPERATORS))
        return read(self, asked, operand)

    def _equal(self, asked: _Asked, operand: Any) -> t.Expr:
        if operand is None:
            return self._missing(asked, holds=True)
        constant = self._constant(asked, operand)
        return t.Compare("=", self._name(asked), constant, False, constant.span)

    def _unequal(self, asked: _Asked, operand: Any) -> t.Expr:
        if operand is None:
            return self._missing(asked, holds=False)
        constant = self._constant(asked, operand)
        return t.Compare("!=", self._name(asked), constant, False, constant.span)

    def _compared(self, asked: _Asked, operand: Any, *, sign: str) -> t.Expr:
        constant = self._constant(asked, operand, strict=False)
        dtype = asked.found.dtype
        assert dtype is not None
        if isinstance(operand, str) and dtype.is_time:
            self.reader.differs("times", asked.at, "times are texts there, and compare as texts")
        test = t.Compare(sign, self._name(asked), constant, False, constant.span)
        if dtype.is_number and _HOLDS[sign](0, constant.value):
            return self._as_zero(asked, test)
        return test

    def _version(self, asked: _Asked, operand: Any, *, sign: str) -> t.Expr:
        """The order of versions; a missing one is "0" there, which comes before all others."""
        reader = self.reader
        if not isinstance(operand, str):
            raise reader.wrong(asked.at, f"a version is a text, and not {shown(operand)}")
        if asked.found.dtype != TEXT:
            raise reader.unsayable(asked.at, "the version that something is that is no text")
        constant = literal(reader, operand, TEXT, asked.at)
        left, right = (
            t.Call("version", (each,), span=each.span) for each in (self._name(asked), constant)
        )
        reader.differs("version-forms", asked.at, _ORDER)
        test = t.Compare(sign, left, right, False, constant.span)
        zero = operand.removeprefix("v").partition("+")[0] == "0"
        if sign == "<=" or (sign == "<" and not zero):
            told = 'a missing version is compared as "0" there'
            return self._or_missing(asked, test, "missing-version", told)
        return test

    def _in(self, asked: _Asked, operand: Any, *, folded: bool = False) -> t.Expr:
        reader = self.reader
        if not isinstance(operand, list | tuple):
            told = f"$in and its kin take a list, and not {shown(operand)}"
            raise reader.wrong(asked.at, told)
        if folded:
            told = "letters are compared in lower case there, and here by Unicode's folding"
            reader.differs("case-folding", asked.at, told)
        dtype = asked.found.dtype
        if dtype is None:
            raise reader.unsayable(asked.at, "that rows are one of several values")
        fitting = [(i, v) for i, v in enumerate(operand) if v is not None and _is_of(v, dtype)]
        if operand and not fitting and any(v is not None for v in operand):
            told = f"none of the values is a {dtype.family}"
            raise reader.wrong(asked.at, told)
        kind = TEXT if dtype == TEXTS else dtype
        options = tuple(literal(reader, v, kind, f"{asked.at}/{i}") for i, v in fitting)
        span = reader.span(asked.at)
        tests: list[t.Expr] = []
        if options and dtype == TEXTS:
            some = None if len(options) == 1 else "any"
            tests = [t.TextTest("contains", self._name(asked), some, options, False, folded, span)]
        elif options:
            tests = [t.InList(self._name(asked), options, False, folded, span)]
        if None in operand and dtype != TEXTS:
            tests.append(self._missing(asked, holds=True))
        return any_of(tests) if tests else NOBODY

    def _all(self, asked: _Asked, operand: Any, *, folded: bool = False) -> t.Expr:
        reader = self.reader
        if not isinstance(operand, list | tuple):
            raise reader.wrong(asked.at, f"$all takes a list, and not {shown(operand)}")
        if asked.found.dtype != TEXTS:
            raise reader.unsayable(asked.at, "$all of what is no list of texts")
        if folded:
            told = "letters are compared in lower case there, and here by Unicode's folding"
            reader.differs("case-folding", asked.at, told)
        if not operand:
            return self._missing(asked, holds=False)
        texts = tuple(literal(reader, v, TEXT, f"{asked.at}/{i}") for i, v in enumerate(operand))
        name = self._name(asked)
        some = None if len(texts) == 1 else "all"
        return t.TextTest("contains", name, some, texts, False, folded, name.span)

    def _exists(self, asked: _Asked, operand: Any) -> t.Expr:
        if not isinstance(operand, bool):
            raise self.reader.wrong(asked.at, f"$exists takes true or false, not {shown(operand)}")
        return self._missing(asked, holds=not operand)

    def _type(self, asked: _Asked, operand: Any) -> t.Expr:
        """What type a value has is what the schema says, where it is not missing."""
        dtype = asked.found.dtype
        if operand == "null":
            return self._missing(asked, holds=True)
        known = _TYPES.get(operand) if isinstance(operand, str) else None
        if known is None or dtype is None:
            raise self.reader.unsayable(asked.at, f"that a value is of the type {shown(operand)}")
        return self._missing(asked, holds=False) if known(dtype) else NOBODY

    def _elements(self, asked: _Asked, operand: Any) -> t.Expr:
        """That an element of a list, or a row of a relation, fits."""
        reader, found = self.reader, asked.found
        plain = isinstance(operand, Mapping) and not operand
        operators = isinstance(operand, Mapping) and all(str(k)[:1] == "$" for k in operand)
        if found.relation is not None and (plain or not operators):
            before, self.entity = self.entity, reader.schema.named(found.relation.to)
            try:
                where = self.condition(operand, asked.at)
            finally:
                self.entity = before
            name = self._name(asked)
            rows = None if where == EVERYBODY else where
            return t.Call("any", (name,), False, None, rows, None, name.span, name.span)
        if found.dtype != TEXTS or not isinstance(operand, Mapping) or len(operand) != 1:
            raise reader.unsayable(asked.at, "this of the elements of a list")
        word, wanted = next(iter(operand.items()))
        here = asked.below(pointer(str(word)))
        if word == "$eq":
            return self._in(here, [wanted])
        if word in ("$in", "$ini"):
            return self._in(here, wanted, folded=word == "$ini")
        raise reader.unsayable(here.at, "this of the elements of a list")

    def _size(self, asked: _Asked, operand: Any) -> t.Expr:
        """How many rows there are, or texts."""
        reader, found = self.reader, asked.found
        name = self._name(asked)
        if found.relation is not None:
            told = "nothing fits a size there where the list is missing; here it has no rows"
            reader.differs("missing-list", asked.at, told)
        elif found.dtype != TEXTS:
            raise reader.unsayable(asked.at, "how many elements something has that is no list")
        else:
            told = "what is missing within a list counts there"
            reader.differs("missing-items", asked.at, told)
        function = "length" if found.relation is None else "count"
        count = t.Call(function, (name,), False, None, None, None, name.span, name.span)
        given = operand if isinstance(operand, Mapping) else {"$eq": operand}
        tests: list[t.Expr] = []
        for word, wanted in given.items():
            sign = {"$eq": "=", "$ne": "!=", **_COMPARED}.get(word)
            if sign is None or isinstance(wanted, bool) or not isinstance(wanted, int):
                raise reader.wrong(asked.at, "a size is compared with whole numbers")
            at = asked.at + pointer(str(word)) if operand is given else asked.at
            size = literal(reader, wanted, INTEGER, at)
            tests.append(t.Compare(sign, count, size, False, size.span))
        return all_of(tests) if tests else NOBODY

    def _regex(self, asked: _Asked, operand: Any, *, folded: bool = False) -> t.Expr:
        reader = self.reader
        if not isinstance(operand, str):
            raise reader.wrong(asked.at, f"a pattern is a text, and not {shown(operand)}")
        if asked.found.dtype != TEXT:
            raise reader.unsayable(asked.at, "that what is no text matches a pattern")
        if folded:
            told = "letters are compared in lower case there, and here by Unicode's folding"
            reader.differs("case-folding", asked.at, told)
        found = literals_of(operand)
        if found is None:
            return self._matching(asked, operand, folded=folded)
        texts = [literal(reader, text, TEXT, asked.at) for text in found.texts]
        test = any_of(
            [self._searched(asked, text, found.starts, found.ends, folded) for text in texts]
        )
        if not found.starts and not found.ends and len(texts) > 1:
            name = self._name(asked)
            test = t.TextTest("contains", name, "any", tuple(texts), False, folded, name.span)
        holds = found.found_in("null") or (folded and _lower(found).found_in("null"))
        return self._as_text(asked, test, holds=holds)

    def _matching(self, asked: _Asked, operand: str, *, folded: bool) -> t.Expr:
        """A regular expression that says more than tests of texts do."""
        reader = self.reader
        found = searched_for(operand)
        if found is None or (folded and found.excludes):
            hint = advice("anchor_each")
            raise reader.unsayable(asked.at, f"the pattern {shown(operand)}", hint)
        if found.counts:
            told = "a character beyond U+FFFF counts as two there"
            reader.differs("code-units", asked.at, told)
        found = found.ignoring_case() if folded else found
        pattern = literal(reader, found.pattern, TEXT, asked.at)
        name = self._name(asked)
        test = t.TextTest("matches", name, None, (pattern,), False, False, name.span)
        return self._as_text(asked, test, holds=found.found_in("null"))

    def _searched(
        self, asked: _Asked, text: t.Literal, starts: bool, ends: bool, folded: bool
    ) -> t.Expr:
        name = self._name(asked)
        if starts and ends:
            return t.Compare("=", name, text, folded, name.span)
        operator = "starts with" if starts else "ends with" if ends else "contains"
        return t.TextTest(operator, name, None, (text,), False, folded, name.span)

    def _in_group(self, asked: _Asked, operand: Any) -> t.Expr:
        reader, dtype = self.reader, asked.found.dtype
        if not isinstance(operand, str) or operand not in self.groups:
            name = str(operand)[:60] if isinstance(operand, str) else shown(operand)
            hint = did_you_mean(name, self.groups)
            raise reader.refusal("SK143", asked.at, hint=hint, name=name)
        if dtype is None or dtype == TEXTS:
            raise reader.unsayable(asked.at, "that one of many values is in a group")
        group = self.groups[operand]
        if not isinstance(group, KeyList):
            group = KeyList(operand, [each for each in group if _is_key(each, dtype)])
        self.known[operand] = group
        tested = self._name(asked)
        return t.Listed(tested, operand, False, tested.span, tested.span)


@frozen
class _Asked:
    """An attribute that something is said of, and where."""

    found: Field
    at: str

    def below(self, pointer: str) -> _Asked:
        return _Asked(self.found, self.at + pointer)


def _negated(read: _Read) -> _Read:
    """The complement of an operator."""

    def complement(conditions: _Conditions, asked: _Asked, operand: Any) -> t.Expr:
        match read(conditions, asked, operand):
            case t.InList() | t.TextTest() | t.Listed() as test:
                return evolve(test, negated=True)
            case t.Literal() as everybody_or_nobody:
                return NOBODY if everybody_or_nobody == EVERYBODY else EVERYBODY
            case test:
                return negation(test)

    return complement


def _is_of(value: Any, dtype: DType) -> bool:
    kinds = _KINDS.get(dtype.kind, ())
    return isinstance(value, kinds) and (dtype == BOOLEAN or not isinstance(value, bool))


def _is_key(value: Any, dtype: DType) -> bool:
    return _is_of(value, dtype) and isinstance(value, int | str)


def _lower(found: Literals) -> Literals:
    return evolve(found, texts=tuple(text.lower() for text in found.texts))


_Read: TypeAlias = Callable[[_Conditions, _Asked, Any], t.Expr]
_C = _Conditions
_OPERATORS: Mapping[str, _Read] = {
    "$eq": _C._equal,
    "$ne": _C._unequal,
    **{operator: partial(_C._compared, sign=sign) for operator, sign in _COMPARED.items()},
    **{operator: partial(_C._version, sign=sign) for operator, sign in _VERSIONS.items()},
    "$in": _C._in,
    "$nin": _negated(_C._in),
    "$ini": partial(_C._in, folded=True),
    "$nini": _negated(partial(_C._in, folded=True)),
    "$all": _C._all,
    "$alli": partial(_C._all, folded=True),
    "$exists": _C._exists,
    "$type": _C._type,
    "$elemMatch": _C._elements,
    "$size": _C._size,
    "$regex": _C._regex,
    "$regexi": partial(_C._regex, folded=True),
    "$not": lambda conditions, asked, operand: negation(conditions.value(asked, operand)),
    "$inGroup": _C._in_group,
    "$notInGroup": _negated(_C._in_group),
}
