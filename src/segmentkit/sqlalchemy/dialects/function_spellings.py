"""Spellings of functions that databases have no word for, made of what they have."""

from __future__ import annotations

# The remainder of a division has the sign of the dividend there. The least whole number divided by
# -1 is beyond the greatest.
MODULO = (
    "CASE WHEN {0} IS NULL OR {1} = 0 THEN NULL WHEN {1} = -1 THEN 0"
    " WHEN ~ < 0 AND {1} > 0 OR ~ > 0 AND {1} < 0 THEN ~ + {1} ELSE ~ END"
)
"""The remainder with the sign of the divisor; ~ is the one that the database computes."""


_SPLIT = "split_part({0}, '{1}', {2})"
# Of a text with more dots than it has, all of which are there.
SPLIT_BY_INDEX = "substring_index(substring_index(concat({0}, '{1}{1}{1}'), '{1}', {2}), '{1}', -1)"


def version_by(
    replaced: str,
    sign: int,
    text: str = "{0}",
    *,
    split: str = _SPLIT,
    padded: str = "lpad({0}, 18, '0')",
) -> str:
    """How the key of a version is made.

    Args:
        replaced: How all places are replaced that match a pattern, in a text, by another.
        sign: The first operand that writes a group as the database does.
        text: The text.
        split: The part between signs of a text; its number is {2}.
        padded: Digits of one length.
    """
    whole = split.format(text, "+", 1)
    core = f"replace({split.format(whole, '-', 1)}, 'v', '')"
    numbers = ", '!!#', ".join(padded.format(split.format(core, ".", n)) for n in range(1, 5))
    place = f"position('-' in {whole})"
    names = f"concat('!', replace(substr({whole}, {place} + 1), '.', '!!'), '!')"
    for operand in (2, 5):
        names = replaced.format(names, f"{{{operand}}}", f"{{{operand + sign - 2}}}")
    # Few have names, which take their time.
    rest = f"CASE WHEN {place} = 0 THEN '!~!' ELSE {names} END"
    return f"CASE WHEN {{1}} THEN concat('!#', {numbers}, '!', {rest}) END"


_DAYS_AFTER_MONDAY = "((datediff(day, '19000101', {0}) % 7 + 7) % 7)"
"""SQL Server's own weekdays depend on a setting; 1 January 1900 was a Monday."""

MONDAYS = {
    "sqlite": "date({0}, '-6 days', 'weekday 1')",
    "mysql": "({0} - interval weekday({0}) day)",
    "clickhouse": "addDays({0}, 1 - toDayOfWeek({0}))",
    "mssql": f"dateadd(day, -{_DAYS_AFTER_MONDAY}, {{0}})",
    # Sail's weekday() is not Spark's.
    "spark": "date_sub({0}, (dayofweek({0}) + 5) % 7)",
    "oracle": "trunc({0}, 'IW')",
}
"""The Monday with which a date's week begins."""

ORDINALS = {
    # Days begin at noon there, so that midnights end in a half.
    "sqlite": "CAST(julianday({0}) - 1721424.5 AS INTEGER)",
    # Its calendar begins with the day 366.
    "mysql": "(to_days({0}) - 365)",
    "clickhouse": "(toInt32(toDate32({0})) + 719163)",
    "mssql": "(datediff(day, '00010101', {0}) + 1)",
    "spark": "(datediff({0}, DATE '0001-01-01') + 1)",
    "oracle": "(trunc({0}) - DATE '0001-01-01' + 1)",
}
"""What number a date has in the calendar: 1 for its first."""

WEEKDAYS = {
    "sqlite": "((strftime('%w', {0}) + 6) % 7 + 1)",
    "mysql": "(weekday({0}) + 1)",
    "clickhouse": "toDayOfWeek({0})",
    "mssql": f"({_DAYS_AFTER_MONDAY} + 1)",
    "spark": "((dayofweek({0}) + 5) % 7 + 1)",
    "oracle": "(trunc({0}) - trunc({0}, 'IW') + 1)",
}
"""From 1 for Monday to 7 for Sunday."""

_FROM = "CASE WHEN {0} < DATE '0001-01-07' THEN DATE '0001-01-01' ELSE ~ END"
"""No week begins before the calendar does. What is left is said with as few {0} as can be: what a
clock of a zone shows is a long expression."""
FIRST_SUNDAY = _FROM.replace(
    "~", "CAST(date_trunc('week', CAST({0} + 1 AS TIMESTAMP)) AS DATE) - 1"
)
FIRST_SUNDAYS = {
    "sqlite": "max(date({0}, '-6 days', 'weekday 0'), '0001-01-01')",
    # The calendar begins with the day 366, a Monday.
    "mysql": "from_days(greatest((to_days({0}) - 1) div 7 * 7 + 1, 366))",
    # Its days are those of 1900 to 2299.
    "clickhouse": "addDays({0}, -(toDayOfWeek({0}) % 7))",
    "mssql": "CASE WHEN {0} < '00010107' THEN CAST('00010101' AS DATE) ELSE dateadd(day, "
    "datediff(day, CAST('00010107' AS DATE), {0}) / 7 * 7, CAST('00010107' AS DATE)) END",
    "spark": _FROM.replace("~", "date_sub(trunc(date_add({0}, 1), 'WEEK'), 1)"),
    "oracle": _FROM.replace("~", "trunc({0} - 6, 'IW') + 6"),
}
"""The Sunday with which a date's week begins."""
