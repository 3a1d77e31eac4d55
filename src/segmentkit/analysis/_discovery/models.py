"""Check that the extra `discover` is installed."""

from __future__ import annotations

from types import ModuleType


def models() -> ModuleType:
    """The models of scikit-learn.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        import segmentkit.analysis._discovery.sklearn_models as found  # noqa: PLC0415 - optional
    except ImportError as error:
        message = 'this needs scikit-learn: pip install "segmentkit[discover]"'
        raise ImportError(message, name=error.name) from error
    return found
