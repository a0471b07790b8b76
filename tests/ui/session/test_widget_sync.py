"""Values for widgets, told again until the browser has them."""

from __future__ import annotations

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from cnnviz.ui.session import widget_sync as told


def script() -> None:
    import streamlit as st

    from cnnviz.ui.session.widget_sync import repeat_widget_value, set_widget_value, set_widget_value_first

    if "give" in st.session_state:
        set_widget_value("letter", st.session_state.pop("give"))
    else:
        repeat_widget_value("letter")
    st.multiselect("Letters", ["a", "b", "c"], key="letter")
    set_widget_value_first("number", 7)
    st.number_input("Number", 0, 9, key="number")


@pytest.fixture
def app() -> AppTest:
    opened = AppTest.from_function(script, default_timeout=60)
    opened.session_state["give"] = ["b"]
    return drawn(opened)


def drawn(app: AppTest, *, heard: bool = True) -> AppTest:
    """Runs the page: as a browser asks that has drawn what it was told, or as the server does before that."""
    app.run() if heard else app._run(WidgetStates())
    assert not app.exception
    return app


def said(app: AppTest) -> tuple[list[str] | None, float | None]:
    """What the browser is told in this drawing."""
    letters, number = app.multiselect(key="letter").proto, app.number_input(key="number").proto
    return list(letters.raw_values) if letters.set_value else None, number.value if number.set_value else None


def test_a_value_is_told_until_the_browser_speaks_of_it(app):
    assert said(app) == (["b"], 7)
    assert said(drawn(app, heard=False)) == (["b"], 7)
    assert said(drawn(app, heard=False)) == (["b"], 7)
    assert said(drawn(app)) == (None, None)
    assert said(drawn(app)) == (None, None)
    assert said(drawn(app, heard=False)) == (None, None)
    assert (app.multiselect(key="letter").value, app.number_input(key="number").value) == (["b"], 7)


def test_a_new_value_is_told_in_its_turn(app):
    drawn(app)
    app.session_state["give"] = ["a", "c"]
    assert said(drawn(app)) == (["a", "c"], None)
    assert said(drawn(app, heard=False)) == (["a", "c"], None)
    assert said(drawn(app)) == (None, None)


def test_a_first_choice_is_not_told_back(app):
    """A hand that goes on would be taken back."""
    app.number_input(key="number").set_value(4)
    assert said(drawn(app)) == (None, None)
    assert app.number_input(key="number").value == 4


def test_a_choice_that_crossed_a_telling_is_told_back_once(app):
    drawn(app, heard=False)
    app.number_input(key="number").set_value(4)
    assert said(drawn(app)) == (None, 4)
    assert said(drawn(app)) == (None, None)
    assert app.number_input(key="number").value == 4


def test_a_choice_made_later_is_not(app, monkeypatch):
    monkeypatch.setattr(told, "CROSSING_SECONDS", 0.0)
    drawn(app, heard=False)
    app.number_input(key="number").set_value(4)
    assert said(drawn(app)) == (None, None)
    assert app.number_input(key="number").value == 4
