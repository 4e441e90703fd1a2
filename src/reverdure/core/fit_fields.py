"""Specification of the shortlist of what fits each mine."""

from reverdure.core.fields import Field, Table

FITS = Table(
    "fit",
    "mine_id",
    (
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine."),
        Field("county", "text", "County", "县(市、区)", "Column, else polygon, else unknown."),
        Field("area_ha", "number", "Area", "面积", "Of its outline, else as stated.", "ha"),
        Field("area_mu", "number", "Area", "面积", "Of its outline, else as stated.", "mu"),
        Field("measure", "text", "Measure", "修复措施", "Id of the measure."),
        Field("land_use", "text", "Land use", "后续用途", "Id of what the ground becomes."),
        Field("verdict", "text", "Verdict", "适宜性", "Key of Suitability."),
        Field("chosen", "boolean", "Chosen", "推荐",
              "Whether the decision rule leads to it: the least intervention that fits."),
        Field("degradation", "text", "Degradation", "退化所需",
              "Key of Intervention, by its worst factor."),
        Field("need", "text", "Development need", "发展所需", "Key of Intervention, by its needs."),
        Field("way", "text", "Decision", "决策", "Key of Intervention: the lesser of both."),
        Field("survey", "text", "To survey", "须调查", "Factors it hangs on, joined by ';'."),
        Field("conditions_en", "text", "Conditions", "条件(英文)", "On which it fits, in English."),
        Field("conditions_zh", "text", "Conditions (Chinese)", "条件", "On which it fits."),
        Field("reasons_en", "text", "Reasons", "理由(英文)", "Rules that decide, in English."),
        Field("reasons_zh", "text", "Reasons (Chinese)", "理由", "Rules that decide."),
        Field("notes_en", "text", "Notes", "提示(英文)", "What its commodity brings with it."),
        Field("notes_zh", "text", "Notes (Chinese)", "提示", "What its commodity brings with it."),
    ),
)  # fmt: skip
