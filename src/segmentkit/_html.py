"""HTML for notebooks: elements whose content is escaped unless it is HTML itself."""

from __future__ import annotations

from html import escape


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def element(name: str, *content: str, **attributes: str) -> Html:
    """An element; of its content and attributes, what is no HTML is escaped.

    Example:
        >>> print(element("b", "1 < 2 ", element("i", "yes"), title='"'))
        <b title="&quot;">1 &lt; 2 <i>yes</i></b>
    """
    told = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    inside = "".join(part if isinstance(part, Html) else escape(part) for part in content)
    return Html(f"<{name}{told}>{inside}</{name}>")
