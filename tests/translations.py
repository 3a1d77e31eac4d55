"""The catalogs of messages in other languages, for gettext.

``python -m tests.translations`` writes the template ``segmentkit.pot`` from the tables of messages,
brings the ``.po`` of each language up to date, and compiles the ``.mo`` that the library reads. A
wording that is new, or has changed, is left without a translation; the tests tell which. To add a
language, call it with its code: ``python -m tests.translations de``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from segmentkit._diagnostics.languages import DOMAIN, LOCALES, TERM
from segmentkit._diagnostics.messages import CODES, HINTS
from segmentkit._diagnostics.terms import TERMS

TEMPLATE = LOCALES / f"{DOMAIN}.pot"
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)  # files depend on the wordings alone


def wordings() -> Iterator[tuple[str, str, str]]:
    """The context of each wording, the wording in English, and what it says."""
    for code in CODES.values():
        yield code.id, code.message, code.meaning
    for hint, wording in HINTS.items():
        yield f"hint {hint}", wording, CODES[hint].message if hint in CODES else ""
    for each in TERMS:
        yield TERM, each, ""


def languages() -> list[str]:
    """The languages that have a catalog."""
    return sorted(path.parts[-3] for path in LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def po_of(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    with po_of(language).open("rb") as stream:
        return read_po(stream, locale=language)


def translated(language: str) -> dict[tuple[str, str], str]:
    """What a language has, by context and wording; what is fuzzy counts as not translated."""
    return {
        (str(each.context), str(each.id)): str(each.string)
        for each in read(language)
        if each.id and each.string and not each.fuzzy
    }


def made(language: str | None, known: dict[tuple[str, str], str]) -> Catalog:
    """A catalog with every wording, and with the translations that are known."""
    found = Catalog(
        language,
        project="segmentkit",
        version="1",
        msgid_bugs_address="segmentkit",
        copyright_holder="the authors of segmentkit",
        header_comment="# Messages of segmentkit, by `python -m tests.translations`.",
        creation_date=_WRITTEN,
        revision_date=_WRITTEN,
        last_translator="segmentkit",
        language_team="segmentkit",
        fuzzy=False,
    )
    for context, wording, told in wordings():
        string = known.get((context, wording), "")
        comments = (told,) if told else ()
        found.add(wording, string, context=context, auto_comments=comments)
    return found


def text_of(catalog: Catalog) -> bytes:
    stream = BytesIO()
    write_po(stream, catalog, width=100)
    return stream.getvalue()


def compiled(language: str) -> bytes:
    """The ``.mo`` of the ``.po`` that is there."""
    stream = BytesIO()
    write_mo(stream, read(language))
    return stream.getvalue()


def write(language: str, known: dict[tuple[str, str], str]) -> None:
    """Write the files of a language."""
    path = po_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text_of(made(language, known)))
    path.with_suffix(".mo").write_bytes(compiled(language))


if __name__ == "__main__":
    LOCALES.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(text_of(made(None, {})))
    for code in [*languages(), *sys.argv[1:]]:
        write(code, translated(code) if po_of(code).exists() else {})
