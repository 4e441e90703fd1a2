"""The example of docs/pay.md comes out of the code."""

import re
from pathlib import Path

from reverdure.core.codes import Verdict
from reverdure.finance.results import pay
from reverdure.finance.terms import Judged, Terms
from reverdure.finance.ways import of_process, of_results, on_process

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pay.md").read_text("utf-8")
ROW = re.compile(r"^\| (\w) \| ([\d.]+) ha \| ([\d.]+) ha \| ([a-z ]+) \|", re.MULTILINE)


def yuan(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def test_the_example_of_the_page_is_what_the_code_says() -> None:
    stated = re.search(r"fund of ([\d,]+) yuan pays ([\d,]+) yuan per hectare", PAGE)
    assert stated
    amount, per_ha = (int(number.replace(",", "")) * 100 for number in stated.groups())
    terms = Terms("reward-2026", "CNY", 2026, amount=amount, per_ha=per_ha)
    claims = [
        Judged(name, f"M-{name}", "", 2020 + number, float(claimed), float(low), float(low),
               Verdict.from_key(verdict.replace(" ", "_")), last_clear_year=2025, payee="P1")
        for number, (name, claimed, low, verdict) in enumerate(ROW.findall(PAGE))
    ]  # fmt: skip
    assert [one.claim_id for one in claims] == ["A", "B", "C"]
    lines, got = pay(terms, claims, {}), on_process(terms, claims, {})
    for line in lines:
        sums = f"| {yuan(line.amount)} | {yuan(got[line.claim.claim_id])} |"
        assert re.search(rf"^\| {line.claim.claim_id} \|.*{re.escape(sums)}$", PAGE, re.MULTILINE)
    result, process = of_results(terms, lines), of_process(terms, claims, got)
    assert f"| {yuan(result.money)} | {yuan(process.money)} |" in PAGE
    assert f"{result.supported_ha:g} ha | |" in PAGE
    assert f"buy {result.ha_per_10000:.4f} proved hectares" in PAGE
    assert f"they buy {process.ha_per_10000:.4f}, and {yuan(process.not_supported)} yuan" in PAGE
