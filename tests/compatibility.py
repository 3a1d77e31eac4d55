"""What works where: the tables of docs/engines.md, from the conformance cases and the dialects.

``python -m tests.compatibility`` writes them anew; a test holds what is committed to what this
gives. Versions are those of the engines and packages that are installed where it is called; what
is not there keeps its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from segmentkit import Schema, UnsupportedError
from segmentkit import sqlalchemy as sql
from segmentkit._definition import instant_of
from segmentkit._language import syntax as t
from segmentkit._planning import ir
from segmentkit.dtypes import Kind
from segmentkit.extension import Target
from segmentkit.functions import FUNCTIONS
from segmentkit.segment import bound_condition
from segmentkit.sqlalchemy.dialects.constructs import Construct, Dialect
from segmentkit.sqlalchemy.dialects.dialect import DIALECTS
from segmentkit.sqlalchemy.dialects.elements import Spelled
from tests.conformance_cases import Case, cases
from tests.targets import TARGETS

PAGE = Path(__file__).parent.parent / "docs" / "engines.md"

ANSWERED = [case for case in cases() if case.members is not None]

Nodes = list[Any]
Uses = Callable[[Nodes], bool]
"""Whether a case uses a construct, by the nodes of its syntax tree and of its typed tree."""


def _any(*kinds: type, having: Callable[[Any], bool] = lambda _: True) -> Uses:
    return lambda nodes: any(isinstance(n, kinds) and having(n) for n in nodes)


def _aggregate(*functions: str) -> Uses:
    return _any(ir.Aggregate, having=lambda n: n.function.value in functions)


def _of(*kinds: Kind) -> Callable[[Any], bool]:
    return lambda node: node.dtype.kind in kinds


def _exact(node: ir.Compare | ir.OneOf | ir.TextTest) -> bool:
    operand = node.left if isinstance(node, ir.Compare) else node.operand
    return operand.dtype.kind is Kind.TEXT and not node.ignoring_case


def _with_empty_text(node: ir.Compare | ir.OneOf) -> bool:
    operands = (node.left, node.right) if isinstance(node, ir.Compare) else node.options
    return any(isinstance(o, ir.Const) and o.value == "" for o in operands)


def _is_list(node: ir.Column) -> bool:
    return node.dtype.kind is Kind.TEXTS and not _in_json(node)


def _of_table_of_texts(nodes: Nodes) -> bool:
    schemas = [node for node in nodes if isinstance(node, Schema)]
    ways = [r for schema in schemas for e in schema.entities for r in e.relations]
    named = {relation.name for relation in ways if relation.value}
    return any(isinstance(node, t.Name) and node.parts[-1] in named for node in nodes)


def _in_json(node: ir.Column) -> bool:
    return "." in node.name


def _text(operator: ir.TextOperator) -> Uses:
    return _any(ir.TextTest, having=lambda n: n.operator is operator and not n.ignoring_case)


def _window(kind: Kind) -> Uses:
    windows = _any(t.InWindow, having=lambda n: not isinstance(n.operand, t.Call))
    columns = _any(ir.Column, having=_of(kind))
    return lambda nodes: windows(nodes) and columns(nodes)


def _sum(*kinds: Kind) -> Uses:
    return _any(ir.Aggregate, having=lambda n: n.function.value == "sum" and _of(*kinds)(n))


def _in_zone(*, utc: bool) -> Uses:
    zones = _any(Schema, having=lambda schema: (schema.time_zone == "UTC") is utc)
    across = _any(ir.Call, having=lambda n: n.name == "instant")
    return lambda nodes: zones(nodes) and across(nodes)


def _between_relations(nodes: Nodes) -> bool:
    def relations(node: ir.Condition) -> set[str]:
        return {n.relation for n in ir.walk(node) if isinstance(n, ir.Aggregate)}

    return any(isinstance(n, ir.Compare) and len(relations(n)) > 1 for n in nodes)


def _calls(*names: str) -> Uses:
    return _any(t.Call, having=lambda n: n.name in names)


_PARTS_OF_TIME = ("day", "week", "monthday", "month", "quarter", "year", "weekday", "hour")
_ELSEWHERE = (*_PARTS_OF_TIME, "abs", "age", "anniversary", "default", "distance")
"""Functions that have a row among what they are about; all others have one of their own."""
LISTS = "lists of texts: `contains`"
LISTS_FOLDED = "lists of texts: `contains … ignoring case`"
LISTS_SIZE = "lists of texts: `length()`, `is empty`"
JSON = "values in JSON"
RANKS = "`top … by`, `bottom … by`"
SAMPLE = "`sample()`"
PARTS = "`day()`, `week()`, `monthday()`, `month()`, `quarter()`, `year()`, `weekday()`, `hour()`"
DISTANCE = "`distance()`"
STREAK = "`streak`"
TILES = "`ntile()`"
OVERALL = "`avg(… among …)` and its kin"
PATTERNS = "`matches`"
EMPTY_TEXT = '`=`, `in` with `""`'
OTHER_ZONE = "a date column against a timestamp column, in another zone"

CONSTRUCTS: Mapping[str, Mapping[str, Uses]] = {
    "Attributes": {
        "`=` `!=` `<` `<=` `>` `>=` `between`": _any(ir.Compare),
        "`in (…)`": _any(ir.OneOf),
        "`is missing`, `is present`": _any(ir.Missing),
        "booleans": _any(ir.Column, having=_of(Kind.BOOLEAN)),
        "behind a link": _any(ir.Column, having=lambda n: bool(n.links)),
    },
    "Text": {
        "`=`, `in` by code point": _any(ir.Compare, ir.OneOf, having=_exact),
        "`contains`": _text(ir.TextOperator.CONTAINS),
        "`starts with`": _text(ir.TextOperator.STARTS),
        PATTERNS: _text(ir.TextOperator.MATCHES),
        "`ends with`": _text(ir.TextOperator.ENDS),
        EMPTY_TEXT: _any(ir.Compare, ir.OneOf, having=_with_empty_text),
        "`ignoring case`": _any(
            ir.Compare, ir.OneOf, ir.TextTest, having=lambda n: n.ignoring_case
        ),
    },
    "Numbers": {
        "exact decimals": _any(ir.Column, having=_of(Kind.DECIMAL)),
        "floats, NaN as missing": _any(ir.Column, having=_of(Kind.FLOAT)),
        "`+` `-` `*`": _any(ir.Arithmetic, having=lambda n: n.operator != "/"),
        "`/`": _any(ir.Arithmetic, having=lambda n: n.operator == "/"),
        "`abs()`, `default()`": _any(ir.Call, having=lambda n: n.name in ("abs", "default")),
        "`case when … then … else … end`": _any(ir.Case),
    },
    "Time": {
        "windows on timestamps": _window(Kind.TIMESTAMP),
        "windows on dates": _window(Kind.DATE),
        "lengths of time": _any(t.Duration),
        "dates some months later": _any(ir.Call, having=lambda n: n.name == "later_month"),
        "`age()`": _calls("age"),
        "`anniversary()`": _any(ir.AnniversaryIn),
        PARTS: _calls(*_PARTS_OF_TIME),
        "a date column against a timestamp column, in UTC": _in_zone(utc=True),
        OTHER_ZONE: _in_zone(utc=False),
    },
    "Aggregates": {
        "`count`, `any`, `none`": _aggregate("count"),
        "`count(distinct …)`": _aggregate("count distinct"),
        "`sum`": _sum(Kind.INTEGER, Kind.FLOAT),
        "`sum` of decimals": _sum(Kind.DECIMAL),
        "`avg`": _aggregate("avg"),
        "`min`, `max`": _aggregate("min", "max"),
        "`median`": _aggregate("median"),
        "`percentile`": _aggregate("percentile"),
        "`mode`": _aggregate("mode"),
        STREAK: _aggregate("streak"),
        "`first`, `last`": _aggregate("first", "last"),
        "`in` a window": _any(t.Call, having=lambda n: n.window is not None),
        "`where`": _any(t.Call, having=lambda n: n.where is not None),
        "of one relation against another": _between_relations,
        "of relations of relations": _any(ir.Aggregate, having=lambda n: bool(n.through)),
        "of the row around: `price > o.amount`": _any(
            ir.Column, having=lambda n: n.scope is ir.Scope.ABOVE
        ),
    },
    "Sequences": {
        "`followed by`, `preceded by`": _any(t.Step),
        "`not followed by`, `not preceded by`": _any(t.Step, having=lambda n: n.negated),
        "of the same as the row before: `product = t.product`": _any(
            ir.Follows, having=lambda n: bool(n.same)
        ),
    },
    "Population": {
        RANKS: _any(t.Ranked),
        TILES: _calls("ntile"),
        OVERALL: _any(t.Call, having=lambda n: n.among is not None and n.name != "ntile"),
        SAMPLE: _calls("sample"),
    },
    "Functions": {f"`{name}()`": _calls(name) for name in FUNCTIONS if name not in _ELSEWHERE},
    "Places": {DISTANCE: _calls("distance")},
    "Lists and JSON": {
        LISTS: _any(ir.Column, having=_is_list),
        LISTS_FOLDED: _any(ir.Contains, having=lambda n: n.ignoring_case),
        LISTS_SIZE: _any(ir.Call, having=lambda n: n.name == "size"),
        JSON: _any(ir.Column, having=_in_json),
        "tables of texts": _of_table_of_texts,
    },
    "Names": {
        "`in list …`": _any(t.InKeyList, ir.Listed),
        "`in segment …`, `reachable by …`": _any(t.InSegment, t.Reachable),
    },
}
"""What the tables tell apart: groups of rows, and which cases use each."""

ALONE = {
    EMPTY_TEXT,
    PATTERNS,
    OTHER_ZONE,
    LISTS,
    LISTS_FOLDED,
    LISTS_SIZE,
    JSON,
    RANKS,
    TILES,
    OVERALL,
    SAMPLE,
    DISTANCE,
    PARTS,
    STREAK,
}
"""Refused so widely that a case with them says nothing of what else it uses."""


OF_DIGITS = [
    "a product of two columns beside a fraction",
    "a product of two columns in a list of fractions",
]
"""What Spark refuses for the digits of what is compared, and not for a construct."""


@cache
def constructs_of(case: Case, *, arrays: bool) -> frozenset[Construct] | None:
    """What of a case's SQL dialects spell differently; None where there is no SQL at all."""
    metadata = sql.tables_from(case.schema)
    for entity in case.schema.entities if arrays else ():
        for attribute in entity.attributes:
            if attribute.dtype.kind is Kind.TEXTS:
                metadata.tables[entity.table].c[attribute.column].type = sa.ARRAY(sa.Text())
    root = metadata.tables[case.schema.entity.table]
    try:
        query = sql.members(case.define(), root, as_of=case.as_of)
    except UnsupportedError:
        return None
    return frozenset(e.of for e in visitors.iterate(query) if isinstance(e, Spelled))


