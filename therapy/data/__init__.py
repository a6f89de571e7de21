"""Tables of usual therapy, each with units and source in its header."""
