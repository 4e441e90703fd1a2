"""Codes stored in rasters and tables: value, name, label in two languages, colour.

In tables a code stands as its lower snake case name (`code.key`), in rasters as its
number. Colours are from the Okabe-Ito set (Okabe & Ito 2008), which stays apart for
colour-blind eyes; every map shows a second sign (letter or shape) beside the colour.
"""

from enum import IntEnum
from typing import Self


class Code(IntEnum):
    """An integer code with its label in English and Chinese and a colour."""

    en: str
    zh: str
    colour: str

    def __new__(cls, value: int, en: str, zh: str, colour: str = "#999999") -> Self:  # noqa: D102
        member = int.__new__(cls, value)
        member._value_ = value
        member.en = en
        member.zh = zh
        member.colour = colour
        return member

    @property
    def key(self) -> str:
        """Name as written in tables: lower snake case."""
        return self.name.lower()

    @classmethod
    def from_key(cls, key: str) -> Self:
        """Member whose `key` is this; KeyError otherwise."""
        return cls[key.upper()]

    @classmethod
    def from_number(cls, number: int) -> Self:
        """Member stored as this number; KeyError otherwise."""
        return {member.value: member for member in cls}[number]

    def label(self, language: str) -> str:
        """Label in "en" or "zh"."""
        return self.zh if language == "zh" else self.en


class Verdict(Code):
    """What the measurement says about a claim (RECOVERY 7.4)."""

    SUPPORTED = 1, "supported", "支持", "#009E73"
    PARTLY_SUPPORTED = 2, "partly supported", "部分支持", "#F0E442"
    NOT_SUPPORTED = 3, "not supported", "不支持", "#D55E00"
    UNDECIDED = 4, "undecided", "尚不能判定", "#56B4E9"
    TOO_EARLY = 5, "too early", "时间过短", "#CC79A7"
    CANNOT_BE_SEEN = 6, "cannot be seen from space", "遥感不可判定", "#0072B2"
    NO_REFERENCE = 7, "no reference", "无参照", "#E69F00"
    NO_DATA = 8, "no data", "无数据", "#999999"


class Reason(Code):
    """Why a verdict is what it is; the first that applies is the one stored."""

    MEASURED = 0, "decided by the measured area", "依据实测面积判定"
    NEVER_DAMAGED = 1, "no damage in the satellite record", "影像记录中未见损毁"
    GREEN_BEFORE_CLAIM = 2, "already recovered before the claimed work", "上报治理前已恢复"
    DAMAGE_BEFORE_RECORD = 3, "damaged before the first image", "损毁早于影像记录"
    LOST_AGAIN = 4, "recovered once, then lost again", "恢复后再次损毁"
    OVERLAPS_OTHER_CLAIM = 5, "ground also claimed elsewhere", "与其他上报地块重叠"
    NO_OUTLINE = 6, "mine has no outline", "矿山无边界"
    TOO_FEW_YEARS = 7, "fewer than 3 clear years since the work", "完工后清晰影像不足三年"
    TOO_SMALL = 8, "smaller than 0.4 ha", "面积小于0.4公顷"
    AIM_NOT_VEGETATION = 9, "aim is not vegetation", "目标地类非植被"
    UNDERGROUND = 10, "underground mine", "井工开采"
    NO_FIT_REFERENCE = 11, "no undisturbed land like it nearby", "周边无可比的未扰动地"
    OUTSIDE_IMAGERY = 12, "outside all imagery", "在全部影像范围之外"
    NO_CLEAR_YEARS = 13, "too few clear years", "清晰年份不足"
    UNKNOWN_MINE = 14, "mine is not in the inventory", "矿山不在名录内"
    INTERVAL_TOO_WIDE = 15, "interval spans more than one answer", "区间跨越多个结论"
    CLAIM_EXCEEDS_GROUND = 16, "claimed area is larger than the ground", "上报面积大于地块面积"
    FUTURE_YEAR = 17, "year of completion is after the last image", "完成年度晚于最新影像"
    REFERENCE_NOT_SEPARABLE = 18, "bare and reference cannot be told apart", "裸地与参照不可区分"
    REFERENCE_OF_FORMER_LAND = 19, "compared with land like the former", "以原地类为参照"
    OUTLINE_OFF = 20, "outline does not lie on the damage", "边界与损毁位置不符"
    DAMAGE_OUTSIDE = 21, "bare land goes on outside every outline", "边界外仍有损毁裸地"
    DAMAGE_TOO_SHORT = 22, "bare too briefly to be told from poor years", "裸露时间过短难以判别"
    OUTSIDE_MINE = 23, "claimed ground lies outside its mine", "上报地块在矿山边界之外"


