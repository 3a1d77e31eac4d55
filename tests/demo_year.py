"""The demo's year, run week by week by a store, with a goal: the picture of docs/living-segments.md.

``python -m tests.demo_year`` needs the extra ``demo``, DuckDB and Chromium, and takes a minute or
two. It prints what was found, and draws the chapters of the report that a store adds.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from PIL import Image, ImageChops

from segmentkit import Catalog, analysis, demo
from segmentkit.sqlalchemy import Source, Store

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "runs.png"
FIRST = datetime(2017, 2, 5, tzinfo=UTC)
WEEKS = 48
GOAL = """
[traits.spent_in_30_days]
value = 'sum(transactions.sales_value in last 30 days)'

[goals.win_back]
segment = "lapsed"
metric = "spent_in_30_days"
amount = "10%"
starts = 2017-03-05
by = 2017-12-31
hold_out = "30%"
"""


def loaded(path: Path) -> sa.Engine:
    """A file of DuckDB with the demo's tables."""
    engine = sa.create_engine(f"duckdb:///{path}")
    demo.metadata.create_all(engine)
    frames = demo.frames()
    with engine.begin() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        for table in demo.metadata.sorted_tables:
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            driver.register("frame", frames[table.name])
            driver.execute(f'INSERT INTO "{table.name}" ({columns}) SELECT {columns} FROM frame')
            driver.unregister("frame")
    return engine


def draw(page: str, height: int = 9_000) -> None:
    """Take a picture of the chapters over time and of goals."""
    start, end = page.index('<h2 id="time"'), page.index('<h2 id="segments"')
    chapters = page[: page.index("<h2")] + page[start:end]
    with tempfile.TemporaryDirectory() as folder:
        html, png = Path(folder) / "page.html", Path(folder) / "page.png"
        html.write_text(chapters, encoding="utf-8")
        options = [
            "--headless",
            "--no-sandbox",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
        ]
        browser = shutil.which("chromium") or "google-chrome"
        size = [f"--window-size=1280,{height}", f"--screenshot={png}", html.as_uri()]
        subprocess.run([browser, *options, *size], check=True, capture_output=True)
        image = Image.open(png).convert("RGB")
        # As far as something is drawn.
        blank = Image.new("RGB", image.size, image.getpixel((0, image.height - 1)))
        box = ImageChops.difference(image, blank).getbbox()
        image.crop((0, 0, image.width, box[3] + 24)).quantize(64).save(PICTURE, optimize=True)


def main() -> None:
    """Run the year."""
    catalog = Catalog.loads(demo.segments() + GOAL)
    households = demo.metadata.tables["households"]
    with tempfile.TemporaryDirectory() as folder:
        engine = loaded(Path(folder) / "year.duckdb")
        store, source = Store(engine, households), Source(engine, households)
        store.create()
        for week in range(WEEKS):
            at = FIRST + timedelta(weeks=week)
            store.run(catalog, as_of=at)
        print(store.history("lapsed")[["as_of", "size", "entered", "left", "cause"]].tail())
        print(analysis.goal(catalog.goals["win_back"], store, source, as_of=at))
        draw(analysis.report(catalog, source, as_of=at, store=store).html)
        engine.dispose()


if __name__ == "__main__":
    main()
