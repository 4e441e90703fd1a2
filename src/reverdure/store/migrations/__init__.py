"""Alembic scripts: one file a change, from the first table on."""
