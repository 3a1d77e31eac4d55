"""Colours for definitions that stand within sentences and tables.

Code in single backticks is coloured if it reads as a definition with at least one test. Names and
calls alone may as well be Python.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from segmentkit import DefinitionError, expr

_LIKE_PYTHON = (
    *(expr.And, expr.Or, expr.Not, expr.Name, expr.Literal, expr.Call),
    *(expr.Arithmetic, expr.Negative),
)


@cache
def _is_definition(text: str) -> bool:
    try:
        return not all(isinstance(node, _LIKE_PYTHON) for node in expr.walk(expr.parse(text)))
    except DefinitionError:
        return False


def _colour(_: Sphinx, tree: nodes.document) -> None:
    for node in tree.findall(nodes.literal):
        if not node.get("classes") and _is_definition(node.astext()):
            node["classes"] = ["code", "highlight"]
            node["language"] = "segmentkit"


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("doctree-read", _colour)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
