"""Times that SQLite keeps as texts in a form of the app's own."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from segmentkit.sqlalchemy import schema_from

DOTTED = {"storage_format": "%(day)02d.%(month)02d.%(year)04d", "regexp": r"(\d+)"}


@pytest.mark.parametrize(
    ("kind", "is_known"),
    [
        (sqlite.DATE(**DOTTED), False),
        (sa.Date().with_variant(sqlite.DATE(**DOTTED), "sqlite"), False),
        (sqlite.DATETIME(storage_format="%(day)02d/%(month)02d/%(year)04d %(hour)02d"), False),
        (sqlite.DATETIME(truncate_microseconds=True), True),
        (sqlite.DATETIME(), True),
        (sqlite.DATE(), True),
        (sa.DateTime(), True),
    ],
)
def test_a_form_that_sql_cannot_read_is_left_out(kind: object, is_known: bool) -> None:
    """As texts, such times have another order, so they would find others in silence."""
    key = sa.Column("id", sa.Integer, primary_key=True)
    table = sa.Table("people", sa.MetaData(), key, sa.Column("at", kind))
    schema = schema_from(table)
    assert (schema.entity.attribute("at") is not None) is is_known
    if not is_known:
        (out,) = schema.left_out
        assert "storage_format" in out.why
