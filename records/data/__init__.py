"""Bundled records: see README.md beside."""
