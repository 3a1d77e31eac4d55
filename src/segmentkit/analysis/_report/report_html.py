"""A report as HTML, section by section and segment by segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from importlib.metadata import version
from itertools import islice
from typing import Any
from urllib.parse import quote

from segmentkit._calendar import local
from segmentkit._checking.binding import Given
from segmentkit._diagnostics.languages import dated, localized
from segmentkit._html import Html, element
from segmentkit._language.highlight import coloured
from segmentkit._language.syntax import LANGUAGE
from segmentkit._results.freshness import spoken
from segmentkit.analysis._differences import Difference
from segmentkit.analysis._missing_data import Gaps
from segmentkit.analysis._overlap import Overlap
from segmentkit.analysis._profile import amount
from segmentkit.analysis._report.contents import Chapter, Contents
from segmentkit.analysis._report.goals_html import goals_reached
from segmentkit.analysis._report.html_page import bar, joined, scrolling, signed_bar, table
from segmentkit.analysis._report.over_time import over_time
from segmentkit.analysis._report.upset import upset
from segmentkit.analysis._result import moment, number, plural, share
from segmentkit.partition import Audit, Partition
from segmentkit.segment import Segment

_Html = Iterator[Html]


def body(report: Contents) -> Html:
    """The whole page but its head."""
    sections = [(name, heading, list(make(report))) for name, (heading, make) in SECTIONS.items()]
    told = [each for each in sections if each[2]]
    links = [element("li", element("a", heading, href=f"#{name}")) for name, heading, parts in told]
    return element(
        "main",
        *_head(report),
        element("nav", element("ul", *links), aria_label="Contents"),
        *(
            element("section", element("h2", heading, id=name), *parts)
            for name, heading, parts in told
        ),
        element("footer", f"Made by segmentkit {version('segmentkit')}, language {LANGUAGE}."),
    )


def _head(report: Contents) -> _Html:
    clock = local(report.as_of.replace(tzinfo=None), report.schema.zone)
    yield element("h1", report.title)
    shown = dated(f"{clock:%Y-%m-%d %H:%M} {report.schema.time_zone}")
    same = report.schema.time_zone == "UTC"
    yield element("p", f"As of {shown}" + ("" if same else f" ({moment(report.as_of)})"))
    left_out = {(each.kind, each.name) for each in report.problems}
    counts = {
        report.schema.root: report.population,
        "segments": len(report.chapters) + sum(kind == "segment" for kind, _ in left_out),
        **({"partitions": len(report.partitions)} if report.partitions else {}),
        **({"broken": broken} if (broken := len(report.broken) + len(left_out)) else {}),
    }
    yield element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", number(count)))
            for name, count in counts.items()
        ),
        class_="numbers",
    )


# -- sections -------------------------------------------------------------------------------------


def _look(report: Contents) -> _Html:
    """What somebody should look at."""
    for problem in report.problems:
        yield element("div", element("pre", problem.render()), class_="problem")
    notes = [] if report.freshness is None else [joined([note]) for note in report.freshness.notes]
    notes += [joined([_link(name), f" is broken: {why}"]) for name, why in report.broken.items()]
    for chapter in report.chapters:
        notes += [joined([_link(chapter.name), ": ", note]) for note in _odd(chapter, report)]
    if report.overlap is not None:
        notes += _alike(report.overlap)
    if report.coverage is not None:
        notes += [joined([note]) for note in report.coverage.notes]
    if notes:
        yield element("ul", *(element("li", note) for note in notes))


def _odd(chapter: Chapter, report: Contents) -> Iterator[str]:
    if chapter.size == 0:
        yield "nobody is in it"
    elif chapter.size == report.population:
        yield "everybody is in it"
    gaps = chapter.gaps
    if gaps is not None and gaps.in_only:
        yield f"{number(gaps.in_only)} of {plural(gaps.size, 'member')} are in only because "\
            "something is missing"  # fmt: skip


def _alike(overlap: Overlap) -> _Html:
    for pair in overlap.duplicates:
        same = pair.both == pair.either
        yield joined(
            [
                *(_link(pair.one), " and ", _link(pair.other)),
                " have the same members"
                if same
                else f" are nearly the same: {share(pair.jaccard)}",
            ]
        )


def _overview(report: Contents) -> _Html:
    rows = [
        (
            joined([_link(chapter.name), *_title_below(chapter.segment)]),
            "–" if chapter.size is None else number(chapter.size),
            _share(chapter.size, report.population),
            bar(chapter.size or 0, report.population),
            joined(_tags(chapter)),
        )
        for chapter in report.chapters
    ]
    heads = ("segment", "members", "share", "", "")
    yield table("Segments", heads, rows, ("members", "share"))


def _title_below(segment: Segment) -> _Html:
    if segment.title:
        yield element("div", segment.title, class_="quiet")


def _tags(chapter: Chapter) -> _Html:
    if chapter.size is None:
        yield element("span", "broken", class_="tag")
    if count := len(chapter.segment.warnings):
        yield element("span", plural(count, "warning"), class_="tag")


def _overlaps(report: Contents) -> _Html:
    overlap = report.overlap
    if overlap is None or len(overlap.sizes) < 2:
        return
    yield element("h3", "Pairs, the most alike first")
    heads = ("one", "other", "both", "alike", "one in other", "other in one")
    pairs = [pair for pair in overlap.pairs if pair.both]
    rows = (
        (
            _link(pair.one),
            _link(pair.other),
            number(pair.both),
            *(
                "–" if part is None else share(part)
                for part in (pair.jaccard, pair.one_in_other, pair.other_in_one)
            ),
        )
        for pair in pairs[:_PAIRS]
    )
    yield table("Pairs of segments", heads, rows, heads[2:])
    if len(pairs) > _PAIRS:
        yield element("p", f"… and {plural(len(pairs) - _PAIRS, 'more pair')}.", class_="quiet")
    yield from _combinations(overlap)
    yield from _matrix(overlap)


def _combinations(overlap: Overlap) -> _Html:
    """Which combinations of the largest segments occur."""
    partial = {name: size for name, size in overlap.sizes.items() if 0 < size < overlap.population}
    largest = sorted(partial, key=lambda name: -partial[name])[:_LARGEST]
    combined: dict[tuple[str, ...], int] = {}
    for names, count in (overlap.combined or {}).items():
        held = tuple(name for name in names if name in largest)
        combined[held] = combined.get(held, 0) + count
    combined.pop((), None)
    if len(largest) < 2 or not combined:
        return
    shown = dict(islice(sorted(combined.items(), key=lambda item: -item[1]), _COLUMNS))
    told = "Which combinations occur"
    if len(largest) < len(overlap.sizes):
        told += f", of the {len(largest)} largest segments"
    yield element("h3", told)
    left = f" The {len(shown)} most frequent of {localized(len(combined))} are shown."
    yield element(
        "p",
        "A column counts those who are in exactly the segments with a large dot, and in no other "
        "of these." + (left if len(shown) < len(combined) else ""),
        class_="quiet",
    )
    yield scrolling(told, upset(told, overlap.sizes, shown))
    heads, rows = ("in exactly", "how many"), [(", ".join(n), number(c)) for n, c in shown.items()]
    yield element(
        "details", element("summary", "The same as a table"), table(told, heads, rows, heads[1:])
    )


def _matrix(overlap: Overlap) -> _Html:
    """How alike all pairs are."""
    names = [name for name, size in overlap.sizes.items() if size]
    if not 2 < len(names) <= _CELLS:
        return
    alike = {frozenset((pair.one, pair.other)): pair.jaccard or 0 for pair in overlap.pairs}

    def cell(one: str, other: str) -> Html:
        if one == other:
            return element("td", "", style="background:var(--line)")
        part = alike[frozenset((one, other))]
        style = f"background:rgba(47,111,219,{part:.2f})"
        return element("td", f"{100 * part:.0f}" if part >= 0.005 else "", style=style)

    yield element("h3", "How alike all pairs are")
    told = "Of those who are in at least one of two segments, how many per cent are in both."
    yield element("p", told, class_="quiet")
    places = {name: f"{place}" for place, name in enumerate(names, start=1)}
    top = [element("th", place, scope="col", title=name) for name, place in places.items()]
    rows = [
        element(
            "tr",
            element("th", f"{place} ", _link(name), scope="row"),
            *(cell(name, other) for other in names),
        )
        for name, place in places.items()
    ]
    head = element("thead", element("tr", element("th", "segment", scope="col"), *top))
    inside = element("table", head, element("tbody", *rows), class_="matrix")
    yield scrolling("How alike pairs of segments are", inside)


_PAIRS, _LARGEST, _COLUMNS, _CELLS = 15, 8, 24, 40
"""How much is shown: pairs; segments and combinations in the picture; segments in the matrix."""


def _partitions(report: Contents) -> _Html:
    for partition, audit in report.partitions:
        inside = [element("h3", partition.name), *_about(partition)]
        if isinstance(audit, Audit):
            heads = ("part", "alone", "has", "share", "", "lost to")
            rows = [
                (
                    part.label,
                    number(part.alone),
                    number(part.got),
                    _share(part.got, audit.population),
                    bar(part.got, audit.population),
                    _words(f"{label} {localized(count)}" for label, count in part.lost.items()),
                )
                for part in audit.parts
            ]
            inside.append(table(f"Parts of {partition.name}", heads, rows, heads[1:4]))
            told = "Everyone is in exactly one part, the first that fits."
            inside.append(element("p", told, class_="quiet"))
        else:
            inside.append(element("p", f"It cannot be computed: {audit}", class_="problem"))
        yield element("article", *inside)


def _data(report: Contents) -> _Html:
    if report.coverage is None:
        return
    heads = ("name", "type", "known of", "share", "", "newest within")
    rows = [
        (
            element("code", known.name),
            known.dtype,
            number(known.present),
            _share(known.present, report.population),
            bar(known.present, report.population),
            "–" if known.newest is None else plural(known.newest, "day"),
        )
        for known in report.coverage.known
    ]
    yield element("p", f"Of how many {report.schema.root} each thing is known.", class_="quiet")
    yield table("How much is known", heads, rows, (*heads[2:4], heads[5]))


def _freshness(report: Contents) -> _Html:
    found = report.freshness
    if found is None or not found.tables:
        return
    heads = ("table", "state", "newest", "age", "warn", "stale")
    rows = [
        (
            element("code", each.table),
            element("span", each.state, class_="tag") if each.state != "ok" else "ok",
            "–" if each.newest is None else _when(each.newest),
            spoken(each.age),
            each.fresh.warn or "–",
            each.fresh.stale or "–",
        )
        for each in found.tables
    ]
    yield element("p", "How old the newest rows of what the segments read are.", class_="quiet")
    yield table("How fresh the tables are", heads, rows, heads[3:])


def _when(time: date) -> str:
    return moment(time) if isinstance(time, datetime) else dated(time.isoformat())


def _segments(report: Contents) -> _Html:
    for chapter in report.chapters:
        parts = [piece for part in PARTS for piece in part(chapter, report)]
        yield element("article", *parts, id=_id(chapter.name))


SECTIONS: Mapping[str, tuple[str, Callable[[Contents], _Html]]] = {
    "look": ("Worth a look", _look),
    "overview": ("Overview", _overview),
    "overlap": ("Overlap", _overlaps),
    "partitions": ("Partitions", _partitions),
    "time": ("Over time", lambda report: over_time(report, _link)),
    "goals": ("Goals", goals_reached),
    "segments": ("Segments", _segments),
    "freshness": ("How fresh the data is", _freshness),
    "data": ("What is known", _data),
}
"""The sections, each with its heading and what it says; one that says nothing is left out."""


# -- parts of what is said of a segment -----------------------------------------------------------


def _heading(chapter: Chapter, report: Contents) -> _Html:
    yield element("h3", chapter.name)
    yield from _about(chapter.segment)
    told = []
    if chapter.size is not None:
        told.append(f"{number(chapter.size)} of {number(report.population)}")
        told.append(_share(chapter.size, report.population))
    told += [f"{what}: {said}" for what, said in _owned(chapter.segment)]
    yield element("p", " · ".join([*told, f"version {chapter.version}"]), class_="quiet")


def _owned(segment: Segment) -> Iterator[tuple[str, str]]:
    for what, said in (("owner", segment.owner), ("goal", segment.goal)):
        if said:
            yield what, said


def _definition(chapter: Chapter, report: Contents) -> _Html:
    text = chapter.segment.source.strip()
    shown = text if len(text) <= _LONG else text[:_LONG] + "…"
    yield element("pre", element("code", coloured(shown)), tabindex="0")
    if chapter.parameters:
        values = ", ".join(f":{n} = {_value(v)}" for n, v in chapter.parameters.items())
        yield element("p", f"with {values}", class_="quiet")
    if names := list(chapter.segment.references):
        known = {each.name for each in report.chapters}
        links = [_link(name) if name in known else name for name in names]
        yield element("p", "refers to ", *_listed(links), class_="quiet")


def _value(value: Given) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)


def _warnings(chapter: Chapter, report: Contents) -> _Html:
    for warning in chapter.segment.warnings:
        told = element("pre", warning.render(chapter.segment.source), tabindex="0")
        yield element("div", told, class_="warning")
    for trouble in chapter.trouble:
        yield element("p", trouble, class_="problem")


def _attrition(chapter: Chapter, report: Contents) -> _Html:
    found = chapter.attrition
    if found is None:
        return
    heads = ("clause", "alone", "left", "", "lost", "costs")
    rows = [
        (
            element("code", coloured(stage.clause)),
            number(stage.alone),
            number(stage.left),
            bar(stage.left, found.population),
            number(stage.lost),
            number(stage.costs),
        )
        for stage in found.stages
    ]
    yield element("h4", "Who is left after each clause")
    numbers = ("alone", "left", "lost", "costs")
    yield table(f"Clauses of {chapter.name}", heads, rows, numbers, class_="clauses")
    yield from _notes(found.notes)


def _gaps(chapter: Chapter, report: Contents) -> _Html:
    found = chapter.gaps
    if found is None or not (found.in_only or found.out_only):
        return
    yield element("h4", "What missing data decides")
    heads = ("value", "missing", "in only", "out only")
    rows = [
        (
            element("code", coloured(gap.value)),
            *map(number, (gap.missing, gap.in_only, gap.out_only)),
        )
        for gap in found.gaps
        if gap.in_only or gap.out_only
    ]
    if rows:
        yield table(f"Missing data of {chapter.name}", heads, rows, heads[1:], class_="clauses")
        yield element("p", *_remedies(found), class_="quiet")
    else:
        told = f"{number(found.in_only)} are in and {number(found.out_only)} are out for that."
        yield element("p", told)
        yield from _notes(found.notes)


def _remedies(found: Gaps) -> Iterator[str]:
    if found.in_only:
        yield from (
            "To leave out who is in only because it is missing: ",
            element("code", "and … is present"),
        )
        yield ". "
    if found.out_only:
        yield "To take in who is out only because it is missing, beside the test: "
        yield from (element("code", "or … is missing"), ".")


def _profile(chapter: Chapter, report: Contents) -> _Html:
    """What sets the members apart, the greatest first; what is by definition, is no news."""
    found = chapter.profile
    if found is None:
        return
    told = [each for each in found.differences if found.is_certain(each) and not each.defining]
    yield element("h4", "What sets them apart")
    if not told:
        yield element("p", "Nothing that is more than chance.", class_="quiet")
        return
    heads = ("what", "effect", "", "members", "others")
    most = max(_LARGE, *(abs(each.effect or 0) for each in told))
    rows = [
        (
            element("code", each.what),
            "–" if each.effect is None else f"{each.effect:+.2f}",
            signed_bar(_apart(each, most) if each.effect is None else each.effect, most),
            amount(each, each.members),
            amount(each, each.base),
        )
        for each in told[:_DIFFERENCES]
    ]
    numbers = ("effect", "members", "others")
    yield table(f"What sets {chapter.name} apart", heads, rows, numbers, class_="clauses")
    more = f" {plural(len(told) - len(rows), 'more difference')} too." if told[len(rows) :] else ""
    sure = f"Each is more than chance, as sure as {100 * found.level:g} %, with so many tests."
    yield element("p", sure + more, class_="quiet")


def _apart(each: Difference, most: float) -> float:
    """The greatest effect there is, on the side of the difference."""
    return most if (each.difference or 0) > 0 else -most


PARTS: tuple[Callable[[Chapter, Contents], _Html], ...] = (
    _heading,
    _definition,
    _warnings,
    _attrition,
    _gaps,
    _profile,
)
"""What is said of a segment, in order."""

_LARGE = 0.8
"""An effect that one calls large."""
_LONG, _DIFFERENCES = 4_000, 8
"""How much is shown: letters of a definition, differences in a profile."""


# -- pieces ---------------------------------------------------------------------------------------


def _id(name: str) -> str:
    return f"segment-{quote(name, safe='')}"


def _link(name: str) -> Html:
    return element("a", name, href=f"#{quote(_id(name))}")


def _listed(parts: Iterable[str]) -> Iterator[str]:
    for place, part in enumerate(parts):
        if place:
            yield ", "
        yield part


def _words(said: Iterable[str]) -> str:
    told = ", ".join(said)
    return element("div", told, class_="words") if told else ""


def _about(thing: Segment | Partition) -> _Html:
    said: tuple[Any, ...] = (thing.title, thing.description)
    told = [text for text in said if text]
    if told:
        yield element("p", " – ".join(told))


def _notes(notes: Iterable[str]) -> _Html:
    for note in notes:
        yield element("p", note, class_="quiet")


def _share(part: int | None, whole: int) -> str:
    return share(part / whole) if part is not None and whole else "–"
