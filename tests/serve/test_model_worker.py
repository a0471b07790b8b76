"""The thread that asks the model: each gets its own result, errors reach who asked, and the queue has an end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from cnnviz.errors import ModelError
from cnnviz.serve import model_worker
from cnnviz.serve.model_worker import Busy, ModelWorker


class Model:
    """Says of an image of one pixel its value and twice that; waits until it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.sizes: list[int] = []

    def __call__(self, images: np.ndarray) -> list[np.ndarray]:
        self.may.wait()
        self.sizes.append(len(images))
        values = images.reshape(len(images), 1).astype(int)
        if (values == 13).any():
            raise ModelError("The model says no.")
        return [values, 2 * values]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def worker(model: Model) -> Iterator[ModelWorker]:
    found = ModelWorker(model)
    found.start()
    yield found
    model.may.set()
    found.stop()


def image(value: int) -> np.ndarray:
    return np.full((1, 1, 1), value, np.uint8)


def test_each_image_gets_its_own_and_passes_are_no_larger_than_said(worker: ModelWorker, model: Model) -> None:
    promises = [worker.predict(image(value)) for value in range(14, 94)]
    model.may.set()
    assert [[int(head[0]) for head in one.result()] for one in promises] == [[v, 2 * v] for v in range(14, 94)]
    assert sum(model.sizes) == worker.images == 80
    assert max(model.sizes) == model_worker.AT_ONCE
    assert worker.passes == len(model.sizes) < 80


def test_other_work_is_done_between_passes_in_the_same_thread(worker: ModelWorker, model: Model) -> None:
    before = worker.predict(image(1))
    name = worker.carry_out(lambda: threading.current_thread().name)
    after = worker.predict(image(2))
    model.may.set()
    assert name.result() == "model"
    assert [int(one.result()[0][0]) for one in (before, after)] == [1, 2]


def test_an_error_reaches_who_asked_and_ends_nothing(worker: ModelWorker, model: Model) -> None:
    model.may.set()
    with pytest.raises(ModelError, match="says no"):
        worker.predict(image(13)).result()
    with pytest.raises(ZeroDivisionError):
        worker.carry_out(lambda: 1 // 0).result()
    assert int(worker.predict(image(3)).result()[0][0]) == 3


def test_who_has_gone_is_left_out(worker: ModelWorker, model: Model) -> None:
    blocking = worker.carry_out(model.may.wait)
    gone = [worker.predict(image(5)) for _ in range(3)]
    assert all(one.cancel() for one in gone)
    kept = worker.predict(image(6))
    model.may.set()
    assert int(kept.result()[0][0]) == 6
    assert blocking.result()
    assert model.sizes == [1]


def test_a_queue_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    monkeypatch.setattr(model_worker, "LONGEST_QUEUE", 4)
    worker = ModelWorker(model)
    for _ in range(4):
        worker.predict(image(1))
    with pytest.raises(Busy):
        worker.predict(image(1))
