"""A run is a folder: `recipe.json`, `state.json`, `metrics.jsonl`, `best.keras`, `report.json`, `log.txt`, `resume/`.

Pages, the command line and the worker meet only there; deleting the folder deletes the run. An installed cnnviz finds
the runs that it comes with in the package, which is never written to: see `own_place`.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import ValidationError

from cnnviz import home
from cnnviz.errors import CnnvizError, RecipeError, RunError
from cnnviz.files import folder_in, open_regular, read_bytes, read_json, write_bytes, write_json
from cnnviz.recipe import Recipe, parse
from cnnviz.runs.crash_cause import verdict
from cnnviz.runs.folder_lock import changing
from cnnviz.runs.lease import in_force
from cnnviz.runs.liveness import lives
from cnnviz.runs.status import ACTIVE, ENDED, State, StateName, current
from cnnviz.temporary import own_name

__all__ = [
    "Run",
    "check_own",
    "create",
    "create_imported",
    "delete",
    "folder_of",
    "listing",
    "open_run",
    "own_place",
    "recipe_of",
    "root",
    "write_state",
]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
# Two changes within one tick of the file system's clock leave the same time, so a fresh time is not trusted yet.
_TICK_NS = 100_000_000


def root() -> Path:
    """Returns the folder of all runs: `CNNVIZ_CHECKPOINTS`, else `checkpoints/` in a clone, and for an installed cnnviz
    `runs/` in the platform's folder for its data.

    Raises:
        RunError: that begins with the home folder of somebody who has none here.
    """
    try:
        if named := folder_in("CNNVIZ_CHECKPOINTS"):
            return named
    except CnnvizError as error:
        raise RunError(str(error)) from None
    return user_data_path("cnnviz", appauthor=False) / "runs" if home.INSTALLED else home.HOME / "checkpoints"


def _shipped() -> Path | None:
    """The folder of the runs that an installed cnnviz comes with; in a clone they lie among all others."""
    return home.HOME / "checkpoints" if home.INSTALLED else None


def _folders(runs: Path | None) -> list[Path]:
    """Where to look for runs: a folder alone that somebody named, else one's own and then the shipped."""
    if runs is not None:
        return [runs]
    shipped = None if os.environ.get("CNNVIZ_CHECKPOINTS") else _shipped()
    return [root(), *([shipped] if shipped else [])]


def check_own(folder: Path, what: str) -> None:
    """Looks whether a run is one's own.

    Args:
        folder: the run's.
        what: it is to be, such as "deleted".

    Raises:
        RunError: it is a shipped run of an installed cnnviz.
    """
    if folder.parent == _shipped():
        raise RunError(f"Run {folder.name} comes with cnnviz and can't be {what}; only runs of your own can.")


def own_place(path: Path) -> Path:
    """Returns where what lies at `path` may be written: there, but for the shipped runs of an installed cnnviz.

    Such a run is first copied into the folder of all runs, whose copy then takes its place everywhere.

    Args:
        path: of a run's folder, or of something in it.

    Raises:
        OSError: the run can't be copied.
        RunError: see `root`.
    """
    shipped = _shipped()
    if shipped is None or not path.is_relative_to(shipped):
        return path
    inside, runs = path.relative_to(shipped), root()
    name = inside.parts[0]
    if not (runs / name / "recipe.json").is_file():
        runs.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(**own_name(runs)))
        try:
            shutil.copytree(shipped / name, draft / name)
            for made in (draft / name, *(draft / name).rglob("*")):
                made.chmod(made.stat().st_mode | stat.S_IWUSR)
            try:
                os.rename(draft / name, runs / name)
            except OSError:
                if not (runs / name / "recipe.json").is_file():  # else another has just done it
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return runs / inside


