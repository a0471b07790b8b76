"""Patterns against the tutorial's loop; what they raise, keep and leave alone."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cnnviz.errors import ModelError
from cnnviz.explain.feature_visualization import fourier_parameterization
from cnnviz.explain.feature_visualization.patterns import (
    FeatureVisualizations,
    Settings,
    draw,
    usual_size,
    visualize,
)
from cnnviz.explain.feature_visualization.patterns_of_run import cached_visualizations, visualizations_of_run
from cnnviz.presets import PRESETS
from cnnviz.progress import Cancelled
from cnnviz.runs import Run
from cnnviz.runs.store import create
from tests.made_models import made, pixels_for

QUICK = Settings("plain", steps=6, size=24)


def tutorial(model: keras.Model, layer: str, index: int, start: np.ndarray, steps: int, step: float) -> np.ndarray:
    """The tutorial's `generate_pattern` and `deprocess_image`, with a gradient tape in place of K.function."""
    part = keras.Model(model.layers[0].input, model.get_layer(layer).output)
    image = tf.constant(start[None])
    for _ in range(steps):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = tf.reduce_mean(part(image)[:, :, :, index])
        grads = tape.gradient(loss, image)
        grads /= tf.sqrt(tf.reduce_mean(tf.square(grads))) + 1e-5
        image += grads * step
    x = image.numpy()[0]
    x -= x.mean()
    x /= x.std() + 1e-5
    x *= 0.1
    x += 0.5
    x = np.clip(x, 0, 1)
    x *= 255
    return np.clip(x, 0, 255).astype("uint8")


