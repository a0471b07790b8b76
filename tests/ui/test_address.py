"""What is news in an address, and what a browser only says again."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.ui import address


def script() -> None:
    import streamlit as st

    from cnnviz.ui import address

    st.session_state["found"] = address.news("page", ("layer", "view"))
    if "write" in st.session_state:
        address.write("page", st.session_state.pop("write"))


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(script)


def asked(app: AppTest, **query: str) -> dict[str, str] | None:
    """Runs the page under this address."""
    app.query_params.clear()
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app.session_state["found"]


def changed(app: AppTest, **values: str) -> None:
    """Runs the page, which changes its address."""
    app.session_state["write"] = {"layer": "", "view": ""} | values
    app.run()


def test_a_link_is_read_once(app):
    assert asked(app) is None
    assert asked(app, layer="conv") == {"layer": "conv", "view": ""}
    assert asked(app, layer="conv") is None
    assert asked(app, layer="dense", view="kernels", other="x") == {"layer": "dense", "view": "kernels"}


def test_what_the_page_writes_is_no_news(app):
    asked(app, view="kernels")
    changed(app, layer="conv")
    assert dict(app.query_params) == {"layer": "conv"}
    assert asked(app, layer="conv") is None
    assert asked(app) is None


def test_an_address_that_was_just_replaced_undoes_nothing(app, monkeypatch):
    asked(app, layer="a", view="kernels")
    changed(app, layer="b", view="kernels")
    changed(app, layer="c", view="kernels")
    assert asked(app, layer="a", view="kernels") is None
    assert asked(app, layer="b", view="kernels") is None
    assert asked(app, layer="d", view="kernels") == {"layer": "d", "view": "kernels"}
    monkeypatch.setattr(address, "MOMENT", 0.0)
    changed(app, layer="e", view="kernels")
    assert asked(app, layer="d", view="kernels") == {"layer": "d", "view": "kernels"}  # went back
