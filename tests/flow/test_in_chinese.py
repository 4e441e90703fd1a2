"""With --lang zh nothing on the screen is English, whatever goes wrong."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reverdure.cli.main import main
from reverdure.cli.screen import set_language
from reverdure.store.workspace import Settings, Workspace
from tests.flow.commands import reverdure

Speak = Callable[..., str]
FOREIGN = re.compile(r"（原文：.*）")
COMMANDS = re.compile(r"`?reverdure(?: [a-z]+)+|python -m reverdure(?: [a-z]+)*")
NAMES = re.compile(r"'[^']*'|/\S*")
SENTENCE = re.compile(r"[A-Za-z][a-z]*(?: [a-z]{2,}){2,}|\b(?:is|are|not|the|of|must|cannot)\b")

LIST = """mine_id,name,lon,lat,area,mining_method,WKT
A1,一号,115.1,27.1,3,open pit,"POLYGON((115.1 27.1,115.11 27.1,115.11 27.11,115.1 27.1))"
A1,一号,115.1,27.1,3,open pit,"POLYGON((115.1 27.1,115.11 27.1,115.11 27.11,115.1 27.1))"
A2,二号,115.2,27.2,-5,by magic,"POLYGON((115.2 27.2,115.3 27.3,115.3 27.2,115.2 27.3,115.2 27.2))"
A3,三号,115.3,27.3,x,open pit,POINT(115.3 27.3)
A4,四号,115.4,97.4,0,open pit,"POLYGON((115.4 97.4,115.41 97.4,115.41 97.41,115.4 97.4))"
A5,五号,115.5,27.5,7,open pit,broken
,,,,,,
A6,六号,115.6,27.6,9 li,open pit,"LINESTRING(115.6 27.6,115.61 27.61)"
合计,,,,22,,
"""
CLAIMS = """claim_id,mine_id,year,area,aim
C1,A1,2019,3,forest
C2,A9,2019,3,forest
C3,A1,soon,3,forest
C4,A1,2019,3,castle
C5,A1,2019,x,grass
C5,A1,2018,2,grass
C6,A1,2035,900,grass
"""


@pytest.fixture
def speak(capsys: pytest.CaptureFixture[str]) -> Iterator[Speak]:
    """Run a command in Chinese; what it printed."""
    argv = sys.argv

    def run(*arguments: object, expect: int = 0) -> str:
        sys.argv = ["reverdure", "--lang", "zh", *map(str, arguments)]
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        printed = capsys.readouterr()
        assert status == expect, printed
        return printed.out + printed.err

    yield run
    sys.argv = argv
    set_language("en")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty workspace and files that are wrong."""
    tmp_path = tmp_path_factory.mktemp("wrong")
    Workspace.create(tmp_path / "w", Settings())
    (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    (tmp_path / "claims.csv").write_text(CLAIMS, encoding="utf-8")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "heading.csv").write_text("mine_id,lon,lat\n")
    (tmp_path / "nothing.csv").write_text("a,b\n1,2\n")
    (tmp_path / "metres.csv").write_text("mine_id,x,y\nM1,456789,3067890\nM2,456900,3067990\n")
    (tmp_path / "page.xlsx").write_text("<html>sign in</html>")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0 old")
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 cut")
    (tmp_path / "cut.geojson").write_text('{"type": "FeatureCollection", "features": [')
    (tmp_path / "cut.tif").write_bytes(b"II*\0cut")
    (tmp_path / "map.toml").write_text("[columns]\nmine_id = 3\n")
    (tmp_path / "scenes" / "LC08_L1TP_122042_20190705_20200827_02_T1").mkdir(parents=True)
    return tmp_path


def english_of(printed: str) -> list[str]:
    """What of a text is English: not names, options, commands, nor words of other libraries."""
    for left in (FOREIGN, COMMANDS, NAMES):
        printed = left.sub("", printed)
    return SENTENCE.findall(printed)


def test_english_is_seen():
    assert english_of("错误[x]：the file is empty.")
    assert english_of("  Give both, or neither.\n Say which it is") == ["Say which it is"]
    assert english_of("错误[x]：list.csv 没有列 'the one'（原文：it is not there）。") == []


