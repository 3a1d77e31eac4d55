"""Calendar arithmetic against independent computation: brute force and dateutil's rules."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentkit._calendar import (
    EXACT_UNITS,
    add_days,
    add_months,
    anniversaries,
    clock_steps,
    first_instant,
    latest_birth,
    local,
    midnight_steps,
    month_day,
    shift,
    shift_date,
    start_date,
    start_of,
    to_utc,
    years_between,
)

ZONES = [
    "UTC", "Europe/Kyiv", "America/New_York", "America/Havana", "America/Sao_Paulo", "Asia/Kolkata",
    "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Monrovia", "Asia/Beirut",
]  # fmt: skip
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(1900, 1, 1), date(2100, 12, 31))
instants = st.datetimes(datetime(1900, 1, 2), datetime(2100, 12, 30))
calendar_units = st.sampled_from(["day", "week", "month", "quarter", "year"])


# -- days, months and years -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "moved"),
    [
        ("2026-03-31", -1, "2026-02-28"),
        ("2024-03-31", -1, "2024-02-29"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2026-08-31", -6, "2026-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2024-02-29", -12 * 4, "2020-02-29"),
        ("1904-02-29", -48, "1900-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-01-15", -1, "2025-12-15"),
        ("2026-01-15", -13, "2024-12-15"),
        ("9999-12-01", 1, "9999-12-31"),
        ("0001-01-31", -1, "0001-01-01"),
        ("2026-05-31", 0, "2026-05-31"),
        ("2026-05-31", 10**30, "9999-12-31"),
        ("2026-05-31", -(10**30), "0001-01-01"),
    ],
)
def test_months(day: str, months: int, moved: str) -> None:
    """Months are clamped at the month's end and held within the calendar."""
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(moved)


@given(days, st.integers(-600, 600))
def test_months_one_by_one(day: date, count: int) -> None:
    """So many months away is the same day of that month, or its last day."""
    year, month = day.year, day.month
    for _ in range(abs(count)):
        month += 1 if count > 0 else -1
        if month in (0, 13):
            year, month = (year + 1, 1) if month else (year - 1, 12)
    last = monthrange(year, month)[1]
    assert add_months(day, count) == date(year, month, min(day.day, last))


@given(st.dates(), st.integers(-(10**7), 10**7))
def test_days(day: date, count: int) -> None:
    """Days are counted, and end with the calendar."""
    number = min(max(day.toordinal() + count, date.min.toordinal()), date.max.toordinal())
    assert add_days(day, count) == date.fromordinal(number)


@given(days, st.integers(-50, 50))
def test_longer_units_are_made_of_shorter_ones(day: date, count: int) -> None:
    """A week is seven days, a quarter three months and a year twelve."""
    assert shift_date(day, count, "week") == add_days(day, 7 * count)
    assert shift_date(day, count, "quarter") == add_months(day, 3 * count)
    assert shift_date(day, count, "year") == add_months(day, 12 * count)


@given(days, calendar_units)
def test_units_hold_their_days(day: date, unit: str) -> None:
    """The current unit begins on or before today, the next one after it; units do not overlap."""
    first, following = start_date(day, 0, unit), start_date(day, 1, unit)
    assert first <= day < following
    for inside in (first, day, following - timedelta(days=1)):
        assert start_date(inside, 0, unit) == first
    assert start_date(following, -1, unit) == first


@pytest.mark.parametrize(
    ("unit", "start"),
    [
        ("day", "2026-05-09"),
        ("week", "2026-05-04"),
        ("month", "2026-05-01"),
        ("quarter", "2026-04-01"),
        ("year", "2026-01-01"),
    ],
)
def test_starts(unit: str, start: str) -> None:
    """Weeks begin on Monday, quarters in January, April, July and October."""
    assert start_date(date(2026, 5, 9), 0, unit) == date.fromisoformat(start)


# -- zones ----------------------------------------------------------------------------------------


@given(instants, zones)
def test_local_and_back(instant: datetime, zone: ZoneInfo) -> None:
    """The clock on the wall tells the instant again, the fold included."""
    assert to_utc(local(instant, zone), zone) == instant


