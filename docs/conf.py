"""How Sphinx builds the documentation; ``nox -s docs`` runs it."""

import json
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.search.en import SearchEnglish

import segmentkit
from segmentkit._language.pygments_lexer import DefinitionLexer

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "segmentkit"
author = "The segmentkit authors"
copyright = "2026, The segmentkit authors"
version = release = version_of("segmentkit")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "from_tables",
    "inline_definitions",
    "outside_links",
]
exclude_patterns = ["_build", "_extensions"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# The notebook is shown as it was run; the tests run it.
nb_execution_mode = "off"

# The API is described without what an extra brings.
autodoc_mock_imports = ["pyspark"]
autodoc_member_order = "bysource"
autodoc_typehints = "both"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "documented_params"
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# What stands in single backticks is a link where it names something, and code elsewhere.
default_role = "py:obj"
# Several modules have a Source, and the one that was meant is named by the text.
suppress_warnings = ["ref.python"]

# The language's own words, such as "between" and "not in", must be found.
SearchEnglish.stopwords = frozenset()

# Prompts and answers are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

smartquotes = False
html_theme = "furo"
html_title = f"segmentkit {version}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_theme_options = {"navigation_with_keys": True}


def publish_schemas(app, error):
    """Writes the JSON Schemas beside the pages, where validators can fetch them."""
    if error is None:
        for of in ("segment", "trait", "catalog", "schema"):
            text = json.dumps(segmentkit.json_schema(of), indent=2)
            Path(app.outdir, f"{of}.schema.json").write_text(text + "\n", encoding="utf-8")


def setup(app):
    app.add_lexer("segmentkit", DefinitionLexer)
    app.connect("build-finished", publish_schemas)
