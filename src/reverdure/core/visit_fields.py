"""Specification of the list of mines to visit."""

from reverdure.core.fields import Field, Table

INSPECTIONS = Table(
    "inspection",
    "mine_id",
    (
        Field("month", "text", "Month", "月份", "YYYY-MM."),
        Field("visit", "integer", "Visit", "检查序号", "Place on the list; empty: not drawn."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine."),
        Field("name", "text", "Name", "矿山名称", "Its name; empty where unknown."),
        Field("county", "text", "County", "县(市、区)", "Column, else polygon, else unknown."),
        Field("parties", "text", "Parties", "责任主体",
              "Who answers for it by duty, rectification, permit or claim, joined by ';'."),
        Field("claimed_ha", "number", "Claimed area", "上报修复面积", "Sum of its claims.", "ha"),
        Field("size", "number", "Size", "规模", "Part of the risk by area claimed, 0 to 1."),
        Field("doubt", "number", "Doubt", "存疑", "Part by doubt of the verdicts, 0 to 1."),
        Field("record", "number", "Record", "履责记录", "Part by record of the party, 0 to 1."),
        Field("risk", "number", "Risk", "风险", "Weighted mean of the three parts."),
        Field("probability", "number", "Chance", "入选概率", "Inclusion probability."),
        Field("why", "text", "Why", "理由(英文)", "Reasons, in English."),
        Field("why_zh", "text", "Why (Chinese)", "理由", "Reasons, in Chinese."),
        Field("run_id", "text", "Run", "运行编号", "Run whose verdicts it rests on; empty: none."),
    ),
)  # fmt: skip
