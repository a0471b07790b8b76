"""A search is a folder beside its runs: `searches/<id>/` in the folder of all runs, itself like a run's.

It has `recipe.json`, `state.json`, `log.txt` and requests as a run has, so that whatever tells the state of a run, asks
it to stop or deletes it does so with a search. `search.json` is its description, `study.log` Optuna's journal, and
`result.json` how it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cnnviz.errors import CnnvizError, RunError
from cnnviz.files import read_json, write_json
from cnnviz.runs import store
from cnnviz.runs.launch import request_stop as request_stop_of_run
from cnnviz.runs.status import StateName
from cnnviz.runs.store import Run
from cnnviz.search.spec import SearchSpec

__all__ = [
    "Best",
    "Result",
    "Search",
    "create",
    "delete",
    "listing",
    "open_search",
    "place_of",
    "request_stop",
    "trials_of",
    "write_result",
]


@dataclass(frozen=True)
class Best:
    """The best trial so far: its run's id, the metric's value, and what it has set in the recipe."""

    run: str
    value: float
    settings: dict[str, Any]


@dataclass(frozen=True)
class Result:
    """How a search stands: its best trial, how many have ended, how many of these were pruned or failed, and how many
    seconds it has been at work."""

    best: Best | None = None
    trials: int = 0
    pruned: int = 0
    failed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Search:
    """A search as it was read.

    Attributes:
        run: its folder, read as a run's: state, process, times.
        spec: what is searched.
    """

    run: Run
    spec: SearchSpec

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.run.id

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self.run.folder

    @property
    def runs(self) -> Path:
        """The folder of all runs, its trials' among them."""
        return self.folder.parent.parent

    @property
    def state(self) -> StateName:
        """Its true state, as a run's."""
        return self.run.state

    @property
    def active(self) -> bool:
        """Whether a coordinator has it in hand."""
        return self.run.active

    @property
    def journal(self) -> Path:
        """Optuna's storage, which optuna-dashboard opens too."""
        return self.folder / "study.log"

    @property
    def result(self) -> Result:
        """How it stands, as its coordinator wrote last."""
        found = read_json(self.folder / "result.json")
        try:
            best = found.pop("best", None)
            return Result(best=None if best is None else Best(**best), **found)
        except (AttributeError, TypeError):
            return Result()


def place_of(runs: Path | None = None) -> Path:
    """Returns the folder of all searches."""
    return (runs or store.root()) / "searches"


def create(spec: SearchSpec, runs: Path | None = None) -> Search:
    """Makes the folder of a new search.

    Raises:
        RunError: it can't be written.
    """
    run = store.create(spec.recipe, place_of(runs))
    try:
        write_json(run.folder / "search.json", spec.model_dump(mode="json"))
    except OSError as error:
        raise RunError(f"The search {run.id} can't be written: {error.strerror or error}.") from None
    return Search(run, spec)


def open_search(search_id: str, runs: Path | None = None) -> Search:
    """Returns the search with this id as it is now.

    Raises:
        RunError: there is no such search, or it can't be read.
    """
    try:
        run = store.open_run(search_id, place_of(runs))
    except RunError:
        raise RunError(f"There is no search {search_id!r} in {place_of(runs)}.") from None
    if (found := _read(run)) is None:
        raise RunError(f"The search {search_id} can't be read: its search.json is damaged.")
    return found


def listing(runs: Path | None = None) -> list[Search]:
    """Returns all searches that can be read, the newest first.

    Raises:
        RunError: the folder is there but can't be read.
    """
    return [search for search in map(_read, store.listing(place_of(runs))) if search is not None]


def _read(run: Run) -> Search | None:
    path = run.folder / "search.json"
    try:
        spec = _spec(path, path.stat().st_mtime_ns)
    except OSError:
        return None
    return None if spec is None else Search(run, spec)


@lru_cache(maxsize=512)
def _spec(path: Path, mtime_ns: int) -> SearchSpec | None:
    try:
        return SearchSpec.model_validate(read_json(path))
    except (ValidationError, CnnvizError):
        return None


def trials_of(search: Search) -> list[Run]:
    """Returns the runs that are trials of a search, in their order; those that were deleted are missing."""
    found = [run for run in store.listing(search.runs) if run.written.search == search.id]
    return sorted(found, key=lambda run: (run.written.trial or 0, run.written.created))


def request_stop(search_id: str, runs: Path | None = None) -> Search:
    """Asks a search to stop: the trials that learn are paused, and go on with it when it is continued.

    Raises:
        RunError: there is no such search, it has already ended, or its folder can't be written.
    """
    search = open_search(search_id, runs)
    if not search.active:
        raise RunError(f"The search {search_id} is {search.state}; only one that goes on can be stopped.")
    request_stop_of_run(search_id, place_of(runs))
    return open_search(search_id, runs)


def delete(search_id: str, runs: Path | None = None) -> None:
    """Removes a search and its study; the runs that were its trials stay.

    Raises:
        RunError: there is no such search, or it still goes on.
    """
    search = open_search(search_id, runs)
    if search.active:
        raise RunError(f"The search {search_id} is {search.state}; stop it before deleting it.")
    store.delete(search_id, place_of(runs))


def write_result(folder: Path, result: Result) -> None:
    """Replaces what is told of how a search stands."""
    best = result.best and {"run": result.best.run, "value": result.best.value, "settings": result.best.settings}
    numbers = {"trials": result.trials, "pruned": result.pruned, "failed": result.failed, "seconds": result.seconds}
    write_json(folder / "result.json", {"best": best, **numbers})