@given(days, zones)
def test_first_instants(day: date, zone: ZoneInfo) -> None:
    """A day's first instant is the first one whose date is that day, by search."""
    found = first_instant(day, zone)
    assert local(found, zone).date() >= day
    assert local(found - timedelta(microseconds=1), zone).date() < day
    guess = datetime(day.year, day.month, day.day) - timedelta(hours=27)
    quarters = (guess + timedelta(minutes=15 * i) for i in range(4 * 54))
    first = next(q for q in quarters if local(q, zone).date() >= day)
    assert timedelta() <= first - found < timedelta(minutes=15)


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("UTC", "2026-05-09", "2026-05-09T00:00"),
        ("Europe/Kyiv", "2026-05-09", "2026-05-08T21:00"),
        ("Europe/Kyiv", "2026-03-29", "2026-03-28T22:00"),
        ("Europe/Kyiv", "2026-10-25", "2026-10-24T21:00"),
        # The clock jumps from midnight to one: the day begins with the jump.
        ("America/Havana", "2026-03-08", "2026-03-08T05:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00"),
        # Midnight comes twice: the day begins the first time.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00"),
        # There was no such day on this island; it begins and ends with the jump.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
    ],
)
def test_days_that_begin_oddly(zone: str, day: str, instant: str) -> None:
    """Days begin at their first instant, whatever the clock does at midnight."""
    found = first_instant(date.fromisoformat(day), ZoneInfo(zone))
    assert found == datetime.fromisoformat(instant)


@given(st.data(), zones)
def test_steps(data: st.DataObject, zone: ZoneInfo) -> None:
    """The steps of a clock tell what the zone tells, most of all next to a step."""
    years = range(1990, 2030)
    day = timedelta(days=1)
    for steps, unit in ((clock_steps, timedelta(microseconds=1)), (midnight_steps, day)):
        found = steps(zone, years)
        inside = st.datetimes(datetime(1990, 1, 1), datetime(2029, 12, 31))
        near = [at for at, _ in found if at.year in years] or [datetime(2000, 1, 1)]
        for at in (data.draw(inside), data.draw(st.sampled_from(near))):
            for time in (at - unit, at, at + unit):
                if time.year not in years:
                    continue
                if unit == day:
                    time = datetime(time.year, time.month, time.day)  # noqa: PLW2901
                    expected = time - first_instant(time.date(), zone)
                else:
                    expected = local(time, zone) - time
                assert [s for since, s in found if since <= time][-1] == expected.total_seconds()


@pytest.mark.parametrize(
    ("clock", "fold", "instant"),
    [
        ("2026-03-29T02:59", 0, "2026-03-29T00:59"),
        ("2026-03-29T03:30", 0, "2026-03-29T01:30"),
        ("2026-03-29T04:00", 0, "2026-03-29T01:00"),
        ("2026-10-25T03:30", 0, "2026-10-25T00:30"),
        ("2026-10-25T03:30", 1, "2026-10-25T01:30"),
    ],
)
def test_clock_times_that_are_missing_or_come_twice(clock: str, fold: int, instant: str) -> None:
    """A clock time in a gap is read by the offset before it, one in a fold by ``fold``."""
    value = datetime.fromisoformat(clock).replace(fold=fold)
    assert to_utc(value, ZoneInfo("Europe/Kyiv")) == datetime.fromisoformat(instant)


@given(instants, zones, st.integers(-1000, 1000), st.sampled_from(sorted(EXACT_UNITS)))
def test_exact_units(instant: datetime, zone: ZoneInfo, count: int, unit: str) -> None:
    """Seconds to weeks are lengths, whatever the clock does meanwhile."""
    words = {f"{unit}s": count}
    assert shift(instant, count, unit, zone) == instant + timedelta(**words)


@given(instants, zones, st.integers(-60, 60), st.sampled_from(["month", "quarter", "year"]))
def test_calendar_units(instant: datetime, zone: ZoneInfo, count: int, unit: str) -> None:
    """Months to years move the date on the wall and keep the clock, unless that time is missing."""
    before, after = local(instant, zone), local(shift(instant, count, unit, zone), zone)
    wanted = datetime.combine(shift_date(before.date(), count, unit), before.time())
    if after.replace(fold=0) != wanted.replace(fold=0):
        # It was in a gap: no instant shows that clock.
        assert local(to_utc(wanted, zone), zone).replace(fold=0) != wanted.replace(fold=0)
        assert abs(after - wanted) <= timedelta(hours=24)


@given(instants, zones, calendar_units, st.integers(-5, 5))
def test_calendar_windows_meet(instant: datetime, zone: ZoneInfo, unit: str, count: int) -> None:
    """A unit ends where the next begins, and the current one holds the instant."""
    starts = [start_of(instant, count + i, unit, zone) for i in range(3)]
    assert starts == sorted(starts)
    assert start_of(instant, 0, unit, zone) <= instant < start_of(instant, 1, unit, zone)
    today = local(instant, zone).date()
    assert starts[0] == first_instant(start_date(today, count, unit), zone)


