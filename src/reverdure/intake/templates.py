"""Empty forms: a workbook with headings, drop-downs, units, and examples of what to write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reverdure.core.codes import Aim, Code, MiningMethod
from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.files import atomic
from reverdure.core.messages import LANGUAGES, message_table

_Choices = Mapping[str, Mapping[str, str]]
KINDS = ("mines", "claims", "budget")
TEMPLATE_MARK = "reverdure-template-1"
EXAMPLE_IDS = frozenset({"EXAMPLE", "示例"})
"""Ids of the example row; left out where the workbook is our form."""
_ROWS = 5000
"""Rows the drop-downs reach to."""
_AREA_UNITS = {"en": ("mu", "ha", "m2", "km2"), "zh": ("亩", "公顷", "平方米", "平方公里")}
_YES_NO = {"en": ("yes", "no"), "zh": ("是", "否")}


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the form: its key in the messages, its choices, its example.

    `words` are the choices by language; `told` is a list too long for a drop-down, or of which
    several may stand in a cell: the sheet that explains the form has it.
    """

    key: str
    example: dict[str, Any] = field(default_factory=dict)
    codes: type[Code] | None = None
    words: Mapping[str, Sequence[str]] | None = None
    told: bool = False
    as_text: bool = False


def _both(value: Any) -> dict[str, Any]:
    return {"en": value, "zh": value}


_ID = _Column("mine_id", {"en": "EXAMPLE", "zh": "示例"}, as_text=True)
_GEOMETRY = (
    _Column("lon", _both("115°12′30″"), as_text=True),
    _Column("lat", _both("27°40′05″"), as_text=True),
    _Column("geometry", _both("POLYGON ((115.2 27.6, 115.21 27.6, 115.21 27.61, 115.2 27.6))"),
            as_text=True),
)  # fmt: skip
_FORMS: dict[str, tuple[_Column, ...]] = {
    "mines": (
        _ID,
        _Column("name", {"en": "North pit", "zh": "北矿"}),
        _Column("county", {"en": "Jinping", "zh": "锦屏县"}),
        _Column("commodity", {"en": "limestone", "zh": "石灰岩"}),
        _Column("mining_method", {"en": MiningMethod.OPEN_PIT.en, "zh": MiningMethod.OPEN_PIT.zh},
                codes=MiningMethod),
        _Column("stated_area", _both(51)),
        _Column("area_unit", {"en": "mu", "zh": "亩"}, words=_AREA_UNITS),
        *_GEOMETRY,
    ),
    "claims": (
        _Column("claim_id", {"en": "EXAMPLE", "zh": "示例"}, as_text=True),
        _Column("mine_id", {"en": "M-001", "zh": "M-001"}, as_text=True),
        _Column("claimed_area", _both(30)),
        _Column("area_unit", {"en": "mu", "zh": "亩"}, words=_AREA_UNITS),
        _Column("year", _both(2019)),
        _Column("start_year", _both(2016)),
        _Column("aim", {"en": Aim.FOREST.en, "zh": Aim.FOREST.zh}, codes=Aim),
        _Column("claimant", {"en": "County bureau", "zh": "县自然资源局"}),
        _GEOMETRY[2],
    ),
    # no row of money that was not written: its examples stand on the sheet that explains
    "budget": (
        _Column("source", as_text=True), _Column("kind"), _Column("budget_year"),
        _Column("amount"), _Column("budget_county", as_text=True),
        _Column("rolls", words=_YES_NO), _Column("most_share"), _Column("reward_share"),
        _Column("owner_share"), _Column("measures", told=True), _Column("land_uses", told=True),
        _Column("price_year"),
    ),
}  # fmt: skip
_ABOUT = {
    "mines": ("example", "units", "read"),
    "claims": ("example", "units", "read"),
    "budget": ("budget_rows", "budget_match", "budget_read", "budget_examples"),
}
_PER_MILLION = {"en": 1, "zh": 100}
"""Amounts of the form are in million CNY in English, in ten thousand yuan in Chinese."""
_BUDGETS: Mapping[str, tuple[Any, ...]] = {
    "central": (40, "no", "", "", ""), "province": (8, "no", "", 0.2, ""),
    "county": (6, "yes", "", "", ""), "loan": (10, "no", "", "", ""),
    "social": (5, "no", "", "", ""), "enterprise": (3, "yes", "", "", 1),
}  # fmt: skip
"""Examples, one a kind of money: million CNY, rolls over, most, reward and owner share."""


