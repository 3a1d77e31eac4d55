"""Examples in the README, the docs and the docstrings are tests."""

import os
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers import markdown, myst, rest

OPTIONS = ELLIPSIS | NORMALIZE_WHITESPACE

# Only the nox session "spark" has what Spark's examples need.
ASKS_SAIL = "sail" in os.environ.get("SEGMENTKIT_TARGETS", "").split(",")
SPARK = [] if ASKS_SAIL else ["**/spark.md", "**/spark/*"]


def prepare(_: object) -> None:
    """Let examples find a session of Spark."""
    if ASKS_SAIL:
        from tests.targets.spark import EVERY  # noqa: PLC0415 - what it needs, others lack

        assert EVERY[0].session


# In a page: ```python blocks, whether plain code or a >>> dialogue. One namespace a page.
pages = Sybil(
    parsers=[
        myst.PythonCodeBlockParser(doctest_optionflags=OPTIONS),
        markdown.SkipParser(),
        markdown.ClearNamespaceParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    excludes=["docs/_build/**", *SPARK],
    setup=prepare,
)

# In a docstring: >>> dialogues. One namespace a module: the module's own names.
docstrings = Sybil(
    parsers=[rest.DocTestParser(optionflags=OPTIONS), rest.SkipParser()],
    patterns=["src/**/*.py"],
    excludes=SPARK,
    setup=prepare,
    document_types={".py": PythonDocStringDocument},
)

pytest_collect_file = (pages + docstrings).pytest()
