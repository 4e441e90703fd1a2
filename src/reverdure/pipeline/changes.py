"""Which verdicts moved between two runs, and why: found in what both runs kept, not guessed."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reverdure.core.codes import ChangeReason
from reverdure.core.errors import InvalidInput, NotFound
from reverdure.core.fields import CHANGES
from reverdure.core.files import atomic
from reverdure.pipeline.corrections import standing_of
from reverdure.pipeline.inputs import read_inputs
from reverdure.registry.corrections import Correction, Standing
from reverdure.store.workspace import Workspace

LEAST_PERCENT = 1.0
"""Restored hectares that moved by less than this share of the claim are not listed."""
_NO_NUMBERS = ("tables", "report")
_COLUMNS = ("claim_id", "mine_id", "county", "verdict", "reason", "restored_ha", "claimed_ha",
            "run_id")  # fmt: skip
_NAMED = 6

Cause = tuple[ChangeReason, str, str]
"""A reason, and what differs in English and Chinese."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Verdicts that moved between two runs.

    Attributes
    ----------
    before, now : str
        Ids of the runs.
    claims : int
        Claims of the later run.
    rows : tuple of dict
        Rows of `core.fields.CHANGES`, by claim id.
    """

    before: str
    now: str
    claims: int
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run kept."""

    manifest: Mapping[str, Any]
    inputs: Mapping[str, Any]


def changes(
    workspace: Workspace, since: str | None = None, least_percent: float = LEAST_PERCENT
) -> Comparison:
    """Compare the last run with an earlier one.

    Parameters
    ----------
    workspace : Workspace
    since : str, optional
        Id of the earlier run, or how it begins; default the last full run before that
        was another one.
    least_percent : float
        Smallest move of the restored area to list, [% of the claimed area]; a verdict or
        a reason that changed is always listed.

    Raises
    ------
    InvalidInput
        If there are no two runs to compare, or `least_percent` is negative.
    NotFound
        If there is no run `since`.
    """
    if not least_percent >= 0:
        raise InvalidInput(f"--least is {least_percent}; allowed is 0 or more.")
    before, now = _runs(workspace, since)
    earlier, later = _verdicts(workspace, before), _verdicts(workspace, now)
    standing = standing_of(workspace.database)

    @cache
    def run(run_id: str) -> _Run | None:
        folder = workspace.runs / run_id
        manifest, inputs = folder / "manifest.json", read_inputs(folder)
        if inputs is None or not manifest.is_file():
            return None
        return _Run(json.loads(manifest.read_text(encoding="utf-8")), inputs)

    moved = [
        _row(earlier.get(claim_id), later.get(claim_id), run, standing)
        for claim_id in sorted(earlier.keys() | later.keys())
        if _has_moved(earlier.get(claim_id), later.get(claim_id), least_percent / 100)
    ]
    return Comparison(before, now, len(later), tuple(moved))


