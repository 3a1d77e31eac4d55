"""What must be true of a report: all is there, nothing else is, and anybody can read it."""

from __future__ import annotations

import re
import sys
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segmentkit import (
    BOOLEAN,
    Catalog,
    DefinitionError,
    Function,
    Partition,
    Problem,
    Segment,
)
from segmentkit import pandas as skp
from segmentkit._diagnostics.diagnostic import Span, diagnostic
from segmentkit._language.formatter import format_text
from segmentkit._language.highlight import coloured
from segmentkit.analysis import attrition, coverage, gaps, overlap, profile, report
from tests.analysis.frames import EMPTY, FRAMES, NOON, SHOP, SOURCES, Asked
from tests.conformance_cases import cases

TEXT = """
language = 1
parameters.least = 18
[segments.danes]
title = "Danes"
where = 'country = "DK"'
[segments.grown]
where = 'age >= :least'
[segments.buyers]
where = '''
in segment danes  # but not the children
and age >= :least and any(orders)
'''
[segments.strangers]
where = 'country != "DK"'
[segments.same]
where = 'not (country = "DK")'
[segments.nobody]
where = 'age > 200'
[partitions.groups]
parts = ["buyers", "grown", "danes"]
rest = "others"
"""
CATALOG = Catalog.loads(TEXT, SHOP)
VOID = {"meta", "base"}


class Page(HTMLParser):
    """What a page is made of; refuses what does not close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if "style" not in self.open else ""

    def all(self, tag):
        """The attributes of all such elements."""
        return [attributes for name, attributes in self.tags if name == tag]


def page(found):
    """The page of a report."""
    return Page(found.html)


@pytest.fixture(params=SOURCES)
def source(request):
    """Somewhere to ask."""
    return SOURCES[request.param]


def test_a_report_says_what_the_analyses_say(source):
    """Every number is the one that the analysis gives that is asked alone."""
    found = report(CATALOG, source, as_of=NOON)
    assert found.population == 6
    assert found.overlap == overlap(CATALOG, source, as_of=NOON)
    assert found.coverage == coverage(SHOP, source, as_of=NOON)
    sizes = source.sizes(CATALOG, as_of=NOON)
    for chapter in found.chapters:
        segment = CATALOG[chapter.name]
        assert chapter.size == sizes[chapter.name]
        assert chapter.gaps == gaps(segment, source, as_of=NOON)
        alone = attrition(segment, source, as_of=NOON)
        assert chapter.attrition == (alone if len(alone.stages) > 1 else None)
    assert [c.name for c in found.chapters if c.attrition] == ["buyers"]


def test_an_audit_is_that_of_the_target(source):
    """The parts of a partition have, and lose, what the target's own audit says."""
    ((partition, audit),) = report(CATALOG, source, as_of=NOON).partitions
    assert audit == skp.audit(partition, FRAMES, as_of=NOON)
    assert [part.got for part in audit.parts] == [1, 2, 2, 1]
    assert dict(audit.parts[1].lost) == {"buyers": 1}


def test_the_source_is_asked_twice(source):
    """However many segments there are, there is one pass for members and one for counts."""
    asked = Asked(source)
    report(CATALOG, asked, as_of=NOON)
    assert asked.asked == 2


def test_the_page_has_everything(source):
    """Definitions as they are written, sizes, warnings, near-duplicates, gaps, clauses, parts."""
    told = page(report(CATALOG, source, as_of=NOON)).text
    assert "As of 2026-05-01 12:00 UTC" in told
    assert "in segment danes  # but not the children\nand age >= :least and any(orders)" in told
    assert "with :least = 18" in told
    assert "refers to danes" in told
    assert "SK201 includes customers whose 'country' is missing" in told
    assert "strangers and same have the same members" in told
    assert "nobody: nobody is in it" in told
    assert "strangers: 1 of 3 members are in only because something is missing" in told
    assert "costs most: without in segment danes there would be 2 more members" in told
    assert "lost to" in told
    assert "nickname: it is missing of everybody" in told


def test_a_page_is_one_file_that_runs_nothing(source):
    """No script, nothing from elsewhere, and a policy that forbids both."""
    found = page(report(CATALOG, source, as_of=NOON))
    assert not found.all("script") + found.all("link") + found.all("img")
    policy = next(m for m in found.all("meta") if "http-equiv" in m)
    assert policy["content"].startswith("default-src 'none'")
    for _, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
    assert "url(" not in report(CATALOG, source, as_of=NOON).html


