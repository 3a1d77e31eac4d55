"""Analyses, on a small shop and on the demo."""
