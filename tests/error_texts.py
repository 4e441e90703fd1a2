"""The text of every error, found in the source: what `core/data/errors_zh.toml` must hold.

A text is written as the table writes it: words as they stand, and {0}, {1} ... for what is
filled in. An expression that chooses between words gives one text for each choice.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path

from reverdure.core import errors

HOLE = None
SOURCE = Path(errors.__file__).parents[1]
ERRORS = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.ReverdureError)
}
FAULTS = {"_Fault"}
"""Errors inside a module whose words end in those of another."""
Parts = tuple[str | None, ...]
"""Words and holes, in order."""


class NotDerivable(Exception):
    """An expression whose words cannot be told from the source."""


@dataclass
class Texts:
    """What a module says.

    Attributes
    ----------
    errors : dict of str to str
        Texts of messages and hints, each with the place it stands at.
    phrases : dict of str to str
        Words of lists that are filled into them.
    strings : set of str
        Every text of the source, whatever it is for.
    dark : list of str
        Places whose words cannot be told.
    """

    errors: dict[str, str] = field(default_factory=dict)
    phrases: dict[str, str] = field(default_factory=dict)
    strings: set[str] = field(default_factory=set)
    dark: list[str] = field(default_factory=list)


@cache
def all_texts() -> Texts:
    """The texts of the whole package."""
    found = Texts()
    for path in sorted(SOURCE.rglob("*.py")):
        Module(path, found).read()
    return found


def written(parts: Parts) -> str:
    """Words and holes as the table writes them.

    Examples
    --------
    >>> written(("no band ", None, "; write {a}."))
    'no band {0}; write {{a}}.'
    """
    text, holes = "", 0
    for part in parts:
        text += f"{{{holes}}}" if part is None else part.replace("{", "{{").replace("}", "}}")
        holes += part is None
    return text


class Module:
    """One source file."""

    def __init__(self, path: Path, found: Texts, root: Path = SOURCE) -> None:
        self.name = path.relative_to(root).as_posix()
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.found = found
        self._place = ""
        self._open: list[str] = []
        self.functions = {n.name: n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)}
        self.constants = {
            n.targets[0].id: n.value
            for n in self.tree.body
            if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
        }

    def read(self) -> None:
        """Collect the texts of every error made here."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                self.found.strings.update(map(written, self._alternatives(node, self.tree)))
        for scope, call in calls(self.tree):
            name = call.func.id if isinstance(call.func, ast.Name) else ""
            place = f"{self.name}:{call.lineno}"
            if name not in ERRORS | FAULTS:
                continue
            arguments = call.args if name in ERRORS else call.args[:1]
            arguments = [*arguments, *(keyword.value for keyword in call.keywords)]
            for argument in arguments:
                try:
                    texts = self._top(argument, scope, place)
                except NotDerivable as error:
                    self.found.dark.append(f"{place}: {error}")
                    continue
                for parts in texts:
                    said = self.found.errors if name in ERRORS else self.found.phrases
                    said.setdefault(written(parts), place)

    def _top(self, node: ast.expr, scope: ast.AST, place: str) -> set[Parts]:
        """Texts of a message or hint; what another error says is that one's own."""
        self._place = place
        if isinstance(node, ast.Starred):
            return self._top(node.value, scope, place)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            helper = self.functions.get(node.func.id)
            tuples = [r.value for r in returns(helper)] if helper else []
            if tuples and all(isinstance(value, ast.Tuple) for value in tuples):
                return set().union(
                    *(self._top(part, helper, place) for value in tuples for part in value.elts)
                )
        texts = self._alternatives(node, scope)
        if any(not any(part for part in parts) and parts for parts in texts):
            passed_on = {ast.unparse(part) for part in ast.walk(node)} & {
                "error.message", "error.hint",
            }  # fmt: skip
            if not passed_on:
                raise NotDerivable(ast.unparse(node))
        return {parts for parts in texts if any(parts)}

    def _alternatives(self, node: ast.expr, scope: ast.AST) -> set[Parts]:
        """Every way an expression can read; one hole where its words are not in the source."""
        return getattr(self, f"_{type(node).__name__.lower()}", self._unknown)(node, scope)

    def _unknown(self, node: ast.expr, scope: ast.AST) -> set[Parts]:
        return {(HOLE,)}

    def _constant(self, node: ast.Constant, scope: ast.AST) -> set[Parts]:
        if isinstance(node.value, str):
            return {(node.value,) if node.value else ()}
        return {(HOLE,)}

    def _joinedstr(self, node: ast.JoinedStr, scope: ast.AST) -> set[Parts]:
        pieces = [
            {(piece.value,)}
            if isinstance(piece, ast.Constant)
            else self._in_hole(piece, scope)
            for piece in node.values
        ]  # fmt: skip
        return {sum(choice, ()) for choice in product(*pieces)}

    def _in_hole(self, piece: ast.FormattedValue, scope: ast.AST) -> set[Parts]:
        if piece.conversion != -1 or piece.format_spec:
            return {(HOLE,)}
        texts = self._alternatives(piece.value, scope)
        return texts if any(has_words(parts) for parts in texts) else {(HOLE,)}

    def _binop(self, node: ast.BinOp, scope: ast.AST) -> set[Parts]:
        if not isinstance(node.op, ast.Add):
            return {(HOLE,)}
        left, right = (self._alternatives(side, scope) for side in (node.left, node.right))
        return {one + other for one in left for other in right}

    def _ifexp(self, node: ast.IfExp, scope: ast.AST) -> set[Parts]:
        return self._alternatives(node.body, scope) | self._alternatives(node.orelse, scope)

    def _boolop(self, node: ast.BoolOp, scope: ast.AST) -> set[Parts]:
        return set().union(*(self._alternatives(value, scope) for value in node.values))

    def _name(self, node: ast.Name, scope: ast.AST) -> set[Parts]:
        values = assigned(node.id, scope) or [
            value for name, value in self.constants.items() if name == node.id
        ]
        if not values or any(value is None for value in values) or node.id in self._open:
            return {(HOLE,)}
        self._open.append(node.id)
        texts = set().union(*(self._alternatives(value, scope) for value in values))
        self._open.pop()
        return texts

    def _call(self, node: ast.Call, scope: ast.AST) -> set[Parts]:
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, scope)
        helper = self.functions.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if helper is None or helper.name in self._open:
            return {(HOLE,)}
        self._open.append(helper.name)
        texts = set().union(*(self._alternatives(r.value, helper) for r in returns(helper)))
        self._open.pop()
        return texts if any(has_words(parts) for parts in texts) else {(HOLE,)}

    def _method(self, node: ast.Call, method: ast.Attribute, scope: ast.AST) -> set[Parts]:
        """`TABLE.get(key, otherwise)` and `" or ".join(each for ...)`."""
        table = self.constants.get(method.value.id) if isinstance(method.value, ast.Name) else None
        if method.attr == "get" and isinstance(table, ast.Dict):
            return set().union(
                *(self._alternatives(value, scope) for value in (*table.values, *node.args[1:]))
            )
        if method.attr == "join" and isinstance(node.args[0], ast.GeneratorExp | ast.ListComp):
            for parts in self._alternatives(node.args[0].elt, scope):
                if has_words(parts):
                    self.found.phrases.setdefault(written(parts), self._place)
        return {(HOLE,)}

    def _subscript(self, node: ast.Subscript, scope: ast.AST) -> set[Parts]:
        table = self.constants.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(table, ast.Dict):
            return set().union(*(self._alternatives(value, scope) for value in table.values))
        return {(HOLE,)}


