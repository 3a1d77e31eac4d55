"""Warnings: where they are true, and only there."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import pytest

from segmentkit import INTEGER, Attribute, Entity, Schema, Segment, Trait
from segmentkit.analysis._rfm import Scale
from tests.test_messages import SHOP
from tests.test_names_in_positions import SHOP as WIDE

NOON = datetime(2026, 5, 1, 12)


def _codes(definition: str, schema: Schema = SHOP, **names: Any) -> list[str]:
    return [w.code for w in Segment.define(None, definition, schema, **names).warnings]


PRESENT = """
    not (age < 18) and age is present
    age >= 10 and not age >= 18
    not age >= 18 and (age >= 10 and vip)
    (age >= 10 or age is present) and not age >= 18
    (age = 3 or age in (4, 5)) and age != 7
    age between 1 and 7 and (age != 3 or age != 4)
    not (age < 10 or age >= 18) and age is present
    not (age is missing or age < 18)
    age is missing or not age < 18
    born in last 900 days and not age(born) >= 65
    age(born) >= 18 and born != 2000-01-01
    age + 1 > 4 and not age > 18
    country = "UA" and not country in ("PL", "US")
    name starts with "a" and name not contains "b"
    tags contains "a" and tags not contains "b"
    name = country and name != "a"
    top 10 by age and age != 5
    any(orders where amount > 4 and amount != 5)
    any(orders where customers.age != 5) and age > 3
    default(age, 0) != 3
    not (default(age, age) != 3) and age > 1
    id != 3
    not any(orders)
    not (vip and any(orders))
"""
MISSING = """
    not (age < 18)
    age != 3
    (age >= 10 or vip) and not age >= 18
    age >= 10 or not age >= 18
    not (age >= 10 and age < 18)
    not (age >= 10 and not age >= 18)
    age is missing and not age < 18
    name is present and not age < 18
    any(orders where amount > 4) and any(orders where amount != 5)
    age > 3 and top 3 by id among (age != 4)
    not top 3 by age
    not 3 between 1 and age
    country = "UA" and name != country
    not (born in last 7 days) and age > 3
    age > 3 and 12 / age != 4
    tags not contains "a"
    company.industry != "a"
"""
DAYS = """
    seen = 2026-05-01
    2026-05-01 = seen
    seen = today
    seen = born
    born = seen
    seen in (2026-05-01)
    seen in (2026-05-01, 2026-05-02, 2026-05-01T12:00)
    born in (2026-05-01T12:00Z)
    born = 7 days ago
    born = now
    born != now and born is present and seen is present
    last(orders.placed_at) = today
    any(orders where placed_at = 2026-05-01)
    seen <= 2026-05-01
    2026-05-01 >= seen
    seen > 2026-05-01
    seen <= today
    seen > born
    born < now
    now > born
    born >= 2026-05-01T12:00
    born between now and 7 days from now
    count(stays between 7 days ago and now) > 1
"""
NO_DAYS = """
    seen < 2026-05-01
    seen >= 2026-05-01
    seen in 2026-05-01
    seen between 2026-05-01 and 2026-05-02
    day(seen) = today
    day(seen) <= 2026-05-01
    born <= now
    born > 7 days ago
    born = 2026-05-01
    born < 2026-05-01T00:00
    born in (2026-05-01T00:00, 2026-05-02T00:00)
    born <= today
    born between today and 7 days from now
    seen = 2026-05-01T12:00
"""
EMPTY = """
    age between 10 and 5
    not age between 10 and 5 and age is present
    seen between 2026-05-02 and 2026-05-01
    seen between 2026-05-01T12:00 and 2026-05-01T11:59
    born between today and 1 month ago
    seen between now and 7 days ago
    seen in last 0 days
    born in next 0 weeks
    seen in previous 0 months
    count(orders in last 0 days) = 0
    count(orders between 2026-05-02 and 2026-05-01) = 0
    anniversary(born) in last 0 days
"""
NOT_EMPTY = """
    age between 5 and 5
    seen between 2026-05-01 and 2026-05-01
    seen between today and now
    born between 30 days ago and 1 month ago
    seen between :start and 2020-01-01
    seen between born and 2020-01-01
    born in this month
"""
CONSTANT = """
    1 = 2
    vip and 2 > 1
    "Churn" = "Yes"
    "name" contains "a"
    "DK" in ("DK", "NO")
    3 between 1 and 5
    1 + 1 = 2
    2026-05-01 < 2026-05-02
    any(orders where 1 = 1)
    1 is missing
