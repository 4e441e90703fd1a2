"""`reverdure paid`, `reverdure permitted`: who paid for whose damage; restoring while mining."""

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.records import Unit
from reverdure.cli.screen import area_shown, language, say, table, words
from reverdure.core.kinds import choices
from reverdure.core.units import HA_PER_UNIT, M2_PER_HA
from reverdure.finance.who_paid import LIABLE, NOT_RECORDED, OWN

_SHOWN = 8


def paid(workspace: WorkspaceOption) -> None:
    """Sum up who paid for mines of which liability. / 按责任类型汇总资金来源"""
    from reverdure.pipeline.who_paid import paid as paid_in
    from reverdure.store.workspace import Workspace

    found = paid_in(Workspace.open(workspace))
    rows = []
    for one in found:
        for source, amount in sorted(one.by_source.items()):
            rows.append([_liability(one.liability), choices("fund_source")[source][language()],
                         len(one.mines), one.currency, f"{amount:,.2f}",
                         f"{100 * amount / one.total:.1f}" if one.total else "-"])  # fmt: skip
    heads = ("liability", "source", "mines", "currency", "amount", "share")
    table([words(f"paid.{head}") for head in heads], rows, numbers_from=2)
    for one in found:
        if one.liability in LIABLE and one.public_mines:
            shown = [*one.public_mines[:_SHOWN], *["..."] * (len(one.public_mines) > _SHOWN)]
            own = one.by_source.get(OWN, 0)
            say("paid.others", liability=_liability(one.liability), count=len(one.public_mines),
                mines=", ".join(shown), amount=f"{one.total - own:,.2f}",
                currency=one.currency)  # fmt: skip
    if not found:
        say("paid.none")


def permitted(workspace: WorkspaceOption, unit: Unit = "ha") -> None:
    """Print how far mines with a permit restore while they mine. / 边开采边修复情况"""
    from reverdure.pipeline.ledger import permitted_mines
    from reverdure.store.workspace import Workspace

    shown = area_shown(unit)
    year, found = permitted_mines(Workspace.open(workspace))
    rows = []
    for one in found:
        areas = (one.permitted_m2, one.disturbed_m2, one.beyond_m2, one.restored_m2,
                 one.not_dated_m2)  # fmt: skip
        ratio = "-" if one.ratio is None else f"{100 * one.ratio:.1f}"
        rows.append([one.mine_id, *(f"{m2 / M2_PER_HA / HA_PER_UNIT[shown]:,.2f}" for m2 in areas),
                     ratio])  # fmt: skip
    heads = [f"{words(f'permitted.{head}')} ({words(f'unit.{shown}')})"
             for head in ("permitted", "disturbed", "beyond", "restored", "not_dated")]  # fmt: skip
    table([words("permitted.mine"), *heads, words("permitted.ratio")], rows)
    say("permitted.means", year=year, count=len(found))


def _liability(key: str) -> str:
    return words("paid.unknown") if key == NOT_RECORDED else choices("liability")[key][language()]
