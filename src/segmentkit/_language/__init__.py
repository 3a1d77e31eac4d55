"""Text → syntax tree, syntax tree → text: everything about how a definition is written."""