def refused(case: Case, dialect: Dialect) -> bool:
    """Whether a dialect refuses a case by name."""
    constructs = constructs_of(case, arrays=Construct.HAS_ANY not in dialect.refuses)
    if dialect.name == "spark" and case.name in OF_DIGITS:
        return True
    return constructs is None or bool(dialect.refuses & constructs)


@cache
def rows() -> list[tuple[str, list[Case]]]:
    """Each construct with the cases that use it."""
    nodes = {case: _nodes(case) for case in ANSWERED}
    every = {
        (group, title): [case for case in ANSWERED if uses(nodes[case])]
        for group, constructs in CONSTRUCTS.items()
        for title, uses in constructs.items()
    }
    apart = {case for (_, title), found in every.items() if title in ALONE for case in found}
    return [
        (f"{group}: {title}", [c for c in found if title in ALONE or c not in apart])
        for (group, title), found in every.items()
    ]


def _nodes(case: Case) -> Nodes:
    segment = case.define()
    bound = ir.walk(bound_condition(segment, instant_of(case.as_of, segment.schema), Target.SQL))
    # Normalizing makes other nodes of what is written, but only it knows of these.
    instants = [n for n in bound if isinstance(n, ir.Call) and n.name == "instant"]
    checked = ir.walk(segment._checked.condition)
    named = [segment, *segment.references.values(), *segment.traits.values()]
    written = [node for each in named for node in _written(each._tree)]
    return [segment.schema, *written, *checked, *instants]


