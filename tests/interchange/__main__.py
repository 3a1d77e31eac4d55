"""Writes the table of docs/interchange.md: ``python -m tests.interchange``."""

from tests.interchange.page import main

main()
