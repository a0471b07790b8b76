"""Models for pages: loaded in the background, kept for all sessions, asked by one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from cnnviz import runs
from cnnviz.bounded_cache import BoundedCache
from cnnviz.errors import ModelError, enough_memory
from cnnviz.progress import CancelCheck, Cancelled, Progress, check_cancelled
from cnnviz.runs import Run
from cnnviz.ui.markdown import plain
from cnnviz.ui.session import background_job

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = [
    "LockedModel",
    "ModelSource",
    "forget_failures",
    "head_file",
    "head_of",
    "heads_of",
    "letting_others_in",
    "load_ahead",
    "loaded_model",
    "models_of_runs",
    "of_head",
    "of_run",
    "open_models",
    "prepare",
    "runs_with_model",
]

KEPT = 6
"""At most so many models are kept for all sessions."""
KEPT_BYTES = 1 << 30
"""Of these, the longest unused go while all numbers together take more than this …"""
SURELY_KEPT = 4
"""… but so many always stay, as a page shows so many side by side."""
_FAILED = "networks_failed"
_MEGABYTE = 1 << 20
_STOPPED = "Loading was stopped."


@dataclass(frozen=True, eq=False)
class LockedModel:
    """A loaded model with its lock: `predict`, and TensorFlow is used by one thread at a time."""

    classifier: Classifier
    lock: threading.Lock = field(default_factory=threading.Lock)

    @enough_memory()
    def outputs(self, images: Any, training: bool = False) -> list[Any]:
        """Returns the outputs for float32 images as arrays; they must be in the scale that the model takes."""
        with self.lock:
            found = self.classifier.model(images, training=False)
        return [one.numpy() for one in (found if isinstance(found, (list, tuple)) else [found])]

    def predict(self, images: Any) -> list[Any]:
        """Returns the class probabilities of each head, float32 (n, classes), for uint8 images at its size."""
        with self.lock:
            return self.classifier.predict(images)


@contextmanager
def letting_others_in(lock: threading.Lock, progress: Progress | None = None) -> Iterator[Progress]:
    """Holds a model's lock and gives a function for long work's progress, which lets others have it for a moment."""

    def breathe(what: str, done: int, total: int) -> None:
        lock.release()
        time.sleep(0.001)  # a lock that is taken again at once is seldom given to another thread
        lock.acquire()
        if progress is not None:
            progress(what, done, total)

    with lock:
        yield breathe


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from: `id` names it within a session, `title` on a page; `stamp` tells it from all others.

    `load` gets a function for its progress and returns the model; `run` is the run that it is of, if it is of one.
    """

    id: str
    title: str
    stamp: tuple
    load: Callable[[Progress], Classifier] = field(compare=False, repr=False)
    run: Run | None = field(default=None, compare=False, repr=False)

    @property
    def file_part(self) -> str:
        """What files about it are called: a run's id, as several runs may have one title."""
        return self.title if self.run is None else self.run.id


class _Cache(BoundedCache[LockedModel]):
    """The models used last. Streamlit's own cache can't say whether it has something without making it."""

    def __init__(self) -> None:
        super().__init__(KEPT, most_bytes=KEPT_BYTES, size=_bytes, surely=SURELY_KEPT)
        self.loading = threading.Lock()


def _bytes(model: LockedModel) -> int:
    return 4 * model.classifier.model.count_params()


@st.cache_resource(show_spinner=False)
def _cache() -> _Cache:
    return _Cache()


@st.cache_resource(show_spinner=False)
def prepare() -> None:
    """Makes the server fit to load models and to ask them, once; brings TensorFlow, which takes some seconds."""
    from cnnviz.models.load.sandbox_client import warm

    warm()  # imports the same, at the same time
    from cnnviz.models.load.load import keep_state  # brings TensorFlow, which no page should load before it is needed

    keep_state()


def runs_with_model(listed: Sequence[Run] | None = None) -> list[Run]:
    """Returns the runs that have a model to ask, the newest first."""
    listed = runs.listing() if listed is None else listed
    return [run for run in listed if run.recipe is not None and not run.active and run.best_path.is_file()]


def of_run(run: Run, title: str = "") -> ModelSource:
    """Returns a run's model as a source."""
    try:
        status = run.best_path.stat()
        stamp = (str(run.best_path), status.st_mtime_ns, status.st_size)
    except OSError:
        stamp = (str(run.best_path), 0, 0)
    return ModelSource(run.id, title or run.id, stamp, partial(_load_run, run), run)


def _load_run(run: Run, progress: Progress) -> Classifier:
    from cnnviz.models.load.load import load_run

    return load_run(run)


def heads_of(run: Run) -> dict[str, str]:
    """Returns the heads of a several-headed run, each by the id of its source; nothing for a run of one head."""
    heads = run.recipe.network.heads if run.recipe is not None else ()
    return {f"{run.id}/{head.name}": head.name for head in heads} if len(heads) > 1 else {}


