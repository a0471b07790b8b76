"""AppTest as a server is: one that has drawn the app before."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import pytest
from streamlit.runtime.pages_manager import PagesManager

from cnnviz.models.load.load import keep_state


@pytest.fixture(scope="package", autouse=True)
def holding_networks() -> Iterator[None]:
    """Lets no run of a page collect all garbage, as a server doesn't that has loaded a network: it takes half a second
    each time."""
    clear = keras.backend.clear_session
    keep_state()
    yield
    keras.backend.clear_session = clear


@pytest.fixture(autouse=True)
def navigated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets each run begin with `streamlit_app.py`.

    AppTest forgets before each run that the app has called `st.navigation`, so that Streamlit takes `pages/` for its
    older kind of navigation and runs the page's file alone.
    """
    start = PagesManager.__init__

    def started(self: PagesManager, *args: object, **named: object) -> None:
        PagesManager.uses_pages_directory = False
        start(self, *args, **named)

    monkeypatch.setattr(PagesManager, "__init__", started)
