"""Decoding against Pillow's and NumPy's own, fitting against arithmetic, and hostile files."""

from __future__ import annotations

import io
import os
import random
import resource
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz import images
from cnnviz.errors import ImageError

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (30, 44, 3), dtype=np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_give_the_same_pixels(kind: str) -> None:
    decoded = images.decode(saved(Image.fromarray(RGB), kind))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, RGB)


def test_lossy_formats_come_near() -> None:
    smooth = np.broadcast_to(np.arange(0, 240, 5, dtype=np.uint8)[:, None, None], (48, 40, 3))
    for kind in ("JPEG", "WEBP"):
        assert np.abs(images.decode(saved(Image.fromarray(smooth), kind)).astype(int) - smooth).max() <= 6


def test_palettes_and_grey_become_rgb() -> None:
    palette = Image.fromarray(RGB).quantize(32)
    np.testing.assert_array_equal(images.decode(saved(palette, "GIF")), np.asarray(palette.convert("RGB")))
    grey = RGB[..., 0]
    for kind in ("PNG", "BMP"):
        np.testing.assert_array_equal(images.decode(saved(Image.fromarray(grey), kind)), np.dstack([grey] * 3))


def test_cmyk_is_the_complement_of_its_inks() -> None:
    pixels = images.decode(saved(Image.new("CMYK", (5, 4), (255, 0, 0, 0)), "TIFF"))
    assert pixels[0, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize(("alpha", "expected"), [(0, 255), (255, 40), (51, 212)])
def test_alpha_lies_on_white(alpha: int, expected: int) -> None:
    """40 at alpha 51/255 = 0.2: 0.2 · 40 + 0.8 · 255 = 212."""
    for image in (Image.new("RGBA", (3, 2), (40, 40, 40, alpha)), Image.new("LA", (3, 2), (40, alpha))):
        assert np.unique(images.decode(saved(image, "PNG"))).tolist() == [expected]


def test_a_transparent_colour_lies_on_white() -> None:
    image = Image.fromarray(np.array([[[9, 9, 9], [10, 20, 30]]], np.uint8))
    assert images.decode(saved(image, "PNG", transparency=(9, 9, 9))).tolist() == [[[255] * 3, [10, 20, 30]]]


def test_16_bits_are_divided_by_257() -> None:
    values = np.array([[0, 257, 25_700, 65_535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        assert images.decode(saved(Image.fromarray(values), kind))[0, :, 0].tolist() == [0, 1, 100, 255]
    assert images.decode(saved(Image.fromarray(values.astype(np.int32)), "TIFF"))[0, :, 1].tolist() == [0, 1, 100, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.2, 1], [0, 51, 255]),
        ([0, 51, 255], [0, 51, 255]),
        ([-10, 0, 40], [0, 51, 255]),
        ([np.nan, 0.2, np.inf], [0, 255, 255]),
    ],
)
def test_floats_are_scaled_by_their_range(values: list, expected: list) -> None:
    data = saved(Image.fromarray(np.array([values], np.float32)), "TIFF")
    if np.isnan(values[0]):
        assert images.decode(data)[0, 0, 0] == 0
    else:
        assert images.decode(data)[0, :, 2].tolist() == expected


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "I;16"])
def test_exif_orientation(orientation: int, kind: str, mode: str) -> None:
    """The eight cases of the EXIF standard, in all colour modes."""
    deep = Image.fromarray(RGB[..., 0].astype(np.uint16) * 257)
    image = deep if mode == "I;16" else Image.fromarray(RGB).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = images.decode(saved(image, kind, exif=exif))
    np.testing.assert_array_equal(turned, UPRIGHT[orientation](images.decode(saved(image, kind))))


