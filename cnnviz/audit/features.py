"""Features of all images and predictions by models that did not see them: from a pretrained backbone where its weights
are at hand, else from a small network that is trained on the spot. Imports TensorFlow."""

from __future__ import annotations

import keras
import numpy as np

from cnnviz import recipe
from cnnviz.audit.label_errors import components, folds, out_of_fold
from cnnviz.audit.measurements import Features, Measurements
from cnnviz.audit.pool import Pool, drawn
from cnnviz.data.dataset import Dataset
from cnnviz.data.features import features
from cnnviz.data.split_images import prepare
from cnnviz.models.build.feature_extractor import compute, feature_extractor_of, stem_digest
from cnnviz.models.build.model import build_from_spec
from cnnviz.models.build.pretrained_weights import find_weights
from cnnviz.presets import PRESETS
from cnnviz.progress import CancelCheck, Cancelled, Progress, check_cancelled

__all__ = ["MOST", "features_of"]

MOST = 20_000
"""So many images at most go through a backbone; of more, a draw by a seed."""
_PRESET = "M4"  # whose features are those that its runs keep
_SMALL = 64  # pixels of the longer side below which a backbone made for photos sees little
_MOST_BY_REGRESSION = 50_000
"""Images times classes of all heads; of more a logistic regression takes minutes."""
_NETWORK_FOLDS = 3
_BATCH = 512
_IMAGES_A_FOLD = 40_000  # that a small network is shown, over all epochs


