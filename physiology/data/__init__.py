"""Parameter tables, each with units and source in its header."""
