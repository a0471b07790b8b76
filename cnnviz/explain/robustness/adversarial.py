"""Adversarial perturbations: the smallest change of an image that flips a prediction, and the accuracy that is left.

Images are uint8 at the boundary and float32 0..1 inside. ε, the largest change of any value (L∞), is in units of 0..1:
8 of 255 levels are `8 / 255`. Perturbed images stay within 0..1.

Goodfellow et al. 2015, arXiv:1412.6572 (FGSM); Madry et al. 2018, arXiv:1706.06083 (PGD).

Importing this loads no TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz.errors import ImageError, ModelError, enough_memory
from cnnviz.progress import CancelCheck, Progress, batches, check_cancelled

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = [
    "EPSILONS",
    "EPSILON_MAX",
    "MEASURING_STEPS",
    "STEPS",
    "Flip",
    "Perturbed",
    "RobustAccuracy",
    "fgsm",
    "pgd",
    "robust_accuracy",
    "smallest_flip",
]

EPSILONS = tuple(level / 255 for level in (0, 0.5, 1, 2, 4, 8))
"""What `robust_accuracy` measures by default."""
EPSILON_MAX = 16 / 255
"""Beyond it `smallest_flip` looks no further: such a change is plain to see."""
STEPS, MEASURING_STEPS = 40, 10
"""PGD's steps for one image, and where many are measured."""
_STEP = 2.5
"""A step is so much of ε / steps, so that PGD reaches the ball's border and can turn back from it (Madry et al.)."""
_PIXELS = 32 * 128 * 128  # more at once are no faster, and need memory for every activation


@dataclass(frozen=True, eq=False)
class Perturbed:
    """Images that were changed by at most ε.

    Attributes:
        images: uint8 (n, height, width, channels), the perturbed images rounded. Where ε isn't a whole number of
            levels, rounding may take a value out of the ball by up to half a level.
        exact: float32 (n, height, width, channels), 0..1, before rounding.
        predicted: int64 (n,), the class that is predicted for the rounded image.
    """

    images: np.ndarray
    exact: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True, eq=False)
class Flip:
    """The smallest change that was found to flip a prediction.

    Attributes:
        epsilon: PGD's radius, 0..1; 0 where the image is predicted so as it is.
        image: uint8 (height, width, channels), rounded: it is flipped itself.
        levels: the largest change of a value of `image`, in levels of 0..255.
        before: the class that was predicted.
        after: the class that is predicted for `image`.
    """

    epsilon: float
    image: np.ndarray
    levels: int
    before: int
    after: int


@dataclass(frozen=True)
class RobustAccuracy:
    """Accuracy under attack.

    Attributes:
        epsilons: radii, 0..1.
        accuracy: 0..1, for each of them the share of the images that are predicted right and stay so.
        images: how many were measured.
    """

    epsilons: tuple[float, ...]
    accuracy: tuple[float, ...]
    images: int


def fgsm(
    classifier: Classifier,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    head: int = 0,
    *,
    epsilon: float,
    targets: np.ndarray | None = None,
) -> Perturbed:
    """Returns images moved by ε along the sign of the cross-entropy's gradient: x + ε·sign(∇ₓ L(x, y)).

    Arguments and errors are `pgd`'s, of which it is one step as long as ε.

    Example:
        >>> fgsm(classifier, images, labels, epsilon=8 / 255).predicted  # doctest: +SKIP
        array([1, 0, 0])
    """
    return pgd(classifier, images, labels, head, epsilon=epsilon, targets=targets, steps=1, step_size=epsilon)


