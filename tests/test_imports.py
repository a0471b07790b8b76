"""The import rules: who may load TensorFlow and Streamlit, which way imports go, and how long a file may be."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"tensorflow", "keras", "streamlit"}
LEVELS = (
    {"pages", "streamlit_app"},
    {"ui", "__main__"},
    {"commands", "notebook", "serve"},
    {"train", "audit"},
    {"explain"},
    {"models", "codegen"},
    {"data"},
    {"augment"},
)
"""Imports go down this list, or stay within a level; all other parts stand below it, on one level."""


@dataclass(frozen=True)
class Import:
    """One imported name, with the module that holds it: `from cnnviz.runs import store` names `cnnviz.runs.store`."""

    source: str
    name: str
    line: int
    at_once: bool
    """Whether importing the file does it; not so inside functions and for type checkers."""


@dataclass(frozen=True)
class Module:
    """A file of the project, as Python names it."""

    name: str
    path: Path

    @property
    def part(self) -> str:
        """The part of the house: `cnnviz.runs.store` is in `runs`, `pages.train` in `pages`, `cnnviz` itself in ``."""
        names = self.name.split(".")
        return names[0] if names[0] != "cnnviz" else names[1] if len(names) > 1 else ""

    @property
    def level(self) -> int:
        """How far down it stands."""
        return next((depth for depth, parts in enumerate(LEVELS) if self.part in parts), len(LEVELS))

    @property
    def may_load(self) -> frozenset[str]:
        """The heavy libraries that importing it may bring along."""
        if self.part in LEVELS[0] | {"ui"}:
            return frozenset({"streamlit"})
        if self.part in {"train", "models", "explain", "notebook"} or self.name in {
            "cnnviz.data.pipeline",
            "cnnviz.audit.features",
        }:
            return frozenset({"tensorflow", "keras"})
        return frozenset()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def imports(self) -> list[Import]:
        """What it imports by its text, inside functions too."""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        return list(_imports(ast.parse(self.text), package, at_once=True))


def _imports(node: ast.AST, package: str, at_once: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, alias.name, node.lineno, at_once) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package.rsplit(".", node.level - 1)[0] if node.level else ""
        source = ".".join(filter(None, (base, node.module)))
        yield from (Import(source, f"{source}.{alias.name}", node.lineno, at_once) for alias in node.names)
    later = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or (
        isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    )
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, package, at_once and not later)


def walk(root: Path) -> dict[str, Module]:
    """Every file of the package and every page by its module's name."""
    found = {}
    for path in [*root.glob("cnnviz/**/*.py"), *root.glob("pages/*.py"), root / "streamlit_app.py"]:
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path)
    return dict(sorted(found.items()))


def parents(name: str) -> Iterator[str]:
    """The packages round a module: `cnnviz.runs` and `cnnviz` for `cnnviz.runs.store`."""
    while name := name.rpartition(".")[0]:
        yield name


def named_wrongly(modules: dict[str, Module]) -> list[str]:
    """Heavy libraries in files that may not have them, also inside functions: no page loads TensorFlow by a detour."""
    return [
        f"{module.path}:{one.line} imports {one.name}, which {module.part or module.name} may not"
        for module in modules.values()
        for one in module.imports
        if one.name.partition(".")[0] in HEAVY - module.may_load
    ]


def upward(modules: dict[str, Module]) -> list[str]:
    """Imports that go up. The package itself imports nothing of its parts."""
    found = []
    for module in modules.values():
        for one in module.imports:
            other = modules.get(one.name) or modules.get(one.source)
            if other and other.part != module.part and (other.level < module.level or not module.part):
                found.append(f"{module.path}:{one.line} imports {one.name}, which stands above it")
    return found


def knows_runs(modules: dict[str, Module]) -> list[str]:
    """What explains takes a model and images; only files that are named for it know runs and keep results there."""
    return [
        f"{module.path}:{one.line} imports {one.name}, which only files named *_of_run.py may"
        for module in modules.values()
        for one in module.imports
        if module.part == "explain"
        and not module.name.endswith("_of_run")
        and f"{one.name}.".startswith("cnnviz.runs.")
    ]


def circle(modules: dict[str, Module]) -> list[str]:
    """Modules that import each other in a circle, so that which can be imported first is chance."""
    needs: dict[str, set[str]] = {}
    for module in modules.values():
        targets = {one.name if one.name in modules else one.source for one in module.imports if one.at_once}
        around = {module.name, *parents(module.name)}  # have begun before it
        needs[module.name] = {
            name
            for target in targets & set(modules)
            for name in (target, *parents(target))
            if name == target or name not in around
        } - {module.name}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return [" needs ".join(reversed(error.args[1]))]
    return []


def too_long(modules: dict[str, Module]) -> list[str]:
    """Pages of more than about 100 lines, which hold more than what belongs to drawing."""
    pages = {module.path: len(module.text.splitlines()) for module in modules.values() if module.level == 0}
    return [f"{path} has {lines} lines: about 100 are enough" for path, lines in pages.items() if lines > 110]