@given(instants, zones, st.sampled_from(["second", "minute", "hour"]))
def test_clock_windows_meet(instant: datetime, zone: ZoneInfo, unit: str) -> None:
    """The current second, minute or hour begins when the clock shows it whole."""
    first, following = start_of(instant, 0, unit, zone), start_of(instant, 1, unit, zone)
    assert first <= instant < following
    assert following - first == timedelta(**{f"{unit}s": 1})
    clock = local(first, zone)
    assert clock.microsecond == 0
    assert unit == "second" or clock.second == 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("instant", [datetime.min, datetime.max], ids=["first", "last"])
@pytest.mark.parametrize("unit", ["second", "minute", "hour", "day", "week", "month", "year"])
@pytest.mark.parametrize("count", [-(10**18), -1, 0, 1, 10**18])
def test_the_ends_of_the_calendar(zone: str, instant: datetime, unit: str, count: int) -> None:
    """Beyond its ends the calendar stands still; nothing fails."""
    where = ZoneInfo(zone)
    for found in (shift(instant, count, unit, where), start_of(instant, count, unit, where)):
        assert datetime.min <= found <= datetime.max
    far = timezone(timedelta(hours=14))
    for offset in (far, timezone(-timedelta(hours=14)), UTC):
        assert isinstance(to_utc(instant.replace(tzinfo=offset), where), datetime)


# -- birthdays ------------------------------------------------------------------------------------


def birthday(birth: date, year: int) -> date:
    """By the law of most countries: of those born on 29 February, on the 28th in common years."""
    try:
        return birth.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def age(birth: date, today: date) -> int:
    years = today.year - birth.year
    return years if birthday(birth, today.year) <= today else years - 1


births = st.one_of(days, st.sampled_from([date(2000, 2, 29), date(1999, 2, 28), date(2004, 3, 1)]))
todays = st.one_of(
    days,
    st.sampled_from([date(2026, 2, 28), date(2024, 2, 28), date(2024, 2, 29), date(2026, 3, 1)]),
)


@given(births, todays)
def test_ages(birth: date, today: date) -> None:
    """An age is the number of birthdays passed."""
    assert years_between(birth, today) == age(birth, today)


@given(births, todays, st.integers(-5, 130))
def test_latest_births(birth: date, today: date, years: int) -> None:
    """Someone is so many years old exactly when born on the latest such day or before."""
    latest = latest_birth(years, today)
    assert (latest is not None and birth <= latest) == (age(birth, today) >= years)


@pytest.mark.parametrize(
    ("years", "today", "latest"),
    [
        (18, "2026-05-09", "2008-05-09"),
        (18, "2026-02-28", "2008-02-29"),
        (18, "2024-02-28", "2006-02-28"),
        (18, "2024-02-29", "2006-02-28"),
        (0, "2026-05-09", "2026-05-09"),
        (-1, "2026-05-09", "2027-05-09"),
        (2025, "2026-05-09", "0001-05-09"),
        (2026, "2026-05-09", None),
        (-7973, "2026-05-09", "9999-05-09"),
        (-7974, "2026-05-09", "9999-12-31"),
        (10**30, "2026-05-09", None),
        (-(10**30), "2026-05-09", "9999-12-31"),
    ],
)
def test_latest_births_at_the_edges(years: int, today: str, latest: str | None) -> None:
    """Leap days, birthdays in the future, and the calendar's ends."""
    wanted = None if latest is None else date.fromisoformat(latest)
    assert latest_birth(years, date.fromisoformat(today)) == wanted


@given(births, todays, st.integers(0, 400))
def test_anniversaries(birth: date, first: date, length: int) -> None:
    """A day of the year is in a range exactly when one of the birthdays is, by search."""
    last = first + timedelta(days=length)
    wanted = any(first <= birthday(birth, y) <= last for y in range(first.year, last.year + 1))
    found = anniversaries(first, last)
    if found is None:
        assert wanted
        return
    low, high = found
    number = month_day(birth)
    inside = low <= number <= high if low <= high else number >= low or number <= high
    assert inside == wanted


def test_anniversaries_of_a_year() -> None:
    """A range of a year or more holds everyone's; one that ends on 28 February, leap days."""
    assert anniversaries(date(2026, 5, 9), date(2027, 5, 8)) is None
    assert anniversaries(date(2026, 5, 9), date(2027, 5, 7)) == (509, 507)
    assert anniversaries(date(2026, 2, 20), date(2026, 2, 28)) == (220, 229)
    assert anniversaries(date(2024, 2, 20), date(2024, 2, 28)) == (220, 228)
    assert anniversaries(date(2026, 12, 30), date(2027, 1, 2)) == (1230, 102)
    assert anniversaries(date(9999, 12, 30), date.max) == (1230, 1231)
