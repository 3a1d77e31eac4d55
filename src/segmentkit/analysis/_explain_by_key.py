"""Why someone, found by key, is in a segment or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd
from attrs import frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._explaining.explain import Outline, every_test, outline
from segmentkit._explaining.explain import explain as put_together
from segmentkit._explaining.questions import Question
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._language.given import Constant, exact
from segmentkit._usage import expect
from segmentkit.dtypes import DATE
from segmentkit.errors import DataError, SchemaError
from segmentkit.explanation import Explanation
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source
from segmentkit.trait import Trait


def asked_about(segments: Iterable[Segment]) -> frozenset[str]:
    """The values that definitions ask about, in the language."""
    return frozenset(
        reading.value.text
        for each in segments
        for test in every_test(each)
        for reading in test.readings
    )


def explain(segment: Segment, source: Source, key: Any, *, as_of: AsOf = None) -> Explanation:
    """Explain why someone of the population is in a segment or not.

    Unlike `Segment.explain`, this needs no record, and it explains ranks and everything else that
    depends on other people. It evaluates each test as a segment and each value as a trait.

    Args:
        segment: The segment.
        source: The source of the population.
        key: The key of the person.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The explanation.

    Raises:
        DataError: Nobody has the key, or a parameter has no value.
        SchemaError: The schema does not declare the key as an attribute.
        UnsupportedError: The source cannot compute a construct.
    """
    check_source(source)
    expect(segment, Segment, "explain(segment, source, key)")
    segment._require_bound()
    at = utc_of(as_of, segment.schema)
    asked, only = outline(segment), _only(segment.schema, key)
    tests = {f"test {i}": each for i, each in enumerate(_conditions(asked))}
    segments = {name: _segment(each) & only for name, each in tests.items()}
    sizes = source.sizes({"them": only, **segments}, as_of=at)
    if not sizes["them"]:
        raise DataError(f"none of the {segment.schema.root} has the key {key!r}")
    holds = {id(each): sizes[name] > 0 for name, each in tests.items()}
    values = _values(asked, source, only, at)
    return put_together(segment, asked, _OfSource(holds, values), key, at.replace(tzinfo=None))


@frozen
class _OfSource:
    """Answers that were asked for all at once."""

    known: Mapping[int, bool]
    values: Mapping[int, Any]

    def holds(self, question: Question) -> bool:
        """Whether a condition holds of them."""
        return self.known[id(question)]

    def value(self, question: Question) -> Any:
        """What a value of theirs comes to."""
        return self.values.get(id(question))


def _only(schema: Schema, key: Any) -> Segment:
    """The segment of one key."""
    attribute = schema.entity.key_attribute
    if attribute is None:
        place = f"{schema.root}.{schema.entity.key}"
        raise SchemaError(f"to find somebody by key, declare {place} as an attribute")
    key = key.item() if hasattr(key, "item") else key
    if not isinstance(key, Constant):
        raise DataError(f"a key is a number or a text, not {type(key).__name__}")
    name, value = t.Name((attribute.name,), t.NOWHERE), t.Literal(exact(key), t.NOWHERE)
    test = t.Compare("=", name, value, False, t.NOWHERE)
    return Segment.define(None, format_tree(test), schema)


def _conditions(asked: Outline) -> Iterator[Question]:
    """The tests, and what else holds of somebody or does not."""
    for test in asked.tests():
        assert test.test is not None
        yield test.test
        for reading in test.readings:
            yield from reading.conditions()


def _segment(asked: Question) -> Segment:
    scope = asked.scope
    names: dict[str, Any] = {}
    if isinstance(scope.within, Segment):
        within = scope.within
        names = {"segments": within.references, "traits": within.traits, "lists": within.lists}
    return Segment.define(None, asked.text, scope.schema, **names)


def _values(asked: Outline, source: Source, only: Segment, at: datetime) -> dict[int, Any]:
    questions = [
        question
        for test in asked.tests()
        for reading in test.readings
        if reading.listed is None
        for question in (reading.value, *reading.rows)
    ]
    traits: dict[str, Trait] = {}
    names: dict[int, str] = {}
    for question in questions:
        trait = _trait(question, f"value {len(traits)}")
        same = next((name for name, other in traits.items() if other == trait), None)
        if same is None:
            same = str(trait.name)
            traits[same] = trait
        names[id(question)] = same
    if not traits:
        return {}
    found = source.values(list(traits.values()), of=only, as_of=at).iloc[0]
    return {each: _plain(found[name], traits[name]) for each, name in names.items()}


def _trait(question: Question, name: str) -> Trait:
    return Trait.define(name, question.text, question.scope.schema, traits=question.scope.traits)


def _plain(value: Any, trait: Trait) -> Any:
    """A value of a frame as Python has it."""
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        at = value.to_pydatetime()
        return at.date() if trait.dtype == DATE and isinstance(at, date) else at
    if isinstance(value, pd.Timedelta):
        return value.to_pytimedelta()
    return value.item() if hasattr(value, "item") else value
