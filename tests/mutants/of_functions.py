"""Mistakes of every function of the language, made by their table: a new one has them, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa
from attrs import evolve

from segmentkit.dtypes import ANNIVERSARY, INTEGER
from segmentkit.functions import FUNCTIONS, Function
from segmentkit.pandas import _compile
from segmentkit.pandas._arrays import Text, nothing
from segmentkit.sqlalchemy.statements import compiler
from tests.mutants.making import Mutant, Patch, method


def _in_sql(name: str, *, more: bool) -> Patch:
    """What a function is in SQL, plus one, or never there."""

    def call(real: Any, of: Any, node: Any) -> Any:
        found = real(of, node)
        if node.name != name:
            return found
        return found + 1 if more else sa.type_coerce(sa.null(), found.type)

    return method(compiler.Compiler, "call", call)


def _in_pandas(name: str, *, more: bool) -> Patch:
    """What a function is of frames, plus one, or never there."""

    def call(real: Any, table: Any, called: str, arguments: Any) -> Any:
        found = real(table, called, arguments)
        if called != name:
            return found
        if more:
            return evolve(found, data=found.data + 1)
        if isinstance(found, Text):
            return evolve(found, codes=np.full_like(found.codes, -1))
        return evolve(nothing(found.kind, found.data.size), scale=found.scale)

    return method(_compile.Table, "call", call)


def _of(function: Function, make: Any) -> list[Mutant]:
    name, word = function.name, f"{function.name}("
    found = [
        Mutant(f"{name}() is missing", f"{name}() has no value", make(name, more=False), word=word)
    ]
    if function.result == INTEGER:
        plus = make(name, more=True)
        found.append(Mutant(f"{name}() plus one", f"{name}() counts from 1", plus, word=word))
    return found


_CALLED = [f for f in FUNCTIONS.values() if f.result != ANNIVERSARY]
"""What has a value; an anniversary is for windows only."""

OF_SQL = [mutant for f in _CALLED for mutant in _of(f, _in_sql)]
OF_PANDAS = [mutant for f in _CALLED for mutant in _of(f, _in_pandas)]
