"""Specifications of every table: column, type, unit, label in two languages, meaning.

Intake checks against them, exports take their headings from them, the documentation
prints them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_DTYPES = {"text": "object", "integer": "Int64", "number": "float64", "boolean": "boolean"}


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Attributes
    ----------
    name : str
        Column name in every table and file.
    kind : str
        "text", "integer", "number", "boolean" or "geometry".
    en, zh : str
        Heading shown to people.
    about : str
        Meaning, one sentence.
    unit : str
        Unit, "" for none.
    """

    name: str
    kind: str
    en: str
    zh: str
    about: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, its key and its columns in order."""

    name: str
    key: str
    fields: tuple[Field, ...]

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    @property
    def columns(self) -> list[str]:
        """Column names in order."""
        return [field.name for field in self.fields]

    def row(self, values: Mapping[str, Any]) -> dict[str, object]:
        """Values of every column but geometry as plain ones; None for what is missing.

        Examples
        --------
        >>> table = Table("t", "a", (Field("a", "integer", "A", "A", ""),
        ...                          Field("b", "number", "B", "B", "")))
        >>> table.row({"a": 2004.0, "b": float("nan")})
        {'a': 2004, 'b': None}
        """
        fields = (field for field in self.fields if field.kind != "geometry")
        return {field.name: _plain(values[field.name], field.kind) for field in fields}

    def frame(self, rows: Sequence[Mapping[str, object]]) -> "pd.DataFrame":
        """Rows as a frame with the columns and types of the table, without geometry."""
        import pandas as pd

        fields = [field for field in self.fields if field.kind != "geometry"]
        frame = pd.DataFrame(rows, columns=[field.name for field in fields])
        return frame.astype({field.name: _DTYPES[field.kind] for field in fields})


def _plain(value: Any, kind: str) -> object:
    """A number or a word as Python has it; None where it is missing."""
    if value is None or kind == "text":
        return value
    number = float(value)
    if not math.isfinite(number):
        return None
    if kind == "integer":
        return round(number)
    return bool(value) if kind == "boolean" else number


MINES = Table(
    "mine",
    "mine_id",
    (
        Field("mine_id", "text", "Mine id", "矿山编号", "Stable id of the mine."),
        Field("name", "text", "Name", "矿山名称", "Name; empty where unknown."),
        Field("county", "text", "County", "县(市、区)", "County as stated; empty where unknown."),
        Field("commodity", "text", "Commodity", "矿种", "What was mined; empty where unknown."),
        Field("mining_method", "text", "Mining method", "开采方式", "Key of MiningMethod."),
        Field("stated_area_ha", "number", "Stated area", "上报面积", "Area in the list.", "ha"),
        Field(
            "measured_area_ha", "number", "Measured area", "图形面积",
            "Area of the outline on the ellipsoid; empty without outline.", "ha",
        ),
        Field("flags", "text", "Flags", "标记", "Codes of what the import saw, joined by ';'."),
        Field("source", "text", "Source file", "来源文件", "Name of the imported file."),
        Field("source_row", "integer", "Source row", "来源行号", "Row in it, from 1."),
        Field("geometry", "geometry", "Outline", "边界", "MultiPolygon, EPSG:4326, or none."),
    ),
)  # fmt: skip

CLAIMS = Table(
    "claim",
    "claim_id",
    (
        Field("claim_id", "text", "Claim id", "上报编号", "Stable id of the claim."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine the claim is about."),
        Field("year", "integer", "Year of completion", "完成年度", "Year the work was finished."),
        Field("start_year", "integer", "Start year", "开工年度", "Default: three years earlier."),
        Field("claimed_ha", "number", "Claimed area", "上报修复面积", "Area said restored.", "ha"),
        Field("aim", "text", "Aim", "修复方向", "Key of Aim."),
        Field("claimant", "text", "Claimant", "申报单位", "Who claims; empty where unknown."),
        Field("flags", "text", "Flags", "标记", "Codes of what the import saw, joined by ';'."),
        Field("source", "text", "Source file", "来源文件", "Name of the imported file."),
        Field("source_row", "integer", "Source row", "来源行号", "Row in it, from 1."),
        Field("geometry", "geometry", "Ground", "地块", "MultiPolygon, EPSG:4326, or none."),
    ),
)  # fmt: skip

VERDICTS = Table(
    "verdict",
    "claim_id",
    (
        Field("claim_id", "text", "Claim id", "上报编号", "Claim judged."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Its mine."),
        Field("county", "text", "County", "县(市、区)", "Column, else polygon, else unknown."),
        Field("aim", "text", "Aim", "修复方向", "Key of Aim."),
        Field("year", "integer", "Year of completion", "完成年度", "As claimed."),
        Field("claimed_ha", "number", "Claimed area", "上报修复面积", "As claimed.", "ha"),
        Field("ground_ha", "number", "Ground", "地块面积", "Area of the claim's ground.", "ha"),
        Field("restored_ha", "number", "Restored area", "实测修复面积", "Estimate.", "ha"),
        Field("restored_ha_low", "number", "Low", "下限", "2.5 % bound.", "ha"),
        Field("restored_ha_high", "number", "High", "上限", "97.5 % bound.", "ha"),
        Field("verdict", "text", "Verdict", "核验结论", "Key of Verdict."),
        Field("reason", "text", "Reason", "理由", "Key of Reason."),
        Field("status", "text", "Status", "状态", "Key of ClaimStatus."),
        Field("p_supported", "number", "P(supported)", "支持概率", "P(restored >= 0.8 claimed)."),
        Field(
            "p_not_supported", "number", "P(not supported)", "不支持概率",
            "P(restored < 0.2 claimed).",
        ),
        Field("damage_year", "integer", "Damage year", "损毁年份", "Median over the ground."),
        Field(
            "recovered_year", "integer", "Recovered since", "恢复年份",
            "First year at 80 % of the way from bare to reference; empty if never.",
        ),
        Field("recovered_share", "number", "Recovered share", "恢复程度",
              "Mean way from bare to reference in the last two clear years."),
        Field("last_clear_year", "integer", "Last clear year", "最近清晰年份", "Over the ground."),
        Field("n_pixels", "number", "Pixels", "像元数", "Ground in pixels of the imagery."),
        Field("indices", "text", "Indices", "所用指数", "Indices that judged it, joined by '+'."),
        Field("flags", "text", "Flags", "标记", "Further reasons that apply, joined by ';'."),
        Field("run_id", "text", "Run", "运行编号", "Hash of inputs, parameters, step versions."),
    ),
)  # fmt: skip

NATURAL_RECOVERY = Table(
    "natural_recovery",
    "ground_id",
    (
        Field("ground_id", "text", "Ground", "地块编号", "Mine or claim, and kind of ground."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Its mine."),
        Field("claim_id", "text", "Claim id", "上报编号", "Its claim; empty where none."),
        Field("county", "text", "County", "县(市、区)", "Column, else polygon, else unknown."),
        Field("ground", "text", "Kind of ground", "地块类别", "Key of NaturalGround."),
        Field("ground_ha", "number", "Ground", "地块面积", "Area looked at.", "ha"),
        Field("recovered_ha", "number", "Recovered area", "自然恢复面积",
              "Restored zones, without recorded work.", "ha"),
        Field("recovered_ha_low", "number", "Low", "下限", "2.5 % bound.", "ha"),
        Field("recovered_ha_high", "number", "High", "上限", "97.5 % bound.", "ha"),
        Field("recovered_share", "number", "Recovered share", "恢复比例",
              "Recovered area over ground."),
        Field("since", "integer", "Recovered since", "恢复年份",
              "First year its recovered zones stood at 80 %; empty if never or not told."),
        Field("damage_year", "integer", "Damage year", "损毁年份", "Median over the ground."),
        Field("state", "text", "State", "状况", "Key of NaturalState."),
        Field("status", "text", "Status", "状态", "Key of ClaimStatus."),
        Field("reason", "text", "Reason", "理由", "Key of Reason."),
        Field("last_clear_year", "integer", "Last clear year", "最近清晰年份", "Over the ground."),
        Field("n_pixels", "number", "Pixels", "像元数", "Ground in pixels of the imagery."),
        Field("run_id", "text", "Run", "运行编号", "Hash of inputs, parameters, step versions."),
    ),
)  # fmt: skip

TOTALS = Table(
    "total",
    "county",
    (
        Field("county", "text", "County", "县(市、区)", "Empty: whole; unknown: none."),
        Field("mines", "integer", "Mines", "矿山数", "Mines in the inventory."),
        Field("mines_without_outline", "integer", "No outline", "无边界矿山数", "Not measured."),
        Field("mine_area_ha", "number", "Mine area", "矿山面积", "Overlaps counted once.", "ha"),
        Field("claims", "integer", "Claims", "上报数", "Claims on these mines."),
        Field("claimed_ha", "number", "Claimed area", "上报修复面积", "Sum of claims.", "ha"),
        Field("restored_ha", "number", "Restored area", "实测修复面积",
              "Of measured claims; ground claimed twice counted once.", "ha"),
        Field("restored_ha_low", "number", "Low", "下限", "2.5 % bound of the sum.", "ha"),
        Field("restored_ha_high", "number", "High", "上限", "97.5 % bound of the sum.", "ha"),
        *(
            Field(f"{kind}_{what}", number, f"{en} ({uen})", f"{zh}({uzh})", f"{en}: {uen}.", unit)
            for kind, en, zh in (
                ("supported", "Supported", "支持"),
                ("partly_supported", "Partly supported", "部分支持"),
                ("not_supported", "Not supported", "不支持"),
                ("undecided", "Undecided", "尚不能判定"),
                ("not_judged", "Not judged", "未判定"),
            )
            for what, number, uen, uzh, unit in (
                ("claims", "integer", "claims", "项", ""),
                ("claimed_ha", "number", "claimed ha", "上报公顷", "ha"),
            )
        ),
        Field("run_id", "text", "Run", "运行编号", "Hash of inputs, parameters, step versions."),
    ),
)  # fmt: skip

TRAJECTORIES = Table(
    "trajectory",
    "mine_id",
    (
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine."),
        Field("index", "text", "Index", "指数", "Index id."),
        Field("year", "integer", "Year", "年份", "Year of the composite."),
        Field("value", "number", "Value", "观测值", "Mean over the mine's clear pixels."),
        Field("fitted", "number", "Fitted", "拟合值", "Mean of the fitted trajectories."),
        Field("clear_share", "number", "Clear share", "清晰比例", "Share of the mine seen clear."),
        Field("reference", "number", "Reference", "参照", "Yearly median of the reference."),
        Field("reference_low", "number", "Reference low", "参照下限", "16 % quantile."),
        Field("reference_high", "number", "Reference high", "参照上限", "84 % quantile."),
        Field("run_id", "text", "Run", "运行编号", "Hash of inputs, parameters, step versions."),
    ),
)  # fmt: skip

RSEI = Table(
    "rsei",
    "mine_id",
    (
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine."),
        Field("year", "integer", "Year", "年份", "Year of the composite; empty: all."),
        Field("status", "text", "Status", "状态", "Key of RseiStatus."),
        Field("rsei", "number", "RSEI", "遥感生态指数", "Mean over the mine's clear land."),
        Field("rsei_around", "number", "RSEI around", "周边遥感生态指数",
              "Mean over land 0.5 to 3 km away that is no mine."),
        Field("rsei_difference", "number", "Difference", "与周边之差",
              "Mine less surroundings: what the year did to both is in neither."),
        Field("clear_share", "number", "Clear share", "清晰比例", "Of the mine, as clear land."),
        Field("n_pixels", "number", "Pixels", "像元数", "Of the mine, with an index."),
        Field("n_around", "integer", "Pixels around", "周边像元数", "With an index."),
        Field("fit", "text", "Basis", "基准", "Hash of limits and loadings."),
    ),
)  # fmt: skip

RSEI_YEARS = Table(
    "rsei_year",
    "year",
    (
        Field("year", "integer", "Year", "年份", "Empty: the basis all years share."),
        Field("status", "text", "Status", "状态", "Key of RseiStatus."),
        Field("sensors", "text", "Sensors", "传感器", "Joined by '+'."),
        Field("reference_k", "number", "Reference temperature", "参照地温",
              "Median over land that is no mine.", "K"),
        Field("reference_level", "number", "Reference level", "参照水平",
              "Mean index of land that is no mine, before the year was brought level."),
        Field("greenness", "number", "Greenness", "绿度", "Loading on the first component."),
        Field("wetness", "number", "Wetness", "湿度", "Loading on the first component."),
        Field("dryness", "number", "Dryness", "干度", "Loading on the first component."),
        Field("heat", "number", "Heat", "热度", "Loading on the first component."),
        Field("share", "number", "Share explained", "解释率", "By the first component."),
        Field("own_status", "text", "By itself", "单年状态",
              "Key of RseiStatus: what the year alone would get."),
        Field("n_pixels", "integer", "Pixels", "像元数", "Clear land."),
        Field("fit", "text", "Basis", "基准", "Hash of limits and loadings."),
    ),
)  # fmt: skip

CORRECTIONS = Table(
    "correction",
    "number",
    (
        Field("number", "integer", "Number", "更正号", "Counted from 1, never used again."),
        Field("kind", "text", "Kind", "类别", "Key of CorrectionKind."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine corrected; empty where several."),
        Field("claim_id", "text", "Claim id", "上报编号", "Claim disputed; else empty."),
        Field(
            "county", "text", "County", "县(市、区)",
            "County corrected; with neither mine, claim nor county: everywhere.",
        ),
        Field("year", "integer", "Year", "年份", "Year marked not clear; else empty."),
        Field("about", "integer", "About", "所涉更正", "Correction it settles or withdraws."),
        Field("verdict", "text", "Verdict disputed", "所议结论", "Key of Verdict; else empty."),
        Field("run_id", "text", "Run", "运行编号", "Run that gave the disputed verdict."),
        Field("outcome", "text", "Outcome", "裁定", "Of a settlement: key of DisputeStatus."),
        Field("person", "text", "By", "更正人", "Who corrected."),
        Field("why", "text", "Why", "理由", "The reason given."),
        Field("at", "text", "When", "时间", "Time of the correction, UTC."),
        Field("in_force", "boolean", "In force", "有效", "Not withdrawn and not replaced."),
        Field(
            "evidence_sha256", "text", "Evidence (SHA-256)", "证据摘要(SHA-256)",
            "Hash of the file kept in the workspace; empty without.",
        ),
    ),
)  # fmt: skip

CHANGES = Table(
    "change",
    "claim_id",
    (
        Field("claim_id", "text", "Claim id", "上报编号", "Claim whose verdict moved."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Its mine."),
        Field("county", "text", "County", "县(市、区)", "As in the verdicts."),
        Field("verdict_before", "text", "Verdict before", "原结论", "Key; empty: no such claim."),
        Field("verdict_now", "text", "Verdict now", "现结论", "Key; empty: claim is gone."),
        Field("verdict_reason_before", "text", "Its reason before", "原理由", "Key of Reason."),
        Field("verdict_reason_now", "text", "Its reason now", "现理由", "Key of Reason."),
        Field("restored_ha_before", "number", "Restored before", "原修复面积", "Estimate.", "ha"),
        Field("restored_ha_now", "number", "Restored now", "现修复面积", "Estimate.", "ha"),
        Field("claimed_ha", "number", "Claimed area", "上报修复面积", "As claimed.", "ha"),
        Field("reason", "text", "Why it moved", "变动原因", "Key of ChangeReason."),
        Field("detail", "text", "What moved", "变动内容", "Every input that differs, in English."),
        Field("detail_zh", "text", "What moved (Chinese)", "变动内容(中文)", "The same."),
        Field("run_before", "text", "Run before", "原运行编号", "Run of the earlier verdict."),
        Field("run_now", "text", "Run now", "现运行编号", "Run of the later verdict."),
    ),
)  # fmt: skip

LEDGER = Table(
    "ledger",
    "line",
    (
        Field("county", "text", "County", "县(市、区)", "Empty: whole; unknown: none."),
        Field("line", "text", "Line", "项目", "Key of LedgerLine."),
        Field("column", "text", "Level of verification", "核验层级", "Key of LedgerColumn."),
        Field("status", "text", "Status", "状态", "Key of LedgerStatus."),
        Field("mines", "integer", "Mines", "矿山数", "Signed as it moves the stock."),
        Field("area_m2", "integer", "Area (m2)", "面积(平方米)", "The same, exact.", "m2"),
        Field("area_ha", "number", "Area (ha)", "面积(公顷)", "The same in hectares.", "ha"),
        Field("area_mu", "number", "Area (mu)", "面积(亩)", "The same in mu.", "mu"),
        Field("day", "text", "Day", "日期", "Day of the run whose knowledge it is."),
        Field("run_id", "text", "Run", "运行编号", "Hash of inputs, parameters, step versions."),
        Field("definition", "text", "Definition", "定义", "What the line holds, in English."),
        Field("definition_zh", "text", "Definition (Chinese)", "定义(中文)", "The same."),
    ),
)  # fmt: skip

FIELD_PLOTS = Table(
    "field_plot",
    "plot_id",
    (
        Field("plot_id", "text", "Plot", "样地编号", "Id of the plot, as written on the form."),
        Field("sample_id", "text", "Sample", "抽样编号", "Sample the plot belongs to."),
        Field("claim_id", "text", "Claim id", "上报编号", "Claim on whose ground it lies."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Its mine."),
        Field("county", "text", "County", "县(市、区)", "County of the mine."),
        Field("aim", "text", "Aim", "修复方向", "Key of Aim: what the ground was restored to."),
        Field("stratum", "text", "Stratum", "抽样层", "Stratum it was drawn from."),
        Field("priority", "integer", "Priority", "优先次序",
              "Where time runs out, leave out the highest numbers."),
        Field("p_restored", "number", "P(restored)", "已修复概率",
              "What the satellite gives for this ground."),
        Field("density_per_ha", "number", "Plots per ha", "每公顷样地数",
              "Inclusion density: plots drawn over area of the stratum.", "1/ha"),
        Field("radius_m", "number", "Radius", "半径", "Radius of the plot.", "m"),
        Field("longitude", "number", "Longitude", "经度", "Centre, WGS 84.", "deg"),
        Field("latitude", "number", "Latitude", "纬度", "Centre, WGS 84.", "deg"),
        Field("image_year", "integer", "Image year", "影像年份", "Last clear year of the verdict."),
        Field("geometry", "geometry", "Centre", "中心点", "Point, EPSG:4326."),
    ),
)  # fmt: skip

FIELD_ANSWERS = Table(
    "field_answer",
    "answer_id",
    (
        Field("answer_id", "text", "Answer id", "结果编号", "Plot and number of its answer."),
        Field("plot_id", "text", "Plot", "样地编号", "Plot it is about."),
        Field("answer", "text", "Answer", "外业结论", "Key of FieldAnswer."),
        Field("visited_on", "text", "Day of visit", "调查日期", "As YYYY-MM-DD."),
        Field("observer", "text", "Observer", "调查人", "Who stood there."),
        Field("cover_percent", "number", "Plant cover on the plot", "样地植被覆盖度",
              "Share of the plot under living plants.", "%"),
        Field("around_percent", "number", "Plant cover around", "周边未扰动地覆盖度",
              "The same on undisturbed land of the same kind nearby.", "%"),
        Field("remark", "text", "Remark", "备注", "Free text."),
        Field("distance_m", "number", "Distance", "偏离距离",
              "From the plot to where the visit was recorded; empty where it was not.", "m"),
        Field("corrects", "text", "Corrects", "更正", "Answer that this one stands in for."),
        Field("flags", "text", "Flags", "标记", "Codes of what the import saw, joined by ';'."),
        Field("source", "text", "Source file", "来源文件", "Name of the imported file."),
        Field("source_row", "integer", "Source row", "来源行号", "Row in it, from 1."),
        Field("geometry", "geometry", "Where", "调查位置", "Point of the visit, EPSG:4326."),
    ),
)  # fmt: skip

FIELD_AREAS = Table(
    "field_area",
    "name",
    (
        Field("part", "text", "Kind of part", "范围类别", "all, verdict or county."),
        Field("name", "text", "Part", "范围", "Key of Verdict or county; empty for all."),
        Field("status", "text", "Status", "状态", "Key of FieldStatus."),
        Field("answers", "integer", "Answers", "结果数", "Plots with a usable answer."),
        Field("ground_ha", "number", "Ground", "地块面积", "Of the strata that have answers.",
              "ha"),
        Field("mapped_ha", "number", "Satellite", "卫星实测修复面积",
              "Restored ground as the satellite has it.", "ha"),
        Field("restored_ha", "number", "Field", "外业估计面积", "Error-adjusted estimate.", "ha"),
        Field("restored_ha_se", "number", "Standard error", "标准误", "Of the estimate.", "ha"),
        Field("restored_ha_low", "number", "Low", "下限", "Of the interval.", "ha"),
        Field("restored_ha_high", "number", "High", "上限", "Of the interval.", "ha"),
        Field("restored_ha_if_none", "number", "If no unanswered", "若未答均未修复",
              "Estimate if no unanswered plot were restored.", "ha"),
        Field("restored_ha_if_all", "number", "If all unanswered", "若未答均已修复",
              "Estimate if all unanswered plots were restored.", "ha"),
        Field("sample_id", "text", "Sample", "抽样编号", "Sample it rests on."),
        Field("run_id", "text", "Run", "运行编号", "Run whose map was sampled."),
    ),
)  # fmt: skip

FIELD_VERDICTS = Table(
    "field_verdict",
    "claim_id",
    (
        Field("claim_id", "text", "Claim id", "上报编号", "Claim judged."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Its mine."),
        Field("answers", "integer", "Answers", "结果数", "Usable answers on its ground."),
        Field("restored_answers", "integer", "Of them restored", "其中已修复", "Of the answers."),
        Field("verdict", "text", "Verdict", "核验结论", "As measured; it stays."),
        Field("verdict_after", "text", "With the field", "结合外业的结论",
              "Key of Verdict by the recalibrated probabilities."),
        Field("status", "text", "Status", "状态", "Key of FieldStatus."),
        *(
            Field(f"{name}{end}", "number", f"{en}{late}", f"{zh}{late_zh}", about)
            for name, en, zh in (
                ("p_supported", "P(supported)", "支持概率"),
                ("p_not_supported", "P(not supported)", "不支持概率"),
            )
            for end, late, late_zh, about in (
                ("", "", "", "As measured."),
                ("_after", ", with the field", "(结合外业)", "Recalibrated."),
                ("_after_low", ", low", "下限", "2.5 % bound of the recalibrated one."),
                ("_after_high", ", high", "上限", "97.5 % bound of the recalibrated one."),
            )
        ),
        Field("sample_id", "text", "Sample", "抽样编号", "Sample it rests on."),
        Field("run_id", "text", "Run", "运行编号", "Run of the verdict."),
    ),
)  # fmt: skip

SENSOR_CHANGES = Table(
    "sensor_change",
    "change",
    (
        Field("change", "text", "Change", "变化", "Older sensors, '>', newer sensors."),
        Field("year", "integer", "From", "起始年份", "First year of the newer sensor."),
        Field("band", "text", "Band or index", "波段或指数", "What is compared."),
        Field("harmonise", "text", "Harmonised by", "一致性校正",
              "none, or the table by which the newer sensor was changed first."),
        Field("status", "text", "Status", "状态", "Key of SensorChangeStatus."),
        Field("older_years", "text", "Older years", "较早年份", "Years compared, joined by ';'."),
        Field("newer_years", "text", "Newer years", "较新年份", "The same where both overlap."),
        Field("n_pixels", "integer", "Pixels", "像元数", "Unchanged land compared."),
        Field("slope", "number", "Slope", "斜率", "Newer = intercept + slope x older."),
        Field("intercept", "number", "Intercept", "截距", "Of that line."),
        *(
            Field(f"{name}{end}", "number", f"{en}{late}", f"{zh}{late_zh}", about)
            for name, zh, en in (("low", "低值", "Low"), ("high", "高值", "High"))
            for end, late, late_zh, about in (
                ("", "", "", "Quantile (5 %, 95 %) of the older sensor."),
                ("_shift", ", shift", "处偏移", "Newer less older there."),
                ("_shift_low", ", shift from", "处偏移下限", "Of its 95 % interval."),
                ("_shift_high", ", shift to", "处偏移上限", "Of its 95 % interval."),
            )
        ),
    ),
)  # fmt: skip
