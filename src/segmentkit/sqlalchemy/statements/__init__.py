"""Typed tree × tables → predicates and SELECT statements."""
