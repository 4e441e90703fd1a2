"""The workspace on disk: database, cubes, products, audit log. The only room that knows SQL."""
