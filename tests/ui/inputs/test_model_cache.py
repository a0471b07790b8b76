"""Loading models in the background: what is kept, what failed, and how a download ends."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from cnnviz.errors import ModelError
from cnnviz.progress import Cancelled
from cnnviz.ui.inputs.model_cache import KEPT, KEPT_BYTES, SURELY_KEPT, LockedModel, ModelSource, _Cache, _load
from cnnviz.ui.session.background_job import BackgroundJob


def source(name: str, load) -> ModelSource:
    return ModelSource(name, name, (name,), load)


def test_those_that_can_be_loaded_are_and_the_others_get_their_sentences() -> None:
    def broken(progress) -> None:
        raise ModelError("This one is broken: train it anew.")

    cache, good = _Cache(), SimpleNamespace(name="good")
    said = []
    found = _load(
        cache,
        [source("bad", broken), source("good", lambda progress: good)],
        lambda *words: said.append(words),
        lambda: False,
    )
    assert found == {("bad",): "This one is broken: train it anew."}
    assert cache.get(("good",)).classifier is good
    assert cache.get(("bad",)) is None
    assert said == [("Loading bad", 0, 2), ("Loading good", 1, 2)]


def test_a_download_counts_megabytes_and_ends_at_a_stop(until) -> None:
    reached, cache, ended = threading.Event(), _Cache(), []

    def download(progress) -> None:
        try:
            for block in range(10**9):
                progress("Downloading weights", min(block << 20, 500 << 20), 500 << 20)
                reached.set()
        except Cancelled:
            ended.append(True)
            raise

    work = BackgroundJob(
        lambda progress, cancelled: _load(cache, [source("large", download)], progress, cancelled), "Loading"
    )
    assert reached.wait(60)
    what, done, total = work.said
    assert (what, total) == ("Downloading weights, MB", 500)
    assert 0 <= done <= 500
    work.stop()
    until(lambda: work.done, 60)
    assert ended == [True]
    assert (work.result, work.message) == ({}, None)
    assert cache.get(("large",)) is None


def of_size(numbers: int) -> LockedModel:
    """What the shelf looks at of a model with so many numbers, which is too large to be made for a test."""
    return LockedModel(SimpleNamespace(model=SimpleNamespace(count_params=lambda: numbers)))


def test_the_models_used_last_are_kept() -> None:
    cache = _Cache()
    for number in range(KEPT + 1):
        cache.put((number,), of_size(1))
        cache.get((0,))
    assert [number for number in range(KEPT + 1) if cache.get((number,)) is not None] == [0, *range(2, KEPT + 1)]


def test_large_models_are_kept_in_less_number() -> None:
    cache, large = _Cache(), KEPT_BYTES // 4 // SURELY_KEPT
    for number in range(KEPT):
        cache.put((number,), of_size(large))
    assert [number for number in range(KEPT) if (number,) in cache] == list(range(KEPT - SURELY_KEPT, KEPT))
    for number in range(SURELY_KEPT):
        cache.put(("larger", number), of_size(large * 10))
    assert len(cache) == SURELY_KEPT
    assert all(("larger", number) in cache for number in range(SURELY_KEPT))


@pytest.mark.parametrize("stopped", [True, False])
def test_nothing_is_loaded_after_a_stop(stopped: bool) -> None:
    cache, classifier = _Cache(), []
    _load(cache, [source("one", classifier.append)], lambda *words: None, lambda: stopped)
    assert len(classifier) == (not stopped)