"""
NOT_CONSTANT = """
    true
    vip or false
    now >= 2026-05-01T12:00
    today between 2026-05-01 and 2026-06-01
    age(2000-01-01) > 18
    :all = "yes" or vip
    today = 2026-05-01
"""
ITSELF = """
    age = age
    age != age
    age < age
    name = name ignoring case
    age + 1 >= age + 1
    count(orders) = count(orders)
    any(orders where amount = amount)
    any(orders followed by orders where status = status)
"""
NOT_ITSELF = """
    age = age + 1
    age = id
    any(orders where placed_at < customers.seen)
"""


def _each(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(("code", "told", "silent"), [
    ("SK201", MISSING, PRESENT),
    ("SK202", DAYS, NO_DAYS),
    ("SK203", EMPTY, NOT_EMPTY),
    ("SK204", CONSTANT, NOT_CONSTANT),
    ("SK205", ITSELF, NOT_ITSELF),
    ("SK206", "seen = now\n seen = 7 days ago\n 7 days ago != seen", "seen <= now\n seen = born"),
])  # fmt: skip
def test_warnings_are_told_where_they_are_true(code: str, told: str, silent: str) -> None:
    """A warning stands for what is in the definition, and nothing else brings it about."""
    assert [d for d in _each(told) if code not in _codes(d)] == []
    assert [d for d in _each(silent) if code in _codes(d)] == []


@pytest.mark.parametrize("definition", [*_each(DAYS), *_each(EMPTY), "seen = 7 days ago"])
def test_hints_lead_to_what_is_meant(definition: str) -> None:
    """What a hint says to write has no such warning, in the place of what it is about."""
    for warning in Segment.define(None, definition, SHOP).warnings:
        if warning.code == "SK201":
            continue
        (meant,) = re.findall("write '(.*?)'", str(warning.hint))
        if definition.startswith(("count", "any")):
            # Of a window in brackets, the words before it stand there already.
            meant = re.sub("^(orders|stays) (in|between) ", "", meant)
            start, end = warning.span.start, warning.span.end
            meant = definition[:start] + meant + definition[end:]
        assert warning.code not in _codes(meant)


def test_a_day_is_the_whole_day() -> None:
    """The definition that the hint gives holds of every instant of the day, and of no other day."""
    record = {"id": 1, "seen": datetime(2026, 5, 1, 18), "born": date(2026, 5, 1)}
    for written, holds in {
        "seen = 2026-05-01": True, "seen = today": True, "seen <= 2026-05-01": True,
        "seen > 2026-05-01": False, "seen in (2026-05-01)": True, "born = now": True,
        "born < now": False, "born = 0 days ago": True, "seen <= today": True, "born = seen": True,
        "seen != 2026-05-01": False, "born between now and 7 days from now": True,
    }.items():  # fmt: skip
        segment = Segment.define(None, written, SHOP)
        (hint,) = [w.hint for w in segment.warnings if w.code == "SK202"]
        (meant,) = re.findall("write '(.*)' for the whole day", str(hint))
        assert Segment.define(None, meant, SHOP).matches(record, as_of=NOON) is holds, meant
        assert segment.matches(record, as_of=NOON) is not holds, written


def test_a_reference_proves_presence() -> None:
    """What a referenced segment or a trait tests counts as if it were written out."""
    adults = Segment.define("adults", "age >= 18", SHOP)
    years = Trait.define("years", "age(born)", SHOP)
    assert _codes("in segment adults and age != 30", segments=[adults]) == []
    assert _codes("age != 30", segments=[adults]) == ["SK201"]
    assert _codes("years > 3 and years != 4", traits=[years]) == []
    assert _codes("born is present and years != 4", traits=[years]) == []


def test_groups_of_rfm_have_no_warnings() -> None:
    """The library's own groups exclude scores of whoever is scored, so nobody is missing."""
    nullable = Attribute("spent", INTEGER, nullable=True)
    visits = Attribute("visits", INTEGER, nullable=True)
    people = Schema(
        [Entity("people", key="id", attributes=[Attribute("id", INTEGER), nullable, visits])]
    )
    scale = Scale("spent", "spent is present", 5)
    assert Segment.define(None, scale.definition(2, 3), people).warnings == ()
    scale = Scale("visits", "true", bounds=[2, 4, 8, 16])
    assert Segment.define(None, scale.definition(2, 3), people).warnings == ()


def test_values_in_rows_are_of_their_row() -> None:
    """That an order has a value does not say that a visit has it."""
    told = _codes("any(orders where o_number = 1) and any(visits where maybe_o_number != 1)", WIDE)
    assert told == ["SK201"]
