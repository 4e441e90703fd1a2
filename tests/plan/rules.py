"""The rules of a programme, checked over the tables of a plan; shares nothing with the model.

Everything is told again from the table of measures and what was asked: plain Python, no arrays.
"""

import math
import tomllib
from importlib import resources

LOOSE = 1e-5


def broken(plan, asked):
    """What a plan breaks, in words; [] for one that keeps every rule."""
    tree = tomllib.loads(
        resources.files("reverdure.plan").joinpath("data/measures.toml").read_text("utf-8")
    )
    works = plan.works.to_dict("records")
    mines = {str(m): n for n, m in enumerate(asked.mines.ids)}
    return [
        *_starts(works, tree, asked), *_payments(plan, works, tree, asked, mines),
        *_budgets(plan, asked), *_shares(plan, works, tree, asked, mines),
        *_targets(plan, works, asked), *_capacities(works, tree, asked),
    ]  # fmt: skip


def _profile(measure, tree):
    years = {}
    whole = sum(c["cny_per_unit"] for c in tree["measures"][measure]["costs"])
    for cost in tree["measures"][measure]["costs"]:
        stage = next(s for s in tree["measures"][measure]["stages"] if s["id"] == cost["stage"])
        for year in range(stage["first"], stage["first"] + stage["years"]):
            years[year] = years.get(year, 0) + cost["cny_per_unit"] / stage["years"] / whole
    return years


def _starts(works, tree, asked):
    seen = set()
    for work in works:
        slot = tree["measures"][work["measure"]]["slot"]
        if (work["mine_id"], slot) in seen:
            yield f"{work['mine_id']} begins twice"
        seen.add((work["mine_id"], slot))
        ends = [s["first"] + s["years"] for s in tree["measures"][work["measure"]]["stages"]
                if s["id"] not in ("aftercare", "operation")]  # fmt: skip
        if work["finish"] != work["start"] + max(ends) - 1:
            yield f"{work['mine_id']} is finished in the wrong year"
        if work["start"] < asked.years[0] or work["finish"] > asked.years[-1]:
            yield f"{work['mine_id']} lies outside the years"


def _spent(works, tree, asked):
    spent = {}
    for work in works:
        for offset, share in _profile(work["measure"], tree).items():
            year = work["start"] + offset
            if year <= asked.years[-1]:
                key = (work["county"], year)
                spent[key] = spent.get(key, 0) + share * work["cost_mcny"]
    return spent


def _payments(plan, works, tree, asked, mines):
    paid = {}
    for row in plan.money.to_dict("records"):
        key = (row["county"], row["year"])
        paid[key] = paid.get(key, 0) + row["paid_mcny"]
    spent = _spent(works, tree, asked)
    for key in {*paid, *spent}:
        if not math.isclose(paid.get(key, 0), spent.get(key, 0), abs_tol=LOOSE, rel_tol=1e-6):
            yield f"{key}: works cost {spent.get(key, 0)}, {paid.get(key, 0)} is paid"
    # public money never reaches the mines of liable owners
    for key, _ in spent.items():
        public = sum(r["paid_mcny"] for r in plan.money.to_dict("records")
                     if (r["county"], r["year"]) == key
                     and r["kind"] in ("central", "province", "county"))  # fmt: skip
        free = sum(
            share * w["cost_mcny"]
            for w in works if not asked.mines.has_owner[mines[w["mine_id"]]]
            for offset, share in _profile(w["measure"], tree).items()
            if (w["county"], w["start"] + offset) == key
        )  # fmt: skip
        if public > free + LOOSE:
            yield f"{key}: {public} of public money for {free} of works without owners"


def _budgets(plan, asked):
    for source in asked.sources:
        for county in source.budget if source.by_county else [""]:
            table = source.budget[county] if county else source.budget
            left = 0.0
            for year in asked.years:
                paid = sum(r["paid_mcny"] for r in plan.money.to_dict("records")
                           if r["source"] == source.id and r["year"] == year
                           and county in ("", r["county"]))  # fmt: skip
                there = table[year] * asked.factors.get("budget", 1.0) + left
                if paid > there + LOOSE:
                    yield f"{source.id} pays {paid} of {there} in {year}"
                left = there - paid if source.rolls else 0.0


