"""The folders of runs that views are looked at with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from cnnviz import runs
from cnnviz.files import write_json
from cnnviz.presets import PRESETS
from cnnviz.runs.liveness import engine_file
from tests.e2e.conftest import ROOT
from tests.made_searches import make_search

__all__ = ["command", "stop_runs", "switch", "trained"]

SHIPPED = ("shapes", "mnist", "cats-and-dogs")


def command(*words: str, folder: Path) -> None:
    """Carries out one of cnnviz's commands on a folder of runs."""
    done = subprocess.run(
        [sys.executable, "-m", "cnnviz", *words],
        cwd=ROOT,
        env={**os.environ, "CNNVIZ_CHECKPOINTS": str(folder)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    if done.returncode:
        raise RuntimeError(f"cnnviz {' '.join(words)}: {done.stderr}")


def trained(folder: Path) -> Path:
    """Puts the shipped runs into a folder, one of them evaluated, and one trained here, `digits`, with all that a run
    leaves behind."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHIPPED:  # of two the training images, which views would show, aren't everywhere
        ignored = shutil.ignore_patterns(*(() if name == "shapes" else ("training-features",)))
        shutil.copytree(ROOT / "checkpoints" / name, folder / name, ignore=ignored)
    command("evaluate", "shapes", "--split", "test", folder=folder)
    command("train", "Q", "--set", "fit.epochs=5", folder=folder)
    next(run.folder for run in runs.listing(folder) if run.id not in SHIPPED).rename(folder / "digits")
    return folder


def switch(place: Path, folder: Path) -> Callable[[str], None]:
    """Returns what puts a folder of runs where a server looks for them, by a view's word for it.

    Args:
        place: the server's folder of runs, which becomes a link.
        folder: holds "trained"; "none", "running", "bare" (a run without snapshots), "mended" (two runs of one recipe,
            before and after images were left out), "seeds" (a group of three runs), "search", "branches" (a run and one
            that branches from it) and "nodes" (a run that waits for a cluster's node) are made beside it.
    """

    def show(which: str) -> None:
        wanted = folder / which
        if not wanted.exists():
            wanted.mkdir()
            if which == "running":
                command("train", "Q", "--set", "fit.epochs=10000", "--detach", folder=wanted)
            if which == "mended":
                shutil.copytree(folder / "trained" / "digits", wanted / "digits")
                command("train", "Q", "--set", "fit.epochs=5", 'data.without=["#5", "#1552"]', folder=wanted)
                next(run.folder for run in runs.listing(wanted) if run.id != "digits").rename(wanted / "mended")
            if which == "seeds":
                command("train", "Q", "--seeds", "3", "--set", "fit.epochs=3", folder=wanted)
            if which == "branches":
                shutil.copytree(folder / "trained" / "digits", wanted / "digits")
                changed = ("fit.learning_rate=0.0003", "name=slower")
                command("branch", "digits", "--epoch", "3", "--set", *changed, folder=wanted)
                next(run.folder for run in runs.listing(wanted) if run.id != "digits").rename(wanted / "slower")
            if which == "nodes":
                runs.create(PRESETS["Q"], wanted, engine="ray")
                Thread(target=_dispatch, args=(wanted,), daemon=True).start()
            if which == "search":
                make_search(runs=wanted)
            if which == "bare":
                bare = shutil.ignore_patterns("snapshots")
                shutil.copytree(ROOT / "checkpoints" / "mnist", wanted / "mnist", ignore=bare)
        place.rmdir() if not place.is_symlink() else place.unlink()
        place.symlink_to(wanted, target_is_directory=True)

    return show


def _dispatch(folder: Path) -> None:
    """Says again and again what two nodes of a cluster carry, as Ray's dispatcher does, while the folder is there."""
    nodes = [{"host": f"gpu-{at}", "cpus": 16, "gpus": 2, "memory_gb": 128.0} for at in (1, 2)]
    while folder.is_dir():
        engine_file(folder, "ray").parent.mkdir(exist_ok=True)
        write_json(engine_file(folder, "ray"), {"nodes": nodes})
        time.sleep(2)


def stop_runs(folder: Path) -> None:
    """Ends what still trains in a folder of runs, where there is one."""
    for run in runs.listing(folder) if folder.is_dir() else ():
        if run.active:
            runs.request_stop(run.id, folder)
