"""What excites channels, and what is lost without them, on models simple enough to know it beforehand."""

from __future__ import annotations

import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cnnviz.errors import ModelError
from cnnviz.explain.inspection.activations import outputs_of
from cnnviz.explain.inspection.receptive_field import box
from cnnviz.explain.inspection.top_activations import (
    Samples,
    TopActivations,
    ablate,
    crop,
    top_activations,
)
from cnnviz.explain.inspection.top_activations_of_run import (
    ablation_of_run,
    cached_ablation,
    cached_top_activations,
    samples,
    top_activations_of_run,
)
from cnnviz.models.build.model import build
from cnnviz.models.classifier import Classifier
from cnnviz.models.graph.graph import flatten
from cnnviz.models.load.infer_heads import class_names, heads_of
from cnnviz.presets import PRESETS
from cnnviz.progress import Cancelled
from cnnviz.recipe import replace
from cnnviz.runs import Run
from cnnviz.runs.store import create
from tests.made_models import SIDE, made

DIGITS = replace(PRESETS["Q"], {"name": "Digits"})


def loaded_of(model: keras.Model) -> Classifier:
    heads = heads_of(model)
    return Classifier(
        "made", model, heads, class_names(heads, None), tuple(model.input_shape[1:3]), model.input_shape[3]
    )


@pytest.fixture(scope="module")
def colours() -> Classifier:
    """Channel 0 sees red, 1 green, 2 nothing at all, 3 everything; the prediction is the stronger of red and green."""
    start = keras.Input((8, 8, 3))
    conv = layers.Conv2D(4, 3, activation="relu", name="conv")
    dense = layers.Dense(2, "softmax", name="answer")
    model = keras.Model(start, dense(layers.GlobalMaxPooling2D(name="most")(conv(start))))
    kernel = np.zeros((3, 3, 3, 4), np.float32)
    kernel[1, 1, 0, 0] = kernel[1, 1, 1, 1] = kernel[1, 1, :, 3] = 1
    conv.set_weights([kernel, np.array([0, 0, -1, 0], np.float32)])
    dense.set_weights([np.array([[1, 0], [0, 1], [0, 0], [0, 0]], np.float32), np.array([0, 0.5], np.float32)])
    return loaded_of(model)


