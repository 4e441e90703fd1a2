"""The form for a table of money: written, refused while it is empty, filled in and planned with."""

import csv
import io
import json
from pathlib import Path

import openpyxl
import pytest

from reverdure.intake.budgets import read_budget
from reverdure.plan.money import KINDS
from tests.flow.commands import reverdure
from tests.flow.conftest import MONEY


def write(path: Path, language: str) -> Path:
    said = reverdure("template", "budget", path, language=language).stdout
    assert f"--within {path}" in said
    return path


def within(workspace: Path, path: Path, *more: object, **how: object) -> str:
    done = reverdure("plan", "-w", workspace, "--years", "2027-2029", "--within", path, *more,
                     "--by", "Li Wei", **how)  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(("language", "unit"), [("en", 1), ("zh", 100)])
def test_a_form_filled_in_by_its_drop_downs_is_the_same_money_as_a_table(
    listed: Path, tmp_path: Path, language: str, unit: int
) -> None:
    form = write(tmp_path / "money.xlsx", language)
    book = openpyxl.load_workbook(form)
    yes, no = ("是", "否") if language == "zh" else ("yes", "no")
    for n, row in enumerate(csv.DictReader(io.StringIO(MONEY)), start=2):
        kind = KINDS[row["kind"]][language == "zh"]
        amount = float(row["amount (million CNY)"]) * unit
        rolls = yes if row["rolls"] == "yes" else no
        values = [row["source"], kind, int(row["year"]), amount, None, rolls, None,
                  row["reward share"] or None]  # fmt: skip
        for place, value in enumerate(values, start=1):
            book.worksheets[0].cell(n, place, value)
    book.save(form)
    said = within(listed, form, "--save", "form", language=language)
    assert "18" in said and ("refused 0" in said or "拒绝0行" in said)
    assert "heading not understood" not in said and "无法识别的列" not in said
    questions = [
        json.loads((listed / f"products/plans/{name}/0001/question.json").read_text("utf-8"))
        for name in ("base", "form")
    ]
    assert questions[0]["budget"] == questions[1]["budget"]


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "is empty: it has headings and no row of money"), ("zh", "尚未填写：只有表头")],
)
def test_an_untouched_form_is_refused(
    listed: Path, tmp_path: Path, language: str, said: str
) -> None:
    form = write(tmp_path / "money.xlsx", language)
    assert said in within(listed, form, language=language, expect=1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_form_offers_what_is_read_and_shows_an_example_of_every_kind(
    tmp_path: Path, language: str
) -> None:
    book = openpyxl.load_workbook(write(tmp_path / "money.xlsx", language))
    form, about = book.worksheets[0], book.worksheets[-1]
    assert form.max_row == 1 or not any(
        cell for line in form.iter_rows(min_row=2, values_only=True) for cell in line
    )
    kinds = [names[language == "zh"] for names in KINDS.values()]
    listed = {cell for line in book["codes"].iter_rows(values_only=True) for cell in line if cell}
    assert listed == {*kinds, *(("是", "否") if language == "zh" else ("yes", "no"))}
    assert len(form.data_validations.dataValidation) == 2
    told = [line for line in about.iter_rows(values_only=True) if any(line)]
    headings = [cell.value for cell in form[1]]
    place = next(n for n, line in enumerate(told) if line[:4] == tuple(headings[:4]))
    examples = told[place + 1 :]
    assert [line[1] for line in examples] == kinds
    assert "wetland" in str(told) and "photovoltaic" in str(told)
    # an example that is copied into the form is money as it stands
    for n, line in enumerate(examples, start=2):
        for column, value in enumerate(line, start=1):
            form.cell(n, column, value)
    book.save(tmp_path / "copied.xlsx")
    read = read_budget(tmp_path / "copied.xlsx")
    assert (len(read.rows), read.refused, read.unknown) == (6, (), ())
    assert read.rows[0][1]["amount"] == pytest.approx(40.0)
    assert [row["rolls"] for _, row in read.rows] == [False, False, True, False, False, True]


def test_a_form_is_never_written_over(tmp_path: Path) -> None:
    form = write(tmp_path / "money.xlsx", "en")
    assert "is there already" in reverdure("template", "budget", form, expect=1).stderr
    assert "must end in .xlsx" in reverdure("template", "budget", "b.csv", expect=1).stderr
    assert "use one of mines, claims, budget" in reverdure(
        "template", "money", tmp_path / "m.xlsx", expect=1).stderr  # fmt: skip