LOADER = """
import importlib, os, sys, traceback
banned, names = (words.split(",") for words in sys.argv[1:])

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in banned:
            banned.remove(name)
            files = [f"{one.filename}:{one.lineno}" for one in traceback.extract_stack()]
            print([one for one in files if one.startswith(os.path.join(os.getcwd(), "cnnviz"))][-1], "loads", name)

sys.meta_path.insert(0, Watch())
for name in names:
    try:
        importlib.import_module(name)
    except Exception:
        print(f"{name} can't be imported:\\n{traceback.format_exc()}")
"""
"""Prints which module can't be imported, and which line is the first to bring a library that none of them may load."""


def loaded_wrongly(modules: dict[str, Module], root: Path) -> list[str]:
    """Modules of the package that can't be imported, or bring a heavy library that they may not: one new process for
    all that may bring the same."""
    groups: dict[frozenset[str], list[str]] = {}
    for name, module in modules.items():
        if name.partition(".")[0] == "cnnviz":  # a page draws when it is imported
            groups.setdefault(module.may_load, []).append(name)

    def load(group: tuple[frozenset[str], list[str]]) -> str:
        may, names = group
        return subprocess.run(
            [sys.executable, "-c", LOADER, ",".join(HEAVY - may), ",".join(names)],
            cwd=root,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            text=True,
            timeout=300,
        ).stdout

    with ThreadPoolExecutor(2) as pool:
        return list(filter(None, pool.map(load, groups.items())))


TREE = walk(ROOT)
RULES = (named_wrongly, upward, knows_runs, circle, too_long)


@pytest.mark.parametrize("rule", RULES)
def test_every_file_keeps_the_rule(rule) -> None:
    assert not (found := rule(TREE)), "\n".join(found)


def test_a_fresh_process_loads_only_what_the_module_may() -> None:
    assert not (found := loaded_wrongly(TREE, ROOT)), "\n".join(found)


def test_no_page_has_the_name_of_a_standard_module() -> None:
    pages = {name.partition(".")[2] for name in TREE if name.startswith("pages.")}
    assert pages
    assert not pages & sys.stdlib_module_names


GOOD = {
    "streamlit_app.py": "import streamlit\nfrom cnnviz.ui import card",
    "pages/start.py": "from cnnviz.ui.card import draw",
    "cnnviz/__init__.py": "",
    "cnnviz/ui/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cnnviz.ui.card",
    "cnnviz/ui/card.py": "from cnnviz import ui\ndef draw():\n    from cnnviz.train import work",
    "cnnviz/train/__init__.py": "from cnnviz.train.work import run",
    "cnnviz/train/work.py": "import json\ndef run():\n    import keras\n    from .. import runs",
    "cnnviz/train/other.py": "from cnnviz.train.work import run",
    "cnnviz/models/work.py": "def build(): ...",
    "cnnviz/models/third.py": "import cnnviz.codegen",
    "cnnviz/codegen.py": "from cnnviz.models.work import build",
    "cnnviz/explain/maps.py": "import numpy",
    "cnnviz/explain/maps_of_run.py": "from cnnviz import runs",
    "cnnviz/runs.py": "import json",
}


def made(root: Path, **changed: str) -> dict[str, Module]:
    """A small project that keeps all rules, but for these files."""
    for name, content in {**GOOD, **changed}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return walk(root)


@pytest.mark.parametrize(
    ("rule", "file", "text"),
    [
        (None, "cnnviz/runs.py", ""),
        (named_wrongly, "cnnviz/runs.py", "def late():\n    import tensorflow.data"),
        (named_wrongly, "cnnviz/train/work.py", "from streamlit import cache_data\ndef run(): ..."),
        (named_wrongly, "pages/start.py", "from keras import layers"),
        (upward, "cnnviz/runs.py", "def late():\n    from cnnviz.train import work"),
        (upward, "cnnviz/ui/card.py", "def draw():\n    import pages.start"),
        (upward, "cnnviz/train/work.py", "from ..ui.card import draw"),
        (upward, "cnnviz/__init__.py", "def late():\n    import cnnviz.runs"),
        (circle, "cnnviz/train/work.py", "from cnnviz.train.other import more"),
        (circle, "cnnviz/models/work.py", "import cnnviz.models.third\ndef build(): ..."),
        (upward, "cnnviz/models/third.py", "def late():\n    from cnnviz.train import run"),
        (knows_runs, "cnnviz/explain/maps.py", "def late():\n    from cnnviz.runs import Run"),
        pytest.param(too_long, "pages/start.py", "pass\n" * 111, id="long page"),
    ],
)
def test_a_file_that_breaks_a_rule_is_named(tmp_path: Path, rule, file: str, text: str) -> None:
    modules = made(tmp_path, **{file: text})
    found = {one: one(modules) for one in RULES}
    assert [one for one in RULES if found[one]] == ([rule] if rule else [])
    if rule:
        told = "\n".join(found[rule])
        assert file in told or ".".join(Path(file).with_suffix("").parts) in told


def test_what_a_module_brings_along_is_named(tmp_path: Path) -> None:
    detour = "from importlib import import_module as by\nby('keras')"
    late = {"keras.py": "", "streamlit.py": "", "cnnviz/runs.py": detour, "cnnviz/a.py": "from cnnviz.runs import no"}
    (told,) = loaded_wrongly(made(tmp_path, **late), tmp_path)
    assert f"{tmp_path / 'cnnviz/runs.py'}:2 loads keras" in told
    assert "cnnviz.a can't be imported" in told
    assert "cannot import name 'no'" in told
    assert told.count("can't be imported") == told.count("loads") == 1