@dataclass(frozen=True)
class Run:
    """One run as it was read: its folder, recipe (`None` if unreadable), written state and true state."""

    folder: Path
    recipe: Recipe | None
    written: State
    state: StateName

    @property
    def id(self) -> str:
        """The folder's name, by which a run is called everywhere."""
        return self.folder.name

    @property
    def active(self) -> bool:
        """Whether a worker has it in hand."""
        return self.state in ACTIVE

    @property
    def metrics_path(self) -> Path:
        """Where its figures are appended."""
        return self.folder / "metrics.jsonl"

    @property
    def best_path(self) -> Path:
        """Where its best epoch's model is kept."""
        return self.folder / "best.keras"

    @property
    def log_path(self) -> Path:
        """Where its worker's messages go."""
        return self.folder / "log.txt"

    @property
    def seconds(self) -> float | None:
        """How long it has trained, or `None` before it began; of a crashed run until its last sign of life."""
        earlier = self.written.earlier_seconds
        if self.written.started is None:
            return earlier or None
        ended = self.written.ended
        if ended is None and not self.active:
            ended = max(self.written.started, _stamp(self.metrics_path)[0] / 1e9)
        return earlier + max(0.0, (time.time() if ended is None else ended) - self.written.started)

    def log_tail(self, lines: int = 12) -> str:
        """Returns the last lines of its log."""
        try:
            with open_regular(self.log_path) as file:
                file.seek(max(0, file.seek(0, 2) - 16_384))
                return "\n".join(file.read(16_384).decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def recipe_of(run: Run, so: str = "", error: type[CnnvizError] = RunError) -> Recipe:
    """Returns a run's recipe.

    Args:
        run: whose.
        so: what can't be done without it, for the message, such as "it can't be trained".
        error: what is raised.

    Raises:
        error: the recipe can't be read.
    """
    if run.recipe is None and run.written.imported:
        raise error(
            f"Run {run.id} was read from {run.written.imported} and has metrics only, no recipe and no model"
            f"{f', so {so}' if so else ''}."
        )
    if run.recipe is None:
        raise error(f"The recipe of run {run.id} can't be read{f', so {so}' if so else ''}.")
    return run.recipe


def create(
    recipe: Recipe, runs: Path | None = None, *, fill: Callable[[Path], None] | None = None, **facts: Any
) -> Run:
    """Makes the folder of a new queued run; it appears whole or not at all.

    Args:
        recipe: the run's.
        runs: the folder of all runs; by default `root`.
        fill: puts into the folder what the run begins with, before it appears.
        facts: further fields of its `State`, such as `group`.

    Raises:
        RunError: the folder of runs can't be written.
    """
    state = State(**{"created": time.time(), **facts})
    return _made(Path(recipe.data.dataset).stem, recipe.to_json().encode(), state, runs, fill)


def create_imported(name: str, epochs: Sequence[Mapping[str, Any]], state: State, runs: Path | None = None) -> Run:
    """Makes the folder of a run that was trained elsewhere: it has metrics, but neither recipe nor model.

    Args:
        name: what it is about, for its id.
        epochs: the epochs' records, as `metrics` has them, without their `kind`.
        state: its state, of which `imported` says where it comes from.
        runs: the folder of all runs; by default `root`.

    Raises:
        RunError: the folder of runs can't be written.
    """
    lines = "".join(json.dumps({"kind": "epoch", **record}) + "\n" for record in epochs)
    recipe = json.dumps({"imported": state.imported}).encode()
    return _made(name, recipe, state, runs, lambda draft: write_bytes(draft / "metrics.jsonl", lines.encode()))


def _made(name: str, recipe: bytes, state: State, runs: Path | None, fill: Callable[[Path], None] | None) -> Run:
    runs = runs or root()
    slug = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:24] or "run"
    when = time.strftime("%Y%m%d-%H%M%S", time.localtime(time.time() if state.imported else state.created))
    name = f"{when}-{slug}-{secrets.token_hex(4)}"
    draft = None
    try:
        runs.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(**own_name(runs)))
        draft.chmod(0o755)
        write_bytes(draft / "recipe.json", recipe)
        write_json(draft / "state.json", state.model_dump())
        if fill is not None:
            fill(draft)
        os.rename(draft, runs / name)
    except OSError as error:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
        raise RunError(
            f"No run can be stored in {runs}: {error.strerror or error}; free or choose another "
            "folder with CNNVIZ_CHECKPOINTS."
        ) from None
    return _read(runs / name)


def folder_of(run_id: str, runs: Path | None = None) -> Path:
    """Returns the folder of a run.

    Raises:
        RunError: the id has other than letters, digits, `_` and `-`, or there is no such run.
    """
    folders = _folders(runs)
    if _ID.fullmatch(run_id):
        for folder in folders:
            if (folder / run_id / "recipe.json").is_file():
                return folder / run_id
    raise RunError(f"There is no run {run_id!r} in {folders[0]}; `python -m cnnviz runs` lists them.")


def open_run(run_id: str, runs: Path | None = None) -> Run:
    """Returns the run with this id as it is now; see `folder_of` for errors."""
    run = _read(folder_of(run_id, runs))
    if not _there(run):
        raise RunError(f"Run {run_id} has just been deleted.")
    return run


