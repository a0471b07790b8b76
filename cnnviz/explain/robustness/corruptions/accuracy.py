"""What accuracy corruptions leave, and the mean corruption error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.errors import ImageError, ModelError, one_of
from cnnviz.explain.robustness.class_predictor import class_predictor
from cnnviz.explain.robustness.corruptions.corruption import SEVERITIES
from cnnviz.explain.robustness.corruptions.registry import CORRUPTIONS, corrupt
from cnnviz.progress import CancelCheck, Progress, batches

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["CorruptedAccuracy", "corrupted_accuracy", "mean_corruption_error"]


@dataclass(frozen=True)
class CorruptedAccuracy:
    """A head's accuracies, 0..1.

    Attributes:
        clean: on the images as they are.
        accuracy: for each kind's id those of severities 1 to 5.
        images: how many there were.
    """

    clean: float
    accuracy: dict[str, tuple[float, ...]]
    images: int

    @property
    def errors(self) -> dict[str, tuple[float, ...]]:
        """1 − accuracy, as `mean_corruption_error` takes it."""
        return {kind: tuple(1 - one for one in found) for kind, found in self.accuracy.items()}


def corrupted_accuracy(
    classifier: Classifier,
    images: np.ndarray,
    labels: Mapping[str, np.ndarray],
    kinds: Sequence[str] = tuple(CORRUPTIONS),
    *,
    seed: int = 0,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> dict[str, CorruptedAccuracy]:
    """Returns each head's accuracy for each kind of corruption and severity.

    Args:
        classifier: what predicts them.
        images: uint8 (n, *image_size, channels), as the model sees them: they are corrupted at that size.
        labels: for each head's name its true classes, int (n,).
        kinds: ids of `CORRUPTIONS`.
        seed: the image at position k is corrupted with the seed + k.
        progress: called with what is being done, and how many images are done and to do.
        cancelled: asked before each batch.

    Raises:
        ImageError: no images, images of another type or shape or smaller than 8 pixels, or no such kind.
        ModelError: labels of other heads or of another number.
        Cancelled: `cancelled` said so.

    Example:
        >>> corrupted_accuracy(classifier, images, {"label": labels})["label"].accuracy["fog"]  # doctest: +SKIP
        (0.9, 0.85, 0.8, 0.7, 0.55)
    """
    shape = (*classifier.image_size, classifier.channels)
    if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
        raise ImageError(
            f"The images are {images.dtype} {images.shape}: expected uint8 (n, {', '.join(map(str, shape))}), at least "
            "one."
        )
    for kind in kinds:
        if kind not in CORRUPTIONS:
            raise ImageError(f"There is no corruption {kind!r}: {one_of(kind, CORRUPTIONS)}.")
    heads = [head.name for head in classifier.heads]
    for head in heads:
        if head not in labels or np.shape(labels[head]) != (len(images),):
            raise ModelError(f"There are no labels of {head!r} for {len(images)} images: expected whole numbers (n,).")
    cases = [(kind, severity) for kind in kinds for severity in SEVERITIES]
    right = np.zeros((len(cases), len(heads)))

    predict = class_predictor(classifier)

    def count(batch: np.ndarray, rows: slice) -> list[int]:
        found = predict(batch)
        return [int((one == labels[head][rows]).sum()) for one, head in zip(found, heads, strict=True)]

    untouched = np.zeros(len(heads))
    for rows in batches(len(images), classifier.at_once, cancelled=cancelled):
        untouched += count(images[rows], rows)
    for nth, (kind, severity) in enumerate(cases):
        title, before = CORRUPTIONS[kind].title, nth * len(images)
        whole = len(cases) * len(images)
        for rows in batches(len(images), classifier.at_once, title, progress, cancelled, before=before, whole=whole):
            at = range(len(images))[rows]
            right[nth] += count(np.stack([corrupt(images[row], kind, severity, seed + row) for row in at]), rows)
    shares = (right / len(images)).reshape(len(kinds), len(SEVERITIES), len(heads))
    return {
        head: CorruptedAccuracy(
            float(untouched[at] / len(images)),
            {kind: tuple(shares[nth, :, at].tolist()) for nth, kind in enumerate(kinds)},
            len(images),
        )
        for at, head in enumerate(heads)
    }


def mean_corruption_error(
    errors: Mapping[str, Sequence[float]], baseline_errors: Mapping[str, Sequence[float]] | None = None
) -> float:
    """Returns the mean corruption error, mCE, of the paper's section 4.2: at least 0, and 1 for the baseline itself.

    The corruption error of a kind c is CE_c = Σ_s E_{s,c} / Σ_s E'_{s,c}, the sum of its errors at all severities over
    that of a baseline, so that kinds that are hard for any model don't outweigh the others; mCE is the mean of all
    kinds'. (The paper gives it in percent, with AlexNet as the baseline.) Without a baseline it is the mean of all
    errors, 0..1.

    Args:
        errors: by kind, those of its severities, 0..1.
        baseline_errors: another model's, of the same kinds and severities.

    Raises:
        ModelError: no errors, other kinds or severities, or a kind where the baseline makes no error.

    Example:
        >>> mean_corruption_error({"fog": (0.1, 0.3), "snow": (0.2, 0.2)}, {"fog": (0.4, 0.4), "snow": (0.1, 0.3)})
        0.75
    """
    if not errors or not all(len(found) for found in errors.values()):
        raise ModelError("There are no errors: expected some for each kind of corruption.")
    if baseline_errors is None:
        return float(np.mean([np.mean(found) for found in errors.values()]))
    if {kind: len(found) for kind, found in errors.items()} != {
        kind: len(found) for kind, found in baseline_errors.items()
    }:
        raise ModelError("The baseline was measured with other corruptions or severities: measure it anew.")
    ratios = []
    for kind, found in errors.items():
        if not (total := float(np.sum(baseline_errors[kind]))):
            raise ModelError(f"The baseline makes no error with {kind}: choose one that does, as errors are over its.")
        ratios.append(float(np.sum(found)) / total)
    return float(np.mean(ratios))
