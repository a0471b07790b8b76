"""The only thread that asks a server's model: it gathers what several clients want at once into one pass."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

__all__ = ["Busy", "ModelWorker"]

LONGEST_QUEUE = 512
"""Of what waits for the model; who comes later is told to come again."""
AT_ONCE = 32
"""Images in one pass at most."""
GATHER_SECONDS = 0.002
"""How long the first image of a pass waits for others."""


class Busy(Exception):
    """More waits for the model than it can do soon."""


@dataclass(frozen=True, eq=False)
class _Job:
    """One image to predict, or other work with the model, and where its result goes."""

    image: np.ndarray | None = None
    work: Callable[[], Any] | None = None
    result: Future = field(default_factory=Future)


_END = _Job()


class ModelWorker:
    """A thread that predicts images in passes of up to `AT_ONCE`, and carries out other work between them.

    `images` have been predicted by now in so many `passes`.

    Args:
        predict: gives of uint8 images (n, height, width, channels) each head's probabilities (n, classes).

    Example:
        >>> worker = ModelWorker(lambda images: [images.reshape(len(images), -1)])
        >>> worker.start()
        >>> [head.tolist() for head in worker.predict(np.uint8([[[7]]])).result()]
        [[7]]
        >>> worker.stop()
    """

    def __init__(self, predict: Callable[[np.ndarray], list[np.ndarray]]) -> None:
        self._predict = predict
        self.images = self.passes = 0
        self._jobs: queue.Queue[_Job] = queue.Queue(LONGEST_QUEUE)
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after what waits for it now, and returns when it has ended."""
        self._jobs.put(_END)
        self._thread.join()

    def predict(self, image: np.ndarray) -> Future[list[np.ndarray]]:
        """Returns a promise of each head's probabilities (classes,) for a uint8 image (height, width, channels).

        Raises:
            Busy: too much waits already.
        """
        return self._add(_Job(image=image))

    def carry_out(self, work: Callable[[], Any]) -> Future[Any]:
        """Returns a promise of what `work`, which may use the model, returns.

        Raises:
            Busy: too much waits already.
        """
        return self._add(_Job(work=work))

    def _add(self, job: _Job) -> Future:
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Busy from None
        return job.result

    def _work(self) -> None:
        other = None
        while other is not _END:
            images, other = self._gathered()
            if images:
                _settle(images, partial(self._predicted, images))
            if other is not None and other.work is not None and other.result.set_running_or_notify_cancel():
                _settle([other], partial(_alone, other.work))

    def _gathered(self) -> tuple[list[_Job], _Job | None]:
        """Waits for a job; returns the images that came within a moment, and what else came after them."""
        images: list[_Job] = []
        until = 0.0
        while len(images) < AT_ONCE:
            try:
                job = self._jobs.get(timeout=max(0.0, until - time.monotonic()) if images else None)
            except queue.Empty:
                break
            if job.image is None:
                return images, job
            if job.result.set_running_or_notify_cancel():  # else its client has gone
                until = until or time.monotonic() + GATHER_SECONDS
                images.append(job)
        return images, None

    def _predicted(self, jobs: list[_Job]) -> list[list[np.ndarray]]:
        heads = self._predict(np.stack([job.image for job in jobs if job.image is not None]))
        self.images, self.passes = self.images + len(jobs), self.passes + 1
        return [[head[at] for head in heads] for at in range(len(jobs))]


def _alone(work: Callable[[], Any]) -> list:
    return [work()]


def _settle(jobs: list[_Job], work: Callable[[], list]) -> None:
    """Gives each job its result, or all of them what went wrong."""
    try:
        results = work()
    except BaseException as error:
        for job in jobs:
            job.result.set_exception(error)
        return
    for job, result in zip(jobs, results, strict=True):
        job.result.set_result(result)
