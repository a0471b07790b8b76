"""The Learn page, as a person reads it, without a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.explain.robustness.translation_of_run import cached_accuracies
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.ui.learn.demos import FIGURES, max_pool, shuffle_pixels
from cnnviz.ui.learn.learning_rates import recipes
from cnnviz.ui.learn.own_runs import newest
from cnnviz.ui.learn.planted_mark import recipe as marked_recipe
from cnnviz.ui.learn.topics import TOPICS
from tests.addresses import address_of
from tests.app.pages import APP, page_of, shown, words_of
from tests.made_runs import give_model, make_run


def opened(app: AppTest, **query: str) -> AppTest:
    """The page under this address."""
    app.query_params.update(query)
    return shown(app.switch_page("pages/learn.py"))


def whole(run):
    """The run with something in its model's place."""
    run.best_path.write_bytes(b"a network")
    return run


def words(app: AppTest) -> str:
    return words_of(app, "markdown", "caption", "header")


@pytest.mark.parametrize("name", TOPICS)
def test_every_question_opens_by_its_address_without_any_run(app: AppTest, name: str) -> None:
    opened(app, topic=name)
    assert app.header[0].value == TOPICS[name].question
    assert address_of(app) == {"topic": name}
    assert app.get("page_link"), "a way on"


def test_a_question_that_is_not_there_opens_the_first(app: AppTest) -> None:
    opened(app, topic="<b>x")
    assert app.header[0].value == next(iter(TOPICS.values())).question


def test_own_runs_stand_beside_each_other(app: AppTest) -> None:
    runs = {name: whole(make_run(PRESETS[name])) for name in ("C1", "C2")}
    opened(app, topic="structure")
    table = app.dataframe[0].value
    assert [row.split(" ")[0] for row in table["System"]] == ["C1", "C2"]
    assert list(table["Validation"]) == [run.written.metrics["val_accuracy"] for run in runs.values()]
    assert "Not trained here" not in words(app)


def test_a_run_of_a_system_is_known_by_model_data_and_augmentation(checkpoints: Path) -> None:
    make_run(PRESETS["D2"])  # without a model
    other = whole(make_run(replace(PRESETS["D2"], {"seed": 3, "fit.epochs": 2})))
    whole(make_run(replace(PRESETS["D2"], {"network.layers": [{"type": "Flatten"}]})))
    from cnnviz.runs import listing

    assert newest(listing(), "D2").id == other.id
    assert newest(listing(), "D3") is None


def test_the_experiments_do_what_they_say() -> None:
    image = np.arange(36, dtype=np.uint8).reshape(6, 6)
    assert sorted(shuffle_pixels(image).ravel()) == sorted(image.ravel())
    assert not np.array_equal(shuffle_pixels(image), image)
    np.testing.assert_array_equal(shuffle_pixels(image), shuffle_pixels(image))
    np.testing.assert_array_equal(max_pool(image), [[7, 9, 11], [19, 21, 23], [31, 33, 35]])
    assert {topic.figure for topic in TOPICS.values()} - {""} == set(FIGURES)


def test_every_control_has_help(app: AppTest) -> None:
    for name in ("convolution", "pooling"):
        opened(app, topic=name)
        for kind in ("selectbox", "slider"):
            assert all(widget.help for widget in getattr(app, kind))


def test_the_page_loads_no_tensorflow(checkpoints: Path) -> None:
    script = (
        "import sys; from streamlit.testing.v1 import AppTest; app = AppTest.from_file('streamlit_app.py');"
        "app.switch_page('pages/learn.py').run(timeout=60); assert not app.exception;"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=APP.parent, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def shifts_page() -> None:
    """A page that is nothing but the measurement."""
    import streamlit as st

    from cnnviz import runs
    from cnnviz.ui.learn.translation_test import moved_images

    moved_images({name: runs.open_run(run) for name, run in st.session_state["runs"].items()})


def test_models_are_asked_about_moved_images(checkpoints: Path, until: Callable[..., None]) -> None:
    layers = [{"type": "Conv2D", "filters": 4}, {"type": "GAP"}]
    made = {
        name: give_model(make_run(replace(PRESETS["Q"], {"network.layers": model})))
        for name, model in (("with", layers), ("without", [{"type": "Flatten"}]))
    }
    app = page_of(shifts_page, runs={name: run.id for name, run in made.items()})
    app.run()
    assert not app.get("plotly_chart")
    app.button(key="learn_shifts_measure").click().run()
    until(lambda: not app.run().button and words(app).count("as they are") == 2)
    assert not app.exception
    for name, run in made.items():
        found = cached_accuracies(run)
        assert f"{name}: {found.accuracy[0]:.1%} of {found.images:,}" in re.sub(r"[\\\u2060]", "", words(app))
    app = page_of(shifts_page, runs={"with": made["with"].id})
    app.run()
    assert app.get("plotly_chart"), "it is kept with the run"
    assert not app.button


def test_a_kernel_that_is_typed_stays_until_another_is_chosen(app: AppTest) -> None:
    app.session_state["learn_kernel_typed"] = (0.0,) * 8 + (2.0,)
    opened(app, topic="convolution")
    shown(app.selectbox(key="learn_kernel").select("Blur").run())
    assert "learn_kernel_typed" not in app.session_state


def test_runs_of_three_learning_rates_stand_in_one_chart(app: AppTest) -> None:
    opened(app, topic="learning-rate")
    assert app.button(key="learn_rates").label.startswith("Train all three")
    assert not app.get("plotly_chart")
    for recipe in recipes().values():
        make_run(recipe)
    shown(app.button_group(key="learn_rate_guess").select("0.3").run())
    (chart,) = app.get("plotly_chart")
    assert all(f'"{name}"' in chart.proto.spec for name in recipes())
    assert not [button for button in app.button if button.key == "learn_rates"]


def test_a_run_that_failed_is_trained_anew(app: AppTest, checkpoints: Path) -> None:
    for recipe in recipes().values():
        make_run(recipe, state="failed")
    opened(app, topic="learning-rate")
    assert app.button(key="learn_rates")


def test_the_amount_of_images_is_guessed_and_measured(app: AppTest, until: Callable[..., None]) -> None:
    opened(app, topic="images")
    shown(app.slider(key="learn_amount_guess").set_value(75).run())
    app.button(key="learn_amount_measure").click()
    until(lambda: bool(app.run().get("plotly_chart")))
    assert not app.exception
    assert "You guessed 75%." in words(app)


def test_a_model_of_marked_digits_is_asked_with_and_without_the_mark(app: AppTest, until: Callable[..., None]) -> None:
    run = give_model(make_run(marked_recipe()))
    opened(app, topic="clue")
    app.button(key="learn_mark_measure").click()
    until(lambda: len(app.run().metric) == 3)
    assert not app.exception
    again = opened(AppTest.from_file(str(APP)), topic="clue")
    assert [one.value for one in again.metric] == [one.value for one in app.metric], "it is kept with the run"
    assert (run.folder / "planted_mark").is_dir()
