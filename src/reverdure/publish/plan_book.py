"""A programme as a workbook: works, money, budgets, shortfalls, with headings in two languages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverdure.core.errors import InvalidInput
from reverdure.core.fields import Field
from reverdure.core.files import atomic
from reverdure.core.units import MU_PER_HA
from reverdure.publish.sheets import Sheet, write_sheets

if TYPE_CHECKING:
    import pandas as pd

_MILLION = "million CNY"
_FIELDS: Mapping[str, Field] = {
    one.name: one
    for one in (
        Field("item", "text", "Item", "项目", "What is told of the plan."),
        Field("value", "text", "Value", "内容", "As it was when the plan was made."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Where."),
        Field("county", "text", "County", "县(市、区)", "County of the mine."),
        Field("prefecture", "text", "Prefecture", "市", "Prefecture; the county where unknown."),
        Field("measure", "text", "Measure", "措施", "What is done."),
        Field("land_use", "text", "Land use", "后续用途", "What the ground becomes."),
        Field("start", "integer", "Start", "开工年份", "First year of the works."),
        Field("finish", "integer", "Finish", "完工年份", "Last year of the works."),
        Field("units", "number", "Quantity", "工程量", "In the unit of the measure."),
        Field("area_ha", "number", "Area", "面积", "Area of the mine.", "ha"),
        Field("area_mu", "number", "Area (mu)", "面积(亩)", "The same in mu.", "mu"),
        Field("cost_mcny", "number", "Cost", "费用", "Whole cost.", _MILLION),
        Field("later_cost_mcny", "number", "Cost later", "规划期后费用",
              "Part that falls due after the programme.", _MILLION),
        Field("success", "number", "Chance", "成功率", "Chance that the measure takes.", "1"),
        Field("gain_ha_years", "number", "Gain", "恢复公顷年", "If it takes.", "ha a"),
        Field("benefit", "number", "Benefit", "效益", "In units of the objective."),
        Field("cost_basis", "text", "Basis of the cost", "费用依据", "assumption or given."),
        Field("source", "text", "Source of money", "资金来源", "Who pays."),
        Field("kind", "text", "Kind", "资金类型", "Kind of money."),
        Field("year", "integer", "Year", "年份", "Year of the programme."),
        Field("paid_mcny", "number", "Paid", "支付", "Paid in the year.", _MILLION),
        Field("budget_mcny", "number", "Budget", "额度", "Budget of the year.", _MILLION),
        Field("carried_in_mcny", "number", "Carried in", "上年结转", "From before.", _MILLION),
        Field("carried_out_mcny", "number", "Carried out", "结转下年", "To the next.", _MILLION),
        Field("lapsed_mcny", "number", "Lapsed", "失效", "Not to be spent any more.", _MILLION),
        Field("requirement", "text", "Requirement", "要求类型", "shortfall or unfair."),
        Field("what", "text", "What falls short", "未达到的要求", "In words."),
        Field("amount", "number", "Amount", "缺口", "By how much."),
        Field("stream", "text", "Material", "物料", "What lies at the mines."),
        Field("use", "text", "Use", "利用方式", "What it can be used for."),
        Field("mines", "integer", "Mines", "矿山数", "Whose works can use it."),
        Field("mines_not_known", "integer", "Mines not known", "数量未知的矿山数",
              "Those of them whose volume is not known; they are not counted."),
        Field("volume_m3", "number", "Volume", "数量", "What lies there.", "m3"),
        Field("limit", "number", "Limit", "利用上限", "Share that may be used.", "1"),
        Field("used_m3", "number", "Used", "可利用量", "What the works can use.", "m3"),
        Field("left_m3", "number", "Left", "余量", "What stays.", "m3"),
        Field("revenue_mcny", "number", "Revenue", "收益",
              "Told beside the plan, never spent in it.", _MILLION),
        Field("status", "text", "Basis", "依据", "assumption, or stated by the planner."),
    )
}  # fmt: skip


def write_plan_book(
    path: Path, said: Sequence[tuple[str, str]], tables: "Mapping[str, pd.DataFrame]"
) -> None:
    """Write a plan; what is said of it stands first.

    Parameters
    ----------
    path : Path
        .xlsx.
    said : sequence of (item, value)
        Status, objective, bound, gap, assumptions.
    tables : mapping of name to DataFrame
        works, money, budget, shortfalls and streams of a plan; unknown columns are left out.

    Raises
    ------
    InvalidInput
        If the file is not called .xlsx.
    """
    import pandas as pd

    if path.suffix.lower() != ".xlsx":
        raise InvalidInput(f"{path.name} must end in .xlsx.")
    sheets = [_sheet("plan", pd.DataFrame(said, columns=["item", "value"]))]
    for name, frame in tables.items():
        if "area_ha" in frame:
            place = frame.columns.get_loc("area_ha") + 1
            frame = frame.copy()  # noqa: PLW2901 - the plan's own table stays as it is
            frame.insert(place, "area_mu", frame["area_ha"] * MU_PER_HA)
        sheets.append(_sheet(name, frame))
    with atomic(path) as temporary:
        write_sheets(temporary, sheets)


def _sheet(name: str, frame: "pd.DataFrame") -> Sheet:
    fields = tuple(_FIELDS[column] for column in frame.columns if column in _FIELDS)
    return name, frame[[field.name for field in fields]], fields
