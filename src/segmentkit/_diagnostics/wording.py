"""Terms: the words that a message puts in the places of its template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


def filled(wording: str, values: Mapping[str, Any]) -> str:
    """A wording with values in its places; without any, its brackets are only brackets."""
    return wording.format(**values) if values else wording


@frozen
class Term:
    """Words that are a part of a message, such as ``a number``, and are translated with it.

    Attributes:
        wording: The words in English, one of `TERMS`.
        values: What they name.
    """

    wording: str
    values: Mapping[str, Any] = field(factory=dict, hash=False)

    def __str__(self) -> str:
        return filled(self.wording, self.values)

    def __format__(self, spec: str) -> str:
        return str(self)


def term(wording: str, /, **values: Any) -> Term:
    """A term of the table, and what it names."""
    return Term(wording, values)


def either(words: list[str]) -> Term | str:
    """Words of which one is to be written."""
    if len(words) < 2:
        return "".join(words)
    return term("{first} or {last}", first=", ".join(words[:-1]), last=words[-1])


_OF_WHAT = {
    "bytes": "bytes in the catalog's file",
    "definitions": "definitions in the catalog",
    "parts": "parts in the catalog's definitions, written out",
    "list_bytes": "bytes in files of static lists",
}


def over(name: str, limit: int) -> dict[str, Any]:
    """What to say where there is more than a limit, which is given by its name."""
    return {"field": name, "limit": limit, "what": term(_OF_WHAT[name])}
