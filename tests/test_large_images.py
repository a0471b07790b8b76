"""Images of phones with more than 50 megapixels: read reduced, upright, in no more memory than others need."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cnnviz import images
from cnnviz.errors import ImageError

PHONE = (6144, 8160)
MEMORY = (8 * images.MAX_PIXELS + images.MAX_BYTES) // 1024
"""Kilobytes that any image may take: 50 megapixels of 4 bytes, twice where Pillow turns a TIFF, and the file."""
PEAK = """
import pathlib, re, sys
import numpy
from cnnviz import images

def most():  # ru_maxrss would begin with what the parent had
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

images.decode(images.to_png(numpy.zeros((8, 8, 3), numpy.uint8)))
before = most()
shape = images.decode(pathlib.Path(sys.argv[1])).shape
print(*shape, most() - before)
"""


def source_image(height: int, width: int) -> np.ndarray:
    """A smooth image: its top is red, its left side blue."""
    small = np.zeros((6, 8, 3), np.uint8)
    small[..., 0], small[..., 2] = np.linspace(250, 0, 6)[:, None], np.linspace(250, 0, 8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


@pytest.fixture(scope="module")
def phone() -> Image.Image:
    return Image.fromarray(source_image(*PHONE))


def saved(image: Image.Image, path: Path, kind: str, **options: object) -> Path:
    image.save(path, kind, **options)
    assert path.stat().st_size < images.MAX_BYTES
    return path


def peak(path: Path) -> tuple[tuple[int, ...], int]:
    """The shape that comes out of a file, and the kilobytes that a process of its own took for it."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    *shape, kilobytes = map(int, done.stdout.split())
    return tuple(shape), kilobytes


KINDS = {
    "JPEG": {"quality": 80},
    "progressive JPEG": {"quality": 80, "progressive": True},
    "PNG": {"compress_level": 1},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_s_image_is_read_at_half_its_size(phone: Image.Image, kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # as a phone that was held upright writes it
    path = saved(phone, tmp_path / "photo", kind.split()[-1], exif=exif, **KINDS[kind])
    pixels, notes = images.decode_with_notes(path)
    assert pixels.shape == (4080, 3072, 3)
    expected = np.rot90(cv2.resize(np.asarray(phone), (4080, 3072), interpolation=cv2.INTER_AREA), -1)
    assert np.abs(pixels[::16, ::16].astype(int) - expected[::16, ::16]).max() <= 4
    assert any("50.1 megapixels and is read at 3,072 × 4,080 pixels" in note for note in notes)
    shape, kilobytes = peak(path)
    assert shape == pixels.shape
    assert np.prod(shape) / 1024 < kilobytes < MEMORY, kilobytes


def test_halves_are_means_of_four_in_every_colour_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """With bands of few rows and a small limit in place of the real ones, so that all of it can be compared."""
    monkeypatch.setattr(images, "MAX_PIXELS", 4000)
    monkeypatch.setattr(images, "_BAND_PIXELS", 700)
    rgb = np.random.default_rng(0).integers(0, 256, (71, 95, 3), np.uint8)
    for mode in ("RGB", "L", "P", "RGBA", "1", "I;16"):
        deep = Image.fromarray(rgb[..., 0].astype(np.uint16) * 257)
        file = io.BytesIO()
        (deep if mode == "I;16" else Image.fromarray(rgb).convert(mode)).save(file, "PNG")
        with monkeypatch.context() as whole:
            whole.setattr(images, "MAX_PIXELS", 10_000)
            wanted = images.decode(file.getvalue())[:70, :94].reshape(35, 2, 47, 2, 3).astype(int).sum((1, 3))
        np.testing.assert_array_equal(images.decode(file.getvalue()), (wanted + 2) // 4, mode)


def test_jpegs_of_more_are_read_smaller_and_bombs_refused(tmp_path: Path) -> None:
    large = Image.new("L", (12_000, 9_000), 90)  # 108 megapixels
    path = saved(large, tmp_path / "large.jpg", "JPEG", quality=50)
    shape, kilobytes = peak(path)
    assert shape == (4500, 6000, 3)
    assert np.prod(shape) / 1024 < kilobytes < MEMORY, kilobytes
    for kind, options in (("JPEG", {"progressive": True}), ("PNG", {"compress_level": 1})):
        with pytest.raises(ImageError, match="12000 × 9000 pixels; at most 60 megapixels"):
            images.decode(saved(large, tmp_path / "large", kind, **options))
    data = bytearray(path.read_bytes())
    at = data.find(b"\xff\xc0") + 5
    data[at : at + 4] = (14_000).to_bytes(2, "big") + (14_000).to_bytes(2, "big")
    with pytest.raises(ImageError, match=r"at most 178 megapixels|too many pixels"):
        images.decode(bytes(data))


def test_a_jpeg_of_very_many_passes_is_refused_before_it_is_decoded() -> None:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(noise).resize((4000, 3000)).save(file, "JPEG", progressive=True, quality=30)
    data = file.getvalue()
    assert images.decode(data).shape == (3000, 4000, 3)
    last = data[data.rindex(b"\xff\xda") : -2]
    many = data[:-2] + last * 100 + b"\xff\xd9"
    with pytest.raises(ImageError, match=r"progressive JPEG of 1\d\d passes over 4000 × 3000 pixels"):
        images.decode(many)


def test_a_png_of_very_many_parts_is_refused_before_they_are_read() -> None:
    data = images.to_png(np.zeros((8, 8, 3), np.uint8))
    empty = b"\0\0\0\0teSt" + zlib.crc32(b"teSt").to_bytes(4, "big")
    begin = 8 + 25  # after its header
    assert images.decode(data[:begin] + empty * 1000 + data[begin:]).shape == (8, 8, 3)
    with pytest.raises(ImageError, match="in more than 65,536 parts"):
        images.decode(data[:begin] + empty * 100_000 + data[begin:])
