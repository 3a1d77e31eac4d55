"""Catalog files: TOML, its schema table, and the check of both."""
