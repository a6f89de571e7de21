"""The lanes of the release gate, one file each: all must pass, none buys off another."""
