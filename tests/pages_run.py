"""Pages without a browser, by Streamlit's AppTest: run as a server runs them, until they rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

__all__ = ["rested", "through_the_app"]


def through_the_app(patch: pytest.MonkeyPatch) -> None:
    """Lets each run begin with `streamlit_app.py`.

    AppTest forgets before each run that the app has called `st.navigation`, so that Streamlit takes `pages/` for its
    older kind of navigation and runs the page's file alone.
    """
    start = PagesManager.__init__

    def started(self: PagesManager, *args: object, **named: object) -> None:
        PagesManager.uses_pages_directory = False
        start(self, *args, **named)

    patch.setattr(PagesManager, "__init__", started)


def rested(app: AppTest, until: Callable[..., None], *, errors: bool = True) -> AppTest:
    """Runs a page until nothing is at work any more, without an exception, nor an error where there may be none."""

    def rests() -> bool:
        app.run()
        assert not app.exception
        assert errors or not app.error
        return not app.get("progress")

    until(rests)
    return app
