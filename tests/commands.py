"""What commands of the command line leave behind."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen


@frozen
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]
