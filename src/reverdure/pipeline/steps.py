"""The flow as data: which step needs what and makes what, and the version of its numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run.

    Attributes
    ----------
    id : str
    needs : tuple of str
        Products or registry tables it reads.
    makes : tuple of str
        Products it writes.
    version : int
        Raised when the numbers of the step move; part of every key and run id.
    en, zh : str
        Name shown while it runs.
    """

    id: str
    needs: tuple[str, ...]
    makes: tuple[str, ...]
    version: int
    en: str
    zh: str


REGISTRY = ("mines", "claims", "counties", "scenes", "declared", "layers", "corrections")

STEPS = (
    Step("composites", ("mines", "scenes", "declared"), ("composites",), 1,
         "yearly composites", "年度合成"),
    Step("segments", ("composites", "declared"), ("segments",), 2, "segmentation", "轨迹分段"),
    Step("fine", ("mines", "claims", "scenes"), ("fine",), 1,
         "10 m composites of small mines", "小矿山10米合成"),
    Step("measure", ("mines", "claims", "segments", "fine", "layers", "corrections"),
         ("measured",), 4, "measuring mines", "矿山测量"),
    Step("tables", ("mines", "claims", "counties", "measured", "corrections"),
         ("verdicts", "totals", "trajectories", "natural_recovery"), 2, "tables", "汇总表"),
    Step("report",
         ("verdicts", "totals", "trajectories", "natural_recovery", "composites"), ("report",), 2,
         "report", "报告"),
)  # fmt: skip

STEP_VERSIONS = {step.id: step.version for step in STEPS}