def _written(node: Any) -> Iterator[Any]:
    yield node
    for child in t.children(node):
        yield from _written(child)


def _cell(found: list[Case], target: str, dialect: Dialect | None) -> str:
    """What becomes of the cases on a dialect, or on a target that is none."""
    no = sum(refused(c, dialect) if dialect else target in c.unsupported for c in found)
    if no:
        return "refused" if no == len(found) else "in part"
    return "yes" if dialect is None or dialect.run else "compiles"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _constructs(columns: Mapping[str, Dialect | None]) -> str:
    lines = [
        [title, str(len(found)), *(_cell(found, *column) for column in columns.items())]
        for title, found in rows()
    ]
    heads = [PLAIN.get(name, name) for name in columns]
    return _table(["construct", "cases", *heads], lines)


def _notes(dialects: list[Dialect]) -> str:
    return "\n".join(f"- **{d.title}.** {' '.join(d.notes)}" for d in dialects if d.notes)


PLAIN = {"record": "one record", "pandas": "pandas"}
"""The targets that are no dialects, by the names that cases have for them."""
RUN = [d for d in DIALECTS.values() if d.run]
# An engine may be reached by several dialects that spell alike; the tests use one of them.
COMPILED = [d for d in DIALECTS.values() if d.spellings not in [each.spellings for each in RUN]]