def listing(runs: Path | None = None) -> list[Run]:
    """Returns all runs, the newest first. Ended runs are read once; only active ones are looked at again.

    Raises:
        RunError: the folder is there but can't be read.
    """
    own, *shipped = map(_listing, _folders(runs))
    if not shipped:
        return own
    known = {run.id for run in own}
    both = [*own, *(run for run in shipped[0] if run.id not in known)]
    return sorted(both, key=_age, reverse=True)


def _age(run: Run) -> tuple[float, str]:
    return run.written.created, run.id


def _listing(runs: Path) -> list[Run]:
    try:
        stat = runs.stat()
        fresh = time.time_ns() - stat.st_mtime_ns < _TICK_NS
        scan = _scan.__wrapped__ if fresh else _scan
        found, going = scan(runs, stat.st_mtime_ns, stat.st_ino)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(
            f"The folder of runs {runs} can't be read: {error.strerror or error}; choose another with "
            "CNNVIZ_CHECKPOINTS."
        ) from None
    if not going:
        return list(found)
    now = [_again(run) if at in going else run for at, run in enumerate(found)]
    return [run for run in now if run is not None]


@lru_cache(maxsize=4)
def _scan(runs: Path, changed_ns: int, inode: int) -> tuple[tuple[Run, ...], frozenset[int]]:
    """All runs when the folder last changed, and the places of those that had not ended.

    Every new state touches the folder, see `write_state`; another folder in its place has another inode.
    """
    with os.scandir(runs) as entries:
        folders = [Path(e.path) for e in entries if _ID.fullmatch(e.name) and os.path.isfile(e.path + "/recipe.json")]
    read = [run for run in map(_read, folders) if _there(run)]
    found = tuple(sorted(read, key=_age, reverse=True))
    return found, frozenset(at for at, run in enumerate(found) if run.written.state not in ENDED)


def _again(run: Run) -> Run | None:
    """The run as it is now, or `None` if it has just been deleted."""
    now = _read(run.folder)
    return now if _there(now) else None


def _there(run: Run) -> bool:
    """Whether it is there still, after it was read: of one that was being deleted, nothing that was read is so."""
    return (run.folder / "recipe.json").exists()


def _read(folder: Path) -> Run:
    written = _state(folder / "state.json", *_stamp(folder / "state.json"))
    in_hand = written.state in ACTIVE and lives(folder, written)
    state = current(written, lives=in_hand, stop_requested=(folder / "request.json").exists())
    if state == "crashed" and not written.message:
        state, message = verdict(folder, written)
        written = written.model_copy(update={"message": message}) if message else written
    return Run(folder, _recipe(folder / "recipe.json", *_stamp(folder / "recipe.json")), written, state)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file is replaced; two writes within one tick of the clock differ in their inode."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0, 0
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


@lru_cache(maxsize=4096)
def _recipe(path: Path, mtime_ns: int, size: int, inode: int) -> Recipe | None:
    try:
        recipe: Recipe = parse(read_bytes(path))
        return recipe
    except (OSError, RecipeError):
        return None


@lru_cache(maxsize=4096)
def _state(path: Path, mtime_ns: int, size: int, inode: int) -> State:
    try:
        return State.model_validate(read_json(path))
    except (OSError, ValidationError):
        return State(state="crashed", created=mtime_ns / 1e9, message="Its state can't be read.")


def write_state(folder: Path, state: State) -> None:
    """Replaces the run's state and touches the folder of runs, by which listings see that something changed."""
    write_json(folder / "state.json", state.model_dump())
    os.utime(folder.parent)


def delete(run_id: str, runs: Path | None = None) -> None:
    """Removes a run and all it left behind; it vanishes at once, whole.

    Raises:
        RunError: there is no such run, it still goes on, or it is a part of an installed cnnviz.
    """
    folder = folder_of(run_id, runs)
    check_own(folder, "deleted")
    grave = folder.with_name(f".deleted-{run_id}-{secrets.token_hex(4)}")
    try:
        with changing(folder.parent):
            run = open_run(run_id, runs)
            if run.active:
                raise RunError(f"Run {run_id} is {run.state}; stop it before deleting it.")
            if run.state == "crashed" and in_force(folder):
                raise RunError(f"Run {run_id} can't be deleted: a worker still has it in hand; look again in a moment.")
            os.rename(folder, grave)
    except FileNotFoundError:
        raise RunError(f"Run {run_id} has just been deleted.") from None
    except OSError as error:
        raise RunError(f"Run {run_id} can't be deleted: {error.strerror or error}.") from None
    shutil.rmtree(grave, ignore_errors=True)
