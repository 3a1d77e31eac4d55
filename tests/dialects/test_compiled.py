"""Every answered conformance case in the SQL of dialects that no tests run: compiled and parsed.

The packages of the dialects and an independent parser of their grammars are in a dependency group
of their own, so this folder is for ``nox -s dialects``, not for every run of the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import sqlglot
from sqlalchemy.dialects import mssql
from sqlglot import exp

from segmentkit import Schema, Segment, UnsupportedError
from segmentkit import sqlalchemy as sql
from segmentkit._calendar import clock_steps, midnight_steps
from segmentkit.dtypes import DType, Kind
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.dialect import DIALECTS
from tests.compatibility import COMPILED, refused
from tests.conformance_cases import Case, cases
from tests.targets.databases import exact

ANSWERED = [case for case in cases() if case.members is not None]

GRAMMARS: Mapping[str, str] = {
    "mysql": "mysql",
    "mssql": "tsql",
    "oracle": "oracle",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
    "trino": "trino",
    "databricks": "databricks",
    "redshift": "redshift",
}
"""What the parser calls the grammars of the dialects."""

COMMON = {
    "abs", "cast", "coalesce", "cos", "count", "lower", "max", "min", "mod", "nullif", "rank",
    "row_number", "dense_rank", "sin", "sqrt", "sum",
}  # fmt: skip
"""Functions that every dialect has; ``cast`` is a form rather than one."""

FUNCTIONS: Mapping[str, set[str]] = {
    "mysql": {
        "atan2",
        "char",
        "char_length",
        "concat",
        "conv",
        "convert",
        "datetime",
        "decimal",
        "extract",
        "from_days",
        "greatest",
        "json_extract",
        "json_table",
        "json_type",
        "json_unquote",
        "locate",
        "lpad",
        "md5",
        "position",
        "regexp_like",
        "regexp_replace",
        "replace",
        "right",
        "substr",
        "substring_index",
        "subtime",
        "timestampadd",
        "timestampdiff",
        "to_days",
        "weekday",
    },
    "mssql": {
        "atn2",
        "charindex",
        "dateadd",
        "datediff",
        "datediff_big",
        "datepart",
        "left",
        "len",
        "nvarchar",
        "right",
    },
    "oracle": {
        "atan2",
        "extract",
        "instr",
        "length4",
        "numtodsinterval",
        "rawtohex",
        "standard_hash",
        "substr",
        "to_number",
        "trunc",
        "varchar2",
    },
    "snowflake": {"any_value", "dateadd", "extract", "length", "position", "right", "substr"},
    "bigquery": {
        "any_value",
        "char_length",
        "date_add",
        "datetime_add",
        "extract",
        "is_nan",
        "right",
        "strpos",
        "substr",
        "unnest",
    },
    "trino": {"date_add", "extract", "is_nan", "length", "position", "substr"},
    "databricks": {
        "any_value",
        "char_length",
        "date_add",
        "extract",
        "position",
        "right",
        "substr",
        "timestampadd",
    },
    "redshift": {"char_length", "dateadd", "extract", "position", "right", "substr"},
}
"""The other functions that we call, as the manuals of the dialects list them."""

TYPES: Mapping[str, set[str]] = {
    "mysql": {"CHAR", "DATE", "DATETIME", "DECIMAL", "DOUBLE", "SIGNED", "UNSIGNED"},
    "mssql": {"DATE", "DATETIME", "DATETIME2", "DOUBLE PRECISION"},
    "oracle": {"BINARY_DOUBLE", "DATE", "TIMESTAMP"},
    "snowflake": {"DOUBLE", "DATETIME"},
    "bigquery": {"DATETIME", "FLOAT64"},
    "trino": {"DOUBLE", "TIMESTAMP"},
    "databricks": {"DOUBLE", "TIMESTAMP_NTZ"},
    "redshift": {"DOUBLE PRECISION", "TIMESTAMP WITHOUT TIME ZONE"},
}
"""The types that we cast to, as the manuals list them."""

OWN_WORDS = {"0", "1", "DD", "20", "0.0", "0e0", "0000-01-01"}
"""Literals of our own, beside those in the spellings; all values of definitions are parameters.

