"""Messages in other languages, and how a language is chosen."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import warnings
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from segmentkit import (
    INTEGER,
    Attribute,
    DefinitionError,
    Diagnostic,
    Entity,
    Schema,
    Segment,
    Span,
)
from segmentkit._diagnostics import formats, languages
from segmentkit._diagnostics.diagnostic import diagnostic
from segmentkit._diagnostics.formats import ENGLISH
from segmentkit._diagnostics.languages import (
    LOCALES,
    chosen,
    code_of,
    dated,
    known,
    localized,
    speaking,
)
from segmentkit._diagnostics.messages import CODES, HINTS
from segmentkit._diagnostics.terms import TERMS
from tests.commands import Run
from tests.test_messages import SHOP
from tests.test_wordings import found

LANGUAGES = ["pl", "uk"]
LETTERS = {"uk": re.compile("[а-яіїєґ]", re.IGNORECASE), "pl": re.compile("[a-ząćęłńóśźż]")}


@pytest.fixture(autouse=True)
def _no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(languages.VARIABLE, raising=False)
    languages._checked.cache_clear()


def refused(text: str) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", text, SHOP)
    return caught.value


# -- messages -------------------------------------------------------------------------------------


def test_the_languages_that_ship() -> None:
    """Ukrainian and Polish, beside English."""
    assert known() == ["en", "pl", "uk"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_ships_is_complete(language: str) -> None:
    """Each code, hint and term is in the compiled catalog: see CONTRIBUTING.md, "Languages"."""
    shipped = languages._catalog(language)
    wordings = [(code.id, code.message) for code in CODES.values()]
    wordings += [(f"hint {hint}", wording) for hint, wording in HINTS.items()]
    wordings += [(languages.TERM, wording) for wording in TERMS]
    kept = [each for each in wordings if shipped.pgettext(*each) == each[1]]
    assert [each for each in kept if each[1] not in SAME] == []


SAME = (
    *("{detail}", "{why}", "{text}", "segment", "a within", "a Name", "a tuple"),
    *("language = {known}", '"language": {version}', "ntile(5, sum(orders.amount)) = 5"),
)
"""Wordings that a translation may leave as they are."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_messages_of_the_corpora(language: str) -> None:
    """Each message has letters of the language; its code, places and values stay."""
    for each in found():
        told = each.translated(language)
        assert (told.code, told.span, told.fix, told.values) == (
            each.code,
            each.span,
            each.fix,
            each.values,
        )
        assert told.message != each.message
        assert LETTERS[language].search(told.message)


def test_a_message_in_each_language() -> None:
    """One message with its hint, in full."""
    error = refused('contry = "UA"')
    assert error.render("uk").split("\n") == [
        "SK101 невідомий атрибут «contry»",
        '    contry = "UA"',
        "    ^^^^^^",
        "    підказка: можливо, ви мали на увазі «country»?",
    ]
    assert error.render("pl").split("\n")[::3] == [
        "SK101 nieznany atrybut „contry”",
        "    podpowiedź: czy chodziło o „country”?",
    ]
    assert error.render("en") == error.render() == str(error)


def test_terms_are_translated_within_messages() -> None:
    """What a value is, and a choice of several."""
    assert "тут число, а не умова" in refused("age").render("uk")
    assert "szerokość geograficzna" in refused("distance(point(100, 0), home) < 1 km").render("pl")


def test_the_json_of_an_error() -> None:
    """``to_dict`` takes the language, too; what a program looks at stays."""
    english, told = (refused("aeg > 3").to_dict(*each) for each in ((), ("uk",)))
    assert told["message"].startswith("SK101 невідомий атрибут")
    (before,), (after,) = english["diagnostics"], told["diagnostics"]
    assert after["message"] == "невідомий атрибут «aeg»"
    different = {key for key in before if before[key] != after[key]}
    assert different == {"message", "hint"}


