"""Work in the background: its result, its sentence, its stop."""

from __future__ import annotations

import threading

import pytest

from cnnviz.errors import DataError
from cnnviz.ui.session.background_job import BackgroundJob


def test_work_says_how_far_it_is_and_keeps_its_result(until) -> None:
    go = threading.Event()

    def count(progress, cancelled) -> int:
        progress("Counting", 1, 3)
        go.wait(30)
        return 3

    work = BackgroundJob(count, "Starting")
    until(lambda: work.said == ("Counting", 1, 3), 30)
    assert not work.done
    go.set()
    until(lambda: work.done, 30)
    assert (work.result, work.message, work.stopped) == (3, None, False)


def test_a_stop_reaches_the_function_and_leaves_no_sentence(until) -> None:
    def wait(progress, cancelled) -> None:
        until(cancelled, 30)
        raise InterruptedError

    work = BackgroundJob(wait, "Waiting")
    work.stop()
    until(lambda: work.done, 30)
    assert (work.result, work.message, work.stopped) == (None, None, True)


@pytest.mark.parametrize(
    ("error", "said"), [(DataError("No images."), "No images."), (KeyError("x"), "unexpectedly (KeyError)")]
)
def test_what_goes_wrong_is_a_sentence(until, error: Exception, said: str) -> None:
    def fail(progress, cancelled) -> None:
        raise error

    work = BackgroundJob(fail, "Failing")
    until(lambda: work.done, 30)
    assert said in work.message
