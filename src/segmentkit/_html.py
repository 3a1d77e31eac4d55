"""HTML for notebooks: elements whose content is escaped unless it is HTML itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def element(name: str, *content: str, **attributes: str | None) -> Html:
    """An element; of its content and attributes, what is no HTML is escaped.

    An attribute that Python cannot name is written with underscores: ``class_``, ``aria_label``.
    One that is None is left out.

    Example:
        >>> print(element("b", "1 < 2 ", element("i", "yes"), title='"', class_="x"))
        <b title="&quot;" class="x">1 &lt; 2 <i>yes</i></b>
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(part if isinstance(part, Html) else escape(part) for part in content)
    return Html(f"<{name}{told}>{inside}</{name}>")


def table(
    heads: Sequence[str], rows: Iterable[Iterable[str]], numbers: Collection[str] = ()
) -> Html:
    """A table; numbers stand to the right, all else to the left, whatever a notebook prefers.

    Example:
        >>> print(table(["a"], [["<"]]).partition("<tbody>")[2])
        <tr><td style="text-align: left">&lt;</td></tr></tbody></table>
    """
    sides = [f"text-align: {'right' if head in numbers else 'left'}" for head in heads]
    cells = [("th", {"scope": "col"}, heads), *(("td", {}, row) for row in rows)]
    top, *body = (
        element(
            "tr",
            *(
                element(kind, cell, **told, style=side)
                for cell, side in zip(row, sides, strict=True)
            ),
        )
        for kind, told, row in cells
    )
    return element("table", element("thead", top), element("tbody", *body))


def as_written(text: str) -> Html:
    """Text in which every place stands where it is: a definition, a message with carets."""
    return element("pre", text, style="white-space: pre; overflow-x: auto")
