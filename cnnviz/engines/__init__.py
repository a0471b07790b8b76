"""Where a run's worker runs: on this machine, or wherever Ray or Slurm put it. An engine is one file.

An engine starts `python -m cnnviz.train RUN_FOLDER` somewhere, no more: all that follows is read from the folder, which
lies on storage that all machines share. What none of them may do is leave two workers on one folder; the run's lease
sees to that, see `cnnviz.runs.lease`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol, cast

from cnnviz.errors import RunError
from cnnviz.runs.status import EngineName
from cnnviz.runs.store import Run

__all__ = ["Engine", "engine_named", "not_installed"]


class Engine(Protocol):
    """What the module of an engine has: what it is called, and the package that it needs ("" for none)."""

    TITLE: str
    PACKAGE: str

    def check(self, runs: Path) -> None:
        """Looks whether the engine can carry runs in this folder.

        Raises:
            RunError: it isn't installed, doesn't answer, or can't be used with that folder.
        """

    def start(self, run: Run) -> None:
        """Sees to it that the run's worker is started, at once or once there is room for it.

        Raises:
            OSError: it can't be.
            RunError: the same, in a sentence.
        """


def engine_named(name: EngineName) -> Engine:
    """Returns the engine of this name, which need not be installed; see `Engine.check`."""
    return cast(Engine, importlib.import_module(f"cnnviz.engines.{name}"))


def not_installed(what: str) -> RunError:
    """Returns what is raised where a package of the extra `cluster` is missing."""
    return RunError(
        f'{what} isn\'t installed: `pip install "cnnviz[cluster]"`, or requirements-cluster.txt in a clone.'
    )
