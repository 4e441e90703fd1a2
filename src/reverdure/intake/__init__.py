"""Any table or vector file to checked rows: formats, encodings, column aliases, units."""
