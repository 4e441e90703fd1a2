"""The registry's tables as SQL; columns of mines and claims come from `core.fields`."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from reverdure.core import fields
from reverdure.store.geometry import Geom

metadata = sa.MetaData()

_TYPES: dict[str, Any] = {
    "text": sa.Text,
    "integer": sa.Integer,
    "number": sa.Double,
    "boolean": sa.Boolean,
    "geometry": Geom,
}


def _from_spec(spec: fields.Table) -> sa.Table:
    columns = [
        sa.Column(field.name, _TYPES[field.kind](), unique=field.name == spec.key) for field in spec
    ]
    # GeoPackage wants an integer key; the readable one is unique beside it
    return sa.Table(spec.name, metadata, sa.Column("fid", sa.Integer, primary_key=True), *columns)


MINE = _from_spec(fields.MINES)
CLAIM = _from_spec(fields.CLAIMS)
FIELD_PLOT = _from_spec(fields.FIELD_PLOTS)
FIELD_ANSWER = _from_spec(fields.FIELD_ANSWERS)
FIELD_SAMPLE = sa.Table(
    "field_sample",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("sample_id", sa.Text, nullable=False, unique=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
COUNTY = sa.Table(
    "county",
    metadata,
    sa.Column("fid", sa.Integer, primary_key=True),
    sa.Column("county", sa.Text),
    sa.Column("county_code", sa.Text),
    sa.Column("geometry", Geom()),
)
SCENE = sa.Table(
    "scene",
    metadata,
    sa.Column("scene_id", sa.Text, primary_key=True),
    sa.Column("date", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
REFUSAL = sa.Table(
    "refusal",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("message_zh", sa.Text, nullable=False),
)
COMPOSITE = sa.Table(
    "composite",
    metadata,
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
LAYER = sa.Table(
    "layer",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
IMPORT = sa.Table(
    "import_report",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
CORRECTION = sa.Table(
    "correction",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("mine_id", sa.Text, nullable=False),
    sa.Column("claim_id", sa.Text, nullable=False),
    sa.Column("county", sa.Text, nullable=False),
    sa.Column("year", sa.Integer),
    sa.Column("about", sa.Integer),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("evidence_sha256", sa.Text, nullable=False),
    sa.Column("geometry", Geom()),
)
REPORTED = sa.Table(
    "reported",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("record", sa.Text, nullable=False),
)
RECORD = sa.Table(
    "record",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    # what the record is about, beside its other values: most questions are about one mine
    sa.Column("mine_id", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "id", "version"),
)
RECORD_VALUES: Mapping[str, sa.ColumnElement[Any]] = {
    name: sa.literal_column(f"record.{name}", sa.Text).label(name)
    for name in ("due_date", "done_date", "closed_date", "reopened_date", "party_id")
}
"""Values of a record that questions are about; the database computes them out of its body."""
SETTING = sa.Table(
    "setting",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
AUDIT = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("chain", sa.Text, nullable=False),
)
