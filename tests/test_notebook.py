"""What a notebook shows, and what its cells may say."""

from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from segmentkit import (
    INTEGER,
    TEXT,
    TEXTS,
    Attribute,
    Catalog,
    CatalogError,
    DefinitionError,
    Entity,
    Link,
    Partition,
    Relation,
    Schema,
    Segment,
    analysis,
    expr,
)
from segmentkit import pandas as skp
from tests.analysis.frames import FRAMES, NOON, SHOP, SOURCES

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
        ("%%segment a shop\nany(orders as o followed by orders where o.am", ["o.amount"]),
        (
            "%%segment a shop\nsum(orders.amount as o preceded by orders where amount = o.",
            ["o.amount"],
        ),
    ],
)
def test_names_are_completed(shell, cell, expected):
    """Attributes, paths, functions and keywords are completed below the first line."""
    with provisionalcompleter():
        found = [c.text for c in shell.Completer.completions(cell, len(cell))]
    assert all(any(text.endswith(word) for text in found) for word in expected), found


COMPLETIONS = [
    ('tier = "', ['"gold"', '"not so gold"', '"silver"']),
    ('tier = "not s', ['"not so gold"']),
    ("tier != 'not so", ["'not so gold'"]),
    ("tier = ", ['"gold"', '"not so gold"', '"silver"']),
    ('not (age > 3) and tier not in ("gold", "si', ['"silver"']),
    ('store.kind = "', ['"big"', '"small"']),
    ('count(orders where `of what` = "b', ['"books"']),
    ('likes contains any ("te', ['"tea"']),
    ('country = "x" and tier = "g', ['"gold"']),
]


@pytest.mark.parametrize(("cell", "expected"), COMPLETIONS)
@pytest.mark.parametrize("behind", ["", "CLOSED", "\nand age > 3"])
def test_values_are_completed(shell, cell, expected, behind):
    """Behind an attribute that is compared its listed values are completed, quotes and all."""
    tiers = Attribute("tier", TEXT, True, ("gold", "silver", "not so gold"))
    likes = Attribute("likes", TEXTS, values=("tea", "coffee"))
    shell.user_ns["club"] = Schema(
        [
            Entity(
                "people",
                key="id",
                attributes=[tiers, likes, Attribute("age", INTEGER), Attribute("country", TEXT)],
                links=[Link("store", to="stores", key="store_id")],
                relations=[Relation("orders", key="person_id")],
            ),
            Entity(
                "stores", key="id", attributes=[Attribute("kind", TEXT, values=("big", "small"))]
            ),
            Entity("orders", attributes=[Attribute("of what", TEXT, values=("books",))]),
        ]
    )
    quote = next((c for c in reversed(cell) if c in "\"'"), "")
    behind = behind.replace("CLOSED", quote)
    before = f"%%segment a club\n{cell}"
    with provisionalcompleter():
        found = [
            before[: c.start] + c.text + behind
            for c in shell.Completer.completions(before + behind, len(before))
        ]
    start = max(cell.rfind(quote), 0) if quote and cell[-1] != " " else len(cell)
    closed = quote and behind == quote and cell[-1] != " "
    texts = [f"%%segment a club\n{cell[:start]}{value}" for value in expected]
    assert sorted(found) == sorted(text + ("" if closed else behind) for text in texts)


def test_values_with_signs_are_completed_as_they_are_written(shell):
    """A listed value with quotes, backslashes or ends of lines parses as itself in either quotes."""
    odd = ["o'clock", 'say "a"', "a\\b", "a\nb", 'both \'"\\"']
    own = [Attribute("id", INTEGER), Attribute("tier", TEXT, values=odd)]
    shell.user_ns["club"] = Schema([Entity("people", key="id", attributes=own)])
    for quote in "\"'":
        before = f"%%segment a club\ntier = {quote}"
        with provisionalcompleter():
            found = [
                before[: c.start] + c.text for c in shell.Completer.completions(before, len(before))
            ]
        texts = [each.partition("\n")[2] for each in found]
        assert sorted(expr.parse(text).right.value for text in texts) == sorted(odd)


@pytest.mark.parametrize("cell", ['country = "', 'country starts with "', "age < "])
def test_nothing_is_made_up(shell, cell):
    """Where no values are listed, there are none to complete, nor names within quotes."""
    with provisionalcompleter():
        before = f"%%segment a shop\n{cell}"
        found = {c.text for c in shell.Completer.completions(before, len(before))}
    assert ("country" in found) is ('"' not in cell)


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


def test_errors_and_audits_show_themselves(shell):
    """A mistake that is shown has its caret below its place, an audit is a table; neither is HTML."""
    with pytest.raises(DefinitionError) as error:
        Segment.define("x", f'contry = "{EVIL}"', SHOP)
    with pytest.raises(CatalogError) as mistakes:
        Catalog.loads(f"language = 1\n[segments.one]\nwhere = 'contry = \"{EVIL}\"'", SHOP)
    danes = Segment.define(EVIL, 'country = "DK"', SHOP)
    parts = Partition.define("parts", [danes], rest="others")
    audit = skp.audit(parts, FRAMES, as_of=NOON)
    for each, text in [
        (error.value, str(error.value)),
        (mistakes.value, str(mistakes.value)),
        (mistakes.value.problems[0], mistakes.value.problems[0].render()),
        (audit, str(audit)),
    ]:
        shown, _ = shell.display_formatter.format(each)
        assert shown["text/plain"] == text
        assert "&lt;script&gt;" in shown["text/html"]
        assert "<script" not in shown["text/html"]
    assert "\n    ^^^^^^\n" in error.value._repr_html_()
    assert '<td style="text-align: right">3</td>' in audit._repr_html_()


def test_results_print_as_text(shell):
    """Where there is no HTML, results show the text that they print."""
    danes = Segment.define("danes", 'country = "DK" and age > 3', SHOP)
    source = SOURCES["pandas"]
    rules = analysis.Rfm.define(
        SHOP,
        recency="last(orders.placed_at)",
        frequency="count(orders)",
        monetary="sum(orders.amount)",
        recency_days=[365, 180, 90, 30],
    )
    for found in (
        analysis.attrition(danes, source, as_of=NOON),
        analysis.gaps(danes, source, as_of=NOON),
        analysis.coverage(SHOP, source, as_of=NOON),
        analysis.overlap([danes], source, as_of=NOON),
        analysis.grid(rules, source, as_of=NOON),
        analysis.changes(danes, source, since=NOON.replace(year=2025), as_of=NOON),
        analysis.history([danes], source, [NOON]),
        analysis.movement(rules.partition(), source, since=NOON.replace(year=2025), as_of=NOON),
        analysis.profile(danes, source, as_of=NOON),
        analysis.explain(danes, source, 1, as_of=NOON),
        analysis.report(Catalog({"danes": danes}), source, as_of=NOON),
    ):
        shown, _ = shell.display_formatter.format(found)
        assert shown["text/plain"] == str(found)
        assert shown["text/html"].startswith("<")
