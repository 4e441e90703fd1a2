"""Numbers: loops over arrays, compiled by numba; no Python objects, no input or output."""
