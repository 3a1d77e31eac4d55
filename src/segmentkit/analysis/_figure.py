"""A figure of matplotlib that shows itself in a notebook; imported only where one is drawn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

_FAMILIES = (
    *("Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Sans Hebrew"),
    *("Noto Sans Devanagari", "Noto Sans Thai", "Arial Unicode MS", "Segoe UI", "Segoe UI Emoji"),
    *("Microsoft YaHei", "MS Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans"),
    *("Apple SD Gothic Neo", "WenQuanYi Micro Hei", "IPAGothic", "Droid Sans Fallback", "Unifont"),
)
"""Fonts with letters that matplotlib's own lacks, of common systems."""


class Picture(Figure):
    """A figure that no window shows by itself, and a notebook does, whatever its settings.

    Names may be in any script: what the font lacks is taken from others that are installed, and
    drawn as a box if none has it, without a warning.
    """

    def draw(self, renderer: Any) -> None:
        """Draw everything."""
        more = [family for family in _FAMILIES if family in fontManager.get_font_names()]
        for text in self.findobj(Text):
            if not text.get_text().isascii():
                own = text.get_fontfamily()
                text.set_fontfamily([*own, *(family for family in more if family not in own)])
        with _boxes_for_letters():
            super().draw(renderer)

    def savefig(self, *args: Any, **settings: Any) -> None:
        """Write a file, as any figure does."""
        with _boxes_for_letters():
            super().savefig(*args, **settings)

    def _repr_png_(self) -> bytes:
        told = BytesIO()
        self.savefig(told, format="png", dpi=110)
        return told.getvalue()


@contextmanager
def _boxes_for_letters() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        warnings.filterwarnings("ignore", r"Matplotlib currently does not support", UserWarning)
        yield
