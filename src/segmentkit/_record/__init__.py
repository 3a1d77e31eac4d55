"""Typed tree → one compiled Python function of a record."""