BLOCKS: Mapping[str, Callable[[], str]] = {
    "run": lambda: _constructs(dict.fromkeys(PLAIN) | {d.title: d for d in RUN}),
    "run-notes": lambda: _notes(RUN),
    "compiled": lambda: _constructs({d.title: d for d in COMPILED}),
    "compiled-notes": lambda: _notes(COMPILED),
}
"""What makes the text between the markers of the page, by their names; versions are apart."""

PACKAGES = {"pandas": "pandas", "SQLAlchemy": "sqlalchemy", "sqlglot": "sqlglot"}
PACKAGES |= {d.title: d.package for d in COMPILED if d.package is not None}


def versions(before: str) -> str:
    """The versions that are here; a line of what is not here stays as it was."""
    known = dict(re.findall(r"^\| (\w[^|]+?) \| (\d[^|]+?) \|$", before, re.MULTILINE))
    known |= {"Python": python_version()}
    for title, package in PACKAGES.items():
        with suppress(PackageNotFoundError):
            named = f" ({package})" if package != title.lower() else ""
            known[title] = version(package) + named
    for target in TARGETS:
        if target.version is not None:
            title = next(d.title for d in RUN if target.name in (d.name, d.title.lower()))
            known[title] = target.version()
    return _table(["what", "version"], [list(row) for row in sorted(known.items())])


def replaced(page: str, name: str, text: str) -> str:
    """The page with other text between the markers of a block."""
    begin, end = f"<!--- begin {name} -->", f"<!--- end {name} -->"
    before, rest = page.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def block(page: str, name: str) -> str:
    """The text between the markers of a block."""
    return page.split(f"<!--- begin {name} -->\n")[1].split(f"\n<!--- end {name} -->", maxsplit=1)[
        0
    ]


def main() -> None:
    """Write the blocks of the page anew."""
    page = PAGE.read_text(encoding="utf-8")
    for name, text in BLOCKS.items():
        page = replaced(page, name, text())
    page = replaced(page, "versions", versions(block(page, "versions")))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
