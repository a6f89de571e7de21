"""The page of a safety case."""
