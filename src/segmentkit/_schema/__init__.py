"""What a schema is made of, and how it is written as JSON."""
