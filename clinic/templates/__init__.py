"""Templates of the report, as package data."""
