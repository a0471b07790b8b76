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
from cnnviz.explain.robustness.class_predictor import class_predictor, pass_size, predicted_classes
from cnnviz.progress import CancelCheck, Progress, batches, check_cancelled

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = [
    "EPSILONS",
    "FLIP_EPSILONS",
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
FLIP_EPSILONS = tuple(level / 255 for level in range(1, 17))
"""Where `smallest_flip` looks by default: whole levels, as rounding leaves no others, up to what is plain to see."""
STEPS, MEASURING_STEPS = 40, 10
"""PGD's steps for one image, and where many are measured."""
_STEP = 2.5
"""A step is so much of ε / steps, so that PGD reaches the ball's border and can turn back from it (Madry et al.)."""
_PIXELS = 16 * 128 * 128  # more at once are no faster, and need memory for every activation


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
        epsilon: the radius, 0..1.
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
    classifier: Classifier, images: np.ndarray, labels: np.ndarray | None = None, head: int = 0, *, epsilon: float
) -> Perturbed:
    """Returns images moved by ε along the sign of the cross-entropy's gradient: x + ε·sign(∇ₓ L(x, y)).

    Arguments and errors are `pgd`'s, of which it is one step.

    Example:
        >>> fgsm(classifier, images, labels, epsilon=8 / 255).predicted  # doctest: +SKIP
        array([1, 0, 0])
    """
    return pgd(classifier, images, labels, head, epsilon=epsilon, steps=1)  # the step's 2.5·ε are clipped to ε