def test_links_lead_somewhere(source):
    """Every link is to a place in the page, and no two places have one name."""
    names = {"plain": "age > 3", "ø ü <x>": "age > 4", "100%": "age > 5", 'a"b#c': "age > 6"}
    catalog = Catalog({n: Segment.define(n, text, SHOP) for n, text in names.items()})
    found = page(report(catalog, source, as_of=NOON))
    places = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(places) == len(set(places))
    for link in found.all("a"):
        assert link["href"][0] == "#"
        assert unquote(link["href"][1:]) in places
    assert len([link for link in found.all("a") if "segment" in link["href"]]) >= 4


def test_a_page_is_accessible(source):
    """A language, one first heading, none left out, heads of columns and rows, named pictures."""
    found = page(report(CATALOG, source, as_of=NOON))
    assert found.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in found.tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert {cell["scope"] for cell in found.all("th")} == {"col", "row"}
    assert all(box["aria-label"] for box in found.all("div") if box.get("class") == "wide")
    pictures = [place for place, (tag, _) in enumerate(found.tags) if tag == "svg"]
    assert len(pictures) == 1
    assert found.tags[pictures[0]][1]["role"] == "img"
    assert found.tags[pictures[0] + 1][0] == "title"


EVIL = "<script>alert('1')</script>\"&amp;"


def test_whatever_people_write_is_text(source):
    """Names, titles, texts in definitions, labels and mistakes are never HTML."""
    evil = Segment.define(
        EVIL,
        f"country != {format_text(EVIL)}",
        SHOP,
        title=EVIL,
        description=EVIL,
        owner=EVIL,
        goal=EVIL,
    )
    parts = Partition.define(EVIL, {EVIL: evil}, rest="</article>", title=EVIL)
    catalog = Catalog({EVIL: evil, "other": ~evil}, partitions={EVIL: parts})
    mistake = Problem(diagnostic("SK117", Span(0, 1), name=EVIL), EVIL, EVIL, 1, 1, EVIL)
    made = report(catalog, source, as_of=NOON, title=EVIL, problems=[mistake])
    found = page(made)
    assert "<script" not in made.html
    assert found.text.count(EVIL) >= 10
    assert not found.all("script")
    assert "<script" not in made._repr_html_()


def test_whatever_texts_hold_can_be_saved(source, tmp_path):
    """Half a character, a control character and a right-to-left mark make no page impossible."""
    names = ["a\x00b", "\u202eabc", "  ", "\n", "plain"]
    half = "\ud800"
    catalog = Catalog({name: Segment.define(name, "age > 3", SHOP, title=half) for name in names})
    report(catalog, source, as_of=NOON).save(tmp_path / "page.html")
    assert len(Page((tmp_path / "page.html").read_text(encoding="utf-8")).all("article")) == 5


@pytest.mark.parametrize("name", SOURCES)
def test_a_broken_segment_is_told_of(name):
    """What a source cannot compute, or lacks a value, is said; the rest of the page is there."""
    way = {"pandas": "sql"}.get(name, "record")
    odd = Function("odd", ["integer"], BOOLEAN, "Not even.", **{way: lambda n: n % 2 == 1})
    schema = SHOP.extended([odd])
    texts = {"whole": "age > 3", "odd": "odd(id) and id > 1", "open": "age > :least"}
    segments = {n: Segment.define(n, text, schema) for n, text in texts.items()}
    parts = Partition.define("parts", [segments["odd"]], rest="others")
    catalog = Catalog(segments, partitions={"parts": parts})
    found = report(catalog, SOURCES[name], as_of=NOON)
    assert set(found.broken) == {"odd", "open"}
    assert "no value for :least" in found.broken["open"]
    told = page(found).text
    assert "odd is broken: " in told
    assert "no lowering for" in found.broken["odd"]
    assert "It cannot be computed" in told
    assert found.chapters[0].size == 4
    assert found.chapters[0].gaps is not None


def test_nothing_but_broken_segments(source):
    """A page is made of a catalog in which nothing can be computed."""
    catalog = Catalog({"open": Segment.define("open", "age > :least", SHOP)})
    found = report(catalog, source, as_of=NOON)
    assert found.overlap is None
    assert found.population == 6
    assert "open is broken" in page(found).text


