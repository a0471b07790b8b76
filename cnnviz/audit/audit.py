"""The audit of a data set: what is wrong with its images, before a model learns it. Kept in the cache folder."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from cnnviz import images
from cnnviz.audit.duplicates import Twins, contradictions, leaks, twins
from cnnviz.audit.image_map import image_map
from cnnviz.audit.label_errors import label_errors
from cnnviz.audit.measurements import Features, Measurements, measure
from cnnviz.audit.notes import keep_groups
from cnnviz.audit.outliers import imbalance, outliers
from cnnviz.audit.pool import Pool, pool_of
from cnnviz.audit.shortcuts import Shortcut, shortcuts
from cnnviz.data.dataset import Dataset
from cnnviz.data.disk_cache import cache_folder, files_digest
from cnnviz.errors import DataError, ImageError
from cnnviz.files import read_json, write_bytes, write_json
from cnnviz.progress import CancelCheck, Progress

__all__ = [
    "SPRITE_COLUMNS",
    "SPRITE_SIDE",
    "Audit",
    "Hard",
    "OddOne",
    "Place",
    "Suspect",
    "audit",
    "audit_path",
    "kept_audit",
    "kept_with_thumbnails",
    "to_json",
]

_VERSION = 2  # raise it when something is judged otherwise
LEAST_ACCURACY = 0.7
"""Out of fold; a model that is worse says more about itself than about the labels."""
SPRITE_SIDE, SPRITE_COLUMNS = 40, 64


@dataclass(frozen=True)
class Suspect:
    """An image whose label is probably wrong: the given class and the suggested one; `score` 0..1, the surest high."""

    image: str
    head: str
    label: str
    suggested: str
    score: float


@dataclass(frozen=True)
class Hard:
    """An image that models get wrong or barely right although its label is probably right."""

    image: str
    head: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class OddOne:
    """An image that differs from the others; see `outliers.KINDS`."""

    image: str
    kind: str
    value: float
    score: float


@dataclass(frozen=True)
class Place:
    """Where an image is on the map, 0..1, and what models that did not see it predict: a class for each head."""

    image: str
    x: float
    y: float
    predicted: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """What was found in a data set. Images are named as `data.without` names them.

    Attributes:
        dataset: its name.
        images: how many it has.
        splits: how many of each split.
        exact: groups of images that are equal byte for byte.
        near: groups with at least one pair that is nearly equal.
        leaks: for the test and the validation split, how many of its images are byte for byte in training.
        near_leaks: the same for nearly equal ones.
        contradictions: for each head the groups of `exact`, by their positions, that have different labels.
        near_contradictions: the same for `near`.
        suspects: probably wrong labels, the surest first.
        hard: hard but right, the hardest first.
        outliers: odd ones.
        shortcuts: properties that alone predict a class.
        imbalance: sentences on rare classes and uneven splits.
        notes: sentences on what could not be judged, and why.
        unreadable: name and reason of images that can't be read.
        confusions: for each head how many suspects were given each class (rows) and suggested another (columns).
        places: the map; of at most 5,000 images.
        model: what made the features, in words; "" where there are none.
        seconds: how long the audit took.
    """

    dataset: str
    images: int
    splits: dict[str, int]
    exact: tuple[tuple[str, ...], ...]
    near: tuple[tuple[str, ...], ...]
    leaks: dict[str, int]
    near_leaks: dict[str, int]
    contradictions: dict[str, tuple[int, ...]]
    near_contradictions: dict[str, tuple[int, ...]]
    suspects: tuple[Suspect, ...]
    hard: tuple[Hard, ...]
    outliers: tuple[OddOne, ...]
    shortcuts: tuple[Shortcut, ...]
    imbalance: tuple[str, ...]
    notes: tuple[str, ...]
    unreadable: dict[str, str]
    confusions: dict[str, tuple[tuple[int, ...], ...]]
    places: tuple[Place, ...]
    model: str
    seconds: float

    @property
    def duplicates(self) -> list[tuple[str, ...]]:
        """All groups of duplicates; an exact one that is a part of a near one is there once."""
        inside = {name for group in self.near for name in group}
        return [*self.near, *(group for group in self.exact if group[0] not in inside)]


def audit(
    dataset: Dataset, *, progress: Progress | None = None, cancelled: CancelCheck | None = None, anew: bool = False
) -> Audit:
    """Returns what is wrong with a data set's images and labels; what was found before is read from the cache folder.

    Args:
        dataset: with the splits that a run would have.
        progress: called with what is done, how much and of how much.
        cancelled: asked now and then; `True` ends the work.
        anew: whether it is worked out even where it is kept.

    Raises:
        DataError: not even two images can be read, or the cache folder can't be written.
        Cancelled: `cancelled` said so.

    Example:
        >>> from cnnviz import recipe
        >>> from cnnviz.data import open_dataset
        >>> found = audit(open_dataset(recipe.Data(dataset="digits", image_size=8, channels=1)))
        >>> found.images, found.leaks
        (1797, {'test': 0, 'validation': 0})
    """
    path = audit_path(dataset)
    if not anew and (found := _read(path)) is not None:
        return found
    begun = time.monotonic()
    pool = pool_of(dataset)
    measured = measure(pool, progress=progress, cancelled=cancelled)
    if np.count_nonzero(measured.readable) < 2:
        name, reason = next(iter(measured.unreadable.items()))
        few = "Only" if measured.readable.any() else "Not"
        raise DataError(f"{few} one of the {len(pool):,} images of {dataset.title} can be read; {name}: {reason}")
    groups = twins(pool, measured, progress=progress, cancelled=cancelled)
    from cnnviz.audit.features import features_of  # brings TensorFlow

    numbers = _numbers(len(pool), groups)
    found_features = features_of(pool, measured, numbers, progress=progress, cancelled=cancelled)
    if progress is not None:
        progress("Looking for labels, odd ones and shortcuts", 0, 0)
    made = _judged(pool, measured, groups, numbers, found_features)
    made = dataclasses.replace(made, seconds=round(time.monotonic() - begun, 2))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path.with_suffix(".jpg"), _sprite(pool, made))
        keep_groups(dataset, made.exact)
        write_json(path, dataclasses.asdict(made))
    except OSError as error:
        raise DataError(
            f"The audit can't be kept in {path.parent} ({error.strerror}): set CNNVIZ_CACHE to a folder that can be "
            "written."
        ) from None
    return made


def kept_audit(dataset: Dataset) -> Audit | None:
    """Returns the audit of a data set that was made before; `None` where there is none of just these images."""
    return _read(audit_path(dataset))


def kept_with_thumbnails(dataset: Dataset) -> tuple[Audit | None, bytes]:
    """Returns `kept_audit`'s, and the thumbnails of the images on its map, in its order, as one JPEG: `SPRITE_COLUMNS`
    squares of `SPRITE_SIDE` pixels a row; empty where there are none."""
    path, thumbnails = audit_path(dataset), b""
    with suppress(OSError):
        thumbnails = path.with_suffix(".jpg").read_bytes()
    return _read(path), thumbnails


def audit_path(dataset: Dataset) -> Path:
    """Returns the file of a data set's audit, there or not: known by its images (paths, times and sizes, or pixels),
    labels and splits."""
    heads = [[head.name, head.classes] for head in dataset.heads]
    digest = hashlib.sha256(json.dumps([_VERSION, dataset.name, heads, list(dataset.splits)]).encode())
    for split in dataset.splits.values():
        digest.update(np.ascontiguousarray(split.rows).data)
        for labels in split.labels.values():
            digest.update(np.ascontiguousarray(labels).data)
        if (pixels := split.pixels()) is not None:
            digest.update(np.ascontiguousarray(pixels).data)
        else:
            files_digest(split, digest)
    return cache_folder() / "audits" / f"{digest.hexdigest()[:32]}.json"


def to_json(found: Audit, suspects: int | None = None) -> dict[str, Any]:
    """Returns what `cnnviz audit --json` prints.

    Of `Audit` the fields `dataset`, `images`, `splits`, `leaks`, `near_leaks`, `suspects`, `outliers`, `shortcuts`,
    `imbalance`, `notes`, `model` and `seconds` as they are; of `exact` and `near` how many `groups` and `images`; of
    `contradictions` and `near_contradictions` for each head how many groups; of `hard` how many.

    Args:
        found: the audit.
        suspects: at most so many of them; `None` for all.
    """
    counted = {
        name: {"groups": len(groups), "images": sum(map(len, groups))}
        for name, groups in (("exact", found.exact), ("near", found.near))
    }
    return {
        "dataset": found.dataset,
        "images": found.images,
        "splits": found.splits,
        **counted,
        "leaks": found.leaks,
        "near_leaks": found.near_leaks,
        "contradictions": {head: len(groups) for head, groups in found.contradictions.items()},
        "near_contradictions": {head: len(groups) for head, groups in found.near_contradictions.items()},
        "suspects": [dataclasses.asdict(one) for one in found.suspects[:suspects]],
        "hard": len(found.hard),
        "outliers": [dataclasses.asdict(one) for one in found.outliers],
        "shortcuts": [dataclasses.asdict(one) for one in found.shortcuts],
        "imbalance": list(found.imbalance),
        "notes": list(found.notes),
        "model": found.model,
        "seconds": found.seconds,
    }


def _numbers(count: int, groups: Twins) -> np.ndarray:
    """Of each image the number of its group of duplicates, int64 (n,)."""
    numbers = np.arange(count)
    for group in (*groups.exact, *groups.near):  # a near group holds whole exact ones
        numbers[group] = group[0]
    return numbers


def _judged(pool: Pool, measured: Measurements, groups: Twins, numbers: np.ndarray, found: Features) -> Audit:
    suspects: list[Suspect] = []
    hard: list[tuple[float, Hard]] = []
    tricks: list[Shortcut] = []
    confusions: dict[str, tuple[tuple[int, ...], ...]] = {}
    readable, notes = measured.readable, []
    if len(found.kept) < np.count_nonzero(readable):
        notes.append(f"Labels, odd features and the map are of {len(found.kept):,} images, drawn by a seed.")
    for head in pool.dataset.heads:
        labels, classes = pool.labels[head.name], head.classes
        tricks += shortcuts(measured.properties[readable], labels[readable], numbers[readable], head.name, classes)
        probabilities = found.probabilities[head.name]
        accuracy = float((probabilities.argmax(axis=1) == labels[found.kept]).mean())
        if accuracy < LEAST_ACCURACY:
            notes.append(
                f"The labels of {head.name} can't be judged: {found.model}, predicts {accuracy:.0%} of them out of "
                f"fold, fewer than {LEAST_ACCURACY:.0%}."
            )
            confusions[head.name] = ()
            continue
        errors = label_errors(probabilities, labels[found.kept])
        matrix = np.zeros((len(classes), len(classes)), np.int64)
        for k, suggested, score in zip(errors.wrong, errors.suggested, errors.scores, strict=True):
            i = int(found.kept[k])
            matrix[labels[i], suggested] += 1
            suspects.append(
                Suspect(pool.names[i], head.name, classes[labels[i]], classes[suggested], round(float(score), 4))
            )
        confusions[head.name] = tuple(tuple(row) for row in matrix.tolist())
        for k in errors.hard:
            i, said = int(found.kept[k]), int(errors.probabilities[k].argmax())
            given = round(float(errors.probabilities[k, labels[i]]), 4)
            hard.append((errors.margins[k], Hard(pool.names[i], head.name, classes[labels[i]], classes[said], given)))
    rows, places = image_map(found.matrix)
    predicted = [
        [head.classes[k] for k in found.probabilities[head.name].argmax(axis=1)] for head in pool.dataset.heads
    ]
    return Audit(
        dataset=pool.dataset.name,
        images=len(pool),
        splits={name: int(np.count_nonzero(pool.split == name)) for name in dict.fromkeys(pool.split.tolist())},
        exact=_named(pool, groups.exact),
        near=_named(pool, groups.near),
        leaks=leaks(groups.exact, pool.split),
        near_leaks=leaks(groups.near, pool.split),
        contradictions=contradictions(groups.exact, pool.labels),
        near_contradictions=contradictions(groups.near, pool.labels),
        suspects=tuple(sorted(suspects, key=lambda one: -one.score)),
        hard=tuple(one for _, one in sorted(hard, key=lambda one: one[0])),
        outliers=tuple(
            OddOne(pool.names[one.image], one.kind, round(one.value, 4), round(one.score, 4))
            for one in outliers(pool, measured, found)
        ),
        shortcuts=tuple(sorted(tricks, key=lambda one: -one.balanced_accuracy)),
        imbalance=tuple(imbalance(pool)),
        notes=tuple(notes),
        unreadable=measured.unreadable,
        confusions=confusions,
        places=tuple(
            Place(pool.names[int(found.kept[row])], x, y, tuple(one[row] for one in predicted))
            for row, (x, y) in zip(rows.tolist(), places.astype(float).round(4).tolist(), strict=True)
        ),
        model=found.model,
        seconds=0.0,
    )


def _sprite(pool: Pool, made: Audit) -> bytes:
    at = {name: i for i, name in enumerate(pool.names)}
    wanted = [at[place.image] for place in made.places]
    whole = np.full((-(-len(wanted) // SPRITE_COLUMNS) * SPRITE_SIDE, SPRITE_COLUMNS * SPRITE_SIDE, 3), 128, np.uint8)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for k, image in enumerate(threads.map(partial(_thumbnail, pool), wanted)):
            y, x = (SPRITE_SIDE * one for one in divmod(k, SPRITE_COLUMNS))
            whole[y : y + SPRITE_SIDE, x : x + SPRITE_SIDE] = image
    file = io.BytesIO()
    Image.fromarray(whole).save(file, "JPEG", quality=80)
    return file.getvalue()


def _thumbnail(pool: Pool, i: int) -> np.ndarray:
    """An image within a square of black, uint8 (side, side, 3)."""
    made = np.zeros((SPRITE_SIDE, SPRITE_SIDE, 3), np.uint8)
    with suppress(ImageError):  # its file has gone since it was measured
        image = images.with_channels(pool.image(i), 3)
        scale = SPRITE_SIDE / max(image.shape[:2])
        wide, high = (max(1, round(side * scale)) for side in image.shape[1::-1])
        small = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
        y, x = (SPRITE_SIDE - high) // 2, (SPRITE_SIDE - wide) // 2
        made[y : y + high, x : x + wide] = small
    return made


def _named(pool: Pool, groups: tuple[np.ndarray, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(pool.names[i] for i in group.tolist()) for group in groups)


def _read(path: Path) -> Audit | None:
    try:
        return TypeAdapter(Audit).validate_python(read_json(path))
    except ValidationError:
        return None  # there is none, or it is damaged
