"""Pictures by matplotlib, which the extra `plots` installs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from segmentkit._diagnostics.diagnostic import encodable
from segmentkit.analysis._result import distinct

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
_OWN, _LATIN = "DejaVu Sans", 0x24F
"""Matplotlib's own font, and up to which letter any font has all."""
_BOXES = "Last Resort"
"""A font that has each letter, as a box."""
_NAMED = 10
"""Colours that matplotlib has names for, made to be told apart."""
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
    """A label that leaves room for the picture."""
    return labels_of([text], most)[0]


def labels_of(texts: Iterable[str], most: int = 60) -> list[str]:
    """Labels that leave room for the picture, and differ where texts do; a dollar is no formula."""
    cut = distinct([" ".join(text.split()) for text in texts], most)
    return [text.replace("$", r"\$") for text in cut]


def colours(count: int) -> list[Any]:
    """So many colours, no two of them alike."""
    if count <= _NAMED:
        return [f"C{place}" for place in range(count)]
    from matplotlib import colormaps  # noqa: PLC0415 - optional

    if count <= 2 * _NAMED:
        pairs = list(colormaps["tab20"].colors)  # type: ignore[attr-defined]
        light = pairs[1::2]  # each beside its own colour as late as may be
        return [*pairs[::2], *light[5:], *light[:5]][:count]
    found = colormaps["nipy_spectral"]
    return [found(0.05 + 0.9 * place / (count - 1)) for place in range(count)]


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
            for text in self.findobj(Text):
                if not text.get_text().isascii():
                    text.set_text(encodable(text.get_text()))
                    own = text.get_fontfamily()
                    more = _families(frozenset(text.get_text()))
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


@cache
def _families(letters: frozenset[str]) -> tuple[str, ...]:
    """The fonts of common systems that are installed, and others for letters that they lack."""
    from matplotlib.font_manager import fontManager, get_font  # noqa: PLC0415 - optional

    every = ((entry.name, entry.fname) for entry in fontManager.ttflist)
    files = {name: file for name, file in every if not name.startswith(_BOXES)}
    found = [family for family in _FAMILIES if family in files]
    lacking = {letter for letter in letters if ord(letter) > _LATIN}
    for family in (_OWN, *found, *sorted(files.keys() - set(found))):
        if not lacking:
            break
        try:
            font = get_font(files[family])
        except (KeyError, OSError, RuntimeError):  # a file that is gone, or no font
            continue
        has = {letter for letter in lacking if font.get_char_index(ord(letter))}
        if has and family not in (_OWN, *found):
            found.append(family)
        lacking -= has
    return tuple(found)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in _TOLD:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield
