"""Cohorts of PostHog: properties of people, and what they did → definitions.

https://posthog.com/docs/data/cohorts; a documented part of the filters that its cohorts keep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve, frozen

from segmentkit._definition import by_name
from segmentkit._diagnostics.diagnostic import advice, did_you_mean
from segmentkit._language import syntax as t
from segmentkit._usage import expect
from segmentkit.dtypes import INTEGER, TEXT
from segmentkit.interchange._json import loaded
from segmentkit.interchange._logic import all_of, any_of, negation
from segmentkit.interchange._reader import NOBODY, Reader, converted, pointer
from segmentkit.interchange._result import Applied, Converted
from segmentkit.interchange._values import Field, field_of, literal, shown
from segmentkit.schema import Entity, Relation, Schema
from segmentkit.segment import Segment

_GROUP_KEYS = frozenset({"type", "values"})
_PERSON_KEYS = frozenset({"type", "key", "value", "operator", "negation"})
_COHORT_KEYS = frozenset({"type", "key", "value", "negation", "cohort_name"})
_RANGE = ("time_value", "time_interval", "explicit_datetime", "explicit_datetime_to")
_EVENT_KEYS = frozenset(
    {"type", "key", "value", "negation", "event_type", "event_filters", *_RANGE}
)
_COUNT_KEYS = _EVENT_KEYS | {"operator", "operator_value"}
_THEN_KEYS = _EVENT_KEYS | {"seq_time_value", "seq_time_interval"}
_SEQUENCE_KEYS = _THEN_KEYS | {"seq_event", "seq_event_type"}
_UNITS = {"h": "hour", "d": "day", "w": "week", "m": "month", "y": "year"}
_BACK = re.compile("-([1-9][0-9]{0,4})([hdwmy])")
_INTERVALS = ("minute", *_UNITS.values())
_DAYS = {"month": 30, "year": 365}
_COUNTS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "eq": "=", "exact": "=", None: "="}
_ORDER = {
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "is_date_after": ">",
    "is_date_before": "<",
}


def from_cohort(
    filters: Mapping[str, Any] | str,
    schema: Schema,
    *,
    events: str = "events",
    event: str = "event",
    name: str | None = None,
    cohorts: Mapping[Any, Segment] | Iterable[Segment] = (),
) -> Converted:
    """Take over a cohort of PostHog: properties of people, and the events that they caused.

    Properties are attributes of the person or of the event, also in documents of the schema
    (``properties.plan``).

    Args:
        filters: The filters of a cohort, with or without ``filters`` and ``properties`` around
            them, or their JSON text.
        schema: The schema that properties refer to.
        events: The relation that leads to the events; it needs a time.
        event: The attribute of an event that has its name.
        name: The name of the segment.
        cohorts: Other cohorts that the filters refer to: by their numbers, each as a named segment.

    Returns:
        The segment, and where PostHog answers differently.

    Raises:
        ConversionError: Something in it cannot be said, or is no cohort; has all mistakes, each
            with a JSON pointer.

    Example:
        >>> from segmentkit import TEXT, TIMESTAMP, Attribute, Entity, Relation, Schema
        >>> people = Entity("people", key="id", relations=[Relation("events", key="who", at="at")])
        >>> attributes = [Attribute("at", TIMESTAMP), Attribute("event", TEXT)]
        >>> schema = Schema([people, Entity("events", attributes=attributes)])
        >>> did = {"type": "behavioral", "value": "performed_event", "key": "sign up"}
        >>> did |= {"event_type": "events", "time_value": 30, "time_interval": "day"}
        >>> from_cohort({"properties": {"type": "AND", "values": [did]}}, schema).definition
        'any(events in last 30 days where event = "sign up")'
    """
    expect(schema, Schema, "from_cohort(filters, schema)")
    given = cohorts if isinstance(cohorts, Mapping) else by_name(cohorts, Segment)
    segments = {str(each.name): each for each in given.values()}
    known = {str(key): str(each.name) for key, each in given.items() if each.name}

    def read(applied: Applied) -> tuple[Reader, Segment]:
        reader = Reader(schema, segments=MappingProxyType(segments), applied=applied)
        cohort = _Cohort(reader, events, event, known)
        return reader, reader.segment(name, lambda: cohort.whole(filters))

    reader, segment = read(())
    return converted(reader, segment, lambda applied: read(applied)[1])


class _Cohort:
    """One cohort: what its filters say of people and of their events."""

    def __init__(self, reader: Reader, events: str, event: str, cohorts: Mapping[str, str]) -> None:
        self.reader = reader
        self.events = events
        self.event = event
        self.cohorts = cohorts

    def whole(self, given: Any) -> t.Expr:
        """The condition of all filters."""
        found, at = loaded(self.reader, given), ""
        for key in ("filters", "properties"):
            if isinstance(found, Mapping) and key in found:
                for other, value in found.items():
                    if other != key and value not in (None, False, []):
                        told = f"{shown(other)} is not known here, and may change the meaning"
                        raise self.reader.wrong(at + pointer(str(other)), told)
                found, at = found[key], f"{at}/{key}"
        return self.filter(found, at)

    def filter(self, given: Any, at: str) -> t.Expr:
        """A group of filters, or one."""
        reader = self.reader
        reader.count(at)
        if not isinstance(given, Mapping):
            raise reader.wrong(at, f"a filter is an object, and not {shown(given)}")
        if "values" in given:
            return self._group(given, at)
        read = {"person": self._person, "behavioral": self._behaviour}
        read |= dict.fromkeys(("cohort", "static-cohort", "precalculated-cohort"), self._cohort)
        kind = given.get("type")
        if not isinstance(kind, str) or kind not in read:
            raise reader.unsayable(at, f"a filter of the type {shown(kind)}")
        negated = given.get("negation")
        if negated not in (None, True, False):
            told = f"'negation' is true or false, and not {shown(negated)}"
            raise reader.wrong(f"{at}/negation", told)
        found = read[kind](given, at)
        return negation(found) if negated else found

    def _group(self, given: Mapping[str, Any], at: str) -> t.Expr:
        reader = self.reader
        self._check_keys(given, _GROUP_KEYS, at)
        values, word = given["values"], given.get("type")
        if word not in ("AND", "OR"):
            raise reader.wrong(f"{at}/type", f"a group is 'AND' or 'OR', and not {shown(word)}")
        if not isinstance(values, list | tuple) or not values:
            raise reader.wrong(f"{at}/values", "a group needs filters: it says nobody")
        parts: list[t.Expr] = [NOBODY] * len(values)
        with reader.deeper(at):
            for position, each in enumerate(values):
                with reader.noting():
                    parts[position] = self.filter(each, f"{at}/values/{position}")
        return (all_of if word == "AND" else any_of)(parts)

    def _check_keys(self, given: Mapping[str, Any], known: frozenset[str], at: str) -> None:
        for key, value in given.items():
            if key not in known and value is not None:
                told = f"{shown(key)} is not known here, and may change the meaning"
                raise self.reader.wrong(at + pointer(str(key)), told)

    # -- people

    def _person(self, given: Mapping[str, Any], at: str) -> t.Expr:
        self._check_keys(given, _PERSON_KEYS, at)
        return self._property(given, self.reader.schema.entity, at)

    def _cohort(self, given: Mapping[str, Any], at: str) -> t.Expr:
        self._check_keys(given, _COHORT_KEYS, at)
        number = given.get("value")
        name = self.cohorts.get(str(number)) if isinstance(number, int | str) else None
        span = self.reader.span(at)
        if name is None:
            told = shown(number).strip("'")
            hint = did_you_mean(told, self.cohorts) or advice("give_cohorts")
            raise self.reader.refusal("SK117", f"{at}/value", hint=hint, name=told)
        return t.InSegment(name, span, span)

    def _field(self, entity: Entity, given: Mapping[str, Any], at: str) -> Field:
        """A property, which is an attribute, or in a document."""
        key = given.get("key")
        if not isinstance(key, str):
            raise self.reader.wrong(
                f"{at}/key", f"a property has a text as its key, not {shown(key)}"
            )
        if entity.attribute(key) is None:
            inner = [f"{each.name}.{key}" for each in entity.documents]
            key = next((name for name in inner if entity.attribute(name) is not None), key)
        return field_of(self.reader, entity, key, f"{at}/key")

    def _property(self, given: Mapping[str, Any], entity: Entity, at: str) -> t.Expr:
        """What an operator says of a property; what is missing is in its negations there, too."""
        reader = self.reader
        found = self._field(entity, given, at)
        operator = given.get("operator") or "exact"
        name = t.Name(found.parts, reader.span(at))
        if found.dtype is None:
            raise reader.unsayable(at, "a property that is a relation")
        if operator in ("is_set", "is_not_set"):
            return t.IsMissing(name, operator == "is_set", name.span)
        value, here = given.get("value"), f"{at}/value"
        if operator in ("exact", "is_not"):
            values = value if isinstance(value, list | tuple) else [value]
            options = tuple(self._constant(v, found, here) for v in values)
            if not options:
                raise reader.wrong(here, "a list without values says nobody")
            negated = operator == "is_not"
            if len(options) == 1:
                return t.Compare("!=" if negated else "=", name, options[0], False, name.span)
            return t.InList(name, options, negated, False, name.span)
        if operator in ("icontains", "not_icontains"):
            return self._contains(name, value, here, negated=operator == "not_icontains")
        sign = _ORDER.get(operator) if isinstance(operator, str) else None
        if sign is None:
            raise reader.unsayable(at, f"the operator {shown(operator)}")
        return t.Compare(sign, name, self._constant(value, found, here), False, name.span)

    def _constant(self, value: Any, found: Field, at: str) -> t.Literal:
        assert found.dtype is not None
        if found.dtype.kind.value == "boolean" and value in ("true", "false"):
            value = value == "true"
        return literal(self.reader, value, found.dtype, at)

    def _contains(self, name: t.Name, value: Any, at: str, *, negated: bool) -> t.Expr:
        pattern = literal(self.reader, value, TEXT, at)
        told = "letters are compared in lower case there, and here by Unicode's folding"
        self.reader.differs("case-folding", at, told)
        if any(sign in str(pattern.value) for sign in "%_"):
            self.reader.differs("wildcard", at, "% and _ in the value may stand for any letters")
        return t.TextTest("contains", name, None, (pattern,), negated, True, name.span)

    # -- what they did

    def _behaviour(self, given: Mapping[str, Any], at: str) -> t.Expr:
        reader, kind = self.reader, given.get("value")
        known = _BEHAVIOURS.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise reader.unsayable(f"{at}/value", f"the behaviour {shown(kind)}")
        keys, read = known
        self._check_keys(given, keys, at)
        relation = reader.schema.entity.relation(self.events)
        if relation is None or relation.at is None:
            hint = advice("name_by_events")
            told = f"the schema has no relation '{self.events[:60]}' with a time"
            raise reader.wrong(at, told, hint)
        span = reader.span(at)
        test = self._named(given, relation, "key", "event_type", at)
        filters = given.get("event_filters") or []
        if not isinstance(filters, list | tuple):
            told = f"filters of events are a list, and not {shown(filters)}"
            raise reader.wrong(f"{at}/event_filters", told)
        inner = reader.schema.named(relation.to)
        more = []
        for position, each in enumerate(filters):
            here = f"{at}/event_filters/{position}"
            if not isinstance(each, Mapping) or each.get("type") != "event":
                raise reader.unsayable(here, "a filter that is none of the event's properties")
            self._check_keys(each, _PERSON_KEYS - {"negation"}, here)
            more.append(self._property(each, inner, here))
        rows = _Rows(t.Name((self.events,), span), relation, all_of([test, *more]), span)
        return read(self, given, rows, at)

    def _named(
        self, given: Mapping[str, Any], relation: Relation, key: str, kind: str, at: str
    ) -> t.Expr:
        """That an event has a name."""
        reader, name = self.reader, given.get(key)
        if given.get(kind) != "events":
            hint = advice("events_as_filters")
            raise reader.unsayable(f"{at}/{kind}", "an action", hint)
        field = field_of(reader, reader.schema.named(relation.to), self.event, at)
        if field.dtype != TEXT:
            raise reader.wrong(at, f"'{self.event[:60]}' is no text", advice("name_by_event"))
        wanted = literal(reader, name, TEXT, f"{at}/{key}")
        return t.Compare("=", t.Name(field.parts, wanted.span), wanted, False, wanted.span)

    def _length(self, given: Mapping[str, Any], prefix: str, at: str) -> tuple[int, str]:
        """How far back a filter looks."""
        explicit = given.get("explicit_datetime") if prefix == "time" else None
        if explicit is not None:
            match = _BACK.fullmatch(explicit) if isinstance(explicit, str) else None
            if match is None or given.get("explicit_datetime_to") is not None:
                here = f"{at}/explicit_datetime"
                raise self.reader.unsayable(here, "this range of time", advice("range_of_time"))
            return int(match[1]), _UNITS[match[2]]
        number, unit = given.get(f"{prefix}_value"), given.get(f"{prefix}_interval")
        count = literal(self.reader, number, INTEGER, f"{at}/{prefix}_value").value
        if not isinstance(count, int) or not 0 < count < _MOST:
            raise self.reader.wrong(f"{at}/{prefix}_value", "a range needs a whole number above 0")
        if unit not in _INTERVALS:
            told = f"{shown(unit)} is no interval"
            hint = did_you_mean(unit, _INTERVALS) if isinstance(unit, str) else None
            raise self.reader.wrong(f"{at}/{prefix}_interval", told, hint)
        return count, str(unit)

    def _last(self, given: Mapping[str, Any], at: str, prefix: str = "time") -> t.Rolling:
        count, unit = self._length(given, prefix, at)
        told = "a range there begins with the first instant of a day; here it is exact"
        self.reader.differs("whole-days", at, told)
        return t.Rolling("last", count, unit, self.reader.span(at))

    def performed(self, given: Mapping[str, Any], rows: _Rows, at: str) -> t.Expr:
        """Did it at least once."""
        return rows.call("any", self._last(given, at))

    def several(self, given: Mapping[str, Any], rows: _Rows, at: str) -> t.Expr:
        """Did it so many times; whoever never did is in no count there."""
        operator = given.get("operator")
        sign = _COUNTS.get(operator) if isinstance(operator, str | None) else None
        if sign is None:
            raise self.reader.wrong(f"{at}/operator", f"{shown(operator)} counts no events")
        number = literal(self.reader, given.get("operator_value"), INTEGER, f"{at}/operator_value")
        if not isinstance(number.value, int) or number.value < 1:
            told = "events are counted from 1"
            raise self.reader.wrong(f"{at}/operator_value", told)
        count = rows.call("count", self._last(given, at))
        if sign in (">=", ">", "="):
            return t.Compare(sign, count, number, False, rows.span)
        most = number.value - (sign == "<")
        ends = t.Range(t.Literal(1, rows.span), t.Literal(most, rows.span), rows.span)
        return t.InWindow(count, ends, False, rows.span) if most else NOBODY

    def first(self, given: Mapping[str, Any], rows: _Rows, at: str) -> t.Expr:
        """Did it for the first time."""
        if given.get("event_filters"):
            what = "whether it was the first time of the event or of what the filters leave"
            raise self.reader.unsayable(f"{at}/event_filters", what)
        return t.InWindow(rows.first(), self._last(given, at), False, rows.span)

    def stopped(self, given: Mapping[str, Any], rows: _Rows, at: str) -> t.Expr:
        """Did it, and not of late."""
        recent = self._last(given, at, "seq_time")
        return all_of([rows.call("any", self._last(given, at)), rows.call("none", recent)])

    def restarted(self, given: Mapping[str, Any], rows: _Rows, at: str) -> t.Expr:
        """Did it of late, not for the first time, and not in the range before."""
        recent, span = self._last(given, at, "seq_time"), rows.span
        count, unit = self._length(given, "time", at)
        time = t.Name((str(rows.relation.at),), span)
        late, late_unit = self._length(given, "seq_time", at)
        since = t.Moment("now", -late, late_unit, span)
        between = all_of(
            [
                rows.where,
                t.Compare(">", time, t.Moment("now", -count, unit, span), False, span),
                t.Compare("<=", time, since, False, span),
            ]
        )
        before = t.Compare("<=", rows.first(), since, False, span)
        return all_of([rows.call("any", recent), evolve(rows, where=between).call("none"), before])

    def sequence(self, given: Mapping[str, Any], rows: _Rows, at: str) -> t.Expr:
        """Did one thing, and then another."""
        test = self._named(given, rows.relation, "seq_event", "seq_event_type", at)
        count, unit = self._length(given, "seq_time", at)
        # There a month is 30 days in this place, and a year 365.
        within = t.Within(count * _DAYS.get(unit, 1), "day" if unit in _DAYS else unit, rows.span)
        step = t.Step("followed", False, rows.name, test, within, None, rows.span)
        return evolve(rows.call("any", self._last(given, at)), then=step)


_MOST = 100_000
"""Units in a range of time."""


@frozen
class _Rows:
    """The events that are meant."""

    name: t.Name
    relation: Relation
    where: t.Expr
    span: Any

    def call(self, function: str, window: t.Window | None = None) -> t.Call:
        """An aggregate of them."""
        arguments = (self.name,)
        return t.Call(function, arguments, False, window, self.where, None, self.span, self.span)

    def first(self) -> t.Call:
        """When the first of them was."""
        time = t.Name((*self.name.parts, str(self.relation.at)), self.span)
        return evolve(self.call("first"), arguments=(time,))


_Read = Callable[[_Cohort, Mapping[str, Any], _Rows, str], t.Expr]
_BEHAVIOURS: Mapping[str, tuple[frozenset[str], _Read]] = {
    "performed_event": (_EVENT_KEYS, _Cohort.performed),
    "performed_event_multiple": (_COUNT_KEYS, _Cohort.several),
    "performed_event_first_time": (_EVENT_KEYS, _Cohort.first),
    "stopped_performing_event": (_THEN_KEYS, _Cohort.stopped),
    "restarted_performing_event": (_THEN_KEYS, _Cohort.restarted),
    "performed_event_sequence": (_SEQUENCE_KEYS, _Cohort.sequence),
}
