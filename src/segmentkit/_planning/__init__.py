"""The typed tree, bound to an instant, and what must be computed, each distinct thing once."""