W = ("-w", "w")
BAD = [
    ((), 2),
    (("wrong",), 2),
    (("add", "mines"), 2),
    (("run", "--wrong", *W), 2),
    (("run", "-w"), 2),
    (("run", "more", "words", *W), 2),
    (("simulate", "new", "--mines", "many"), 2),
    (("show", *W, "--least", "much"), 2),
    (("correct", "year", "soon", *W, "--by", "a", "--why", "b"), 2),
    (("init", "w"), 1),
    (("init", "new", "--season", "summer"), 1),
    (("init", "new", "--season", "13-01:14-01"), 1),
    (("run", "-w", "scenes"), 1),
    (("run", *W), 1),
    (("run", *W, "--only", "M1"), 1),
    (("rsei", *W), 1),
    (("explain", "M1", *W), 1),
    (("show", *W, "--since", "x"), 1),
    (("show", *W, "--changes"), 1),
    (("show", *W, "--unit", "li"), 1),
    (("template", "trees", "form.xlsx"), 1),
    (("template", "mines", "form.csv"), 1),
    (("simulate", "w"), 1),
    (("simulate", "new", "--mines", "0"), 1),
    (("simulate", "new", "--years", "1"), 1),
    (("simulate", "new", "--world", "0"), 1),
    (("field", "plan", *W, "--out", "f.gpkg", "--within", "5", "--plots", "9"), 1),
    (("field", "plan", *W, "--out", "f.txt"), 1),
    (("field", "plan", *W, "--out", "f.gpkg"), 1),
    (("field", "result", *W), 1),
    (("correct", "year", "2019", *W, "--by", "a", "--why", "b"), 1),
    (("correct", "year", "2019", *W, "--by", "", "--why", "b", "--everywhere"), 1),
    (("correct", "year", "2019", *W, "--by", "a", "--why", "b", "--mine", "M9"), 1),
    (("correct", "outline", "M9", "list.csv", *W, "--by", "a", "--why", "b"), 1),
    (("correct", "dispute", "C9", *W, "--by", "a", "--why", "b"), 1),
    (("correct", "settle", "3", "--as", "perhaps", *W, "--by", "a", "--why", "b"), 1),
    (("correct", "withdraw", "3", *W, "--by", "a", "--why", "b"), 1),
    (("add", "mines", "absent.csv", *W), 1),
    (("add", "mines", "empty.csv", *W), 1),
    (("add", "mines", "heading.csv", *W), 1),
    (("add", "mines", "nothing.csv", *W), 1),
    (("add", "mines", "metres.csv", *W), 1),
    (("add", "mines", "page.xlsx", *W), 1),
    (("add", "mines", "old.xls", *W), 1),
    (("add", "mines", "cut.zip", *W), 1),
    (("add", "mines", "cut.geojson", *W), 1),
    (("add", "mines", "scenes", *W), 1),
    (("add", "mines", "list.csv", *W, "--map", "mine_id"), 1),
    (("add", "mines", "list.csv", *W, "--map", "mine_id=none"), 1),
    (("add", "mines", "list.csv", *W, "--map", "soil=none"), 1),
    (("add", "mines", "list.csv", *W, "--map", "map.toml"), 1),
    (("add", "mines", "list.csv", *W, "--area-unit", "li"), 1),
    (("add", "mines", "list.csv", *W, "--crs", "mars"), 1),
    (("add", "mines", "list.csv", *W, "--crs", "cgcs2000:38", "--shift", "1"), 1),
    (("add", "mines", "list.csv", *W, "--datum", "mars"), 1),
    (("add", "mines", "list.csv", *W, "--encoding", "none"), 1),
    (("add", "mines", "list.csv", *W, "--remove-gone"), 1),
    (("add", "claims", "heading.csv", *W), 1),
    (("add", "claims", "nothing.csv", *W), 1),
    (("add", "counties", "list.csv", *W), 1),
    (("add", "layer", "cut.tif", *W, "--as", "elevation"), 1),
    (("add", "layer", "cut.tif", *W, "--as", "music"), 1),
    (("add", "composites", "cut.tif", *W), 1),
    (("add", "composites", "cut.tif", *W, "--index", "music"), 1),
    (("add", "composites", "cut.tif", *W, "--bands", "red,music"), 1),
    (("add", "composites", "cut.tif", *W, "--index", "nbr"), 1),
    (("add", "composites", "list.csv", *W, "--index", "nbr"), 1),
    (("add", "composites", "cut.tif", *W, "--index", "nbr", "--scale", "-1"), 1),
    (("add", "composites", "cut.tif", *W, "--index", "nbr", "--years", "soon"), 1),
    (("add", "composites", "cut.tif", *W, "--index", "nbr", "--years", "2019-2001"), 1),
    (("add", "scenes", "absent", *W), 1),
    (("add", "scenes", "scenes", *W), 1),
    (("add", "scenes", "scenes", *W, "--years", "2019"), 1),
    (("add", "scenes", "https://localhost/x", *W), 1),
    (("add", "scenes", "ftp://a/x", *W, "--collection", "c", "--years", "2019"), 1),
    (("add", "scenes", "https://u:p@a.example/x", *W, "--collection", "c", "--years", "2019"), 1),
    (("add", "scenes", "https://a.example/x", *W, "--collection", "c", "--years", "2019"), 1),
    (("add", "scenes", "https://a.example/x", *W, "--collection", "c", "--years", "2019",
      "--sign", "nobody"), 1),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "status"), BAD, ids=lambda value: str(value)[1:-1])
def test_what_goes_wrong_is_told_in_chinese(speak, place, monkeypatch, arguments, status):
    monkeypatch.chdir(place)
    printed = speak(*arguments, expect=status)
    assert re.search(r"[\u4e00-\u9fff]", printed)
    assert english_of(printed) == []


def test_rows_that_are_refused_are_told_in_chinese(speak, place, monkeypatch):
    monkeypatch.chdir(place)
    speak("init", "rows")
    printed = speak("add", "mines", "list.csv", "-w", "rows")
    assert "拒绝" in printed
    assert english_of(printed) == []
    printed = speak("add", "claims", "claims.csv", "-w", "rows", "--area-unit", "mu")
    assert "拒绝" in printed
    assert english_of(printed) == []


def pages(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from pages(inner, (*path, name))


def test_every_help_page_is_in_chinese_and_names_every_option(speak):
    import typer.main

    from reverdure.cli.main import app

    tree = typer.main.get_command(app)
    for path in pages(tree):
        printed = speak(*path, "--help")
        command = tree
        for name in path:
            command = command.commands[name]
        assert english_of(printed) == []
        assert all(name in printed for option in command.params for name in option.opts)
        empty = [line for line in printed.splitlines() if re.fullmatch(r"\s+", line)]
        assert empty == [], f"{path}: an option without its Chinese"


def test_the_language_may_be_said_after_the_command(tmp_path):
    printed = reverdure("init", tmp_path / "w", "--lang", "zh").stdout
    assert printed
    assert english_of(printed) == []
    assert english_of(reverdure("show", "-w", tmp_path / "w").stdout)
    refused = reverdure("show", "-w", tmp_path / "w", "--lang", expect=2)
    assert "No such option" in refused.stderr