class ClaimStatus(Code):
    """How the numbers of a claim came about."""

    MEASURED = 0, "measured", "已测量"
    SHARED_GROUND = 1, "ground shared by several claims of one mine", "同矿多项上报共用地块"
    SET_BY_RULE = 2, "set by rule, not by area", "按规则判定"
    NOT_MEASURED = 3, "not measured", "未测量"


class Aim(Code):
    """What the ground was restored to."""

    FOREST = 1, "forest", "林地", "#009E73"
    GRASS = 2, "grass", "草地", "#F0E442"
    FARMLAND = 3, "farmland", "耕地", "#E69F00"
    WETLAND = 4, "wetland", "湿地", "#56B4E9"
    NATURAL_RECOVERY = 5, "natural recovery", "自然恢复", "#0072B2"
    PHOTOVOLTAIC = 6, "photovoltaic", "光伏", "#CC79A7"
    WIND = 7, "wind", "风电", "#CC79A7"
    BUILT = 8, "built", "建设用地", "#D55E00"
    OTHER = 9, "other", "其他", "#999999"


class Bound(Code):
    """How exact a source puts a reported figure."""

    EXACT = 1, "exactly", "为"
    ABOUT = 2, "about", "约"
    MORE = 3, "more than", "超过"
    AT_MOST = 4, "at most", "至多"


class NaturalGround(Code):
    """Ground on which recovery without recorded work is looked for."""

    UNCLAIMED = 1, "nothing claimed", "无上报"
    NATURAL_AIM = 2, "claimed as natural recovery", "上报为自然恢复"
    BEFORE_CLAIM = 3, "green before the claimed work", "上报开工前已恢复"


class NaturalState(Code):
    """How far a ground has come back without recorded work; bounds as for verdicts."""

    RECOVERED = 1, "recovered by itself", "已自然恢复", "#009E73"
    PARTLY_RECOVERED = 2, "partly recovered by itself", "部分自然恢复", "#F0E442"
    NOT_RECOVERED = 3, "not recovered", "未恢复", "#D55E00"
    UNDECIDED = 4, "undecided", "尚不能判定", "#56B4E9"
    NEVER_DAMAGED = 5, "no damage in the record", "影像记录中未见损毁", "#0072B2"
    NOT_MEASURED = 6, "not measured", "未测量", "#999999"


class MiningMethod(Code):
    """How the mine was worked."""

    UNKNOWN = 0, "unknown", "不详"
    OPEN_PIT = 1, "open pit", "露天开采"
    UNDERGROUND = 2, "underground", "井工开采"
    MIXED = 3, "mixed", "混合开采"


class SegmentStatus(Code):
    """What the segmentation of one pixel came to; stored as uint8."""

    FITTED = 0, "fitted", "已拟合"
    FLAT = 1, "no change found", "无显著变化"
    TOO_FEW_YEARS = 2, "too few clear years", "清晰年份不足"
    NO_DATA = 255, "no data", "无数据"


