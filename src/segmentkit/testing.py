"""Check that a function that you add to the language means the same on every target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import sqlalchemy as sa

from segmentkit._checking.coercion import literal_dtype
from segmentkit.dtypes import BOOLEAN, DATE, FLOAT, INTEGER, TEXT, TIMESTAMP, DType, decimal
from segmentkit.extension import Aggregate, Extension, Function, Target
from segmentkit.pandas import values as values_of_frames
from segmentkit.schema import Attribute, Entity, Relation, Schema
from segmentkit.sqlalchemy import tables_from
from segmentkit.sqlalchemy import values as values_of_tables
from segmentkit.trait import Trait

__all__ = ["check_examples"]

_TYPES: Mapping[str, DType] = {
    "integer": INTEGER,
    "float": FLOAT,
    "text": TEXT,
    "boolean": BOOLEAN,
    "date": DATE,
    "timestamp": TIMESTAMP,
}
"""The types of columns that hold arguments, where they are not found out from the examples."""

_NEAR = 1e-9
"""Engines may round the last digits of floats differently."""


_LENGTH = 500
"""Some databases want to know how long a text can be."""


def check_examples(function: Extension, engine: sa.Engine | None = None) -> None:
    """Check the examples of a function or an aggregate on every target that has a lowering.

    The examples become records, data frames, and rows of a database, in which tables are created
    for them and dropped again.

    Args:
        function: The function or aggregate to check.
        engine: The database to use; by default an SQLite in memory.

    Raises:
        AssertionError: An example gives another result; names the target, the arguments and both
            results.
        ValueError: The function has no examples.
        UnsupportedError: The function has no lowering for the dialect of the engine.

    Example:
        >>> import sqlalchemy as sa
        >>> from segmentkit import TEXT, Function
        >>> initial = Function(
        ...     "initial",
        ...     ["text"],
        ...     TEXT,
        ...     "The first character.",
        ...     record=lambda text: text[:1],
        ...     sql=lambda text: sa.func.upper(sa.func.substr(text, 1, 1)),
        ...     examples=[(["Ada"], "A"), (["ada"], "a")],
        ... )
        >>> check_examples(initial)
        Traceback (most recent call last):
            ...
        AssertionError: initial('ada') is 'A' in sqlite, and should be 'a'
    """
    if not function.examples:
        raise ValueError(f"{function.name}() has no examples")
    trial = _trial(function)
    if function.is_lowered(Target.RECORD):
        _compare(function, Target.RECORD.value, _by_record(*trial))
    if function.is_lowered(Target.PANDAS):
        _compare(function, Target.PANDAS.value, _by_frames(*trial))
    if function.is_lowered(Target.SQL):
        asked = engine or sa.create_engine("sqlite://")
        try:
            _compare(function, asked.dialect.name, _by_tables(*trial, asked))
        finally:
            if engine is None:
                asked.dispose()


_Rows = dict[str, list[dict[str, Any]]]
_CASES, _VALUES = "segmentkit_cases", "segmentkit_values"


def _trial(function: Extension) -> tuple[Trait, _Rows]:
    """A trait that calls the function, and rows whose arguments are those of the examples."""
    key = Attribute("id", INTEGER)
    if isinstance(function, Function):
        columns = list(zip(*(arguments for arguments, _ in function.examples), strict=True))
        named = [
            Attribute(f"x{i}", _dtype(word, values), nullable=True)
            for i, (word, values) in enumerate(zip(function.parameters, columns, strict=True))
        ]
        schema = Schema([Entity(_CASES, key="id", attributes=[key, *named])], functions=[function])
        rows = [
            {"id": i} | {a.name: _stored(v) for a, v in zip(named, arguments, strict=True)}
            for i, (arguments, _) in enumerate(function.examples, 1)
        ]
        call = f"{function.name}({', '.join(a.name for a in named)})"
        return Trait.define("found", call, schema), {_CASES: rows}
    every = [value for values, _ in function.examples for value in values]
    x = Attribute("x", _dtype(function.operand, every), nullable=True)
    relation = Relation("of", to=_VALUES, key="case_id")
    schema = Schema(
        [
            Entity(_CASES, key="id", attributes=[key], relations=[relation]),
            Entity(_VALUES, key="id", attributes=[key, x]),
        ],
        functions=[function],
    )
    # From 1, for 0 is no key to some databases.
    pairs = [(i, v) for i, (values, _) in enumerate(function.examples, 1) for v in values]
    many = [{"id": n, "case_id": i, "x": _stored(v)} for n, (i, v) in enumerate(pairs, 1)]
    rows = [{"id": i} for i, _ in enumerate(function.examples, 1)]
    return Trait.define("found", f"{function.name}(of.x)", schema), {_CASES: rows, _VALUES: many}


def _stored(value: Any) -> Any:
    """An argument as tables hold it: instants without a zone, in UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _dtype(word: str, values: Any) -> DType:
    """The type of a column that holds arguments."""
    if word in _TYPES:
        return _TYPES[word]
    found = [literal_dtype(value) for value in values if value is not None]
    if all(dtype == found[0] for dtype in found):
        return found[0] if found else INTEGER
    if FLOAT in found:
        return FLOAT
    # Whole numbers and decimals of several scales are decimals of the greatest.
    return decimal(max(dtype.scale or 0 for dtype in found))


