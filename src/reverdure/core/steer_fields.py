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
