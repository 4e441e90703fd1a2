"""What a migration does that reads otherwise in a GeoPackage and in PostgreSQL."""

from alembic import op

_LISTINGS = ("gpkg_geometry_columns", "gpkg_contents")


def is_postgres() -> bool:
    """Whether the migration runs in PostgreSQL."""
    return op.get_context().dialect.name == "postgresql"


def append_only(table: str, says: str = "") -> None:
    """Let the database itself refuse to change or delete a row, whoever asks.

    Parameters
    ----------
    table : str
    says : str
        What it answers; "TABLE is append-only" otherwise.
    """
    message = says or f"{table} is append-only"
    if is_postgres():
        op.execute(
            f"create or replace function {table}_no_change() returns trigger language plpgsql as"
            f" $$ begin raise exception '{message}' using errcode = 'restrict_violation'; end $$"
        )
        op.execute(
            f"create trigger {table}_no_change before update or delete or truncate on {table}"
            f" for each statement execute function {table}_no_change()"
        )
        return
    for verb in ("update", "delete"):
        op.execute(
            f"create trigger {table}_no_{verb} before {verb} on {table}"
            f" begin select raise(abort, '{message}'); end"
        )


def register_layer(table: str, geometry_type: str) -> None:
    """Make a table a layer that QGIS finds: listed in a GeoPackage, indexed in PostGIS."""
    if is_postgres():
        op.execute(f"create index {table}_geometry on {table} using gist (geometry)")
        return
    op.execute(
        "insert into gpkg_contents (table_name, data_type, identifier, srs_id)"  # noqa: S608 - ours
        f" values ('{table}', 'features', '{table}', 4326)"
    )
    op.execute(
        "insert into gpkg_geometry_columns"  # noqa: S608 - our words
        " (table_name, column_name, geometry_type_name, srs_id, z, m)"
        f" values ('{table}', 'geometry', '{geometry_type}', 4326, 0, 0)"
    )


def forget_layer(table: str) -> None:
    """Take a table out of the list of a GeoPackage."""
    if not is_postgres():
        for listing in _LISTINGS:
            op.execute(f"delete from {listing} where table_name = '{table}'")  # noqa: S608
