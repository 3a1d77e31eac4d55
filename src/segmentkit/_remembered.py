"""What was made of something is kept as long as that lives, and keeps it alive no longer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

_T = TypeVar("_T")
_MOST = 512


class Remembered:
    """Results by their owners, such as schemas, and by keys; so many of each owner at most."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Any, dict[Hashable, Any]] = WeakKeyDictionary()

    def get(self, owner: object, key: Hashable, make: Callable[[], _T]) -> _T:
        """The result of a key, made now if it is not there; it must not refer to the owner."""
        known = self._of.get(owner)
        if known is None:
            known = self._of.setdefault(owner, {})
        found: tuple[_T] | None = known.get(key)
        if found is None:
            if len(known) >= _MOST:
                known.clear()
            found = known[key] = (make(),)
        return found[0]

    def cache_clear(self) -> None:
        """Forget everything."""
        self._of.clear()

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))
