"""Which parts of a source go into a schema: ``only``, ``exclude``, and what is left out and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.errors import SchemaError
from segmentkit.schema import LeftOut


class Selection:
    """Chooses by names, and keeps account of what is left out.

    A pattern is a name such as ``email``, of the root, or a dotted one: before the dot stands an
    entity, a class or a relationship that leads there. A ``*`` stands for any text.
    """

    def __init__(self, only: Iterable[str] | None, exclude: Iterable[str]) -> None:
        self.only = None if only is None else _patterns("only", only)
        self.exclude = _patterns("exclude", exclude)
        self.left_out: dict[tuple[str, str], str] = {}
        self._used: set[str] = set()
        self._seen: set[str] = set()

    def leave_out(self, entity: str, name: str, why: object) -> None:
        """Note that a part of an entity is left out, or without a name the entity."""
        self.left_out.setdefault((entity, name), str(why))

    def takes(
        self, entity: str, name: str, names: Collection[str], leads_to: Collection[str] = ()
    ) -> bool:
        """Whether a part of an entity is to be in the schema; if not, that is noted.

        Args:
            entity: The entity.
            name: The part: an attribute, a link or a relation.
            names: What the entity goes by; the empty name is that of the root.
            leads_to: What the entity that the part leads to is called, by whatever way.
        """
        written = {f"{each}.{name}" if each else name for each in names}
        self._seen |= {*written, *leads_to, *names}
        if self._matches(self.exclude, written | {*leads_to}):
            self.leave_out(entity, name, "excluded")
            return False
        if self.only is None or self._matches(self.only, written | {*names}):
            return True
        # What lies beyond a way is reached by it.
        if leads_to and any(
            self._matches(_prefixes(pattern), written | {*leads_to}) for pattern in self.only
        ):
            return True
        self.leave_out(entity, name, "not in only")
        return False

    def _matches(self, patterns: Iterable[str], names: Iterable[str]) -> bool:
        named = [name for name in names if name]
        found = [p for p in patterns if any(p == n or fnmatchcase(n, p) for n in named)]
        self._used.update(found)
        return bool(found)

    def finished(self, entities: Collection[str]) -> tuple[LeftOut, ...]:
        """What is left out of entities, and which entities are.

        Raises:
            SchemaError: A pattern fits nothing, which may be a slip.
        """
        for pattern in (*(self.only or ()), *self.exclude):
            if pattern not in self._used:
                hint = did_you_mean(pattern, self._seen - {""})
                raise SchemaError(
                    f"{pattern!r} is not an attribute, relationship or table of the schema"
                    + (f"; {hint}" if hint else "")
                )
        parts = [
            LeftOut(f"{entity}.{name}", why)
            for (entity, name), why in self.left_out.items()
            if name and entity in entities
        ]
        whole = sorted(LeftOut(e, why) for (e, name), why in self.left_out.items() if not name)
        return (*parts, *whole)


def _prefixes(pattern: str) -> list[str]:
    parts = pattern.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))] + [pattern]


def _patterns(place: str, given: Iterable[str]) -> tuple[str, ...]:
    # A session can be gone through, too.
    several = isinstance(given, Collection | Iterator) and not isinstance(given, str | Mapping)
    found = tuple(given) if several else ()
    if not several or not all(isinstance(each, str) for each in found):
        raise SchemaError(f"{place} must be a list of names, not {given!r:.60}")
    return found
