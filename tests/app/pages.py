"""Pages without a browser: opened, run, and the words that stand on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from cnnviz.runs import Run

__all__ = ["APP", "app_on", "html", "new_app", "page_about", "page_of", "pieces", "sentences", "shown", "words_of"]

APP = Path(__file__).parents[2] / "streamlit_app.py"
SECONDS = 60  # that one run may take


def new_app() -> AppTest:
    """The app on its first page, Home, which hasn't run yet."""
    return AppTest.from_file(str(APP), default_timeout=SECONDS)


def app_on(page: str, **state: object) -> AppTest:
    """The app once Home has run, at another page of this name that hasn't, with this in the session."""
    app = new_app().run()
    app.switch_page(f"pages/{page}.py")
    return _with_state(app, state)


def page_of(script: Callable[[], None], **state: object) -> AppTest:
    """A page that is nothing but this script, which hasn't run yet, with this in the session."""
    return _with_state(AppTest.from_function(script, default_timeout=SECONDS), state)


def page_about(script: Callable[[], None], app: AppTest | Run, **state: object) -> AppTest:
    """A script's page about a run, new, or the one that is open already, with this in the session."""
    return page_of(script, run=app.id, **state) if isinstance(app, Run) else _with_state(app, state)


def _with_state(app: AppTest, state: dict[str, object]) -> AppTest:
    for name, value in state.items():
        app.session_state[name] = value
    return app


def shown(app: AppTest, *, errors: bool = True) -> AppTest:
    """Runs the page once, which must not end in a traceback, nor say an error where there may be none."""
    app.run()
    assert not app.exception
    assert errors or not app.error
    return app


def pieces(app: AppTest) -> list[str]:
    """The pieces of HTML that the page draws."""
    return [part.proto.body for part in app.get("html")]


def html(app: AppTest) -> str:
    """All that the page draws as HTML."""
    return "\n".join(pieces(app))


def sentences(elements: Iterable[Element]) -> list[str]:
    """The elements' texts, without the marks that keep them from being read as Markdown."""
    return [_without_marks(element.value) for element in elements]


def words_of(app: AppTest, *kinds: str) -> str:
    """All that the page says in elements of these kinds, one of which may be "html", without such marks."""
    texts = (pieces(app) if kind == "html" else [one.value for one in getattr(app, kind)] for kind in kinds)
    return "\n".join(_without_marks(text) for of_kind in texts for text in of_kind)


def _without_marks(text: str) -> str:
    return text.replace("\\", "").replace("\u2060", "")
