"""What must be true of pictures, and where matplotlib is not installed."""

import subprocess
import sys

import pytest
from matplotlib.text import Text

from segmentkit import Segment
from segmentkit._language.formatter import format_text
from segmentkit.analysis import _plot, attrition, overlap
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


def test_a_font_that_has_the_letters_is_used(monkeypatch):
    """Of the fonts that are installed, those that may have a name's letters stand behind its own."""
    monkeypatch.setattr(_plot, "_FAMILIES", ("STIXGeneral", "no such font"))
    asked = Segment.define("naïve", "id > 1 and id > 2", SHOP)
    figure = attrition(asked, SOURCES["pandas"], as_of=NOON).plot()
    for _ in range(2):
        figure._repr_png_()
    families = [text.get_fontfamily() for text in figure.findobj(Text) if "ï" in text.get_text()]
    assert [family[1:] for family in families] == [["STIXGeneral"]]
