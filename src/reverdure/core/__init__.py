"""The words all rooms share: errors, codes, units, fields, grid, records, provenance."""
