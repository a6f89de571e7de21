"""The page and the style sheet of the report."""
