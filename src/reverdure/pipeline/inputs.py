"""What a run keeps of its inputs, mine by mine, so that a later run can say what differs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reverdure.core.errors import UnreadableFile
from reverdure.core.files import atomic
from reverdure.core.provenance import digest
from reverdure.pipeline.lattice import tile_name
from reverdure.pipeline.run_plan import Plan, Source

NAME = "inputs.json"
_SHORT = 10


def inputs_of(plan: Plan) -> dict[str, Any]:
    """Hashes of everything each selected mine was measured from, by kind.

    Returns
    -------
    dict
        tiles : tile to year to hash of its scenes (or declared rasters), whatever the
            settings and the versions of steps make of them.
        mines : mine to key; row and claims (hashes of its rows as imported); outline
            (number of the correction in force, 0 for none); effect (hash of what other
            corrections change) and corrections (their numbers); tiles; near (other mines
            in its window, and a hash of what it sees of each); fine (year to hash of the
            scenes of 10 m composites).
    """
    outlines = plan.standing.outlines
    mines = {}
    for mine_id in plan.selected:
        source, (row, claims) = plan.measured[mine_id], plan.rows[mine_id]
        corrected = outlines.get(mine_id)
        mines[mine_id] = {
            "key": source.key,
            "row": row[:_SHORT],
            "claims": claims[:_SHORT],
            "outline": corrected.number if corrected else 0,
            "effect": digest(source.effect.key)[:_SHORT] if source.effect.numbers else "",
            "corrections": list(source.effect.numbers),
            "tiles": [tile_name(tile) for tile in source.tiles],
            "near": dict(source.beside),
            "fine": {
                str(year): _of_scenes(one.scenes)
                for year, one in plan.fine.get(mine_id, {}).items()
            },
        }
    return {"tiles": _tiles(plan), "mines": mines}


def _tiles(plan: Plan) -> dict[str, dict[str, str]]:
    """What each tile and year was seen with."""
    known: dict[str, str] = {}
    seen: dict[str, dict[int, set[str]]] = {}
    for (tile, _), segments in plan.segments.items():
        years = seen.setdefault(tile_name(tile), {})
        for year, source in segments.composites.items():
            if source.key not in known:
                known[source.key] = _of_source(source)
            years.setdefault(year, set()).add(known[source.key])
    return {
        tile: {str(year): "+".join(sorted(found)) for year, found in sorted(years.items())}
        for tile, years in sorted(seen.items())
    }


def _of_source(source: Source) -> str:
    if source.declared is not None:
        return digest([source.declared.kind, source.declared.digest])[:_SHORT]
    return _of_scenes(source.scenes)


def _of_scenes(scenes: Any) -> str:
    return digest([[scene.scene_id, scene.fingerprint] for scene in scenes])[:_SHORT]


def write_inputs(folder: Path, plan: Plan) -> None:
    """Keep the inputs of a run beside its manifest."""
    with atomic(folder / NAME) as temporary:
        text = json.dumps(inputs_of(plan), sort_keys=True, separators=(",", ":"))
        temporary.write_text(text, encoding="utf-8")


def read_inputs(folder: Path) -> Mapping[str, Any] | None:
    """Inputs of a run; None where it kept none."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path.name} of run {folder.name} is damaged: {error}.") from error
