"""The ground of every claim and every mine, worked out once for all that is measured there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from reverdure.core.codes import Aim
from reverdure.core.errors import InvalidInput, MissingColumn, MissingCRS
from reverdure.ground.areas import polygons_of
from reverdure.ground.claims import claim_ground
from reverdure.recovery.constants import constant

DEGREES = "EPSG:4326"
_NEEDED = {"mines": ("mine_id",), "claims": ("claim_id", "mine_id", "year", "claimed_ha")}
_DEFAULT_WORK_YEARS = 3


@dataclass(frozen=True, slots=True)
class ClaimedGround:
    """One claim, and the ground it is about.

    Attributes
    ----------
    claim_id, mine_id, aim : str
    start_year, year : int
        Claimed start and completion.
    claimed_ha : float
    shape, placed : Geometry or None
        The ground in EPSG:4326, and in the CRS of `Grounds`; None where there is none.
    name : str
        Ids of the claims that share the ground, itself included.
    n_sharing : int
        How many they are.
    share : float
        Part of their claimed hectares that this one claims; 1 unless shared.
    first_start_year : int
        Earliest claimed start of those that share.
    overlaps : bool
        Whether part of the ground is also another claim's.
    overlapped : bool
        Whether a tenth or more of it was claimed before, not counting those that share.
    """

    claim_id: str
    mine_id: str
    aim: str
    start_year: int
    year: int
    claimed_ha: float
    shape: shapely.Geometry | None
    placed: shapely.Geometry | None
    name: str
    n_sharing: int
    share: float
    first_start_year: int
    overlaps: bool
    overlapped: bool


@dataclass(frozen=True)
class Grounds:
    """All mines and claims of a list, with the ground of each.

    Attributes
    ----------
    crs : str
        Of the imagery: the CRS of `placed`.
    outlines : mapping of mine id to Geometry
        Polygons of the mines that have some, EPSG:4326.
    placed : mapping of mine id to Geometry or None
        Every mine as it was drawn, in `crs`.
    methods : mapping of mine id to str
        How each mine is worked, where the list says it.
    claims : mapping of mine id to tuple of ClaimedGround
        By claim id; mines without claim are not in it.
    """

    crs: str
    outlines: Mapping[str, shapely.Geometry]
    placed: Mapping[str, shapely.Geometry | None]
    methods: Mapping[str, object]
    claims: Mapping[str, tuple[ClaimedGround, ...]]

    @classmethod
    def of(cls, mines: gpd.GeoDataFrame, claims: gpd.GeoDataFrame, crs: str) -> "Grounds":
        """Work out the ground of every claim.

        Parameters
        ----------
        mines, claims : GeoDataFrame
            As `verdicts` takes them.
        crs : str
            CRS of the imagery; EPSG:4326 without.

        Raises
        ------
        MissingColumn, MissingCRS, InvalidInput
            As `verdicts`.

        Examples
        --------
        >>> import geopandas, shapely
        >>> pit = shapely.box(112, 28, 112.01, 28.01)
        >>> mines = geopandas.GeoDataFrame({"mine_id": ["M1"]}, geometry=[pit], crs=4326)
        >>> claims = geopandas.GeoDataFrame(
        ...     {"claim_id": ["C1"], "mine_id": ["M1"], "year": [2012], "claimed_ha": [3.0]},
        ...     geometry=[None], crs=4326)
        >>> claim = Grounds.of(mines, claims, "EPSG:32649").claims["M1"][0]
        >>> claim.start_year, round(shapely.area(claim.placed) / 1e4)
        (2009, 109)
        """
        _check(mines, claims)
        ids = [str(mine_id) for mine_id in mines["mine_id"]]
        shapes = [polygons_of(shape) for shape in mines.geometry.to_crs(DEGREES)]
        methods = mines["mining_method"] if "mining_method" in mines else [None] * len(ids)
        by_mine: dict[str, list[ClaimedGround]] = {}
        for claim in _claimed(mines, _completed(claims), crs):
            by_mine.setdefault(claim.mine_id, []).append(claim)
        return cls(
            crs,
            {one: shape for one, shape in zip(ids, shapes, strict=True) if not shape.is_empty},
            dict(zip(ids, mines.geometry.to_crs(crs), strict=True)),
            dict(zip(ids, methods, strict=True)),
            {mine_id: tuple(of_mine) for mine_id, of_mine in by_mine.items()},
        )

    def all_claims(self) -> Iterable[ClaimedGround]:
        """Every claim, mine by mine."""
        return (claim for of_mine in self.claims.values() for claim in of_mine)

    def mined_near(self, ground: shapely.Geometry, distance: float) -> shapely.Geometry:
        """All mined land within a distance of a ground, both in `crs`."""
        near = self._mined.query(ground, predicate="dwithin", distance=distance)
        return shapely.union_all(self._mined.geometries[np.sort(near)])

    def unclaimed(self, mine_id: str) -> tuple[shapely.Geometry, bool]:
        """Polygons of a mine that nobody claims, EPSG:4326, and whether any was claimed."""
        whole = self.outlines.get(mine_id, shapely.Polygon())
        hits = np.sort(self._claimed.query(whole, predicate="intersects"))
        if not hits.size:
            return whole, False
        claimed = shapely.union_all(self._claimed.geometries[hits])
        return polygons_of(shapely.difference(whole, claimed)), True

    @cached_property
    def _mined(self) -> shapely.STRtree:
        return shapely.STRtree([one or shapely.Polygon() for one in self.placed.values()])

    @cached_property
    def _claimed(self) -> shapely.STRtree:
        return shapely.STRtree([c.shape for c in self.all_claims() if c.shape is not None])


def _check(mines: gpd.GeoDataFrame, claims: gpd.GeoDataFrame) -> None:
    for name, table in (("mines", mines), ("claims", claims)):
        missing = [column for column in _NEEDED[name] if column not in table.columns]
        if missing:
            raise MissingColumn(f"{name} need a column {missing[0]}, got {list(table.columns)}.")
    if mines.crs is None:
        raise MissingCRS("mines state no CRS.", "Set it with mines.set_crs(...).")
    twice = claims["claim_id"][claims["claim_id"].duplicated()]
    if len(twice):
        raise InvalidInput(f"claim id {twice.iloc[0]!r} stands twice.")
    for column in ("year", "claimed_ha"):
        unknown = ~np.isfinite(pd.to_numeric(claims[column]).to_numpy(float, na_value=np.nan))
        if unknown.any():
            raise InvalidInput(
                f"claim {claims['claim_id'].iloc[int(unknown.argmax())]!r} has no {column}.",
                "Leave out claims that do not say when and how much.",
            )


def _completed(claims: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A copy with the optional columns filled in, EPSG:4326."""
    has_geometry = isinstance(claims, gpd.GeoDataFrame) and "geometry" in claims.columns
    geometry = claims.geometry if has_geometry else [None] * len(claims)
    crs = getattr(claims, "crs", None) if has_geometry else None
    if has_geometry and crs is None and claims.geometry.notna().any():
        raise MissingCRS("claims state no CRS.", "Set it with claims.set_crs(...).")
    table = pd.DataFrame(claims).drop(columns="geometry", errors="ignore")
    table = table.assign(claim_id=table["claim_id"].astype(str),
                         mine_id=table["mine_id"].astype(str))  # fmt: skip
    if "start_year" not in table:
        table["start_year"] = table["year"] - _DEFAULT_WORK_YEARS
    table["start_year"] = table["start_year"].fillna(table["year"] - _DEFAULT_WORK_YEARS)
    if "aim" not in table:
        table["aim"] = Aim.FOREST.key
    done = gpd.GeoDataFrame(table, geometry=list(geometry), crs=crs or DEGREES)
    return done if crs is None else done.to_crs(DEGREES)


