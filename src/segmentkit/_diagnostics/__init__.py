"""Diagnostics, their places and the wording of every message."""