def test_messages_that_others_made_stay() -> None:
    """A diagnostic with a message of its own, or without its values, is not worded anew."""
    own = Diagnostic("SK101", "no such thing", Span(0, 3), "look again")
    assert own.translated("uk") == own
    assert Diagnostic("SK101", "unknown attribute 'x'", Span(0, 1)).translated("uk").message == (
        "unknown attribute 'x'"
    )


def test_signs_that_steer_are_hidden_in_each_language() -> None:
    """As in English."""
    found = diagnostic("SK101", Span(0, 1), name="a\x1b[31m\u202eb").translated("uk")
    assert "\x1b" not in found.message
    assert "\u202e" not in found.message


# -- how a language is chosen ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("uk", "uk"),
        ("UK", "uk"),
        ("uk_UA.UTF-8", "uk"),
        ("pl-PL", "pl"),
        ("en_GB", "en"),
        (" pl ", "pl"),
        ("uk-UA,uk;q=0.9,en;q=0.8", "uk"),
        ("pl,en;q=0.5", "pl"),
        ("", ""),
        ("C", ""),
        ("../../etc", ""),
        ("uk/../pl", ""),
        ("\x00", ""),
    ],
)
def test_names_of_languages(name: str, code: str) -> None:
    """As environments and browsers write them; what is no name is no language."""
    assert code_of(name) == code


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """``SEGMENTKIT_LANGUAGE``; an argument comes before it, and the locale of a shell does not."""
    error = refused("aeg > 3")
    monkeypatch.setenv("LANG", "pl_PL.UTF-8")
    assert "unknown attribute" in str(error)
    monkeypatch.setenv("SEGMENTKIT_LANGUAGE", "uk_UA")
    assert "невідомий атрибут" in str(error)
    assert "nieznany atrybut" in error.render("pl")
    assert "unknown attribute" in error.render("en")
    with speaking("pl"):
        assert "nieznany atrybut" in str(error)
    assert error.diagnostics[0].message == "unknown attribute 'aeg'"


def test_an_unknown_language_is_english_and_is_told_once() -> None:
    """A warning says which languages there are; the second time nothing is said."""
    error = refused("aeg > 3")
    with pytest.warns(UserWarning, match=r"no messages in 'de'.*en, pl, uk"):
        assert error.render("de-DE") == error.render("en")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert error.to_dict("de_AT") == error.to_dict("en")


def test_english_needs_no_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read for it."""
    monkeypatch.setattr(languages, "_catalog", None)
    assert chosen() == ENGLISH
    assert "unknown attribute" in refused("aeg > 3").render()


def test_the_catalogs_are_in_the_package() -> None:
    """They lie beside the modules, so that a wheel has them."""
    assert LOCALES.is_relative_to(LOCALES.parents[1])
    assert all((LOCALES / each / "LC_MESSAGES" / "segmentkit.mo").is_file() for each in LANGUAGES)


# -- the command line -----------------------------------------------------------------------------

WRONG = """\
language = 1

[schema]
entity = "customers"

[schema.tables.customers]
key = "id"
attributes = { id = "integer", age = "integer" }

[segments.old]
where = 'aeg > 60'
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    tmp_path.joinpath("shop.toml").write_text(WRONG, encoding="utf-8")
    return "shop.toml"


