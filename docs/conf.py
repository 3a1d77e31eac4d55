"""How Sphinx builds the documentation; ``nox -s docs`` runs it."""

import json
import sys
from importlib.metadata import version as version_of
from pathlib import Path

import segmentkit
from segmentkit._language.pygments_lexer import DefinitionLexer

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "segmentkit"
author = "The segmentkit authors"
copyright = "2026, The segmentkit authors"
version = release = version_of("segmentkit")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "from_tables"]
exclude_patterns = ["_build", "_extensions"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# The API is described without what an extra brings.
autodoc_mock_imports = ["pyspark"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

smartquotes = False
html_theme = "furo"
html_title = f"segmentkit {version}"


def publish_schemas(app, error):
    """Writes the JSON Schemas beside the pages, where validators can fetch them."""
    if error is None:
        for of in ("segment", "trait", "catalog", "schema"):
            text = json.dumps(segmentkit.json_schema(of), indent=2)
            Path(app.outdir, f"{of}.schema.json").write_text(text + "\n", encoding="utf-8")


def setup(app):
    app.add_lexer("segmentkit", DefinitionLexer)
    app.connect("build-finished", publish_schemas)