@enough_memory()
def pgd(
    classifier: Classifier,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    head: int = 0,
    *,
    epsilon: float,
    steps: int = STEPS,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Perturbed:
    """Returns images perturbed by projected gradient descent within the ball of radius ε (L∞), from the image itself.

    Args:
        classifier: whose prediction is attacked; it is not changed.
        images: uint8 (n, *image_size, channels), as the model sees them, see `Classifier.fit`.
        labels: int (n,), the classes whose cross-entropy is made greater: the true ones, or by default the predicted.
        head: which of the model's outputs, from 0.
        epsilon: 0..1, the radius.
        steps: how many, each of 2.5·ε / steps.
        progress: called with what is being done, and the steps done and in all.
        cancelled: asked before every step.

    Raises:
        ImageError: images of another type or shape.
        ModelError: no such head or class, or a number out of its range.
        Cancelled: `cancelled` said so.

    Example:
        >>> found = pgd(classifier, images, labels, epsilon=8 / 255)  # doctest: +SKIP
        >>> np.mean(found.predicted != labels)  # doctest: +SKIP
        0.98
    """
    _check(classifier, images, head, steps)
    _ascending((epsilon,))
    classes = _predicted(classifier, images, head) if labels is None else _classes(classifier, labels, images, head)
    step, length = _step(classifier, head), np.float32(_STEP * epsilon / steps)
    whole, done, parts = steps * math.ceil(len(images) / pass_size(classifier, _PIXELS)), 0, []
    for part in batches(len(images), pass_size(classifier, _PIXELS)):
        found = given = _unit(images[part])
        for _ in range(steps):
            check_cancelled(cancelled)
            found, _ = step(found, given, classes[part], np.float32(epsilon), length)
            done += 1
            if progress is not None:
                progress("Perturbing", done, whole)
        parts.append(np.asarray(found))
    exact = np.concatenate([_unit(images[:0]), *parts])
    return Perturbed(_rounded(exact), exact, _predicted(classifier, _rounded(exact), head))


@enough_memory()
def smallest_flip(
    classifier: Classifier,
    image: np.ndarray,
    head: int = 0,
    *,
    epsilons: Sequence[float] = FLIP_EPSILONS,
    steps: int = STEPS,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Flip | None:
    """Returns the smallest change that was found after which another class is predicted.

    FGSM is tried at every ε, which takes one gradient, then PGD by bisection below. It is an upper bound: a smaller
    change that neither finds may flip it too. What counts is the rounded image's prediction, as rounding to uint8 may
    undo a flip.

    Args:
        classifier: whose prediction is to be flipped.
        image: uint8 (*image_size, channels), as the model sees it, see `Classifier.fit`.
        head: which of the model's outputs, from 0.
        epsilons: radii, 0..1, each greater than the one before.
        steps: PGD's; with one there is FGSM alone.
        progress: called with what is being done, and the steps done and at most needed.
        cancelled: asked before every step.

    Returns:
        `None` where none of `epsilons` was found to do.

    Raises:
        ImageError: an image of another type or shape.
        ModelError: no such head, or a number out of its range.
        Cancelled: `cancelled` said so.

    Example:
        >>> flip = smallest_flip(classifier, classifier.fit(photo))  # doctest: +SKIP
        >>> flip.levels, flip.before, flip.after  # doctest: +SKIP
        (1, 0, 1)
    """
    _check(classifier, image[None], head, steps)
    epsilons, given, done = _ascending(epsilons), _unit(image[None]), 0
    whole = 1 + steps * (1 + len(epsilons).bit_length()) * (steps > 1)
    classes = _predicted(classifier, image[None], head)
    step, before = _step(classifier, head), int(classes[0])

    def move(found: Any, epsilon: float, steps: int) -> tuple[Any, int]:
        nonlocal done
        check_cancelled(cancelled)
        moved, predicted = step(found, given, classes, np.float32(epsilon), np.float32(_STEP * epsilon / steps))
        done += 1
        if progress is not None:
            progress("Smallest change", done, whole)
        return moved, int(predicted[0])

    def flip(exact: Any, epsilon: float) -> Flip | None:
        rounded = _rounded(np.asarray(exact))
        after = int(_predicted(classifier, rounded, head)[0])
        levels = int(np.abs(rounded[0].astype(int) - image).max())
        return Flip(epsilon, rounded[0], levels, before, after) if after != before else None

    def attempt(epsilon: float) -> Flip | None:
        """PGD until it is flipped."""
        found = given
        for _ in range(steps):
            moved, predicted = move(found, epsilon, steps)
            if predicted != before and (early := flip(found, epsilon)) is not None:
                return early
            found = moved
        return flip(found, epsilon)

    def within(epsilon: float) -> np.ndarray:
        """FGSM's image: that of the greatest ε clipped to the ball of this one."""
        clipped: np.ndarray = np.clip(widest, given - np.float32(epsilon), given + np.float32(epsilon))
        return clipped

    widest = np.asarray(move(given, epsilons[-1], 1)[0])
    predicted = _predicted(classifier, _rounded(np.concatenate([within(epsilon) for epsilon in epsilons])), head)
    low, high = -1, int(np.argmax(predicted != before))
    best = flip(within(epsilons[high]), epsilons[high])
    if steps > 1 and best is None:
        high = len(epsilons) - 1
        best = attempt(epsilons[high])
    while steps > 1 and best is not None and high - low > 1:
        middle = (low + high) // 2
        if (found := attempt(epsilons[middle])) is None:
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
        steps: PGD's, each of 2.5·ε / steps.
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
    _check(classifier, images, head, steps)
    if not len(images):
        raise ImageError("There are no images: expected at least one.")
    classes, epsilons = _classes(classifier, labels, images, head), _ascending(epsilons)
    standing = np.flatnonzero(class_predictor(classifier)(images)[head] == classes)
    accuracy, count = [], len(images)
    for nth, epsilon in enumerate(epsilons):
        kept, before = [], nth * count + count - len(standing)
        parts = batches(
            len(standing),
            pass_size(classifier, _PIXELS),
            "Robust accuracy",
            progress,
            before=before,
            whole=count * len(epsilons),
        )
        for part in parts:
            rows = standing[part]
            kept.append(rows[_hold(classifier, head, images[rows], classes[rows], epsilon, steps, cancelled)])
        standing = np.concatenate([standing[:0], *kept])
        accuracy.append(len(standing) / count)
    if progress is not None:
        progress("Robust accuracy", count * len(epsilons), count * len(epsilons))
    return RobustAccuracy(epsilons, tuple(accuracy), count)


def _hold(
    classifier: Classifier,
    head: int,
    images: np.ndarray,
    classes: np.ndarray,
    epsilon: float,
    steps: int,
    cancelled: CancelCheck | None,
) -> np.ndarray:
    """Which predictions are right after every step, bool (n,). What was flipped is left out of the steps to come."""
    step, held = _step(classifier, head), np.arange(len(images))
    found = given = _unit(images)
    for _ in range(steps + 1 if epsilon else 0):  # a step says what was predicted before it: one more for the last
        check_cancelled(cancelled)
        moved, predicted = step(
            found, given[held], classes[held], np.float32(epsilon), np.float32(_STEP * epsilon / steps)
        )
        right = np.asarray(predicted) == classes[held]
        found, held = np.asarray(moved)[right], held[right]
        if not len(held):
            break
    return np.isin(np.arange(len(images)), held)


def _step(classifier: Classifier, head: int) -> Callable[..., tuple[Any, Any]]:
    """One step of PGD, compiled once for a model, for any number of images and any ε.

    It takes the images as they are by now and as they were, float32 (n, h, w, c) of 0..1, the classes to lead away
    from, int64 (n,), ε, and the step's length. It gives the images after the step, and the classes that were predicted
    before it, int64 (n,).
    """
    from cnnviz.models.graph.graph import flatten  # brings TensorFlow

    graph = flatten(classifier)
    return graph.kept(("adversarial", head, classifier.scale), lambda: _compiled(classifier.scale, graph, head))


def _compiled(scale: Any, graph: Any, head: int) -> Callable[..., tuple[Any, Any]]:
    import tensorflow as tf

    from cnnviz.models.graph.graph import trace
    from cnnviz.models.load.file_options import scaled

    def compute(values: Any, original: Any, classes: Any, epsilon: Any, length: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            logits = graph.logits(scaled(values * 255, scale))[head]
        slopes = _slopes(logits, classes)
        gradient = tape.gradient(
            logits, values, output_gradients=slopes, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        moved = tf.clip_by_value(values + length * tf.sign(gradient), original - epsilon, original + epsilon)
        return tf.clip_by_value(moved, 0.0, 1.0), predicted_classes(logits)

    number = tf.TensorSpec((), tf.float32)
    return trace(compute, graph.signature, graph.signature, tf.TensorSpec((None,), tf.int64), number, number)


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


def _unit(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def _rounded(exact: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.rint(exact * 255).astype(np.uint8)
    return found


def _predicted(classifier: Classifier, images: np.ndarray, head: int) -> np.ndarray:
    found: np.ndarray = classifier.predict(images)[head].argmax(axis=1)
    return found


def _check(classifier: Classifier, images: np.ndarray, head: int, steps: int) -> None:
    shape = (*classifier.image_size, classifier.channels)
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        raise ImageError(
            f"The images are {images.dtype} {images.shape}: expected uint8 (n, {', '.join(map(str, shape))})."
        )
    if not 0 <= head < len(classifier.heads):
        raise ModelError(f"Head {head} can't be attacked: the model's heads are 0 to {len(classifier.heads) - 1}.")
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ModelError(f"There are {steps} steps: expected a whole number from 1.")


def _ascending(epsilons: Sequence[float]) -> tuple[float, ...]:
    found = tuple(float(one) for one in epsilons)
    if not found or not all(0 <= one <= 1 for one in found) or not (np.diff(found) > 0).all():
        raise ModelError(f"ε is {', '.join(map(str, found))}: expected numbers from 0 to 1 such as 8 / 255, ascending.")
    return found


def _classes(classifier: Classifier, classes: Any, images: np.ndarray, head: int) -> np.ndarray:
    found, count, units = np.asarray(classes), len(images), max(2, classifier.heads[head].units)
    if found.shape != (count,) or found.dtype.kind not in "iu":
        raise ModelError(f"The classes are {found.dtype} {found.shape}: expected whole numbers ({count},).")
    if count and not 0 <= found.min() <= found.max() < units:
        raise ModelError(f"The classes are {found.min()} to {found.max()}: the head has 0 to {units - 1}.")
    return found.astype(np.int64)
