"""Examples in the README, the docs and the docstrings are tests.

A plugin, which pyproject.toml loads by ``-p``: a conftest.py sees only the files beside it. Without
sybil the tests in files run all the same.
"""

from __future__ import annotations

import os
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from importlib.util import find_spec
from pathlib import Path

try:
    from sybil import Sybil
    from sybil.document import PythonDocStringDocument
    from sybil.parsers import markdown, myst, rest
except ModuleNotFoundError:
    Sybil = None

ROOT = str(Path(__file__).parents[1])
OPTIONS = ELLIPSIS | NORMALIZE_WHITESPACE

# Only the nox session "spark" has what Spark's examples need.
ASKS_SAIL = "sail" in os.environ.get("SEGMENTKIT_TARGETS", "").split(",")
SPARK = [] if ASKS_SAIL else ["**/spark.md", "**/spark/*"]
# And only "web" what an app's need.
WEB = [] if find_spec("fastapi") and find_spec("aiosqlite") else ["**/web-apps.md"]


def prepare(_: object) -> None:
    """Let examples find a session of Spark."""
    if ASKS_SAIL:
        from tests.targets.spark import EVERY

        assert EVERY[0].session


if Sybil:
    # In a page: ```python blocks, whether plain code or a >>> dialogue. One namespace a page.
    pages = Sybil(
        parsers=[
            myst.PythonCodeBlockParser(doctest_optionflags=OPTIONS),
            markdown.SkipParser(),
            markdown.ClearNamespaceParser(),
        ],
        path=ROOT,
        patterns=["README.md", "docs/*.md", "docs/**/*.md"],
        excludes=["docs/_build/**", *SPARK, *WEB],
        setup=prepare,
    )

    # In a docstring: >>> dialogues. One namespace a module: the module's own names.
    docstrings = Sybil(
        parsers=[rest.DocTestParser(optionflags=OPTIONS), rest.SkipParser()],
        path=ROOT,
        # Of Python's globs before 3.13, two stars are one folder.
        patterns=[f"src/{'*/' * depth}*.py" for depth in range(1, 5)],
        excludes=SPARK,
        setup=prepare,
        document_types={".py": PythonDocStringDocument},
    )

    pytest_collect_file = (pages + docstrings).pytest()
else:

    def pytest_report_header() -> str:
        return "examples in the README, docs and docstrings are left out: sybil is missing"
