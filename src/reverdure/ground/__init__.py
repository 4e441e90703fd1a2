"""Polygons and terrain on grids: exact coverage, rings, areas."""