def features_of(
    pool: Pool,
    measured: Measurements,
    groups: np.ndarray,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> Features:
    """Returns features and out-of-fold probabilities of the images that can be read.

    Args:
        pool: the images.
        measured: what was measured of them.
        groups: of each image the number of its group of duplicates, which are never on both sides of a fold.
        progress: called with what is done, how much and of how much.
        cancelled: asked now and then; `True` ends the work.

    Raises:
        DataError: not one image can be decoded, or the disk is too full.
        Cancelled: `cancelled` said so.
    """
    sizes = measured.properties.loc[measured.readable, ["width", "height"]].max(axis=1)
    data = PRESETS[_PRESET].data
    weights = find_weights("MobileNetV2", data.image_size) if sizes.median() >= _SMALL else None
    if weights is None:
        return _small_network(pool, measured, _side(float(sizes.median())), groups, progress, cancelled)
    spec = PRESETS[_PRESET].network
    stem = feature_extractor_of(build_from_spec(spec, data.input_shape, weights), spec)
    key, apply = stem_digest(stem), compute(stem)
    matrices, kept = [], []
    chosen = drawn(len(pool), MOST)
    for name, split in pool.dataset.splits.items():
        at = pool.of_split(name)
        at = at[np.isin(at, chosen)] if len(chosen) < len(pool) else at
        if not measured.readable[at].any():
            continue
        part = split.take(pool.position[at]) if len(at) < len(split) else split
        found = features(part, data, key, apply, what="MobileNetV2's features", progress=progress, cancelled=cancelled)
        assert found.array is not None  # features of one model have one shape
        matrices.append(np.asarray(found.array).reshape(len(found), -1))
        kept.append(at[found.kept])
    matrix, rows = np.concatenate(matrices), np.concatenate(kept)
    probabilities, heads = {}, pool.dataset.heads
    quick = len(rows) * sum(len(head.classes) for head in heads) > _MOST_BY_REGRESSION
    known = components(matrix) if quick else matrix
    for at_head, head in enumerate(heads):
        check_cancelled(cancelled)
        if progress is not None:
            progress(f"Predicting {head.name} out of fold", at_head, len(heads))
        labels = pool.labels[head.name][rows]
        probabilities[head.name] = out_of_fold(known, labels, groups[rows], len(head.classes), quick=quick)
    what = "linear discriminant analysis" if quick else "logistic regression"
    return Features(f"MobileNetV2 with ImageNet weights, {what}", rows, matrix, probabilities)


def _side(size: float) -> int:
    """Pixels of a side for the small network: small images as they are, others at 64."""
    return max(8, min(32, round(size))) if size < _SMALL else _SMALL


def _small_network(
    pool: Pool,
    measured: Measurements,
    side: int,
    groups: np.ndarray,
    progress: Progress | None,
    cancelled: CancelCheck | None,
) -> Features:
    channels = pool.image(int(np.argmax(measured.readable))).shape[2]
    data = recipe.Data(dataset=pool.dataset.name, image_size=(side, side), channels=1 if channels == 1 else 3)
    images, kept = [], []
    for name, split in pool.dataset.splits.items():
        at = pool.of_split(name)
        if measured.readable[at].any():
            found = prepare(split, data, progress=progress, cancelled=cancelled)
            images.append(np.asarray(found.array))
            kept.append(at[found.kept])
    pixels, rows = np.concatenate(images), np.concatenate(kept)
    heads = pool.dataset.heads
    labels = {f"head_{k}": pool.labels[head.name][rows] for k, head in enumerate(heads)}
    probabilities = {f"head_{k}": np.zeros((len(rows), len(head.classes)), np.float32) for k, head in enumerate(heads)}
    matrix = np.zeros((0, 0), np.float32)
    parts = folds(labels["head_0"], groups[rows], _NETWORK_FOLDS)
    for fold, held_out in enumerate(parts):
        keras.utils.set_random_seed(fold)
        rest = np.setdiff1d(np.arange(len(rows)), held_out)
        network = _network(pixels.shape[1:], pool.dataset)
        network.fit(
            pixels[rest],
            {name: values[rest] for name, values in labels.items()},
            batch_size=32 if len(rest) < 5000 else 128,
            epochs=max(2, min(20, round(_IMAGES_A_FOLD / len(rest)))),
            callbacks=[_Watch(fold, len(parts), progress, cancelled)],
            verbose=0,
        )
        for name in probabilities:
            probabilities[name][held_out] = _outputs(network, name, pixels[held_out])
        if not fold:
            matrix = _outputs(network, "features", pixels)
    told = {head.name: probabilities[f"head_{k}"] for k, head in enumerate(heads)}
    return Features(f"a small network, trained on {len(parts) - 1} of {len(parts)} parts", rows, matrix, told)


def _network(shape: tuple[int, ...], dataset: Dataset) -> keras.Model:
    pixels = keras.Input(shape)
    x = keras.layers.Rescaling(1 / 255)(pixels)
    for filters in (16, 32) if shape[0] <= 32 else (16, 32, 64):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Dense(64, activation="relu", name="features")(keras.layers.Flatten()(x))
    outputs = {
        f"head_{k}": keras.layers.Dense(len(head.classes), activation="softmax", name=f"head_{k}")(x)
        for k, head in enumerate(dataset.heads)
    }
    network = keras.Model(pixels, outputs)
    network.compile("adam", dict.fromkeys(outputs, "sparse_categorical_crossentropy"))
    return network


def _outputs(network: keras.Model, layer: str, pixels: np.ndarray) -> np.ndarray:
    """What a layer makes of uint8 pixels (n, height, width, channels), float32 (n, k)."""
    part = keras.Model(network.input, network.get_layer(layer).output)
    starts = range(0, len(pixels), _BATCH)
    return np.concatenate([np.asarray(part(pixels[start : start + _BATCH], training=False)) for start in starts])


class _Watch(keras.callbacks.Callback):
    """Says how far a fold is, and ends it where that is asked for."""

    def __init__(self, fold: int, count: int, progress: Progress | None, cancelled: CancelCheck | None):
        super().__init__()
        self._fold, self._count, self._progress, self._cancelled = fold, count, progress, cancelled
        self._done = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._done += 1
        whole = self.params["steps"] * self.params["epochs"]
        if self._progress is not None:
            self._progress("Training a small network", self._fold * whole + self._done, self._count * whole)
        if self._cancelled is not None and self._cancelled():
            raise Cancelled
