"""Each shape on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from tests.models.answers import DATABASES


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """The name of a database."""
    return str(request.param)
