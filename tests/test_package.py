"""What must be true of the package as installed."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import EntryPoint
from importlib.resources import files
from pathlib import Path

import pytest
from pygments.token import Token

import segmentkit
from segmentkit import SegmentSyntaxError
from segmentkit._language import grammar
from segmentkit._language.parser import parse
from segmentkit._language.tree_builder import TreeBuilder
from tests.conformance_cases import cases


@pytest.mark.parametrize("name", ["py.typed", "_language/grammar.lark", "_language/tables.json"])
def test_data_files_are_installed(name):
    """What the code and type checkers read beside the modules comes with every installation."""
    assert files("segmentkit").joinpath(name).is_file()


def loaded_by(program):
    """The modules that a program loads in an interpreter of its own."""
    program = f"import json, sys\n{program}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return set(json.loads(run.stdout))


def test_import_is_light():
    """``import segmentkit`` loads nothing but itself."""
    more = loaded_by("import segmentkit") - loaded_by("import importlib")
    assert more == {"segmentkit"}


def test_definitions_load_neither_engines_nor_what_only_some_need():
    """A definition is read by Lark, without tables of suggestions, TOML, pandas and SQLAlchemy."""
    loaded = loaded_by(
        "from segmentkit import Segment, format_definition; format_definition('a>1')"
    )
    heavy = {"pandas", "numpy", "pyarrow", "sqlalchemy", "click", "rich", "tomlkit"}
    heavy |= {"matplotlib", "scipy", "sklearn", "segmentkit.analysis"}
    assert (heavy | {"difflib", "tomllib", "segmentkit.catalog"}).isdisjoint(loaded)
    assert "lark" in loaded


def test_every_public_name_is_there():
    """All that ``__all__`` says can be asked for, is listed, and is loaded from where it lives."""
    assert set(segmentkit.__all__) <= set(dir(segmentkit))
    assert all(getattr(segmentkit, name) is not None for name in segmentkit.__all__)
    assert segmentkit.catalog.Catalog is segmentkit.Catalog
    with pytest.raises(AttributeError, match="no attribute 'Segmnt'"):
        segmentkit.Segmnt  # noqa: B018 - asking is what fails


def test_the_promise_names_what_the_reference_has():
    """A module is public where the reference describes it; the promise names each of them."""
    docs = Path(__file__).parents[1] / "docs"
    pages = [page.read_text(encoding="utf-8") for page in docs.glob("api/*.md")]
    described = {
        title for page in pages for title in re.findall(r"^# (segmentkit\S*)$", page, re.M)
    }
    page = docs.joinpath("compatibility.md").read_text(encoding="utf-8")
    promise, _, rest = page.partition("\nThe language\n")
    named = set(re.findall(r"`(segmentkit[.\w]*)`", promise))
    extensions = set(re.findall(r"`%load_ext (\S+)`", rest))
    assert named | extensions == described
    assert all(import_module(name).__all__ for name in named - {"segmentkit.spark"})


def saved_tables(text):
    """Tables of Lark, whose numbers of states differ each time, in an order of their own."""
    tables = grammar.with_numbers(json.loads(text))
    memo, parser = tables["memo"], tables["data"]["parser"]["parser"]
    (start,) = parser["start_states"].values()
    numbers, found, rows = {start: 0}, [start], []
    for state in found:
        actions = {parser["tokens"][n]: do for n, do in parser["states"].get(state, {}).items()}
        row = {}
        for symbol, (reduces, target) in sorted(actions.items()):
            if not reduces and target not in numbers:
                numbers[target] = len(numbers)
                found.append(target)
            row[symbol] = memo[target["@"]] if reduces else numbers[target]
        rows.append(row)
    terminals = {
        each["name"]: (each["pattern"]["value"], each["pattern"]["flags"], each["priority"])
        for each in memo.values()
        if each["__type__"] == "TerminalDef"
    }
    return tables["made from"], tables["data"]["options"], terminals, rows


def test_tables_are_those_of_the_grammar():
    """What Lark makes of ``grammar.lark`` is what is saved: the grammar did not change since."""
    saved = files("segmentkit").joinpath("_language", "tables.json").read_text(encoding="utf-8")
    made = grammar.tables()
    assert saved_tables(saved) == saved_tables(made), "run python -m segmentkit._language.grammar"


@pytest.mark.parametrize("saved", [b"", b'{"made from": "another grammar"}', b"of another Lark"])
def test_tables_that_do_not_fit_are_made_anew(monkeypatch, saved):
    """Without saved tables, or with others, definitions are read all the same."""
    if saved == b"of another Lark":
        saved = json.dumps({"made from": grammar._made_from(), "data": {"options": {}}, "memo": {}})
    monkeypatch.setattr(grammar, "get_data", lambda package, name: saved)
    text = (
        'not (a in ("x", "y")) and count(orders in last 3 days where b) > 2 * -c or in list `d e`'
    )
    assert grammar.parser(TreeBuilder()).parse(text) == parse(text)


def test_links_of_the_readme_work_everywhere():
    """The package index shows the README too, where a relative link leads nowhere."""
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", re.sub(r"```.*?```", "", readme, flags=re.DOTALL))
    assert all(link.startswith(("https://", "#")) for link in links), links


def test_the_readme_names_every_extra():
    """The table of extras is complete, and nothing in it is gone."""
    root = Path(__file__).parents[1]
    project = tomllib.loads(root.joinpath("pyproject.toml").read_text("utf-8"))["project"]
    readme = root.joinpath("README.md").read_text(encoding="utf-8")
    table = readme.partition("| extra | gives you |")[2].partition("\n\n")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert named == set(project["optional-dependencies"])


def test_pygments_colours_definitions():
    """The lexer that is registered reads every definition, and tells the kinds of words apart."""
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8"))
    (place,) = project["project"]["entry-points"]["pygments.lexers"].values()
    lexer = EntryPoint("segmentkit", place, "pygments.lexers").load()()
    for text in {case.where or case.value for case in cases()} - {None}:
        tokens = list(lexer.get_tokens_unprocessed(text))
        assert "".join(said for _, _, said in tokens) == text
        if Token.Error in {kind for _, kind, _ in tokens}:
            with pytest.raises(SegmentSyntaxError):
                parse(text)
    text = 'count(orders in last 3 days) > :n and not x = "last" # why'
    kinds = [
        str(kind).removeprefix("Token.")
        for _, kind, said in lexer.get_tokens_unprocessed(text)
        if said.strip() and said not in "()"
    ]
    assert kinds == [
        *("Name.Function", "Name", "Keyword", "Keyword", "Literal.Number", "Keyword", "Operator"),
        *("Name.Variable", "Keyword", "Keyword", "Name", "Operator", "Literal.String.Double"),
        "Comment.Single",
    ]


def test_every_module_can_be_read_in_a_sitting():
    """No module of the library has more than 520 lines."""
    package = Path(segmentkit.__file__).parent
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in package.rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > 520} == {}
