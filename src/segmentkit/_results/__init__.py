"""Answers as columns, and columns in Parquet files."""
