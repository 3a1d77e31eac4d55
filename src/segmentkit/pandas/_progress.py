"""Progress of a question, passed to a function or shown as a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many steps are done, and how many there are."""


@contextmanager
def telling(progress: Progress | bool | None) -> Iterator[Progress]:
    """Whom to tell of progress; a bar is closed at the end, whatever ends it.

    Args:
        progress: Whom to tell; True for a bar.

    Raises:
        ImportError: A bar is wanted, and tqdm is not there.
    """
    if callable(progress):
        yield progress
    elif progress:
        with _bar() as tell:
            yield tell
    else:
        yield lambda done, total: None


@contextmanager
def _bar() -> Iterator[Progress]:
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(
            'a progress bar needs tqdm: pip install "segmentkit[progress]"'
        ) from error
    with tqdm(unit="step") as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield tell
