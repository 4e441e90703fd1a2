"""docs/suitability.md shows the rules as they are; run as a script, writes them again."""

from pathlib import Path

from reverdure.plan.measures import catalogue
from reverdure.plan.site_rules import site_rules
from reverdure.plan.site_words import factor_words, limits

PAGE = Path(__file__).parents[2] / "docs" / "suitability.md"
BEGIN = "<!-- rules: written by tests/plan/test_suitability_page.py -->\n"
END = "<!-- end of rules -->"


def table() -> str:
    known = catalogue()
    lines = ["| factor | of | limits | status |", "|---|---|---|---|"]
    for rule in site_rules().rules:
        names = [known.measures[one].en for one in rule.measures]
        uses = [known.land_uses[one].en for one in rule.land_uses]
        of = " to ".join(", ".join(part) for part in (names, uses) if part)
        lines.append(
            f"| {factor_words(rule.factor, 'en')} | {of} | {limits(rule, 'en')} | {rule.status} |"
        )
    return "\n" + "\n".join(lines) + "\n\n"


def written(page: str) -> str:
    before, rest = page.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


def test_the_page_shows_the_rules_as_they_are() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "run this file as a script"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
