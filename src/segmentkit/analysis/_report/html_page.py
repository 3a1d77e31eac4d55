"""An HTML page that needs nothing else: its style sheet and building blocks.

No script and nothing from elsewhere; it follows the reader's colour scheme and fits a phone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape
from importlib.resources import files

from segmentkit._html import Html, element


def page(title: str, body: Html, *, base: str | None = None) -> str:
    """A whole page.

    Args:
        title: What it is called.
        body: What it says.
        base: What links within it are relative to, if not to the page.
    """
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    head = (
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        # Whatever a text in it may try, a browser loads nothing and runs nothing.
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Html("" if base is None else f'<base href="{base}">'),
        element("title", title),
        element("style", Html(style)),
    )
    whole = element("html", element("head", *head), element("body", body), lang="en")
    # Half a character, which a name may hold, is nothing that a file can.
    return f"<!doctype html>\n{whole}\n".encode(errors="replace").decode()


_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def joined(parts: Iterable[str]) -> Html:
    """Pieces side by side; a text is escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(
    label: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Collection[str] = (),
    *,
    class_: str | None = None,
) -> Html:
    """A table that scrolls in a box of its own where it is too wide.

    Args:
        label: What it holds, for those who hear it.
        heads: The columns.
        rows: The cells; the first of a row names it.
        numbers: The columns that hold numbers.
        class_: What the style sheet calls it.
    """
    sides = ["number" if head in numbers else None for head in heads]
    top = [
        element("th", head, scope="col", class_=side)
        for head, side in zip(heads, sides, strict=True)
    ]
    body = [element("tr", *_row(row, sides)) for row in rows]
    inside = element(
        "table", element("thead", element("tr", *top)), element("tbody", *body), class_=class_
    )
    return scrolling(label, inside)


def _row(cells: Sequence[str], sides: Sequence[str | None]) -> Iterable[Html]:
    first, *others = cells
    yield element("th", first, scope="row", class_=sides[0])
    for cell, side in zip(others, sides[1:], strict=True):
        yield element("td", cell, class_=side)


def scrolling(label: str, inside: Html) -> Html:
    """A box that scrolls sideways, also by keys."""
    return element("div", inside, class_="wide", role="region", aria_label=label, tabindex="0")


def signed_bar(value: float, most: float) -> Html:
    """A value as a bar to the left or the right of a middle; what it is stands beside it."""
    width = 50 * min(abs(value), most) / most if most else 0
    start = 50 - width if value < 0 else 50
    inside = element("span", style=f"margin-left:{start:.4g}%;width:{width:.4g}%")
    kind = "signed less" if value < 0 else "signed"
    return element("span", inside, class_=f"bar {kind}", aria_hidden="true")


def bar(part: float, whole: float) -> Html:
    """A share as a bar; what it is stands beside it as a number."""
    width = 100 * part / whole if whole else 0
    inside = element("span", style=f"width:{width:.4g}%")
    return element("span", inside, class_="bar", aria_hidden="true")
