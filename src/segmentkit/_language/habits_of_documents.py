"""Conditions that other tools write as JSON: MongoDB, Elasticsearch and their kin."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from segmentkit._language.formatter import format_text
from segmentkit._language.habit_forms import NAME, Match

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "ne": "!=", "neq": "!="}
_LISTS = {"in": "in", "nin": "not in", "notin": "not in"}
_TEXT_TESTS = {"startswith": "starts with", "endswith": "ends with", "contains": "contains"}
_JOINTS = {"and": "and", "or": "or", "must": "and", "filter": "and", "should": "or"}
_NONE = ("nor", "not", "must_not", "mustnot")
_INSTANT = re.compile(r"\d{4}-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d)?)?)?(?:\.0+)?Z?")
_MOMENT = re.compile(r"now-(\d+)([smhdwMy])(?:/[a-z])?")
_UNITS = dict(zip("smhdwMy", ("seconds", "minutes", "hours", "days", "weeks", "months", "years"),
                  strict=True))  # fmt: skip
_DEPTH, _LONGEST = 8, 2000

DOCUMENT = (
    r"\A\s*(?:db\.\w+\.(?:find(?:One)?|count(?:Documents)?)\(\s*|\w+\.(?:filter|where)\(\s*)?"
    r"(?P<json>\{.*\})\s*\)?\s*;?\s*\Z"
)
"""A whole definition that is an object of JSON, or of JavaScript."""


class _UnknownError(Exception):
    """What this language cannot say, or what is no condition."""


def as_document(found: Match) -> str | None:
    """``{"age": {"$gte": 18}}`` is ``age >= 18``."""
    try:
        return _condition(_value_of(found["json"]), 0)
    except (_UnknownError, ValueError, RecursionError):
        return None


def _value_of(text: str) -> Any:
    if len(text) > _LONGEST:
        raise _UnknownError
    text = re.sub(r"(?:new\s+)?(?:ISODate|Date)\(\s*(['\"][^'\"]*['\"])\s*\)", r"\1", text)
    text = re.sub(r"'([^'\"\\]*)'", r'"\1"', text)
    text = re.sub(r"([{,]\s*)([$\w][\w.]*)(\s*:)", r'\1"\2"\3', text)
    text = re.sub(r"\bNone\b", "null", text)
    text = re.sub(r"\b(True|False)\b", lambda found: found[1].lower(), text)
    return json.loads(text)


def _condition(told: Any, depth: int) -> str:
    if not isinstance(told, dict) or not told or depth > _DEPTH:
        raise _UnknownError
    return _joined([test for key, value in told.items() for test in _tests(key, value, depth)])


def _joined(tests: list[str], word: str = "and") -> str:
    if not tests:
        raise _UnknownError
    other = "or" if word == "and" else "and"
    return f" {word} ".join(f"({t})" if f" {other} " in t and len(tests) > 1 else t for t in tests)


def _tests(key: str, value: Any, depth: int) -> Iterator[str]:
    """The tests that one key of an object has."""
    word = key.removeprefix("$").lower()
    if word in _JOINTS and isinstance(value, dict | list):
        parts = value if isinstance(value, list) else [value]
        yield _joined([_condition(each, depth + 1) for each in parts], _JOINTS[word])
    elif word in _NONE and isinstance(value, dict | list):
        parts = value if isinstance(value, list) else [value]
        yield f"not ({_joined([_condition(each, depth + 1) for each in parts], 'or')})"
    elif word in ("query", "bool", "constant_score", "where") and isinstance(value, dict):
        yield _condition(value, depth + 1)
    elif word == "exists" and isinstance(value, dict) and list(value) == ["field"]:
        yield f"{_path(value['field'])} is present"
    elif word in ("term", "match", "match_phrase", "terms", "range", "prefix") and isinstance(
        value, dict
    ):
        for name, of in value.items():
            yield from _searched(word, _path(name), of)
    elif key.startswith("$"):
        raise _UnknownError
    elif isinstance(value, dict):
        for operator, of in value.items():
            yield _operation(_path(key), operator.removeprefix("$").lower(), of)
    else:
        yield _equal(_path(key), value)


def _searched(word: str, path: str, of: Any) -> Iterator[str]:
    """A clause of Elasticsearch for one field."""
    if word == "range" and isinstance(of, dict):
        for operator, value in of.items():
            yield _operation(path, operator, value)
        return
    if isinstance(of, dict):
        of = of.get("value", of.get("query"))
    if word == "terms":
        yield _operation(path, "in", of)
    elif word == "prefix":
        yield _operation(path, "startswith", of)
    else:
        yield _equal(path, of)


def _operation(path: str, operator: str, value: Any) -> str:
    if value is None and operator in ("eq", "ne"):
        return f"{path} is {'missing' if operator == 'eq' else 'present'}"
    if operator in _SIGNS:
        return f"{path} {_SIGNS[operator]} {_constant(value)}"
    if operator in _LISTS and isinstance(value, list) and value:
        return f"{path} {_LISTS[operator]} ({', '.join(map(_constant, value))})"
    if operator in _TEXT_TESTS and isinstance(value, str):
        return f"{path} {_TEXT_TESTS[operator]} {format_text(value)}"
    if operator == "exists" and isinstance(value, bool):
        return f"{path} is {'present' if value else 'missing'}"
    if operator == "regex" and isinstance(value, str) and re.fullmatch(r"\^[\w @-]+", value):
        return f"{path} starts with {format_text(value[1:])}"
    if operator == "not" and isinstance(value, dict) and len(value) == 1:
        (inner, of), *_ = value.items()
        return f"not {_operation(path, inner.removeprefix('$').lower(), of)}"
    raise _UnknownError


def _equal(path: str, value: Any) -> str:
    return f"{path} is missing" if value is None else f"{path} = {_constant(value)}"


def _constant(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() if _INSTANT.fullmatch(value):
            return re.sub(r"T00:00(?::00)?(?:\.0+)?Z?\Z|\.0+(?=Z?\Z)", "", value)
        case str() if found := _MOMENT.fullmatch(value):
            return f"{found[1]} {_UNITS[found[2]]} ago"
        case str():
            return format_text(value)
        case _:
            raise _UnknownError


def _path(name: Any) -> str:
    path = str(name).removesuffix(".keyword")
    if not re.fullmatch(rf"{NAME}(?:\.{NAME})*", path):
        raise _UnknownError
    return path
