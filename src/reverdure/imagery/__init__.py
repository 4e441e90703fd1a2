"""Scenes to masked yearly composites on one grid."""
