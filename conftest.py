"""Examples in the README, the docs and the docstrings are tests."""

import os
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers import markdown, myst, rest

OPTIONS = ELLIPSIS | NORMALIZE_WHITESPACE

# What Spark's examples need, the nox session "spark" has.
SPARK = [] if "sail" in os.environ.get("SEGMENTKIT_TARGETS", "") else ["**/spark.md", "**/spark/*"]

# In a page: ```python blocks, whether plain code or a >>> dialogue. One namespace a page.
pages = Sybil(
    parsers=[
        myst.PythonCodeBlockParser(doctest_optionflags=OPTIONS),
        markdown.SkipParser(),
        markdown.ClearNamespaceParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    excludes=["docs/_build/**", *SPARK],
)

# In a docstring: >>> dialogues. One namespace a module: the module's own names.
docstrings = Sybil(
    parsers=[rest.DocTestParser(optionflags=OPTIONS), rest.SkipParser()],
    patterns=["src/**/*.py"],
    excludes=SPARK,
    document_types={".py": PythonDocStringDocument},
)

pytest_collect_file = (pages + docstrings).pytest()
