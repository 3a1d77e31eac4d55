"""A report: everything about a catalog, on one page."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, TypeVar

from attrs import define

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import dated, localized
from segmentkit._html import element
from segmentkit._usage import check_suffix
from segmentkit.analysis._attrition import Attrition, attrition_counting
from segmentkit.analysis._freshness import freshness
from segmentkit.analysis._goals.outcome import Outcome, corrected, goal
from segmentkit.analysis._missing_data import Coverage, Gaps, coverage_counting, gaps_counting
from segmentkit.analysis._overlap import overlap_of
from segmentkit.analysis._profile import Profile, profile
from segmentkit.analysis._report.audit import audit_counting
from segmentkit.analysis._report.contents import Chapter, Contents
from segmentkit.analysis._report.html_page import page
from segmentkit.analysis._report.report_html import body
from segmentkit.analysis._size_queries import Counting, answered
from segmentkit.catalog import Catalog
from segmentkit.errors import Problem, SegmentkitError
from segmentkit.evaluation import Evaluation
from segmentkit.runs import Run
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source

_Key = TypeVar("_Key", bound=Hashable)


class Runs(Protocol):
    """What knows the runs of segments: a store."""

    def runs(self, segments: Any) -> list[Run]:
        """The runs of segments, by their names, old to new."""
        ...


@define(frozen=True, slots=False)
class Report(Contents):
    """A report about a catalog: an HTML page, and the results that it shows.

    Attributes:
        title: The title of the page.
        schema: The schema of the segments.
        population: The number of everyone.
        as_of: The instant of the answer, in UTC.
        chapters: The segments, in the order of the catalog.
        overlap: How they overlap; None if none of them can be computed.
        partitions: The partitions, each with its audit, or with the reason why there is none.
        coverage: How much is known of the population; None if that cannot be computed.
        problems: The mistakes of definitions that were left out of the catalog.
        freshness: Whether the tables that segments read are fresh; None if the schema has no
            thresholds.
        runs: What a store has kept of the segments, old to new.
        goals: The goals that have begun, each with its outcome, or with the reason why there is
            none.
    """

    @cached_property
    def html(self) -> str:
        """The page: one file, without scripts, that needs nothing from elsewhere."""
        return page(self.title, body(self))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the page.

        Args:
            path: The file to write.

        Raises:
            OSError: The file cannot be written.
            UsageError: The name ends as that of another kind of file.
        """
        check_suffix(path, (".html", ".htm"), "call it so; a browser prints it as a PDF")
        Path(path).write_text(self.html, encoding="utf-8", newline="\n")

    def __str__(self) -> str:
        count = len(self.chapters)
        segments = "1 segment" if count == 1 else f"{localized(count)} segments"
        whole = f"{segments} of {localized(self.population)}"
        return f"{self.title}: {whole}, as of {dated(self.as_of.isoformat())}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        # In a frame of its own the page's style stays within, and so do its links.
        inside = page(self.title, body(self), base="about:srcdoc")
        style = "width: 100%; height: 40rem; border: 1px solid gray"
        return element("iframe", srcdoc=inside, sandbox="", style=style, title=self.title)


def report(
    catalog: Catalog,
    source: Source,
    *,
    as_of: AsOf = None,
    title: str | None = None,
    profiles: bool = False,
    problems: Iterable[Problem] = (),
    store: Runs | None = None,
) -> Report:
    """Write everything about a catalog on one page that you can read and pass on.

    The source runs two queries, however many segments there are: one for who is in which, and one
    for all other counts. If a segment cannot be computed, the page says so and shows the rest.

    Args:
        catalog: The segments and partitions.
        source: The source of the population.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        title: The title of the page.
        profiles: Also show what sets the members of each segment apart. This takes three more
            queries for each segment, and the extra `stats`.
        problems: Mistakes of definitions that were left out of the catalog, to show on the page.
        store: A store that has run the segments: the page shows their sizes over time, who
            entered and left, and which goals of the catalog are reached.

    Returns:
        The report; `Report.save` writes the page.

    Raises:
        DataError: The data does not fit the schema.
        ImportError: You want profiles, and scipy and statsmodels are not installed.
        SchemaError: The segments are of different schemas.
        ValueError: The catalog has no segments.
    """
    check_source(source)
    if not catalog:
        raise ValueError("the catalog has no segments")
    schema = next(iter(catalog.values())).schema
    at = utc_of(as_of, schema)
    evaluation = source.evaluate(catalog, as_of=at, skip_broken=True)
    found = _counted(_questions(catalog, evaluation, schema), source, at)
    if profiles:
        for name in evaluation:
            found["profile", name] = _profiled(catalog[name], source, at)
    coverage = found["coverage", ""]
    return Report(
        title or f"Segments of {schema.root}",
        schema,
        len(evaluation.population),
        at,
        tuple(_chapter(name, catalog, evaluation, found) for name in catalog),
        overlap_of(evaluation, at) if len(evaluation) else None,
        tuple((each, found["audit", name]) for name, each in catalog.partitions.items()),
        coverage if isinstance(coverage, Coverage) else None,
        tuple(problems),
        freshness(catalog, source, as_of=at) if any(e.fresh for e in schema.entities) else None,
        () if store is None else tuple(store.runs(list(catalog))),
        _goals(catalog, source, store, at),
    )


