"""Take over definitions from other tools, and hand them on."""

from segmentkit.errors import ConversionError
from segmentkit.interchange._cohorts import from_cohort
from segmentkit.interchange._conditions import from_conditions
from segmentkit.interchange._from_sql import from_sql
from segmentkit.interchange._react_querybuilder import from_react_querybuilder
from segmentkit.interchange._result import RULES, Converted, Difference
from segmentkit.interchange._to_react_querybuilder import Exported, to_react_querybuilder

__all__ = [
    "RULES",
    "ConversionError",
    "Converted",
    "Difference",
    "Exported",
    "from_cohort",
    "from_conditions",
    "from_react_querybuilder",
    "from_sql",
    "to_react_querybuilder",
]
