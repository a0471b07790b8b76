"""Images: the only door for their bytes, and the one function that crops and resizes them.

`decode` is used for training data and uploads alike, `fit` for training, evaluation and prediction alike, so that
what a model predicts can't differ from what it learned from.
"""

from __future__ import annotations

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import ExifTags, Image

from cnnviz import depth
from cnnviz.errors import ImageError
from cnnviz.tiff import tile_pixels

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_JPEG_PIXELS",
    "MAX_PIXELS",
    "MAX_WHOLE_PIXELS",
    "bits",
    "crop_box",
    "decode",
    "decode_with_notes",
    "enlarge",
    "file_ending",
    "fit",
    "is_deep",
    "origin",
    "to_png",
    "with_channels",
]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_ENDINGS = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif"}
MAX_PIXELS = 50_000_000
"""Of what comes out; larger images are read at half their size, a quarter or an eighth."""
MAX_JPEG_PIXELS = 178_000_000
"""Of a JPEG, which is reduced while it is decoded: no more memory is needed than for `MAX_PIXELS`."""
MAX_WHOLE_PIXELS = 60_000_000
"""Of what must be decoded whole before it can be reduced: other formats, and progressive JPEGs, which keep all their
coefficients. With the half-sized result they need less memory than an image of `MAX_PIXELS` with its own."""
MAX_BYTES = 20 * 2**20
_MAX_SIDE = 32_000  # OpenCV can't address longer sides when it resizes
_MAX_TILE = 2**24  # pixels of one tile of a TIFF, for which memory is taken however small the image is
_SCAN = b"\xff\xda"  # begins each pass over a JPEG's pixels; those of a preview within are counted with them
_MAX_SCANNED = 1_200_000_000  # passes × pixels of a progressive JPEG: twice what programs write of the largest one
_PNG, _MAX_CHUNKS = b"\x89PNG\r\n\x1a\n", 65_536
_BAND_PIXELS = 2_000_000  # converted at once, so that large images need little more than their own memory
_ORIENTATION = 0x0112
_STRETCHED = "Its values have more than 8 bits: {}..{} became 0..255."
Crop = Literal["whole", "centre", "face"]
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large is refused here, by its kind


def decode(source: bytes | Path, bits: int | None = None) -> np.ndarray:
    """Returns an image as uint8 RGB, shape (height, width, 3), 0..255, upright.

    Formats: JPEG, PNG, WebP, GIF, BMP, TIFF, told by their content. The first frame of animations, EXIF orientation
    applied, alpha laid over white. Grey values of 9 to 16 bits are scaled from 0 and the greatest number of `bits` bits
    to 0..255; without `bits`, or where a value is greater, by the bits that the file says or shows (`cnnviz.depth`).
    Float pixels within 0..1 are scaled by 255, within 0..255 kept; other floats, and integers beyond 65,535, are
    stretched from their least to their greatest. What has more than 50 megapixels comes out reduced by 2, 4 or 8.

    Raises:
        ImageError: anything that is not a whole image of these formats, of at most 20 MB and `MAX_WHOLE_PIXELS`, or
            of a JPEG `MAX_JPEG_PIXELS`.
    """
    with _open(source) as (image, data):
        return _pixels(image, data, bits)[0]


def bits(source: bytes | Path) -> int | None:
    """Returns how many bits the values of a grey image of more than 8 bits use; `None` for any other.

    Raises:
        ImageError: as `decode`.
    """
    with _open(source) as (image, data):
        if not image.mode.startswith("I"):
            return None
        image.load()
        values = np.asarray(image)
        return depth.of(image, data, values)[0] if values.min() >= 0 and values.max() <= 65_535 else None


def is_deep(source: bytes | Path) -> bool:
    """Returns whether a file says that it is a grey image of more than 8 bits; reads no more than its head."""
    try:
        if isinstance(source, Path) and not stat.S_ISREG(source.stat().st_mode):
            return False
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=("PNG", "TIFF")) as image:
            return image.mode.startswith("I")
    except Exception:  # Pillow's parsers raise nearly anything on broken files, which `decode` tells of
        return False


def file_ending(data: bytes) -> str:
    """Returns the ending of a file's name for what its bytes are, which it may not have been called by: ".jpg".

    Raises:
        ImageError: as `decode`.
    """
    with _open(data) as (image, _):
        kind = image.format or "PNG"
    return _ENDINGS.get(kind, f".{kind.lower()}")


def origin(data: bytes) -> tuple[str, str]:
    """Returns what an image's bytes say of where it comes from: its format, such as "JPEG", and the camera of its EXIF
    data; "" where there is none.

    Raises:
        ImageError: as `decode`.
    """
    with _open(data) as (image, _), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged EXIF data is as good as none
        exif = image.getexif()
        named = (exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model))
        return image.format or "", " ".join(str(one).strip("\0 ") for one in named if one)[:80]


def decode_with_notes(source: bytes | Path, bits: int | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns `decode`'s image and sentences on what a person may not expect (frames left out, alpha, turned).

    Raises:
        ImageError: as `decode`.
    """
    with _open(source) as (image, data):
        (width, height), transparent = image.size, _has_alpha(image)
        pixels, said = _pixels(image, data, bits)
        notes = []
        if max(pixels.shape) < max(width, height):
            notes.append(
                f"It has {width * height / 1e6:.1f} megapixels and is read at {pixels.shape[1]:,} × "
                f"{pixels.shape[0]:,} pixels."
            )
        if _animated(image):
            notes.append(f"Only the first frame of this {image.format} file is used.")
        if transparent:
            notes.append("Transparent parts are shown on white.")
        if said:
            notes.append(said)
        return pixels, tuple(notes)


@contextmanager
def _open(source: bytes | Path) -> Iterator[tuple[Image.Image, bytes]]:
    """Opens an image after checking its size; whatever Pillow raises inside the block becomes an ImageError."""
    data = _read(source) if isinstance(source, Path) else bytes(source)
    if not data:
        raise ImageError("The image is empty: it has 0 bytes.")
    _check_bytes(len(data))
    if data.startswith(_PNG) and _more_chunks(data):
        raise ImageError(f"The image is in more than {_MAX_CHUNKS:,} parts: save it anew.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            whole = image.format not in ("JPEG", "MPO") or image.info.get("progressive")
            most = MAX_WHOLE_PIXELS if whole else MAX_JPEG_PIXELS
            if width * height > most or max(width, height) > _MAX_SIDE or min(width, height) < 1:
                raise ImageError(
                    f"The image has {width} × {height} pixels; at most {most // 10**6} megapixels "
                    f"and {_MAX_SIDE:,} a side are allowed."
                )
            if whole and image.format in ("JPEG", "MPO") and data.count(_SCAN) * width * height > _MAX_SCANNED:
                raise ImageError(
                    f"The image is a progressive JPEG of {data.count(_SCAN):,} passes over {width} × "
                    f"{height} pixels, which would take too long: save it anew."
                )
            if image.format == "TIFF" and tile_pixels(data) > _MAX_TILE:
                raise ImageError("The image is laid out in tiles that are too large: save it as PNG.")
            yield image, data
    except ImageError:
        raise
    except Exception as error:  # Pillow's parsers raise nearly anything on broken files
        raise _message(error) from None


def _more_chunks(data: bytes) -> bool:
    """Whether a PNG has more than `_MAX_CHUNKS`, each of which is looked at by itself."""
    at = 8
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return True


def _check_bytes(count: int) -> None:
    if count > MAX_BYTES:
        raise ImageError(f"The image has {count / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB are allowed.")


def _read(path: Path) -> bytes:
    """A regular file's bytes; other things (pipes, devices) could block for ever."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("The image is not a regular file.")
        _check_bytes(status.st_size)
        return path.read_bytes()
    except ImageError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"The image can't be read: {reason}.") from None


