"""One head of a model as a model of its own."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz.errors import ModelError
from cnnviz.explain import Target, explain
from cnnviz.models.classifier import Classifier
from cnnviz.models.export.single_head import as_file, split
from cnnviz.models.load.load import load_file, load_run
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from tests.made_models import made, pixels_for
from tests.made_runs import give_model, make_run

TUTORIALS = replace(PRESETS["B2"], {"data.dataset": "/gone", "data.image_size": [72, 59]})


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The tutorial's model of two heads on one trunk."""
    return load_run(give_model(make_run(TUTORIALS, runs=tmp_path_factory.mktemp("runs"))))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 72, 59, 3), np.uint8)


def test_heads_apart_answer_as_they_do_together(classifier: Classifier, images: np.ndarray) -> None:
    for at, head in enumerate(("Male", "Smiling")):
        alone = split(classifier, head)
        assert isinstance(alone.model.output, keras.KerasTensor)
        assert [one.name for one in alone.heads] == [one.name for one in alone.recipe.network.heads] == [head]
        assert alone.classes == {head: classifier.classes[head]}
        [predictions] = alone.predict(images)
        np.testing.assert_array_equal(predictions, classifier.predict(images)[at])
        assert alone.fit(images[0]).shape == (72, 59, 3)


def test_layers_are_the_same_and_those_of_other_heads_are_left_out(classifier: Classifier) -> None:
    before, nodes = classifier.model.count_params(), [len(one._inbound_nodes) for one in classifier.model.layers]
    male, smiling = (split(classifier, head).model for head in ("Male", "Smiling"))
    shared = {id(one) for one in male.layers} & {id(one) for one in smiling.layers}
    assert len(shared) == len(classifier.model.layers) - 2
    assert male.count_params() == smiling.count_params() == before - (64 + 1) * 2
    assert classifier.model.count_params() == before == 200_004
    assert [len(one._inbound_nodes) for one in classifier.model.layers] == nodes
    assert len(classifier.model.outputs) == 2


def test_weights_are_shared(images: np.ndarray) -> None:
    model = made("heads")
    pixels = pixels_for(model, 3)
    whole = loaded_model(model)
    alone = split(whole, "b")
    before = np.asarray(alone.model(pixels))
    kernel = model.get_layer("first").kernel
    kernel.assign(kernel * 1.5)
    after = np.asarray(alone.model(pixels))
    assert np.abs(after - before).max() > 1e-4
    np.testing.assert_array_equal(after, np.asarray(model(pixels)[1]))


def loaded_model(model: keras.Model) -> Classifier:
    """A model of one's own, of several heads."""
    from cnnviz.models.load.infer_heads import class_names, heads_of

    heads = heads_of(model)
    return Classifier("mine", model, heads, class_names(heads, None), model.input_shape[1:3])


def test_maps_of_a_head_alone_are_its_maps(classifier: Classifier, images: np.ndarray) -> None:
    pixels = classifier.pixels(images[:2])
    together = explain(classifier.model, pixels, method="grad-cam", target=Target(1, 0))
    alone = explain(split(classifier, "Smiling").model, pixels, method="grad-cam", target=Target(0, 0))
    assert alone.layer == together.layer
    np.testing.assert_allclose(alone.map, together.map, rtol=1e-5, atol=1e-7)


def test_a_head_as_a_file_is_a_keras_model(classifier: Classifier, images: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "smiling.keras"
    path.write_bytes(as_file(split(classifier, "Smiling")))
    expected = classifier.predict(images)[1]
    plain = keras.models.load_model(path, compile=False)
    np.testing.assert_allclose(np.asarray(plain(images.astype(np.float32))), expected, atol=1e-6)
    opened = load_file(path, classes=[["no", "yes"]])
    assert opened.heads[0].activation == "softmax"
    np.testing.assert_allclose(opened.predict(images)[0], expected, atol=1e-6)


def test_a_head_inside_a_nested_model(tmp_path: Path) -> None:
    inner = made("heads")
    inputs = keras.Input(inner.input_shape[1:])
    model = keras.Model(inputs, inner(inputs))
    pixels = pixels_for(model, 2)
    name = loaded_model(model).heads[1].name
    alone = split(loaded_model(model), name)
    expected = np.asarray(model(pixels)[1])
    np.testing.assert_array_equal(np.asarray(alone.model(pixels)), expected)
    path = tmp_path / "nested.keras"
    path.write_bytes(as_file(alone))
    np.testing.assert_allclose(np.asarray(keras.models.load_model(path)(pixels)), expected, atol=1e-6)


def test_one_head_stays_and_an_unknown_one_is_refused(classifier: Classifier) -> None:
    alone = split(classifier, "Male")
    assert split(alone, "Male") is alone
    for model, name in ((classifier, "Mael"), (alone, "Smiling")):
        with pytest.raises(ModelError, match=f"has no head '{name}': choose one of Male"):
            split(model, name)
