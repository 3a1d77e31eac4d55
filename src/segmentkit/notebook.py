"""Write definitions in notebook cells: ``%load_ext segmentkit.notebook``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import date
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from lark import Token

from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._language.formatter import format_name, format_value
from segmentkit._language.keywords import keywords
from segmentkit._language.parser import tokens
from segmentkit._language.tree_builder import name_of
from segmentkit.catalog import Catalog
from segmentkit.errors import DefinitionError, SegmentkitError
from segmentkit.functions import AGGREGATES, FUNCTIONS
from segmentkit.schema import Schema
from segmentkit.segment import Segment

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_MAGIC = "%%segment"
_USAGE = f"{_MAGIC} NAME SCHEMA [SOURCE [AS_OF]]: the cell below is a definition"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Let cells begin with ``%%segment NAME SCHEMA [SOURCE [AS_OF]]``.

    The cell is a definition for the schema, or the catalog, in the notebook's variable SCHEMA.
    The segment is shown, and kept as a variable NAME. With a SOURCE, its members are counted too,
    as of now or as of the instant in the variable AS_OF. While you write, the names of the schema
    and the values that it lists are completed.

    Args:
        shell: The notebook's IPython; ``%load_ext`` gives it.
    """
    from IPython.core.completer import context_matcher  # noqa: PLC0415 - it is IPython that asks

    def segment(line: str, cell: str) -> Segment | None:
        return _define(shell, line, cell)

    @context_matcher(identifier="segmentkit")  # type: ignore[untyped-decorator]
    def complete(context: Any) -> Any:
        return _completed(shell, context)

    shell.register_magic_function(segment, "cell")
    shell.Completer.custom_matchers.append(complete)


def _define(shell: InteractiveShell, line: str, cell: str) -> Segment | None:
    try:
        name, where, *rest = shlex.split(line)
    except ValueError:
        print(_USAGE)
        return None
    if not name.isidentifier():
        print(f"{name!r} cannot be the name of a variable; {_USAGE}")
        return None
    schema, names = _found(shell, where)
    if schema is None:
        print(f"there is no schema or catalog {where!r}; {_USAGE}")
        return None
    try:
        made = Segment.define(name, cell.strip(), schema, **names)
    except DefinitionError as error:
        # The messages point into the cell: a traceback would only hide them.
        print(error)
        return None
    shell.user_ns[name] = made
    if rest:
        _count(shell, made, *rest)
    return made


def _count(shell: InteractiveShell, made: Segment, source: str, *at: str) -> None:
    """Say how many members a segment has."""
    sources = {
        each: found
        for each, found in shell.user_ns.items()
        if hasattr(found, "sizes") and not isinstance(found, type)
    }
    if source not in sources:
        hint = did_you_mean(source, sources)
        print(f"there is no source {source!r}" + (f"; {hint}" if hint else ""))
        return
    as_of = shell.user_ns.get(at[0]) if at else None
    if at and (len(at) > 1 or not isinstance(as_of, date)):
        print(f"there is no date or datetime {' '.join(at)!r}; {_USAGE}")
        return
    try:
        sizes = sources[source].sizes({"it": made}, as_of=as_of)
    except SegmentkitError as error:
        print(error)
        return
    print(f"{made.name}: {sizes['it']:,} of {sizes.population:,}")


def _found(shell: InteractiveShell, name: str) -> tuple[Schema | None, dict[str, Any]]:
    """The schema that a name stands for, and what else definitions can name."""
    match shell.user_ns.get(name):
        case Schema() as schema:
            return schema, {}
        case Catalog() as catalog if catalog:
            schema = next(iter(catalog.values())).schema
            return schema, {
                "segments": dict(catalog),
                "traits": dict(catalog.traits),
                "lists": dict(catalog.lists),
            }
        case _:
            return None, {}


# -- completion ---------------------------------------------------------------------------------


