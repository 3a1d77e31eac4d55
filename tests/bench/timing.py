"""Interleaved measurement: every contender runs once a round, so that noise hits all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import frozen

Contender: TypeAlias = Callable[[], object]
Clock: TypeAlias = Callable[[], float]


@frozen
class Ratio:
    """The ratios of two contenders' rounds."""

    low: float
    median: float
    high: float


@frozen
class Row:
    """One line of the report.

    Attributes:
        benchmark: Which benchmark it belongs to.
        case: What was done.
        seconds: The median of segmentkit's rounds.
        beside: What it is measured against; empty for what is told as information.
        beside_seconds: The median of that one's rounds.
        ratio: Segmentkit's rounds to the other's: the median and the quartiles.
        target: What the ratio should be at most, if anything was promised.
        note: What else there is to say.
    """

    benchmark: str
    case: str
    seconds: float | None
    beside: str = ""
    beside_seconds: float | None = None
    ratio: Ratio | None = None
    target: float | None = None
    note: str = ""


def rounds(
    contenders: Mapping[str, Contender],
    count: int,
    *,
    warm: int = 1,
    clock: Clock = time.perf_counter,
) -> dict[str, list[float]]:
    """Run all contenders in turn, ``count`` times, every other round backwards.

    The garbage collector stays on, as users have it; it runs once before, so that nobody pays
    for what was made earlier.

    Args:
        contenders: What to run, by name.
        count: How many rounds are measured.
        warm: How many rounds are run before, unmeasured.
        clock: What measures, in seconds.

    Returns:
        The seconds of every round, by name.
    """
    order = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in order}
    for _ in range(warm):
        for name in order:
            contenders[name]()
    gc.collect()
    for _ in range(count):
        for name in order:
            run = contenders[name]
            start = clock()
            run()
            seconds[name].append(clock() - start)
        order.reverse()
    return seconds


def compared(
    benchmark: str,
    case: str,
    seconds: Mapping[str, list[float]],
    *,
    beside: str,
    target: float | None = None,
    note: str = "",
) -> Row:
    """Make a row of the rounds of ``"segmentkit"`` and of another contender.

    Args:
        benchmark: Which benchmark it belongs to.
        case: What was done.
        seconds: What ``rounds`` measured.
        beside: The other contender.
        target: What the ratio should be at most.
        note: What else there is to say.

    Returns:
        The row.
    """
    ours, theirs = seconds["segmentkit"], seconds[beside]
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    ratio = Ratio(*statistics.quantiles(ratios, n=4, method="inclusive"))
    medians = statistics.median(ours), statistics.median(theirs)
    return Row(benchmark, case, medians[0], beside, medians[1], ratio, target, note)