def _by_record(trait: Trait, rows: _Rows) -> list[Any]:
    owned = rows.get(_VALUES, [])
    return [
        trait.of({**row, "of": [each for each in owned if each["case_id"] == row["id"]]})
        for row in rows[_CASES]
    ]


def _by_frames(trait: Trait, rows: _Rows) -> list[Any]:
    frames = {
        name: pd.DataFrame(
            {column: pd.Series([row[column] for row in of], dtype=object) for column in columns}
        )
        for (name, of), columns in zip(rows.items(), _columns(trait.schema), strict=True)
    }
    found = values_of_frames([trait], frames).set_index("id")["found"].astype(object)
    return [found[row["id"]] for row in rows[_CASES]]


def _columns(schema: Schema) -> list[list[str]]:
    """The columns of each entity, with those of keys that are no attributes."""
    named = [[a.name for a in entity.attributes] for entity in schema.entities]
    for each in named[1:]:
        each.append("case_id")
    return named


def _by_tables(trait: Trait, rows: _Rows, engine: sa.Engine) -> list[Any]:
    metadata = tables_from(trait.schema)
    for table in metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, sa.String):
                column.type = sa.String(_LENGTH)
    query = values_of_tables([trait], metadata.tables[_CASES])
    with engine.connect() as connection:
        metadata.create_all(connection)
        try:
            for name, each in rows.items():
                if each:
                    connection.execute(metadata.tables[name].insert(), each)
            found = dict(map(tuple, connection.execute(query)))
        finally:
            connection.rollback()
            metadata.drop_all(connection)
            connection.commit()
    return [found[row["id"]] for row in rows[_CASES]]


def _compare(function: Extension, target: str, found: list[Any]) -> None:
    for (arguments, expected), result in zip(function.examples, found, strict=True):
        if not _same(result, expected):
            given = ", ".join(map(repr, arguments))
            shown = f"[{given}]" if isinstance(function, Aggregate) else given
            raise AssertionError(
                f"{function.name}({shown}) is {result!r} in {target}, and should be {expected!r}"
            )


def _same(found: Any, expected: Any) -> bool:
    """Whether two results are one, but for the last digits of floats."""
    if expected is None or pd.isna(found):
        return expected is None and bool(pd.isna(found))
    if isinstance(expected, bool):
        return bool(found == expected)
    if isinstance(expected, int | float | Decimal):
        if isinstance(found, float) or isinstance(expected, float):
            return math.isclose(found, expected, rel_tol=_NEAR, abs_tol=_NEAR)
        return bool(found == expected)
    if isinstance(expected, datetime):
        return bool(_stored(pd.Timestamp(found).to_pydatetime()) == _stored(expected))
    if isinstance(found, datetime):
        found = found.date()
    return bool(found == expected)
