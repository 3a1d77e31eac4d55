"""``ignoring case`` is Python's case folding, on every database, for every letter there is."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from segmentkit import INTEGER, TEXT, Attribute, Entity, Schema, SchemaError, Segment
from segmentkit._operators import fold_case
from segmentkit.sqlalchemy import prepare, tables_from, verify
from segmentkit.sqlalchemy.dialects.case_folding import DOTTED, MULTIPLE, RARE, SINGLE, one_of
from segmentkit.sqlalchemy.dialects.elements import FoldedCase
from tests.targets import DATABASES, TARGETS, Target
from tests.targets.databases import Database, another

NOON = datetime(2026, 5, 1, 12)
PAGE = Path(__file__).parents[1] / "docs" / "targets.md"
CHARACTERS = [chr(code) for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000]
"""All that may have case; the planes beyond hold Chinese characters."""

CASED = [
    c for c in CHARACTERS if unicodedata.category(c) in ("Lu", "Ll", "Lt") or c != c.swapcase()
]


def newer() -> set[str]:
    """The letters of which the page says that they are too new for some."""
    rows = re.findall(r"^\| Unicode 1\d \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) >= 3
    ranges = [re.findall(r"U\+([0-9A-F]+)", each) for row in rows for each in row.split(",")]
    return {chr(code) for ends in ranges for code in range(int(ends[0], 16), int(ends[-1], 16) + 1)}


def small(character: str) -> str:
    """What a database's ``lower`` makes of a character: one small character."""
    found = character.lower()
    return found if len(found) == 1 else character


def test_equal_when_folded_is_what_unicode_says() -> None:
    """Two characters have one folded form where Unicode folds them to one, and only there."""
    folded = {c: fold_case(c) for c in CHARACTERS}
    by_unicode: dict[str, set[str]] = {}
    for character, form in folded.items():
        by_unicode.setdefault(character.casefold(), set()).add(form)
    assert all(len(forms) == 1 for forms in by_unicode.values())
    assert len(set(folded.values())) == len(by_unicode)


def test_the_lists_of_letters_are_complete() -> None:
    """Folding is ``lower`` and the letters of the two lists; the dotted capital I goes first."""
    left = {small(c) for c in CHARACTERS if small(c) != fold_case(c)} - newer()
    assert left == set(RARE)
    assert all(len(fold_case(c)) == 1 for c in SINGLE)
    assert all(len(fold_case(c)) > 1 for c in MULTIPLE)
    assert {c for c in CHARACTERS if c == DOTTED or c.lower() in RARE} == set(one_of(RARE)[1:-1])


@pytest.mark.parametrize("database", DATABASES, ids=lambda database: database.name)
def test_every_character(database: Database) -> None:
    """Every database folds every character as Python does, but those that the page tells."""
    text = "\n".join(f"a{c}" for c in CASED)
    found = database.connection.scalar(sa.select(FoldedCase(sa.literal(text)))).split("\n")
    pairs = zip(text.split("\n"), found, strict=True)
    different = {line[-1] for line, folded in pairs if folded != fold_case(line)}
    assert different <= newer()


@pytest.mark.parametrize("database", DATABASES, ids=lambda database: database.name)
def test_words(database: Database) -> None:
    """Letters fold the same wherever in a word they stand, and none is taken for another."""
    words = [
        "ΟΔΟΣ", "οδος", "ΣΑΣ ΣΑΣ", "Straße", "STRAẞE", "İstanbul", "ISTANBUL", "ıstanbul", "Їжак",
        "ЩЁ", "ſtraſse", "ΐ", "\u0390", "\u1fd3", "ΑΙ", "ᾳ", "ᾼ", "ﬁne", "Ǆ ǅ ǆ", "K Å Ω", "ᏣᎳᎩ ꮳꮃꭹ",
        "\N{DESERET CAPITAL LETTER LONG I}", "ᲜᲘᲜᲝ", "Եվ ԵՒ և", "e\u0301 É", "i\u0307", "%_\\'\"",
        "a\tb ", "", "😀",
    ]  # fmt: skip
    found = database.connection.scalar(sa.select(FoldedCase(sa.literal("\n".join(words)))))
    assert found.split("\n") == list(map(fold_case, words))


