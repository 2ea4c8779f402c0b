"""The numbers in texts, and where they come from."""
