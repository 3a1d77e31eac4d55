"""The packages of other tools themselves: whether they still mean what is recorded.

The nox session "interchange" installs them and runs this.
"""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

from segmentkit import Segment
from segmentkit.interchange import (
    ConversionError,
    from_conditions,
    from_react_querybuilder,
    to_react_querybuilder,
)
from tests.interchange.people import PEOPLE, SHOP, members
from tests.interchange.test_conditions import PUBLISHED
from tests.interchange.test_react_querybuilder import HANDED_ON, RECORDED, asked


def ran(program: str, given: Any) -> Any:
    """What a program of Node.js answers; NODE_PATH says where packages are."""
    path = str(Path(__file__).with_name(program))
    run = subprocess.run(
        ["node", path], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def sql_of(queries: list[Any]) -> list[str]:
    """What react-querybuilder writes of queries."""
    found: list[str] = ran("format_query.cjs", queries)
    return found


def test_recorded_sql_is_what_is_written() -> None:
    """The SQL that the other tests compare with is that of the package."""
    assert sql_of([case["query"] for case in RECORDED]) == [case["sql"] for case in RECORDED]


def test_sql_of_what_is_handed_on() -> None:
    """The SQL of a segment that is handed on finds the people that its differences foresee."""
    asked_of_rows = ("tags", "company", "properties", ":", "ignoring case")
    plain = [d for d in HANDED_ON if not any(word in d for word in asked_of_rows)]
    exported = [to_react_querybuilder(Segment.define(None, d, SHOP)) for d in plain]
    for definition, each, sql in zip(
        plain, exported, sql_of([each.query for each in exported]), strict=True
    ):
        found = from_react_querybuilder(each.query, SHOP)
        theirs = asked(sql)
        if theirs is None or found.theirs is None:
            rules = {difference.rule for difference in each.differences}
            assert rules & {"names", "xor", "first-instant", "wildcard"}, definition
        else:
            assert members(found.theirs) == theirs, definition


def test_published_answers() -> None:
    """GrowthBook's package gives the answers that it publishes."""
    plain = [case for case in PUBLISHED if len(case) == 4]
    answers = ran("eval_condition.cjs", [[case[2], case[1]] for case in plain])
    assert answers == [case[3] for case in plain]


_CONSTANTS: dict[str, list[Any]] = {
    "name": ["Ada", "", "null", "Eve"],
    "country": ["DK", "NO", "null"],
    "age": [-1, 0, 17, 18, 40, 30.5],
    "vip": [True, False],
    "properties.plan": ["pro", "free"],
}
_PATTERNS = ["ada", "^A", "a$", "^Eve$", "(Ada|Eve)", "^(Ada|ada)$", "u", "null", "100%", "_c"]
_PATTERNS += [r"\\.", "^.{3}$", "a.a", "[A-Z]d", "(A|E)[a-z]+?", r"\d+%", "^[^a]*$", "l$", "ë|^E"]


def _leaf(draw: random.Random) -> dict[str, Any]:
    if draw.random() < 0.15:
        wanted = draw.choice([{"$elemMatch": {"$eq": "press"}}, {"$in": ["press", "vip"]}])
        more = [
            {"$all": ["press", "vip"]},
            {"$alli": ["PRESS"]},
            {"$exists": False},
            {"$nin": ["x"]},
        ]
        return {"tags": draw.choice([wanted, *more])}
    if draw.random() < 0.15:
        rows = {"status": draw.choice(["paid", "open"])}
        more = [{"$elemMatch": rows}, {"$elemMatch": {"amount": {"$lt": 20}}}, {"$size": 2}]
        return {"orders": draw.choice(more)}
    field = draw.choice(list(_CONSTANTS))
    constants = [*_CONSTANTS[field], None]
    number = field == "age"
    value = draw.choice(_CONSTANTS[field])
    some = draw.sample(constants, draw.randrange(len(constants)))
    asked: list[Any] = [value, None, {"$eq": value}, {"$ne": draw.choice(constants)}]
    asked += [{"$in": some}, {"$nin": some}, {"$exists": draw.random() < 0.5}]
    asked += [{"$not": {"$eq": value}}, {"$type": draw.choice(["string", "number", "null"])}]
    if number:
        asked += [{"$lt": value}, {"$gte": value, "$lte": 40}, {"$not": {"$gt": value}}] * 2
    elif isinstance(value, str):
        asked += [{draw.choice(["$regex", "$regexi"]): draw.choice(_PATTERNS)}] * 3
        asked += [{"$ini": [value.upper()]}, {"$not": {"$regex": draw.choice(_PATTERNS)}}]
    return {field: draw.choice(asked)}


def _condition(draw: random.Random, depth: int = 0) -> dict[str, Any]:
    roll = draw.random()
    if depth < 2 and roll < 0.3:
        parts = [_condition(draw, depth + 1) for _ in range(draw.randrange(4))]
        return {draw.choice(["$and", "$or", "$nor"]): parts, **_leaf(draw)}
    if depth < 2 and roll < 0.4:
        return {"$not": _condition(draw, depth + 1)}
    return {**_leaf(draw), **_leaf(draw)} if roll < 0.6 else _leaf(draw)


def test_random_conditions() -> None:
    """Of random conditions, the people of `theirs` are just those whom GrowthBook finds."""
    draw = random.Random(2026)
    conditions = [_condition(draw) for _ in range(600)]
    attributes = json.loads(json.dumps(PEOPLE, default=str))
    answers = ran("eval_condition.cjs", [[a, c] for c in conditions for a in attributes])
    kinds = {"same": 0, "different": 0, "refused": 0}
    for number, condition in enumerate(conditions):
        start = number * len(attributes)
        there = answers[start : start + len(attributes)]
        expected = {a["id"] for a, yes in zip(attributes, there, strict=True) if yes}
        try:
            found = from_conditions(condition, SHOP)
        except ConversionError:
            kinds["refused"] += 1
            continue
        ours = members(found.segment)
        kinds["same" if ours == expected else "different"] += 1
        # What letters beyond ASCII would show, nobody here has.
        said = {(d.rule, d.pointer) for d in found.differences if d.rule.startswith("missing-")}
        theirs = found._again(said)
        assert theirs is not None
        assert members(theirs) == expected, (condition, found.definition)
        if ours != expected:
            assert found.differences, (condition, found.definition)
    assert kinds["same"] > 300, kinds
    assert kinds["different"] > 20, kinds


def _rule(draw: random.Random) -> dict[str, Any]:
    """A rule of react-querybuilder, now and then unfinished, muted, or with a value that is none."""
    number = draw.choice([0, 17, 18, 40, "18", 25.5])
    field, operator, value = draw.choice(
        [
            (
                draw.choice(["age", "credit"]),
                draw.choice(["=", "!=", "<", "<=", ">", ">="]),
                number,
            ),
            ("age", draw.choice(["in", "notIn"]), draw.choice([[17, 18], "17, 40", [], ""])),
            ("age", draw.choice(["between", "notBetween"]), draw.choice([[18, 40], "40, 18"])),
            (
                "name",
                draw.choice(["contains", "beginsWith", "doesNotEndWith"]),
                draw.choice(["A", "da"]),
            ),
            (draw.choice(["name", "country", "vip"]), draw.choice(["null", "notNull"]), None),
            ("country", draw.choice(["=", "!=", "in", "notIn"]), draw.choice(["DK", "NO"])),
            ("vip", draw.choice(["=", "!="]), draw.choice([True, False])),
            ("joined", draw.choice(["<", ">=", "!="]), "2026-01-31"),
            ("age", draw.choice(["<", ">=", "!="]), "credit"),
            ("orders", "=", {"combinator": "and", "rules": []}),
        ]
    )
    found: dict[str, Any] = {"field": field, "operator": operator, "value": value}
    if value == "credit":
        found["valueSource"] = "field"
    if field == "orders":
        found["match"] = {"mode": draw.choice(["some", "none"])}
    if draw.random() < 0.1:
        found[draw.choice(["field", "operator"])] = "~"
    if draw.random() < 0.1:
        found["muted"] = True
    return found


def _query(draw: random.Random, depth: int = 0) -> dict[str, Any]:
    parts = [
        _query(draw, depth + 1) if depth < 3 and draw.random() < 0.4 else _rule(draw)
        for _ in range(draw.randrange(0 if depth else 1, 4))
    ]
    found: dict[str, Any] = {"rules": parts}
    if parts and draw.random() < 0.2:
        words = [draw.choice(["and", "or"]) for _ in parts[1:]]
        mixed = [each for pair in zip(words, parts[1:], strict=True) for each in pair]
        found["rules"] = [parts[0], *mixed]
    else:
        found["combinator"] = draw.choice(["and", "or"])
    if draw.random() < 0.3:
        found["not"] = True
    if depth and draw.random() < 0.05:
        found["muted"] = True
    return found


def test_random_queries() -> None:
    """Of random queries, the people of `theirs` are just those whom the package's SQL finds."""
    draw = random.Random(2026)
    queries = [_query(draw) for _ in range(1000)]
    kinds = {"same": 0, "different": 0, "refused": 0}
    for query, sql in zip(queries, sql_of(queries), strict=True):
        try:
            found = from_react_querybuilder(query, SHOP)
        except ConversionError:
            kinds["refused"] += 1
            continue
        theirs = asked(sql)
        assert theirs is not None, sql
        assert found.theirs is not None, query
        assert members(found.theirs) == theirs, (query, sql, found.definition)
        differ = members(found.segment) != theirs
        assert found.differences or not differ, query
        kinds["different" if differ else "same"] += 1
    assert kinds["same"] > 200, kinds
    assert kinds["different"] > 200, kinds
