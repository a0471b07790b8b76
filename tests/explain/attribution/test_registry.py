"""Each method's numbers, by hand or by NumPy from its paper's formula."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cnnviz.errors import ModelError
from cnnviz.explain import METHODS, Explanation, Target, explain
from cnnviz.explain.attribution import methods
from cnnviz.models.graph.graph import flatten
from tests.model_forms import FORMS, images, made


def test_each_file_is_a_method_and_its_settings_are_its_functions_keywords() -> None:
    files = {path.stem for path in Path(methods.__path__[0]).glob("*.py")} - {"__init__"}
    assert {method.maps.__module__.rpartition(".")[2] for method in METHODS.values()} == files
    for method in METHODS.values():
        assert {one.name: one.default for one in method.settings} == (method.maps.__kwdefaults__ or {})
        for one in method.settings:
            assert one.default is None or one.low <= one.default <= one.high


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [
        ("smoothgrad", "samples", 0),
        ("smoothgrad", "noise", 11),
        ("integrated-gradients", "steps", 2.5),
        ("integrated-gradients", "steps", 513),
        ("integrated-gradients", "steps", "many"),
        ("score-cam", "channels", True),
        ("occlusion", "patch", float("nan")),
    ],
)
def test_a_setting_out_of_its_bounds_is_refused(method: str, name: str, value: object) -> None:
    with pytest.raises(ModelError, match=f"{name} is .*: expected a "):
        METHODS[method].checked({name: value})


def test_grad_cam_of_two_filters_by_hand() -> None:
    """A₁ = x and A₂ = 2x + 1; the class weighs their means by 4 and -1, so α = 4/4 and -1/4."""
    model = keras.Sequential(
        [
            keras.Input((2, 2, 1)),
            layers.Conv2D(2, 1),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.set_weights(
        [np.array([[[[1.0, 2.0]]]]), np.array([0.0, 1.0]), np.array([[4.0, 0.0], [-1.0, 1.0]]), np.array([0.5, 0.0])]
    )
    pixels = np.array([[1.0, 2.0], [3.0, -4.0]], np.float32).reshape(1, 2, 2, 1)
    found = explain(model, pixels, method="grad-cam", target=Target(0, 0))
    np.testing.assert_allclose(found.map, [[[0.25, 0.75], [1.25, 0.0]]], atol=1e-6)
    np.testing.assert_allclose(found.strength, [1.25])
    np.testing.assert_allclose(found.scores, [4 * 0.5 - 2.0 + 0.5], atol=1e-6)
    for target, everywhere in ((Target(0, 0, against=1), 0.0), (Target(0, 1, against=0), 0.5)):
        against = explain(model, pixels, method="grad-cam", target=target)  # ∓(x - 2(2x + 1)/4) = ±½
        np.testing.assert_allclose(against.map, np.full((1, 2, 2), everywhere), atol=1e-6)


@pytest.fixture(scope="module")
def flat() -> tuple[keras.Model, np.ndarray]:
    """A convolution and one Dense: the gradients are the Dense's weights, at each position its own."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [keras.Input((6, 5, 2)), layers.Conv2D(3, 2, activation="relu"), layers.Flatten(), layers.Dense(4)]
    )
    return model, np.random.default_rng(0).normal(size=(2, 6, 5, 2)).astype(np.float32)


def parts(model: keras.Model, pixels: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Activations (n, 5, 4, 3) and gradients, by NumPy."""
    kernel, bias, weights, _ = model.get_weights()
    patches = np.lib.stride_tricks.sliding_window_view(pixels, (2, 2), axis=(1, 2))  # (n, 5, 4, channel, row, column)
    activations = np.maximum(np.einsum("nhwcab,abck->nhwk", patches, kernel) + bias, 0)
    return activations, np.broadcast_to(weights[:, index].reshape(5, 4, 3), activations.shape)


@pytest.mark.parametrize("index", [0, 3])
def test_maps_of_gradients_follow_the_papers(flat: tuple[keras.Model, np.ndarray], index: int) -> None:
    model, pixels = flat
    activations, gradients = parts(model, pixels, index)
    means = gradients.mean(axis=(1, 2), keepdims=True)
    total = activations.sum(axis=(1, 2), keepdims=True)
    score = np.exp(explain(model, pixels, method="grad-cam", target=Target(0, index)).scores)[:, None, None, None]
    alphas = score * gradients**2 / (2 * score * gradients**2 + score * gradients**3 * total)
    alphas /= alphas.sum(axis=(1, 2), keepdims=True)
    weights = (alphas * np.maximum(gradients, 0)).sum(axis=(1, 2), keepdims=True)
    formulas = {
        "grad-cam": means * activations,
        "grad-cam++": weights * activations,
        "hires-cam": gradients * activations,
        "layer-cam": np.maximum(gradients, 0) * activations,
    }
    for method, products in formulas.items():
        found = explain(model, pixels, method=method, target=Target(0, index))
        assert found.layer == flatten(model).convolutions[0]
        np.testing.assert_allclose(found.map, np.maximum(products.sum(axis=-1), 0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(6, 5, 2), (3, 2, 2)])  # more positions than channels, and the other way round
def test_eigen_cam_is_the_first_singular_vector(size: tuple[int, int, int]) -> None:
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input(size), layers.Conv2D(7, 2), layers.Flatten(), layers.Dense(2)])
    pixels = np.random.default_rng(0).normal(size=(2, *size)).astype(np.float32)
    found = explain(model, pixels, method="eigen-cam", target=Target())
    activations = model.layers[0](pixels).numpy()
    for row, given in enumerate(activations):
        left, values, _ = np.linalg.svd(given.reshape(-1, 7).astype(np.float64))
        wanted = left[:, 0] * values[0]
        wanted *= np.sign(wanted.sum())
        np.testing.assert_allclose(found.map[row].ravel(), np.maximum(wanted, 0), rtol=1e-4, atol=1e-5)
    other = explain(model, pixels, method="eigen-cam", target=Target(0, 1))
    np.testing.assert_array_equal(other.map, found.map)
    assert found.remarks == ("Eigen-CAM asks for no class: the map is the same for each of them.",)


def test_score_cam_weighs_one_sigmoid_by_its_probability() -> None:
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Conv2D(2, 1, activation="relu"),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.layers[0].set_weights([np.array([[[[1.0, 0.5]]]]), np.array([0.0, 0.25])])
    pixels = np.random.default_rng(0).uniform(0, 1, (1, 4, 4, 1)).astype(np.float32)
    activations = model.layers[0](pixels).numpy()[0]
    low, high = activations.min(axis=(0, 1)), activations.max(axis=(0, 1))
    masked = pixels * ((activations - low) / (high - low)).transpose(2, 0, 1)[..., None]
    yes = model(masked, training=False).numpy()[:, 0]
    for target, probabilities in ((Target(0, 1), yes), (Target(0, 0), 1 - yes), (Target(0, 1, against=0), 2 * yes - 1)):
        found = explain(model, pixels, method="score-cam", target=target)
        np.testing.assert_allclose(
            found.map[0], np.maximum((activations * probabilities).sum(-1), 0), rtol=1e-4, atol=1e-6
        )


@pytest.fixture(scope="module")
def linear() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """score = Σ w·x + ½ for class 0, with its w (4, 4, 2) and an image."""
    model = keras.Sequential([keras.Input((4, 4, 2)), layers.Flatten(), layers.Dense(2)])
    random = np.random.default_rng(6)
    weights = random.normal(size=(32, 2)).astype(np.float32)
    model.set_weights([weights, np.array([0.5, 0.0])])
    return model, weights[:, 0].reshape(4, 4, 2), random.normal(size=(1, 4, 4, 2)).astype(np.float32)


def test_gradients_of_a_linear_model_are_its_weights(linear: tuple) -> None:
    model, weights, pixels = linear
    plain = explain(model, pixels, method="gradient", target=Target())
    smooth = explain(model, pixels, method="smoothgrad", target=Target(), samples=40, noise=0.3)
    for found in (plain, smooth):
        np.testing.assert_allclose(found.map[0], np.abs(weights).max(axis=-1), rtol=1e-5)
        np.testing.assert_allclose(found.signed[0], weights.sum(axis=-1), rtol=1e-4, atol=1e-6)


def test_noise_is_drawn_by_the_seed(tmp_path: Path) -> None:
    model = made("grey, one logit", tmp_path)
    model.layers[0].set_weights([one - 0.15 for one in model.layers[0].get_weights()])  # so that some ReLUs turn
    pixels = images(model, 1)

    def smooth(seed: int) -> Explanation:
        return explain(model, pixels, method="smoothgrad", target=Target(0, 1), seed=seed, samples=40)

    np.testing.assert_array_equal(smooth(1).map, smooth(1).map)
    assert np.abs(smooth(1).map - smooth(2).map).max() > 0
    assert smooth(1).remarks == ("40 noisy copies were used; the noise's deviation was 15% of the image's range.",)


def test_integrated_gradients_of_a_linear_model(linear: tuple) -> None:
    model, weights, pixels = linear
    baseline = np.array([0.5, -1.0], np.float32)
    found = explain(model, pixels, method="integrated-gradients", target=Target(), baseline=baseline)
    wanted = (weights * (pixels[0] - baseline)).sum(axis=-1)
    np.testing.assert_allclose(found.signed[0], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.map[0], np.maximum(wanted, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.sums[0], [wanted.sum()] * 2, rtol=1e-4)
    assert found.remarks == ("The baseline is the given baseline; the way from it was taken in 32 steps.",)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "mixed precision"])
def test_integrated_gradients_are_complete(form: str, tmp_path: Path) -> None:
    """With weights of both signs, so that ReLUs turn on the way."""
    keras.utils.set_random_seed(1)
    model = FORMS[form](tmp_path)
    random = np.random.default_rng(8)
    for one in model.trainable_variables:
        one.assign(random.normal(0.05, 0.3, one.shape))
    pixels = images(model)
    found = explain(model, pixels, method="integrated-gradients", target=Target(0, 1))
    empty = flatten(model).model(np.zeros_like(pixels))
    difference = found.scores - Target(0, 1).score([one.numpy() for one in empty])
    assert (np.abs(difference) > 1e-3).all()
    np.testing.assert_allclose(found.sums[:, 1], difference, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.signed.sum(axis=(1, 2)), difference, rtol=0.01)
    np.testing.assert_allclose(found.sums[:, 0], found.signed.sum(axis=(1, 2)), rtol=1e-3)


def test_a_missed_completeness_is_told() -> None:
    """A step in the way that no number of points finds: a saturated sigmoid of a large multiple."""
    pixels = keras.Input((2, 2, 1))
    score = layers.Dense(1)(keras.ops.sigmoid(1e6 * (layers.Flatten()(pixels) - 0.3137)))
    found = explain(
        keras.Model(pixels, score), np.ones((1, 2, 2, 1)), method="integrated-gradients", target=Target(0, 1)
    )
    assert found.remarks[1].startswith("The parts miss the difference between both scores by ")


def test_occlusion_by_hand(linear: tuple) -> None:
    """Of a linear model the score falls by what the patch holds, less what it is filled with."""
    model, weights, pixels = linear
    found = explain(model, pixels, method="occlusion", target=Target(), baseline=0.25, patch=2, stride=2)
    fall = (weights * (pixels[0] - 0.25)).sum(axis=-1)
    wanted = np.kron(fall.reshape(2, 2, 2, 2).sum(axis=(1, 3)), np.ones((2, 2)))
    np.testing.assert_allclose(found.signed[0], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.map[0], np.maximum(wanted, 0), rtol=1e-4, atol=1e-5)
    assert found.remarks == ("Patches of 2 × 2 pixels, 2 apart, were filled with the given baseline.",)


def test_patches_that_overlap_are_averaged_and_reach_the_border(linear: tuple) -> None:
    model, weights, pixels = linear
    found = explain(model, pixels, method="occlusion", target=Target(), patch=3, stride=3)  # at 0 and, last, at 1
    fall = (weights * (pixels[0] - pixels[0].mean(axis=(0, 1)))).sum(axis=-1)
    falls, counts = np.zeros((4, 4)), np.zeros((4, 4))
    for top in (0, 1):
        for left in (0, 1):
            falls[top : top + 3, left : left + 3] += fall[top : top + 3, left : left + 3].sum()
            counts[top : top + 3, left : left + 3] += 1
    np.testing.assert_allclose(found.signed[0], falls / counts, rtol=1e-3, atol=1e-5)
    assert found.remarks[0].endswith("were filled with the image's mean colour.")


def test_settings_out_of_range_are_told(linear: tuple) -> None:
    model, _, pixels = linear
    for method, settings, message in (
        ("occlusion", {"patch": 5}, "expected a patch of 1 to 4 and a stride of 1 to the patch"),
        ("occlusion", {"patch": 2, "stride": 3}, "Patches of 2 pixels, 3 apart"),
        ("smoothgrad", {"samples": 0}, "expected a whole number from 1 to 500"),
        ("integrated-gradients", {"steps": 0}, "from 1 to 512"),
    ):
        with pytest.raises(ModelError, match=message):
            explain(model, pixels, method=method, target=Target(), **settings)