@enough_memory()
def pgd(
    classifier: Classifier,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    head: int = 0,
    *,
    epsilon: float,
    targets: np.ndarray | None = None,
    steps: int = STEPS,
    step_size: float | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Perturbed:
    """Returns images perturbed by projected gradient descent within the ball of radius ε (L∞).

    Args:
        classifier: whose prediction is attacked; it is not changed.
        images: uint8 (n, *image_size, channels), as the model sees them, see `Classifier.fit`.
        labels: int (n,), the classes whose cross-entropy is made greater: the true ones, or by default the predicted.
        head: which of the model's outputs, from 0.
        epsilon: 0..1, the radius.
        targets: int (n,), the classes whose cross-entropy is made smaller instead; then there are no `labels`.
        steps: how many.
        step_size: 0..1; 2.5·ε / steps by default.
        seed: of a random start within the ball; without it the start is the image.
        progress: called with what is being done, and the steps done and in all.
        cancelled: asked before every step.

    Raises:
        ImageError: images of another type or shape.
        ModelError: no such head or class, both labels and targets, or a number out of its range.
        Cancelled: `cancelled` said so.

    Example:
        >>> found = pgd(classifier, images, labels, epsilon=8 / 255)  # doctest: +SKIP
        >>> np.mean(found.predicted != labels)  # doctest: +SKIP
        0.98
    """
    _check_images(classifier, images)
    units = _units(classifier, head)
    if labels is not None and targets is not None:
        raise ModelError("There are both labels and targets: labels are led away from, or targets are led to.")
    if not 0 <= epsilon <= 1:
        raise ModelError(f"ε is {epsilon}: expected a number from 0 to 1, such as 8 / 255.")
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ModelError(f"There are {steps} steps: expected a whole number from 1.")
    if step_size is not None and not 0 <= step_size <= 1:
        raise ModelError(f"The step size is {step_size}: expected a number from 0 to 1.")
    if labels is None and targets is None:
        labels = _predicted(classifier, images, head)
    classes = _classes(targets if labels is None else labels, len(images), units)
    length = _STEP * epsilon / steps if step_size is None else step_size
    start = _random_start(images, epsilon, seed)
    whole, done, parts = steps * math.ceil(len(images) / _batch(classifier)), 0, []
    for part in batches(len(images), _batch(classifier)):
        found = start[part]
        for _ in range(steps):
            check_cancelled(cancelled)
            found = _step(classifier, head)(
                found, _unit(images[part]), classes[part], np.float32(epsilon), np.float32(length), labels is not None
            )[0]
            done += 1
            if progress is not None:
                progress("Perturbing", done, whole)
        parts.append(np.asarray(found))
    exact = np.concatenate([start[:0], *parts])
    rounded = np.rint(exact * 255).astype(np.uint8)
    return Perturbed(rounded, exact, _predicted(classifier, rounded, head))


def smallest_flip(
    classifier: Classifier,
    image: np.ndarray,
    head: int = 0,
    *,
    label: int | None = None,
    target: int | None = None,
    epsilon_max: float = EPSILON_MAX,
    resolution: float = 1 / 255,
    steps: int = STEPS,
    seed: int | None = None,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Flip | None:
    """Returns the smallest change, by bisection over ε with PGD, after which another class is predicted.

    It is an upper bound: a smaller change that PGD doesn't find may flip it too. What counts is the rounded image's
    prediction, as rounding to uint8 may undo a flip.

    Args:
        classifier: whose prediction is to be flipped.
        image: uint8 (*image_size, channels), as the model sees it, see `Classifier.fit`.
        head: which of the model's outputs, from 0.
        label: the class to lead away from; by default the predicted one.
        target: the class to lead to; by default any other.
        epsilon_max: 0..1, the greatest ε that is tried.
        resolution: ε is one of its multiples. Values of an image change by whole levels, so that less than 1 / 255
            makes fewer of them change, and no smaller ones.
        steps: PGD's.
        seed: of PGD's random start; without it the start is the image.
        progress: called with what is being done, and the steps done and at most needed.
        cancelled: asked before every step.

    Returns:
        `None` where no ε up to `epsilon_max` was found to do.

    Raises:
        ImageError: an image of another type or shape.
        ModelError: no such head or class, or a number out of its range.
        Cancelled: `cancelled` said so.

    Example:
        >>> flip = smallest_flip(classifier, classifier.fit(photo))  # doctest: +SKIP
        >>> flip.levels, flip.before, flip.after  # doctest: +SKIP
        (1, 0, 1)
    """
    if not 0 < resolution <= epsilon_max <= 1:
        raise ModelError(
            f"The resolution is {resolution} and the greatest ε {epsilon_max}: expected 0 < resolution ≤ ε ≤ 1."
        )
    images = image[None]
    _check_images(classifier, images)
    units = _units(classifier, head)
    if label is not None and target is not None:
        raise ModelError("There are both a label and a target: a label is led away from, or a target is led to.")
    before = int(_predicted(classifier, images, head)[0])
    away = before if label is None else int(_classes(np.array([label]), 1, units)[0])
    aim = None if target is None else _classes(np.array([target]), 1, units)

    def flipped(prediction: int) -> bool:
        return prediction != away if aim is None else prediction == aim[0]

    if flipped(before):
        return Flip(0.0, image.copy(), 0, before, before)
    high = int(epsilon_max / resolution + 1e-6)
    whole, tried = steps * (1 + max(0, high - 1).bit_length()), 0

    def attempt(multiple: int) -> Flip | None:
        nonlocal tried
        epsilon, base = min(multiple * resolution, epsilon_max), tried * steps
        told = None if progress is None else lambda what, done, _: progress("Smallest change", base + done, whole)
        labels = np.array([away]) if aim is None else None
        found = pgd(
            classifier,
            images,
            labels,
            head,
            epsilon=epsilon,
            targets=aim,
            steps=steps,
            seed=seed,
            progress=told,
            cancelled=cancelled,
        )
        tried += 1
        after = int(found.predicted[0])
        if not flipped(after):
            return None
        levels = int(np.abs(found.images[0].astype(int) - image).max())
        return Flip(epsilon, found.images[0], levels, before, after)

    best, low = attempt(high), 0
    if best is None:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if (found := attempt(middle)) is None:
            low = middle
        else:
            best, high = found, middle
    return best


@enough_memory()
def robust_accuracy(
    classifier: Classifier,
    images: np.ndarray,
    labels: np.ndarray,
    head: int = 0,
    epsilons: Sequence[float] = EPSILONS,
    *,
    steps: int = MEASURING_STEPS,
    seed: int | None = None,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> RobustAccuracy:
    """Returns the accuracy that is left under PGD, for each ε.

    An image is flipped once it is predicted wrong after any of the steps. What was flipped at a smaller ε counts as
    flipped at all larger ones, as its perturbation lies within their balls too, and isn't attacked again. As in the
    paper perturbed images are not rounded.

    Args:
        classifier: whose.
        images: uint8 (n, *image_size, channels), as the model sees them.
        labels: int (n,), the true classes.
        head: which of the model's outputs, from 0.
        epsilons: radii, 0..1, each greater than the one before.
        steps: PGD's; the step size is 2.5·ε / steps.
        seed: of PGD's random start; without it the start is the image.
        progress: called with what is being done, and how many images are done and to do, over all ε.
        cancelled: asked before every step.

    Raises:
        ImageError: images of another type or shape, or none.
        ModelError: no such head or class, or numbers out of their range.
        Cancelled: `cancelled` said so.

    Example:
        >>> robust_accuracy(classifier, images, labels, epsilons=(0, 8 / 255)).accuracy  # doctest: +SKIP
        (0.91, 0.02)
    """
    _check_images(classifier, images)
    if not len(images):
        raise ImageError("There are no images: expected at least one.")
    classes = _classes(labels, len(images), _units(classifier, head))
    epsilons = tuple(float(one) for one in epsilons)
    if not epsilons or not epsilons[0] >= 0 or not epsilons[-1] <= 1 or not (np.diff(epsilons) > 0).all():
        raise ModelError(f"The ε are {epsilons}: expected numbers from 0 to 1, each greater than the one before.")
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ModelError(f"There are {steps} steps: expected a whole number from 1.")
    standing, accuracy, count = np.arange(len(images)), [], len(images)
    for nth, epsilon in enumerate((0.0, *epsilons)):  # what is wrong without any change needs no attack
        kept = []
        for part in batches(len(standing), _batch(classifier)):
            rows = standing[part]
            start = _random_start(images[rows], epsilon, seed)
            held = _hold(classifier, head, images[rows], start, classes[rows], epsilon, steps, cancelled)
            kept.append(rows[held])
            if progress is not None and nth:
                gone = count - len(standing)
                progress("Robust accuracy", (nth - 1) * count + gone + part.stop, count * len(epsilons))
        standing = np.concatenate([standing[:0], *kept])
        accuracy.append(len(standing) / count)
        if progress is not None and nth:
            progress("Robust accuracy", nth * count, count * len(epsilons))
    return RobustAccuracy(epsilons, tuple(accuracy[1:]), count)


def _hold(
    classifier: Classifier,
    head: int,
    images: np.ndarray,
    found: Any,
    classes: np.ndarray,
    epsilon: float,
    steps: int,
    cancelled: CancelCheck | None,
) -> np.ndarray:
    """Which predictions are right after every step, bool (n,). What was flipped is left out of the steps to come."""
    step, given, length = _step(classifier, head), _unit(images), np.float32(_STEP * epsilon / steps)
    held = np.arange(len(images))
    for nth in range(steps + 1 if epsilon else 1):
        check_cancelled(cancelled)
        radius, far = (np.float32(0), np.float32(0)) if nth == steps else (np.float32(epsilon), length)
        moved, predicted = step(found, given[held], classes[held], radius, far, True)
        right = np.asarray(predicted) == classes[held]
        found, held = np.asarray(moved)[right], held[right]
        if not len(held):
            break
    return np.isin(np.arange(len(images)), held)


def _step(classifier: Classifier, head: int) -> Callable[..., tuple[Any, Any]]:
    """One step of PGD, compiled once for a model, for any number of images.

    It takes the images as they are by now and as they were, float32 (n, h, w, c) of 0..1, the classes, int64 (n,), ε,
    the step's length, and whether to lead away from the classes. It gives the images after the step, and the classes
    that were predicted before it, int64 (n,).
    """
    from cnnviz.models.graph.graph import flatten  # brings TensorFlow

    graph = flatten(classifier)
    return graph.kept(("adversarial", head, classifier.scale), lambda: _compiled(classifier.scale, graph, head))


def _compiled(scale: Any, graph: Any, head: int) -> Callable[..., tuple[Any, Any]]:
    import tensorflow as tf

    from cnnviz.models.graph.graph import trace
    from cnnviz.models.load.file_options import scaled

    def compute(values: Any, original: Any, classes: Any, epsilon: Any, length: Any, away: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            logits = graph.logits(scaled(values * 255, scale))[head]
        slopes = _slopes(logits, classes)
        gradient = tape.gradient(
            logits, values, output_gradients=slopes, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        moved = values + tf.where(away, length, -length) * tf.sign(gradient)
        moved = tf.clip_by_value(moved, original - epsilon, original + epsilon)
        predicted = tf.cast(logits[:, 0] > 0, tf.int64) if logits.shape[-1] == 1 else tf.argmax(logits, 1, tf.int64)
        return tf.clip_by_value(moved, 0.0, 1.0), predicted

    number = tf.TensorSpec((), tf.float32)
    classes = tf.TensorSpec((None,), tf.int64)
    return trace(compute, graph.signature, graph.signature, classes, number, number, tf.TensorSpec((), tf.bool))


def _slopes(logits: Any, classes: Any) -> Any:
    """The cross-entropy's gradient with respect to the logits, over a positive factor of each image's.

    The gradient is (1 − p_y)·(softmax over the other classes − onehot_y), of one unit −(1 − p_y) or + as y is 1 or 0.
    The sign of what follows doesn't depend on 1 − p_y, which in float32 is 0 where a model is very sure: with it,
    such images would look robust because their gradient is lost.
    """
    import tensorflow as tf

    if logits.shape[-1] == 1:
        return 1 - 2 * tf.cast(classes[:, None], tf.float32)
    own = tf.one_hot(classes, logits.shape[-1])
    return tf.nn.softmax(logits - 1e9 * own) - own


def _batch(classifier: Classifier) -> int:
    height, width = classifier.image_size
    return int(np.clip(_PIXELS // (height * width), 1, classifier.at_once))


def _unit(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def _random_start(images: np.ndarray, epsilon: float, seed: int | None) -> np.ndarray:
    start = _unit(images)
    if seed is None or not epsilon:
        return start
    noise = np.random.default_rng(seed).uniform(-epsilon, epsilon, start.shape)
    found: np.ndarray = np.clip(start + noise, 0, 1).astype(np.float32)
    return found


def _predicted(classifier: Classifier, images: np.ndarray, head: int) -> np.ndarray:
    found: np.ndarray = classifier.predict(images)[head].argmax(axis=1)
    return found


def _units(classifier: Classifier, head: int) -> int:
    if not 0 <= head < len(classifier.heads):
        raise ModelError(f"Head {head} can't be attacked: the model's heads are 0 to {len(classifier.heads) - 1}.")
    return classifier.heads[head].units


def _check_images(classifier: Classifier, images: np.ndarray) -> None:
    shape = (*classifier.image_size, classifier.channels)
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        raise ImageError(
            f"The images are {images.dtype} {images.shape}: expected uint8 (n, {', '.join(map(str, shape))})."
        )


def _classes(classes: Any, count: int, units: int) -> np.ndarray:
    found = np.asarray(classes)
    if found.shape != (count,) or found.dtype.kind not in "iu":
        raise ModelError(f"The classes are {found.dtype} {found.shape}: expected whole numbers ({count},).")
    if count and not 0 <= found.min() <= found.max() < max(2, units):
        raise ModelError(f"The classes are {found.min()} to {found.max()}: the head has 0 to {max(2, units) - 1}.")
    return found.astype(np.int64)