class ReferenceStatus(Code):
    """Whether a mine has undisturbed land to be compared with."""

    FOUND = 0, "found", "已找到"
    TOO_FEW_PIXELS = 1, "fewer than 30 undisturbed pixels like it", "可比未扰动像元不足30个"
    ONE_SIDED = 2, "undisturbed land in fewer than 3 directions", "可比未扰动地不足三个方向"
    NOT_SEPARABLE = 3, "bare and reference cannot be told apart", "裸地与参照不可区分"
    NO_OUTLINE = 4, "mine has no outline", "矿山无边界"
    OUTSIDE_IMAGERY = 5, "outside all imagery", "在全部影像范围之外"
    BEFORE_LEVEL = 6, "own level before damage, as allowed", "经允许采用损毁前水平"
    NEVER_DAMAGED = 7, "no bare level in the record", "影像记录中无裸地水平"


class PixelStatus(Code):
    """What is known about the recovery of one pixel; stored as uint8."""

    MEASURED = 0, "measured", "已测量"
    NEVER_DAMAGED = 1, "never damaged", "未见损毁"
    DAMAGE_BEFORE_RECORD = 2, "damaged before the first image", "损毁早于影像记录"
    TOO_FEW_YEARS = 3, "too few clear years", "清晰年份不足"
    NO_REFERENCE = 4, "no reference", "无参照"
    NO_DATA = 255, "no data", "无数据"


class FineStatus(Code):
    """Whether 10 m values of Sentinel-2 are joined to the Landsat series of a mine."""

    JOINED = 0, "joined", "已并入"
    NO_SCENES = 1, "no Sentinel-2 scene, or Landsat is enough", "无哨兵二号影像或无需使用"
    TOO_FEW_PIXELS = 2, "too few common pixels of land that is no mine", "非矿区公共像元不足"
    TOO_FEW_YEARS = 3, "too few common years", "公共年份不足"
    NOT_ALIKE = 4, "both sensors do not show the same land", "两种传感器所见不一致"


class CorrectionKind(Code):
    """What a person corrected; corrections are added, never changed or removed."""

    YEAR = 1, "year marked not clear", "年份标为不清晰"
    OUTLINE = 2, "outline replaced", "边界更正"
    REFERENCE = 3, "land refused as reference", "不得作参照的土地"
    DISPUTE = 4, "verdict disputed", "对结论提出异议"
    SETTLEMENT = 5, "dispute settled", "异议裁定"
    WITHDRAWAL = 6, "correction withdrawn", "撤回更正"


class DisputeStatus(Code):
    """Where a dispute of a verdict stands; the verdict itself stays as it was measured."""

    DISPUTED = 1, "disputed", "有异议"
    DISPUTE_UPHELD = 2, "dispute upheld: do not rely on the verdict", "异议成立:结论不宜采信"
    DISPUTE_DISMISSED = 3, "dispute dismissed: the verdict stands", "异议不成立:维持结论"


class ChangeReason(Code):
    """Why a verdict moved between two runs, from what both runs kept of their inputs."""

    NEW_YEAR = 1, "new imagery year", "新增影像年份"
    OTHER_SCENES = 2, "other scenes in a year", "某年影像有变"
    CORRECTION = 3, "correction by a person", "人工更正"
    LIST = 4, "mine or claim changed in the list", "名录或上报有变"
    NEIGHBOUR = 5, "a neighbouring mine changed", "相邻矿山有变"
    CODE = 6, "code", "程序版本"
    SETTINGS = 7, "settings", "设置"
    LAYERS = 8, "layers", "辅助图层"
    INDICES = 9, "other indices computed", "计算的指数有变"
    SEVERAL = 10, "several", "多种原因"
    NOT_RECORDED = 11, "not recorded", "无记录"


