"""What a conversion gives: a segment, and for whom the other tool answers differently."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from types import MappingProxyType

from attrs import define, field, frozen

from segmentkit.segment import Segment

RULES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "A test of a missing value is unknown there, and so is its negation; here a "
        "negative form is the complement of the positive one.",
        "case": "Some databases ignore the case of letters in LIKE: SQLite of A to Z, others of "
        "every letter. Here case counts, unless you ask for `ignoring_case`.",
        "trailing-spaces": "Some databases do not count the spaces at the ends of texts that they "
        "compare; here they count.",
        "wildcard": "A % or _ in the value stands for any letters there; here it is itself.",
        "empty-list": "A list without values is left out there, as if the rule were not there; "
        "here nobody is in it.",
        "swapped-range": "The ends of a range of numbers are swapped there where the first is the "
        "larger; here nobody is in such a range.",
        "match": "A rule about the rows of a list is left out of the SQL there; here it is asked, "
        "of the rows until the instant that you ask about.",
        "whole-item": "A text is looked for in a list as it is stored there; here it is one of the "
        "items as a whole.",
        "empty-group": "A group whose rules are all left out holds of everybody there; here it is "
        "left out as they are.",
        "xor": "Few databases know XOR; here it is written out.",
        "names": "Names stand in the SQL without quotes, so databases refuse those that are words "
        "of SQL or no plain identifiers.",
        "missing-number": "A missing number compares as zero there; here the test is false.",
        "missing-text": 'A missing text compares as the text "null" there; here the test is false.',
        "missing-list": "A missing list has no size there; here it has no rows.",
        "missing-items": "What is missing within a list of texts is one of its elements there; "
        "here it is not counted.",
        "missing-version": 'A missing version compares as "0" there, before all others; here the '
        "test is false.",
        "version-forms": "Versions compare as texts there, whose numbers are padded to five signs: "
        "the answers differ for what is no version here, where there are not just three numbers, "
        "or longer ones, and for hyphens within a pre-release.",
        "case-folding": "Case is ignored there by lower case, here by Unicode's case folding: `ß` "
        "equals `SS` here.",
        "code-units": "A character beyond U+FFFF, such as most emoji, counts as two there.",
        "times": "Times are texts there, and compare as texts.",
        "whole-days": "A range begins with the first instant of a day there; here it is exact.",
        "later-rows": "Rows that are later than the instant are counted there.",
        "first-instant": "A day beside an instant is compared as a text on some databases, such as "
        "SQLite, where its first instant comes after it.",
    }
)
"""Why the answers of another tool differ, by the names of the rules."""

Applied = Collection[tuple[str, str]]
"""Differences by their rules and pointers: where to read a query as its own tool does."""


@frozen
class Difference:
    """A place where the other tool answers differently.

    Attributes:
        rule: The name of the rule that explains it; [the table](interchange.md) has them all.
        pointer: Where it is: a JSON pointer into what was converted.
        message: What differs, in a sentence.
    """

    rule: str
    pointer: str
    message: str
    _ask: Callable[[Difference], Segment | None] = field(repr=False, eq=False, alias="ask")

    @property
    def who(self) -> Segment | None:
        """The people for whom the answers differ because of this; None if no segment says it.

        What differs for several reasons is in none of them alone, unless one would do.
        """
        return self._ask(self)


@define(frozen=True, slots=False)
class Converted:
    """A definition that was taken over from another tool.

    Attributes:
        segment: The segment.
        differences: Where the other tool answers differently, and for whom.
        left_out: JSON pointers to what was left out, because the other tool leaves it out too.
    """

    segment: Segment
    differences: tuple[Difference, ...] = ()
    left_out: tuple[str, ...] = ()
    _again: Callable[[Applied], Segment | None] = field(
        default=lambda applied: None, repr=False, eq=False, kw_only=True, alias="again"
    )

    @property
    def definition(self) -> str:
        """The definition, in its canonical form."""
        return self.segment.definition

    @cached_property
    def theirs(self) -> Segment | None:
        """Whom the other tool finds, as far as a segment can say it; None if none can.

        It is what a test compares with: every difference at once.
        """
        rules = {(each.rule, each.pointer) for each in self.differences}
        told = any(rule == "missing" for rule, _ in rules)
        if any(rule in UNSAID for rule, _ in rules):
            return None
        found = self._again(rules) if rules else self.segment
        return found - found.uncertain() if found is not None and told else found


_UNSAID = (
    "case-folding code-units first-instant later-rows missing-items missing-list names times "
    "version-forms whole-days whole-item wildcard xor"
)
UNSAID = frozenset(_UNSAID.split())
"""The rules whose people no segment describes."""


def people(
    difference: Difference, segment: Segment, again: Callable[[Applied], Segment | None]
) -> Segment | None:
    """For whom the answers differ by one rule."""
    if difference.rule == "missing":
        return segment & segment.uncertain()
    if difference.rule in UNSAID:
        return None
    theirs = again({(difference.rule, difference.pointer)})
    return None if theirs is None else segment ^ theirs
