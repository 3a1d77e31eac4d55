"""Explanations: why a record is in a segment, and what would change that."""
