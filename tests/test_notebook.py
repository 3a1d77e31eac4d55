"""What a notebook shows, and what its cells may say."""

from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from segmentkit import Catalog, Segment
from tests.analysis.frames import NOON, SHOP, SOURCES

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def shell():
    """A notebook that knows the shop."""
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "segmentkit.notebook")
    shell.user_ns |= {"shop": SHOP, "source": SOURCES["pandas"], "noon": NOON}
    return shell


def test_a_cell_is_a_definition(shell, capsys):
    """A cell defines a segment under its name, and a source counts it."""
    made = shell.run_cell_magic("segment", "danes shop source", 'country = "DK"  # all\n')
    assert shell.user_ns["danes"] is made
    assert made == Segment.define("danes", 'country = "DK"', SHOP)
    assert capsys.readouterr().out == "danes: 3 of 6\n"


def test_a_cell_is_counted_as_of_an_instant(shell, capsys):
    """With a date or an instant behind the source, members are counted as of that."""
    for at, count in ((NOON, 2), (NOON.date(), 2), (NOON.replace(2024, 6), 1)):
        shell.user_ns["noon"] = at
        shell.run_cell_magic("segment", "fresh shop source noon", "any(orders in last 30 days)")
        assert capsys.readouterr().out == f"fresh: {count} of 6\n"


@pytest.mark.parametrize(
    ("line", "cell", "told"),
    [
        ("danes shop", 'contry = "DK"', "did you mean 'country'?"),
        ("danes shop", "country =", "^"),
        ("danes", "age > 3", "%%segment NAME SCHEMA"),
        ("danes shp", "age > 3", "no schema or catalog 'shp'"),
        ("danes shop sorce", "age > 3", "did you mean 'source'?"),
        ("danes shop source noo", "age > 3", "no date or datetime 'noo'"),
        ("danes shop source shop", "age > 3", "no date or datetime 'shop'"),
        ("danes shop source noon noon", "age > 3", "[SOURCE [AS_OF]]"),
        ("danes shop shop", "age > 3", "there is no source 'shop'"),
        ("2danes shop", "age > 3", "'2danes' cannot be the name of a variable"),
        ("old shop source", "age > :least", "no value for :least"),
    ],
)
def test_mistakes_are_said_without_a_traceback(shell, capsys, line, cell, told):
    """What is wrong with a cell is said in the words of diagnostics."""
    shell.run_cell_magic("segment", line, cell)
    out = capsys.readouterr().out
    assert told in out
    assert "Traceback" not in out


def test_a_catalog_gives_names(shell):
    """With a catalog, a cell can name its segments and traits."""
    text = """
    language = 1
    traits.spent = "sum(orders.amount)"
    segments.big.where = "spent > 50"
    """
    shell.user_ns["catalog"] = Catalog.loads(text, SHOP)
    made = shell.run_cell_magic("segment", "other catalog", "in segment big and spent < 100")
    assert list(made.references) == ["big"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%%segment a shop\ncoun", ["count(", "country"]),
        ("%%segment a shop\nsum(orders.am", ["orders.amount"]),
        ("%%segment a shop\nage betw", ["between"]),
        ("%%segment a shop\nany(orders foll", ["followed"]),
    ],
)
def test_names_are_completed(shell, cell, expected):
    """Attributes, paths, functions and keywords are completed below the first line."""
    with provisionalcompleter():
        found = [c.text for c in shell.Completer.completions(cell, len(cell))]
    assert all(any(text.endswith(word) for text in found) for word in expected), found


def test_other_cells_are_left_alone(shell):
    """A cell of Python is completed as ever."""
    shell.user_ns["country_of_birth"] = 1
    with provisionalcompleter():
        found = [c.text for c in shell.Completer.completions("country_o", 9)]
    assert "country_of_birth" in found


def test_html_is_escaped():
    """Segments, schemas and catalogs show what they say, and never as HTML."""
    evil = Segment.define(EVIL, f'country != "{EVIL}"', SHOP, title=EVIL, description=EVIL)
    catalog = Catalog({"evil": evil})
    for each in (evil, SHOP, catalog):
        html = each._repr_html_()
        assert "<script" not in html
    assert "&lt;script" in evil._repr_html_()
    assert "&lt;script" in catalog._repr_html_()
    assert "SK201" in evil._repr_html_()
    assert "many of orders" in SHOP._repr_html_()