@pytest.fixture
def no_locale(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", languages.VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_the_command_line_takes_a_language(run: Run, file: str, no_locale: None) -> None:
    """``--language`` stands before the command; it holds for that command alone."""
    told = run("--language", "uk", "check", file)
    assert told.code == 1
    assert told.err.split("\n")[:5] == [
        "shop.toml:11 сегмент 'old'",
        "SK101 невідомий атрибут «aeg»",
        "    aeg > 60",
        "    ^^^",
        "    підказка: можливо, ви мали на увазі «age»?",
    ]
    assert "1 помилка" in told.err
    assert "unknown attribute" in run("check", file).err


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"LANG": "pl_PL.UTF-8"}, "nieznany atrybut"),
        ({"LANG": "pl_PL.UTF-8", "LC_MESSAGES": "uk_UA"}, "невідомий атрибут"),
        ({"LANG": "pl_PL", "LC_ALL": "C"}, "unknown attribute"),
        ({"LANG": "pl_PL", "LC_ALL": ""}, "nieznany atrybut"),
        ({"LANG": "de_DE.UTF-8"}, "unknown attribute"),
        ({"LANG": "pl_PL", "SEGMENTKIT_LANGUAGE": "uk"}, "невідомий атрибут"),
        ({"LANG": "pl_PL", "SEGMENTKIT_LANGUAGE": "en"}, "unknown attribute"),
    ],
)
def test_the_environment_of_a_command(
    run: Run,
    file: str,
    no_locale: None,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    told: str,
) -> None:
    """Our variable comes first, then those of the shell; a language without messages is English."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = run("check", file).err
    assert told in found
    assert "no messages" not in found


def test_a_command_says_once_that_a_language_is_unknown(
    run: Run, file: str, no_locale: None
) -> None:
    """Where it was asked for by name."""
    told = run("--language", "tlh", "check", file).err
    assert told.count("no messages in 'tlh': they are in English") == 1
    assert "unknown attribute" in told


def test_json_of_a_command(run: Run, file: str, no_locale: None) -> None:
    """The messages in it are in the language, too; its keys and codes are not."""
    told = json.loads(run("--language", "pl", "check", file, "--json").out)
    (problem,) = told["files"][0]["problems"]
    assert problem["message"] == "nieznany atrybut „aeg”"
    assert problem["code"] == "SK101"


# -- numbers and days -----------------------------------------------------------------------------


def test_numbers_and_days_of_a_language() -> None:
    """With Babel as the language writes them; without it, and in English, as always."""
    assert localized(1234567) == "1,234,567"
    assert localized(0.255, ".1%") == "25.5%"
    assert dated("2026-05-09 12:00:00 UTC") == "2026-05-09 12:00:00 UTC"
    pytest.importorskip("babel")
    with speaking("uk"):
        assert localized(1234567) == "1\u00a0234\u00a0567"
        assert localized(0.255, ".1%") == "25,5%"
        assert dated("2026-05-09 12:00:00 UTC") == "09.05.2026 12:00:00 UTC"
        assert dated("never") == "never"
    with speaking("pl"):
        assert localized(1234.5, ",.1f") == "1\u00a0234,5"
        assert dated("2026-05-09") == "9.05.2026"


def test_numbers_without_babel(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay as in English; messages are translated all the same."""
    formats._separators.cache_clear()
    monkeypatch.setitem(sys.modules, "babel", None)
    with speaking("uk"):
        assert localized(1234567) == "1,234,567"
        assert dated("2026-05-09") == "2026-05-09"
    formats._separators.cache_clear()


def test_numbers_of_an_analysis_follow_the_language() -> None:
    """What it prints has them; its frame has plain numbers."""
    pytest.importorskip("babel")
    import pandas as pd

    from segmentkit import analysis
    from segmentkit.pandas import Source

    people = Entity("people", key="id", attributes=[Attribute("age", INTEGER)])
    source = Source({"people": pd.DataFrame({"id": range(12_000), "age": 40})})
    segment = Segment.define("old", "age > 9", Schema([people]))
    found = analysis.attrition(segment, source, as_of=date(2026, 5, 1))
    assert "12,000" in str(found)
    with speaking("pl"):
        assert "12\u00a0000" in str(found)
        assert "1.05.2026" in str(found)


def test_numbers_of_a_command(run: Run, file: str, no_locale: None) -> None:
    """The spaces between digits are shown as such, in lines and in tables."""
    pytest.importorskip("babel")
    with closing(sqlite3.connect("shop.sqlite")) as shop:
        shop.execute("create table customers (id integer primary key, age integer)")
        shop.executemany("insert into customers values (?, ?)", [(i, i % 9) for i in range(2_000)])
        shop.commit()
    asked = ("count", "--where", "age = 1", "--entity", "customers")
    told = run(
        "--language", "uk", *asked, "--url", "sqlite:///shop.sqlite", "--as-of", "2026-05-01"
    )
    assert "2\u00a0000 customers, as of 01.05.2026" in told.out
    assert "11,2%" in told.out
