"""Definitions found from data: rules that find given people, and clusters."""