def _shares(plan, works, tree, asked, mines):
    rows = plan.money.to_dict("records")
    for source in asked.sources:
        for county in sorted({w["county"] for w in works}):
            for year in asked.years:
                here = [r for r in rows if (r["county"], r["year"]) == (county, year)]
                paid = sum(r["paid_mcny"] for r in here if r["source"] == source.id)
                whole = sum(r["paid_mcny"] for r in here)
                if paid > source.most_share * whole + LOOSE:
                    yield f"{source.id} pays {paid} of {whole} in {county}, {year}"
                if source.reward_share is not None:
                    so_far = sum(r["paid_mcny"] for r in rows if r["source"] == source.id
                                 and r["county"] == county and r["year"] <= year)  # fmt: skip
                    done = sum(w["cost_mcny"] for w in works
                               if w["county"] == county and w["finish"] < year)  # fmt: skip
                    if so_far > source.reward_share * done + LOOSE:
                        yield f"{source.id} rewards {so_far} for {done} in {county}, {year}"
                if source.kind in ("loan", "social") and paid > LOOSE:
                    earning = sum(
                        share * w["cost_mcny"] for w in works if w["county"] == county
                        and w["land_use"]
                        and tree["land_uses"][w["land_use"]]["revenue_cny_per_ha_year"] > 0
                        for offset, share in _profile(w["measure"], tree).items()
                        if w["start"] + offset == year
                    )  # fmt: skip
                    if paid > earning + LOOSE:
                        yield f"{source.id} lends {paid} for {earning} in {county}, {year}"


def _targets(plan, works, asked):
    from reverdure.plan.requirements import Target

    short = {r["en"]: r["amount"] for r in plan.shortfalls.to_dict("records")}
    for target in asked.requirements:
        if not isinstance(target, Target) or target.quantity.id not in (
            "restored_ha",
            "restored_mines",
        ):
            continue
        counted = [
            w for w in works
            if w["land_use"] and w["finish"] <= (target.by or asked.years[-1])
            and (target.county in (None, w["county"]))
            and (target.land_use in (None, w["land_use"]))
            and (target.measure in (None, w["measure"]))
            and (target.mines is None or w["mine_id"] in target.mines)
        ]  # fmt: skip
        area = target.quantity.id == "restored_ha"
        reached = sum(w["area_ha"] if area else 1 for w in counted)
        told = sum(v for k, v in short.items() if k.endswith(target.words(asked.measures)[0]))
        if target.sense == "at_least" and reached + told < target.amount - LOOSE:
            yield f"{target.id}: {reached} reached, {told} told as missing"
        if target.sense == "at_most" and reached > target.amount + LOOSE:
            yield f"{target.id}: {reached} reached"


def _capacities(works, tree, asked):
    from reverdure.plan.requirements import Capacity

    for limit in asked.requirements:
        if not isinstance(limit, Capacity):
            continue
        for place, most in limit.by_place(asked.mines).items():
            for year in asked.years:
                used = 0.0
                for work in works:
                    if work[limit.per] != place:
                        continue
                    measure = tree["measures"][work["measure"]]
                    stages = {c["stage"] for c in measure["costs"]} - {"aftercare", "operation"}
                    costs = {s: sum(c["cny_per_unit"] for c in measure["costs"] if c["stage"] == s)
                             for s in stages}  # fmt: skip
                    for stage in measure["stages"]:
                        if stage["id"] in stages and (
                            0 <= year - work["start"] - stage["first"] < stage["years"]
                        ):
                            part = costs[stage["id"]] / stage["years"] / sum(costs.values())
                            used += part * work["units"] * measure["per_unit"][limit.resource.id]
                if used > most + LOOSE:
                    yield f"{place} {year}: {used} of {limit.resource.id}, {most} is there"
