"""What docstrings say of parameters and fields: each name under Args and Attributes is one that there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def parameters(function: ast.FunctionDef) -> set[str]:
    given = function.args
    more = [one for one in (given.vararg, given.kwarg) if one is not None]
    return {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, *more)}


def named(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """The names that it has."""
    if isinstance(node, ast.FunctionDef):
        return parameters(node)
    fields = {one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)}
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    return fields.union({one.name for one in methods}, *(parameters(one) for one in methods if one.name == "__init__"))


def described(text: str) -> set[str]:
    """The names that a docstring describes."""
    sections = re.findall(r"^(?:Args|Attributes):\n((?:    .*\n?|\n)+)", text, re.MULTILINE)
    lines = [re.match(r"    (\*{0,2}\w+(?:, \*{0,2}\w+)*): ", line) for part in sections for line in part.splitlines()]
    return {name.strip("*") for found in lines if found for name in found[1].split(", ")}


def test_the_check_sees_a_wrong_name() -> None:
    [function] = ast.parse('def f(image, *more):\n    """Does.\n\n    Args:\n        photo: which.\n    """').body
    assert isinstance(function, ast.FunctionDef)
    assert described(ast.get_docstring(function) or "") - named(function) == {"photo"}


def test_what_is_described_is_there() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {', '.join(sorted(missing))}"
        for path in sorted((ROOT / "cnnviz").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if (missing := described(ast.get_docstring(node) or "") - named(node))
    ]
    assert wrong == []