def _goals(
    catalog: Catalog, source: Source, store: Any, at: datetime
) -> tuple[tuple[str, Outcome | str], ...]:
    """The goals that have begun; one that cannot be told says why."""
    if not hasattr(store, "entered"):
        return ()
    found: dict[str, Outcome | str] = {}
    for name, each in catalog.goals.items():
        if at <= each.begins:
            continue
        try:
            found[name] = goal(each, store, source, as_of=at, stale="allow")
        except (SegmentkitError, ArithmeticError, ImportError, ValueError) as error:
            found[name] = f"it cannot be told: {error}"
    known = {name: each for name, each in found.items() if isinstance(each, Outcome)}
    return tuple((found | corrected(known)).items())


_Question = tuple[str, str]
"""What is asked, and of what."""


def _questions(
    catalog: Catalog, evaluation: Evaluation, schema: Schema
) -> dict[_Question, Callable[[], Counting[Any]]]:
    """All that counts answer; each is made when it is its turn, and may fail alone."""

    def of(make: Callable[..., Counting[Any]], *given: Any) -> Callable[[], Counting[Any]]:
        return lambda: make(*given)

    found = {("coverage", ""): of(coverage_counting, schema)}
    for name in evaluation:
        found["attrition", name] = of(attrition_counting, catalog[name])
        found["gaps", name] = of(gaps_counting, catalog[name])
    for name, partition in catalog.partitions.items():
        found["audit", name] = of(audit_counting, partition)
    return found


def _counted(
    questions: Mapping[_Key, Callable[[], Counting[Any]]], source: Source, at: datetime
) -> dict[_Key, Any]:
    """The answers, in one pass; of what cannot be answered, the error."""
    countings: dict[_Key, Counting[Any]] = {}
    found: dict[_Key, Any] = {}
    for key, make in questions.items():
        try:
            countings[key] = make()
        except SegmentkitError as error:
            found[key] = error
    answers = answered(list(countings.values()), source, at)
    return found | dict(zip(countings, answers, strict=True))


def _profiled(segment: Segment, source: Source, at: datetime) -> Profile | Exception:
    try:
        return profile(segment, source, as_of=at)
    except (SegmentkitError, ArithmeticError, ValueError) as error:
        return error


def _chapter(
    name: str, catalog: Catalog, evaluation: Evaluation, found: Mapping[_Question, Any]
) -> Chapter:
    segment = catalog.unbound(name)
    values = {p: catalog.parameters[p] for p in segment.parameters if p in catalog.parameters}
    told = (name, segment, values, catalog[name].fingerprint)
    if name not in evaluation:
        return Chapter(*told, None, None, None, None, (str(evaluation.broken[name]),))
    attrition, gaps = found["attrition", name], found["gaps", name]
    profiled = found.get(("profile", name))
    trouble = {"attrition": attrition, "missing data": gaps, "profile": profiled}
    return Chapter(
        *told,
        len(evaluation[name]),
        attrition if isinstance(attrition, Attrition) and len(attrition.stages) > 1 else None,
        gaps if isinstance(gaps, Gaps) else None,
        profiled if isinstance(profiled, Profile) else None,
        tuple(f"{k}: {e}" for k, e in trouble.items() if isinstance(e, Exception)),
    )
