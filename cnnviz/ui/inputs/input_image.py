"""Images that models predict: samples, files of a person's own, and held-out images of a run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from cnnviz import images
from cnnviz.augment.preview import display_size
from cnnviz.data import Dataset
from cnnviz.data.samples import sample
from cnnviz.drawing import prepare, rasterize, unpack_strokes
from cnnviz.errors import DataError, ImageError, one_of
from cnnviz.runs import Run, recipe_of
from cnnviz.ui.inputs import dataset_cache
from cnnviz.ui.inputs.upload_store import upload_store

__all__ = [
    "LONGEST",
    "SMALLEST",
    "InputImage",
    "base",
    "held_out",
    "labels_of",
    "notes_on",
    "of_drawing",
    "of_item",
    "of_kept",
    "of_sample",
    "of_upload",
    "refusal",
]

LONGEST = 1280
"""The longest side that an image is shown and saved with, in pixels."""
SMALLEST = 320
"""A smaller image is enlarged to about so many pixels where it is shown with something over it."""
_LEAK_NAME = 80


@dataclass(frozen=True, eq=False)
class InputImage:
    """An image: what it is called, and what tells it from all others.

    `shown` is uint8 (height, width, 1 or 3), no side over `LONGEST`. `size` is the (height, width) it was given with.
    `labels` are its true class names by head, where they are known, and `notes` sentences on how it was read.
    `address` names it in a shared link, where it can be: ("sample", name), ("draw", strokes), ("upload", name in the
    upload store) or ("item", "run:number"), with the split's name and a hyphen before the number where it isn't the
    held-out one. A training image has its `dataset` and its `number` there, which its draws are keyed by.
    """

    shown: np.ndarray
    size: tuple[int, int]
    title: str
    identity: tuple
    labels: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    address: tuple[str, str] | None = None
    data: bytes | None = field(default=None, repr=False)
    dataset: Dataset | None = field(default=None, repr=False)
    number: int = 0

    def whole(self, bits: int | None = None) -> np.ndarray:
        """Returns the image as it was given, so that models see what they would see anywhere else.

        Args:
            bits: how many the images use that the model learned from, see `images.decode`.
        """
        return self.shown if self.data is None else images.decode(self.data, bits)


def notes_on(image: InputImage, bits: int | None) -> tuple[str, ...]:
    """Returns the sentences on how an image was read, for a model whose images used so many bits."""
    if bits is None or image.data is None or not images.is_deep(image.data):
        return image.notes
    return (*image.notes, f"The model sees it scaled from {bits} bits, as the images that it learned from.")


def of_sample(name: str) -> InputImage:
    """Returns one of the images that come with cnnviz.

    Raises:
        DataError: there is no such image.
    """
    image = sample(name)
    return InputImage(image, image.shape[:2], name.capitalize(), ("sample", name), address=("sample", name))


def of_drawing(packed: str, size: tuple[int, int] = (28, 28)) -> InputImage:
    """Returns a drawing prepared for a model.

    Args:
        packed: its strokes, by `drawing.pack_strokes`.
        size: (height, width) of the images that the model takes.

    Raises:
        ImageError: nothing is drawn, or the text was changed.
    """
    image = prepare(rasterize(unpack_strokes(packed)), size)
    return InputImage(image, size, "Drawing", ("drawing", packed, size), address=("draw", packed))


def of_upload(name: str, data: bytes, longest: int = LONGEST) -> InputImage:
    """Returns a file that a person gave, shown with no side over `longest`.

    Raises:
        ImageError: it can't be read as an image; the sentence says what it is, where that is known.
    """
    try:
        image, notes = images.decode_with_notes(data)
    except ImageError as error:
        raise ImageError(refusal(data) or str(error)) from None
    size = image.shape[:2]
    shown = images.fit(image, display_size(size, longest), channels=3)
    shown.setflags(write=False)
    identity = ("upload", hashlib.sha256(data).hexdigest())
    kept = data if shown.shape[:2] != size or images.is_deep(data) else None
    return InputImage(shown, size, name[-_LEAK_NAME:], identity, notes=notes, data=kept)


def of_kept(name: str) -> InputImage:
    """Returns an uploaded image that this server keeps under that name, see `upload_store`.

    Raises:
        ImageError: it is kept no longer.
    """
    kept = upload_store().get(name)
    if kept is None:
        raise ImageError("An uploaded image is kept for an hour and is gone by now: drop it here again.")
    return replace(of_upload(*kept), address=("upload", name))


_KNOWN = (
    (b"%PDF", 0, "a PDF file: save the page as a PNG or JPEG image"),
    (b"\x89HDF\r\n\x1a\n", 0, "an HDF5 file, maybe a model: save that as .keras and choose it under Model"),
    (b"PK\x03\x04", 0, "a zip archive or a .keras file: unpack the images, or choose the model under Model"),
    (b"ftyphei", 4, "a HEIC image: save it as JPEG, which phones offer under Most Compatible"),
    (b"ftypmif1", 4, "a HEIC image: save it as JPEG, which phones offer under Most Compatible"),
    (b"ftyphev", 4, "a HEIC image: save it as JPEG, which phones offer under Most Compatible"),
    (b"ftypavif", 4, "an AVIF image: save it as JPEG or PNG"),
)


def refusal(data: bytes) -> str:
    """Returns a sentence on a file of a known kind that is no image cnnviz reads; "" for any other."""
    for mark, at, words in _KNOWN:
        if data[at : at + len(mark)] == mark:
            return f"This is {words}."
    start = data[:1024].lstrip().lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in start:
        return "This is an SVG drawing, which has no pixels: save it as a PNG image."
    return ""


def labels_of(dataset: Dataset, split: str, row: int) -> tuple[tuple[str, str], ...]:
    """Returns the class names of a split's image by head."""
    labels = dataset.splits[split].labels
    return tuple((head.name, head.classes[int(labels[head.name][row])]) for head in dataset.heads)