def head_of(source: str, runs: Mapping[str, Run]) -> tuple[Run, str] | None:
    """Returns the run and the head that the id of a source stands for; `None` for any other source."""
    run = runs.get(source.partition("/")[0])
    if run is None:
        return None
    heads = heads_of(run)
    return (run, heads[source]) if source in heads else None


def of_head(run: Run, head: str, title: str = "") -> ModelSource:
    """Returns one head of a run as a source of its own.

    It is of no run: what a run's folder keeps is about all of its heads, by their numbers.
    """
    whole = of_run(run)
    return ModelSource(
        f"{run.id}/{head}", title or f"{run.id} · {head} only", (*whole.stamp, head), partial(_load_head, run, head)
    )


def head_file(run: Run, head: str) -> bytes:
    """Returns one head of a run as the bytes of a `.keras` file; none where its model can't be read."""
    from cnnviz.models.export.single_head import as_file

    prepare()
    try:
        with _cache().loading:
            return as_file(_load_head(run, head, lambda what, done, total: None))
    except ModelError:
        return b""


def _load_head(run: Run, head: str, progress: Progress) -> Classifier:
    from cnnviz.models.export.single_head import split

    whole = _cache().get(of_run(run).stamp)
    return split(whole.classifier if whole is not None else _load_run(run, progress), head)


def open_models(sources: Sequence[ModelSource]) -> list[LockedModel | str] | None:
    """Returns for each source its model, or the sentence why there is none; `None` while they are being loaded.

    Loading shows a bar with a Stop. What failed is tried again once other sources, or none, were asked for.
    """
    cache = _cache()
    chosen = tuple(source.stamp for source in sources)
    if st.session_state.get(_FAILED, (None,))[0] != chosen:
        st.session_state[_FAILED] = (chosen, {})
    failed: dict[tuple, str] = st.session_state[_FAILED][1]

    def missing() -> list[ModelSource]:
        return [source for source in sources if source.stamp not in failed and cache.get(source.stamp) is None]

    name = f"networks_{abs(hash(chosen))}"
    loading = partial(_load, cache, missing())
    if (work := background_job.run_job(name, loading, "Loading the model", begin=bool(missing()))) is not None:
        failed.update(work.result or {})
        failed.update({source.stamp: work.message or _STOPPED for source in missing()})
    return None if missing() else [cache.get(stamp) or failed.get(stamp, _STOPPED) for stamp in chosen]


def load_ahead(source: ModelSource) -> LockedModel | None:
    """Returns the source's model after loading it, where that can be done."""
    _load(_cache(), [source], lambda what, done, total: None, lambda: False)
    return _cache().get(source.stamp)


def loaded_model(source: ModelSource) -> LockedModel | None:
    """Returns the source's model if it is loaded already."""
    return _cache().get(source.stamp)


def forget_failures() -> None:
    """Lets models that could not be loaded be tried again."""
    st.session_state.pop(_FAILED, None)


def _load(
    cache: _Cache, sources: Sequence[ModelSource], progress: Progress, cancelled: CancelCheck
) -> dict[tuple, str]:
    """Puts models on the shelf; returns the sentences of those that can't be loaded."""
    messages: dict[tuple, str] = {}

    def tell(what: str, done: int, total: int) -> None:
        """Ends a download that is to stop, and counts it in megabytes."""
        check_cancelled(cancelled)
        large = total >= _MEGABYTE
        progress(
            f"{what}, MB" if large else what,
            done // _MEGABYTE if large else done,
            total // _MEGABYTE if large else total,
        )

    for nth, source in enumerate(sources):
        name = f"Loading {source.title}"
        progress(name, nth, len(sources) if len(sources) > 1 else 0)
        with cache.loading:  # two pages may want the same at once
            try:
                check_cancelled(cancelled)
                prepare()
                if cache.get(source.stamp) is None:
                    cache.put(source.stamp, LockedModel(source.load(tell)))
            except Cancelled:
                return messages
            except ModelError as error:
                messages[source.stamp] = str(error)
    return messages


def models_of_runs(chosen: Sequence[Run]) -> list[LockedModel] | None:
    """Returns the runs' models, or `None` while they are being loaded or after saying why they can't be."""
    found = open_models([of_run(run) for run in chosen])
    if found is None:
        return None
    for message in dict.fromkeys(one for one in found if isinstance(one, str)):
        st.error(plain(message), icon=":material/error:")
    if any(isinstance(one, str) for one in found):
        st.button(
            "Try again",
            icon=":material/refresh:",
            key="networks_again",
            on_click=forget_failures,
            help="Loads the model once more.",
        )
        return None
    return [one for one in found if not isinstance(one, str)]
