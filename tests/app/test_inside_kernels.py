"""The kernels of a layer, as a person meets them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.ui.inside.kernels import _coloured, _kernels, _mosaic, _weights
from cnnviz.ui.inside.selection import Inspection
from tests.addresses import address_of
from tests.app import pages
from tests.inside import of_form


def script() -> None:
    from dataclasses import replace

    import streamlit as st

    from cnnviz.ui.inputs.selection import Choice
    from cnnviz.ui.inside.kernels import kernel_of, kernels_part
    from cnnviz.ui.inside.selection import settle_layer
    from cnnviz.ui.session import query_params as address

    address.enter("inside")
    base = st.session_state["base"]
    layer, channel = settle_layer(Choice(), base.table)
    opened = replace(base, layer=layer, channel=channel)
    if st.session_state.get("one"):
        kernel_of(opened, channel)
    else:
        kernels_part(opened)
    address.push_url(())


@pytest.fixture(scope="module")
def functional() -> Inspection:
    return of_form("functional")


@pytest.fixture
def shown(functional: Inspection) -> Callable[..., AppTest]:
    def run(layer: str, channel: int = 0, *, one: bool = False) -> AppTest:
        app = pages.page_of(script, base=functional, one=one)
        app.query_params["layer"], app.query_params["channel"] = layer, str(channel)
        return pages.shown(app)

    return run


def words(app: AppTest) -> str:
    return pages.words_of(app, "caption", "markdown", "info", "html")


def norms_of(opened: Inspection, layer: str) -> np.ndarray:
    [found] = [one for one in opened.model.classifier.model.layers if one.name == layer]
    kernel = np.asarray(found.kernel)
    return np.sqrt((kernel**2).sum(axis=(0, 1, 2)))


def test_the_first_layer_is_shown_as_colours_with_its_norms(functional, shown) -> None:
    app = shown("first", 3)
    norms = norms_of(functional, "first")
    assert "4 filters of 3 × 3 weights for each of 3 inputs" in words(app)
    assert "Grey: a weight of 0" in words(app)
    assert re.findall(r"filter (\d): ([\d.]+)", words(app)) == [(str(n), f"{norm:.3g}") for n, norm in enumerate(norms)]
    assert f"Filter 3 as colours: grey is 0; norm {norms[3]:.3g}" in words(app)
    app.segmented_control(key="inside_kernels_show").set_value("inputs")
    app.run()
    assert not app.exception
    assert "A row for each of 4 filters, a column for each of 3 inputs" in words(app)
    assert len(app.get("download_button")) == 2


def test_layers_without_kernels_lead_to_one_that_has_some(shown) -> None:
    app = shown("gap")
    assert "gap (GlobalAveragePooling2D) has no kernels" in words(app)
    app.button(key="inside_kernels_nearest").click()
    app.run()
    assert address_of(app)["layer"] == "separable"
    assert "a 1 × 1 convolution then mixes their channels" in words(app)


def test_a_mosaic_has_the_weights_where_its_tiles_say(functional) -> None:
    found = _kernels(functional, functional.source.stamp, "grouped")
    order = np.argsort(-found.norms)
    made = _mosaic(found, order, False, "")
    colours = _coloured(found.values, found.scale)
    side = made.image.shape[1] // made.columns
    for tile, (filter, part) in enumerate(zip(made.filters, made.inputs, strict=True)):
        row, column = (side * one for one in divmod(tile, made.columns))
        shown = made.image[row : row + 12 : 4, column : column + 12 : 4]
        np.testing.assert_array_equal(shown, colours[:, :, part, filter])
    assert made.filters[:: made.columns].tolist() == order.tolist()


def test_weights_are_saved_whole(functional) -> None:
    found = _kernels(functional, functional.source.stamp, "first")
    saved = np.load(io.BytesIO(_weights(found)))
    [layer] = [one for one in functional.model.classifier.model.layers if one.name == "first"]
    np.testing.assert_array_equal(saved["values"], np.asarray(layer.kernel))
    np.testing.assert_array_equal(saved["bias"], np.asarray(layer.bias))


@pytest.mark.parametrize(
    ("layer", "channel", "says"),
    [
        ("depthwise", 5, "Filter 5 for its input 2;"),
        ("grouped", 1, "Filter 1 for its inputs, from the strongest on ("),
        ("separable", 0, "mixes all of the layer's kernels"),
        ("six", 0, "has no kernels"),
    ],
)
def test_a_channel_has_its_kernel_or_a_sentence(functional, shown, layer: str, channel: int, says: str) -> None:
    said = words(shown(layer, channel, one=True))
    assert says in said
    if layer == "grouped":  # which sees the first four channels
        [found] = [one for one in functional.model.classifier.model.layers if one.name == layer]
        strength = (np.asarray(found.kernel)[..., channel] ** 2).sum(axis=(0, 1))
        assert f"({', '.join(map(str, np.argsort(-strength)))})" in said
