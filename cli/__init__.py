"""The console program: one thin verb a file."""
