"""AppTest as a server is: one that has drawn the app before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.models.load.load import keep_state
from tests.app.pages import app_on
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


@pytest.fixture
def bundled_data_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lets the app find no data but what is bundled."""
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path))


@pytest.fixture
def app(checkpoints: Path, bundled_data_only: None) -> AppTest:
    """The app at Train, which hasn't run yet, with no data but what is bundled and no runs."""
    return app_on("train")


@pytest.fixture(scope="module")
def shared_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A runs folder that all tests of a file share, named by `CNNVIZ_CHECKPOINTS`."""
    folder = tmp_path_factory.mktemp("checkpoints")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_CHECKPOINTS", str(folder))
        yield folder
