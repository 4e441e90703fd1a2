"""What is said of a row in a list of claims, in both languages."""

from collections.abc import Sequence
from typing import Any

from reverdure.core.codes import Aim, Reason
from reverdure.intake.table import Problem
from reverdure.intake.values import is_missing
from reverdure.registry.stated_areas import shown, text_of
from reverdure.registry.tally import listed

ID_MADE = Problem(
    "id_made", "has no id; one was made of mine and year", "无编号,已按矿山和年度生成"
)
AIM_MISSING = Problem(
    "aim_missing",
    "states no aim; it is judged as grass, by greenness alone",
    "未注明修复方向,按草地(仅看绿度)判定",
)


def unknown_mine(mine_id: str) -> Problem:
    """Its mine is not in the inventory."""
    return Problem(
        Reason.UNKNOWN_MINE.key,
        f"the mine {mine_id} is not in the inventory",
        f"矿山 {mine_id} 不在名录内",
    )


def no_year(cell: Any) -> Problem:
    """Its year of completion is missing or none."""
    if is_missing(cell):
        return Problem("missing_year", "states no year of completion", "未注明完成年度")
    return Problem(
        "bad_year",
        f"the year of completion {text_of(cell)} is no year from 1900 to 2100",
        f"完成年度 {text_of(cell)} 不是 1900 至 2100 间的年份",
    )


def start_unreadable(cell: Any) -> Problem:
    """Its start year is none."""
    return Problem(
        "start_year_unreadable",
        f"the start year {text_of(cell)} cannot be read; three years before completion were taken",
        f"开工年度 {text_of(cell)} 无法读取,按完工前三年计",
    )


def start_after_end(start: int, end: int) -> Problem:
    """It starts after it ends."""
    return Problem(
        "start_after_end",
        f"starts in {start}, after its completion in {end}; "
        "three years before completion were taken",
        f"开工年度 {start} 晚于完成年度 {end},按完工前三年计",
    )


def future_year(end: int, last_year: int) -> Problem:
    """It is completed later than any image can be of."""
    return Problem(
        Reason.FUTURE_YEAR.key,
        f"is completed in {end}, later than {last_year}",
        f"完成年度 {end} 晚于 {last_year}",
    )


def unknown_aim(written: str) -> Problem:
    """Its aim is none of ours."""
    allowed = ", ".join(aim.key for aim in Aim)
    allowed_zh = "、".join(aim.zh for aim in Aim)
    return Problem(
        "unknown_aim",
        f"the aim {written[:60]!r} is not known; known are {allowed}",
        f"修复方向 {written[:60]!r} 无法识别;可用:{allowed_zh}",
    )


def repeated_row(first: int) -> Problem:
    """Another row says all the same."""
    return Problem("duplicate", f"repeats row {first + 1}", f"与第 {first + 1} 行重复")


def repeated_id(claim_id: str, first: int) -> Problem:
    """Another row has its id."""
    return Problem(
        "duplicate_id",
        f"has the id of row {first + 1} ({claim_id}), but says something else",
        f"编号与第 {first + 1} 行相同({claim_id}),但内容不同",
    )


def exceeds_ground(claimed: float, ground_ha: float) -> Problem:
    """More is claimed than there is ground."""
    return Problem(
        Reason.CLAIM_EXCEEDS_GROUND.key,
        f"{shown(claimed)} ha are claimed on ground of {shown(ground_ha)} ha",
        f"上报 {shown(claimed)} 公顷,地块仅 {shown(ground_ha)} 公顷",
    )


def outside_mine(mine_id: str, share: float) -> Problem:
    """Part of its polygon is outside its mine."""
    return Problem(
        "outside_mine",
        f"{share:.0%} of its polygon lies outside the mine {mine_id}",
        f"地块有 {share:.0%} 位于矿山 {mine_id} 之外",
    )


def overlaps_claims(ids: Sequence[str]) -> Problem:
    """Its polygon lies over those of other claims."""
    return Problem(
        Reason.OVERLAPS_OTHER_CLAIM.key,
        f"its polygon overlaps {listed(ids)}",
        f"地块与 {listed(ids)} 重叠",
    )
