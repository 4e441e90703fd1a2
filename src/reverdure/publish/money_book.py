"""Money of a programme over time as a workbook or CSV; headings in two languages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas

from reverdure.core.codes import CashStatus, PayWay
from reverdure.core.errors import InvalidInput
from reverdure.core.fields import Field
from reverdure.core.files import atomic
from reverdure.publish.sheets import write_sheets
from reverdure.publish.tables import write_csv
from reverdure.publish.wording import column_heading, label

_MILLION = "million CNY"
YEAR = Field("year", "integer", "Year", "年份", "Year of the programme, or after it.")
SOURCES = (
    Field("opening_cash", "number", "Opening cash", "期初现金", "Left from the year before.",
          _MILLION),
    Field("revenue", "number", "Revenue", "经营收入", "Of land uses, net of what it costs.",
          _MILLION),
    Field("central", "number", "Central grant", "中央财政", "Central money.", _MILLION),
    Field("province", "number", "Provincial fund", "省级资金", "Provincial money, no reward.",
          _MILLION),
    Field("reward", "number", "Reward", "奖补", "After acceptance.", _MILLION),
    Field("county", "number", "County", "县级配套", "County money.", _MILLION),
    Field("enterprise", "number", "Enterprise", "责任企业", "Liable enterprises.", _MILLION),
    Field("social", "number", "Social capital", "社会资本", "Private capital.", _MILLION),
    Field("loan", "number", "Loan", "贷款", "Drawn in the year.", _MILLION),
    Field("bridge", "number", "Advance", "垫付", "Advanced until a reward comes.", _MILLION),
    Field("from_debt_reserve", "number", "From reserve", "动用偿债准备金",
          "Out of the reserve for debt service.", _MILLION),
)  # fmt: skip
USES = (
    Field("works", "number", "Works", "工程", "Without a liable owner, by public money.", _MILLION),
    Field("owner_works", "number", "Owner's works", "责任人工程", "Paid by liable owners.",
          _MILLION),
    Field("industry_works", "number", "Earning works", "收益性工程",
          "Works that earn, by loans and social capital.", _MILLION),
    Field("aftercare", "number", "Aftercare", "后期管护", "Of works without a liable owner.",
          _MILLION),
    Field("taxes", "number", "Taxes", "税费", "On revenue.", _MILLION),
    Field("interest", "number", "Interest", "利息", "On loans and advances.", _MILLION),
    Field("principal", "number", "Principal", "本金", "Of loans.", _MILLION),
    Field("bridge_repaid", "number", "Advance repaid", "归还垫付", "Out of rewards.", _MILLION),
    Field("debt_reserve", "number", "To debt reserve", "提取偿债准备金",
          "For the next year's debt service.", _MILLION),
    Field("reserve", "number", "To reserve", "提取储备", "Kept aside.", _MILLION),
    Field("distribution", "number", "Distributed", "可分配", "What is left once nothing is owed.",
          _MILLION),
    Field("closing_cash", "number", "Closing cash", "期末现金", "Left for the next year.",
          _MILLION),
)  # fmt: skip
TOTALS = (
    Field("money_in", "number", "In", "收入合计", "All sources together.", _MILLION),
    Field("money_out", "number", "Out", "支出合计", "All uses together.", _MILLION),
    Field("balance", "number", "Balance", "差额", "In less out: zero.", _MILLION),
)
OWED = (
    Field("to_come", "number", "Reward to come", "待拨奖补",
          "Earned and not yet paid: the bridging gap that other money stands for.", _MILLION),
    Field("loan_left", "number", "Loan left", "贷款余额", "At the end of the year.", _MILLION),
    Field("cover", "number", "Cover ratio", "偿债覆盖率",
          "Cash available for debt service over debt service.", "1"),
    Field("unpaid", "number", "No source", "无来源", "Due, and no source may or can pay it.",
          _MILLION),
    Field("status", "text", "Status", "状态", "Key of CashStatus."),
)  # fmt: skip
FLOWS = (YEAR, *SOURCES, TOTALS[0], *USES, *TOTALS[1:], *OWED)
_WAY_COLUMNS = (
    ("paid", "Paid", "支付", "By public money: mean.", _MILLION),
    ("paid_low", "Paid, low", "支付下限", "5 % of the draws.", _MILLION),
    ("paid_high", "Paid, high", "支付上限", "95 % of the draws.", _MILLION),
    ("advanced", "Advanced", "垫付余额", "By those who do the works, with interest.", _MILLION),
)
WAYS = (
    YEAR,
    Field("way", "text", "Way of paying", "支付方式", "Key of PayWay."),
    *(Field(name, "number", *words) for name, *words in _WAY_COLUMNS),
)
TERMS = (
    Field("name", "text", "Name", "名称", "Entry of the terms."),
    Field("value", "number", "Value", "数值", "As used."),
    Field("unit", "text", "Unit", "单位", "Of the value."),
    Field("status", "text", "Status", "依据状态", "verified, to confirm, assumption or given."),
    Field("about", "text", "Meaning", "说明", "What it is."),
)
BUNDLES = (
    Field("bundle", "text", "Bundle", "项目包", "Name of the bundle."),
    Field("item", "text", "Item", "项目", "What is told of it."),
    Field("value", "text", "Value", "内容", "As worked out."),
)
SHEETS: Mapping[str, tuple[Field, ...]] = {
    "money": FLOWS, "ways": WAYS, "bundles": BUNDLES, "terms": TERMS,
}  # fmt: skip
_CODES = {"money": ("status", CashStatus), "ways": ("way", PayWay)}


def write_money(
    path: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]], language: str
) -> None:
    """Write money over time: all tables as .xlsx, the first of them as .csv.

    Parameters
    ----------
    path : Path
        .xlsx or .csv.
    tables : mapping of name to rows
        Names of `SHEETS`, with the columns of their fields.
    language : str
        "en" or "zh": of codes, and of the headings of CSV.

    Raises
    ------
    InvalidInput
        If the file is called otherwise.
    """
    if path.suffix.lower() not in (".xlsx", ".csv"):
        raise InvalidInput(f"{path.name} must end in .xlsx or .csv.")
    sheets = [
        (name, _frame(name, rows, language), SHEETS[name]) for name, rows in tables.items() if rows
    ]
    if path.suffix.lower() == ".csv":
        _, frame, fields = sheets[0]
        write_csv(path, frame, fields, [column_heading(field, language) for field in fields])
        return
    with atomic(path) as temporary:
        write_sheets(temporary, sheets)


def _frame(name: str, rows: Sequence[Mapping[str, Any]], language: str) -> pandas.DataFrame:
    frame = pandas.DataFrame(rows, columns=[field.name for field in SHEETS[name]])
    if name in _CODES:
        column, codes = _CODES[name]
        frame[column] = [label(codes, key, language) for key in frame[column]]
    return frame
