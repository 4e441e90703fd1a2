"""Reports, maps and tables for people and other programs."""
