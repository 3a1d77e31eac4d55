"""Mapped classes of the shapes that public applications have, beside the ORM's own answers."""
