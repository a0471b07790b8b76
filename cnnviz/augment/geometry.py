"""Steps that move pixels: one matrix and one resampling for all of them.

An image is first brought to its *working image*, as for evaluation: cut and resized once, without aliasing. All
geometric steps then compose into one matrix from a pixel of the output to a place in the working image. Coordinates
are (x, y) with pixel centres at whole numbers, so the image reaches from −0.5 to width − 0.5 and turns about
((width − 1) / 2, (height − 1) / 2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np

from cnnviz.augment.draw import Drawn
from cnnviz.errors import ImageError
from cnnviz.images import Crop, crop_box, fit
from cnnviz.policy import STEPS, Policy
from cnnviz.steps.step_kind import Affine, Size, snapped

__all__ = ["compose", "filled_pixels", "matrix", "warp", "working"]

LONGEST = 16  # a working image is at most this many windows long, which bounds the memory of very elongated ones
_BORDERS = {
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
    "constant": cv2.BORDER_CONSTANT,
}
_SAME: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def working(image: np.ndarray, policy: Policy, *, size: Size, crop: Crop = "whole") -> np.ndarray:
    """Returns the image that the steps work on; a working image is its own working image.

    Args:
        image: uint8 (height, width, 1 or 3).
        size: (height, width) of the output.
        crop: As in `images.fit`. It matters only for images that are not cropped yet.

    Returns:
        `images.fit(image, size)`; for a policy that cuts its own window the whole image, scaled so that its largest
        window of `size`'s aspect has that size.

    Raises:
        ImageError: not uint8 of such a shape, or empty.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
        raise ImageError(
            f"The image is {image.dtype} of shape {image.shape}: expected uint8 (height, width, 1 or 3), none 0."
        )
    if policy.needs_margin:
        image, size, crop = _whole(image, size)
    if image.shape[:2] == tuple(size) and crop == "whole":
        return image
    return fit(image, size, channels=image.shape[2], crop=crop)


def _whole(image: np.ndarray, size: Size) -> tuple[np.ndarray, Size, Crop]:
    """The image, less what makes it too long, and the size that its working image has."""
    height, width = image.shape[:2]
    scale = max(size[0] / height, size[1] / width)
    rows = min(height, math.ceil(LONGEST * size[0] / scale))
    columns = min(width, math.ceil(LONGEST * size[1] / scale))
    top, left = (height - rows) // 2, (width - columns) // 2
    target = max(size[0], round(rows * scale)), max(size[1], round(columns * scale))
    return image[top : top + rows, left : left + columns], target, "whole"


def matrix(
    shape: tuple[int, ...], policy: Policy, drawn: Iterable[Drawn], *, size: Size, crop: Crop = "whole"
) -> np.ndarray:
    """Returns the matrix from the output's pixels to the working image's, float64 (3, 3) for columns (x, y, 1).

    Args:
        shape: The working image's, (height, width, ...).
        size: (height, width) of the output.
        crop: What is taken of the whole image where a random crop is not applied.
    """
    return np.array([*compose(shape, policy, drawn, size=size, crop=crop), 0, 0, 1], np.float64).reshape(3, 3)


def compose(
    shape: tuple[int, ...], policy: Policy, drawn: Iterable[Drawn], *, size: Size, crop: Crop = "whole"
) -> Affine:
    """Returns `matrix` as its first six numbers (plain floats: a step takes about a microsecond)."""
    height, width = shape[:2]
    total = _SAME
    for one in drawn:
        kind = STEPS[one.type]
        if kind.window is not None:
            box = kind.window(height, width, size, one.values) if one.applied else _cut(height, width, size, crop)
            total = _then(total, _resize(box, size))
            height, width = size
        elif one.applied and kind.move is not None:
            total = _then(total, kind.move(one.values, height, width))
    if (height, width) != tuple(size):  # the policy has a margin, but these draws have no random crop
        total = _then(total, _resize(_cut(height, width, size, crop), size))
    a, b, c, d, e, f = map(snapped, total)
    return a, b, c, d, e, f


def warp(image: np.ndarray, policy: Policy, affine: Affine, size: Size) -> np.ndarray:
    """Returns the working image resampled once, uint8 (*size, channels), a new array.

    Flips and moves by whole pixels copy pixels; everything else interpolates linearly between the four nearest. A
    matrix that shrinks is preceded by an averaging shrink, since linear interpolation alone would skip pixels.
    """
    exact = _sliced(image, affine, size)
    if exact is not None:
        return exact
    image, affine = _shrunk(image, affine)
    border, channels = _BORDERS[policy.fill_mode], image.shape[2]
    if channels == 3:  # OpenCV is twice as fast with four channels
        image = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
    made = cv2.warpAffine(
        image,
        np.array(affine, np.float64).reshape(2, 3),
        size[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=(policy.fill_value,) * 4,
    )
    return cv2.cvtColor(made, cv2.COLOR_RGBA2RGB) if channels == 3 else made[..., None]


def filled_pixels(
    image_shape: tuple[int, ...], policy: Policy, drawn: Iterable[Drawn], *, size: Size, crop: Crop = "whole"
) -> np.ndarray:
    """Returns which pixels of the output were filled in, bool (*size,): their centres lie outside the image.

    Args:
        image_shape: The shape of the image given to `apply`, or of its working image.
    """
    stand_in = np.broadcast_to(np.uint8(0), (*image_shape[:2], 1))
    height, width = (_whole(stand_in, size)[1]) if policy.needs_margin else size
    a, b, c, d, e, f = compose((height, width), policy, drawn, size=size, crop=crop)
    y, x = np.ogrid[: size[0], : size[1]]
    across, down = a * x + b * y + c, d * x + e * y + f
    return (across < -0.5) | (across > width - 0.5) | (down < -0.5) | (down > height - 0.5)


def _then(outer: Affine, inner: Affine) -> Affine:
    """The product of two matrices: `inner` is met first on the way from the output to the image."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f


def _cut(height: int, width: int, size: Size, crop: Crop) -> tuple[float, float, float, float]:
    return crop_box((height, width), size, crop)


def _resize(box: tuple[float, float, float, float], size: Size) -> Affine:
    """From the output's pixels to the box's: edges on edges, so the half pixel counts."""
    top, left, height, width = box
    down, across = height / size[0], width / size[1]
    return across, 0.0, left + (across - 1) / 2, 0.0, down, top + (down - 1) / 2


def _sliced(image: np.ndarray, affine: Affine, size: Size) -> np.ndarray | None:
    """The output as a copy of a part of the image, flipped perhaps; `None` where it takes more than that."""
    a, b, c, d, e, f = affine
    if b or d or abs(a) != 1 or abs(e) != 1 or not (c.is_integer() and f.is_integer()):
        return None
    left, right = sorted((int(c), int(c + a * (size[1] - 1))))
    top, bottom = sorted((int(f), int(f + e * (size[0] - 1))))
    if left < 0 or top < 0 or right >= image.shape[1] or bottom >= image.shape[0]:
        return None
    part = image[top : bottom + 1, left : right + 1]
    if a > 0 and e > 0:
        return part.copy()
    axes = -1 if a < 0 and e < 0 else int(a < 0)  # as OpenCV counts them: 0 top and bottom, 1 left and right, −1 both
    return cv2.flip(part, axes).reshape(part.shape)


def _shrunk(image: np.ndarray, affine: Affine) -> tuple[np.ndarray, Affine]:
    """Averages away what a shrinking matrix would skip, along each of the image's axes."""
    a, b, _, d, e, _ = affine
    across, down = math.hypot(a, b), math.hypot(d, e)
    if across < 1.5 and down < 1.5:
        return image, affine
    height, width, channels = image.shape
    small = max(1, round(height / max(down, 1))), max(1, round(width / max(across, 1)))
    image = cv2.resize(image, small[::-1], interpolation=cv2.INTER_AREA).reshape(*small, channels)
    x, y = small[1] / width, small[0] / height
    return image, _then((x, 0, (x - 1) / 2, 0, y, (y - 1) / 2), affine)
