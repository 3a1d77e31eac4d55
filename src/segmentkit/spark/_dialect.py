"""Spark's SQL as a dialect of SQLAlchemy: names in backquotes, ``:p1``, frames as ``{t0}``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import GenericTypeCompiler, IdentifierPreparer, SQLCompiler

PLACEHOLDER = "segmentkit_frame"
"""Under which key of ``Table.info`` the name is that ``SparkSession.sql`` knows a frame by."""


class _Preparer(IdentifierPreparer):
    """Names, all of them in backquotes; braces are doubled, as ``SparkSession.sql`` reads them."""

    def __init__(self, dialect: Any, **_: Any) -> None:
        super().__init__(dialect, initial_quote="`")

    def _requires_quotes(self, value: str) -> bool:
        return True

    def _escape_identifier(self, value: str) -> str:
        return value.replace("`", "``").replace("{", "{{").replace("}", "}}")


class _Instant(sa.DateTime):
    """An instant, bound as text and cast: Python's and the session's zones have no say."""

    render_bind_cast = True


class _Compiler(SQLCompiler):
    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
        return f"CAST({sqltext} AS {self.dialect.type_compiler_instance.process(dbapi_type)})"

    def _truncate_bindparam(self, bindparam: sa.BindParameter[Any]) -> str:
        # Named after columns they might hold letters that Spark's parameters cannot.
        return self.bind_names.setdefault(bindparam, f"p{len(self.bind_names) + 1}")

    def visit_table(self, table: Any, asfrom: Any = False, *_: Any, **__: Any) -> str:
        return f"{{{table.info[PLACEHOLDER]}}}" if asfrom else ""


class _Types(GenericTypeCompiler):
    def visit_string(self, type_: Any, **_: Any) -> str:
        return "STRING"

    def visit_double(self, type_: Any, **_: Any) -> str:
        return "DOUBLE"

    def visit_numeric(self, type_: Any, **_: Any) -> str:
        return f"DECIMAL({type_.precision}, {type_.scale})"

    def visit_datetime(self, type_: Any, **_: Any) -> str:
        return "TIMESTAMP" if type_.timezone else "TIMESTAMP_NTZ"


class SparkDialect(DefaultDialect):
    """Compiles only; `run` runs what it compiled."""

    name = "spark"
    default_paramstyle = "named"
    supports_native_boolean = True
    supports_native_decimal = True
    max_identifier_length = 10_000
    preparer: Any = _Preparer
    statement_compiler = _Compiler
    type_compiler_cls = _Types
    colspecs = {sa.DateTime: _Instant}  # noqa: RUF012 - as SQLAlchemy declares it


_DIALECT = SparkDialect()


def quoted(name: str) -> str:
    """A name in backquotes."""
    return f"`{name.replace('`', '``')}`"


def text_and_arguments(query: sa.Select[Any]) -> tuple[str, dict[str, Any]]:
    """The text of a query and the values of its parameters, for ``SparkSession.sql``."""
    state = query.compile(dialect=_DIALECT).construct_expanded_state()
    return state.statement, {name: _argument(v) for name, v in state.parameters.items()}


def _argument(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value
