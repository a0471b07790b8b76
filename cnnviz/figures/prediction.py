"""What a model predicts about an image, and where it looked, as HTML: there at once, and text for who can't see it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from markupsafe import Markup

from cnnviz.figures.html import render
from cnnviz.overlay import map_layer
from cnnviz.probabilities import percent, percents

__all__ = ["layered_images", "map_scale", "nearest_images", "prediction", "top"]


def prediction(
    name: str,
    share: float,
    *,
    head: str = "",
    truth: str = "",
    large: bool = True,
    others: Sequence[float] = (),
    level: int | None = None,
    struck: bool = False,
    notes: Sequence[str] = (),
) -> Markup:
    """Returns a head's answer with its probability; as HTML.

    Args:
        name: the class; names become text, whatever they contain.
        share: its probability, 0..1.
        head: which head it is, where there are several.
        truth: the true class, where it is known.
        large: whether it is the one a person looks at first.
        others: the other probabilities that stand beside it, so that all are written with the same decimals.
        level: of the heading that it is, 2 to 6, if it is one.
        struck: whether it is struck through, as no answer to rely on.
        notes: what is to be said of it in small letters below.
    """
    words = percents([share, *others])[0] if others else percent(share)
    return render(
        "prediction.html",
        name=name,
        probability=words,
        head=head,
        truth=truth,
        large=large,
        level=level,
        struck=struck,
        notes=notes,
    )


def top(rows: Sequence[tuple[str, float]], marked: str = "") -> Markup:
    """Returns class names with their probabilities as thin bars, from the likeliest on; as HTML.

    Args:
        rows: names and probabilities 0..1.
        marked: the class that stands out.
    """
    shares = [share for _, share in rows]
    drawn = [
        (name, f"{max(0.5, 100 * share):.2f}", words, name == marked)
        for (name, share), words in zip(rows, percents(shares), strict=True)
    ]
    return render("top.html", rows=drawn)


def nearest_images(tiles: Sequence[tuple[bytes | None, bool, str, float]]) -> Markup:
    """Returns the training images that are nearest to an image in a row, with labels and distances; as HTML.

    Args:
        tiles: the file's bytes (`None` where it can't be had), whether it is enlarged without smoothing, its label, and
            its distance.
    """
    return render("nearest_images.html", tiles=[(*one[:3], f"{one[3]:.3f}") for one in tiles])


def layered_images(image: bytes, above: bytes, shape: tuple[int, ...], alt: str) -> Markup:
    """Returns an image with an image of the same shape over it, as opaque as the variable `--cnnviz-map` says; as HTML.

    Args:
        image: JPEG or PNG bytes.
        above: the same; what is equal to the image isn't laid over it.
        shape: (height, width, …) in pixels, so that the room is kept before the images are there.
        alt: what they show, for those who can't see it.
    """
    height, width = shape[:2]
    return render(
        "layered_images.html",
        image=image,
        above=above,
        height=height,
        width=width,
        wide=f"{width / height:.4f}",
        alt=alt,
    )


def map_scale(strength: float, colour_map: str, *, by_strength: bool) -> Markup:
    """Returns which values the colours of a map stand for, as a bar from 0 to its strongest point; as HTML.

    Args:
        strength: the map's greatest value.
        colour_map: of `overlay.COLOUR_MAPS`.
        by_strength: whether weak parts are clear, see `overlay.map_layer`.
    """
    layer = map_layer(np.arange(256, dtype=np.float32)[None], (1, 256), colour_map, by_strength=by_strength)
    png = cv2.imencode(".png", layer[..., [2, 1, 0, 3][: layer.shape[2]]])[1].tobytes()
    return render("colour_bar.html", png=png, left="0", right=f"{strength:.3g}", zero=None)
