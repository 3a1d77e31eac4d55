"""The section of a report about goals: what each says, with its interval."""

from __future__ import annotations

from collections.abc import Iterator

from segmentkit._html import Html, element
from segmentkit.analysis._goals.outcome import Compared, Outcome, shown_effect
from segmentkit.analysis._report.contents import Contents
from segmentkit.analysis._report.html_page import joined, table
from segmentkit.analysis._result import chance, number

_WIDTH, _HEIGHT = 160, 22


def goals_reached(report: Contents) -> Iterator[Html]:
    """Which goals are reached, and how sure that is."""
    if not report.goals:
        return
    told = (
        "Those who entered the segment since a goal began, beside those who entered too and were "
        "held out. The dashed line is the least effect that matters."
    )
    yield element("p", told, class_="quiet")
    heads = ("goal", "verdict", "treated", "held out", "effect", "", "wanted", "p")
    rows = [_row(name, each) for name, each in report.goals]
    yield table("Goals", heads, rows, (*heads[2:5], *heads[6:]))
    notes = [
        (name, note)
        for name, each in report.goals
        for note in ((each,) if isinstance(each, str) else each.notes)
    ]
    yield element("ul", *(element("li", f"{name}: {note}") for name, note in notes))


def _row(name: str, each: Outcome | str) -> tuple[str | Html, ...]:
    if isinstance(each, str):
        return (name, "–", *("–",) * 6)
    metric = each.metric
    title = (element("div", each.goal.title, class_="quiet"),) if each.goal.title else ()
    return (
        joined([name, *title]),
        element("span", each.verdict, class_="tag"),
        number(each.treated),
        number(each.held_out),
        shown_effect(metric.effect, metric.amount) or "–",
        _interval(metric, is_down=each.goal.direction == "down"),
        f"{'−' if each.goal.direction == 'down' else '+'}{metric.amount}",
        "–" if metric.p is None else chance(metric.p),
    )


def _interval(metric: Compared, *, is_down: bool) -> str | Html:
    """An interval as a line, beside zero and what is wanted."""
    if metric.interval is None or metric.effect is None:
        return ""
    wanted = -metric.amount.value if is_down else metric.amount.value
    ends = (*metric.interval, 0.0, wanted)
    low, wide = min(ends), (max(ends) - min(ends)) or 1.0

    def x(value: float) -> str:
        return f"{4 + (_WIDTH - 8) * (value - low) / wide:.4g}"

    middle = f"{_HEIGHT / 2:g}"

    def upright(value: float, **more: str) -> Html:
        ends = {"x1": x(value), "x2": x(value), "y1": "2", "y2": f"{_HEIGHT - 2}"}
        return element("line", **ends, stroke="currentColor", **more)

    first, last = map(x, metric.interval)
    return element(
        "svg",
        element("title", f"the effect on {metric.name} and its interval"),
        upright(0.0, stroke_opacity="0.4"),
        upright(wanted, stroke_dasharray="3 3"),
        element(
            "line", x1=first, x2=last, y1=middle, y2=middle, stroke="currentColor", stroke_width="3"
        ),
        element("circle", cx=x(metric.effect), cy=middle, r="4", class_="on"),
        role="img",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=f"{_WIDTH}",
        height=f"{_HEIGHT}",
    )