class LedgerLine(Code):
    """Lines of the stock-flow account; those after `difference` stand beside it, in no sum."""

    OPENING = 1, "opening stock", "期初存量"
    NEW_DAMAGE = 2, "new damage, no permit recorded", "新增损毁(无许可记录)"
    NEW_PERMITTED = 3, "new damage, permitted", "新增损毁(许可内)"
    NEW_BEYOND_PERMIT = 4, "new damage, beyond its permit", "新增损毁(超出许可)"
    RESTORED = 5, "restored", "修复"
    RELAPSED = 6, "lost again", "复损"
    REVISION_ADDED = 7, "revision: added", "修订:新增"
    REVISION_GONE = 8, "revision: gone", "修订:移出"
    REVISION_CHANGED = 9, "revision: changed", "修订:变更"
    CLOSING = 10, "closing stock", "期末存量"
    DIFFERENCE = 11, "difference", "差额"
    DAMAGE_NOT_DATED = 12, "damage not dated", "损毁年份不明"
    NO_OUTLINE = 13, "no outline", "无边界"
    NEVER_DAMAGED = 14, "no damage seen", "未见损毁"
    RESTORED_NOT_BOOKED = 15, "restored, not dated", "修复无法入账"
    BEYOND_GROUND = 16, "beyond the ground", "超出地块"
    NOT_DECIDED = 17, "not decided", "尚未判定"
    NO_AREA = 18, "no area known", "面积不明"


class LedgerColumn(Code):
    """Level of verification of an account; the columns are never added."""

    CLAIMED = 1, "claimed", "上报"
    ACCEPTED = 2, "accepted", "验收"
    SUPPORTED = 3, "satellite-supported", "遥感支持"


class LedgerStatus(Code):
    """Whether a line of the account has a number, and why not."""

    RECORDED = 0, "recorded", "有记录"
    NO_RECORDS = 1, "no records", "无记录"
    NOT_IN_COLUMN = 2, "not told", "本列不适用"


class AuditBreak(Code):
    """Why a line of the audit log does not follow from the one before it."""

    CHANGED = 1, "it, or the line before it, was changed", "该条或其前一条被改动"
    REMOVED = 2, "lines before it were removed", "其前有记录被删除"
    MOVED = 3, "it followed another line when it was written", "写入时其前一条并非现在这条"


class FieldAnswer(Code):
    """What somebody who stood on a plot says of it."""

    RESTORED = 1, "restored", "已修复", "#009E73"
    NOT_RESTORED = 2, "not restored", "未修复", "#D55E00"
    NEVER_MINED = 3, "no trace of mining", "无采矿痕迹", "#0072B2"
    CANNOT_TELL = 4, "cannot tell", "无法判断", "#56B4E9"
    NOT_REACHED = 5, "could not be reached", "无法到达", "#999999"


class FieldStatus(Code):
    """What stands behind a figure made from field answers."""

    ESTIMATED = 0, "estimated from the answers", "依据外业结果估计"
    PART_OF_GROUND = 1, "of the strata that have answers", "仅代表有外业结果的层"
    TOO_FEW_ANSWERS = 2, "too few answers", "外业结果过少"
    SET_BY_RULE = 3, "verdict set by rule, not by a probability", "结论按规则判定,与概率无关"


class RseiStatus(Code):
    """Whether the ecological index of a picture, a year or a mine is given, and why not."""

    MEASURED = 0, "measured", "已测量"
    NO_THERMAL = 1, "no surface temperature", "无地表温度"
    TOO_FEW_PIXELS = 2, "too few clear pixels", "清晰像元过少"
    SIGNS_DISAGREE = 3, "greenness and wetness do not rise together", "绿度与湿度符号不一致"
    LITTLE_EXPLAINED = 4, "first component explains too little", "第一主成分解释率过低"
    NO_OUTLINE = 5, "mine has no outline", "矿山无边界"
    NO_SURROUNDINGS = 6, "too little clear land around that is no mine", "周边清晰非矿区像元过少"
    NO_DATA = 255, "no data", "无数据"


class RseiPixel(Code):
    """Whether a pixel has an ecological index, and why not; stored as uint8."""

    MEASURED = 0, "measured", "已测量"
    WATER = 1, "water", "水体"
    NO_THERMAL = 2, "no surface temperature", "无地表温度"
    UNDEFINED = 3, "reflectances add up to nothing", "反射率之和不为正"
    REFUSED = 4, "no index in this year", "该年不给出指数"
    NO_DATA = 255, "no data", "无数据"


