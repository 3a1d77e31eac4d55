"""The library with one mistake each, of those that people make: the suite must notice every one.

A new mistake goes into the list of its module, and if nobody notices it, a case is missing.
``python -m tests.mutants`` prints a table of how many conformance cases each is noticed by.
"""
