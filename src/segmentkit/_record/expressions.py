"""Expressions of Python as syntax trees: fixed templates, filled with other expressions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, TypeAlias, TypeVar

_HERE = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
"""Where every node stands: to look for the places of all nodes afterwards takes as long as to make
them."""
LOAD, STORE = ast.Load(), ast.Store()
_A = TypeVar("_A", bound=ast.AST)
_Make: TypeAlias = Callable[[Mapping[str, ast.expr]], Any]


def made(kind: type[_A], /, *parts: Any) -> _A:
    """A node of a syntax tree, with a place."""
    return kind(*parts, **_HERE)


def named(name: str) -> ast.expr:
    """The value of a variable."""
    return made(ast.Name, name, LOAD)


def fill(text: str, /, **parts: ast.expr) -> ast.expr:
    """A template of ours with expressions in the place of its names."""
    filled: ast.expr = _template(text, tuple(parts))(parts)
    return filled


@cache
def _template(text: str, names: tuple[str, ...]) -> _Make:
    whole = ast.parse(text, mode="eval").body
    return _filling(whole, names) or (lambda parts: whole)


def _filling(part: Any, names: tuple[str, ...]) -> _Make | None:
    """What fills a part of a template; None where it stays as it is."""
    match part:
        case ast.Name(name) if name in names:
            return operator.itemgetter(name)
        case ast.AST():
            below = [getattr(part, field) for field in part._fields]
            finish: Callable[..., Any] = partial(made, type(part))
        case list():
            below, finish = part, lambda *parts: list(parts)
        case _:
            return None
    makers = [_filling(each, names) for each in below]
    if not any(makers):
        return None
    both = list(zip(below, makers, strict=True))
    return lambda parts: finish(*[each if make is None else make(parts) for each, make in both])


def assigned(name: str, value: ast.expr) -> ast.expr:
    return made(ast.NamedExpr, made(ast.Name, name, STORE), value)
