"""Queries of react-querybuilder → definitions.

https://react-querybuilder.js.org; what its ``formatQuery`` writes as SQL is what a query means
there. The docs of segmentkit have a table of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from segmentkit._definition import by_name
from segmentkit._diagnostics.diagnostic import Span, advice, did_you_mean
from segmentkit._language import syntax as t
from segmentkit._usage import expect
from segmentkit.dtypes import FLOAT
from segmentkit.interchange._json import loaded
from segmentkit.interchange._logic import all_of, any_of, either, negation
from segmentkit.interchange._react_querybuilder_rules import Tests
from segmentkit.interchange._reader import EVERYBODY, NOBODY, Reader, Refusal, converted, pointer
from segmentkit.interchange._result import Applied, Converted
from segmentkit.interchange._values import (
    Field,
    literal,
    shown,
)
from segmentkit.schema import Relation, Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

_GROUP_KEYS = frozenset({"combinator", "rules", "not", "muted", "id", "path", "disabled", "meta"})
_RULE_KEYS = frozenset(
    {"field", "operator", "value", "valueSource", "match", "muted", "id", "path", "disabled"}
    | {"meta", "combinatorPreceding"}
)
_MODES = {"atleast": ">=", "atmost": "<=", "exactly": "="}
PLACEHOLDER = "~"


def from_react_querybuilder(
    query: Mapping[str, Any] | str,
    schema: Schema,
    *,
    name: str | None = None,
    traits: Mapping[str, Trait] | Iterable[Trait] = (),
    ignoring_case: bool = False,
) -> Converted:
    """Take over a query of react-querybuilder.

    Fields are attributes by their names, also behind links and in documents (``company.industry``),
    traits, and relations where a rule has a match mode. The schema says which type a value has:
    ``"40"`` is 40 for a number.

    Args:
        query: The query, with or without independent combinators, or its JSON text.
        schema: The schema that its fields refer to.
        name: The name of the segment.
        traits: Traits that fields can name: by name, or as they are.
        ignoring_case: Whether tests of texts ignore case, as ``LIKE`` does on some databases.

    Returns:
        The segment, and where the SQL that react-querybuilder writes answers differently.

    Raises:
        ConversionError: Something in it cannot be said, or is no query; has all mistakes, each
            with a JSON pointer.

    Example:
        >>> from segmentkit import INTEGER, TEXT, Attribute, Entity, Schema
        >>> attributes = [Attribute("age", INTEGER, True), Attribute("country", TEXT)]
        >>> people = Schema([Entity("people", key="id", attributes=attributes)])
        >>> rules = [{"field": "age", "operator": "<", "value": "18"}]
        >>> found = from_react_querybuilder(
        ...     {"combinator": "and", "not": True, "rules": rules}, people
        ... )
        >>> found.definition
        'not age < 18'
        >>> [(each.rule, each.who.matches({"age": None})) for each in found.differences]
        [('missing', True)]
    """
    expect(schema, Schema, "from_react_querybuilder(query, schema)")
    given = by_name(traits, Trait)

    def read(applied: Applied) -> tuple[Reader, Segment]:
        reader = Reader(schema, MappingProxyType(dict(given)), applied=applied)
        query_reader = _Query(reader, ignoring_case=ignoring_case)
        return reader, reader.segment(name, lambda: query_reader.whole(query))

    reader, segment = read(())
    return converted(reader, segment, lambda applied: read(applied)[1])


class _Query(Tests):
    """One query: what its groups and rules mean, here and in the SQL that its tool writes."""

    def whole(self, query: Any) -> t.Expr:
        """The condition of the whole query."""
        query = loaded(self.reader, query)
        if not isinstance(query, Mapping) or not isinstance(query.get("rules"), list | tuple):
            told = f"a query is an object with a list of rules, and not {shown(query)}"
            raise self.reader.wrong("", told)
        found = self._group(query, "")
        if found is None:
            hint = advice("finish_for_everybody")
            raise self.reader.wrong("", "all rules are left out: they say nobody", hint)
        return found

    # -- groups

    def _group(self, group: Mapping[str, Any], at: str, *, alone: bool = False) -> t.Expr | None:
        """What a group means; None where it is left out."""
        reader = self.reader
        reader.count(at)
        if self._muted(group, at):
            told = "a muted group that stands alone holds of everybody in SQL"
            return EVERYBODY if alone and reader.differs("empty-group", at, told) else None
        self._check_keys(group, _GROUP_KEYS, at)
        rules = group["rules"]
        negated = self._flag(group, "not", at)
        # A group without rules is everybody there, negated or not.
        if not rules:
            return EVERYBODY
        combinator = self._combinator(group, at)
        dropped = self.dropped
        before = self.negative, self.both
        self.negative, self.both = self.negative != negated, self.both or combinator == "xor"
        try:
            with reader.deeper(at):
                parts, words = self._parts(rules, combinator, f"{at}/rules")
        finally:
            self.negative, self.both = before
        if not parts and self.dropped > dropped:
            return EVERYBODY
        if not parts:
            told = "all rules of this group are left out: in SQL it holds of everybody"
            return EVERYBODY if reader.differs("empty-group", at, told) else None
        found = self._joined(parts, words, combinator, at)
        return t.Not(found, found.span) if negated else found

    def _parts(
        self, rules: list[Any], combinator: str | None, at: str
    ) -> tuple[list[t.Expr], list[str]]:
        """The rules and groups that are not left out, and the combinators between them."""
        parts: list[t.Expr] = []
        words: list[str] = []
        word = ""
        for position, rule in enumerate(rules):
            here = f"{at}/{position}"
            if combinator is None and position % 2:
                with self.reader.noting():
                    word = self._word(rule, here)
                continue
            found: t.Expr | None = NOBODY
            try:
                found = self._rule_or_group(rule, here, alone=len(rules) == 1)
            except Refusal as error:
                self.reader.note(error)
            if found is not None:
                words += [word] if parts and combinator is None else []
                parts.append(found)
        if combinator is None and len(rules) % 2 == 0:
            told = "between two rules stands one combinator, and none at the end"
            raise self.reader.wrong(at, told)
        return parts, words

    def _rule_or_group(self, rule: Any, at: str, *, alone: bool) -> t.Expr | None:
        if not isinstance(rule, Mapping):
            raise self.reader.wrong(at, f"a rule is an object, and not {shown(rule)}")
        if isinstance(rule.get("rules"), list | tuple):
            return self._group(rule, at, alone=alone)
        return self._rule(rule, at)

    def _combinator(self, group: Mapping[str, Any], at: str) -> str | None:
        found = group.get("combinator")
        if found is None:
            return None
        return self._word(found, f"{at}/combinator")

    def _word(self, found: Any, at: str) -> str:
        word = found.lower() if isinstance(found, str) else ""
        if word not in ("and", "or", "xor"):
            told = f"a combinator is 'and', 'or' or 'xor', and not {shown(found)}"
            raise self.reader.wrong(at, told)
        return word

    def _joined(
        self, parts: list[t.Expr], words: list[str], combinator: str | None, at: str
    ) -> t.Expr:
        if combinator is None:
            if "xor" in words and len(parts) > 2:
                hint = advice("group_each_xor")
                raise self.reader.unsayable(at, "xor beside other combinators", hint)
            if "xor" not in words:
                return _by_precedence(parts, words)
            combinator = "xor"
        if combinator == "xor" and len(parts) > 1:
            if len(parts) > 2:
                hint = advice("group_each_pair")
                raise self.reader.unsayable(at, "xor of more than two rules", hint)
            self.reader.differs("xor", at, "few databases know xor")
            return either(*parts)
        return (any_of if combinator == "or" else all_of)(parts)

    # -- what is the same of both

    def _muted(self, item: Mapping[str, Any], at: str) -> bool:
        muted = self._flag(item, "muted", at)
        if muted:
            self.reader.left_out.append(at)
        return muted

    def _flag(self, item: Mapping[str, Any], key: str, at: str) -> bool:
        flag = item.get(key)
        if flag is not None and not isinstance(flag, bool):
            told = f"'{key}' is true or false, and not {shown(flag)}"
            raise self.reader.wrong(f"{at}/{key}", told)
        return bool(flag)

    def _check_keys(self, item: Mapping[str, Any], known: frozenset[str], at: str) -> None:
        for key in () if item.keys() <= known else item:
            if key not in known:
                told = f"{shown(key)} is not known here, and may change the meaning"
                hint = advice("under_meta")
                raise self.reader.wrong(at + pointer(str(key)), told, hint)

    # -- rules

    def _rule(self, rule: Mapping[str, Any], at: str) -> t.Expr | None:
        reader = self.reader
        reader.count(at)
        if self._muted(rule, at):
            return None
        self._check_keys(rule, _RULE_KEYS, at)
        name, operator = self._text(rule, "field", at), self._text(rule, "operator", at)
        if PLACEHOLDER in (name, operator):
            reader.left_out.append(at)
            return None
        found = self.field(name, at)
        if rule.get("match") not in (None, {}):
            return self._matched(rule, found, at)
        if found.dtype is None and not (found.relation and found.relation.value):
            hint = advice("match_mode")
            raise reader.wrong(at, f"'{name}' is a relation, and the rule has no match mode", hint)
        source = rule.get("valueSource") or "value"
        if source not in ("value", "field", "parameter"):
            raise reader.unsayable(f"{at}/valueSource", f"a value from {shown(source)}")
        return self.test(found, operator, rule.get("value"), source, at)

    def _text(self, rule: Mapping[str, Any], key: str, at: str) -> str:
        found = rule.get(key)
        if not isinstance(found, str):
            told = f"a rule has a text as its {key}, and not {shown(found)}"
            raise self.reader.wrong(f"{at}/{key}" if key in rule else at, told)
        return found

    # -- rows

    def _matched(self, rule: Mapping[str, Any], found: Field, at: str) -> t.Expr | None:
        """A rule about how many rows of a relation fit a query."""
        reader = self.reader
        if found.relation is None:
            hint = advice("match_modes_of_relations")
            raise reader.unsayable(f"{at}/field", "a match mode of what is no relation", hint)
        where = rule.get("value")
        if not isinstance(where, Mapping) or not isinstance(where.get("rules"), list | tuple):
            told = f"a match mode needs a query as its value, and not {shown(where)}"
            raise reader.wrong(f"{at}/value", told)
        match = rule["match"]
        mode = match.get("mode") if isinstance(match, Mapping) else None
        if reader.differs("match", at, "SQL leaves the rule out"):
            self.dropped += 1
            return None
        inner = self._rows(where, found.relation, f"{at}/value")
        span = reader.span(at)
        return _matching(
            t.Name(found.parts, span), inner, self._mode(mode, match, f"{at}/match"), span
        )

    def _mode(self, mode: Any, match: Any, at: str) -> tuple[str, int | Decimal]:
        word = mode.lower() if isinstance(mode, str) else ""
        if word in ("all", "some", "none"):
            return word, 0
        if word not in _MODES:
            told = f"{shown(mode)} is not a match mode"
            known = ("all", "some", "none", "atLeast", "atMost", "exactly")
            raise self.reader.wrong(at, told, did_you_mean(str(mode)[:60], known))
        given = match.get("threshold")
        is_number = isinstance(given, int | float | Decimal) and not isinstance(given, bool)
        if not is_number or given < 0:
            told = f"a threshold is a number from 0, and not {shown(given)}"
            raise self.reader.wrong(f"{at}/threshold", told)
        threshold = literal(self.reader, given, FLOAT, f"{at}/threshold").value
        assert isinstance(threshold, int | Decimal)
        if (word, threshold) in (("atleast", 1), ("atmost", 0)):
            return ("some" if threshold else "none"), 0
        return word, threshold

    def _rows(self, where: Mapping[str, Any], relation: Relation, at: str) -> t.Expr | None:
        """What a query says of rows; None where it says nothing."""
        before = self.entity
        self.entity = self.reader.schema.named(relation.to)
        try:
            with self.reader.deeper(at):
                found = self._group(where, at)
        finally:
            self.entity = before
        if found is None:
            told = "all rules are left out: they say nothing of the rows"
            raise self.reader.wrong(at, told, advice("finish_for_any_row"))
        return None if found == EVERYBODY else found


def _by_precedence(parts: list[t.Expr], words: list[str]) -> t.Expr:
    """Conditions with a combinator between each two of them; `and` binds tighter than `or`."""
    groups = [[parts[0]]]
    for word, part in zip(words, parts[1:], strict=True):
        if word == "and":
            groups[-1].append(part)
        else:
            groups.append([part])
    return any_of([all_of(group) for group in groups])


def _matching(
    relation: t.Name, where: t.Expr | None, mode: tuple[str, int | Decimal], span: Span
) -> t.Expr:
    """How many rows of a relation fit a condition."""

    def rows(function: str, condition: t.Expr | None) -> t.Call:
        return t.Call(function, (relation,), False, None, condition, None, span, span)

    match mode:
        case ("all", _):
            return EVERYBODY if where is None else rows("none", negation(where))
        case ("some", _):
            return rows("any", where)
        case ("none", _):
            return rows("none", where)
        case (word, threshold):
            wanted: t.Expr = t.Literal(threshold, span)
            if 0 < threshold < 1:
                # A share of all the rows.
                wanted = t.Arithmetic((wanted, rows("count", None)), ("*",), span)
            return t.Compare(_MODES[word], rows("count", where), wanted, False, span)
