"""Syntax tree × schema → typed tree, or every mistake at once."""
