"""The parts of a standalone script that decode, crop and resize images, to the bit as `cnnviz.images` does."""

from __future__ import annotations

from cnnviz.images import FORMATS, MAX_BYTES, MAX_JPEG_PIXELS, MAX_PIXELS, MAX_WHOLE_PIXELS
from cnnviz.recipe import Data

__all__ = ["FILES", "RESIZING", "decoding", "fitting"]

FILES = ("from concurrent.futures import ThreadPoolExecutor", "from pathlib import Path", "from PIL import Image")
"""What `decoding` of files imports."""
RESIZING = ("import functools",)
"""What `fitting` imports where it resizes."""

_RESIZED = """
def averaged(images, size):  # shrinks as OpenCV's INTER_AREA does, to the bit
    scales = [1 / (new / old) for new, old in zip(size, images.shape[1:3])]
    whole = [round(scale) for scale in scales]
    if np.allclose(scales, whole, rtol=0, atol=2**-52):
        (high, wide), (n, *_, channels) = whole, images.shape
        sums = images.reshape(n, size[0], high, size[1], wide, channels).sum((2, 4), dtype="int64")
        if whole == [2, 2]:
            return ((sums + 2) >> 2).astype("uint8")
        return np.rint(sums.astype("float32") * np.float32(1 / (high * wide))).astype("uint8")
    made = images.astype("float32")
    for axis in (2, 1):
        taps = shares(made.shape[axis], size[axis - 1])
        made = sum(made.take(at, axis) * share.reshape(-1, *[1] * (3 - axis)) for at, share in taps)
    return np.clip(np.rint(made), 0, 255).astype("uint8")


@functools.cache
def shares(old, new):  # the first, second, ... pixel that each new one averages, and how much it counts
    scale = 1 / (new / old)
    taps = []
    for start in np.arange(new) * scale:
        end, cell = start + scale, min(scale, old - start)
        last = min(int(end), old - 1)
        first = min(int(np.ceil(start)), last)
        found = [(first - 1, (first - start) / cell)] if first - start > 1e-3 else []
        found += [(at, 1 / cell) for at in range(first, last)]
        taps.append(found + ([(last, min(end - last, 1, cell) / cell)] if end - last > 1e-3 else []))
    longest = max(map(len, taps))
    table = np.array([found + [(0, 0)] * (longest - len(found)) for found in taps])
    return [(table[:, k, 0].astype(int), table[:, k, 1].astype("float32")) for k in range(longest)]


def interpolated(images, size):  # as OpenCV's INTER_LINEAR does, to the bit: in whole numbers, 2048 for 1
    (a, b), (u, v) = neighbours(images.shape[2], size[1], clamped=True)
    u, v = u[:, None], v[:, None]
    wide = images[:, :, a].astype("int32") * u + images[:, :, b].astype("int32") * v >> 4
    (a, b), (u, v) = neighbours(images.shape[1], size[0], clamped=False)
    u, v = u[:, None, None], v[:, None, None]
    return ((u * wide[:, a] >> 16) + (v * wide[:, b] >> 16) + 2 >> 2).astype("uint8")


def neighbours(old, new, clamped):  # the two pixels between which each new one lies, and how much they count
    place = ((np.arange(new) + 0.5) * (1 / (new / old)) - 0.5).astype("float32")
    at = np.floor(place).astype(int)
    share = place - at.astype("float32")
    if clamped:  # OpenCV does so along rows only
        share = np.where((at < 0) | (at >= old - 1), np.float32(0), share)
    weights = np.rint(np.stack([1 - share, share]) * np.float32(2048)).astype("int32")
    return np.clip([at, at + 1], 0, old - 1), weights


def resized(images, size):  # each side that halves at least is averaged, the rest interpolated
    smaller = tuple(new if old >= 2 * new else old for new, old in zip(size, images.shape[1:3]))
    if images.shape[1:3] != smaller:
        images = averaged(images, smaller)
    return images if images.shape[1:3] == size else interpolated(images, size)
"""
_FACE = """
    height = images.shape[1]  # of CelebA's 218 rows those from 20 to 198
    top = min(round(height * 20 / 218), height - 1)
    images = images[:, top : top + max(round(height * 198 / 218) - top, 1)]
"""
_CENTRE = """
    height, width = images.shape[1:3]  # of which the largest centred box of SIZE's aspect
    high, wide = (max(1, round(a * b / c)) for a, b, c in ((width, *SIZE), (height, *SIZE[::-1])))
    high, wide = min(height, high), min(width, wide)
    top, left = (height - high) // 2, (width - wide) // 2
    images = images[:, top : top + high, left : left + wide]
"""
_CROPS = {"face": _FACE.strip("\n"), "centre": _CENTRE.strip("\n"), "whole": None}
_COLOURS = """
def coloured(images):
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
"""
_GREY = """
def coloured(images):
    if images.shape[-1] == 1:
        return images
    red, green, blue = np.moveaxis(images.astype("int32"), -1, 0)
    return ((red * 9798 + green * 19235 + blue * 3735 + 2**14) >> 15).astype("uint8")[..., None]
"""
_WHOLE = """
def uncut(images):  # scaled so that the largest window of SIZE's aspect has that size, for windows cut at random
    height, width = images.shape[1:3]
    scale = max(SIZE[0] / height, SIZE[1] / width)
    rows, columns = (min(old, int(np.ceil(16 * new / scale))) for old, new in zip((height, width), SIZE))
    top, left = (height - rows) // 2, (width - columns) // 2
    size = max(SIZE[0], round(rows * scale)), max(SIZE[1], round(columns * scale))
    return coloured(resized(images[:, top : top + rows, left : left + columns], size))
"""
_DECODED = """
def decoded(path):  # uint8 (1, height, width, 3), upright, on white where it is transparent
    with Image.open(path, formats=FORMATS) as image:
        jpeg = image.format in ("JPEG", "MPO")
        most = MAX_JPEG_PIXELS if jpeg and not image.info.get("progressive") else MAX_WHOLE_PIXELS
        if path.stat().st_size > MAX_BYTES or image.width * image.height > most or max(image.size) > 32_000:
            raise ValueError("the image is too large")
        factor = reduction(image.size)
        if factor > 1 and jpeg:  # reduced while it is decoded
            image.draft(None, tuple(side // factor for side in image.size))
            factor = 1
        image.load()
        mode, clear = image.mode, image.info.get("transparency")
        if mode.startswith(("I", "F")):
            pixels = np.repeat(eight_bits(np.asarray(image), mode, clear)[..., None], 3, axis=2)
        elif mode in ("RGBA", "LA", "PA", "RGBa", "La") or (clear is not None and mode in ("1", "L", "P", "RGB")):
            image_on_white, opaque = Image.new("RGB", image.size, "white"), image.convert("RGBA")
            image_on_white.paste(opaque, mask=opaque.getchannel("A"))
            pixels = np.asarray(image_on_white)
        else:
            pixels = np.asarray(image.convert("RGB"))
        if factor > 1:
            height, width = pixels.shape[0] // factor, pixels.shape[1] // factor
            pixels = pixels[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
            pixels = (pixels.sum((1, 3), dtype="uint16") + 2 >> 2).astype("uint8")  # halves, by the limits above
        return upright(pixels, turned(image))[None]


def reduction(size):  # by what each side is divided, so that no more than MAX_PIXELS are left
    return next((by for by in (1, 2, 4, 8) if (size[0] // by) * (size[1] // by) <= MAX_PIXELS), 8)


def eight_bits(values, mode, clear):  # grey of more than 8 bits
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if mode != "F" and low >= 0 and high <= 65_535:  # as many bits as all images use, else as this one does
        bits = BITS if BITS and high < 2**BITS else next(bits for bits in (8, 10, 12, 14, 16) if high < 2**bits)
        low, span = 0.0, float(2**bits - 1)
    elif low >= 0 and high <= 255:
        low, span = 0.0, 1.0 if mode == "F" and high <= 1 else 255.0
    else:
        span = (high - low) or 1.0
    grey = np.nan_to_num((values.astype("float64") - low) * (255.0 / span), posinf=255.0, neginf=0.0)
    grey = np.clip(np.rint(grey), 0, 255).astype("uint8")
    return np.where(values == clear, np.uint8(255), grey) if mode.startswith("I;16") and type(clear) is int else grey


def turned(image):  # EXIF's orientation; Pillow has turned a TIFF already
    try:
        return 1 if image.format == "TIFF" else image.getexif().get(0x0112, 1)
    except Exception:
        return 1


def upright(pixels, orientation):
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


def from_files(paths, prepared):  # the images, and which of them there are: broken ones are left out
    def one(path):
        try:
            return prepared(decoded(path))[0]
        except Exception as error:
            print(f"{path} is left out: {error}")

    with ThreadPoolExecutor() as pool:
        made = list(pool.map(one, paths))
    kept = [at for at, image in enumerate(made) if image is not None]
    made = [made[at] for at in kept]
    if not made:
        raise SystemExit("Not one image can be read.")
    return np.stack(made) if len({image.shape for image in made}) == 1 else made, kept
"""
_FROM_ARRAYS = """
def from_arrays(images, prepared):
    parts = [prepared(images[at : at + 256]) for at in range(0, len(images), 256)]
    return np.concatenate(parts), range(len(images))
"""


def fitting(data: Data, *, resizes: bool, margin: bool) -> list[str]:
    """Returns the functions that bring decoded images, uint8 (n, height, width, channels), to their working size.

    Args:
        data: the recipe's.
        resizes: whether there may be images of another size.
        margin: whether training images stay whole, for windows cut at random.
    """
    fit = ["def fit(images):"]
    if resizes and (crop := _CROPS[data.crop]):
        fit.append(crop)
    fit.append(f"    return coloured({'resized(images, SIZE)' if resizes else 'images'})")
    parts = [_RESIZED] if resizes else []
    parts += [_COLOURS if data.channels == 3 else _GREY, "\n".join(fit)]
    if margin:
        parts.append(_WHOLE if resizes else "uncut = fit")
    return [part.strip() for part in parts]


def decoding(*, files: bool, bits: int | None = None) -> list[str]:
    """Returns the functions that fetch images, of files or of arrays.

    Args:
        files: whether they are files.
        bits: how many those use that have more than 8, see `data.depths`.
    """
    if not files:
        return [_FROM_ARRAYS.strip()]
    limits = (
        f"FORMATS, MAX_BYTES, BITS = {FORMATS!r}, {MAX_BYTES}, {bits}\n"
        f"MAX_PIXELS, MAX_WHOLE_PIXELS, MAX_JPEG_PIXELS = {MAX_PIXELS}, {MAX_WHOLE_PIXELS}, "
        f"{MAX_JPEG_PIXELS}"
    )
    return [f"{limits}\n# cnnviz also leaves out TIFF files in huge tiles.", _DECODED.strip()]
