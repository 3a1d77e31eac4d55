"""What must be true of pictures, and where matplotlib is not installed."""

import subprocess
import sys

import pytest
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

from segmentkit import Partition, Segment
from segmentkit._language.formatter import format_text
from segmentkit.analysis import _plot, assess, attrition, compare, movement, overlap
from segmentkit.analysis._result import distinct
from tests.analysis.frames import NOON, SHOP, SOURCES, segment


def test_a_missing_extra_is_named(monkeypatch):
    """Without matplotlib, a picture says what to install, and everything else works."""
    found = attrition(segment("id > 1 and id > 2"), SOURCES["pandas"], as_of=NOON)
    _plot._picture.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "segmentkit\[plots\]"'):
        found.plot()
    assert "id > 1" in str(found)


def test_analysis_does_not_import_matplotlib():
    """Only drawing needs matplotlib, so only drawing loads it."""
    program = "import sys, segmentkit.analysis; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["顧客", "مشترون", "🙂 fans", "हिन्दी", "naïve $x$ < 3", "a\nb"])
def test_names_of_any_script_are_drawn_without_a_warning(name, tmp_path):
    """What a font lacks is no matter to whoever wants a picture; warnings are errors here."""
    asked = Segment.define(name, f"country != {format_text(name)} and id > 1", SHOP)
    source = SOURCES["pandas"]
    for figure in (
        attrition(asked, source, as_of=NOON).plot(),
        overlap({name: asked, "others": ~asked}, source, as_of=NOON).plot(),
    ):
        assert figure._repr_png_().startswith(b"\x89PNG")
        figure.savefig(tmp_path / "picture.svg", bbox_inches="tight")
        figure.canvas.draw()


def test_long_names_leave_room_for_the_picture():
    """Where names leave nothing for the rest, the picture grows; a short name changes nothing."""
    source = SOURCES["pandas"]
    for name, grows in (("short", False), ("W" * 80, True)):
        asked = Segment.define(name, "id > 1", SHOP)
        figure = overlap({name: asked}, source, as_of=NOON).plot()
        before = figure.get_size_inches().tolist()
        assert figure._repr_png_().startswith(b"\x89PNG")
        assert (figure.get_size_inches().tolist() != before) is grows
        assert all(axes.get_position().width > 0.01 for axes in figure.axes)


def letters(figure):
    """All that is written in a picture."""
    figure._repr_png_()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_rates_are_per_cent_and_axes_say_of_what():
    """A rate is drawn as it is told, and an axis names the metric."""
    source = SOURCES["pandas"]
    parts = {"some": segment("id <= 3"), "others": segment("id > 3")}
    rates = compare(parts, segment('country = "DK"'), source, as_of=NOON).plot()
    told = letters(rates)
    assert any(text.startswith("rate of ") and text.endswith("95% intervals") for text in told)
    assert any(text.startswith("33.3%") for text in told)
    means = letters(compare(parts, "count(orders)", source, as_of=NOON).plot())
    assert "mean of count(orders), 95% intervals" in means
    judged = letters(assess(segment("id <= 3"), source, metric="id > 2", as_of=NOON).plot())
    assert " 33.3%" in judged
    assert "rate of id > 2" in judged
    assert not any(text.strip().startswith("0.3") for text in judged if "deviation" not in text)


@pytest.mark.parametrize("count", [2, 10, 11, 20, 21, 60])
def test_no_two_colours_are_alike(count):
    """However many parts there are, each has a colour of its own."""
    assert len({to_rgb(each) for each in _plot.colours(count)}) == count


def test_movement_has_a_colour_for_each_part():
    """The first and the last of eleven groups differ."""
    ids = [1, *range(50, 59)]
    parts = [segment(f"id = {n}").named(f"part {n}") for n in ids]
    groups = Partition.define("eleven", parts, rest="the rest")
    figure = movement(groups, SOURCES["pandas"], since=NOON, as_of=NOON).plot()
    bars = {patch.get_facecolor() for axes in figure.axes for patch in axes.patches}
    assert len(bars) == 2  # nobody is in the nine between


def test_labels_that_are_cut_stay_apart():
    """Texts that differ only in their middle or at their end do so as labels, and in tables."""
    long = "a" * 80
    texts = [f"{long} one", f"{long} two", f"{long}x{long}", f"{long}y{long}", "short", "short"]
    for labels in (_plot.labels_of(texts, 30), distinct(texts, 30)):
        assert len(set(labels)) == 5
        assert all(len(label) <= 30 for label in labels)
        assert labels[0].endswith("one")
        assert labels[4:] == ["short", "short"]


def test_a_font_for_letters_that_no_common_font_has_is_found(monkeypatch):
    """Any font that is installed and has the letters is used, whatever it is called."""
    monkeypatch.setattr(_plot, "_FAMILIES", ())
    _plot._families.cache_clear()
    own = set(get_font(findfont("DejaVu Sans")).get_charmap())
    letter = chr(max(n for n in get_font(findfont("STIXGeneral")).get_charmap() if n not in own))
    found = _plot._families(frozenset(f"a{letter}"))
    (family,) = found
    font = get_font(findfont(FontProperties(family=[family])))
    assert font.get_char_index(ord(letter))
    assert "Last Resort" not in family
    assert _plot._families(frozenset("ascii, naïve")) == ()
    _plot._families.cache_clear()


def test_a_font_that_has_the_letters_is_used(monkeypatch):
    """Of the fonts that are installed, those that may have a name's letters stand behind its own."""
    monkeypatch.setattr(_plot, "_FAMILIES", ("STIXGeneral", "no such font"))
    _plot._families.cache_clear()
    asked = Segment.define("naïve", "id > 1 and id > 2", SHOP)
    figure = attrition(asked, SOURCES["pandas"], as_of=NOON).plot()
    for _ in range(2):
        figure._repr_png_()
    families = [text.get_fontfamily() for text in figure.findobj(Text) if "ï" in text.get_text()]
    assert [family[1:] for family in families] == [["STIXGeneral"]]
