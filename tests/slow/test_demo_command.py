"""`segmentkit demo` as the README gives it, and as it is asked again."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import tomlkit

import segmentkit as sk
from segmentkit import demo
from tests.commands import Result, Run
from tests.slow.demo_sizes import EVERYONE, SIZES


def _rows(out: str) -> Iterator[list[str]]:
    for line in out.splitlines():
        cells = re.split(r" {2,}", line.strip())
        if cells[0] in SIZES:
            yield cells


def test_the_first_demo(tmp_path: Path) -> None:
    """A row a segment, with its size found by hand, and both engines agree."""
    journey = tmp_path / "journey.sqlite"
    command = [sys.executable, "-m", "segmentkit", "demo", "--file", str(journey)]
    # As a user starts it, with no terminal.
    ended = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    first = Result(ended.returncode, ended.stdout.decode("utf-8"), ended.stderr.decode("utf-8"))
    assert first.code == 0, first.err
    assert first.err == f"Writing Complete Journey into {journey}, once …\n"
    head, *_, last = first.out.splitlines()
    assert head == (
        f"Complete Journey: {EVERYONE:,} households, as of 2018-01-01 00:00:00 America/New_York"
    )
    assert last == f"SQLite and pandas gave the same members for all {len(SIZES)} segments."
    segments, parts = first.out.split("value: everyone in exactly one part, the first that fits\n")
    got = {part: (alone, got) for part, alone, got, *_ in _rows(parts)}
    assert got["best_tenth"] == (f"{SIZES['best_tenth'][1]}",) * 2
    assert got["regulars"] == ("529", "325")
    rows = {name: rest for name, *rest in _rows(segments)}
    assert rows.keys() == SIZES.keys()
    for name, (title, size, share, *times, same) in rows.items():
        assert title
        assert size == f"{SIZES[name][1]:,}"
        assert share == f"{100 * SIZES[name][1] / EVERYONE:.1f}%"
        assert all(re.fullmatch(r"\d+ ms|\d+\.\d\d s", each) for each in times)
        assert (len(times), same) == (2, "yes")


SOME = ("lapsed", "families", "coupon_clippers")


@pytest.fixture
def some(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of few segments, which does not take long."""
    data = tomlkit.parse(demo.segments())
    for part in ("parameters", "traits", "partitions"):
        del data[part]
    segments: Any = data["segments"]
    for name in [name for name in segments if name not in SOME]:
        del segments[name]
    monkeypatch.setattr(demo, "segments", data.as_string)


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(("only", "name"), [("sqlite", "SQLite"), ("pandas", "pandas")])
def test_a_later_demo(run: Run, journey: Path, only: str, name: str) -> None:
    """The file is used again; one engine alone answers, and compares with nothing."""
    instant = ("--as-of", "2017-07-01")
    result = run("demo", "--file", str(journey), "--only", only, *instant)
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith(f"{name} answered 3 segments.\n")
    sizes = {row[0]: row[2] for row in _rows(result.out)}
    assert sizes == {each: str(SIZES[each][2]) for each in SOME}


@pytest.mark.usefixtures("some")
def test_a_demo_that_fails(run: Run, journey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the engines differ, it says where, and exits with 1."""
    module = import_module("segmentkit._cli._demo")
    members = module.members_in_frames

    def short(segment: sk.Segment, *rest: object, **named: object) -> list[object]:
        found = sorted(members(segment, *rest, **named))
        return found[:-1] if segment.name == "lapsed" else found

    monkeypatch.setattr(module, "members_in_frames", short)
    result = run("demo", "--file", str(journey))
    assert result.code == 1
    assert re.fullmatch(r"lapsed: only in SQLite: \d+\n", result.err)
    last = result.out.splitlines()[-1]
    assert last == "SQLite and pandas differ on 1 of 3 segments."
    assert [row[0] for row in _rows(result.out) if row[-1] == "NO"] == ["lapsed"]
