"""Reported figures: the golden sums of the three cases, and what is refused.

Figures and the sums worked out of them: DOMAIN 1E, after the news reports that the cases
name as their sources.
"""

import json

import pytest

from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.registry.statements import Case, amounts, case_names, metrics, read_case


@pytest.mark.parametrize(
    ("case", "name", "value", "unit"),
    [
        ("jiangxi", "share-by-count", 68.50, "%"),
        ("jiangxi", "share-by-land", 67.86, "%"),
        ("jiangxi", "stock-land", 34_953.33, "ha"),
        ("jiangxi", "restored-land", 23_720.00, "ha"),
        ("jiangxi", "mines-left", 3_230.00, "count"),
        ("jiangxi", "land-left", 168_500 / 15, "ha"),
        ("jiangxi", "land-a-mine", 3.41, "ha/count"),
        ("jiangxi", "credit-drawn", 70.06, "%"),
        ("jiangxi", "loan-a-mine", 7_014_742.01, "CNY/count"),
        ("jiangxi", "pilot-cost", 966_666.67, "CNY/ha"),
        ("hunan", "fulfilment", 154.97, "%"),
        ("hunan", "beyond", 3_298.00, "ha"),
        ("xikuangshan", "land", 347.00, "ha"),
        ("xikuangshan", "cost", 864_553.31, "CNY/ha"),
        ("xikuangshan", "rate", 7.042, "CNY/USD"),
    ],
)
def test_sums_of_the_sources(case, name, value, unit):
    amount = amounts(read_case(case))[name]
    assert amount.value == pytest.approx(value, abs=0.005 if unit != "CNY/USD" else 0.0005)
    assert amount.unit == unit


def test_cost_is_also_by_the_mu_and_bounds_are_kept():
    jiangxi, xikuangshan = amounts(read_case("jiangxi")), amounts(read_case("xikuangshan"))
    assert round(jiangxi["pilot-cost"].per_mu) == 64_444
    assert jiangxi["share-by-count"].bound == "exact"
    assert jiangxi["share-by-land"].bound == "about"
    assert xikuangshan["cost"].bound == "at_most"


@pytest.mark.parametrize("name", ["jiangxi", "hunan", "xikuangshan"])
def test_every_figure_names_its_source_and_place_in_both_languages(name):
    case = read_case(name)
    for one in (*case.units, *case.sources, *case.statements, *case.sums, *case.questions):
        assert one.en
        assert one.zh
        assert one.en != one.zh
    assert {one.metric for one in case.statements} <= set(metrics())
    assert Case.from_dict(case.to_dict()) == case


def test_level_and_type_of_a_place_are_two_things():
    places = {one.code: one for one in read_case("xikuangshan").units}
    assert (places["431381"].level, places["431381"].type) == ("county", "county-level city")
    assert places["431381"].within == "431300"


def test_a_case_that_does_not_exist_is_refused_with_those_that_do():
    assert case_names() == ["hunan", "jiangxi", "xikuangshan"]
    with pytest.raises(UnknownOption, match="hunan, jiangxi, xikuangshan"):
        read_case("../jiangxi")


def changed(**changes: object) -> dict[str, object]:
    plain = json.loads(json.dumps(read_case("hunan").to_dict()))
    for path, value in changes.items():
        table, place, name = path.split("__")
        plain[table][int(place)][name] = value
    return plain


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"statements__0__unit": "CNY"}, "unit: 'CNY'"),
        ({"statements__0__unit_code": "999999"}, "unit_code: '999999'"),
        ({"statements__0__source_id": "hearsay"}, "source_id: 'hearsay'"),
        ({"statements__0__metric": "happiness"}, "metric: 'happiness'"),
        ({"statements__0__statement_id": "restored"}, "stands twice"),
        ({"statements__0__value": 0}, "divides by 'target'"),
        ({"sums__0__of": ["restored", "beyond"]}, "not stated before"),
        ({"sums__0__of": ["restored"]}, "expected 2"),
        ({"sums__0__kind": "guess"}, "'guess'"),
        ({"questions__0__about": ["nothing"]}, "about: 'nothing'"),
        ({"units__0__within": "100000"}, "within: '100000'"),
        ({"statements__0__bound": "surely"}, "bound: 'surely'"),
    ],
)
def test_a_case_that_contradicts_itself_is_refused(changes, seen):
    with pytest.raises(InvalidInput, match=seen):
        Case.from_dict(changed(**changes))


def test_two_currencies_or_two_kinds_in_one_sum_are_refused():
    plain = json.loads(json.dumps(read_case("xikuangshan").to_dict()))
    plain["sums"][0]["of"] = ["investment", "investment-usd"]
    with pytest.raises(InvalidInput, match="mixes CNY and USD"):
        Case.from_dict(plain)
    plain["sums"][0]["of"] = ["forest", "investment"]
    with pytest.raises(InvalidInput, match="mixes ha and CNY"):
        Case.from_dict(plain)
    plain["sums"][0] |= {"kind": "ratio", "of": ["forest", "farmland"]}
    with pytest.raises(InvalidInput, match="is a share"):
        Case.from_dict(plain)


def test_a_figure_that_is_no_number_is_refused():
    with pytest.raises(InvalidInput, match="value"):
        Case.from_dict(changed(statements__0__value=float("nan")))