def test_a_report_says_what_sets_members_apart(source):
    """If it is asked to, a report has the profiles; what is so by definition is left out."""
    assert all(chapter.profile is None for chapter in report(CATALOG, source, as_of=NOON).chapters)
    segments = [
        Segment.define("some", "id in (1, 2, 5)", SHOP),
        Segment.define("others", "id > 100", SHOP),
    ]
    catalog = Catalog({str(each.name): each for each in segments})
    found = report(catalog, source, as_of=NOON, profiles=True)
    for chapter in found.chapters:
        assert chapter.profile == profile(catalog[chapter.name], source, as_of=NOON)
    told = page(found).text
    assert "Nothing that is more than chance" in told
    assert "id = " not in told


def test_profiles_show_the_greatest_differences():
    """Differences that are more than chance are shown, with shares and effects."""
    many = {name: frame.loc[frame.index.repeat(30)] for name, frame in FRAMES.items()}
    many["customers"] = many["customers"].assign(id=range(180))
    catalog = Catalog({"first": Segment.define("first", "id < 90", SHOP)})
    found = report(catalog, skp.Source(many), as_of=NOON, profiles=True)
    told = page(found).text
    assert "What sets them apart" in told
    assert 'country = "DK"+0.3466.7%50.0%' in told
    assert "country is missing-1.230.0%33.3%" in told
    bars = re.findall(
        r'<span class="bar signed(| less)" [^>]*><span style="margin-left:([\d.]+)%;width:([\d.]+)%',
        found.html,
    )
    for less, start, width in bars:  # from the middle to the left, or to the right
        assert float(start) == pytest.approx(50 - float(width) if less else 50, abs=0.1)
    assert {less for less, _, _ in bars} == {"", " less"}


def test_profiles_need_the_extra(source, monkeypatch):
    """Without the statistics a report says what to install, if it is to have profiles."""
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    report(CATALOG, source, as_of=NOON)
    with pytest.raises(ImportError, match="stats"):
        report(CATALOG, source, as_of=NOON, profiles=True)


@pytest.mark.parametrize("name", EMPTY)
def test_nobody_is_no_mistake(name):
    """Of nobody there is a page, too."""
    found = page(report(CATALOG, EMPTY[name], as_of=NOON))
    assert "there are no customers" in found.text


def test_a_catalog_without_segments_is_refused(source):
    """There is nothing to ask, and no schema."""
    with pytest.raises(ValueError, match="no segments"):
        report(Catalog({}), source, as_of=NOON)


def test_a_report_is_saved_and_shown(source, tmp_path, monkeypatch):
    """The page is saved as it is, shown in a frame, the same each time, and needs no matplotlib."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = report(CATALOG, source, as_of=NOON, title="May")
    found.save(tmp_path / "may.html")
    assert (tmp_path / "may.html").read_bytes().decode() == found.html
    assert report(CATALOG, source, as_of=NOON, title="May").html == found.html
    (frame,) = Page(found._repr_html_()).all("iframe")
    assert Page(frame["srcdoc"]).text == page(found).text
    assert frame["sandbox"] == ""
    assert str(found) == "May: 6 segments of 6, as of 2026-05-01T12:00:00+00:00"


# -- definitions in colour ------------------------------------------------------------------------


def _plain(html):
    found = Page(html)
    assert {tag for tag, _ in found.tags} <= {"span"}
    return found.text


@given(st.text())
@example("a # <b>\n and 'x")
@example('"<b>" < 3')
def test_colours_change_no_text(text):
    """Whatever the text, readable or not, it is shown as it is."""
    assert unescape(_plain(coloured(text))) == unescape(text)


def test_all_definitions_can_be_coloured():
    """Every definition of the conformance cases stays what it says."""
    texts = {case.where or case.value for case in cases()} - {None}
    assert len(texts) > 500
    for text in texts:
        assert _plain(coloured(text)) == text


def test_words_have_the_classes_that_they_are_of():
    """Keywords, functions, texts, numbers, parameters and comments are told apart."""
    text = 'count(orders in last 3 days) > :n and not x = "last" # why'
    found = Page(coloured(text))
    kinds = [attributes["class"] for attributes in found.all("span")]
    assert kinds == [
        *("function", "keyword", "keyword", "number", "keyword", "parameter"),
        *("keyword", "keyword", "text", "comment"),
    ]


def test_a_definition_can_be_wrong():
    """Text that is no definition is coloured as far as it goes, and raises nothing."""
    with pytest.raises(DefinitionError):
        Segment.define("x", "a $ b", SHOP)
    assert _plain(coloured("a $ b")) == "a $ b"
