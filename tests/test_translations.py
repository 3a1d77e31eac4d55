"""The catalogs of messages in other languages are complete, and name what the wordings name."""

from __future__ import annotations

import gettext
import string
from io import BytesIO

import pytest

pofile = pytest.importorskip("babel.messages.pofile")

from tests import translations  # noqa: E402 - it needs Babel

LANGUAGES = ["pl", "uk"]
WORDINGS = {(context, wording) for context, wording, _ in translations.wordings()}


def places(wording: str) -> list[tuple[str, str]]:
    """What a wording names, and how it is shown."""
    try:
        found = list(string.Formatter().parse(wording))
    except ValueError:
        return []  # its brackets are only brackets
    return sorted((name, spec or "") for _, name, spec, _ in found if name and name.isidentifier())


def test_the_languages_that_ship() -> None:
    """Ukrainian and Polish, beside English."""
    assert translations.languages() == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_wording_is_translated(language: str) -> None:
    """Each has a translation that is not fuzzy, and there is none of what is no wording."""
    found = translations.translated(language)
    assert set(found) == WORDINGS
    assert len(found) > 500
    assert not any(each.fuzzy for each in translations.read(language) if each.id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_name_what_the_wordings_name(language: str) -> None:
    """Every place of a wording is in its translation, as often and with the same format."""
    for (context, wording), said in translations.translated(language).items():
        assert set(places(said)) == set(places(wording)), context


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    """The ``.mo`` that the library reads has the translations of the ``.po``."""
    path = translations.po_of(language).with_suffix(".mo")
    with path.open("rb") as stream:
        shipped = gettext.GNUTranslations(stream)
    made = gettext.GNUTranslations(BytesIO(translations.compiled(language)))
    for (context, wording), said in translations.translated(language).items():
        assert shipped.pgettext(context, wording) == said
        assert made.pgettext(context, wording) == said


def test_the_template_is_up_to_date() -> None:
    """``python -m tests.translations`` was called after the last change of a wording."""
    with translations.TEMPLATE.open("rb") as stream:
        template = pofile.read_po(stream)
    assert [(str(each.context), str(each.id)) for each in template if each.id] == [
        (context, wording) for context, wording, _ in translations.wordings()
    ]


def test_what_is_new_has_no_translation() -> None:
    """A wording that changed is not taken for another, and no language guesses."""
    catalog = translations.made("uk", {("SK008", "the definition was empty"): "…"})
    assert {str(each.string) for each in catalog if each.id} == {""}
