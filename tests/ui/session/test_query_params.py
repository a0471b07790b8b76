"""What a page reads in its address, and whether a change of it is a step of a person or takes an entry's place."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.ui.session import query_params as address
from tests.addresses import address_of, by_link


def script() -> None:
    import streamlit as st

    from cnnviz.ui.session import query_params as address

    session = st.session_state
    if not session.get("fragment"):
        address.enter(session.get("page", "one"))
    session["found"] = address.new_values("part", ("layer", "view"))
    session["values"] = session.get("values", {}) | (session["found"] or {}) | session.pop("change", {})
    address.write("part", session["values"])
    address.replace_silently(*session.pop("settled", ()))
    if session.get("fragment"):
        address.push_url_in_fragment()
    else:
        address.push_url(("one", "two"))


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(script, default_timeout=60)


def drawn(app: AppTest, *settled: str, **values: str) -> AppTest:
    """Runs the page, which changes these values."""
    app.session_state["change"], app.session_state["settled"] = values, settled
    app.run()
    assert not app.exception
    return app


def stepped(app: AppTest) -> bool:
    """Whether the last run made an entry of the browser's history, rather than changing the present one."""
    return json.loads(app.get("bidi_component")[0].proto.json)["to"] is None


def since(app: AppTest) -> list[str]:
    """The addresses of the browser that the last one told may take the place of."""
    return json.loads(app.get("bidi_component")[0].proto.json)["since"]


def test_what_a_page_settles_in_quick_reruns_reaches_a_browser_that_drew_only_the_last(app):
    drawn(app)
    drawn(app, "layer", layer="conv")
    drawn(app, "view", view="kernels")
    assert not stepped(app)
    assert since(app) == ["", "layer=conv"]
    drawn(app, layer="conv_1")
    assert stepped(app)
    drawn(app, "view", view="")
    assert since(app) == ["layer=conv_1&view=kernels"], "an entry that a person has left is changed"


def test_a_link_is_read_once(app):
    assert drawn(app).session_state["found"] is None
    assert by_link(app, layer="conv").session_state["found"] == {"layer": "conv", "view": ""}
    assert drawn(app).session_state["found"] is None
    assert by_link(app, view="kernels", other="x").session_state["found"] == {"layer": "", "view": "kernels"}


def test_a_step_is_one_entry_and_names_what_is_the_pages_own(app, monkeypatch):
    told = []
    monkeypatch.setattr(
        "streamlit.runtime.state.query_params.QueryParams.from_dict", lambda _, values: told.append(values)
    )
    by_link(app, layer="a", policy="D3")
    assert not stepped(app)
    assert address_of(app) == {"layer": "a"}
    assert stepped(drawn(app, layer="b", view="kernels"))
    drawn(app)
    assert told == [{"layer": "b", "view": "kernels"}]


def test_what_a_fragment_filled_in_is_a_step_when_a_person_changes_it(app, monkeypatch):
    told = []
    monkeypatch.setattr(
        "streamlit.runtime.state.query_params.QueryParams.from_dict", lambda _, values: told.append(values)
    )
    drawn(app, layer="a", view="0")
    app.session_state["fragment"] = True
    drawn(app, "view", layer="b", view="5")
    drawn(app, view="6")
    assert told == [{"layer": "b", "view": "5"}, {"layer": "b", "view": "6"}]


def test_what_a_page_fills_in_takes_the_entrys_place(app):
    drawn(app, layer="first")
    assert not stepped(app)
    assert address_of(app) == {"layer": "first"}
    drawn(app, "layer", layer="conv")
    assert not stepped(app)
    assert address_of(app) == {"layer": "conv"}
    assert stepped(drawn(app, "layer", layer="other", view="kernels"))
    assert address_of(app) == {"layer": "other", "view": "kernels"}


def test_an_older_address_of_a_browser_that_has_not_heard_yet_undoes_nothing(app):
    by_link(app, layer="a")
    drawn(app, layer="b")
    app.query_params["layer"] = "a"
    assert drawn(app, layer="c").session_state["found"] is None
    assert address_of(app) == {"layer": "c"}


def test_going_back_is_news_at_once_and_what_is_not_named_is_as_usual(app, monkeypatch):
    by_link(app, layer="a")
    drawn(app, layer="b", view="kernels")
    monkeypatch.setattr(address, "get_script_run_ctx", lambda: SimpleNamespace(is_history_navigation=True))
    app.query_params.clear()
    app.query_params["layer"] = "a"
    assert drawn(app).session_state["found"] == {"layer": "a", "view": ""}
    assert address_of(app) == {"layer": "a"}
    app.query_params.clear()
    assert drawn(app).session_state["found"] == {"layer": "", "view": ""}


def test_an_entry_that_was_left_before_it_heard_what_the_page_filled_in_stands_for_that(app, monkeypatch):
    app.session_state["values"] = {"layer": "a"}
    drawn(app)
    drawn(app, layer="b")
    went = SimpleNamespace(is_history_navigation=True)
    with monkeypatch.context() as back:
        back.setattr(address, "get_script_run_ctx", lambda: went)
        app.query_params.clear()
        assert drawn(app).session_state["found"] == {"layer": "a", "view": ""}
    assert address_of(app) == {"layer": "a"}
    assert stepped(drawn(app, layer=""))  # an entry that says as much itself
    drawn(app, layer="b")
    monkeypatch.setattr(address, "get_script_run_ctx", lambda: went)
    app.query_params.clear()
    assert drawn(app).session_state["found"] == {"layer": "", "view": ""}
    assert address_of(app) == {}


def test_a_page_that_is_come_to_by_its_name_is_as_it_was_left(app):
    by_link(app, layer="a")
    app.session_state["page"] = "two"
    app.query_params.clear()
    assert drawn(app).session_state["found"] is None
    assert not stepped(app)
    assert address_of(app) == {"layer": "a"}