def any_size() -> keras.Model:
    """Random convolutions with weights large enough that filters answer to noise."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            layers.Conv2D(8, 3, activation="relu", name="one"),
            layers.MaxPooling2D(2),
            layers.Conv2D(10, 3, activation="relu", name="two"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, "softmax", name="answer"),
        ]
    )


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return any_size()


def test_plain_patterns_are_the_tutorials(model: keras.Model) -> None:
    for layer, filters in (("one", (0, 5)), ("two", (9, 1, 4))):
        found = visualize(model, layer, filters, Settings("plain", steps=10, step=2.0, size=24))
        for at, index in enumerate(filters):
            start = (np.random.default_rng([0, index]).random((24, 24, 3)) * 20 + 128).astype(np.float32)
            wanted = tutorial(model, layer, index, start, 10, 2.0)
            off = np.abs(found.images[at].astype(int) - wanted)
            assert np.mean(off > 1) < 0.01, (layer, index)
        assert (found.after > found.before).sum() >= 1


@pytest.mark.parametrize("mode", ["plain", "robust"])
def test_patterns_raise_their_filters(model: keras.Model, mode: str) -> None:
    settings = Settings(mode=mode, steps=40, size=24)
    found = visualize(model, "one", range(8), settings)
    assert found.images.shape == (8, 24, 24, 3)
    assert found.images.dtype == np.uint8
    assert found.whole(settings).all()
    lively = found.before > 1e-3
    assert lively.sum() >= 3
    assert (found.after[lively] > found.before[lively]).all()


def test_a_filter_that_answers_to_texture_rises_fivefold() -> None:
    """An edge detector sees little in grey noise; a pattern of edges wakes it."""
    start = keras.Input((24, 24, 1))
    conv = layers.Conv2D(2, 3, activation="relu", name="conv")
    model = keras.Model(start, layers.Dense(2)(layers.GlobalAveragePooling2D()(conv(start))))
    kernel = np.stack([np.outer([1, 2, 1], [-1, 0, 1]), np.outer([-1, 0, 1], [1, 2, 1])], axis=-1)[:, :, None]
    conv.set_weights([kernel.astype(np.float32), np.zeros(2, np.float32)])
    for mode in ("plain", "robust"):
        found = visualize(model, "conv", [0, 1], Settings(mode=mode, size=24, step=4.0 if mode == "plain" else 1.0))
        assert (found.after >= 5 * found.before).all(), mode
    assert np.abs(np.diff(found.images[0].astype(float), axis=1)).mean() > 1.5 * (
        np.abs(np.diff(found.images[0].astype(float), axis=0)).mean()
    )


@pytest.mark.parametrize("mode", ["plain", "robust"])
def test_a_pattern_depends_on_its_filter_alone(model: keras.Model, mode: str) -> None:
    settings = Settings(mode=mode, steps=5, size=16)
    many = visualize(model, "two", range(10), settings)
    alone = visualize(model, "two", [9], settings)
    assert np.abs(many.images[9].astype(int) - alone.images[0]).max() <= 2
    other = visualize(model, "two", [9], Settings(mode=mode, steps=5, size=16, seed=1))
    assert np.abs(other.images[0].astype(int) - alone.images[0]).mean() > 2


def test_images_come_step_by_step_and_stay_as_they_were_given(model: keras.Model) -> None:
    seen = list(draw(model, "two", range(10), QUICK))
    assert [one.steps.tolist() for one in seen] == (
        [[0] * 10, *([steps] * 8 + [0] * 2 for steps in (1, 4, 6)), *([6] * 8 + [steps] * 2 for steps in (1, 4, 6))]
    )
    moved = [not np.array_equal(seen[0].images[at], seen[1].images[at]) for at in range(10)]
    assert sum(moved) >= 3
    assert not any(moved[8:])
    np.testing.assert_array_equal(seen[0].images[9], seen[3].images[9])
    assert seen[0].images.std() > 5  # noise, not grey


def test_units_and_classes_have_patterns_too() -> None:
    model = made("sequential")
    before = [np.array(one) for one in model.get_weights()]
    found = visualize(model, "answer", [0, 2], Settings("plain", steps=5, size=16, step=5.0))
    assert (found.after > found.before).all()  # scores, not a softmax's shares
    assert found.before.min() < 0
    for one, was in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, was)


@pytest.mark.parametrize("form", ["functional", "nested", "heads", "file", "grey"])
def test_every_form_can_be_asked(form: str) -> None:
    model = made(form)
    layer = {"nested": "middle/conv", "functional": "grouped"}.get(form, "second")
    found = visualize(model, layer, [1], Settings("plain", steps=3, size=20))
    assert found.images.shape == (1, 20, 20, model.input_shape[-1])


def test_models_in_another_scale_get_their_pixels(model: keras.Model) -> None:
    """A model of scale `unit` sees the images over 255: the same patterns as one that divides by itself."""
    inside = keras.Sequential([keras.Input((24, 24, 3)), layers.Rescaling(1 / 255), *model.layers])
    plain = visualize(inside, "two", [0, 3], QUICK)
    outside = visualize(SimpleNamespace(model=model, scale="unit"), "two", [0, 3], QUICK)
    assert np.abs(plain.images.astype(int) - outside.images).max() <= 2
    np.testing.assert_allclose(plain.after, outside.after, rtol=1e-3)
    caffe = visualize(SimpleNamespace(model=model, scale="caffe"), "two", [0], QUICK)
    assert caffe.images.shape == (1, 24, 24, 3)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made_run = create(PRESETS["S"], tmp_path)
    made_run.best_path.write_bytes(b"a network")
    return made_run


def test_what_is_whole_is_kept_and_not_made_again(model: keras.Model, run: Run) -> None:
    first = visualizations_of_run(run, model, "two", [3, 1], QUICK)
    seen: list[FeatureVisualizations] = []
    again = visualizations_of_run(run, model, "two", [1, 5, 3], QUICK, seen=seen.append)
    assert again.filters == (1, 5, 3)
    assert seen[0].steps.tolist() == [6, 0, 6]
    np.testing.assert_array_equal(again.images[[0, 2]], first.images[[1, 0]])
    assert cached_visualizations(run, "two", [5, 3, 8], QUICK).filters == (5, 3)
    visualizations_of_run(run, None, "two", [1, 5, 3], QUICK, seen=lambda _: pytest.fail("All of them are there."))
    assert cached_visualizations(run, "two", [5], Settings("plain", steps=7, size=24)) is None
    (file,) = (run.folder / "patterns").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert cached_visualizations(run, "two", [5], QUICK) is None
    run.best_path.write_bytes(b"another network")
    assert cached_visualizations(run, "two", [5], QUICK) is None


def test_a_stop_keeps_what_is_whole(model: keras.Model, run: Run) -> None:
    said: list[tuple[str, int, int]] = []
    with pytest.raises(Cancelled):
        visualizations_of_run(
            run,
            model,
            "two",
            range(10),
            QUICK,
            progress=lambda *count: said.append(count),
            cancelled=lambda: len(said) == 5,
        )
    assert said == [("Feature visualizations of two, step", done, 60) for done in (0, 8, 32, 48, 50)]
    assert cached_visualizations(run, "two", range(10), QUICK).filters == tuple(range(8))


def test_the_lock_is_let_go_between_rounds(model: keras.Model) -> None:
    lock = threading.Lock()
    held = []
    visualize(model, "one", [0], QUICK, lock=lock, seen=lambda _: held.append(lock.locked()))
    assert held == [False] * 4


def test_what_is_kept_for_a_model_goes_with_it() -> None:
    model = any_size()
    visualize(model, "one", [0], QUICK)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_settings_and_layers_that_can_not_be_used_are_told(model: keras.Model) -> None:
    for settings, words in (
        (Settings("plain", steps=0), "steps is 0: expected 1 to 2,000"),
        (Settings("plain", size=4), "size is 4"),
        (Settings(mode="odd"), "'odd'"),
    ):
        with pytest.raises(ModelError, match=words):
            visualize(model, "one", [0], settings)
    with pytest.raises(ModelError, match="no filter 8: choose 0 to 7"):
        visualize(model, "one", [0, 8], QUICK)
    with pytest.raises(ModelError, match="no layer 'on'"):
        visualize(model, "on", [0], QUICK)
    with pytest.raises(ModelError, match="own"):
        visualize(made("sequential"), "dense", [0], Settings("plain", size=24))
    deep = keras.Sequential(
        [
            keras.Input((64, 64, 1)),
            layers.Conv2D(2, 9),
            layers.Conv2D(2, 9, name="deep"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    with pytest.raises(ModelError, match="larger size"):
        visualize(deep, "deep", [0], Settings("plain", size=12))


def test_usual_sizes() -> None:
    assert usual_size(made("sequential"), "first") == 64
    assert usual_size(made("sequential"), "dense") == 16
    vgg = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(128, 128, 3))
    assert usual_size(vgg, "block4_conv1") == 64
    assert usual_size(vgg, "block4_conv3") == 96
    assert usual_size(vgg, "block5_conv3") == 128


def test_spectra_are_lucids_formula() -> None:
    """Against NumPy's transforms, written as Lucid's `fft_image` and `to_valid_rgb` are."""
    size = 12
    spectra = np.random.default_rng(0).normal(0, 1, (2, 3, size, size // 2 + 1, 2)).astype(np.float32)
    frequencies = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    scaled = (spectra[..., 0] + 1j * spectra[..., 1]) / np.maximum(frequencies, 1 / size) * size
    values = np.fft.irfft2(scaled, (size, size)).transpose(0, 2, 3, 1) / 4
    root = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    values = values.reshape(-1, 3) @ (root / np.linalg.norm(root, axis=0).max()).T
    wanted = 1 / (1 + np.exp(-values.reshape(2, size, size, 3)))
    np.testing.assert_allclose(fourier_parameterization.image(spectra, size).numpy(), wanted, atol=1e-5)


def test_movements_stay_within_what_is_said() -> None:
    moves = fourier_parameterization.transforms(np.random.default_rng(0), 500, 64)
    factors = np.hypot(moves[:, 0], moves[:, 3])
    angles = np.rad2deg(np.arctan2(moves[:, 3], moves[:, 0]))
    assert (factors + 1e-6 >= 1 / 1.1).all()
    assert (factors <= 1 / 0.9 + 1e-6).all()
    assert np.abs(angles).max() <= 10
    middle = np.full(500, 31.5)
    shift = moves[:, 0] * middle + moves[:, 1] * middle + moves[:, 2] - 31.5
    assert np.abs(shift).max() <= 8.001
    same = np.array([[1, 0, 0, 0, 1, 0, 0, 0]], np.float32)
    images = pixels_for(made("sequential"))
    np.testing.assert_allclose(fourier_parameterization.transform(images, same).numpy(), images, atol=1e-4)
