"""Archives on the web: found by STAC, read by ranges, kept as ordinary scene folders."""
