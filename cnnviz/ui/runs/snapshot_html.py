"""What a snapshot of a run shows: predictions and heat maps, feature maps, kernels; each one piece of HTML."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cnnviz.augment.preview import image_bytes
from cnnviz.figures.channels import colour_bar, tight
from cnnviz.figures.snapshots import Cell, mosaic_html, probability_line, snapshot_row
from cnnviz.mosaics import even_columns, mosaic, shades
from cnnviz.overlay import apply_colour_map
from cnnviz.runs.snapshots import Maps, Moment, Probe, Snapshot

__all__ = ["MAP_SCALES", "kernels_html", "maps_html", "moment_words", "predictions_html"]

MAP_SCALES = {"each": "Each channel its own", "one": "One for the layer"}
"""What the colours of feature maps mean, of `mosaics.COLOUR_SCALES`."""
_IMAGE_SIDE = 192
_MOST_PREDICTIONS = 4
_COLUMNS = 8
Probabilities = dict[str, np.ndarray]


def moment_words(moment: Moment) -> str:
    """Returns which moment a snapshot is of, for a sentence."""
    return f"after {str(moment).lower()}" if moment.place else "before the first batch"


def predictions_html(
    probe: Probe,
    snapshot: Snapshot,
    history: Sequence[tuple[Moment, Probabilities]],
    head: str,
    total: float,
    *,
    heat: bool,
) -> str:
    """Returns the watched images with what the model predicts, and how sure it was of the truth at all moments.

    Args:
        probe: the images.
        snapshot: the model's predictions.
        history: the class probabilities of all moments, ascending.
        head: whose Grad-CAM and curve are shown.
        total: how many epochs the run has.
        heat: whether the Grad-CAM is laid over the images, where there is one.
    """
    names = [head, *(name for name in probe.classes if name != head)][:_MOST_PREDICTIONS]
    cells = []
    for at, image in enumerate(probe.images):
        shown = [_prediction(probe, snapshot, name, at, len(probe.classes) > 1) for name in names]
        truth = int(probe.labels[head][at])
        wanted = probe.classes[head][truth]
        cam = snapshot.cams.get(head) if heat else None
        empty = cam is not None and not np.nan_to_num(cam[at]).max(initial=0) > 0
        over = f", over it where evidence for {wanted} is" if cam is not None else ""
        line = probability_line(
            [
                (moment.place, float(probabilities[head][at][truth]))
                for moment, probabilities in history
                if head in probabilities
            ],
            snapshot.moment.place,
            total,
            f"Probability of {wanted} over the epochs",
        )
        cells.append(
            Cell(
                _image(image),
                None if cam is None else _heat(cam[at]),
                image.shape,
                f"{probe.names[at]}{over}, {moment_words(snapshot.moment)}",
                shown,
                line,
                f"No evidence for {wanted}" if empty else "",
            )
        )
    return snapshot_row(cells)


def _prediction(probe: Probe, snapshot: Snapshot, head: str, at: int, several: bool) -> tuple[str, str, float, str]:
    probabilities, classes = snapshot.probabilities[head][at], probe.classes[head]
    index = int(probabilities.argmax())
    return (head if several else "", classes[index], float(probabilities[index]), classes[int(probe.labels[head][at])])


def _image(image: np.ndarray) -> bytes:
    height, width = image.shape[:2]
    if (factor := _IMAGE_SIDE / max(height, width)) < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    return image_bytes(image)


def _heat(cam: np.ndarray) -> bytes:
    """A map as a small image; the browser enlarges it smoothly."""
    shown = apply_colour_map(np.clip(np.nan_to_num(cam), 0, None))
    return cv2.imencode(".png", shown[..., ::-1])[1].tobytes()


def maps_html(maps: Maps, at: int, name: str, moment: Moment, scale: str) -> str:
    """Returns a convolution's channels for one image.

    Args:
        maps: the convolution's.
        at: which image.
        name: what the image is called.
        moment: of the snapshot.
        scale: one of `MAP_SCALES`.
    """
    values = maps.values(at)
    shaded = shades(values, scale)
    levels, below = shaded.levels, bool((shaded.low < 0).any())
    if scale == "one":
        ends, meaning = None, "All channels alike."
    else:
        ends, meaning = ("0", "its greatest"), "Each channel goes to its greatest value in this image."
    meaning = f"0 is dark{'; pale red is below 0' if below else ''}. {meaning}"
    height, width, channels = maps.shape
    small = "" if levels.shape[:2] == (height, width) else f", shown as {levels.shape[0]} × {levels.shape[1]} means"
    count = levels.shape[2]
    which = "all channels" if count == channels else f"the first {count} of {channels} channels"
    columns = even_columns(count, _COLUMNS)
    caption = f"{maps.layer} for {name}, {moment_words(moment)}: {which}, {height} × {width}{small}. {meaning}"
    alt = f"Feature maps of {maps.layer}, {moment_words(moment)}"
    bar = colour_bar(shaded, range(count), "viridis", ends if count > 1 else None)
    return mosaic_html(tight(levels, np.arange(count), columns, "viridis"), alt, caption, columns * 84) + bar


def kernels_html(kernels: np.ndarray, moment: Moment) -> str:
    """Returns the first convolution's filters, float32 (height, width, 1 or 3, filters); grey is a weight of 0."""
    greatest = float(np.abs(kernels).max(initial=0))
    levels = np.rint(128 + 127 * kernels / (greatest or 1)).astype(np.uint8)
    columns = even_columns(levels.shape[3], _COLUMNS)
    planes = [mosaic(levels[:, :, one], columns=columns, background=128) for one in range(levels.shape[2])]
    colours = "colours say which of red, green and blue a filter looks for" if len(planes) == 3 else "black is negative"
    caption = (
        f"{levels.shape[3]} filters of {levels.shape[0]} × {levels.shape[1]} pixels, {moment_words(moment)}. Grey is a "
        f"weight of 0; {colours}. The greatest weight is {greatest:.3g}."
    )
    shown = np.stack(planes * (3 // len(planes)), axis=2)
    return mosaic_html(shown, f"Kernels of the first convolution, {moment_words(moment)}", caption, columns * 64)
