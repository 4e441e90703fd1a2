"""The front door people type at."""
