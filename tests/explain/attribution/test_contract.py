"""What every method keeps to on every form of model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from cnnviz.explain import METHODS, Target, explain
from cnnviz.models.graph.graph import flatten
from tests.model_forms import FORMS, images, made


@pytest.fixture(scope="module", params=FORMS)
def explained_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> keras.Model:
    """One model of each form."""
    return made(request.param, tmp_path_factory.mktemp("forms"))


def everything(model: keras.Model) -> Iterator[Any]:
    """All that a method could change: weights, flags, activations, and the nodes of the graph."""
    for layer in model._flatten_layers():
        yield layer.name, layer.trainable, len(layer._inbound_nodes), len(layer._outbound_nodes)
        yield getattr(layer, "activation", None)
        yield from (one.numpy().tobytes() for one in layer.variables)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_works_and_leaves_the_model_as_it_was(explained_model: keras.Model, method: str) -> None:
    pixels, before = images(explained_model), list(everything(explained_model))
    outputs = [np.array(one) for one in keras.tree.flatten(explained_model(pixels, training=False))]
    found = explain(explained_model, pixels, method=method, target=Target(0, 1), seed=5)
    shape = pixels.shape[1:3]
    if METHODS[method].family == "cam":
        shape = flatten(explained_model).cut(found.layer).lower(pixels)[0].shape[1:3]
    assert found.map.shape == (2, *shape)
    assert found.map.dtype == np.float32
    assert np.isfinite(found.map).all()
    assert found.map.min() >= 0
    assert (found.strength == found.map.max(axis=(1, 2))).all()
    assert found.strength.min() > 0, "the weights are positive, so there is evidence"
    assert found.notes == ("", "")
    np.testing.assert_allclose(
        found.scores,
        Target(0, 1).score([one.numpy() for one in flatten(explained_model).model(pixels)]),
        rtol=1e-5,
        atol=1e-5,
    )
    again = explain(explained_model, pixels, method=method, target=Target(0, 1), seed=5)
    np.testing.assert_array_equal(again.map, found.map)
    assert list(everything(explained_model)) == before
    for now, was in zip(keras.tree.flatten(explained_model(pixels, training=False)), outputs, strict=True):
        np.testing.assert_array_equal(now, was)


@pytest.mark.parametrize("method", METHODS)
def test_images_at_once_are_as_each_alone(method: str, tmp_path: Path) -> None:
    explained_model = made("residual, list of heads", tmp_path)
    pixels = images(explained_model, 3)
    targets = [Target(0, 2), Target(0, 1), Target(0, 0, against=2)]
    at_once = explain(explained_model, pixels, method=method, target=targets, **CALM.get(method, {}))
    assert at_once.target == tuple(targets)
    for row, target in enumerate(targets):
        alone = explain(explained_model, pixels[row : row + 1], method=method, target=target, **CALM.get(method, {}))
        # Many maps are differences of scores, and a score against another class is one of probabilities.
        digits = 1e-6 * max(alone.strength[0], abs(alone.scores[0]) if target.against is None else 1.0)
        np.testing.assert_allclose(at_once.map[row], alone.map[0], rtol=1e-4, atol=digits)
        np.testing.assert_allclose(at_once.scores[row], alone.scores[0], rtol=1e-5)


CALM = {"smoothgrad": {"samples": 2, "noise": 0.0}}
"""Noise depends on the position among the images."""


@pytest.mark.parametrize("method", ["smoothgrad", "integrated-gradients", "occlusion", "score-cam", "grad-cam"])
def test_work_tells_how_far_it_is_and_can_be_stopped(method: str, tmp_path: Path) -> None:
    from cnnviz.explain import Cancelled

    explained_model, told = made("sequential", tmp_path), []
    pixels = images(explained_model)
    explain(explained_model, pixels, method=method, target=Target(), progress=lambda *said: told.append(said))
    assert {what for what, _, _ in told} == {METHODS[method].title}
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2] > 0
    with pytest.raises(Cancelled):
        explain(explained_model, pixels, method=method, target=Target(), cancelled=lambda: True)


@pytest.mark.parametrize("form", ["dict of heads", "grey, one logit"])
def test_one_units_other_class_is_explained_by_minus_its_logit(form: str, tmp_path: Path) -> None:
    """With positive weights nothing speaks for it, and that is said."""
    explained_model = made(form, tmp_path)
    pixels = images(explained_model)
    head = len(flatten(explained_model).units) - 1
    for method in ("grad-cam", "hires-cam", "layer-cam", "grad-cam++"):
        found = explain(explained_model, pixels, method=method, target=Target(head, 0))
        assert found.strength.max() == 0
        assert found.notes == ("Nothing in this image speaks for this class here: the map is empty.",) * 2
        assert (found.scores < 0).all()
