"""Links from types in signatures to where other projects document them.

Nothing is fetched when the pages are built: the few names are listed here, with their pages.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

_PYTHON = "https://docs.python.org/3/library"
_ABC = f"{_PYTHON}/collections.abc.html#collections.abc"
_ALCHEMY = "https://docs.sqlalchemy.org/en/20"
_PANDAS = "https://pandas.pydata.org/docs/reference/api"

PAGES = {
    **{
        name: f"{_PYTHON}/stdtypes.html#{name}"
        for name in ("dict", "frozenset", "list", "memoryview", "set", "str", "tuple")
    },
    **{name: f"{_PYTHON}/functions.html#{name}" for name in ("bool", "bytes", "float", "int")},
    **{
        name: f"{_ABC}.{name}"
        for name in ("Callable", "Collection", "Iterable", "Iterator", "Mapping", "Sequence")
    },
    **{name: f"{_PYTHON}/datetime.html#datetime.{name}" for name in ("date", "datetime", "time")},
    "Any": f"{_PYTHON}/typing.html#typing.Any",
    "Decimal": f"{_PYTHON}/decimal.html#decimal.Decimal",
    "None": f"{_PYTHON}/constants.html#None",
    "PathLike": f"{_PYTHON}/os.html#os.PathLike",
    "Path": f"{_PYTHON}/pathlib.html#pathlib.Path",
    "Connection": f"{_ALCHEMY}/core/connections.html#sqlalchemy.engine.Connection",
    "ColumnElement": f"{_ALCHEMY}/core/sqlelement.html#sqlalchemy.sql.expression.ColumnElement",
    "Engine": f"{_ALCHEMY}/core/connections.html#sqlalchemy.engine.Engine",
    "MetaData": f"{_ALCHEMY}/core/metadata.html#sqlalchemy.schema.MetaData",
    "Row": f"{_ALCHEMY}/core/connections.html#sqlalchemy.engine.Row",
    "Select": f"{_ALCHEMY}/core/selectable.html#sqlalchemy.sql.expression.Select",
    "Session": f"{_ALCHEMY}/orm/session_api.html#sqlalchemy.orm.Session",
    "Table": f"{_ALCHEMY}/core/metadata.html#sqlalchemy.schema.Table",
    "DataFrame": f"{_PANDAS}/pandas.DataFrame.html",
    "Index": f"{_PANDAS}/pandas.Index.html",
    "Series": f"{_PANDAS}/pandas.Series.html",
    "Axes": "https://matplotlib.org/stable/api/axes_api.html",
    "Figure": "https://matplotlib.org/stable/api/figure_api.html",
}


def _link(
    _: Sphinx, __: Any, node: pending_xref, shown: nodes.TextElement
) -> nodes.reference | None:
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or target.startswith("segmentkit"):
        return None
    page = PAGES.get(target.rpartition(".")[2])
    if page is None:
        return None
    link = nodes.reference("", "", internal=False, refuri=page, reftitle=target)
    link += shown
    return link


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("missing-reference", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
