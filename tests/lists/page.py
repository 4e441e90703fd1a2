"""Writes docs/lists.md from the cases that the tests hold: run it after changing one."""

from pathlib import Path

from tests.lists.cases import CASES
from tests.lists.damaged import DAMAGES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lists.md"
HEAD = (Path(__file__).parent / "page_head.txt").read_text("utf-8")
DAMAGED = """
## Damaged files

DAMAGES files, damaged on purpose. None crashes, none is read wrong in silence.

| format | damage | result |
| --- | --- | --- |
"""
POWER = "none at 100 mines, 12 at 500, all 20 at 1,000 and at 2,000"


def page() -> str:
    """The page's text."""
    head = HEAD.replace("POWER;", f"{POWER};").replace("CASES rows", f"{len(CASES)} rows")
    rows = [f"| {c.format} | {_cell(c.dialect)} | {_cell(c.tried)} | {c.result} |" for c in CASES]
    spoilt = [f"| {d.format} | {_cell(d.what)} | {d.result} |" for d in DAMAGES]
    tail = DAMAGED.replace("DAMAGES files", f"{len(DAMAGES)} files")
    return head + "\n".join(rows) + "\n" + tail + "\n".join(spoilt) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
