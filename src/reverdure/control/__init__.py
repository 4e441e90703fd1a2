"""Steering: the state of a mine, its forecast, what sets off a change of plan."""
