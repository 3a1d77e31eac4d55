"""What each database needs: types, spellings, functions and settings."""
