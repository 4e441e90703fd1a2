"""Empty forms for lists: a workbook with headings, drop-downs, units and one example."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverdure.core.codes import Aim, Code, MiningMethod
from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.files import atomic
from reverdure.core.messages import LANGUAGES, message_table

KINDS = ("mines", "claims")
TEMPLATE_MARK = "reverdure-template-1"
EXAMPLE_IDS = frozenset({"EXAMPLE", "示例"})
"""Ids of the example row; left out where the workbook is our form."""
_ROWS = 5000
"""Rows the drop-downs reach to."""
_AREA_UNITS = {"en": ("mu", "ha", "m2", "km2"), "zh": ("亩", "公顷", "平方米", "平方公里")}


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the form: its key in the messages, its choices, its example."""

    key: str
    example: dict[str, Any]
    codes: type[Code] | None = None
    units: bool = False
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
        _Column("area_unit", {"en": "mu", "zh": "亩"}, units=True),
        *_GEOMETRY,
    ),
    "claims": (
        _Column("claim_id", {"en": "EXAMPLE", "zh": "示例"}, as_text=True),
        _Column("mine_id", {"en": "M-001", "zh": "M-001"}, as_text=True),
        _Column("claimed_area", _both(30)),
        _Column("area_unit", {"en": "mu", "zh": "亩"}, units=True),
        _Column("year", _both(2019)),
        _Column("start_year", _both(2016)),
        _Column("aim", {"en": Aim.FOREST.en, "zh": Aim.FOREST.zh}, codes=Aim),
        _Column("claimant", {"en": "County bureau", "zh": "县自然资源局"}),
        _GEOMETRY[2],
    ),
}  # fmt: skip


def write_template(path: Path, kind: str, language: str = "en") -> None:
    """Write an empty form that `add` reads back.

    Parameters
    ----------
    path : Path
        .xlsx; must not be there yet.
    kind : str
        "mines" or "claims".
    language : str
        Language of headings, codes and explanations, "en" or "zh".

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
    book = _book(kind, language)
    with atomic(path) as temporary:
        book.save(temporary)


def _book(kind: str, language: str) -> Any:
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
        cell = sheet.cell(2, place, column.example[language])
        cell.font, cell.fill = Font(italic=True), PatternFill("solid", fgColor="EEEEEE")
        sheet.column_dimensions[letter].width = 18
        if column.as_text:
            for row in range(2, 500):
                sheet.cell(row, place).number_format = "@"
        allowed = _allowed(column, language)
        if allowed:
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
    _explain(book.create_sheet(_words("sheet.about", language)), kind, language)
    return book


def _explain(sheet: Any, kind: str, language: str) -> None:
    """A sheet that says what each column means, its unit, and what is allowed."""
    from openpyxl.styles import Alignment, Font

    rows = [[_words(f"about.{name}", language) for name in ("column", "meaning", "allowed")]]
    rows += [
        [
            _words(f"heading.{column.key}", language),
            _words(f"meaning.{column.key}", language),
            ", ".join(_allowed(column, language)),
        ]
        for column in _FORMS[kind]
    ]
    rows += [[_words(f"about.{name}", language)] for name in ("example", "units", "read")]
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for letter, width in zip("ABC", (26, 70, 60), strict=True):
        sheet.column_dimensions[letter].width = width
    for line in sheet.iter_rows():
        for cell in line:
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _allowed(column: _Column, language: str) -> list[str]:
    """What a column may hold, where that is a list."""
    if column.units:
        return list(_AREA_UNITS[language])
    if column.codes is None:
        return []
    return [member.zh if language == "zh" else member.en for member in column.codes]


def _words(key: str, language: str) -> str:
    return message_table("intake")[f"template.{key}"][language]
