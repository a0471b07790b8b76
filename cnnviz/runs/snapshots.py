"""`snapshots/`: what a model made of a few fixed validation images while it learned, small enough to keep them all.

`pictures.z` holds the images, `epoch-00007.z` what the model was after epoch 7; 0 is before its first batch.
`epoch-00000-00012-of-00063.z` is of within an epoch: after no whole epoch and 12 batches of the 63 of the next. Each is
one zlib stream of a line of JSON that says what follows, and the arrays' bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz.files import parse_json, read_bytes, write_bytes
from cnnviz.recipe import Recipe

__all__ = [
    "DENSE",
    "DENSE_EPOCHS",
    "IMAGES",
    "MOST",
    "MOST_BYTES",
    "Maps",
    "Moment",
    "Probe",
    "Snapshot",
    "digest_of",
    "drop",
    "leave_images_out",
    "moments",
    "read_probe",
    "read_snapshot",
    "save",
    "save_images",
    "space_needed",
    "stamp",
]

MOST = 120
"""Of a run with more snapshots, those of evenly spread epochs are kept."""
DENSE_EPOCHS, DENSE = 2, 24
"""In how many first epochs there are snapshots after batches too, and how many at most."""
IMAGES = 6
"""How many images are watched."""
MOST_BYTES = 300_000
"""The largest snapshot there is."""
_PLAIN_BYTES = 4_000  # without feature maps
_KIND = "cnnviz snapshot 1"
_NAME = re.compile(r"epoch-([0-9]{5,})(?:-([0-9]{5,})-of-([0-9]{5,}))?\.z")
_MOST_READ = 2**28


@dataclass(frozen=True, order=True)
class Moment:
    """How far a training was.

    Attributes:
        epoch: how many whole epochs were over; 0 where the first was not.
        batch: how many batches of the next one were, 0 at an epoch's end.
        batches: how many an epoch has, 0 at an epoch's end.
    """

    epoch: int
    batch: int = 0
    batches: int = 0

    @property
    def place(self) -> float:
        """How many epochs were over, parts of one counted."""
        return self.epoch + self.batch / max(1, self.batches)

    def __str__(self) -> str:
        if self.batch:
            return f"Epoch {self.epoch + 1}, batch {self.batch:,} of {self.batches:,}"
        return f"Epoch {self.epoch}" if self.epoch else "Untrained"


@dataclass(frozen=True, eq=False)
class Probe:
    """The fixed images.

    Attributes:
        images: uint8 (n, height, width, channels), what the model sees.
        names: what each is called in its dataset.
        labels: each head's true classes, int64 (n,).
        classes: each head's class names; heads in the recipe's order.
        digest: where the images were left out, so that they are grey here: the SHA-256 of what they were.
    """

    images: np.ndarray
    names: tuple[str, ...]
    labels: dict[str, np.ndarray]
    classes: dict[str, tuple[str, ...]]
    digest: str = ""


@dataclass(frozen=True, eq=False)
class Maps:
    """A convolution's first channels for each image, made small by averaging.

    Attributes:
        layer: the convolution.
        shape: (height, width, channels) of its whole output.
        levels: uint8 (n, h, w, k); each channel from its least (0) to its greatest value (255) in this image.
        low: each channel's least value, float32 (n, k).
        high: its greatest.
    """

    layer: str
    shape: tuple[int, int, int]
    levels: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def values(self, image: int) -> np.ndarray:
        """Returns an image's channels as the layer gave them, within 1/510 of each one's span: float32 (h, w, k)."""
        span = self.high[image] - self.low[image]
        values: np.ndarray = self.levels[image].astype(np.float32) * (span / 255) + self.low[image]
        return values


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a model was at a moment of its training.

    Attributes:
        moment: when.
        probabilities: each head's class probabilities, float32 (n, classes); of a head with very many classes only the
            likeliest, the rest 0.
        layer: the convolution that the Grad-CAM is of, "" where there is none.
        cams: for each of the first heads the Grad-CAM of the true class, float32 (n, h, w), at least 0.
        maps: of each convolution, in order.
        kernels: the first convolution's, float32 (height, width, channels, filters), where it sees images.
    """

    moment: Moment
    probabilities: dict[str, np.ndarray]
    layer: str = ""
    cams: dict[str, np.ndarray] = field(default_factory=dict)
    maps: tuple[Maps, ...] = ()
    kernels: np.ndarray | None = None


