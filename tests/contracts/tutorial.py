"""Run docs/tutorial.ipynb and write what its cells give back into it.

`.venv/bin/python tests/contracts/tutorial.py`, after a change that moves what it shows.
A notebook is JSON and its cells are plain Python, so nothing more is needed.
"""

import ast
import contextlib
import io
import json
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.ipynb"


def run(notebook: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Outputs of the code cells, run in order in one namespace."""
    names: dict[str, Any] = {"__name__": "tutorial"}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [
        _outputs("".join(cell["source"]), number, names)
        for number, cell in enumerate(code, start=1)
    ]


def _outputs(source: str, number: int, names: dict[str, Any]) -> list[dict[str, Any]]:
    """What a cell prints, and the value of its last line."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), names)
        if last is not None:
            expression = ast.Expression(last.value)
            value = eval(compile(expression, f"cell {number}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        outputs.append({"name": "stdout", "output_type": "stream", "text": text})
    if value is not None:
        outputs.append(
            {
                "data": _shown(value),
                "execution_count": number,
                "metadata": {},
                "output_type": "execute_result",
            }
        )
    return outputs


def _shown(value: Any) -> dict[str, list[str]]:
    forms = {"text/plain": repr(value)}
    if hasattr(value, "_repr_svg_"):
        forms["image/svg+xml"] = value._repr_svg_()
    return {kind: text.splitlines(keepends=True) for kind, text in forms.items()}


def write(path: Path = PAGE) -> None:
    """Run the notebook at a path and write its outputs into it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, (cell, outputs) in enumerate(zip(code, run(notebook), strict=True), start=1):
        cell["execution_count"], cell["outputs"] = number, outputs
    text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