@pytest.fixture(scope="module")
def dots() -> Samples:
    """Images with one dot each, red for class 0 and green for class 1, in places of their own."""
    images = np.zeros((40, 8, 8, 3), np.uint8)
    labels = np.arange(40) % 2
    for nth in range(40):
        images[nth, 1 + nth % 6, 1 + nth // 7, labels[nth]] = 10 + nth
    return Samples(images, {"label": labels}, tuple(f"#{nth}" for nth in range(40)))


def test_strongest_images_places_and_classes(colours: Classifier, dots: Samples) -> None:
    found = top_activations(colours, "conv", dots)
    assert found.values.shape == found.rows.shape == (4, 12)
    assert found.rows[0].tolist() == list(range(38, 14, -2))
    assert found.rows[1].tolist() == list(range(39, 15, -2))
    assert found.values[1].tolist() == [10 + row for row in range(39, 15, -2)]
    for channel in (0, 1, 3):
        for row, (y, x) in zip(found.rows[channel], found.positions[channel], strict=True):
            assert (y, x) == (row % 6, row // 7)  # the window's middle, one further than its corner, is on the dot
    assert found.dead.tolist() == [False, False, True, False]
    np.testing.assert_allclose(found.selectivity("label"), [1, 1, 0, 1 / 58 / 2 * 2], atol=1e-3)
    assert found.by_class["label"][0, 0] == pytest.approx(np.mean([10 + row for row in range(0, 40, 2)]) / 36)
    assert found.images == 40


def test_a_crop_shows_what_the_place_sees(colours: Classifier, dots: Samples) -> None:
    found = top_activations(colours, "conv", dots)
    y, x = found.positions[1, 0]
    cut = crop(dots.images[found.rows[1, 0]], box(colours, "conv", int(y), int(x)))
    assert cut.shape == (3, 3, 3)
    assert cut[1, 1].tolist() == [0, 49, 0]
    assert crop(dots.images[0], (0, 0, 0, 0)).shape == (1, 1, 3)


def test_selectivity_by_hand() -> None:
    means = np.array([[3, 1, 1], [2, 2, 2], [0, -5, 0], [-1, 4, -1]], np.float32)
    none = np.zeros((4, 1))
    found = TopActivations(none, none, none, {"a": means}, 1)
    np.testing.assert_allclose(found.selectivity("a"), [0.5, 0, 0, 1])


@pytest.mark.parametrize("form", ["functional", "nested", "heads", "grey"])
def test_peaks_are_those_of_the_layers_output(form: str) -> None:
    classifier = loaded_of(made(form))
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (37, SIDE, SIDE, classifier.channels)).astype(np.uint8)
    labels = {head.name: draw.integers(0, head.classes, 37) for head in classifier.heads}
    layer = flatten(classifier.model).convolutions[-1]
    outputs = outputs_of(classifier, classifier.pixels(images), [layer])[layer]
    found = top_activations(classifier, layer, Samples(images, labels, ("",) * 37))
    greatest = outputs.max(axis=(1, 2))
    np.testing.assert_allclose(found.values[:, 0], greatest.max(axis=0), rtol=1e-4, atol=1e-4)
    for channel in range(outputs.shape[-1]):
        for value, row, (y, x) in zip(
            found.values[channel], found.rows[channel], found.positions[channel], strict=True
        ):
            assert outputs[row, y, x, channel] == pytest.approx(value, rel=1e-4, abs=1e-4)
    for head, means in found.by_class.items():
        wanted = outputs.mean(axis=(1, 2))[labels[head] == 1].mean(axis=0)
        np.testing.assert_allclose(means[:, 1], wanted, rtol=1e-3, atol=1e-3)


def test_units_of_rows_have_no_places() -> None:
    classifier = loaded_of(made("sequential"))
    images = np.random.default_rng(0).integers(0, 256, (9, SIDE, SIDE, 3)).astype(np.uint8)
    found = top_activations(classifier, "dense", Samples(images, {}, ("",) * 9))
    assert found.values.shape == (5, 9)
    assert not found.positions.any()
    assert found.by_class == {}


def test_accuracy_without_a_channel(colours: Classifier, dots: Samples) -> None:
    before = [np.array(one) for one in colours.model.get_weights()]
    off = ablate(colours, "conv", [0], dots)
    assert off.accuracy == {"label": (1.0, 0.5)}
    assert off.by_class["label"].tolist() == [[1, 0], [1, 1]]
    assert ablate(colours, "conv", [2], dots).accuracy == {"label": (1.0, 1.0)}
    assert ablate(colours, "conv", [0, 1, 3], dots).accuracy == {"label": (1.0, 0.5)}
    assert ablate(colours, "most", [0], dots).accuracy == {"label": (1.0, 0.5)}
    for one, was in zip(colours.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, was)


def test_without_a_channel_the_model_answers_as_with_its_weights_at_zero() -> None:
    """The same as a copy of the model whose kernel and bias for this channel are 0."""
    classifier = loaded_of(made("heads"))
    draw = np.random.default_rng(1)
    images = draw.integers(0, 256, (200, SIDE, SIDE, 3)).astype(np.uint8)
    labels = {head.name: draw.integers(0, 2, 200) for head in classifier.heads}
    off = ablate(classifier, "first", [2], Samples(images, labels, ("",) * 200))
    copy = keras.models.clone_model(classifier.model)
    copy.set_weights(classifier.model.get_weights())
    kernel, bias = copy.get_layer("first").get_weights()
    kernel[..., 2], bias[2] = 0, 0
    copy.get_layer("first").set_weights([kernel, bias])
    for head, predictions, others in zip(
        classifier.heads, classifier.predict(images), loaded_of(copy).predict(images), strict=True
    ):
        wanted = [float(np.mean(one.argmax(axis=1) == labels[head.name])) for one in (predictions, others)]
        np.testing.assert_allclose(off.accuracy[head.name], wanted, atol=0.011)  # two ties at most


def test_progress_stop_and_lock(colours: Classifier, dots: Samples) -> None:
    lock, said, held = threading.Lock(), [], []

    def progress(*what: object) -> None:
        said.append(what[1:])
        held.append(lock.locked())

    top_activations(colours, "conv", dots, progress=progress, lock=lock)
    ablate(colours, "conv", [0], dots, progress=progress, lock=lock)
    assert said == [(32, 40), (40, 40)] * 2
    assert not any(held)
    for work in (
        lambda: top_activations(colours, "conv", dots, cancelled=lambda: True),
        lambda: ablate(colours, "conv", [0], dots, cancelled=lambda: True),
    ):
        with pytest.raises(Cancelled):
            work()


def test_wrong_questions_are_sentences(colours: Classifier, dots: Samples) -> None:
    with pytest.raises(ModelError, match="no layer 'cov'"):
        top_activations(colours, "cov", dots)
    with pytest.raises(ModelError, match="no channel 4: choose 0 to 3"):
        ablate(colours, "conv", [4], dots)
    none = Samples(dots.images[:0], {"label": dots.labels["label"][:0]}, ())
    with pytest.raises(ModelError, match="no images"):
        top_activations(colours, "conv", none)
    with pytest.raises(ModelError, match="no images"):
        ablate(colours, "conv", [0], none)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made_run = create(DIGITS, tmp_path)
    build(DIGITS).save(made_run.best_path)
    return made_run


def test_held_out_images_of_a_run(run: Run) -> None:
    given = samples(run, limit=50)
    assert given.images.shape == (50, 8, 8, 1)
    assert given.images.dtype == np.uint8
    assert len(given.labels["label"]) == len(given.names) == len(given) == 50
    assert len(set(given.names)) == 50
    with pytest.raises(Cancelled):
        samples(run, cancelled=lambda: True)


def test_results_are_kept_with_their_run(run: Run) -> None:
    classifier = loaded_of(keras.models.load_model(run.best_path, compile=False))
    given = samples(run, limit=50)
    layer = flatten(classifier.model).convolutions[0]
    assert cached_top_activations(run, layer, 50) is None
    assert cached_ablation(run, layer, [1], 50) is None
    found = top_activations_of_run(run, classifier, layer, given, limit=50)
    off = ablation_of_run(run, classifier, layer, [1], given, limit=50)
    for again in (cached_top_activations(run, layer, 50), top_activations_of_run(run, None, layer, given, limit=50)):
        for name in ("values", "rows", "positions"):
            np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
        np.testing.assert_array_equal(again.by_class["label"], found.by_class["label"])
        assert again.images == 50
    for again in (cached_ablation(run, layer, [1], 50), ablation_of_run(run, None, layer, [1], given, limit=50)):
        assert again.accuracy == off.accuracy
        np.testing.assert_array_equal(again.by_class["label"], off.by_class["label"])
    assert cached_ablation(run, layer, [0], 50) is None
    assert cached_top_activations(run, layer, 60) is None
    for file in (run.folder / "excited").iterdir():
        file.write_bytes(b"damaged")
    assert cached_top_activations(run, layer, 50) is None
    assert cached_ablation(run, layer, [1], 50) is None
