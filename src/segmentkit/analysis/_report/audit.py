"""How many members each part of a partition has and lost, by counting alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from segmentkit.analysis._size_queries import Counting
from segmentkit.evaluation import Sizes
from segmentkit.partition import Audit, PartAudit, Partition
from segmentkit.segment import Segment


def audit_counting(partition: Partition) -> Counting[Audit]:
    """Whom to count: who fits each part, who is the first to fit it, and who was taken from it."""
    labels = list(partition.parts)
    names = {label: f"part_{place}" for place, label in enumerate(labels)}
    parts = dict(zip(names.values(), partition.parts.values(), strict=True))
    schema = next(iter(parts.values())).schema

    def both(wanted: Sequence[str], earlier: Sequence[str]) -> Segment:
        tests = [f"in segment {names[label]}" for label in wanted]
        tests += [f"not in segment {names[label]}" for label in earlier]
        return Segment.define(None, " and ".join(tests), schema, segments=parts)

    asked = {f"alone {label}": part for label, part in partition.parts.items()}
    pairs = [(label, by) for i, label in enumerate(labels) for by in labels[:i]]
    for place, label in enumerate(labels):
        asked[f"got {label}"] = both([label], labels[:place])
    for place, (label, by) in enumerate(pairs):
        asked[f"lost {place}"] = both([label, by], labels[: labels.index(by)])

    def read(sizes: Sizes, at: datetime) -> Audit:
        lost: dict[str, dict[str, int]] = {label: {} for label in labels}
        for place, (label, by) in enumerate(pairs):
            if count := sizes[f"lost {place}"]:
                lost[label][by] = count
        found = [
            PartAudit(label, sizes[f"alone {label}"], sizes[f"got {label}"], lost[label])
            for label in labels
        ]
        rest = sizes.population - sum(part.got for part in found)
        return Audit(partition.name, at, (*found, PartAudit(partition.rest, rest, rest, {})))

    return Counting(asked, read)