NAMES = Schema(
    [Entity("people", key="id", attributes=[Attribute("id", INTEGER), Attribute("name", TEXT)])]
)
LETTERS = [*RARE, *(c.upper() for c in RARE), *(c.casefold() for c in RARE), *"ISTΣςЯÅ"]
ROWS = {
    "people": [
        {"id": 3 * i + j, "name": name}
        for i, c in enumerate(LETTERS)
        for j, name in enumerate([c, f"a{c}b", f"{c}{c}"])
    ]
}
TESTS = {
    "contains": sorted({part for c in RARE for part in fold_case(c)} | set(map(fold_case, "ßﬃև"))),
    "starts with": ["s", "ss", "i", "\u03b9", "\u03ac", "\u0432", "a\u03c3"],
    "ends with": ["s", "f", "i", "ib", "\u0342", "\u03c3\u03c3"],
    "=": ["ss", "asb", "i\u0307", "a\u03c3b", "\u0434", "ffi", "\u03b1\u0342\u03b9"],
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_is_looked_for(target: Target) -> None:
    """All that equals a text when folded is found, and no more, with the SQL for that one text."""
    people = ROWS["people"]
    found = {
        "contains": lambda name, part: part in name,
        "starts with": str.startswith,
        "ends with": str.endswith,
        "=": str.__eq__,
    }
    for operator, texts in TESTS.items():
        for text in texts:
            segment = Segment.define("it", f"name {operator} '{text}' ignoring case", NAMES)
            wanted = [p["id"] for p in people if found[operator](fold_case(p["name"]), text)]
            assert sorted(target.members(segment, ROWS, NOON)) == wanted, (operator, text)
    several = Segment.define("it", "name in ('ss', 'ffi', 'в') ignoring case", NAMES)
    wanted = [p["id"] for p in people if fold_case(p["name"]) in ("ss", "ffi", "в")]
    assert sorted(target.members(several, ROWS, NOON)) == wanted


def test_sqlite_needs_the_function() -> None:
    """What prepare adds is not there without it."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError):
        connection.scalar(sa.select(FoldedCase(sa.literal("A"))))
    engine.dispose()


# -- PostgreSQL, whose locale decides -------------------------------------------------------------

PEOPLE = Schema(
    [Entity("people", key="name", attributes=[Attribute("name", TEXT), Attribute("old", TEXT)])]
)


POSTGRESQL = pytest.mark.parametrize(
    "database", [d for d in DATABASES if d.name == "postgresql"], ids=lambda database: database.name
)


@POSTGRESQL
def test_a_locale_of_ascii(database: Database) -> None:
    """Where the locale knows only ASCII, another collation is found, or verify says what to do."""
    with another(database, "LOCALE 'C' ENCODING 'UTF8'") as url:
        bare, prepared = sa.create_engine(url), prepare(sa.create_engine(url))
        with bare.begin() as connection:
            connection.exec_driver_sql('CREATE TABLE people (name text, old text COLLATE "C")')
            connection.exec_driver_sql("INSERT INTO people VALUES ('ЇÉΣ', 'ЇÉΣ')")
        people = tables_from(PEOPLE).tables["people"]
        query = sa.select(FoldedCase(people.c.name), FoldedCase(people.c.old))
        for engine, folded in ((bare, "ЇÉΣ"), (prepared, "їéσ")):
            with engine.connect() as connection:
                assert connection.execute(query).one() == (folded, folded)
        verify(PEOPLE, prepared)
        with pytest.raises(SchemaError, match=re.escape("prepare(engine)")):
            verify(PEOPLE, bare)
        bare.dispose()
        prepared.dispose()


@POSTGRESQL
def test_an_encoding_without_the_letters(database: Database) -> None:
    """A database that cannot hold the letters is told of by verify, not by its driver."""
    with another(database, "LOCALE 'C' ENCODING 'LATIN1'") as url:
        engine = prepare(sa.create_engine(url))
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE people (name text, old text)")
        with pytest.raises(SchemaError, match="encoding"):
            verify(PEOPLE, engine)
        engine.dispose()
