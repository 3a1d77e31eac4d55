"""Pictures by matplotlib, which only the extra `plots` brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, title: str | None = None) -> Figure:
    """A picture of nothing yet but its title.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from segmentkit.analysis._figure import Picture  # noqa: PLC0415 - optional
    except ImportError as error:
        message = 'pictures need matplotlib: pip install "segmentkit[plots]"'
        raise ImportError(message, name=error.name) from error
    figure = Picture(figsize=(width, height), layout="constrained")
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
