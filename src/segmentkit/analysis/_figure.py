"""A figure of matplotlib that shows itself in a notebook; imported only where one is drawn."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure


class Picture(Figure):
    """A figure that no window shows by itself, and a notebook does, whatever its settings."""

    def _repr_png_(self) -> bytes:
        told = BytesIO()
        self.savefig(told, format="png", dpi=110)
        return told.getvalue()