def held_out(run: Run) -> tuple[str, int]:
    """Returns the split that the run was not trained on, "test" or else "validation", and how many images it has.

    Raises:
        DataError: the data can't be opened.
        RunError: the run's recipe can't be read.
    """
    _, dataset = dataset_cache.fitting(recipe_of(run), anywhere=True)
    split = dataset.splits.get("test") or dataset.splits["validation"]
    return split.name, len(split)


def of_item(run: Run, number: int, split: str = "") -> InputImage:
    """Returns an image of the run's own data, with its labels.

    Args:
        run: its recipe says which data.
        number: counted from 1; numbers beyond the split's end begin anew.
        split: which split; by default the one that the run was not trained on.

    Raises:
        DataError: the data can't be opened.
        RunError: the run's recipe can't be read.
        ImageError: the image can't be read.
    """
    _, dataset = dataset_cache.fitting(recipe_of(run), anywhere=True)
    held, count = held_out(run)
    name = split or held
    if name not in dataset.splits:
        raise DataError(f"{dataset.title} has no {name} split: {one_of(name, dataset.splits)}.")
    chosen, count = dataset.splits[name], len(dataset.splits[name])
    if not count:
        raise DataError(f"The {name} split of {dataset.title} is empty: choose an image instead.")
    row = (number - 1) % count
    image = chosen.image(row)
    shown = images.fit(image, display_size(image.shape, LONGEST), channels=image.shape[2])
    path = chosen.name_of(row)
    title = f"{name.capitalize()} {row + 1:,}" + (f" ({path})" if not path.startswith("#") else "")
    address = ("item", f"{run.id}:{f'{name}-' if name != held else ''}{row + 1}")
    return InputImage(
        shown,
        image.shape[:2],
        title,
        ("item", run.id, name, row),
        labels_of(dataset, name, row),
        address=address,
        data=None if shown.shape == image.shape else images.to_png(image),
    )


def base(image: InputImage, size: tuple[int, int], crop: images.Crop, longest: int) -> np.ndarray:
    """Returns the part of the image that a model sees, uint8 RGB, no side over `longest`; small ones enlarged."""
    top, left, height, width = images.crop_box(image.shown.shape, size, crop)
    part = image.shown[top : top + height, left : left + width]
    part = images.fit(part, display_size(part.shape, longest))
    return images.enlarge(part, SMALLEST // max(part.shape[:2]))
