"""What a code of a diagnostic has: the wording of its message, and what the docs say of it."""

from __future__ import annotations

from attrs import frozen


@frozen
class Code:
    """One kind of mistake: its stable code, the wording and what the docs say of it."""

    id: str
    message: str
    meaning: str
    hint: str | None = None

    @property
    def is_warning(self) -> bool:
        """Whether a definition with this diagnostic still stands."""
        return self.id.startswith("SK2")