def write_template(
    path: Path, kind: str, language: str = "en",
    choices: Mapping[str, Mapping[str, str]] | None = None,
) -> None:  # fmt: skip
    """Write an empty form that `add`, or `plan --within`, reads back.

    Parameters
    ----------
    path : Path
        .xlsx; must not be there yet.
    kind : str
        "mines", "claims" or "budget".
    language : str
        Language of headings, codes and explanations, "en" or "zh".
    choices : mapping of column to (mapping of key to words), optional
        What kind, measures and land uses of money may be, in that language; of a budget alone.

    Raises
    ------
    UnknownOption
        If kind or language is not known.
    InvalidInput
        If the file is there already, or is not called .xlsx.
    """
    if kind not in KINDS or language not in LANGUAGES:
        raise UnknownOption(
            f"no form for {kind!r} in {language!r}; use one of {', '.join(KINDS)}, en or zh."
        )
    if path.suffix.lower() != ".xlsx":
        raise InvalidInput(f"{path.name} must end in .xlsx.")
    if path.exists():
        raise InvalidInput(f"{path} is there already.", "Choose another name.")
    book = _book(kind, language, choices or {})
    with atomic(path) as temporary:
        book.save(temporary)


def _book(kind: str, language: str, given: _Choices) -> Any:
    from openpyxl import Workbook
    from openpyxl.styles import Font, PatternFill
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    book.properties.keywords = TEMPLATE_MARK
    book.properties.creator = "reverdure"
    sheet = book.active
    sheet.title = _words(f"sheet.{kind}", language)
    choices = book.create_sheet("codes")
    choices.sheet_state = "hidden"
    for place, column in enumerate(_FORMS[kind], start=1):
        letter = sheet.cell(1, place).column_letter
        sheet.cell(1, place, _words(f"heading.{column.key}", language)).font = Font(bold=True)
        if column.example:
            cell = sheet.cell(2, place, column.example[language])
            cell.font, cell.fill = Font(italic=True), PatternFill("solid", fgColor="EEEEEE")
        sheet.column_dimensions[letter].width = 18
        if column.as_text:
            for row in range(2, 500):
                sheet.cell(row, place).number_format = "@"
        allowed = _allowed(column, language, given)
        if allowed and not column.told:
            for row, word in enumerate(allowed, start=1):
                choices.cell(row, place, word)
            check = DataValidation(
                "list", formula1=f"codes!${letter}$1:${letter}${len(allowed)}",
                allow_blank=True, showErrorMessage=True,
            )  # fmt: skip
            check.error = _words("not_allowed", language)
            sheet.add_data_validation(check)
            check.add(f"{letter}2:{letter}{_ROWS}")
    sheet.freeze_panes = "A2"
    _explain(book.create_sheet(_words("sheet.about", language)), kind, language, given)
    return book


def _explain(sheet: Any, kind: str, language: str, given: _Choices) -> None:
    """A sheet that says what each column means, its unit, and what is allowed."""
    from openpyxl.styles import Alignment, Font

    rows = [[_words(f"about.{name}", language) for name in ("column", "meaning", "allowed")]]
    rows += [
        [
            _words(f"heading.{column.key}", language),
            _words(f"meaning.{column.key}", language),
            _listed(column, language, given),
        ]
        for column in _FORMS[kind]
    ]
    rows += [[_words(f"about.{name}", language)] for name in _ABOUT[kind]]
    if kind == "budget":
        rows += _budget_examples(language, given.get("kind", {}))
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for letter, width in zip("ABC", (26, 70, 60), strict=True):
        sheet.column_dimensions[letter].width = width
    for line in sheet.iter_rows():
        for cell in line:
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _budget_examples(language: str, kinds: Mapping[str, str]) -> list[list[Any]]:
    """Rows as they might be written, under their headings."""
    yes_no = dict(zip(_YES_NO["en"], _YES_NO[language], strict=True))
    rows: list[list[Any]] = [
        [_words(f"heading.{column.key}", language) for column in _FORMS["budget"][:9]]
    ]
    for kind, (amount, rolls, *shares) in _BUDGETS.items():
        name = kinds.get(kind, kind)
        written = amount * _PER_MILLION[language]
        rows.append([name, name, 2027, written, "", yes_no[rolls], *shares])
    return rows


def _listed(column: _Column, language: str, given: _Choices) -> str:
    """What a column may hold, as a list in words: what is written by its key, with its name."""
    if column.told:
        return ", ".join(f"{key} ({said})" for key, said in given.get(column.key, {}).items())
    return ", ".join(_allowed(column, language, given))


def _allowed(column: _Column, language: str, given: _Choices) -> list[str]:
    """What a column may hold, where that is a list."""
    if column.key in given:
        return list(given[column.key].values())
    if column.words is not None:
        return list(column.words[language])
    if column.codes is None:
        return []
    return [member.zh if language == "zh" else member.en for member in column.codes]


def _words(key: str, language: str) -> str:
    return message_table("intake")[f"template.{key}"][language]