def _claimed(mines: gpd.GeoDataFrame, claims: gpd.GeoDataFrame, crs: str) -> list[ClaimedGround]:
    """Every claim with its ground, by claim id."""
    grounds = claim_ground(mines, claims)
    table = claims.assign(
        shape=grounds.geometry, kind=grounds["kind"], overlaps=grounds["overlaps"],
        placed=grounds.geometry.to_crs(crs).to_numpy(),
    ).sort_values("claim_id", ignore_index=True)  # fmt: skip
    ids = table["claim_id"].tolist()
    held = _overlapped(table)
    sharing: dict[object, list[int]] = {}
    keys = [
        ("mine", mine_id) if kind == "shared" else ("claim", claim_id)
        for kind, mine_id, claim_id in zip(table["kind"], table["mine_id"], ids, strict=True)
    ]
    for place, key in enumerate(keys):
        sharing.setdefault(key, []).append(place)
    claimed_ha = table["claimed_ha"].to_numpy(float)
    starts, years = table["start_year"].to_numpy(int), table["year"].to_numpy(int)
    found = []
    for place, key in enumerate(keys):
        group = sharing[key]
        alone = len(group) == 1
        found.append(
            ClaimedGround(
                ids[place],
                table["mine_id"][place],
                str(table["aim"][place]),
                int(starts[place]),
                int(years[place]),
                float(claimed_ha[place]),
                table["shape"][place],
                table["placed"][place],
                "\N{NULL}".join(ids[other] for other in group),
                len(group),
                1.0 if alone else float(claimed_ha[place] / claimed_ha[group].sum()),
                int(starts[group].min()),
                bool(table["overlaps"][place]),
                bool(held[place]),
            )
        )
    return found


def _overlapped(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Claims of which a tenth or more lies on ground claimed by an earlier one."""
    held = np.zeros(len(table), bool)
    order = table.sort_values(["year", "claim_id"], kind="stable").index
    own = np.array([place for place in order if table["kind"][place] != "none"], int)
    if not own.size:
        return held
    shapes = table["shape"].to_numpy()[own]
    sharing = np.where(table["kind"] == "shared", table["mine_id"], None)[own]
    later, earlier = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    together = np.array([a is not None and a == b for a, b in zip(sharing[earlier], sharing[later],
                                                                 strict=True)], bool)  # fmt: skip
    apart = (earlier < later) & ~together
    later, earlier = later[apart], earlier[apart]
    common = shapely.area(shapely.intersection(shapes[earlier], shapes[later]))
    enough = common >= constant("overlap_share") * shapely.area(shapes[later])
    held[own[later[enough]]] = True
    return held