class PictureStatus(Code):
    """Whether there is a picture of a mine in a year, and why not."""

    SHOWN = 0, "shown", "已显示"
    NOTHING_CLEAR = 1, "nothing clear", "无清晰像元"
    NO_IMAGERY = 2, "no imagery", "无影像"
    NO_SUCH_BANDS = 3, "bands missing", "缺少所需波段"


class SensorChangeStatus(Code):
    """Whether what a change of sensor does to land that did not change could be measured."""

    MEASURED = 0, "measured in years with both sensors", "依据两种传感器重叠年份测得"
    NO_OVERLAP = (
        1,
        "no year with both: from the years before and after",
        "无重叠年份,依据前后年份测得",
    )
    TOO_FEW_PIXELS = 2, "too few pixels of unchanged land", "未变化土地像元过少"
    TOO_FEW_YEARS = 3, "too few years on one side", "一侧年份过少"
    NOT_ALIKE = 4, "both sensors do not show the same land", "两种传感器所见不一致"


class PayStatus(Code):
    """What becomes of a claim, or of a step of it, in a payment on result."""

    PAID = 1, "to be paid", "应付"
    NOTHING_MORE = 2, "paid already", "已付清"
    DUE_LATER = 3, "due in a later year", "尚未到期"
    NOT_SEEN = 4, "due, but no clear imagery of that year yet", "已到期但尚无该年清晰影像"
    NOT_SUPPORTED = 5, "not supported", "不支持"
    UNDECIDED = 6, "undecided", "尚不能判定"
    NOT_JUDGED = 7, "not judged", "未判定"
    DISPUTED = 8, "verdict disputed", "结论有异议"
    NOT_ELIGIBLE_AREA = 9, "mine outside the areas of the fund", "矿山不在资金适用地区"
    NOT_ELIGIBLE_PARTY = 10, "payee is none the fund may pay", "收款主体不在资金适用范围"
    PAID_ELSEWHERE = 11, "paid out of another fund", "已由其他资金支付"
    CEILING = 12, "ceiling of the mine reached", "已达单矿上限"
    NO_MONEY = 13, "fund used up", "资金已用尽"
    NO_PARTY = 14, "set aside: payee not in the registry", "暂存:收款主体未登记"
    CLAWBACK = 15, "to be given back", "应追回"


class PayWay(Code):
    """What money is paid for: what is proved, or completion, as claimed."""

    RESULT = 1, "on result", "按结果支付"
    PROCESS = 2, "process subsidy", "过程补助"


class StateStatus(Code):
    """Whether the state of a mine rests on anything that was seen."""

    ESTIMATED = 0, "estimated from observations", "依据观测估计"
    NOT_OBSERVED = 1, "never observed: as planned", "无观测,仅为计划值"


class ForecastStatus(Code):
    """Whether a mine has a forecast, and if not, why there is no number."""

    FORECAST = 1, "forecast from what was seen", "依据观测预测"
    NOT_MEASURED = 2, "no run has measured it", "尚未测量"
    NO_OUTLINE = 3, "no outline", "无边界"
    NO_REFERENCE = 4, "no reference ground to compare with", "无可用参照地"
    NOT_SEEN = 5, "never seen clear since it lay bare", "裸露以来无清晰观测"


class RankStatus(Code):
    """Whether a mine stands in a ranking, and if not, why."""

    RANKED = 1, "ranked", "已排序"
    LACKS_CRITERION = 2, "a criterion is missing: not ranked", "缺少指标,未排序"
    NOT_LISTED = 3, "not in the list of mines", "不在矿山名录中"


class FitStatus(Code):
    """Where the noise of a group of mines, or the pace of a mine, comes from."""

    FITTED = 0, "fitted", "已拟合"
    AT_BOUND = 1, "fitted, at the end of what was allowed", "已拟合,达允许范围端点"
    TOO_FEW = 2, "too few observations: as assumed", "观测过少,沿用假设值"


class Light(Code):
    """How a mine stands against its plan; always shown with its sign."""

    GREEN = 1, "on course", "正常", "#009E73"
    AMBER = 2, "to be watched", "关注", "#E69F00"
    RED = 3, "to be acted on", "须处置", "#D55E00"
    NOT_OBSERVED = 4, "not observed", "无观测", "#999999"

    @property
    def sign(self) -> str:
        """A shape that stands beside the colour."""
        return "●▲■○"[self.value - 1]


