"""The commands of a store: run, history and erase."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.commands import Run

FILE = """\
language = 1
schema = { entity = "people" }

[segments.adults]
where = "age >= 18"

[segments.minors]
where = "age < 18"
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    tmp_path.joinpath("shop.toml").write_text(FILE, encoding="utf-8")
    found = f"sqlite:///{tmp_path}/shop.sqlite"
    _write(
        found,
        "CREATE TABLE people (id INTEGER PRIMARY KEY, age INTEGER)",
        "INSERT INTO people VALUES (1, 30), (2, 10), (3, 40)",
    )
    return found


def _write(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_store_must_be_asked_for(run: Run, url: str) -> None:
    """Nobody's database gets tables without a word; the message says how it would."""
    for command in (("run", "shop.toml"), ("history", "shop.toml"), ("erase", "shop.toml", "1")):
        found = run(*command, "--url", url)
        assert found.code == 2
        assert "no table segmentkit_segment" in found.err
        assert "segmentkit run --create" in found.err


def test_runs_and_their_history(run: Run, url: str) -> None:
    """What was run is listed, for people and for programs."""
    assert run("run", "shop.toml", "--create", "--url", url, "--as-of", "2026-05-01").code == 0
    _write(url, "UPDATE people SET age = 18 WHERE id = 2")
    found = run("run", "shop.toml", "--url", url, "--as-of", "2026-05-02", "--json")
    assert [(e["segment"], e["entered"], e["left"]) for e in json.loads(found.out)] == [
        ("adults", 1, 0),
        ("minors", 0, 1),
    ]
    told = json.loads(run("history", "shop.toml", "minors", "--url", url, "--json").out)
    assert [(e["as_of"], e["size"], e["cause"]) for e in told] == [
        ("2026-05-01T00:00:00Z", 1, "first"),
        ("2026-05-02T00:00:00Z", 0, "data"),
    ]
    assert "adults" in run("history", "shop.toml", "--url", url).out
    assert "was never run here" in run("history", "shop.toml", "grown", "--url", url).err


@pytest.mark.parametrize("most", ["1", "1%"])
def test_a_refused_run(run: Run, url: str, most: str) -> None:
    """Too many leave: the exit code says so, and nothing is written."""
    run("run", "shop.toml", "--create", "--url", url, "--as-of", "2026-05-01")
    _write(url, "DELETE FROM people")
    found = run("run", "shop.toml", "--url", url, "--as-of", "2026-05-02", "--most", most)
    assert found.code == 1
    assert found.err.startswith("refused: segment 'adults': 2 of 2 members would leave")
    assert len(json.loads(run("history", "shop.toml", "--url", url, "--json").out)) == 2
    found = run("run", "shop.toml", "--url", url, "--most", "many")
    assert found.code == 2
    assert 'such as "20%"' in found.err


def test_erased_people(run: Run, url: str) -> None:
    """Consumers that were told of them are named."""
    run("run", "shop.toml", "--create", "--url", url, "--as-of", "2026-05-01")
    _write(
        url,
        "INSERT INTO segmentkit_cursor VALUES ('mail', 1, 1)",
        "INSERT INTO segmentkit_handed VALUES ('mail', 1, 1, 1, '2026-05-01 00:00:00.000000')",
    )
    found = run("erase", "shop.toml", "1", "2", "--url", url)
    assert found.out.splitlines() == [
        "2 people were erased",
        "mail was told of 1 of them: erase them there, too",
    ]
    assert json.loads(run("erase", "shop.toml", "1", "--url", url, "--json").out) == {}
    assert "whole numbers, not 'x'" in run("erase", "shop.toml", "x", "--url", url).err
