"""How work says how far it is and is cancelled: the parts of a work, and one type for each throughout the house."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cnnviz
from cnnviz.progress import Cancelled, batches

TYPES = {"progress": "Progress", "cancelled": "CancelCheck"}


def test_parts_are_told_after_each_and_a_stop_is_heeded_before_the_next() -> None:
    said: list[tuple[str, int, int]] = []
    work = batches(7, 3, "Counting", lambda *now: said.append(now), lambda: len(said) == 2, before=10, whole=30)
    assert (next(work), said) == (slice(0, 3), [])  # what isn't done yet isn't said to be
    assert (next(work), said) == (slice(3, 6), [("Counting", 13, 30)])
    with pytest.raises(Cancelled):
        next(work)
    assert said == [("Counting", 13, 30), ("Counting", 16, 30)]


def test_nothing_is_asked_or_told_where_nobody_listens() -> None:
    assert [(part.start, part.stop) for part in batches(5, 4)] == [(0, 4), (4, 5)]
    assert list(batches(0, 4, cancelled=lambda: True)) == []


def test_each_function_that_is_given_them_takes_the_one_type() -> None:
    """Parameters and fields of these names; a function of another form would fail only while somebody waits."""
    root, wrong, seen = Path(cnnviz.__file__).parent, [], 0
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name, kind = node.target.id, ast.unparse(node.annotation)
            elif isinstance(node, ast.arg):
                name, kind = node.arg, ast.unparse(node.annotation) if node.annotation else ""
            else:
                continue
            if name in TYPES:
                seen += 1
                if kind.removesuffix(" | None") != TYPES[name]:
                    wrong.append(f"{path.relative_to(root)}:{node.lineno}: {name}: {kind or 'no type'}")
    assert not wrong
    assert seen > 40
