"""The import rules: who may load TensorFlow and Streamlit, which way imports go, and how long a file may be."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("tensorflow", "keras", "streamlit")
LEVELS = (
    {"pages", "streamlit_app"},
    {"ui"},
    {"explain", "train", "models", "data", "augment", "commands", "__main__"},
)
"""Imports go down this list, or stay within a level; all other parts stand below it, on one level."""


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package with its file."""
    for path in sorted((ROOT / "cnnviz").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def part_of(module: str) -> str:
    """The part of the house a module belongs to: `cnnviz.runs.store` is in `runs`, `pages.train` in `pages`."""
    names = module.split(".")
    return names[0] if names[0] != "cnnviz" else names[1] if len(names) > 1 else ""


def may_load(module: str) -> set[str]:
    """The heavy libraries that importing this module may bring along."""
    if part_of(module) == "ui":
        return {"streamlit"}
    if part_of(module) in {"train", "models", "explain"} or module == "cnnviz.data.pipeline":
        return {"tensorflow", "keras"}
    return set()


def imports(path: Path, module: str) -> Iterator[str]:
    """What a file imports by its text, inside functions too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(filter(None, (base, node.module)))
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


ALL = dict(modules())
SCRIPTS = {f"pages.{path.stem}": path for path in sorted((ROOT / "pages").glob("*.py"))}
SCRIPTS["streamlit_app"] = ROOT / "streamlit_app.py"


LOADER = """
import importlib, sys, traceback
for name in sys.argv[1].split(","):
    for old in [old for old in sys.modules if old.partition(".")[0] == "cnnviz"]:
        del sys.modules[old]
    try:
        importlib.import_module(name)
        print(name, *({"tensorflow", "keras", "streamlit"} & set(sys.modules)), flush=True)
    except Exception:
        traceback.print_exc()
"""
"""Forgets cnnviz before each import, so that a module that needs another to be imported first is found out."""


def load(names: list[str]) -> subprocess.CompletedProcess:
    """Imports each module afresh in a new process, which prints it with the heavy libraries that are then loaded."""
    return subprocess.run(
        [sys.executable, "-c", LOADER, ",".join(names)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def loaded() -> dict[str, subprocess.CompletedProcess]:
    """What happened when each was imported: one process for all modules that may load the same libraries."""
    groups: dict[frozenset[str], list[str]] = {}
    for module in ALL:
        groups.setdefault(frozenset(may_load(module)), []).append(module)
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(load, groups.values())
        return {module: process for group, process in zip(groups.values(), done, strict=True) for module in group}


@pytest.mark.parametrize("module", ALL)
def test_a_fresh_process_loads_only_what_the_module_may(
    module: str, loaded: dict[str, subprocess.CompletedProcess]
) -> None:
    lines = {name: set(found) for name, *found in map(str.split, loaded[module].stdout.splitlines())}
    assert module in lines, f"{module} can't be imported:\n{loaded[module].stderr}"
    assert lines[module] <= may_load(module)


@pytest.mark.parametrize("module", ALL)
def test_streamlit_and_tensorflow_are_named_only_where_they_may(module: str) -> None:
    """Also inside functions, so that no page loads TensorFlow by a detour; the command line may start the worker."""
    named = {name.partition(".")[0] for name in imports(ALL[module], module)} & set(HEAVY)
    assert named <= may_load(module)


@pytest.mark.parametrize("module", [*ALL, *SCRIPTS])
def test_imports_go_one_way(module: str) -> None:
    level = defaultdict(lambda: len(LEVELS), {part: depth for depth, parts in enumerate(LEVELS) for part in parts})
    part = part_of(module)
    if not part:
        assert not [name for name in imports(ALL[module], module) if name.startswith("cnnviz")]
        return
    path = ALL.get(module) or SCRIPTS[module]
    parts = {part_of(name) for name in imports(path, module) if name in ALL or name in SCRIPTS}
    upward = {other for other in parts - {"", part} if level[other] < level[part]}
    assert not upward


@pytest.mark.parametrize("script", SCRIPTS)
def test_pages_leave_networks_to_the_package(script: str) -> None:
    assert not {name.partition(".")[0] for name in imports(SCRIPTS[script], script)} & {"tensorflow", "keras"}


@pytest.mark.parametrize("module", [*ALL, *SCRIPTS])
def test_files_stay_short(module: str) -> None:
    limit = 100 if module in SCRIPTS else 250
    path = ALL.get(module) or SCRIPTS[module]
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit * 1.1, f"split {module}: about {limit} lines"


def test_no_page_has_the_name_of_a_standard_module() -> None:
    assert not {name.partition(".")[2] for name in SCRIPTS} & sys.stdlib_module_names