def _completed(shell: InteractiveShell, context: Any) -> Any:
    from IPython.core.completer import SimpleCompletion  # noqa: PLC0415 - it is IPython that asks

    first, _, _ = context.full_text.partition("\n")
    told = first.split()
    if len(told) < 3 or told[0] != _MAGIC or not context.cursor_line:
        return {"completions": [], "suppress": False}
    schema, names = _found(shell, told[2])
    if schema is None:
        return {"completions": [], "suppress": False}
    *above, line = context.full_text.split("\n")[1 : context.cursor_line + 1]
    place = context.cursor_position
    begun, told_before = _begun("\n".join([*above, line[:place]]))
    quote = begun[:1] if begun[:1] in _QUOTES and line[place:].startswith(begun[:1]) else ""
    fitting = [each for each in _words(told_before, begun, schema, names) if each.startswith(begun)]
    # IPython puts a completion in the place of its own idea of what has been begun.
    more = len(begun) - len(context.token)
    texts = [each[more:] if more >= 0 else context.token[:more] + each for each in fitting]
    completions = [
        SimpleCompletion(text=each.removesuffix(quote), type="segment") for each in texts
    ]
    return {"completions": completions, "suppress": True}


_QUOTES = tuple("\"'`")
_OPEN = re.compile(r"""["'`].*\Z""", re.DOTALL)
_WORD = re.compile(r"(?:[^\W\d][\w.]*)?\Z")


def _begun(text: str) -> tuple[str, list[Token]]:
    """What is being written at the end of a text, a word or something in quotes; what is before."""
    found = list(tokens(text))
    end = found[-1].end_pos if found else 0
    open_quote = _OPEN.search(text, end or 0)
    if open_quote:
        return open_quote[0], found
    word = _WORD.search(text)
    assert word is not None
    return word[0], [token for token in found if (token.end_pos or 0) <= word.start()]


def _words(before: list[Token], begun: str, schema: Schema, names: dict[str, Any]) -> list[str]:
    """What can stand here: behind an attribute that is compared, the values that it has."""
    values = _values(before, schema)
    if begun.startswith("'"):
        texts = (format_value(value)[1:-1] for value in values if isinstance(value, str))
        return ["'{}'".format(t.replace('\\"', '"').replace("'", "\\'")) for t in texts]
    if values or begun.startswith('"'):
        return [format_value(value) for value in values]
    return [*_of_named_rows(before, schema), *_names(schema, names)]


def _of_named_rows(before: list[Token], schema: Schema) -> Iterator[str]:
    """The attributes of rows that have a name by now: ``o.amount`` behind ``orders as o``."""
    relations = {r.name: r for entity in schema.entities for r in entity.relations}
    for place, token in enumerate(before[:-1]):
        if token.type != "_AS":
            continue
        back = reversed(before[:place])
        path = takewhile(lambda each: each.type in ("NAME", "_DOT"), back)
        parts = [name_of(each) for each in path if each.type == "NAME"]
        relation = next((relations[part] for part in parts if part in relations), None)
        if relation is not None:
            alias = format_name(name_of(before[place + 1]))
            inner = schema.named(relation.to).attributes
            yield from (f"{alias}.{format_name(each.name)}" for each in inner)


_LISTING = ("STRING", "NUMBER", "_COMMA", "_LPAR", "ANY", "ALL")
_COMPARING = ("COMPARE", "_IN", "CONTAINS", "NOT")


def _values(before: list[Token], schema: Schema) -> list[Any]:
    """The values that are listed of the attribute that stands before a comparison."""
    rest = [*before]
    places = [place for place, token in enumerate(rest) if token.type not in _LISTING]
    if not places or rest[places[-1]].type not in _COMPARING[:3]:
        return []
    while rest and rest[-1].type in (*_LISTING, *_COMPARING):
        rest.pop()
    if not rest or rest[-1].type != "NAME":
        return []
    name = name_of(rest[-1])
    found = [a.values for entity in schema.entities for a in entity.attributes if a.name == name]
    return list(dict.fromkeys(value for values in found for value in values))


def _names(schema: Schema, names: dict[str, Any]) -> list[str]:
    """What a definition can be made of: names of the schema, functions, keywords."""
    found: list[str] = []
    for entity in schema.entities:
        for things in (entity.attributes, entity.places, entity.links, entity.relations):
            found += [format_name(thing.name) for thing in things]
        for relation in entity.relations:
            inner = schema.named(relation.to).attributes
            found += [f"{format_name(relation.name)}.{format_name(a.name)}" for a in inner]
    found += [format_name(name) for kind in ("traits", "segments") for name in names.get(kind, ())]
    found += [f"{name}(" for name in (*AGGREGATES, *FUNCTIONS)]
    return sorted({*found, *keywords()})
