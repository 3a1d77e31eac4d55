"""The combinations of segments that occur, as a picture inside a page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from segmentkit._diagnostics.languages import localized
from segmentkit._html import Html, element

_STEP, _ROW = 26, 24
"""How far columns and rows are apart."""
_NAMES, _SIZES, _GAP = 170, 90, 16
"""How wide names and the bars of sizes are, and what is between them and the columns."""
_NUMBERS, _BARS = 56, 110
"""How high the numbers above the bars are, and the bars."""
_LETTERS = 24


def upset(label: str, sizes: Mapping[str, int], combined: Mapping[tuple[str, ...], int]) -> Html:
    """Draw a column a combination: how many are in it above, which segments it is of below.

    Args:
        label: What it shows, for those who hear it.
        sizes: How many each segment has, by name.
        combined: How many are in exactly these segments; at least one combination.
    """
    names = sorted({name for held in combined for name in held}, key=lambda name: -sizes[name])
    rows = {name: _NUMBERS + _BARS + (place + 1) * _ROW for place, name in enumerate(names)}
    left = _NAMES + _SIZES + _GAP
    width = left + (len(combined) + 1) * _STEP
    height = max(rows.values()) + _ROW
    most = max(combined.values())
    parts = [element("title", label)]
    for name, y in rows.items():
        parts += _named(name, y, sizes[name] / max(sizes[each] for each in names))
    for place, (held, count) in enumerate(combined.items(), start=1):
        x = left + place * _STEP - _STEP // 2
        parts += _column(x, count, count / most, {rows[name] for name in held}, rows.values())
    return element(
        "svg", *parts, role="img", viewBox=f"0 0 {width} {height}", width=f"{width}",
        height=f"{height}",
    )  # fmt: skip


def _named(name: str, y: int, part: float) -> Iterator[Html]:
    short = name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"
    told = [element("title", name)] if short != name else []
    yield element("text", *told, short, x=f"{_NAMES - 8}", y=f"{y + 4}", text_anchor="end")
    yield _rect(_NAMES, y - 7, part * _SIZES, 14)


def _column(
    x: int, count: int, part: float, held: Collection[int], rows: Collection[int]
) -> Iterator[Html]:
    floor = _NUMBERS + _BARS
    top = floor - part * _BARS
    yield _rect(x - 8, top, 16, part * _BARS)
    yield element("text", localized(count), transform=f"translate({x + 4} {top - 5:g}) rotate(-90)")
    first, last = f"{min(held)}", f"{max(held)}"
    yield element("line", x1=f"{x}", x2=f"{x}", y1=first, y2=last, stroke_width="2", class_="on")
    for y in rows:
        size, kind = ("6", "on") if y in held else ("3", "off")
        yield element("circle", cx=f"{x}", cy=f"{y}", r=size, class_=kind)


def _rect(x: float, y: float, width: float, height: float) -> Html:
    sides = {"x": x, "y": y, "width": width, "height": height}
    told = {side: f"{value:.5g}" for side, value in sides.items()}
    return element("rect", **told, class_="size")
