"""Work in the background: its result, its sentence, its stop."""

from __future__ import annotations

import threading

import pytest
from streamlit.testing.v1 import AppTest

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


def keyed_page() -> None:
    import streamlit as st

    from cnnviz.errors import DataError
    from cnnviz.ui.session.background_job import keyed_job

    state = st.session_state
    key, begun, stopped, pause = (state[name] for name in ("key", "begun", "stopped", "pause"))

    def work(progress, cancelled) -> str:
        begun.append(key)
        if key == "broken":
            raise DataError("No images.")
        while key == "endless" and not cancelled():
            pause.wait(0.01)
        if cancelled():
            stopped.append(key)
        return key

    ended = keyed_job("work", (key,), work, "Working", begin=state["begin"])
    state["ended"] = None if ended is None else ended.result or ended.message


@pytest.fixture
def app() -> AppTest:
    """A page that wants work for a key; `begun` and `stopped` are the keys whose work was."""
    app = AppTest.from_function(keyed_page, default_timeout=60)
    for name, value in {"begun": [], "stopped": [], "begin": True, "pause": threading.Event()}.items():
        app.session_state[name] = value
    return app


def ended(app: AppTest, key: str, until) -> str | None:
    """What the page gets for the key."""
    app.session_state["key"] = key
    app.run()
    until(lambda: app.session_state["ended"] or app.run().session_state["ended"], 30)
    return app.session_state["ended"]


def test_what_failed_for_a_key_is_tried_again_only_after_another_key(app: AppTest, until) -> None:
    assert [ended(app, "broken", until) for _ in range(3)] == ["No images."] * 3
    assert app.session_state["begun"] == ["broken"]
    assert ended(app, "whole", until) == "whole"
    assert ended(app, "broken", until) == "No images."
    assert app.session_state["begun"] == ["broken", "whole", "broken"]


def test_a_result_is_given_once(app: AppTest, until) -> None:
    """It is the caller's to keep; where it is gone, the work is done again."""
    assert [ended(app, "whole", until) for _ in range(2)] == ["whole"] * 2
    assert app.session_state["begun"] == ["whole"] * 2


def test_work_for_another_key_is_dropped(app: AppTest, until) -> None:
    app.session_state["key"] = "endless"
    app.run()
    assert (app.session_state["ended"], app.session_state["stopped"]) == (None, [])
    assert [button.label for button in app.button] == ["Stop"]
    assert ended(app, "whole", until) == "whole"
    until(lambda: app.session_state["stopped"] == ["endless"], 30)


def test_nothing_is_begun_that_is_not_to(app: AppTest) -> None:
    app.session_state["key"], app.session_state["begin"] = "whole", False
    app.run()
    assert (app.session_state["ended"], app.session_state["begun"]) == (None, [])


@pytest.mark.parametrize("how", ["failed", "stopped", "whole"])
def test_an_end_is_said_where_it_is_not_to_be_seen(how: str) -> None:
    def page(how: str) -> None:
        from cnnviz.errors import DataError
        from cnnviz.ui.session.background_job import BackgroundJob, say_end

        def work(progress, cancelled) -> None:
            if how == "failed":
                raise DataError("No *images*.")

        ended = BackgroundJob(work, "Working")
        ended.wait(30)
        if how == "stopped":
            ended.stop()
        say_end(ended, "Stopped early.")
        say_end(None)

    app = AppTest.from_function(page, args=(how,), default_timeout=60).run()
    assert [error.value for error in app.error] == [r"No \*images\*\."] * (how == "failed")
    assert [caption.value for caption in app.caption] == ["Stopped early."] * (how == "stopped")