def write_csv(path: Path, found: Comparison) -> None:
    """Write the changes as a table for spreadsheets."""
    import pandas as pd

    from reverdure.publish.sheets import as_text_cell

    frame = pd.DataFrame(list(found.rows), columns=CHANGES.columns)
    for field in CHANGES:
        if field.kind == "text":
            frame[field.name] = frame[field.name].fillna("").map(as_text_cell)
    with atomic(path) as temporary:
        # the byte-order mark tells spreadsheets that the Chinese is UTF-8
        frame.to_csv(temporary, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _runs(workspace: Workspace, since: str | None) -> tuple[str, str]:
    """Ids of the earlier and of the last run, in the order the audit log has them."""
    log = workspace.database.audit_details("run")
    if not log:
        raise InvalidInput("nothing has been run yet.", "Run first: reverdure run")
    now = str(log[-1]["run_id"])
    known = list(dict.fromkeys(str(entry["run_id"]) for entry in log))
    if since is not None:
        hits = [run_id for run_id in known if run_id.startswith(since)] if since else []
        if len(hits) != 1:
            raise NotFound(
                f"{len(hits)} runs begin with {since!r}.",
                f"Runs, oldest first: {', '.join(known[-_NAMED:])}",
            )
        return hits[0], now
    full = [str(entry["run_id"]) for entry in log if entry["only"] is None]
    others = [run_id for run_id in full if run_id != now]
    if not others:
        raise InvalidInput(
            f"{now} is the only run; there is nothing to compare it with.",
            "Run again after something has changed.",
        )
    return others[-1], now


def _verdicts(workspace: Workspace, run_id: str) -> dict[str, dict[str, Any]]:
    path = workspace.runs / run_id / "verdicts.parquet"
    if not path.is_file():
        raise NotFound(f"run {run_id} kept no verdicts.", f"Expected: {path.name} in its folder.")
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        rows = file.read(columns=list(_COLUMNS)).to_pylist()
    return {str(row["claim_id"]): row for row in rows}


def _has_moved(
    before: Mapping[str, Any] | None, now: Mapping[str, Any] | None, least: float
) -> bool:
    if before is None or now is None:
        return True
    if (before["verdict"], before["reason"]) != (now["verdict"], now["reason"]):
        return True
    old, new = before["restored_ha"], now["restored_ha"]
    if old is None or new is None or math.isnan(old) or math.isnan(new):
        return _is_missing(old) != _is_missing(new)
    return bool(abs(new - old) > least * float(now["claimed_ha"]))


def _is_missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _row(
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
    run: Callable[[str], _Run | None],
    standing: Standing,
) -> dict[str, Any]:
    known = now or before or {}
    if before is None or now is None:
        causes = [_listed(before is None)]
    else:
        causes = list(
            _causes(str(now["mine_id"]), run(before["run_id"]), run(now["run_id"]), standing)
        )
    reasons = {reason for reason, _, _ in causes}
    reason = reasons.pop() if len(reasons) == 1 else ChangeReason.SEVERAL
    return {
        "claim_id": known["claim_id"],
        "mine_id": known["mine_id"],
        "county": known["county"],
        "verdict_before": before["verdict"] if before else "",
        "verdict_now": now["verdict"] if now else "",
        "verdict_reason_before": before["reason"] if before else "",
        "verdict_reason_now": now["reason"] if now else "",
        "restored_ha_before": before["restored_ha"] if before else None,
        "restored_ha_now": now["restored_ha"] if now else None,
        "claimed_ha": known["claimed_ha"],
        "reason": reason.key,
        "detail": "; ".join(en for _, en, _ in causes),
        "detail_zh": ";".join(zh for _, _, zh in causes),
        "run_before": before["run_id"] if before else "",
        "run_now": now["run_id"] if now else "",
    }


def _listed(is_new: bool) -> Cause:
    if is_new:
        return ChangeReason.LIST, "the claim is new", "新增上报"
    return ChangeReason.LIST, "the claim is gone", "上报已不存在"


def _causes(
    mine_id: str, before: _Run | None, now: _Run | None, standing: Standing
) -> Iterable[Cause]:
    """Everything that differs between what two runs measured a mine from."""
    if before is None or now is None:
        return [_nothing("a run kept no inputs", "某次运行未保存输入")]
    old, new = (one.inputs["mines"].get(mine_id) for one in (before, now))
    if old is None or new is None:
        return [_nothing("a run kept no inputs of this mine", "某次运行未保存该矿山的输入")]
    found = [
        *_of_code(before.manifest, now.manifest),
        *_of_settings(before.manifest, now.manifest),
        *_of_layers(before.manifest, now.manifest),
        *_of_imagery(old, new, before, now),
        *_of_people(old, new, standing),
        *_of_lists(old, new),
        *_of_neighbours(old, new, standing),
    ]
    return found or [_nothing("no recorded input differs", "已记录的输入均无差异")]


def _nothing(en: str, zh: str) -> Cause:
    return ChangeReason.NOT_RECORDED, en, zh


def _of_code(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Cause]:
    for step in sorted({*before["steps"], *now["steps"]} - set(_NO_NUMBERS)):
        old, new = before["steps"].get(step, "-"), now["steps"].get(step, "-")
        if old != new:
            yield (
                ChangeReason.CODE,
                f"version of step {step}: {old} to {new}",
                f"步骤 {step} 版本:{old} 变为 {new}",
            )


def _of_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Cause]:
    for name in sorted({*before["settings"], *now["settings"]} - {"tile_pixels"}):
        old, new = before["settings"].get(name), now["settings"].get(name)
        if old != new:
            yield (
                ChangeReason.SETTINGS,
                f"setting {name}: {_plain(old)} to {_plain(new)}",
                f"设置 {name}:{_plain(old)} 变为 {_plain(new)}",
            )


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    return "..".join(map(str, value)) if isinstance(value, list) else str(value)


def _of_layers(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Cause]:
    old, new = before["inputs"]["layers"], now["inputs"]["layers"]
    kinds = [kind for kind in sorted({*old, *new}) if old.get(kind) != new.get(kind)]
    if kinds:
        named = ", ".join(kinds)
        yield ChangeReason.LAYERS, f"layers: {named}", f"图层:{named}"
    if before["indices"] != now["indices"]:
        were, are = "+".join(before["indices"]), "+".join(now["indices"])
        yield ChangeReason.INDICES, f"indices: {were} to {are}", f"指数:{were} 变为 {are}"


