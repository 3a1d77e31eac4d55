"""Pictures by matplotlib, which the extra `plots` installs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FAMILIES = (
    *("Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Sans Hebrew"),
    *("Noto Sans Devanagari", "Noto Sans Thai", "Arial Unicode MS", "Segoe UI", "Segoe UI Emoji"),
    *("Microsoft YaHei", "MS Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans"),
    *("Apple SD Gothic Neo", "WenQuanYi Micro Hei", "IPAGothic", "Droid Sans Fallback", "Unifont"),
)
"""Fonts with letters that matplotlib's own lacks, of common systems."""
_TRIES = 6
_FULL = "axes sizes collapsed to zero"
_TOLD = ("Glyph .* missing from", "Matplotlib currently does not support", f".*{_FULL}")
"""What matplotlib warns of, and whoever wants a picture can do nothing about."""


def new_figure(width: float, height: float, title: str | None = None) -> Figure:
    """A picture of nothing yet but its title.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = _picture()(figsize=(width, height), layout="constrained")
    if title is not None:
        figure.suptitle(shortened(title, int(width * 12)), x=0.01, ha="left", fontsize=10)
    return figure


def empty(message: str) -> Figure:
    """A picture that says why there is nothing to see."""
    figure = new_figure(6, 1.5)
    figure.text(0.5, 0.5, message, ha="center", va="center", wrap=True)
    return figure


def shortened(text: str, most: int = 60) -> str:
    """A label that leaves room for the picture; a dollar is no formula."""
    text = " ".join(text.split())
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.replace("$", r"\$")


def bare(axes: Axes, *sides: str) -> Any:
    """Take away frame lines that carry nothing."""
    axes.spines[list(sides or ("top", "right"))].set_visible(False)


@cache
def _picture() -> type[Figure]:
    """The class of our figures, made when the first one is drawn: it needs matplotlib.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional
        from matplotlib.font_manager import fontManager  # noqa: PLC0415 - optional
        from matplotlib.text import Text  # noqa: PLC0415 - optional
    except ImportError as error:
        message = 'pictures need matplotlib: pip install "segmentkit[plots]"'
        raise ImportError(message, name=error.name) from error

    class Picture(Figure):
        """A figure that no window shows by itself, and a notebook does, whatever its settings.

        Names may be in any script: what the font lacks is taken from others that are installed,
        and drawn as a box if none has it, without a warning. Where names are so long that nothing
        is left for the rest, the picture that is written grows.
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

    return Picture


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in _TOLD:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield
