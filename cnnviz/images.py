"""Pictures: the only door for their bytes, and the one function that crops and resizes them.

`decode` is used for training data and uploads alike, `fit` for training, evaluation and prediction alike, so that
what a network is asked about can't differ from what it learned from.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from cnnviz.errors import ImageError
from cnnviz.tiff import tile_pixels

__all__ = ["FORMATS", "MAX_BYTES", "MAX_PIXELS", "crop_box", "decode", "decode_with_notes", "fit", "to_png",
           "with_channels"]  # fmt: skip

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 50_000_000
MAX_BYTES = 20 * 2**20
_MAX_SIDE = 32_000  # OpenCV can't address longer sides when it resizes
_MAX_TILE = 2**24  # pixels of one tile of a TIFF, for which memory is taken however small the picture is
_BAND_PIXELS = 2_000_000  # converted at once, so that large pictures need little more than their own memory
_ORIENTATION = 0x0112
Crop = Literal["whole", "centre", "face"]


def decode(source: bytes | Path) -> np.ndarray:
    """Returns a picture as uint8 RGB, shape (height, width, 3), 0..255, upright.

    Formats: JPEG, PNG, WebP, GIF, BMP, TIFF, told by their content. The first frame of animations, EXIF orientation
    applied, alpha laid over white, 16-bit values divided by 257. Float pixels within 0..1 are scaled by 255, within
    0..255 kept; other floats, and 32-bit integers beyond 65,535, are stretched from their least to their greatest.

    Raises:
        ImageError: anything that is not a whole picture of these formats, of at most 20 MB and 50 megapixels.
    """
    with _open(source) as image:
        return _pixels(image)


def decode_with_notes(source: bytes | Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns `decode`'s picture and sentences on what a person may not expect (frames left out, alpha, turned).

    Raises:
        ImageError: as `decode`.
    """
    with _open(source) as image:
        given, transparent = image.mode, _has_alpha(image)
        pixels = _pixels(image)
        notes = []
        if _animated(image):
            notes.append(f"Only the first frame of this {image.format} file is used.")
        if transparent:
            notes.append("Transparent parts are shown on white.")
        if given.startswith(("I", "F")):
            notes.append("Its values have more than 8 bits and were scaled to 0..255.")
        return pixels, tuple(notes)


@contextmanager
def _open(source: bytes | Path) -> Iterator[Image.Image]:
    """Opens a picture after checking its size; whatever Pillow raises inside the block becomes an ImageError."""
    data = _read(source) if isinstance(source, Path) else bytes(source)
    if not data:
        raise ImageError("The picture is empty: it has 0 bytes.")
    _check_bytes(len(data))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > _MAX_SIDE or min(width, height) < 1:
                raise ImageError(f"The picture has {width} × {height} pixels; at most {MAX_PIXELS // 10**6} megapixels "
                                 f"and {_MAX_SIDE:,} a side are allowed.")  # fmt: skip
            if image.format == "TIFF" and tile_pixels(data) > _MAX_TILE:
                raise ImageError("The picture is laid out in tiles that are too large: save it as PNG.")
            yield image
    except ImageError:
        raise
    except Exception as error:  # Pillow's parsers raise nearly anything on broken files
        raise _sentence(error) from None


def _check_bytes(count: int) -> None:
    if count > MAX_BYTES:
        raise ImageError(f"The picture has {count / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB are allowed.")


def _read(path: Path) -> bytes:
    """A regular file's bytes; other things (pipes, devices) could block for ever."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("The picture is not a regular file.")
        _check_bytes(status.st_size)
        return path.read_bytes()
    except ImageError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"The picture can't be read: {reason}.") from None


def _sentence(error: Exception) -> ImageError:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return ImageError(f"The picture has too many pixels; at most {MAX_PIXELS // 10**6} megapixels are allowed.")
    if isinstance(error, MemoryError):
        return ImageError("The picture needs more memory than there is.")
    if isinstance(error, Image.UnidentifiedImageError):
        return ImageError(
            f"This is not a picture that can be read; expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
        )
    return ImageError("The picture is damaged or cut off and can't be decoded.")


def _pixels(image: Image.Image) -> np.ndarray:
    width, height = image.size
    image.load()
    if image.size != (width, height):  # TIFF is turned upright by Pillow; every other format by us
        width, height = image.size
    scale = _scale(image)
    key = image.info.get("transparency") if image.mode.startswith("I;16") else None
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        whole = rows >= height
        band = image if whole else image.crop((0, top, width, min(top + rows, height)))
        if not whole and "transparency" in image.info:
            band.info["transparency"] = image.info["transparency"]
        pixels[top : top + rows] = _deep(band, scale, key) if scale else _rgb(band)
    return _upright(pixels, _orientation(image))


def _rgb(image: Image.Image) -> np.ndarray:
    """uint8 (h, w, 3) of an 8-bit image of any mode."""
    if not _has_alpha(image):
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    image = image if image.mode == "RGBA" else image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return np.asarray(white)


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or (
        "transparency" in image.info and image.mode in ("1", "L", "P", "RGB")
    )


def _scale(image: Image.Image) -> tuple[float, float] | None:
    """For modes of more than 8 bits, what is taken away and by what is divided to come to 0..1; else `None`."""
    if image.mode.startswith("I;16"):
        return 0.0, 65_535.0
    if image.mode not in ("I", "F"):
        return None
    values = np.asarray(image)
    values = values[np.isfinite(values)] if image.mode == "F" else values
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if low >= 0 and image.mode == "F" and high <= 1:
        return 0.0, 1.0
    if low >= 0 and high <= 255:
        return 0.0, 255.0
    if low >= 0 and image.mode == "I" and high <= 65_535:
        return 0.0, 65_535.0
    return low, (high - low) or 1.0


def _deep(image: Image.Image, scale: tuple[float, float], key: object) -> np.ndarray:
    """uint8 (h, w, 3) of a grey image of more than 8 bits."""
    values = np.asarray(image)
    grey = (values.astype(np.float64) - scale[0]) * (255.0 / scale[1])
    grey = np.clip(np.rint(np.nan_to_num(grey, posinf=255.0, neginf=0.0)), 0, 255).astype(np.uint8)
    if isinstance(key, int):
        grey = np.where(values == key, np.uint8(255), grey)
    return np.repeat(grey[..., None], 3, axis=2)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1..8; 1 where there is none or EXIF is broken. Pillow has already turned TIFFs."""
    if image.format == "TIFF":
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a picture with broken EXIF is still a picture
        return 1


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _animated(image: Image.Image) -> bool:
    try:
        return image.format not in ("JPEG", "MPO") and bool(getattr(image, "is_animated", False))
    except Exception:  # what follows the first frame is broken; the frame itself is whole
        return True


def crop_box(shape: tuple[int, ...], size: tuple[int, int], crop: Crop = "whole") -> tuple[int, int, int, int]:
    """Returns which part of a picture of `shape` (height, width, …) is resized to `size` (height, width).

    Returns:
        (top, left, height, width) in pixels. `face`: rows 20 to 198 of CelebA's 218 and the same share of others, full
        width. `centre`: the largest centred box of `size`'s aspect.
    """
    height, width = shape[:2]
    if crop == "whole":
        return 0, 0, height, width
    if crop == "face":
        top = min(round(height * 20 / 218), height - 1)
        return top, 0, max(round(height * 198 / 218) - top, 1), width
    if crop != "centre":
        raise ImageError(f"There is no crop {crop!r}: choose one of whole, centre, face.")
    box_height = min(height, max(1, round(width * size[0] / size[1])))
    box_width = min(width, max(1, round(height * size[1] / size[0])))
    return (height - box_height) // 2, (width - box_width) // 2, box_height, box_width


def fit(image: np.ndarray, size: tuple[int, int], *, channels: Literal[1, 3] = 3, crop: Crop = "whole") -> np.ndarray:
    """Returns a picture cropped, resized and with the channels that a network takes.

    Args:
        image: uint8 (height, width, 1 or 3), RGB or grey.
        size: (height, width) wanted.
        channels: 3 for RGB, 1 for grey.
        crop: see `crop_box`.

    Returns:
        uint8 (*size, channels). Along each side, shrinking to half or less averages areas; the rest interpolates
        linearly, which misses no pixel there and takes a fifth of the time (OpenCV's INTER_AREA and INTER_LINEAR).
    """
    top, left, height, width = crop_box(image.shape, size, crop)
    image = image[top : top + height, left : left + width]
    smaller = tuple(new if old >= 2 * new else old for new, old in zip(size, (height, width), strict=True))
    for (high, wide), method in ((smaller, cv2.INTER_AREA), (size, cv2.INTER_LINEAR)):
        if image.shape[:2] != (high, wide):
            image = cv2.resize(image, (wide, high), interpolation=method).reshape(high, wide, image.shape[2])
    return np.ascontiguousarray(with_channels(image, channels))


def with_channels(image: np.ndarray, channels: Literal[1, 3]) -> np.ndarray:
    """Returns uint8 (height, width, channels): grey by ITU-R 601 luma, or grey repeated as RGB."""
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] == channels:
        return image
    if channels == 1:
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., None]
    return np.repeat(image, 3, axis=2)


def to_png(image: np.ndarray) -> bytes:
    """Returns a uint8 picture (height, width), (height, width, 1 or 3) as a PNG file's bytes."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image).save(file, "PNG")
    return file.getvalue()
