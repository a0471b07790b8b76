"""A model over its epochs, as pieces of HTML: the watched images with its predictions, and mosaics with a caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from markupsafe import Markup

from cnnviz.figures.html import render
from cnnviz.figures.prediction import layered_images, prediction

__all__ = ["Cell", "mosaic_html", "probability_line", "snapshot_row", "wide_start"]

_LINE = (150, 34)


@dataclass(frozen=True, eq=False)
class Cell:
    """One watched image: what it looks like, and what the model makes of it.

    Attributes:
        image: PNG or JPEG bytes.
        heat: the same for what is laid over it; `None` for nothing.
        shape: the image's (height, width, …).
        alt: what both show, for those who can't see it.
        predictions: for each head its name ("" where there is one), the class it predicts, that class's probability,
            and the true class.
        line: what `probability_line` gave, or "".
        note: what is said of the map, or "".
    """

    image: bytes
    heat: bytes | None
    shape: tuple[int, ...]
    alt: str
    predictions: Sequence[tuple[str, str, float, str]]
    line: str = ""
    note: str = ""


def snapshot_row(cells: Sequence[Cell]) -> Markup:
    """Returns the images side by side, in rows that wrap, each over its predictions; as HTML."""
    drawn = [
        (
            layered_images(cell.image, cell.heat or cell.image, cell.shape, cell.alt),
            [
                prediction(name, share, head=head, truth=truth, large=False)
                for head, name, share, truth in cell.predictions
            ],
            cell.line,
            cell.note,
        )
        for cell in cells
    ]
    return render("snapshot_row.html", cells=drawn)


def wide_start(place: float, total: float) -> float:
    """Returns where on an axis 0..1 a place in epochs is, of `total` ones: by its square root, as most is learned in
    the first epochs."""
    return min(1.0, max(0.0, place / max(total, 1e-9))) ** 0.5


def probability_line(probabilities: Sequence[tuple[float, float]], now: float, total: float, alt: str) -> Markup:
    """Returns a small curve of probabilities 0..1 over the epochs, see `wide_start`, with a dot at one of its points;
    as HTML.

    Args:
        probabilities: (place in epochs, probability), ascending.
        now: the place where the dot is.
        total: the last place that there will be.
        alt: what it shows, for those who can't see it.
    """
    width, height = _LINE
    last = max([total, *(at for at, _ in probabilities)])

    def position(at: float, share: float) -> tuple[str, str]:
        return f"{3 + (width - 6) * wide_start(at, last):.1f}", f"{3 + (height - 6) * (1 - share):.1f}"

    return render(
        "probability_line.html",
        alt=alt,
        width=width,
        height=height,
        points=" ".join(",".join(position(at, share)) for at, share in probabilities),
        dots=[position(at, share) for at, share in probabilities if at == now],
    )


def mosaic_html(image: np.ndarray, alt: str, caption: str, pixels: int) -> Markup:
    """Returns a mosaic with its caption; as HTML. Enlarged, its pixels stay squares.

    Args:
        image: uint8 (h, w, 3).
        alt: what it shows, for those who can't see it.
        caption: what stands under it; becomes text, whatever it contains.
        pixels: how wide it is on the page, where there is room.
    """
    png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    return render("mosaic.html", png=png, alt=alt, caption=caption, pixels=pixels)