def space_needed(recipe: Recipe) -> int:
    """Returns how many bytes the snapshots of a run take at most."""
    each = (
        MOST_BYTES
        if recipe.network.backbone or any(layer.type == "Conv2D" for layer in recipe.network.layers)
        else _PLAIN_BYTES * len(recipe.network.heads)
    )
    return min(recipe.fit.all_epochs + 1 + DENSE, MOST) * each + IMAGES * prod(recipe.data.input_shape)


def save_images(folder: Path, probe: Probe) -> None:
    """Keeps the images of the run in `folder`.

    Raises:
        OSError: they can't be written.
    """
    heads = list(probe.classes)
    facts = {"names": probe.names, "classes": [[head, probe.classes[head]] for head in heads], "digest": probe.digest}
    arrays = {"pictures": probe.images, **{f"label {head}": probe.labels[head] for head in heads}}
    _write(folder, "pictures.z", facts, arrays)


def leave_images_out(folder: Path) -> None:
    """Takes the images out of a run's folder, for one that is given away without its data; what is found in the data
    can take their place again, see `digest_of`.

    Raises:
        OSError: they can't be written.
        ValueError: there are none.
    """
    probe = read_probe(folder)
    if probe is None or probe.digest:
        raise ValueError(f"{folder.name} has no watched images.")
    save_images(folder, replace(probe, images=np.full_like(probe.images, 128), digest=digest_of(probe.images)))


def digest_of(pictures: np.ndarray) -> str:
    """Returns what tells images, uint8 (n, height, width, channels), from all others."""
    return hashlib.sha256(repr(pictures.shape).encode() + pictures.tobytes()).hexdigest()


def save(folder: Path, snapshot: Snapshot) -> int:
    """Adds a snapshot to the run in `folder`, whole or not at all; returns its size in bytes.

    Where there are too many, some between the first and the last are let go.

    Raises:
        OSError: it can't be written.
    """
    facts = {
        "epoch": snapshot.moment.epoch,
        "layer": snapshot.layer,
        "heads": list(snapshot.probabilities),
        "cams": list(snapshot.cams),
        "maps": [[one.layer, one.shape] for one in snapshot.maps],
    }
    arrays = {f"shares {head}": values.astype(np.float32) for head, values in snapshot.probabilities.items()}
    for head, values in snapshot.cams.items():  # as shares of the greatest, as half floats end at 65,504
        strength = values.max(axis=(1, 2), keepdims=True).astype(np.float32)
        fractions = np.divide(values, strength, out=np.zeros(values.shape, np.float32), where=strength > 0)
        arrays |= {f"cam {head}": fractions.astype(np.float16), f"strength {head}": strength}
    for at, one in enumerate(snapshot.maps):
        arrays |= {f"levels {at}": one.levels, f"low {at}": one.low, f"high {at}": one.high}
    if snapshot.kernels is not None:
        arrays["kernels"] = snapshot.kernels.astype(np.float16)
    size = _write(folder, _name(snapshot.moment), facts, arrays)
    found = moments(folder)
    if len(found) > MOST:
        for moment in sorted(set(found) - set(_spread(found))):
            _path(folder, moment).unlink(missing_ok=True)
    return size


def drop(folder: Path, after: int) -> None:
    """Removes the snapshots that are later than the end of epoch `after`, as what follows is to be repeated.

    Raises:
        OSError: they can't be removed.
    """
    for moment in moments(folder):
        if moment > Moment(after):
            _path(folder, moment).unlink(missing_ok=True)


def moments(folder: Path) -> list[Moment]:
    """Returns which moments the run in `folder` has snapshots of, ascending; reads none of them."""
    try:
        names = [path.name for path in (folder / "snapshots").iterdir()]
    except OSError:
        return []
    return sorted(Moment(*(int(one or 0) for one in found.groups())) for found in map(_NAME.fullmatch, names) if found)


def read_probe(folder: Path) -> Probe | None:
    """Returns the run's fixed images, or `None` where there are none or the file is damaged."""
    found = _read(folder / "snapshots" / "pictures.z")
    if found is None:
        return None
    facts, arrays = found
    try:
        classes = {head: tuple(map(str, names)) for head, names in facts["classes"]}
        labels = {head: arrays[f"label {head}"] for head in classes}
        digest = str(facts.get("digest", ""))
        probe = Probe(arrays["pictures"], tuple(map(str, facts["names"])), labels, classes, digest)
        return probe if _sound(probe) else None
    except (KeyError, TypeError, ValueError):
        return None


def _sound(probe: Probe) -> bool:
    """Whether images, names and labels belong together."""
    count, images = len(probe.names), probe.images
    return (
        images.dtype == np.uint8
        and images.ndim == 4
        and images.shape[0] == count
        and 0 not in images.shape
        and images.shape[3] in (1, 3)
        and all(
            labels.shape == (count,)
            and labels.dtype.kind in "iu"
            and labels.min() >= 0
            and labels.max() < len(probe.classes[head])
            for head, labels in probe.labels.items()
        )
    )


