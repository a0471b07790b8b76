"""One model for many sessions at once, and many models one after another."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

from cnnviz.explain import Target, explain
from cnnviz.models.load.load import load_file
from cnnviz.ui.inputs.model_cache import KEPT, LockedModel, ModelSource, _Cache, _load
from tests.made_models import SIDE, made, pixels_for

THREADS, TURNS = 8, 50
CYCLES, GROWTH_MB = 80, 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """More models than are kept."""
    folder, found = tmp_path_factory.mktemp("networks"), []
    for number in range(KEPT + 2):
        keras.utils.set_random_seed(number)
        model = keras.Sequential(
            [
                keras.Input((SIDE, SIDE, 3)),
                keras.layers.Conv2D(4 + number, 3, activation="relu", name="conv"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(3, "softmax"),
            ]
        )
        found.append(folder / f"{number}.keras")
        model.save(found[-1])
    return found


def source(path: Path) -> ModelSource:
    return ModelSource(path.stem, path.stem, (path.stem,), lambda progress: load_file(path))


def predicted(held_model: LockedModel, image: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the Predict page computes of an image: the prediction, and the map for it."""
    probabilities = held_model.predict(image)
    with held_model.lock:
        made = explain(
            held_model.classifier.model,
            held_model.classifier.pixels(image),
            method="grad-cam",
            target=Target(0, int(probabilities[0][0].argmax())),
        )
    return (*probabilities, made.map, made.strength, made.scores)


def test_many_ask_one_model_while_others_come_and_go(tmp_path, files):
    made("sequential").save(tmp_path / "shared.keras")
    cache, shared = _Cache(), source(tmp_path / "shared.keras")
    assert _load(cache, [shared], lambda *said: None, lambda: False) == {}
    held_model = cache.get(shared.stamp)
    images = pixels_for(held_model.classifier.model, TURNS).astype(np.uint8)
    alone = [predicted(held_model, images[at : at + 1]) for at in range(TURNS)]
    over, classifier, dropped = threading.Event(), count(), []

    def come_and_go(first: int) -> int:
        for turn in count(first):
            if over.is_set():
                return turn - first
            path = files[turn % len(files)]
            assert _load(cache, [source(path)], lambda *said: None, lambda: False) == {}
            other = cache.get((path.stem,))
            if other is None:  # the other thread's were later
                dropped.append(path)
                continue
            predicted(other, images[:1])
            next(classifier)

    def ask(thread: int) -> list[int]:
        order = np.random.default_rng(thread).permutation(TURNS)
        return [
            at
            for at in order
            if not all(
                map(np.array_equal, predicted(cache.get(shared.stamp) or held_model, images[at : at + 1]), alone[at])
            )
        ]

    with ThreadPoolExecutor(THREADS + 2) as pool:
        others = [pool.submit(come_and_go, first) for first in (0, len(files) // 2)]
        try:
            different = list(pool.map(ask, range(THREADS)))
        finally:
            over.set()
        assert sum(other.result() for other in others) > KEPT
    assert different == [[]] * THREADS
    assert len(cache) == KEPT


def test_models_that_are_dropped_leave_nothing_behind(files):
    """Each is loaded, asked, every fourth explained, and pushed off the shelf, as those of many sessions are."""
    cache, process, seen = _Cache(), psutil.Process(), []
    image = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)

    def cycle(number: int) -> None:
        path = files[number % len(files)]
        one = ModelSource("", "", (number,), partial(lambda path, progress: load_file(path), path))
        assert _load(cache, [one], lambda *said: None, lambda: False) == {}
        held_model = cache.get((number,))
        seen.append(weakref.ref(held_model.classifier.model))
        if number % 4:
            held_model.predict(image)
        else:
            predicted(held_model, image)

    def memory() -> float:
        gc.collect()
        return process.memory_info().rss / 2**20

    for number in range(20):  # what is loaded once and stays
        cycle(number)
    before = memory()
    for number in range(20, 20 + CYCLES):
        cycle(number)
    assert memory() - before < GROWTH_MB
    assert sum(model() is not None for model in seen) == len(cache) == KEPT
