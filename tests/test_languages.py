"""Messages in other languages, and how a language is chosen."""

from __future__ import annotations

import re
import warnings

import pytest

from segmentkit import DefinitionError, Diagnostic, Segment, Span
from segmentkit._diagnostics import languages
from segmentkit._diagnostics.diagnostic import diagnostic
from segmentkit._diagnostics.languages import ENGLISH, LOCALES, chosen, code_of, known, speaking
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
    with pytest.warns(UserWarning, match=r"no messages in 'de-DE'.*en, pl, uk"):
        assert error.render("de-DE") == error.render("en")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert error.to_dict("de-DE") == error.to_dict("en")


def test_english_needs_no_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read for it."""
    monkeypatch.setattr(languages, "_catalog", None)
    assert chosen() == ENGLISH
    assert "unknown attribute" in refused("aeg > 3").render()


def test_the_catalogs_are_in_the_package() -> None:
    """They lie beside the modules, so that a wheel has them."""
    assert LOCALES.is_relative_to(LOCALES.parents[1])
    assert all((LOCALES / each / "LC_MESSAGES" / "segmentkit.mo").is_file() for each in LANGUAGES)