def _message(error: Exception) -> ImageError:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return ImageError(
            f"The image has too many pixels; at most {MAX_WHOLE_PIXELS // 10**6} megapixels are allowed, "
            f"{MAX_JPEG_PIXELS // 10**6} in a JPEG."
        )
    if isinstance(error, MemoryError):
        return ImageError("The image needs more memory than there is.")
    if isinstance(error, Image.UnidentifiedImageError):
        return ImageError(
            f"This is not an image that can be read; expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
        )
    return ImageError("The image is damaged or cut off and can't be decoded.")


def _pixels(image: Image.Image, data: bytes, bits: int | None) -> tuple[np.ndarray, str]:
    """The image as `decode` gives it, and a sentence on how values of more than 8 bits were scaled, if they were."""
    factor = _reduction(image.size)
    if factor > 1 and image.format in ("JPEG", "MPO"):
        image.draft(None, (image.width // factor, image.height // factor))
        if (factor := _reduction(image.size)) > 1:
            raise ImageError("The image is too large to be read.")
    image.load()
    width, height = image.size  # TIFF has been turned upright by Pillow; every other format will be by us
    scale, said = _scale(image, data, bits)
    key = image.info.get("transparency") if image.mode.startswith("I;16") else None
    pixels = np.empty((height // factor, width // factor, 3), np.uint8)
    rows = max(1, _BAND_PIXELS // width // factor) * factor
    for top in range(0, len(pixels) * factor, rows):
        whole = rows >= height
        band = image if whole else image.crop((0, top, width, min(top + rows, height)))
        if not whole and "transparency" in image.info:
            band.info["transparency"] = image.info["transparency"]
        part = _deep(band, scale, key) if scale else _rgb(band)
        if factor > 1:
            part = part[: len(part) // factor * factor, : pixels.shape[1] * factor]
            size = pixels.shape[1], len(part) // factor
            part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        pixels[top // factor : top // factor + len(part)] = part
    return _upright(pixels, _orientation(image)), said


def _reduction(size: tuple[int, int]) -> int:
    """By what each side is divided so that no more than `MAX_PIXELS` are left: 1, 2, 4 or 8."""
    return next((by for by in (1, 2, 4, 8) if (size[0] // by) * (size[1] // by) <= MAX_PIXELS), 8)


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


def _scale(image: Image.Image, data: bytes, bits: int | None) -> tuple[tuple[float, float] | None, str]:
    """For modes of more than 8 bits, what is taken away and by what is divided to come to 0..1, and a sentence on it;
    else `None`."""
    if not image.mode.startswith(("I", "F")):
        return None, ""
    values = np.asarray(image)
    if image.mode != "F":
        low, high = int(values.min()), int(values.max())
        if low >= 0 and high <= 65_535:
            used, told = depth.of(image, data, values)
            why = "as the file says" if told else "by its own greatest value"
            if bits is not None and high < 1 << bits:
                used, why = bits, "as in training"
            return (0.0, float((1 << used) - 1)), depth.message(used, why)
        return (low, float(high - low) or 1.0), _STRETCHED.format(low, high)
    finite = values[np.isfinite(values)]
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if least >= 0 and most <= 255:
        top = 1.0 if most <= 1 else 255.0
        return (0.0, top), _STRETCHED.format(0, int(top))
    return (least, (most - least) or 1.0), _STRETCHED.format(f"{least:g}", f"{most:g}")


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
    except Exception:  # an image with broken EXIF is still an image
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
    """Returns which part of an image of `shape` (height, width, …) is resized to `size` (height, width).

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
    """Returns an image cropped, resized and with the channels that a model takes.

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


def enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    """Returns an image (height, width, …) with every pixel as a square of `factor` pixels a side; below 2 as it is."""
    return np.repeat(np.repeat(image, max(1, factor), axis=0), max(1, factor), axis=1)


def to_png(image: np.ndarray) -> bytes:
    """Returns a uint8 image (height, width), (height, width, 1 or 3) as a PNG file's bytes."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image).save(file, "PNG")
    return file.getvalue()
