"""The section of a report about the runs that a store has kept: sizes, who entered and left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from segmentkit._calendar import local
from segmentkit._diagnostics.languages import dated
from segmentkit._html import Html, element
from segmentkit.analysis._report.contents import Contents
from segmentkit.analysis._report.html_page import table
from segmentkit.analysis._result import number, plural
from segmentkit.runs import Run

_SHOWN = 30
_WIDTH, _HEIGHT, _EDGE = 160, 28, 2


def over_time(report: Contents, link: Callable[[str], Html]) -> Iterator[Html]:
    """How segments have changed from run to run.

    Args:
        report: The report.
        link: Makes a link to what is said of a segment.
    """
    kept = _by_segment(report)
    if not kept:
        return
    yield element(
        "p",
        "As a store has kept it. Entered and left is what the data changed since the first run; "
        "what new definitions changed is beside it.",
        class_="quiet",
    )
    heads = ("segment", "sizes", "from", "to", "entered", "left", "runs", "by definition")
    rows = [
        (
            link(name),
            _line(f"sizes of {name}", [run.size for run in runs]),
            number(runs[0].size),
            number(runs[-1].size),
            *(number(count) for count in _moved(runs)),
            number(len(runs)),
            _redefined(runs),
        )
        for name, runs in kept.items()
    ]
    yield table("Sizes over time", heads, rows, heads[2:7])
    for name, runs in kept.items():
        shown = list(reversed(runs[-_SHOWN:]))
        told = f"Runs of {name}" + (f", the last {_SHOWN}" if len(runs) > _SHOWN else "")
        yield element("details", element("summary", told), _runs(told, shown, report))


def _by_segment(report: Contents) -> dict[str, list[Run]]:
    """The runs of the segments that the report is about, as far as they were then."""
    found: dict[str, list[Run]] = {}
    for chapter in report.chapters:
        runs = [r for r in report.runs if r.segment == chapter.name and r.as_of <= report.as_of]
        if runs:
            found[chapter.name] = runs
    return found


def _moved(runs: Sequence[Run]) -> tuple[int, int]:
    by_data = [run for run in runs if run.cause == "data"]
    return sum(run.entered for run in by_data), sum(run.left for run in by_data)


def _redefined(runs: Sequence[Run]) -> str:
    changed = [run for run in runs if run.cause == "definition"]
    entered, left = sum(run.entered for run in changed), sum(run.left for run in changed)
    times = plural(len(changed), "change")
    return f"{times}: +{number(entered)}, −{number(left)}" if changed else "–"


def _runs(told: str, runs: Sequence[Run], report: Contents) -> Html:
    heads = ("as of", "members", "entered", "left", "cause")
    zone = report.schema.zone
    rows = [
        (
            dated(f"{local(run.as_of.replace(tzinfo=None), zone):%Y-%m-%d %H:%M}"),
            number(run.size),
            number(run.entered),
            number(run.left),
            f"{run.cause}, of stale data" if run.stale else run.cause,
        )
        for run in runs
    ]
    return table(told, heads, rows, heads[1:4])


def _line(label: str, sizes: Sequence[int]) -> Html:
    """Sizes as a line from the first run to the last; from nobody at the bottom."""
    most = max(*sizes, 1)
    step = (_WIDTH - 2 * _EDGE) / max(len(sizes) - 1, 1)
    high = _HEIGHT - 2 * _EDGE
    points = [
        f"{_EDGE + place * step:.4g},{_EDGE + high * (1 - size / most):.4g}"
        for place, size in enumerate(sizes)
    ]
    x, y = points[-1].split(",")
    line = element("polyline", points=" ".join(points), fill="none", stroke="currentColor")
    return element(
        "svg",
        element("title", label),
        line,
        element("circle", cx=x, cy=y, r="2", class_="on"),
        role="img",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=f"{_WIDTH}",
        height=f"{_HEIGHT}",
    )
