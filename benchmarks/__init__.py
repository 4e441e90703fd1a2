"""The full bars: one module a subject, each with `measure() -> list[Figure]`."""
