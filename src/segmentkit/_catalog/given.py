"""What is given to a catalog, and what is needed to write one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from os import PathLike
from types import MappingProxyType
from typing import Any

from segmentkit._checking.binding import in_order
from segmentkit._usage import described
from segmentkit.errors import UsageError


def by_names(given: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return MappingProxyType(dict(given))
    except (TypeError, ValueError):
        raise UsageError(
            f"a catalog takes mappings from names, and not {described(given)}: write "
            "Catalog({segment.name: segment for segment in segments})"
        ) from None


def values_of(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Values of parameters; lists do not change."""
    found = by_names(given)
    lists = {n: in_order(v) for n, v in found.items() if isinstance(v, list | set | frozenset)}
    return MappingProxyType({**found, **lists})


def of_toml(name: str) -> Any:
    """A module that writes TOML."""
    try:
        return import_module(f"segmentkit._catalog.{name}")
    except ImportError:
        raise UsageError("this needs tomlkit: pip install 'segmentkit[cli]'") from None


def check_text(given: object) -> None:
    if not isinstance(given, str | bytes):
        hint = "; Catalog.load(path) reads a file" if isinstance(given, PathLike) else ""
        raise UsageError(f"Catalog.loads(text) takes TOML, and not {described(given)}{hint}")