def has_words(parts: Parts) -> bool:
    """Whether there is a word to be translated among the parts."""
    return any(part and re.search("[a-z]{2}", part) for part in parts)


def calls(tree: ast.AST, scope: ast.AST | None = None) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Each call with the function it stands in."""
    for child in ast.iter_child_nodes(tree):
        inner = child if isinstance(child, ast.FunctionDef) else scope or tree
        if isinstance(child, ast.Call):
            yield inner, child
        yield from calls(child, inner)


def returns(function: ast.FunctionDef | None) -> list[ast.Return]:
    """What a function returns."""
    if function is None:
        return []
    return [n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]


def assigned(name: str, scope: ast.AST) -> list[ast.expr | None]:
    """What a name is set to in a function; None where that is not one plain expression."""
    values: list[ast.expr | None] = []
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            targets = [target for target in node.targets if name in _names(target)]
            values += [_matching(target, node.value, name) for target in targets]
        elif isinstance(node, ast.For | ast.comprehension | ast.AugAssign):
            values += [None] * (name in _names(node.target))
        elif isinstance(node, ast.arg):
            values += [None] * (node.arg == name)
    return values


def _names(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def _matching(target: ast.expr, value: ast.expr, name: str) -> ast.expr | None:
    if isinstance(target, ast.Name):
        return value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=True):
            if isinstance(one, ast.Name) and one.id == name:
                return other
    return None
