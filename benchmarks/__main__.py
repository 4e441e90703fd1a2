"""Run every benchmark, or the ones named, and keep the figures: `python -m benchmarks`."""

import importlib
import json
import os
import pkgutil
import platform
import subprocess
import sys
from pathlib import Path

from reverdure.kernels import warm_up
from reverdure.pipeline.steps import STEP_VERSIONS

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


def subjects() -> list[str]:
    """Names of the modules here that measure something."""
    names = (entry.name for entry in pkgutil.iter_modules([str(HERE)]))
    return sorted(
        name
        for name in names
        if not name.startswith("_")
        and "def measure(" in (HERE / f"{name}.py").read_text(encoding="utf-8")
    )


def measure(name: str) -> list[dict[str, object]]:
    """Run one benchmark and say what came of it."""
    print(f"\n{name}", flush=True)
    figures = [
        figure.to_dict() for figure in importlib.import_module(f"benchmarks.{name}").measure()
    ]
    for figure in figures:
        verdict = {True: "met", False: "NOT MET", None: ""}[figure["met"]]
        bar = f"({figure['bar']}: {verdict})" if figure["bar"] else ""
        value = str(figure["value"])
        value = "\n" + value if "\n" in value else value
        print(f"  {figure['name']}: {value} {figure['unit']} {bar}".rstrip(), flush=True)
    return figures


def commit() -> str:
    """The commit measured; "+changes" where files differ from it."""
    head = _git("rev-parse", "HEAD")
    return f"{head}+changes" if _git("status", "--porcelain", "--", "src", "benchmarks") else head


def _git(*arguments: str) -> str:
    answer = subprocess.run(
        ["git", *arguments], cwd=HERE, capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


def keep(name: str, figures: list[dict[str, object]], measured_at: str) -> None:
    """Put the figures of one benchmark into results.json; those of other steps go."""
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    same = kept.get("step_versions") == STEP_VERSIONS
    names = subjects()
    commits = {one: at for one, at in kept.get("commits", {}).items() if same and one in names}
    benchmarks = {one: old for one, old in kept.get("benchmarks", {}).items() if one in commits}
    record = {
        "step_versions": STEP_VERSIONS,
        "machine": {
            "processors": os.cpu_count(),
            "architecture": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "commits": dict(sorted((commits | {name: measured_at}).items())),
        "benchmarks": dict(sorted((benchmarks | {name: figures}).items())),
    }
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    RESULTS.write_text(text, encoding="utf-8")


def main(names: list[str]) -> int:
    """Measure all benchmarks, or the ones named, and keep each as it ends."""
    unknown = sorted(set(names) - set(subjects()))
    if unknown:
        print(f"not a benchmark: {', '.join(unknown)}; there are {', '.join(subjects())}")
        return 2
    warm_up()  # compiling is measured by nobody
    results = {}
    for name in names or subjects():
        measured_at = commit()
        results[name] = measure(name)
        keep(name, results[name], measured_at)
    print(f"\nwritten: benchmarks/{RESULTS.name}")
    missed = [
        f"{name}: {figure['name']}"
        for name, figures in results.items()
        for figure in figures
        if figure["met"] is False
    ]
    for line in missed:
        print(f"NOT MET  {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