def read_snapshot(folder: Path, moment: Moment, probe: Probe) -> Snapshot | None:
    """Returns the snapshot of a moment, or `None` where there is none, the file is damaged, the model had become
    NaN, or it isn't of the run's images `probe`."""
    found = _read(_path(folder, moment))
    if found is None:
        return None
    facts, arrays = found
    try:
        maps = tuple(
            Maps(layer, tuple(shape), arrays[f"levels {at}"], arrays[f"low {at}"], arrays[f"high {at}"])
            for at, (layer, shape) in enumerate(facts["maps"])
        )
        kernels = arrays["kernels"].astype(np.float32) if "kernels" in arrays else None
        snapshot = Snapshot(
            moment,
            {head: arrays[f"shares {head}"] for head in facts["heads"]},
            str(facts["layer"]),
            {head: arrays[f"cam {head}"] * arrays[f"strength {head}"] for head in facts["cams"]},
            maps,
            kernels,
        )
        return snapshot if facts["epoch"] == moment.epoch and _fits(snapshot, probe) else None
    except (KeyError, TypeError, ValueError):
        return None


def _fits(snapshot: Snapshot, probe: Probe) -> bool:
    """Whether it holds numbers of these images for these classes."""
    count, kernels = len(probe.names), snapshot.kernels
    numbers = [
        *snapshot.probabilities.values(),
        *snapshot.cams.values(),
        *(one.low for one in snapshot.maps),
        *(one.high for one in snapshot.maps),
        *([] if kernels is None else [kernels]),
    ]
    return (
        {head: probabilities.shape for head, probabilities in snapshot.probabilities.items()}
        == {head: (count, len(classes)) for head, classes in probe.classes.items()}
        and all(head in probe.classes and cam.ndim == 3 and len(cam) == count for head, cam in snapshot.cams.items())
        and all(
            one.levels.dtype == np.uint8
            and one.levels.ndim == 4
            and len(one.levels) == count
            and one.low.shape == one.high.shape == (count, one.levels.shape[3])
            and len(one.shape) == 3
            and all(isinstance(side, int) for side in one.shape)
            for one in snapshot.maps
        )
        and (kernels is None or (kernels.ndim == 4 and kernels.shape[2] in (1, 3)))
        and all(each.size and np.isfinite(each).all() for each in numbers)
    )


def stamp(folder: Path, moment: Moment) -> tuple[int, int]:
    """Returns what changes when a snapshot is replaced, as by a run that repeats an epoch."""
    try:
        status = _path(folder, moment).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def _spread(found: Sequence[Moment]) -> list[Moment]:
    """Those of the first epochs, the last, and of those between every second, fourth, eighth, … epoch's, until they are
    few enough."""
    step, kept = 1, list(found)
    while len(kept) > MOST:
        step *= 2
        kept = [one for one in found if one.place <= DENSE_EPOCHS or one.epoch % step == 0 or one == found[-1]]
    return kept


def _name(moment: Moment) -> str:
    within = f"-{moment.batch:05d}-of-{moment.batches:05d}" if moment.batch else ""
    return f"epoch-{moment.epoch:05d}{within}.z"


def _path(folder: Path, moment: Moment) -> Path:
    return folder / "snapshots" / _name(moment)


def _write(folder: Path, name: str, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> int:
    place = folder / "snapshots"
    place.mkdir(exist_ok=True)
    listed = [[key, array.dtype.str, array.shape] for key, array in arrays.items()]
    head = json.dumps({"kind": _KIND, "facts": facts, "arrays": listed}).encode() + b"\n"
    data = zlib.compress(head + b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values()), 1)
    write_bytes(place / name, data)
    return len(data)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """A file's facts and arrays, or `None` where it is missing, torn, or something else; zlib checks it as a whole."""
    with suppress(OSError, zlib.error, ValueError, KeyError, TypeError):
        stream = zlib.decompressobj()
        data = stream.decompress(read_bytes(path, _MOST_READ), _MOST_READ)
        end = data.index(b"\n")
        head = parse_json(data[:end])
        if stream.eof and head["kind"] == _KIND:
            arrays, at = {}, end + 1
            for key, kind, shape in head["arrays"]:
                array = np.frombuffer(data, np.dtype(kind), int(np.prod(shape, dtype=np.int64)), at).reshape(shape)
                arrays[key], at = array, at + array.nbytes
            return head["facts"], arrays
    return None
