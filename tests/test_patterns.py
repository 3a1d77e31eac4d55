"""Patterns: beside Python's ``re``, and what is refused because engines read it differently."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine.default import DefaultDialect

from segmentkit import (
    INTEGER,
    TEXT,
    Attribute,
    DefinitionError,
    Entity,
    Schema,
    Segment,
    UnsupportedError,
)
from segmentkit import pandas as frames
from segmentkit._patterns.ambiguity import ambiguous
from segmentkit._patterns.matcher import _MOST_STEPS, Matcher, matches
from segmentkit._patterns.printing import both_cases, printed
from segmentkit._patterns.syntax import PatternError, parse
from segmentkit.sqlalchemy import members, tables_from
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.dialect import DIALECTS

PEOPLE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("name", TEXT, nullable=True)],
        )
    ],
    root="people",
)
CHARACTERS = "abAB1_ -.^$\n\r\t\v\0\x85\u2028\xa0é\u0301я😀ſ\u212a٣"
LETTERS = (
    *(".", "a", "b", "é", "😀", "[ab]", "[^a]", "[a-é]", "[А-я]", "[^\\d_]", "[\\]\\-^]", "\\."),
    *("\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\n", "\n", "\0", "[\\s\\S]", "[é-😀]", "ſ"),
)
MARKS = ("*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "{0}")
PATTERNS = st.recursive(
    st.sampled_from(LETTERS),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda both: f"({both[0]}|{both[1]})"),
        inner.map(lambda one: f"(|{one})"),
        st.tuples(inner, st.sampled_from(MARKS)).map(lambda both: f"({both[0]}){both[1]}"),
    ),
    max_leaves=8,
)
TEXTS = st.lists(st.text(CHARACTERS, max_size=8), min_size=5, max_size=10)


# -- what a pattern means ---------------------------------------------------------------------------


@given(PATTERNS, TEXTS)
def test_a_pattern_means_what_re_takes_it_for(pattern: str, texts: list[str]) -> None:
    """The texts that match are those of ``re``, of the pattern as written and as printed."""
    if ambiguous(pattern):
        return  # re could take very long
    as_written = re.compile(pattern, re.ASCII)
    as_printed = re.compile(printed(parse(pattern), nul="\\u0000"))
    for text in texts:
        expected = as_written.fullmatch(text) is not None
        assert matches(text, pattern) == expected
        assert (as_printed.fullmatch(text) is not None) == expected


@given(PATTERNS, TEXTS)
def test_both_cases(pattern: str, texts: list[str]) -> None:
    """The pattern that a hint gives in the place of ``ignoring case`` ignores that of ASCII."""
    if ambiguous(pattern):
        return
    both = printed(both_cases(parse(pattern)), nul="\0")
    for text in texts:
        if matches(text, pattern):
            assert matches(text.translate(SWAPPED), both)


def test_both_cases_of_what_must_not_be_there() -> None:
    """Without regard to case, [^a] is neither letter: no hint widens it to either."""
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", 'name matches "[^a]*" ignoring case', PEOPLE)
    assert caught.value.diagnostics[0].hint == "write both cases of each letter: [^Aa]"


SWAPPED = str.maketrans("abAB", "ABab")


@given(PATTERNS)
def test_a_printed_pattern_is_a_pattern(pattern: str) -> None:
    """What is printed reads as the same again, so hints may show it."""
    once = printed(parse(printed(parse(pattern), nul="\0")), nul="\0")
    assert printed(parse(once), nul="\0") == once


@pytest.mark.parametrize(
    "dtype", ["object", "category", "string[python]", "string[pyarrow]", "str", "large_string"]
)
def test_columns_of_texts(dtype: str) -> None:
    """However a column stores texts, the same match."""
    kind: Any = pd.ArrowDtype(__import__("pyarrow").large_string()) if "large" in dtype else dtype
    # Before pandas 3, categories take a text with NUL for the text before it.
    alike = "\0" if dtype == "category" and pd.__version__ < "3" else None
    characters = [c for c in CHARACTERS if c != alike]
    texts = [*characters, *(f"{c}b" for c in characters), "", "ab\n", None]
    frame = pd.DataFrame({"id": range(len(texts)), "name": pd.Series(texts, dtype=kind)})
    for pattern in ("[^\\s\\w]b?", ".", "\\D+\\s", "[é-😀]b|[a-c]+\\n", "(a|b|é)*", "\\0"[1:]):
        segment = Segment.define("s", f"name matches {_quoted(pattern)}", PEOPLE)
        found = re.compile(pattern, re.ASCII).fullmatch
        expected = [i for i, text in enumerate(texts) if text is not None and found(text)]
        assert sorted(frames.members(segment, frame)) == expected
        others = sorted({*range(len(texts))} - {*expected})
        assert sorted(frames.members(~segment, frame)) == others


def _quoted(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("\n", "\\n").replace("\0", "\\u0000")
    return f'"{escaped}"'


# -- what a pattern cannot have ---------------------------------------------------------------------

REFUSED = {
    # what is written, and what the hint leads to
    "^ab$": ("'^'", "ab"),
    "ab$": ("'$'", "ab\\$"),
    "\\Aab\\z": ("'\\A'", "ab"),
    "\\bab": ("'\\b'", " ab"),
    "\\p{L}": ("'\\p'", "[A-Za-z]"),
    "\\x41": ("'\\x'", "A"),
    "(a)\\1": ("'\\1'", "(a)a"),
    "\\Qa.b\\E": ("'\\Q'", "a\\.b"),
    "\\R": ("'\\R'", "(\\r\\n|\\n)"),
    "\\q": ("'\\q'", "q"),
    "a(?=b)": ("a look ahead", None),
    "a(?!b)": ("a look ahead", None),
    "(?<=a)b": ("a look behind", None),
    "(?<!a)b": ("a look behind", None),
    "(?>a)b": ("an atomic group", "(a)b"),
    "(?P<x>a)": ("a named group", "(a)"),
    "(?<x>a)": ("a named group", "(a)"),
    "(?P=x)": ("a reference back", None),
    "(?i)a": ("a flag", "[Aa]"),
    "(?i:a)": ("a flag", "[Aa]"),
    "(?#x)a": ("a comment", "a"),
    "(?(1)a|b)": ("a condition", "(a|b)"),
    "a*?": ("a lazy repeat", "a*"),
    "a++": ("a possessive repeat", "a+"),
    "a{2}?": ("a lazy repeat", "a{2}"),
    "a**": ("a repeat of a repeat", None),
    "a{2}{3}": ("a repeat of a repeat", "(a{2}){3}"),
    "*a": ("'*'", "\\*a"),
    "(+)": ("'+'", "(\\+)"),
    "a{,3}": ("'{,3}'", "a{0,3}"),
    "a{3,2}": ("'{3,2}'", "a{2,3}"),
    "a{256}": ("'{256}'", "a+"),
    "a{2,999999999999}": ("'{2,999999999999}'", "a{2,}"),
    "a{": ("'{'", "a\\{"),
    "{a}": ("'{'", "\\{a\\}"),
    "a}": ("'}'", "a\\}"),
    "a]": ("']'", "a\\]"),
    "(a": ("'(' without ')'", "(a)"),
    "a)": ("')' without '('", "a\\)"),
    "[a": ("'[' without ']'", "[a]"),
    "[]": ("']'", "[\\]]"),
    "[^]a]": ("']'", "[^\\]a]"),
    "[[:alpha:]]": ("a POSIX class", "[A-Za-z]"),
    "[a[b]": ("'['", "[a\\[b]"),
    "[a-z&&b]": ("'&&'", "[a-z\\&b]"),
    "[z-a]": ("'z-a'", "[a-z]"),
    "[\\d-x]": ("'\\d-x'", "[\\d\\-x]"),
    "[a-\\d]": ("'a-\\d'", "[a\\-\\d]"),
    "a\\": ("'\\' at its end", "a\\\\"),
    "(a{100}b){10}": ("1,010 characters", "(a{100}b){9}"),
    "(" * 51 + ")" * 51: ("a group as deep as this", "()"),
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_a_pattern_cannot_have(pattern: str) -> None:
    """It is refused by its name and at its place, and what the hint leads to stands."""
    found, instead = REFUSED[pattern]
    with pytest.raises(PatternError) as caught:
        parse(pattern)
    error = caught.value
    assert error.found == found
    assert error.hint
    assert 0 <= error.start < error.end <= len(pattern)
    if found[0] == "'" and found.count("'") == 2:
        assert pattern[error.start : error.end] in (found[1:-1], found[1:].split("'")[0])
    if instead is not None:
        parse(instead)


@given(st.text("a1\\^$.|?*+()[]{}-,&:=<!dDbpx\n", max_size=12))
def test_any_text_is_a_pattern_or_is_refused(text: str) -> None:
    """No text is an error of another kind, and what stands means what ``re`` takes it for."""
    try:
        parse(text)
    except PatternError as error:
        assert 0 <= error.start < error.end <= len(text)
    else:
        assert matches("a1", text) == (re.compile(text, re.ASCII).fullmatch("a1") is not None)


def test_a_parameter_is_looked_at_once_it_has_a_value() -> None:
    """A pattern that does not stand cannot be bound."""
    segment = Segment.define("s", "name matches :code", PEOPLE)
    assert segment.bind(code="[A-Z]{2}").definition == 'name matches "[A-Z]{2}"'
    with pytest.raises(DefinitionError, match=r"SK190 a pattern cannot have '\^'"):
        segment.bind(code="^A")
    with pytest.raises(DefinitionError, match="SK191"):
        segment.bind(code="(a*)*")


# -- time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a|aa)*", "(a*)*", "(a+)+", "(.*,)*", "(\\w+_)*", "(a|a)*", "(a|[a-z])+", "(a?b?)*"),
        *("((|)a)*", "((x?)?c)*", "(\\d{1,3}){5}", "([a-z]+\\.?)+", "(a{2}|a{3})+", "(a?){9}"),
        *("((a|aa){3}b?){3}", "(a|a)" * 30, "a?" * 30 + "a" * 30, "(|)" * 30, ".*" * 8),
        "(\\w{0,200}[^a]\\d{0,200}b?)*",
    ],
)
def test_what_can_take_exponentially_long(pattern: str) -> None:
    """Many ways over one text multiply, each time round a repeat or part by part."""
    assert ambiguous(pattern) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "a", "a*a*a*b", "(\\d+,)*\\d+", "\\w+@\\w+.\\w{2,}", "([A-Z][a-z]?){2}"),
        *("(\\d{3}-?){2}\\d{4}", "(\\w+ ?){1,3}", "([a-z]{1,63}\\.)+[a-z]+", "(a|b|c)*d"),
        *("(AB|CD|EF)*", "([a-z0-9]+-)*[a-z0-9]+", "a{0,30}a{30}", ".*foo.*bar.*baz.*", "a{255}"),
        *("[a-z]{1,20}[a-z0-9]{1,20}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "(a*|b*)c"),
        *("([^,]*,){7}[^,]*", "\\S+( \\S+)*", "(\\d{1,3}\\.){3}\\d{1,3}", "(\\d?\\d){2}"),
        "(https?://)?([\\w-]+\\.)+[\\w-]+(/[\\w./?%&=-]*)?",
        "(25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}",
        "(\\+?\\d{1,3}[ -]?)?\\(?\\d{3}\\)?[ -]?\\d{3}[ -]?\\d{4}",
    ],
)
def test_what_people_write_does_not(pattern: str) -> None:
    """Patterns of codes, addresses and numbers stand."""
    assert ambiguous(pattern) is None


def test_a_text_that_needs_many_states() -> None:
    """However many states a text leads to, few are kept, and the answer is right."""
    matcher = Matcher("[ab]*a[ab]{200}")
    text = "".join("ab"[(i * i // 7 + i // 3) % 2] for i in range(20_000))
    assert matcher(text) == (text[-201] == "a")
    assert not matcher(text[:-201] + "b" + text[-200:])
    kept = [matcher._start, *matcher._states.values()]
    assert sum(len(state) - 2 for state in kept) <= _MOST_STEPS


# -- databases --------------------------------------------------------------------------------------


def test_sqlite_needs_an_engine_that_is_prepared() -> None:
    """Without ``prepare`` SQLite names the function that it lacks."""
    table = tables_from(PEOPLE).tables["people"]
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        table.metadata.create_all(connection)
        segment = Segment.define("s", 'name matches "a+"', PEOPLE)
        with pytest.raises(sa.exc.OperationalError, match="no such function: segmentkit_matches"):
            connection.scalars(members(segment, table)).all()
        alone = Segment.define("s", 'name matches "abc"', PEOPLE)
        assert connection.scalars(members(alone, table)).all() == []
    engine.dispose()


def test_patterns_are_parameters() -> None:
    """No part of a pattern becomes the text of a statement, on any database that has patterns."""
    table = tables_from(PEOPLE).tables["people"]
    segment = Segment.define("s", 'name not matches "secret\'.*"', PEOPLE)
    query = members(segment, table)
    for name, row in DIALECTS.items():
        # The names of dialects choose the spellings.
        dialect = DefaultDialect()
        dialect.name = name
        if row.template(Construct.MATCHES) is None:
            with pytest.raises(UnsupportedError, match="cannot do 'matches'"):
                query.compile(dialect=dialect)
            continue
        compiled = query.compile(dialect=dialect)
        assert "secret" not in str(compiled)
        assert any("secret[']" in str(v) or v == "secret'.*" for v in compiled.params.values())
