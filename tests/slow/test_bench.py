"""The benchmarks run to their end; how fast is for people to read."""

import csv
import json
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parents[1] / "bench" / "run.py"


def test_quick_run_has_every_row(tmp_path):
    """A smoke run measures everything, and what it compares agrees."""
    file, picture = tmp_path / "results.json", tmp_path / "growth.png"
    command = [sys.executable, str(RUN), "--quick", "--json", str(file), "--png", str(picture)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    found = {(row["benchmark"], row["beside"]) for row in rows}
    assert found == {
        ("text to SQL", "odata-query"),
        ("pandas mask", "by hand"),
        ("pandas mask", ""),
        ("customers × orders", "a groupby each"),
        ("customers × orders", "candidates first"),
        ("customers × orders", "the year first"),
        ("many segments", "one by one"),
        ("many segments", "aggregates"),
        ("many segments", "sizes of 5"),
        ("daily runs of a store", "sizes alone"),
        ("SQL, one segment", "fastest by hand"),
        ("constructs", "by hand"),
        ("growth", ""),
        ("memory", ""),
        ("pandas mask", "DataFrame.query"),
        ("pandas mask", "polars"),
        ("one record", "lambda"),
        ("one record", "rule-engine"),
        ("one record", "zen-engine"),
        ("one record", "one by one"),
        ("frames from Parquet", "Arrow columns"),
        ("frames from Parquet", ""),
        ("catalog", "TOML, parsed and checked once"),
        ("start", "python alone"),
        ("start", "import attrs"),
        ("start", ""),
    }
    assert [row["benchmark"] for row in rows].count("text to SQL") == 7
    assert [row["benchmark"] for row in rows].count("pandas mask") == 16
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert all(row["ratio"]["median"] > 0 for row in rows if row["beside"])
    assert run.stdout.count("\n|") == len(rows) + 2
    (loaded,) = (row["note"] for row in rows if row["case"].endswith("loaded"))
    assert loaded == "none"


def test_growth_is_measured_on_every_engine(tmp_path):
    """A smoke run asks every question of every engine, and all find the same members."""
    file, picture = tmp_path / "scale.csv", tmp_path / "scale.png"
    command = [sys.executable, str(RUN), "--scale", "--quick"]
    command += ["--engines", "duckdb,parquet,sqlite,postgresql,pandas,record"]
    command += ["--kept", str(file), "--png", str(picture)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    asked = {(row["engine"], row["variant"]) for row in rows}
    assert len(asked) == 9
    assert {row["events"] for row in rows} == {"300", "3000"}
    assert len(rows) == 2 * 19 * len(asked)
    # What compares a customer with all others, one record cannot answer.
    assert {row["engine"] for row in rows if row["note"]} == {"record"}
    assert [row["note"] for row in rows if row["note"]] == ["SK401"] * 2 * 4
    assert all(float(row["seconds"]) > 0 for row in rows if not row["note"])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_page_shows_what_was_measured():
    """The tables of growth on the page are those that the kept measurements give."""
    command = [sys.executable, str(RUN), "--scale", "--engines", ""]
    run = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    page = (RUN.parents[2] / "docs" / "performance.md").read_text(encoding="utf-8").splitlines()
    shown = [line for line in run.stdout.splitlines() if line.startswith(("|", "- "))]
    assert len(shown) > 40
    assert set(shown) <= set(page)
