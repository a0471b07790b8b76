"""The Home page without a browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.presets import PRESETS
from cnnviz.processes import this_process
from tests.addresses import address_of
from tests.app.drawn import component
from tests.app.pages import new_app, shown
from tests.made_runs import give_model, make_run

pytestmark = pytest.mark.usefixtures("bundled_data_only")
MENU = {"Home", "Data", "Train", "Runs", "Augment", "Inside", "Predict", "Learn"}
DOORS = ["Train in 20 seconds", "Look inside", "Ask about your photo"]


@pytest.fixture
def home(checkpoints: Path) -> AppTest:
    """The app as it was just opened, with no runs of one's own."""
    return new_app()


def links(app: AppTest) -> dict[str, tuple[str, str]]:
    """Where each link of the page leads: the page and what it is asked for. The pages' own row is for phones."""
    found = {
        one.proto.label.replace("\\", ""): (one.proto.page, one.proto.query_string) for one in app.get("page_link")
    }
    assert found.keys() >= MENU
    return {label: leads for label, leads in found.items() if label not in MENU}


def test_without_runs_there_are_the_film_and_three_doors(home: AppTest) -> None:
    shown(home, errors=False)
    assert home.title[0].value == "cnnviz"
    film = component(home, "home_film")
    assert len(film["images"]) == 6
    assert film["moments"][0]["label"] == "Untrained"
    assert sum("batch" in one["label"] for one in film["moments"]) >= 18
    assert links(home) == {
        "Train in 20 seconds": ("train", "preset=Q"),
        "Look inside": ("inside", ""),
        "Ask about your photo": ("predict", ""),
    }
    assert not home.header


def test_doors_lead_to_a_model_and_runs_to_their_page(home: AppTest) -> None:
    finished = give_model(make_run(PRESETS["S"], 3))
    going = make_run(PRESETS["Q"], 2, state="running", process=this_process())
    shown(home, errors=False)
    found = links(home)
    assert found["Look inside"] == ("inside", f"run={finished.id}&item=1")
    assert found["Ask about your photo"] == ("predict", f"run={finished.id}")
    assert [name for name in found if name not in DOORS] == [going.recipe.name, finished.recipe.name]
    assert found[finished.recipe.name] == ("runs", f"run={finished.id}")
    assert home.header[0].value == "Runs"


@pytest.mark.parametrize(("link", "origin"), [({"preset": "M4"}, "M4"), ({"preset": "S"}, "S")])
def test_old_links_to_train_lead_there(home: AppTest, link: dict[str, str], origin: str) -> None:
    home.query_params.update(link)
    shown(home)
    assert home.title[0].value == "Train"
    assert home.session_state["train_draft"].origin == origin
    assert address_of(home) == link


def test_home_needs_no_tensorflow() -> None:
    script = (
        "import sys, cnnviz.ui.home.page as page\n"
        "assert page.film_data(*page.shown_run())\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert done.stdout.strip() == "set()"
