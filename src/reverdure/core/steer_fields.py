"""Specifications of what forecasts, reviews and rankings write."""

from reverdure.core.fields import Field, Table

_AHEAD = (
    Field("status", "text", "Status", "状态", "Key of ForecastStatus; without forecast no number."),
    Field("deadline", "integer", "Deadline", "截止年份", "Last season that counts."),
    Field("target", "number", "Target", "目标", "Recovered share that is asked for, 0 to 1."),
    Field("now", "number", "Recovered now", "当前恢复程度",
          "Estimated share of bare to reference in the last year looked at."),
    Field("expected", "number", "Expected", "预期恢复程度", "Share at the deadline, mean."),
    Field("low", "number", "Low", "下限", "2.5 % bound of the share at the deadline."),
    Field("high", "number", "High", "上限", "97.5 % bound of the share at the deadline."),
    Field("p_target", "number", "Chance of target", "达标概率", "P(share >= target)."),
)  # fmt: skip

FORECASTS = Table(
    "forecast",
    "mine_id",
    (
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine."),
        Field("name", "text", "Name", "矿山名称", "Its name; empty where unknown."),
        Field("county", "text", "County", "县(市、区)", "Column, else polygon, else unknown."),
        Field("measure", "text", "Measure", "修复措施",
              "Key of the measure whose pace is assumed at the outset; left_alone: none is known."),
        Field("last_seen", "integer", "Last seen", "最近观测年份", "Last year with a number."),
        *_AHEAD,
        Field("run_id", "text", "Run", "运行编号", "Run it rests on; empty: none."),
    ),
)  # fmt: skip

DUTY_FORECASTS = Table(
    "duty_forecast",
    "duty_id",
    (
        Field("place", "integer", "Place", "序号", "By chance of missing it, the highest first."),
        Field("duty_id", "text", "Duty id", "责任编号", "Open duty."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine it is about."),
        Field("party", "text", "Party", "责任主体", "Who has to do it."),
        Field("duty", "text", "What", "责任内容", "As recorded."),
        Field("due_date", "text", "Due", "期限", "Last day for it."),
        *_AHEAD,
        Field("p_missed", "number", "Chance of missing", "逾期未达概率", "1 - P(share >= target)."),
    ),
)  # fmt: skip

RANKS = Table(
    "rank",
    "mine_id",
    (
        Field("rank", "integer", "Rank", "名次", "1 is best; equal scores share the better one."),
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine."),
        Field("name", "text", "Name", "矿山名称", "Its name; empty where unknown."),
        Field("status", "text", "Status", "状态", "Key of RankStatus; the rest has no rank."),
        Field("score", "number", "Score", "得分", "By the method; higher is better."),
        Field("p_best", "number", "Chance of staying", "名次稳健概率",
              "P(among the first `best`) under other weights; empty where there are no weights."),
        Field("best", "integer", "First", "前列名额", "How many count as the first."),
        Field("method", "text", "Method", "方法", "With normalisation and source of the weights."),
    ),
)  # fmt: skip

STEERED = Table(
    "steered",
    "mine_id",
    (
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine."),
        Field("name", "text", "Name", "矿山名称", "Its name; empty where unknown."),
        Field("county", "text", "County", "县(市、区)", "Column, else polygon, else unknown."),
        Field("measure", "text", "Measure", "修复措施", "Key of works begun; left_alone: none."),
        Field("light", "text", "Light", "预警等级", "Key of Light; empty where no works began."),
        Field("sign", "text", "Sign", "标志", "Shape that stands for the light."),
        Field("reasons", "text", "Reasons", "理由(英文)", "Triggers, in English."),
        Field("reasons_zh", "text", "Reasons (Chinese)", "理由", "Triggers, in Chinese."),
        *_AHEAD,
    ),
)  # fmt: skip

REMEDIES = Table(
    "remedy",
    "mine_id",
    (
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine under a red light."),
        Field("remedy", "text", "Remedy", "补救措施", "Key of the remedial package."),
        Field("cost_cny", "number", "Cost", "费用", "In prices of the package; assumed.", "CNY"),
        Field("p_now", "number", "Chance now", "现达标概率", "P(share >= target) as it goes on."),
        Field("p_after", "number", "Chance after", "补救后达标概率", "Its own success counted in."),
        Field("gain_ha", "number", "Gain", "预期增益", "Area times what the chance gains.", "ha"),
        Field("gain_ha_years", "number", "Gain in ha-years", "预期公顷年增益",
              "Recovered ha-years with it less without, its own success counted in, as the plan "
              "reckons; empty where it is not offered to the plan.", "ha a"),
        Field("in_plan", "boolean", "In the plan", "是否列入方案", "Whether the new plan does it."),
        Field("status", "text", "Basis", "依据", "Status of its cost and effect."),
    ),
)  # fmt: skip

PACES = Table(
    "pace",
    "measure",
    (
        Field("measure", "text", "Measure", "修复措施", "Key of the measure."),
        Field("kappa", "number", "Pace as seen", "实测速率",
              "Share of the way to its end level made good in a year, drawn to what was assumed.",
              "1/a"),
        Field("instead_of", "number", "Instead of", "原速率", "Pace of the plan before.", "1/a"),
        Field("mines", "integer", "Mines", "矿山数", "Mines seen under works that it rests on."),
        Field("is_used", "boolean", "Used", "是否采用",
              "Whether the plan reckons with it: it rests on mines enough."),
    ),
)  # fmt: skip

PLAN_CHANGES = Table(
    "plan_change",
    "mine_id",
    (
        Field("mine_id", "text", "Mine id", "矿山编号", "Mine whose works moved."),
        Field("before", "text", "Before", "原安排", "Measure, land use, start; empty: none."),
        Field("after", "text", "After", "新安排", "Measure, land use, start; empty: none."),
        Field("cause", "text", "Cause", "原因", "Key of ChangeCause."),
        Field("why", "text", "Moved by", "主导因素", "Part of its value that moved it most."),
        Field("cost_mcny", "number", "Cost", "费用变化", "After less before.", "million CNY"),
        Field("benefit", "number", "Benefit", "效益变化", "After less before."),
    ),
)  # fmt: skip
