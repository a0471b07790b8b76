"""The learning-rate finder on Train, as a person uses it, without a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.recipe import parse
from cnnviz.train import learning_rate_process
from cnnviz.ui.train import learning_rate_part
from tests.app.pages import sentences, shown
from tests.pages_run import rested


def draft(app: AppTest):
    return app.session_state["train_draft"]


def button(app: AppTest, name: str):
    return next((one for one in app.button if one.key == f"train_{name}_learning_rate"), None)


def number(app: AppTest, name: str):
    return app.number_input(key=draft(app).name(name))


def test_a_rate_is_found_taken_and_forgotten_for_another_recipe(app: AppTest, until: Callable[..., None]) -> None:
    shown(app)
    assert button(app, "use") is None
    button(app, "find").click().run()
    assert app.get("progress")
    rested(app, until, errors=False)
    assert len(app.get("plotly_chart")) == 1
    use = button(app, "use")
    rate = float(use.label.removeprefix("Use "))
    assert f"Suggested {rate:g}; the recipe has 0.003." in sentences(app.caption)
    use.click()
    shown(app, errors=False)
    assert parse(draft(app).tree).fit.learning_rate == number(app, "fit.learning_rate").value == rate
    assert button(app, "use").disabled  # the curve stays
    number(app, "fit.epochs").set_value(3)
    shown(app, errors=False)
    assert button(app, "use") is not None
    number(app, "fit.batch_size").set_value(30)
    shown(app, errors=False)
    assert button(app, "use") is None
    assert not app.get("plotly_chart")
    number(app, "fit.batch_size").set_value(20)
    shown(app, errors=False)
    assert button(app, "use") is not None


def test_stop_ends_the_process(app: AppTest, until: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    lines = learning_rate_process.json_lines

    def noted(*given: object, **how: object):
        try:
            yield from lines(*given, **how)
        finally:
            ended.append(True)  # `json_lines` has waited for the process

    monkeypatch.setattr(learning_rate_process, "json_lines", noted)
    shown(app)
    button(app, "find").click().run()
    app.button(key=f"stop_{learning_rate_part._JOB}").click().run()
    rested(app, until, errors=False)
    assert ended == [True]
    assert "Stopped; nothing was kept of it." in sentences(app.caption)
    assert not button(app, "find").disabled


def test_with_a_mistake_it_can_not_be_pressed_and_says_why(app: AppTest) -> None:
    shown(app)
    draft(app).put("seed", None)
    shown(app)
    assert button(app, "find").disabled
    assert "Mend what is wrong" in button(app, "find").help
