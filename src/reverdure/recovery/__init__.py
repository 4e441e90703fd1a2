"""Composites to indices, segments, reference, recovery metrics and verdicts."""
