"""Error matrix and adjusted areas against published figures and known populations."""

import numpy as np
import pytest

from reverdure.core.errors import InvalidInput
from reverdure.recovery.error_matrix import StratifiedSample, adjusted_area, error_matrix

# Olofsson et al. 2014, Remote Sens. Environ. 148:42-57, doi:10.1016/j.rse.2014.02.015,
# section 5.2, tables 8 and 9: 10,000,000 ha; deforestation, forest gain, stable forest,
# stable non-forest
CLASSES = ("1 deforestation", "2 gain", "3 forest", "4 non-forest")
COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
SHARES = (0.020, 0.015, 0.320, 0.645)
TOTAL_HA = 10_000_000


def plots(counts=COUNTS):
    rows, columns = np.nonzero(counts)
    times = counts[rows, columns]
    return (
        [CLASSES[i] for i in np.repeat(rows, times)],
        [CLASSES[j] for j in np.repeat(columns, times)],
    )


@pytest.fixture(scope="module")
def published():
    mapped, found = plots()
    areas = {name: share * TOTAL_HA for name, share in zip(CLASSES, SHARES, strict=True)}
    return error_matrix(mapped, found, mapped, areas)


def test_the_published_matrix_comes_back(published):
    assert published.classes == CLASSES
    assert np.array_equal(published.counts, COUNTS)
    assert published.counts.sum() == 640
    # table 9, shares of the area
    expected = [[0.0176, 0, 0.0013, 0.0011], [0, 0.0110, 0.0016, 0.0024],
                [0.0019, 0, 0.2967, 0.0213], [0.0040, 0.0020, 0.0179, 0.6212]]  # fmt: skip
    assert np.round(published.proportions, 4) == pytest.approx(np.array(expected), abs=1e-9)
    assert published.proportions.sum() == pytest.approx(1)


def test_the_published_area_of_deforestation_comes_back(published):
    # section 5.2.2: 235,086 +- 68,418 ha
    deforested = published.area_ha[0]
    assert round(deforested.value) == 235_086
    # 1.96 in the paper, 1.95996 here
    assert (deforested.high - deforested.value) * 1.96 / 1.959964 == pytest.approx(68_418, abs=1)
    assert round(deforested.se) == 34_907


def test_the_published_accuracies_come_back(published):
    # section 5.2.3, with 1.96 standard errors
    def rounded(estimates):
        return [(round(e.value, 2), round(1.96 * e.se, 2)) for e in estimates]

    assert rounded([published.overall]) == [(0.95, 0.02)]
    assert rounded(published.users) == [(0.88, 0.07), (0.73, 0.10), (0.93, 0.04), (0.96, 0.02)]
    values = [round(estimate.value, 2) for estimate in published.producers]
    assert values == [0.75, 0.85, 0.93, 0.96]
    # the paper prints 0.23 for gain and 0.01 for non-forest, which its own equation 7 does
    # not give (0.25, 0.02: see the next test); the other two it does
    errors = [spread for _, spread in rounded(published.producers)]
    assert [errors[0], errors[2]] == [0.21, 0.03]


def test_the_other_published_areas_come_back(published):
    # section 5.2.2, in pixels of 30 m there: 11,686, 285,770 and 581,386 ha of 900,000 ha
    found = [round(estimate.value * 0.09) for estimate in published.area_ha]
    assert found == [21_158, 11_686, 285_770, 581_386]


def test_strata_that_are_not_the_map_classes_as_published():
    # Stehman 2014, Int. J. Remote Sens. 35:4923-4939, doi:10.1080/01431161.2014.930207,
    # table 2 and pages 4932 to 4936
    strata = list("A" * 10 + "B" * 10 + "C" * 10 + "D" * 10)
    mapped = list("A" * 7 + "B" * 3 + "A" + "B" * 11 + "C" * 6 + "BB" + "D" * 10)
    found = list("AAAAACBABCA" + "BBBBB" + "AABB" + "CCCCC" + "DDBBA" + "DDDDDDD" + "CCB")
    areas = {"A": 40_000.0, "B": 30_000.0, "C": 20_000.0, "D": 10_000.0}
    matrix = error_matrix(mapped, found, strata, areas)
    a, b, c = (matrix.classes.index(name) for name in "ABC")
    seen = [matrix.area_ha[a], matrix.area_ha[c], matrix.overall, matrix.users[b],
            matrix.producers[b]]  # fmt: skip
    scale = [1e5, 1e5, 1, 1, 1]
    values = [one.value / by for one, by in zip(seen, scale, strict=True)]
    errors = [one.se / by for one, by in zip(seen, scale, strict=True)]
    assert values == pytest.approx([0.35, 0.20, 0.63, 0.574, 0.794], abs=5e-4)
    assert errors == pytest.approx([0.082, 0.064, 0.085, 0.125, 0.116], abs=6e-4)
    assert matrix.proportions[b, c] == pytest.approx(0.08)


