"""What a mutant is, and how a mistake is made for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from attrs import evolve, frozen

import segmentkit.segment as segment_module
import segmentkit.sqlalchemy as sqlalchemy_module
from segmentkit._patterns.ambiguity import ambiguous
from segmentkit._patterns.matcher import matcher
from segmentkit._patterns.syntax import parse
from segmentkit.sqlalchemy.dialects import dialect, forms, time_zones
from segmentkit.sqlalchemy.dialects.constructs import Construct

Patch = Callable[[], Any]


@frozen
class Mutant:
    """A mistake.

    Attributes:
        name: What it is called in reports.
        stands_for: The mistake that people make.
        patch: A context in which the library makes it, too.
        first: The file of conformance cases in which it should be noticed; by default any.
        word: What is in the definitions of the cases that should notice it.
    """

    name: str
    stands_for: str
    patch: Patch
    first: str | None = None
    word: str = ""

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make the mistake for a while; nothing that is remembered brings it in, or takes it out."""
        _forget()
        try:
            with self.patch():
                yield
        finally:
            _forget()


def _forget() -> None:
    for each in (parse, matcher, ambiguous, forms._made, time_zones._turns_of_local):
        each.cache_clear()
    segment_module._MEANINGS.cache_clear()
    sqlalchemy_module._PREDICATES.cache_clear()


def method(owner: Any, name: str, made: Callable[..., Any]) -> Patch:
    """Put something else in a function's place; it gets the real one first."""
    real = getattr(owner, name)
    return lambda: mock.patch.object(
        owner, name, lambda *args, **kwargs: made(real, *args, **kwargs)
    )


def both(*patches: Patch) -> Patch:
    """Make one mistake in several places."""

    @contextmanager
    def patch() -> Iterator[None]:
        with ExitStack() as stack:
            for each in patches:
                stack.enter_context(each())
            yield

    return patch


def spelled(construct: Construct, template: str | None) -> Patch:
    """Spell something else on SQLite; None is refused."""

    @contextmanager
    def patch() -> Iterator[None]:
        row = dialect.DIALECTS["sqlite"]
        wrong = evolve(row, spellings={**row.spellings, construct: template})
        with mock.patch.object(dialect, "DIALECTS", {**dialect.DIALECTS, "sqlite": wrong}):
            yield

    return patch
