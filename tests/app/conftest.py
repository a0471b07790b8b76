"""AppTest as a server is: one that has drawn the app before."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import pytest

from cnnviz.models.load.load import keep_state
from tests.pages_run import through_the_app


@pytest.fixture(scope="package", autouse=True)
def holding_models() -> Iterator[None]:
    """Lets no run of a page collect all garbage, as a server doesn't that has loaded a model: it takes half a second
    each time."""
    clear = keras.backend.clear_session
    keep_state()
    yield
    keras.backend.clear_session = clear


@pytest.fixture(autouse=True)
def navigated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets each run begin with `streamlit_app.py`."""
    through_the_app(monkeypatch)