def test_producers_error_is_equation_7_written_out(published):
    n = COUNTS.sum(axis=1)
    areas = np.array(SHARES) * TOTAL_HA
    q = COUNTS / n[:, None]
    for j in range(4):
        total = float(areas @ q[:, j])
        p = areas[j] * q[j, j] / total
        others = [i for i in range(4) if i != j]
        variance = (
            areas[j] ** 2 * (1 - p) ** 2 * q[j, j] * (1 - q[j, j]) / (n[j] - 1)
            + p**2 * sum(areas[i] ** 2 * q[i, j] * (1 - q[i, j]) / (n[i] - 1) for i in others)
        ) / total**2
        assert published.producers[j].se == pytest.approx(np.sqrt(variance))


def test_a_class_split_into_two_strata_is_weighted_by_their_areas():
    mapped = ["yes"] * 8
    found = ["yes", "yes", "no", "no"] + ["yes"] * 3 + ["no"]
    split = error_matrix(mapped, found, list("aaaabbbb"), {"a": 90.0, "b": 10.0})
    yes = split.classes.index("yes")
    assert split.users[yes].value == pytest.approx(0.9 * 0.5 + 0.1 * 0.75)
    assert split.area_ha[yes].value == pytest.approx(52.5)


@pytest.mark.parametrize(
    ("stratum", "area", "words"),
    [("aab", {"a": 1.0, "b": 1.0}, "has 1 plots"), ("aac", {"a": 1.0}, "no area"),
     ("aaa", {"a": 1.0, "b": 1.0}, "has 0 plots")],
)  # fmt: skip
def test_a_stratum_without_plots_or_area_is_refused(stratum, area, words):
    with pytest.raises(InvalidInput, match=words):
        error_matrix(["x"] * 3, ["x"] * 3, list(stratum), area)


def test_a_class_nobody_mapped_has_no_users_accuracy():
    found = error_matrix(["a"] * 4, list("aabb"), ["1"] * 4, {"1": 1.0})
    assert np.isnan(found.users[1].value)
    assert found.producers[1].value == 0


def test_the_interval_of_the_area_covers_as_often_as_it_says():
    areas, truth = np.array([40.0, 25.0, 35.0]), np.array([0.97, 0.55, 0.06])
    n = np.array([12, 12, 12])
    names = np.repeat(["a", "b", "c"], n)
    sample = StratifiedSample.of(list(names), dict(zip("abc", areas, strict=True)))
    rng = np.random.default_rng(3)
    true_ha, covered, normal, values = float(areas @ truth), 0, 0, []
    for seed in range(400):
        y = (rng.random(36) < np.repeat(truth, n)).astype(float)
        found = adjusted_area(y, np.ones(36, bool), sample, areas, seed=seed)
        covered += found.low <= true_ha <= found.high
        normal += abs(found.value - true_ha) <= 1.96 * found.se
        values.append(found.value)
    assert abs(np.mean(values) - true_ha) < 3 * np.std(values) / 20
    assert 0.94 <= covered / 400 <= 1.0
    assert covered >= normal


def test_a_part_is_estimated_against_its_known_area():
    rng = np.random.default_rng(5)
    names = np.repeat(["a", "b"], 200)
    sample = StratifiedSample.of(list(names), {"a": 60.0, "b": 40.0})
    values = []
    for _ in range(200):
        inside = rng.random(400) < 0.3
        y = (rng.random(400) < np.where(inside, 0.8, 0.1)).astype(float)
        values.append(adjusted_area(y, inside, sample, np.array([18.0, 12.0])).value)
    assert np.mean(values) == pytest.approx(0.8 * 30, abs=0.3)
