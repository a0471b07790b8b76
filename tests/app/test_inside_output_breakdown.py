"""How a number comes about, as a person meets it: what is shown is what the model gives, for every layer."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.explain.inspection.activations import activations
from cnnviz.explain.inspection.receptive_field import inner_positions
from cnnviz.figures.output_breakdown import signed_number
from cnnviz.models.graph.graph import flatten
from cnnviz.ui.inside.selection import Inspection
from tests.addresses import address_of
from tests.app import pages
from tests.inside import of_form

LAYERS = {
    "sequential": ("first", "pool", "norm", "relu", "flat", "answer"),
    "functional": ("depthwise", "separable", "mean", "gap", "chance"),
}
UNTAKEN = {"separable"}


def script() -> None:
    """A page that is nothing but the part."""
    from dataclasses import replace

    import streamlit as st

    from cnnviz.ui.inputs.selection import Choice
    from cnnviz.ui.inside.output_breakdown import numbers_part
    from cnnviz.ui.inside.selection import settle_layer
    from cnnviz.ui.session import query_params as address

    address.enter("inside")
    base = st.session_state["base"]
    layer, channel = settle_layer(Choice(), base.table)
    numbers_part(replace(base, layer=layer, channel=channel))
    address.push_url(())


@pytest.fixture(scope="module")
def forms() -> dict[str, Inspection]:
    return {form: of_form(form) for form in LAYERS}


@pytest.fixture
def shown(forms: dict[str, Inspection]) -> Callable[..., AppTest]:
    def run(form: str, layer: str, channel: int = 0) -> AppTest:
        app = pages.page_of(script, base=forms[form])
        app.query_params["layer"] = layer
        app.query_params["channel"] = str(channel)
        return again(app)

    return run


def again(app: AppTest) -> AppTest:
    return pages.shown(app, errors=False)


def pieces(app: AppTest) -> list[str]:
    return [piece for piece in pages.pieces(app) if "colour-bar" not in piece]


def result(app: AppTest) -> float:
    """The last number of the lines that add up."""
    [found] = [piece for piece in pieces(app) if "font-size:1.15rem" in piece][-1:]
    return _number(re.findall(r"font-size:1\.15rem\">([^<]+)<", found)[-1])


def _number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def heading(app: AppTest) -> str:
    return app.markdown[0].value.replace("\\", "")


def inner(base: Inspection, layer: str, plane: np.ndarray) -> np.ndarray:
    """A channel with its least value where a window of the layer needs padding."""
    if plane.ndim < 2:
        return plane
    rows, columns = inner_positions(base.model.classifier, layer)
    return np.where(rows[:, None] & columns, plane, plane.min())


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-3, abs=2e-5)


@pytest.mark.parametrize("form", LAYERS)
def test_every_type_of_layer_shows_the_models_number(forms, shown, form: str) -> None:
    base = forms[form]
    wanted = activations(base.model.classifier, base.pixels, LAYERS[form])
    for layer in LAYERS[form]:
        channel = wanted[layer].shape[-1] - 1
        app = shown(form, layer, channel)
        strongest = float(inner(base, layer, wanted[layer][..., channel]).max())
        assert f"How {signed_number(strongest, 5)} comes about" in heading(app), layer
        if layer in UNTAKEN:
            assert "is not taken apart here" in app.info[0].value.replace("\\", "")
            continue
        assert result(app) == near(strongest), layer
        assert any("The model itself gives" in caption.value for caption in app.caption)


def test_another_place_and_channel_is_taken_apart(forms, shown) -> None:
    base = forms["sequential"]
    values = activations(base.model.classifier, base.pixels, ["second"])["second"]
    app = shown("sequential", "second", 2)
    row, column = np.unravel_index(np.nanargmax(inner(base, "second", values[..., 2])), values.shape[:2])
    assert (app.number_input(key="inside_numbers_row").value, app.number_input(key="inside_numbers_column").value) == (
        row,
        column,
    )
    app.number_input(key="inside_numbers_row").set_value(1)
    again(app)
    app.number_input(key="inside_numbers_column").set_value(3)
    again(app)
    assert result(app) == near(values[1, 3, 2])
    app.number_input(key="inside_numbers_channel").set_value(5)
    again(app)
    assert result(app) == near(values[1, 3, 5])
    assert address_of(app)["channel"] == "5"
    app.button(key="inside_numbers_strongest").click()
    again(app)
    assert result(app) == near(values[..., 5].max())


def test_input_channels_come_by_what_they_add_and_add_up_whichever_is_shown(forms, shown) -> None:
    base = forms["sequential"]
    app = shown("sequential", "first", 1)
    [choice] = app.selectbox
    names = [option.split(" adds ")[0] for option in choice.options]
    adds = [_number(option.split(" adds ")[1]) for option in choice.options]
    assert sorted(names) == ["blue", "green", "red"]
    assert np.abs(adds).tolist() == sorted(np.abs(adds), reverse=True)
    [layer] = [one for one in flatten(base.model.classifier, logits=False).program.steps if one.name == "first"]
    bias = float(np.asarray(layer.operation.bias)[1])
    assert max(0.0, sum(adds) + bias) == pytest.approx(result(app), rel=1e-2)
    before, total = pieces(app)[1], result(app)
    choice.select_index(2)
    again(app)
    assert pieces(app)[1] != before
    assert result(app) == total
    assert (
        "Blue of scaled" in pieces(app)[1] or "Green of scaled" in pieces(app)[1] or "Red of scaled" in pieces(app)[1]
    )


def test_a_row_names_where_its_inputs_come_from_and_a_softmax_its_classes(shown) -> None:
    dense = pieces(shown("sequential", "dense"))[0]
    assert re.search(r"Row \d, column \d, channel \d", dense)
    app = shown("sequential", "answer", 1)
    probabilities = pieces(app)[-1]
    assert "&lt;b&gt;dog&lt;/b&gt;" in probabilities
    assert "<b>" not in probabilities
    assert "cat" in probabilities


def test_a_place_that_the_browser_names_is_taken_only_if_there_is_such(shown) -> None:
    """What `clickable` hands on; the browser's own click is a journey's."""

    def page() -> None:
        from types import SimpleNamespace

        import streamlit as st

        from cnnviz.ui.components.clickable_image import _take

        found = []
        for said in ([1, 2], [2, 0], [0, 3], [-1, 0], [0.5, 1], "12", None, [True, 1], [0, 0, 0]):
            st.session_state["said"] = SimpleNamespace(clicked=said)
            _take("said", (2, 3), found.append)
        st.session_state["found"] = found

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.session_state["found"] == [(1, 2)]
