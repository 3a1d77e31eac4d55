"""Patterns: the part of regular expressions that all engines read alike.

``name matches "[A-Z]{2}[0-9]+"`` is read into a small tree, from which a pattern is matched here
and printed for each engine.
"""
