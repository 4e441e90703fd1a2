"""A county with known truth, written as real Landsat Collection 2 files."""