def test_large_images_are_converted_in_bands() -> None:
    """Several bands, the last one shorter, with alpha and without."""
    large = RNG.integers(0, 256, (2100, 1999, 4), dtype=np.uint8)
    np.testing.assert_array_equal(images.decode(saved(Image.fromarray(large[..., :3]), "BMP")), large[..., :3])
    image = Image.fromarray(large)
    white = Image.new("RGBA", image.size, "white")
    expected = np.asarray(Image.alpha_composite(white, image).convert("RGB")).astype(int)
    assert np.abs(images.decode(saved(image, "PNG", compress_level=0)) - expected).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animations_give_their_first_frame_and_say_so(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pixels, notes = images.decode_with_notes(saved(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert pixels[0, 0, 0] > 200
    assert pixels[0, 0, 2] < 60
    assert any("first frame" in note for note in notes)
    assert images.decode_with_notes(saved(frames[0], "PNG"))[1] == ()


def test_notes_tell_of_alpha_and_depth() -> None:
    assert "white" in images.decode_with_notes(saved(Image.new("RGBA", (2, 2)), "PNG"))[1][0]
    assert "8 bits" in images.decode_with_notes(saved(Image.fromarray(np.zeros((2, 2), np.uint16)), "PNG"))[1][0]


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


JPEG = saved(Image.fromarray(RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8)), "JPEG")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"just text", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "JPEG, PNG, WEBP, GIF, BMP or TIFF"),
        (b"%PDF-1.7\n", "not an image"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "not an image"),
        (saved(Image.new("RGB", (32, 32)), "ICO"), "not an image"),
        (saved(Image.new("RGB", (32, 32)), "PPM"), "not an image"),
        (JPEG[: len(JPEG) // 2], "damaged or cut off"),
        (png_header(8000, 8000), "8000 × 8000 pixels"),
        (png_header(20_000, 20_000), "too many pixels|20000 × 20000"),
        (png_header(40_000, 2), "32,000 a side"),
        (png_header(100, 100), "damaged or cut off"),
        (bytes(21 * 2**20), "21.0 MB; at most 20 MB"),
    ],
)
def test_refusals_are_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        images.decode(data)
    assert str(caught.value).count("\n") == 0


def test_paths(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(saved(Image.fromarray(RGB), "PNG"))
    (tmp_path / "link.png").symlink_to(path)
    np.testing.assert_array_equal(images.decode(path), RGB)
    np.testing.assert_array_equal(images.decode(tmp_path / "link.png"), RGB)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    with open(tmp_path / "huge.png", "wb") as file:
        file.truncate(2**34)
    for name, words in {
        "pipe.png": "not a regular file",
        ".": "not a regular file",
        "broken.png": "No such file",
        "loop.png": "can't be read",
        "huge.png": "16384.0 MB",
        "nul\0.png": "can't be read",
    }.items():
        with pytest.raises(ImageError, match=words):
            images.decode(tmp_path / name)


@pytest.mark.filterwarnings("ignore")  # Pillow has much to say about broken files
def test_mutated_images_raise_nothing_else() -> None:
    """Cut, flipped and lengthened files of every format end in pixels or ImageError, in little memory."""
    image = Image.fromarray(RGB)
    frames = {"save_all": True, "append_images": [image, image]}
    whole = [saved(image, kind) for kind in images.FORMATS]
    whole += [saved(image, kind, **frames) for kind in ("GIF", "WEBP", "PNG", "TIFF")]
    whole += [saved(image, "TIFF", compression="tiff_lzw"), saved(image, "JPEG", progressive=True, exif=b"Exif\0\0MM")]
    whole += [saved(image.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGBA")]
    draw = random.Random(5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    decoded = 0
    for _ in range(1500):
        data = bytearray(draw.choice(whole))
        what = draw.random()
        if what < 0.25:
            del data[draw.randrange(len(data)) :]
        elif what < 0.85:
            reach = min(len(data), draw.choice([40, 200, len(data)]))
            for _ in range(draw.choice([1, 2, 8])):
                data[draw.randrange(reach)] = draw.randrange(256)
        else:
            place = draw.randrange(len(data))
            data[place:place] = draw.randbytes(20)
        try:
            pixels, _notes = images.decode_with_notes(bytes(data))
        except ImageError:
            continue
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3
        decoded += 1
    assert 100 < decoded < 1400
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_crop_boxes_by_hand() -> None:
    assert images.crop_box((218, 178, 3), (64, 64), "face") == (20, 0, 178, 178)
    assert images.crop_box((436, 356), (64, 64), "face") == (40, 0, 356, 356)
    assert images.crop_box((100, 300), (50, 50), "centre") == (0, 100, 100, 100)
    assert images.crop_box((300, 100), (50, 100), "centre") == (125, 0, 50, 100)
    assert images.crop_box((10, 20, 1), (7, 7)) == (0, 0, 10, 20)
    assert images.crop_box((1, 1), (300, 4), "face") == (0, 0, 1, 1)
    with pytest.raises(ImageError, match="whole, centre, face"):
        images.crop_box((10, 10), (5, 5), "middle")


def test_shrinking_by_a_whole_number_is_the_mean() -> None:
    expected = RGB[:30, :40].reshape(10, 3, 10, 4, 3).mean(axis=(1, 3))
    assert np.abs(images.fit(RGB[:30, :40], (10, 10)) - expected).max() <= 0.5 + 1e-9


def test_shrinking_leaves_no_moire() -> None:
    """Stripes of one pixel become even grey at half their size and below."""
    stripes = np.tile(np.array([[0], [255]], np.uint8), (100, 200))[..., None]
    for side in (50, 37, 23, 10):
        shrunk = images.fit(stripes, (side, side), channels=1).astype(int)
        assert np.abs(shrunk - 127).max() <= 16, side


@pytest.mark.parametrize("size", [(30, 44), (10, 10), (90, 100), (10, 100), (100, 10), (30, 7), (4, 1024)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("given", [1, 3])
def test_fit_gives_what_was_asked_for(size: tuple[int, int], channels: int, given: int) -> None:
    constant = np.full((30, 44, given), 77, np.uint8)
    fitted = images.fit(constant, size, channels=channels, crop="centre")
    assert fitted.shape == (*size, channels)
    assert fitted.dtype == np.uint8
    assert np.unique(fitted).tolist() == [77]


def test_same_size_changes_nothing_and_face_takes_its_rows() -> None:
    np.testing.assert_array_equal(images.fit(RGB, (30, 44)), RGB)
    face = RNG.integers(0, 256, (218, 178, 3), dtype=np.uint8)
    np.testing.assert_array_equal(images.fit(face, (178, 178), crop="face"), face[20:198])


def test_grey_is_luma() -> None:
    luma = RGB @ np.array([0.299, 0.587, 0.114])
    grey = images.with_channels(RGB, 1)
    assert grey.shape == (30, 44, 1)
    assert np.abs(grey[..., 0] - luma).max() <= 0.51
    np.testing.assert_array_equal(images.with_channels(grey[..., 0], 3), np.repeat(grey, 3, axis=2))


def test_png_returns_the_same() -> None:
    for image in (RGB, RGB[..., :1], RGB[..., 0]):
        decoded = images.decode(images.to_png(image))
        np.testing.assert_array_equal(decoded, images.with_channels(image, 3))


@pytest.mark.parametrize(("kind", "ending"), [("JPEG", ".jpg"), ("PNG", ".png"), ("TIFF", ".tif"), ("WEBP", ".webp")])
def test_a_files_ending_is_that_of_what_it_holds(kind: str, ending: str) -> None:
    assert images.file_ending(saved(Image.fromarray(RGB), kind)) == ending
