"""A store: who was in which segment, kept in the database that has the data."""
