"""HTML for notebooks: elements whose content is escaped unless it is HTML itself."""

from __future__ import annotations

from collections.abc import Iterable
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


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    """A table of texts.

    Example:
        >>> "<td>&lt;</td>" in table(["a"], [["<"]])
        True
    """
    top = element("tr", *(element("th", head, scope="col") for head in heads))
    body = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    return element("table", element("thead", top), element("tbody", *body))
