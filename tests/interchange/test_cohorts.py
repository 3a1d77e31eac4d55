"""Cohorts of PostHog: the definitions that they become, beside answers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import segmentkit as sk
from segmentkit.interchange import RULES, ConversionError, from_cohort
from tests.interchange.test_react_querybuilder import JSON

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PEOPLE = sk.Schema(
    [
        sk.Entity(
            "people",
            key="id",
            attributes=[
                sk.Attribute("id", sk.INTEGER),
                sk.Attribute("email", sk.TEXT, nullable=True),
                sk.Attribute("created_at", sk.TIMESTAMP, nullable=True),
            ],
            documents=[sk.Document("properties", {"plan": sk.TEXT, "seats": sk.INTEGER, "beta": sk.BOOLEAN})],
            relations=[sk.Relation("events", key="who", at="at")],
        ),
        sk.Entity(
            "events",
            attributes=[sk.Attribute("at", sk.TIMESTAMP), sk.Attribute("event", sk.TEXT), sk.Attribute("$browser", sk.TEXT, nullable=True)],
            documents=[sk.Document("properties", {"price": sk.FLOAT})],
        ),
    ]
)  # fmt: skip


def did(value: str, key: str = "view", days: int = 30, **more: Any) -> dict[str, Any]:
    """A filter of behaviour."""
    return {
        "type": "behavioral",
        "value": value,
        "key": key,
        "event_type": "events",
        "time_value": days,
        "time_interval": "day",
        **more,
    }


def then(days: int) -> dict[str, Any]:
    return {"seq_time_value": days, "seq_time_interval": "day"}


def person(key: str, operator: str | None, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "person", "key": key, "operator": operator, "value": value, **more}


def group(*filters: Any, word: str = "AND") -> dict[str, Any]:
    return {"filters": {"properties": {"type": word, "values": list(filters)}}}


EVENT = 'event = "view"'
SAID = [
    (did("performed_event"), f"any(events in last 30 days where {EVENT})"),
    (did("performed_event", negation=True), f"not any(events in last 30 days where {EVENT})"),
    (did("performed_event", explicit_datetime="-2w"), f"any(events in last 2 weeks where {EVENT})"),
    (
        did("performed_event_multiple", operator="gte", operator_value=3),
        f"count(events in last 30 days where {EVENT}) >= 3",
    ),
    (
        did("performed_event_multiple", operator="lte", operator_value="3"),
        f"count(events in last 30 days where {EVENT}) between 1 and 3",
    ),
    (
        did("performed_event_multiple", operator="lt", operator_value=3),
        f"count(events in last 30 days where {EVENT}) between 1 and 2",
    ),
    (did("performed_event_multiple", operator="lt", operator_value=1), "false"),
    (
        did("performed_event_multiple", operator_value=2),
        f"count(events in last 30 days where {EVENT}) = 2",
    ),
    (did("performed_event_first_time"), f"first(events.at where {EVENT}) in last 30 days"),
    (
        did("stopped_performing_event", **then(7)),
        f"any(events in last 30 days where {EVENT}) and none(events in last 7 days where {EVENT})",
    ),
    (
        did("restarted_performing_event", **then(7)),
        f"any(events in last 7 days where {EVENT}) "
        f"and none(events where {EVENT} and at > 30 days ago and at <= 7 days ago) "
        f"and first(events.at where {EVENT}) <= 7 days ago",
    ),
    (
        did("performed_event_sequence", seq_event="buy", seq_event_type="events", **then(2)),
        f'any(events in last 30 days where {EVENT} followed by events where event = "buy" '
        "within 2 days)",
    ),
    (
        did(
            "performed_event",
            event_filters=[
                {
                    "type": "event",
                    "key": "$browser",
                    "operator": "exact",
                    "value": ["Chrome", "Edge"],
                },
                {"type": "event", "key": "price", "operator": "gt", "value": "9.5"},
            ],
        ),
        f'any(events in last 30 days where {EVENT} and `$browser` in ("Chrome", "Edge") '
        "and properties.price > 9.5)",
    ),
    (person("email", "icontains", "@x.com"), 'email contains "@x.com" ignoring case'),
    (person("email", "not_icontains", "x"), 'email not contains "x" ignoring case'),
    (person("email", "is_set"), "email is present"),
    (person("email", "is_not_set", "is_not_set"), "email is missing"),
    (person("plan", None, ["pro"]), 'properties.plan = "pro"'),
    (person("plan", "is_not", ["pro", "free"]), 'properties.plan not in ("pro", "free")'),
    (person("seats", "gte", "5", negation=True), "not properties.seats >= 5"),
    (person("beta", "exact", ["true"]), "properties.beta = true"),
    (person("created_at", "is_date_before", "2026-01-01"), "created_at < 2026-01-01"),
    ({"type": "cohort", "key": "id", "value": 7}, "in segment pro"),
    ({"type": "cohort", "key": "id", "value": "7", "negation": True}, "not in segment pro"),
]
PRO = sk.Segment.define("pro", 'properties.plan = "pro"', PEOPLE)


@pytest.mark.parametrize(("one", "definition"), SAID, ids=[text for _, text in SAID])
def test_said(one: Any, definition: str) -> None:
    """Filters become the definitions that a person would write."""
    found = from_cohort(group(one), PEOPLE, cohorts={7: PRO})
    assert found.definition == definition
    assert sk.Segment.define(None, definition, PEOPLE, segments=[PRO]) == found.segment
    assert (
        from_cohort(group(one)["filters"]["properties"], PEOPLE, cohorts={7: PRO}).segment
        == found.segment
    )


def test_groups() -> None:
    """Groups nest, and each event filter is about one event."""
    inner = {"type": "OR", "values": [person("plan", None, "pro"), did("performed_event")]}
    found = from_cohort(group(inner, person("email", "is_set")), PEOPLE, name="x")
    assert found.segment.name == "x"
    assert found.definition == (
        f'(properties.plan = "pro" or any(events in last 30 days where {EVENT})) and email is present'
    )
    assert [(each.rule, each.pointer) for each in found.differences] == [
        ("whole-days", "/filters/properties/values/0/values/1")
    ]


def _days(history: list[tuple[float, str]], name: str = "view") -> list[float]:
    return [days for days, event in history if event == name]


BY_HAND: dict[str, tuple[dict[str, Any], Callable[[list[tuple[float, str]]], bool]]] = {
    "performed": (did("performed_event"), lambda h: any(d < 30 for d in _days(h))),
    "at most 2": (
        did("performed_event_multiple", operator="lte", operator_value=2),
        lambda h: 0 < sum(d < 30 for d in _days(h)) <= 2,
    ),
    "first time": (
        did("performed_event_first_time"),
        lambda h: bool(_days(h)) and max(_days(h)) < 30,
    ),
    "stopped": (
        did("stopped_performing_event", **then(7)),
        lambda h: any(d < 30 for d in _days(h)) and not any(d < 7 for d in _days(h)),
    ),
    "restarted": (
        did("restarted_performing_event", **then(7)),
        lambda h: (
            any(d < 7 for d in _days(h))
            and not any(7 <= d < 30 for d in _days(h))
            and any(d >= 7 for d in _days(h))
        ),
    ),
    "sequence": (
        did("performed_event_sequence", seq_event="buy", seq_event_type="events", **then(2)),
        lambda h: any(0 < a - b <= 2 for a in _days(h) if a < 30 for b in _days(h, "buy")),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 1, 3, 6.5, 7.5, 8, 20, 29, 31, 60]), st.sampled_from(["view", "buy"])),
        max_size=4,
    )
)  # fmt: skip
def test_by_hand(name: str, history: list[tuple[float, str]]) -> None:
    """Each behaviour has the people whose days say so."""
    one, expected = BY_HAND[name]
    events = [{"at": NOW - timedelta(days=days), "event": event} for days, event in history]
    segment = from_cohort(group(one), PEOPLE).segment
    assert segment.matches({"id": 1, "events": events}, as_of=NOW) == expected(history)


AT = "/filters/properties/values/0"
REFUSED = [
    (did("performed_event_regularly"), "SK502", "/value"),
    (did("performed_event", event_type="actions", key=5), "SK502", "/event_type"),
    (did("performed_event", time_interval="fortnight"), "SK501", "/time_interval"),
    (did("performed_event", days=0), "SK501", "/time_value"),
    (did("performed_event", days=2**70), "SK013", "/time_value"),
    (did("performed_event", key=None), "SK501", "/key"),
    (did("performed_event", explicit_datetime="2026-01-01"), "SK502", "/explicit_datetime"),
    (did("performed_event", explicit_datetime="-5d", explicit_datetime_to="-1d"), "SK502", "/explicit_datetime"),
    (did("performed_event", total_periods=3), "SK501", "/total_periods"),
    (did("performed_event_multiple", operator="ne", operator_value=3), "SK501", "/operator"),
    (did("performed_event_multiple", operator="gte", operator_value=0), "SK501", "/operator_value"),
    (did("performed_event_first_time", event_filters=[{"type": "event", "key": "price", "operator": "is_set"}]), "SK502", "/event_filters"),
    (did("performed_event", event_filters=[{"type": "person", "key": "email"}]), "SK502", "/event_filters/0"),
    (did("performed_event", negation="yes"), "SK501", "/negation"),
    (person("emial", "is_set"), "SK101", "/key"),
    (person("email", "regex", "x"), "SK502", ""),
    (person("email", "exact", []), "SK501", "/value"),
    (person("email", "exact", 5), "SK501", "/value"),
    (person("email", "gt", "a"), "SK105", ""),
    (person("seats", "exact", True), "SK501", "/value"),
    ({"type": "cohort", "key": "id", "value": 8}, "SK117", "/value"),
    ({"type": "element", "key": "text", "value": "x"}, "SK502", ""),
    ({"type": "AND", "values": []}, "SK501", "/values"),
    ({"type": "XOR", "values": [1]}, "SK501", "/type"),
    (5, "SK501", ""),
]  # fmt: skip


@pytest.mark.parametrize(("one", "code", "pointer"), REFUSED, ids=range(len(REFUSED)))
def test_refused(one: Any, code: str, pointer: str) -> None:
    """What cannot be said is refused at its place."""
    with pytest.raises(ConversionError) as caught:
        from_cohort(group(one), PEOPLE, cohorts=[PRO.named("9")])
    found = caught.value
    assert (found.diagnostics[0].code, found.pointers[0]) == (code, AT + pointer)


def test_what_is_around_the_filters() -> None:
    """What may change the meaning beside the filters is refused, too."""
    cohort = group(person("email", "is_set"))
    cohort["filters"]["filterTestAccounts"] = True
    with pytest.raises(ConversionError) as caught:
        from_cohort(cohort, PEOPLE)
    assert caught.value.pointers == ("/filters/filterTestAccounts",)
    for given_ in (None, [], "[", {}, {"properties": None}):
        with pytest.raises(ConversionError):
            from_cohort(given_, PEOPLE)  # type: ignore[arg-type]
    with pytest.raises(ConversionError, match="no relation 'visits'"):
        from_cohort(group(did("performed_event")), PEOPLE, events="visits")


FILTERS = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["person", "behavioral", "cohort"]), "value": st.sampled_from([*["performed_event", "performed_event_multiple", "stopped_performing_event"], 5, "x", None])},
        optional={
            "key": st.sampled_from(["email", "plan", "view", "seats", None, 5]),
            "operator": st.sampled_from(["exact", "gte", "icontains", "is_set", None, 5]),
            "time_value": st.sampled_from([1, "30", -1, None, 1e400]),
            "time_interval": st.sampled_from(["day", "month", "x", None]),
            "event_type": st.sampled_from(["events", "actions"]),
            "operator_value": JSON,
            "event_filters": JSON,
            "seq_time_value": JSON,
        },
    )
    | JSON,
    lambda inner: st.fixed_dictionaries({"type": st.sampled_from(["AND", "OR", 5]), "values": st.lists(inner, max_size=3)}),
    max_leaves=5,
)  # fmt: skip


@given(FILTERS)
def test_any_json(filters: Any) -> None:
    """Any JSON at all gives a segment, which its text defines too, or a mistake with a place."""
    try:
        found = from_cohort(filters, PEOPLE)
    except ConversionError as error:
        assert all(each == "" or each.startswith("/") for each in error.pointers)
    else:
        assert sk.Segment.define(None, found.definition, PEOPLE) == found.segment
        assert all(each.rule in RULES for each in found.differences)
