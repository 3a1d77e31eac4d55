"""Analyses of segments: who the members are, why, and how certain that is, on any source.

Every result prints as text, shows itself in a notebook, and has its numbers as a data frame. Many
results can draw a picture, with the extra `plots`.
"""

from __future__ import annotations

from segmentkit.analysis._attrition import Attrition, Stage, attrition
from segmentkit.analysis._changes import CAUSES, Cause, Changes, changes
from segmentkit.analysis._compare import Comparison, Part, compare
from segmentkit.analysis._differences import Difference
from segmentkit.analysis._discovery.clusters import Cluster, Clusters, clusters
from segmentkit.analysis._discovery.discover import Discovery, Rule, discover
from segmentkit.analysis._discovery.estimates import Estimate
from segmentkit.analysis._explain_by_key import explain
from segmentkit.analysis._freshness import STATES, Freshness, freshness
from segmentkit.analysis._goals.outcome import (
    VERDICTS,
    Compared,
    Outcome,
    Outcomes,
    goal,
    goals,
)
from segmentkit.analysis._goals.plan import Plan, Visible, plan
from segmentkit.analysis._missing_data import AGES, Coverage, Gap, Gaps, Known, coverage, gaps
from segmentkit.analysis._movement import History, Movement, history, movement
from segmentkit.analysis._overlap import Overlap, Pair, overlap
from segmentkit.analysis._profile import Profile, profile
from segmentkit.analysis._quality import QUESTIONS, Assessment, Standard, Verdict, assess
from segmentkit.analysis._report.contents import Chapter
from segmentkit.analysis._report.report import Report, report
from segmentkit.analysis._rfm import GROUPS, Grid, Rfm, Scale, grid
from segmentkit.analysis._statistics import Tested

__all__ = [
    "AGES",
    "CAUSES",
    "GROUPS",
    "QUESTIONS",
    "STATES",
    "VERDICTS",
    "Assessment",
    "Attrition",
    "Cause",
    "Changes",
    "Chapter",
    "Cluster",
    "Clusters",
    "Compared",
    "Comparison",
    "Coverage",
    "Difference",
    "Discovery",
    "Estimate",
    "Freshness",
    "Gap",
    "Gaps",
    "Grid",
    "History",
    "Known",
    "Movement",
    "Outcome",
    "Outcomes",
    "Overlap",
    "Pair",
    "Part",
    "Plan",
    "Profile",
    "Report",
    "Rfm",
    "Rule",
    "Scale",
    "Stage",
    "Standard",
    "Tested",
    "Verdict",
    "Visible",
    "assess",
    "attrition",
    "changes",
    "clusters",
    "compare",
    "coverage",
    "discover",
    "explain",
    "freshness",
    "gaps",
    "goal",
    "goals",
    "grid",
    "history",
    "movement",
    "overlap",
    "plan",
    "profile",
    "report",
]