def _of_imagery(
    old: Mapping[str, Any], new: Mapping[str, Any], before: _Run, now: _Run
) -> Iterable[Cause]:
    """Years that came, went or were seen with other scenes, on tiles that both runs used."""
    kinds = ("scenes", "composites", "sentinel2")
    inputs = before.manifest["inputs"], now.manifest["inputs"]
    if all(inputs[0].get(kind) == inputs[1].get(kind) for kind in kinds):
        return  # the same imagery: what differs is what the settings take of it
    sizes = {run.manifest["settings"]["tile_pixels"] for run in (before, now)}
    if len(sizes) > 1:
        yield ChangeReason.OTHER_SCENES, "imagery (tiles cut anew)", "影像有变(瓦片大小亦改变)"
        return
    fresh: set[int] = set()
    other: set[int] = set()
    tiles = {*old["tiles"], *new["tiles"]}
    if (old["outline"], old["row"]) != (new["outline"], new["row"]):
        tiles = {*old["tiles"]} & {*new["tiles"]}  # the window moved: that is no news of imagery
    pairs = [
        (before.inputs["tiles"].get(tile, {}), now.inputs["tiles"].get(tile, {}))
        for tile in sorted(tiles)
    ]
    for were, are in [*pairs, (old["fine"], new["fine"])]:
        fresh |= {int(year) for year in are.keys() - were.keys()}
        other |= {int(y) for y in were if were[y] != are.get(y)}
    known = {int(year) for were, _ in pairs for year in were}
    other |= fresh & known  # seen before, by fewer tiles or by one sensor only
    fresh -= known
    if fresh:
        yield ChangeReason.NEW_YEAR, f"new imagery of {_years(fresh)}", f"新增影像:{_years(fresh)}"
    if other:
        yield (
            ChangeReason.OTHER_SCENES,
            f"other scenes in {_years(other)}",
            f"影像有变的年份:{_years(other)}",
        )
    span, span_now = before.manifest["years"], now.manifest["years"]
    if span != span_now and not fresh:
        yield (
            ChangeReason.NEW_YEAR,
            f"years {span[0]}..{span[1]} to {span_now[0]}..{span_now[1]} elsewhere",
            f"他处影像使年份范围由 {span[0]}–{span[1]} 变为 {span_now[0]}–{span_now[1]}",
        )


def _years(years: set[int]) -> str:
    ordered = sorted(years)
    more = f" (+{len(ordered) - _NAMED})" if len(ordered) > _NAMED else ""
    return ", ".join(map(str, ordered[:_NAMED])) + more


def _of_people(
    old: Mapping[str, Any], new: Mapping[str, Any], standing: Standing
) -> Iterable[Cause]:
    numbers: list[tuple[int, bool]] = []
    if old["outline"] != new["outline"]:
        if new["outline"] > old["outline"]:
            numbers.append((new["outline"], True))
        else:
            numbers.append((old["outline"], False))
    if old["effect"] != new["effect"]:
        were, are = set(old["corrections"]), set(new["corrections"])
        numbers += [(number, True) for number in sorted(are - were)]
        numbers += [(number, False) for number in sorted(were - are)]
    for number, is_new in numbers:
        yield ChangeReason.CORRECTION, *_told(standing, number, is_new)


def _told(standing: Standing, number: int, is_new: bool) -> tuple[str, str]:
    """A correction with who and why; of a withdrawn one, who withdrew it and why."""
    known = {one.number: one for one in standing.corrections}
    one: Correction | None = known.get(number)
    if one is None:
        return f"correction {number}", f"更正{number}"
    if is_new:
        return (
            f"correction {number} ({one.kind.en}) by {one.person}: {one.why}",
            f"更正{number}({one.kind.zh}),{one.person}:{one.why}",
        )
    ends = [end for end in standing.corrections if end.about == number]
    if not ends:
        return f"correction {number} no longer in force", f"更正{number}已失效"
    return (
        f"correction {number} withdrawn by {ends[-1].person}: {ends[-1].why}",
        f"更正{number}由{ends[-1].person}撤回:{ends[-1].why}",
    )


def _of_lists(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[Cause]:
    if old["row"] != new["row"]:
        yield ChangeReason.LIST, "the mine's row in the list", "名录中该矿山的记录"
    if old["claims"] != new["claims"]:
        yield ChangeReason.LIST, "claims on this mine", "该矿山的上报项"


def _of_neighbours(
    old: Mapping[str, Any], new: Mapping[str, Any], standing: Standing
) -> Iterable[Cause]:
    """Mines in the window that are seen otherwise; that came or went, unless this one moved."""
    were, are = old["near"], new["near"]
    changed = {mine for mine in were.keys() & are.keys() if were[mine] != are[mine]}
    if old["outline"] == new["outline"] and old["row"] == new["row"]:
        changed |= were.keys() ^ are.keys()
    if not changed:
        return
    ordered = sorted(changed)
    named = ", ".join(ordered[:_NAMED]) + (" ..." if len(ordered) > _NAMED else "")
    moved = [standing.outlines[m].number for m in ordered if m in standing.outlines]
    en = f" (outline corrections {', '.join(map(str, moved))})" if moved else ""
    zh = f"(边界更正{'、'.join(map(str, moved))})" if moved else ""
    yield ChangeReason.NEIGHBOUR, f"neighbours {named}{en}", f"相邻矿山 {named}{zh}"