class Trigger(Code):
    """What sets off a second look at a mine, or a change of its plan."""

    PROBABILITY_LOW = 1, "target more likely missed than met", "达标可能性不足一半"
    PROBABILITY_MIDDLE = 2, "target not likely enough", "达标可能性偏低"
    SHORTFALL_HIGH = 3, "falls short year after year", "连续多年低于预期"
    SHORTFALL_MIDDLE = 4, "begins to fall short", "开始低于预期"
    SURPRISES = 5, "observations the forecast cannot explain", "观测与预测显著不符"
    DISPLACEMENT = 6, "ground moves faster than the limit", "地表位移速率超限"
    ANTIMONY = 7, "antimony in runoff above the limit", "径流中锑浓度超限"
    SLOPE_FAILURE = 8, "slope failed or ground not stable", "边坡失稳或地面不稳定"
    BEHIND_SCHEDULE = 9, "works behind schedule", "工程进度滞后"
    OVER_COST = 10, "works cost more than planned", "工程成本超支"


class IrrStatus(Code):
    """Whether a stream of money has one internal rate of return."""

    UNIQUE = 0, "one rate", "唯一解"
    SEVERAL_SIGNS = 1, "the sign changes more than once: roots, no return", "符号多次变化:仅为根"
    NO_ROOT = 2, "no rate", "无解"


class CashStatus(Code):
    """Whether everything due in a year could be paid."""

    BALANCED = 0, "all paid", "全部付清"
    BRIDGED = 1, "paid ahead of a reward", "垫付待奖补"
    WORKS_UNPAID = 2, "works that no source may or can pay", "工程款无来源支付"
    DEBT_UNPAID = 3, "debt service not met", "未能还本付息"


class ChangeCause(Code):
    """Why a mine has other works in a new programme than in the one before."""

    TRIGGER = 1, "its own triggers", "自身触发"
    REMEDY = 2, "remedial package", "补救措施"
    ADDED = 3, "money or a better prospect became free", "有资金或前景改善"
    POSTPONED = 4, "works moved in time", "工期调整"
    OTHER_WORKS = 5, "other works than before", "更换措施"
    DROPPED = 6, "money does more elsewhere", "资金转用他处"


class PlanStatus(Code):
    """What a programme that was solved is."""

    OPTIMAL_WITHIN_GAP = 1, "best to the gap asked for", "达到要求的最优间隙", "#009E73"
    TIME_LIMIT = 2, "best in the time given; gap not reached", "限时内最优，未达间隙", "#E69F00"
    INFEASIBLE = 3, "no plan keeps all that must hold", "必须满足的要求互相冲突", "#D55E00"
    NO_PLAN = 4, "no plan found in the time given", "限时内未找到方案", "#999999"


class Suitability(Code):
    """Whether a measure to a land use fits a mine; always shown with its sign."""

    OK = 1, "fits", "适宜", "#009E73"
    CONDITIONAL = 2, "fits on a condition", "有条件适宜", "#E69F00"
    NO = 3, "does not fit", "不适宜", "#D55E00"
    NEEDS_SURVEY = 4, "needs a survey", "须补充调查", "#56B4E9"

    @property
    def sign(self) -> str:
        """A shape that stands beside the colour."""
        return "●▲■○"[self.value - 1]


class Intervention(Code):
    """How much is done to a site; the one with less comes first."""

    NATURAL = 1, "natural recovery", "自然恢复", "#009E73"
    ASSISTED = 2, "assisted recovery", "辅助再生", "#E69F00"
    RECONSTRUCTION = 3, "ecological reconstruction", "生态重建", "#D55E00"
    NEEDS_SURVEY = 4, "needs a survey", "须补充调查", "#56B4E9"

    @property
    def sign(self) -> str:
        """A shape that stands beside the colour."""
        return "●▲■○"[self.value - 1]