The last is how SQLGlot reads MySQL's to_days.
"""

FORMS = {
    "and",
    "by",
    "distinct",
    "columns",
    "else",
    "exists",
    "from",
    "having",
    "in",
    "join",
    "not",
    "on",
    "or",
    "over",
    "select",
    "then",
    "when",
    "where",
}
"""Words that a bracket may follow, and that are no functions."""

TRUTHS = (exp.And, exp.Or, exp.Not, exp.Predicate)
"""What is a condition everywhere; a column, a number or a parameter is one only on some."""

WITHOUT_BOOLEANS = {"mssql", "oracle"}


def test_every_dialect_is_known_here() -> None:
    """Whatever dialect no tests run is compiled and parsed here."""
    assert GRAMMARS.keys() == FUNCTIONS.keys() == TYPES.keys()
    assert GRAMMARS.keys() == {d.name for d in COMPILED}


@pytest.mark.parametrize("name", GRAMMARS)
@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: f"{case.file}: {case.name}")
def test_compiled(case: Case, name: str) -> None:
    """A case and its complement are valid SQL, or refused where the compatibility table says so."""
    for segment in (case.define(), ~case.define()):
        if refused(case, DIALECTS[name]):
            with pytest.raises(UnsupportedError):
                _text(segment, name, case.as_of)
        else:
            _check(_text(segment, name, case.as_of), name)


@cache
def _dialect(name: str) -> sa.Dialect:
    made: Any = sa.URL.create(name).get_dialect()
    dialect: sa.Dialect = made(paramstyle="pyformat")
    return dialect


@cache
def _root(schema: Schema, name: str) -> sa.Table:
    """The entity's table, beside the others, in the types that a careful user chooses there."""
    metadata = sql.tables_from(schema)
    for entity in schema.entities:
        for attribute in entity.attributes:
            column = metadata.tables[entity.table].c[attribute.column]
            column.type = _type(attribute.stored, name) or column.type
    return metadata.tables[schema.entity.table]


def _type(dtype: DType, name: str) -> Any:
    match dtype.kind, name:
        case Kind.TIMESTAMP, "mssql":
            return mssql.DATETIME2()
        case Kind.TIMESTAMP, "oracle":
            return sa.TIMESTAMP()
        case _:
            return exact(dtype)


def _text(segment: Segment, name: str, as_of: datetime) -> str:
    """The SQL, with a name in the place of every parameter."""
    query = sql.members(segment, _root(segment.schema, name), as_of=as_of)
    compiled = query.compile(dialect=_dialect(name), compile_kwargs={"render_postcompile": True})
    text = re.sub(r"%\(.+?\)s|(?<!:):`\w+`", "a_parameter", str(compiled))
    return text.replace("%%", "%")


@cache
def _of_clocks() -> frozenset[str]:
    """By how many seconds clocks differ from UTC and from each other, and when they change.

    These are no values of definitions.
    """
    attributes = [a for case in ANSWERED for e in case.schema.entities for a in e.attributes]
    zones = {case.schema.time_zone for case in ANSWERED} | {a.zone for a in attributes if a.zone}
    years = [*range(1840, 2100), *range(9_990, 10_000)]
    steps = [
        step
        for zone in map(ZoneInfo, zones)
        for step in (*clock_steps(zone, years), *midnight_steps(zone, years))
    ]
    since_1970 = {(at - datetime(1970, 1, 1)) // timedelta(seconds=1) for at, _ in steps}
    ahead = {by for _, by in steps} | {0}
    apart = {one - other for one in ahead for other in ahead}
    numbers = apart | since_1970 | {1_000 * each for each in since_1970}
    return frozenset(str(abs(each)) for each in numbers)


def _check(text: str, name: str) -> None:
    tree = sqlglot.parse_one(text, dialect=GRAMMARS[name])
    literals = {literal.name for literal in tree.find_all(exp.Literal)}
    spelled = {
        word
        for s in map(DIALECTS[name].template, Construct)
        for word in [*re.findall("'(.*?)'", s or ""), *re.findall(r"(?<!\{)\b\d+\b", s or "")]
    }
    assert not literals - spelled - OWN_WORDS - _of_clocks(), text
    for test in tree.find_all(exp.Is):
        assert isinstance(test.expression, exp.Null) or test.expression.name == "NAN", text
    if name in WITHOUT_BOOLEANS:
        assert not list(tree.find_all(exp.Boolean)), text
        for condition in filter(None, _conditions(tree)):
            assert isinstance(condition.unnest(), TRUTHS), (condition.sql(), text)
        for value in filter(None, _values(tree)):
            assert not isinstance(value.unnest(), TRUTHS), (value.sql(), text)
    called = {word.lower() for word in re.findall(r"\b(\w+) ?\(", text)}
    assert not called - FORMS - COMMON - FUNCTIONS[name], text
    types = {found.upper() for found in re.findall(r"\bAS (\w[\w ]*)\)(?! AS)", text)}
    assert not {found for found in types if found[0] != "`"} - TYPES[name], text


def _conditions(tree: exp.Expression) -> Iterator[exp.Expression]:
    """All that is asked whether it is true."""
    for node in tree.find_all(exp.Where, exp.Having, exp.If, exp.Not):
        yield node.this
    for node in tree.find_all(exp.And, exp.Or):
        yield from (node.left, node.right)
    yield from (node.args["on"] for node in tree.find_all(exp.Join))


def _values(tree: exp.Expression) -> Iterator[exp.Expression]:
    """All that is compared with something, counted or added up."""
    for node in tree.find_all(exp.Binary):
        if not isinstance(node, exp.Connector):
            yield from (node.left, node.right)
    for node in tree.find_all(exp.AggFunc, exp.Cast, exp.Coalesce):
        yield node.this
