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
    drawn as a box if none has it, without a warning. Where names are so long that nothing is left
    for the rest, the picture that is written grows.
    """

    _is_full = False

    def draw(self, renderer: Any) -> None:
        """Draw everything."""
        more = [family for family in _FAMILIES if family in fontManager.get_font_names()]
        for text in self.findobj(Text):
            if not text.get_text().isascii():
                own = text.get_fontfamily()
                text.set_fontfamily([*own, *(family for family in more if family not in own)])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            super().draw(renderer)
        self._is_full = any(_FULL in str(each.message) for each in told)
        with _quiet():
            for each in told:
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)

    def savefig(self, *args: Any, **settings: Any) -> None:
        """Write a file, as any figure does."""
        for _ in range(_TRIES):
            self.draw_without_rendering()
            if not self._is_full:
                break
            self.set_size_inches(*(1.4 * side for side in self.get_size_inches()))
        with _quiet():
            super().savefig(*args, **settings)

    def _repr_png_(self) -> bytes:
        told = BytesIO()
        self.savefig(told, format="png", dpi=110)
        return told.getvalue()


_TRIES = 6
_FULL = "axes sizes collapsed to zero"
_TOLD = ("Glyph .* missing from", "Matplotlib currently does not support", f".*{_FULL}")
"""What matplotlib warns of, and whoever wants a picture can do nothing about."""


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in _TOLD:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield
