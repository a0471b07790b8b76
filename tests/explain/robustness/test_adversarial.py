"""FGSM and PGD against an independent implementation, and the smallest flip where it is known beforehand."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from cnnviz.errors import CnnvizError, ImageError, ModelError
from cnnviz.explain.robustness import adversarial
from cnnviz.explain.robustness.adversarial import fgsm, pgd, robust_accuracy, smallest_flip
from cnnviz.models.classifier import Classifier
from cnnviz.models.load.load import of_model
from cnnviz.progress import Cancelled

SIDE = 8
EPSILON = 8 / 255


def images_for(classifier: Classifier, count: int = 5, low: int = 0, high: int = 256) -> np.ndarray:
    shape = (count, *classifier.image_size, classifier.channels)
    return np.random.default_rng(3).integers(low, high, shape).astype(np.uint8)


def trunk(channels: int, scaling: float) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    keras.utils.set_random_seed(5)
    inputs = keras.Input((SIDE, SIDE, channels))
    x = layers.Conv2D(6, 3, activation="tanh")(layers.Rescaling(scaling)(inputs))
    return inputs, layers.Flatten()(layers.Conv2D(4, 3, activation="softplus")(x))


def softmax() -> Classifier:
    inputs, x = trunk(3, 1 / 255)
    return of_model(keras.Model(inputs, layers.Dense(4, "softmax")(x)))


def sigmoid_of_grey() -> Classifier:
    inputs, x = trunk(1, 1 / 255)
    return of_model(keras.Model(inputs, layers.Dense(1, "sigmoid")(x)))


def logits_of_unit() -> Classifier:
    inputs, x = trunk(3, 1)
    return of_model(keras.Model(inputs, layers.Dense(3)(x)), scale="unit", outputs="scores")


def one_logit_symmetric() -> Classifier:
    inputs, x = trunk(1, 1)
    return of_model(keras.Model(inputs, layers.Dense(1)(x)), scale="symmetric", outputs="scores")


def caffe() -> Classifier:
    inputs, x = trunk(3, 1 / 128)
    return of_model(keras.Model(inputs, layers.Dense(3, "softmax")(x)), scale="caffe")


FORMS: dict[str, Callable[[], Classifier]] = {
    "softmax": softmax,
    "sigmoid": sigmoid_of_grey,
    "logits": logits_of_unit,
    "one logit": one_logit_symmetric,
    "caffe": caffe,
}
SCALES: dict[str, Callable] = {
    "raw": lambda x: x * 255,
    "unit": lambda x: x,
    "symmetric": lambda x: 2 * x - 1,
    "caffe": lambda x: tf.stack([x[..., 2], x[..., 1], x[..., 0]], -1) * 255 - [103.939, 116.779, 123.68],
}


def reference(
    classifier: Classifier, images: np.ndarray, classes: np.ndarray, epsilon: float, steps: int, size: float
) -> np.ndarray:
    """PGD as in the papers, in NumPy, with Keras's own losses of the model's own outputs."""
    units, activation = classifier.heads[0].units, classifier.heads[0].activation
    logits = activation == "logits"
    loss = (
        keras.losses.BinaryCrossentropy(from_logits=logits, reduction="sum")
        if units == 1
        else keras.losses.SparseCategoricalCrossentropy(from_logits=logits, reduction="sum")
    )
    start = images / 255.0
    found = start.copy()
    for _ in range(steps):
        with tf.GradientTape() as tape:
            tape.watch(given := tf.constant(found, tf.float32))
            outputs = classifier.model(SCALES[classifier.scale](given), training=False)
            value = loss(classes[:, None] if units == 1 else classes, outputs)
        found = found + size * np.sign(tape.gradient(value, given).numpy())
        found = np.minimum(np.maximum(found, start - epsilon), start + epsilon)
        found = np.minimum(np.maximum(found, 0), 1)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_images_are_those_of_an_independent_implementation(form: str) -> None:
    classifier = FORMS[form]()
    images = images_for(classifier)
    classes = np.array([0, 1, 1, 0, 1])
    found = fgsm(classifier, images, classes, epsilon=EPSILON)
    np.testing.assert_allclose(found.exact, reference(classifier, images, classes, EPSILON, 1, EPSILON), atol=1e-5)
    found = pgd(classifier, images, classes, epsilon=EPSILON, steps=10)
    expected = reference(classifier, images, classes, EPSILON, 10, 2.5 * EPSILON / 10)
    np.testing.assert_allclose(found.exact, expected, atol=1e-5)
    np.testing.assert_array_equal(found.images, np.rint(found.exact * 255))
    np.testing.assert_array_equal(found.predicted, classifier.predict(found.images)[0].argmax(axis=1))
    assert np.abs(found.exact - images / 255).max() <= EPSILON + 1e-6
    assert found.exact.dtype == np.float32
    assert np.abs(found.images.astype(int) - images).max() == 8  # of 255: the ball is used, and not left


def test_without_labels_it_leads_away_from_what_is_predicted() -> None:
    classifier = softmax()
    images = images_for(classifier)
    predicted = classifier.predict(images)[0].argmax(axis=1)
    np.testing.assert_array_equal(
        pgd(classifier, images, epsilon=EPSILON, steps=5).exact,
        pgd(classifier, images, predicted, epsilon=EPSILON, steps=5).exact,
    )


def test_many_images_are_perturbed_as_each_alone() -> None:
    classifier = sigmoid_of_grey()
    images = images_for(classifier, 70)  # more than one batch
    found = pgd(classifier, images, epsilon=EPSILON, steps=3).exact
    alone = [pgd(classifier, one[None], epsilon=EPSILON, steps=3).exact[0] for one in images[[0, 63, 64, 69]]]
    np.testing.assert_allclose(found[[0, 63, 64, 69]], alone, atol=1e-6)
    assert pgd(classifier, images[:0], epsilon=EPSILON).images.shape == (0, SIDE, SIDE, 1)


def test_a_step_is_compiled_once_for_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    compiled = adversarial._compiled
    monkeypatch.setattr(adversarial, "_compiled", lambda *given: made.append(given) or compiled(*given))
    classifier = softmax()
    for count in (1, 5, 3):
        pgd(classifier, images_for(classifier, count), epsilon=EPSILON, steps=2)
    assert len(made) == 1


@pytest.mark.parametrize("units", [1, 3])
def test_a_model_that_is_very_sure_is_attacked_all_the_same(units: int) -> None:
    """Its probabilities are 0 and 1 in float32, so that the cross-entropy's gradient is lost."""
    inputs = keras.Input((SIDE, SIDE, 1))
    mean = layers.GlobalAveragePooling2D()(inputs)
    sure = ops.concatenate([(mean - 100.5) * 100, 0 * mean - 1e4], axis=1)
    outputs = (
        ops.sigmoid((mean - 100.5) * 100)
        if units == 1
        else ops.softmax(ops.concatenate([(100.5 - mean) * 100, sure], axis=1))
    )
    classifier = of_model(keras.Model(inputs, outputs))
    image = np.full((SIDE, SIDE, 1), 103, np.uint8)
    assert classifier.predict(image[None])[0].max() == 1
    flip = smallest_flip(classifier, image)
    assert flip is not None
    assert (flip.levels, flip.before, flip.after) == (3, 1, 0)


def linear(threshold: float = 100.5) -> Classifier:
    """One sigmoid: whether the mean is above the threshold."""
    inputs = keras.Input((SIDE, SIDE, 1))
    mean = layers.GlobalAveragePooling2D()(inputs)
    return of_model(keras.Model(inputs, ops.sigmoid(mean - threshold)))


def flat(*levels: int) -> np.ndarray:
    return np.repeat(np.array(levels, np.uint8), SIDE * SIDE).reshape(-1, SIDE, SIDE, 1)


@pytest.mark.parametrize(("level", "levels"), [(101, 1), (103, 3), (108, 8), (116, 16), (100, 1), (93, 8)])
def test_the_smallest_flip_of_a_linear_model(level: int, levels: int) -> None:
    image = flat(level)[0]
    flip = smallest_flip(linear(), image)
    assert flip is not None
    assert flip.levels == round(255 * flip.epsilon) == levels
    assert {flip.before, flip.after} == {0, 1}
    assert flip.before == int(level > 100.5)
    assert linear().predict(flip.image[None])[0].argmax() == flip.after
    assert flip.image.dtype == np.uint8
    assert flip.image.shape == image.shape


@pytest.mark.parametrize("steps", [1, 40])
def test_what_would_take_a_larger_change_is_none(steps: int) -> None:
    assert smallest_flip(linear(), flat(117)[0], steps=steps) is None
    found = smallest_flip(linear(), flat(117)[0], epsilons=[16 / 255, 17 / 255, 20 / 255], steps=steps)
    assert found is not None
    assert (found.levels, found.epsilon) == (17, 17 / 255)


def test_a_flip_that_rounding_undoes_is_none() -> None:
    """From 101 a change of 0.1 would do before rounding, but below 0.5 rounding makes a 101 of it again."""
    near = smallest_flip(linear(100.9), flat(101)[0], epsilons=[quarters / 1020 for quarters in range(1, 9)])
    assert near is not None
    assert linear(100.9).predict(near.image[None])[0].argmax() == near.after == 0
    assert 0.49 < 255 * near.epsilon < 0.76  # at 0.5 itself it is rounded either way
    assert near.levels == 1
    assert smallest_flip(linear(100.9), flat(101)[0], epsilons=[tenths / 2550 for tenths in range(1, 5)]) is None


def bent() -> Classifier:
    """Sure of 103 and of all but a band round 101: FGSM's larger steps lead beyond it."""
    inputs = keras.Input((SIDE, SIDE, 1))
    mean = layers.GlobalAveragePooling2D()(inputs)
    return of_model(keras.Model(inputs, ops.sigmoid(ops.abs(mean - 100) - 1.5)))


def test_a_flip_is_found_at_every_epsilon_by_fgsm_and_by_pgd_below_it() -> None:
    image = flat(104)[0]
    for steps in (1, 40):
        flip = smallest_flip(bent(), image, steps=steps)
        assert flip is not None
        assert (flip.levels, flip.after) == (3, 0)
    assert fgsm(bent(), image[None], epsilon=16 / 255).predicted[0] == 1  # a bisection from the greatest ε finds none
    turning = softmax()
    for image in images_for(turning, 3):
        one, many = (smallest_flip(turning, image, epsilons=np.arange(1, 129) / 255, steps=steps) for steps in (1, 20))
        if one is not None:
            assert many is not None
            assert many.epsilon <= one.epsilon
            at = fgsm(turning, image[None], epsilon=one.epsilon)
            np.testing.assert_array_equal(at.images[0], one.image)
            assert many.levels <= round(255 * many.epsilon)
            assert at.predicted[0] == one.after != one.before


def test_pgd_finds_what_one_step_cannot() -> None:
    """6.5 − u − v·(u − 1) / 2, u and v the levels that the left half is darker and the right one brighter by: up to
    u = 1 the gradient leads v astray, so that one step never flips it, and at its best 3 levels leave 0.5."""
    inputs = keras.Input((SIDE, SIDE, 1))
    u = 110 - layers.GlobalAveragePooling2D()(inputs[:, :, : SIDE // 2])
    v = layers.GlobalAveragePooling2D()(inputs[:, :, SIDE // 2 :]) - 110
    classifier = of_model(keras.Model(inputs, ops.sigmoid(6.5 - u - v * (u - 1) / 2)))
    image = flat(110)[0]
    assert smallest_flip(classifier, image, steps=1) is None
    flip = smallest_flip(classifier, image)
    assert flip is not None
    assert flip.levels == round(255 * flip.epsilon) == 4
    assert (flip.before, flip.after) == (1, 0)


def test_robust_accuracy_of_a_linear_model() -> None:
    """Margins of 0.5, 1.5, 3.5 and 7.5 levels, and one that is wrong from the start."""
    images = flat(101, 99, 104, 108, 108)
    found = robust_accuracy(linear(), images, np.array([1, 0, 1, 1, 0]), epsilons=[k / 255 for k in (0, 0.4, 1, 2, 8)])
    assert found.accuracy == (0.8, 0.8, 0.6, 0.4, 0.0)
    assert found.images == 5
    assert robust_accuracy(linear(), images, np.array([1, 0, 1, 1, 0])).epsilons == adversarial.EPSILONS
    half = robust_accuracy(linear(), images, np.array([1, 0, 1, 1, 0]), epsilons=[2 / 255])
    assert half.accuracy == (0.4,)


def test_what_was_flipped_once_stays_flipped() -> None:
    """A band of 1 level round 103: one step of 2 levels leads into it from 101, and one of 4 beyond it."""
    inputs = keras.Input((SIDE, SIDE, 1))
    mean = layers.GlobalAveragePooling2D()(inputs)
    classifier = of_model(keras.Model(inputs, ops.sigmoid(ops.abs(mean - 103) - 1)))
    labels = np.array([1])

    def one_step(level: int) -> int:
        return int(pgd(classifier, flat(101), labels, epsilon=level / 255, steps=1).predicted[0])

    assert (one_step(2), one_step(4)) == (0, 1)
    found = robust_accuracy(classifier, flat(101), labels, epsilons=(0, 2 / 255, 4 / 255), steps=1)
    assert found.accuracy == (1, 0, 0)


def test_progress_is_told_and_a_stop_is_heeded() -> None:
    classifier = linear()
    said: list[tuple[str, int, int]] = []
    pgd(classifier, flat(120), epsilon=EPSILON, steps=3, progress=lambda *told: said.append(told))
    assert said == [("Perturbing", done, 3) for done in (1, 2, 3)]
    said.clear()
    smallest_flip(classifier, flat(103)[0], steps=2, progress=lambda *told: said.append(told))
    assert [done for _, done, _ in said] == list(range(1, len(said) + 1))
    assert len(said) <= said[0][2] == 13  # one gradient of FGSM's, and PGD's two steps at six ε at most
    said.clear()
    images, labels = flat(*[120] * 70), np.ones(70, int)
    robust_accuracy(classifier, images, labels, epsilons=(0, 0.1), progress=lambda *told: said.append(told))
    assert [done for _, done, _ in said] == sorted(done for _, done, _ in said)
    assert said[-1] == ("Robust accuracy", 140, 140)
    works: tuple[Callable, ...] = (
        lambda stop: pgd(classifier, images, epsilon=EPSILON, cancelled=stop),
        lambda stop: smallest_flip(classifier, images[0], cancelled=stop),
        lambda stop: robust_accuracy(classifier, images, labels, cancelled=stop),
    )
    for work in works:
        with pytest.raises(Cancelled):
            work(lambda: True)
        asked = iter([False] * 4)
        with pytest.raises(Cancelled):
            work(lambda left=asked: next(left, True))


WRONG: list[tuple[type[CnnvizError], str, Callable[[Classifier, np.ndarray], object]]] = [
    (ImageError, "float64", lambda c, x: pgd(c, x / 255, epsilon=0.1)),
    (ImageError, "expected uint8 \\(n, 8, 8, 1\\)", lambda c, x: fgsm(c, x[:, 1:], epsilon=0.1)),
    (ImageError, "expected uint8", lambda c, x: smallest_flip(c, x)),
    (ImageError, "no images", lambda c, x: robust_accuracy(c, x[:0], np.zeros(0, int))),
    (ModelError, "Head 1", lambda c, x: pgd(c, x, head=1, epsilon=0.1)),
    (ModelError, "0 to 1", lambda c, x: pgd(c, x, np.array([2, 0]), epsilon=0.1)),
    (ModelError, "whole numbers \\(2,\\)", lambda c, x: pgd(c, x, np.array([0.0, 1.0]), epsilon=0.1)),
    (ModelError, "whole numbers \\(2,\\)", lambda c, x: robust_accuracy(c, x, np.array([1]))),
    (ModelError, "ε is 8", lambda c, x: pgd(c, x, epsilon=8)),
    (ModelError, "ε is nan", lambda c, x: pgd(c, x, epsilon=float("nan"))),
    (ModelError, "0 steps", lambda c, x: pgd(c, x, epsilon=0.1, steps=0)),
    (ModelError, "1.5 steps", lambda c, x: robust_accuracy(c, x, np.array([1, 1]), steps=1.5)),
    (ModelError, "Head -1", lambda c, x: smallest_flip(c, x[0], -1)),
    (ModelError, "0 to 1", lambda c, x: smallest_flip(c, x[0], epsilons=(0.1, 2))),
    (ModelError, "ascending", lambda c, x: smallest_flip(c, x[0], epsilons=(0.2, 0.1))),
    (ModelError, "ascending", lambda c, x: robust_accuracy(c, x, np.array([1, 1]), epsilons=(0.1, 0.1))),
    (ModelError, "ascending", lambda c, x: robust_accuracy(c, x, np.array([1, 1]), epsilons=())),
    (ModelError, "from 0 to 1", lambda c, x: robust_accuracy(c, x, np.array([1, 1]), epsilons=(0.1, 2))),
]


@pytest.mark.parametrize(("error", "words", "work"), WRONG)
def test_bad_input_is_one_sentence(error: type[CnnvizError], words: str, work: Callable) -> None:
    with pytest.raises(error, match=words) as told:
        work(linear(), flat(99, 108))
    assert "\n" not in str(told.value)


def test_the_chosen_head_is_attacked() -> None:
    """One head goes by the mean, the other by the left half alone."""
    inputs = keras.Input((SIDE, SIDE, 1))
    mean = layers.GlobalAveragePooling2D()(inputs)
    left = layers.GlobalAveragePooling2D()(inputs[:, :, : SIDE // 2])
    heads = [ops.sigmoid(mean - 100.5), ops.softmax(ops.concatenate([104.5 - left, left - 104.5], axis=1))]
    classifier = of_model(keras.Model(inputs, heads))
    for head, levels in ((0, 2), (1, 3)):
        flip = smallest_flip(classifier, flat(102)[0], head)
        assert flip is not None
        assert flip.levels == levels
    moved = pgd(classifier, flat(102), head=1, epsilon=3 / 255).images[0]
    assert (moved[:, SIDE // 2 :] == 102).all()  # what the head doesn't see stays
    assert (moved[:, : SIDE // 2] == 105).all()
