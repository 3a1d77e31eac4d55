"""Versions, such as 1.10.0-rc.1: which texts are one, and a key of each by which they are in order.

The order is that of semantic versioning 2.0.0, section 11: numbers count as numbers, a pre-release
comes before its release, and build marks do not count. Keys are compared by code point. Databases
make them by replacements.
"""

from __future__ import annotations

import re

_DIGITS = 18
"""So many a number has at most, and has all of in a key."""
_NUMBER = f"[0-9]{{1,{_DIGITS}}}"
_NUMBERS = rf"{_NUMBER}(\.{_NUMBER}){{0,3}}"
_NAME = rf"({_NUMBER}|[0-9]*[A-Za-z\-][0-9A-Za-z\-]*)"
_NAMES = rf"{_NAME}(\.{_NAME})*"
_MARKS = r"[0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*"
VERSIONS = rf"v?{_NUMBERS}(\-{_NAMES})?(\+{_MARKS})?"
"""The pattern of what is a version."""

# In a key, each number and each name of the pre-release stands between two "!", and "~" where it
# is none. Of these signs, "!" comes first, then "#", with which numbers begin, then all that names
# are made of, and then "~".
REPLACEMENTS = (
    ("!([0-9]+)!", f"!#{'0' * _DIGITS}{{0}}1!"),
    # As few as may be: engines try fewer ways, and there is one match in any case.
    (f"#[0-9]*?([0-9]{{{_DIGITS}}})!", "#{0}1!"),
)
"""What gives the numbers among names all of their digits: regular expressions, and what takes the
place of each, with the sign before a group as {0}."""

_VERSION = re.compile(rf"v?(?P<numbers>{_NUMBERS})(\-(?P<names>{_NAMES}))?(\+{_MARKS})?")


def version_key(text: str | None) -> str | None:
    """The key of a version; None of what is no version."""
    found = None if text is None else _VERSION.fullmatch(text)
    if found is None:
        return None
    numbers = [*found["numbers"].split("."), "0", "0", "0"][:4]
    names = (found["names"] or "~").split(".")
    parts = (f"#{p:0>{_DIGITS}}" if p.isdecimal() else p for p in (*numbers, *names))
    return "".join(f"!{part}!" for part in parts)
