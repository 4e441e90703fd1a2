"""`reverdure fit`: which measures fit a mine, rule by rule; the shortlist of all mines."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.records import PageOption
from reverdure.cli.screen import area_shown, language, say, say_page, table, words
from reverdure.core.codes import Intervention, Suitability
from reverdure.core.errors import UnknownOption
from reverdure.core.units import MU_PER_HA

if TYPE_CHECKING:
    from reverdure.pipeline.fit import Basis, Shortlist

_MOST_MISSING = 6


def fit(
    workspace: WorkspaceOption,
    mine: Annotated[
        str, typer.Argument(help="Mine; all if not given. / 矿山编号,不给则为全部")
    ] = "",
    county: Annotated[
        str, typer.Option(help="County, by name or code; all if not given. / 县名或代码")
    ] = "",
    unit: Annotated[str, typer.Option(help="ha or mu. / 公顷或亩")] = "ha",
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write every mine here. / 另存为CSV")
    ] = None,
    page: PageOption = 1,
) -> None:
    """Print which measures fit a mine and why, or a shortlist of all. / 修复措施适宜性"""
    from reverdure.pipeline.fit import shortlist, write_csv
    from reverdure.store.workspace import Workspace

    shown = area_shown(unit)
    if mine and county:
        raise UnknownOption("a mine lies in one county; give a mine or --county, not both.")
    found = shortlist(Workspace.open(workspace), county, mine)
    if mine:
        _print_mine(found, mine, shown)
    else:
        _print_all(found, page, shown)
    say("fit.assumed")
    if csv is not None:
        write_csv(csv, found, language())
        say("fit.written", path=csv, mines=len(found.mines))


def _print_mine(found: "Shortlist", mine: str, unit: str) -> None:
    """What is known, the decision, and each package with its rules."""
    from reverdure.plan.site_words import factor_words, value_words

    row = found.mines.loc[mine]
    say("fit.mine", mine=mine, name=row["name"] or "-", county=row["county"],
        commodity=row["commodity"] or words("fit.not_stated"),
        area=_area(row["area_ha"], unit), unit=words(f"unit.{unit}"))  # fmt: skip
    say("fit.known")
    sites = found.fits.sites
    known = [name for (of, name) in found.basis if of == mine]
    for name in known:
        value = value_words(name, sites.values[name][0], language())
        typer.echo(f"  {factor_words(name, language())} {value} - "
                   f"{_basis(found.basis[mine, name])}")  # fmt: skip
    if not known:
        say("fit.nothing_known")
    _print_decision(found)
    rules = found.fits.why(mine)
    for _, one in found.fits.table([mine]).iterrows():
        verdict = Suitability.from_key(one["verdict"])
        package = _package(found, one["measure"], one["land_use"])
        say("fit.package", sign=verdict.sign, package=package, verdict=verdict.label(language()),
            chosen=words("fit.chosen") if one["chosen"] else "")  # fmt: skip
        if one[f"conditions_{language()}"]:
            say("fit.condition", said=one[f"conditions_{language()}"])
        here = rules[(rules["measure"] == one["measure"]) & (rules["land_use"] == one["land_use"])]
        for _, rule in here.iterrows():
            sign = Suitability.from_key(rule["verdict"]).sign
            typer.echo(f"    {sign} {rule[language()]} [{words('fit.' + _status(rule['status']))}]")
    for note in dict.fromkeys(found.fits.table([mine])[f"notes_{language()}"]):
        if note:
            say("fit.note", said=note)


def _print_decision(found: "Shortlist") -> None:
    from reverdure.plan.site_words import factor_words

    decision = found.fits.decision.table().iloc[0]
    label = {name: Intervention.from_key(decision[name]).label(language())
             for name in ("degradation", "need", "way")}  # fmt: skip
    factors = [factor_words(one, language()) for one in decision["factor"].split(";") if one]
    say("fit.decision", factors=", ".join(factors) or "-", **label)


def _print_all(found: "Shortlist", page: int, unit: str) -> None:
    from reverdure.pipeline.fit import PAGE
    from reverdure.plan.site_words import factor_words

    ids = found.page(page)
    packages = found.fits.table(ids)
    ways = found.fits.decision.table().set_index("mine_id")["way"]
    rows = []
    for mine in ids:
        of = packages[packages["mine_id"] == mine]
        count = of["verdict"].value_counts()
        way = Intervention.from_key(ways[mine])
        best = [_package(found, m, u) for m, u in of[of["chosen"]][["measure", "land_use"]].values]
        rows.append([mine, found.mines.loc[mine, "county"],
                     f"{way.sign} {way.label(language())}", "; ".join(best) or "-",
                     _area(found.mines.loc[mine, "area_ha"], unit),
                     *(int(count.get(code.key, 0)) for code in Suitability)])  # fmt: skip
    headings = [words(f"fit.{name}") for name in ("of_mine", "of_county", "way", "best")]
    headings += [words(f"unit.{unit}")]
    headings += [code.sign for code in Suitability]
    table(headings, rows, numbers_from=4)
    typer.echo("  ".join(f"{code.sign} {code.label(language())}" for code in Suitability))
    say_page(page, len(found.mines), PAGE)
    say("fit.to_survey", mines=len(found.survey), all=len(found.mines))
    for factor, mines in found.missing_most()[:_MOST_MISSING]:
        say("fit.missing", factor=factor_words(factor, language()), mines=mines)


def _package(found: "Shortlist", measure: str, land_use: str) -> str:
    names = found.measures.measures[measure], found.measures.land_uses[land_use]
    return " > ".join(one.zh if language() == "zh" else one.en for one in names)


def _basis(basis: "Basis") -> str:
    if basis.source == "elevation":
        return words("fit.from_elevation", file=basis.id, mean=f"{basis.mean:.1f}")
    return words("fit.from_survey", id=basis.id, date=basis.date, said=basis.said)


def _status(status: str) -> str:
    return status.replace(" ", "_")


def _area(area_ha: float, unit: str) -> str:
    if math.isnan(area_ha):
        return "-"
    return f"{area_ha * (MU_PER_HA if unit == 'mu' else 1):,.2f}"
