"""Images that were made to do harm, and what must come out of honest ones wherever they are used."""

from __future__ import annotations

import ast
import io
import random
import re
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz import images
from cnnviz.data import open_dataset, prepare
from cnnviz.errors import ImageError
from cnnviz.models.classifier import Classifier
from cnnviz.recipe import Data
from cnnviz.ui.inputs.input_image import of_upload

ROOT = Path(__file__).resolve().parents[2]
MUTATIONS = 4_200
GROWTH = 300 * 1024  # kilobytes, as the kernel counts
RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (21, 34, 3), np.uint8)
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", "I;16", "I", "F")
KINDS = {
    "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("L", "P", "RGB", "RGBA"),
    "GIF": ("1", "L", "P", "RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
}
ORIENTED = ("JPEG", "PNG", "WEBP", "TIFF")  # the formats that hold EXIF
TURNED = {5, 6, 7, 8}


def sample_of(mode: str) -> Image.Image:
    """A small noisy image of a colour mode."""
    image = Image.fromarray(RGB)
    if mode == "I;16":
        return Image.fromarray(RGB[..., 0].astype(np.uint16) * 257)
    if mode in ("I", "F"):
        return Image.fromarray(RGB[..., 0].astype(np.int32 if mode == "I" else np.float32))
    if mode == "LAB":
        return Image.frombytes("LAB", image.size, RGB.tobytes())
    if mode in ("PA", "RGBa", "LA"):
        alpha = Image.fromarray(RGB[..., 1])
        image = image.convert("RGBA")
        image.putalpha(alpha)
        return image.convert({"PA": "PA", "LA": "LA", "RGBa": "RGBa"}[mode])
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **({"lossless": True} if kind == "WEBP" else {}), **options)
    return file.getvalue()


def turned(mode: str, kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(sample_of(mode), kind, exif=exif)


def whole() -> list[bytes]:
    """Small files of all formats and modes, animated and compressed in several ways."""
    made = [saved(sample_of(mode), kind) for kind, modes in KINDS.items() for mode in modes]
    frames = {"save_all": True, "append_images": [sample_of("RGB").rotate(turn) for turn in (90, 180)]}
    made += [saved(sample_of("RGB"), kind, **frames) for kind in ("GIF", "WEBP", "PNG", "TIFF")]
    made += [
        saved(sample_of("RGB"), "TIFF", compression=name) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits")
    ]
    made += [saved(sample_of("RGB"), "TIFF", compression="jpeg"), saved(sample_of("1"), "TIFF", compression="group4")]
    made += [saved(sample_of("RGB"), "JPEG", progressive=True), turned("RGB", "JPEG", 6), turned("RGB", "PNG", 7)]
    return [*made, turned("RGB", "WEBP", 5), turned("RGB", "TIFF", 8)]


def mutated(draw: random.Random, data: bytes) -> bytes:
    made, what = bytearray(data), draw.random()
    if what < 0.15:
        del made[draw.randrange(len(made)) :]
    elif what < 0.7:
        reach = min(len(made), draw.choice([40, 200, len(made)]))
        for _ in range(draw.choice([1, 2, 4, 16])):
            made[draw.randrange(reach)] = draw.choice([0, 1, 127, 128, 255, draw.randrange(256)])
    elif what < 0.85:
        at = draw.randrange(max(1, len(made) - 4))  # a number that is far too large
        made[at : at + 4] = draw.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\0\xff\xff\0"])
    elif what < 0.93:
        at = draw.randrange(len(made))
        made[at:at] = made[draw.randrange(len(made)) :][:50]
    else:
        at = draw.randrange(len(made))
        made[at:at] = draw.randbytes(20)
    return bytes(made)


def memory() -> int:
    """The most memory that this process has had since `forget`, in kilobytes."""
    return int(re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)[1])


def forget() -> int:
    """Lets the kernel forget the most that there was, which may be of another test; returns what there is now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory()


@pytest.mark.filterwarnings("ignore")  # Pillow has much to say about broken files
def test_mutated_images_raise_one_error_and_fill_no_memory() -> None:
    files, draw, decoded = whole(), random.Random(11), 0
    for data in files:
        images.decode_with_notes(data)
    before = forget()
    for number in range(MUTATIONS):
        data = mutated(draw, files[number % len(files)])
        try:
            pixels, _ = images.decode_with_notes(data)
        except ImageError:
            continue
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3
        decoded += 1
    assert MUTATIONS // 10 < decoded < MUTATIONS
    assert memory() - before < GROWTH


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *more: bytes, body: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(body or bytes(1000), 9))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + data + chunk(b"IEND", b"")


def gif(screen: int, frame: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, frame, frame, 0) + b"\x02\x02\x4c\x01\x00;"


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 70, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(16)


def webp(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    body = b"VP8L" + struct.pack("<IB", 32, 0x2F) + struct.pack("<I", bits) + bytes(27)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg(width: int, height: int) -> bytes:
    data = bytearray(saved(sample_of("RGB"), "JPEG"))
    at = data.find(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def tiff(width: int, height: int, body: bytes, *more: tuple[int, int, int]) -> bytes:
    """A grey TIFF, deflated: in one strip, or in tiles where `more` tags say so."""
    tags = {256: (4, width), 257: (4, height), 258: (3, 8), 259: (3, 8), 262: (3, 1), 277: (3, 1), 284: (3, 1)}
    tags |= {273: (4, 8), 278: (4, height), 279: (4, len(body))} if not more else {324: (4, 8), 325: (4, len(body))}
    tags |= {tag: (kind, value) for tag, kind, value in reversed(more)}
    rows = sorted((tag, kind, value) for tag, (kind, value) in tags.items())
    rows += [row for row in more if row not in rows]  # what is there twice
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in rows)
    directory = struct.pack("<H", len(rows)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + directory


@lru_cache(maxsize=1)
def zeros() -> bytes:
    """320 MB of zero bytes, deflated."""
    pack, block = zlib.compressobj(1), bytes(2**20)
    return b"".join([*(pack.compress(block) for _ in range(320)), pack.flush()])


TILE = (322, 4, 40_000), (323, 4, 40_000)
BOMBS: dict[str, Callable[[], bytes]] = {
    "png of 400 megapixels": lambda: png(20_000, 20_000),
    "png of 64 megapixels": lambda: png(8_000, 8_000),
    "png whose side is out of reach": lambda: png(2**31 - 1, 1),
    "png of no rows": lambda: png(10, 0),
    "png with a text of 320 MB": lambda: png(8, 8, chunk(b"zTXt", b"a\0\0" + zeros())),
    "png with 80 texts of 1 MB": lambda: png(8, 8, *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20)))] * 80),
    "png with a profile of 320 MB": lambda: png(8, 8, chunk(b"iCCP", b"a\0\0" + zeros())),
    "png with more pixels than it says": lambda: png(8, 8, body=bytes(30 * 2**20)),
    "gif with a screen of 4,000 megapixels": lambda: gif(65_535, 1),
    "gif with a frame of 4,000 megapixels": lambda: gif(10, 65_535),
    "bmp of 900 megapixels": lambda: bmp(30_000, 30_000),
    "bmp that is upside down and endless": lambda: bmp(2**31 - 1, -(2**31)),
    "webp of 268 megapixels": lambda: webp(16_384, 16_384),
    "jpeg of 4,000 megapixels": lambda: jpeg(65_500, 65_500),
    "tiff of 900 megapixels": lambda: tiff(30_000, 30_000, zlib.compress(bytes(1000))),
    "tiff with a tile of 1.6 GB": lambda: tiff(8, 8, zeros(), *TILE),
    "tiff with a tile of 319 MB": lambda: tiff(8, 8, zeros(), (322, 4, 17_856), (323, 4, 17_856)),
    "tiff with a tile that is there twice": lambda: tiff(8, 8, zeros(), *TILE, (322, 4, 16), (323, 4, 16)),
    "tiff with a tile of other numbers": lambda: tiff(8, 8, zeros(), (322, 9, 40_000), (323, 9, 40_000)),
    "tiff in a strip that goes on": lambda: tiff(64, 64, zeros()),
    "21 MB": lambda: bytes(21 * 2**20),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.filterwarnings("ignore")
def test_bombs_fill_no_memory(name: str) -> None:
    """Most are refused; a small image with a bomb beside it may be read, without it."""
    data = BOMBS[name]()
    before = forget()
    try:
        pixels = images.decode(data)
    except ImageError:
        pass
    else:
        assert pixels.size < 64 * 64 * 4
    assert memory() - before < GROWTH


def test_tiles_of_a_usual_size_are_read() -> None:
    tile = np.zeros((256, 256), np.uint8)
    tile[:9, :7] = np.arange(63).reshape(9, 7)
    data = tiff(7, 9, zlib.compress(tile.tobytes()), (322, 3, 256), (323, 3, 256))
    np.testing.assert_array_equal(images.decode(data)[..., 0], tile[:9, :7])


def other(kind: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    sample_of(mode).resize((32, 32)).save(file, kind)
    return file.getvalue()


REFUSED: dict[str, Callable[[], bytes]] = {
    **{kind: lambda kind=kind: other(kind) for kind in ("ICO", "PPM", "TGA", "PCX", "SGI", "DDS", "PDF", "EPS")},
    "ICNS": lambda: other("ICNS", "RGBA"),
    "JPEG 2000": lambda: other("JPEG2000"),
    "XBM": lambda: other("XBM", "1"),
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/x) (w) file\n",
    "imagemagick": lambda: b"push graphic-context\nfill 'url(https://127.0.0.1/x.png\"|touch /tmp/x\")'\n",
    "html": lambda: b"<html><img src=x onerror=alert(1)></html>",
    "heic": lambda: b"\0\0\0\x18ftypheic" + bytes(100),
    "zip": lambda: b"PK\x03\x04" + bytes(100),
    "hdf5": lambda: b"\x89HDF\r\n\x1a\n" + bytes(100),
    "fits": lambda: b"SIMPLE  =                    T".ljust(80) + bytes(2800),
    "fli": lambda: bytes([12, 0, 0, 0, 0x11, 0xAF]) + bytes(200),
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_formats_are_refused(name: str) -> None:
    with pytest.raises(ImageError, match=r"JPEG, PNG, WEBP, GIF, BMP or TIFF|0 bytes"):
        images.decode(REFUSED[name]())


def test_training_and_prediction_see_the_same_pixels(tmp_path: Path) -> None:
    """Every orientation of EXIF in every colour mode, by way of a folder and by way of an upload."""
    files = {
        f"{kind}-{mode.replace(';', '')}-{orientation}.{kind.lower()}": turned(mode, kind, orientation)
        for kind in ORIENTED
        for mode in KINDS[kind]
        for orientation in range(1, 9)
    }
    for number, (name, data) in enumerate(files.items()):
        place = tmp_path / f"class{number % 2}" / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
    for size, channels, crop in (((16, 12), 3, "whole"), ((9, 14), 1, "centre")):
        data = Data(dataset=str(tmp_path), image_size=size, channels=channels, crop=crop)
        dataset, seen = open_dataset(data), 0
        asked = Classifier("x", None, (), {}, size, channels, crop, bits=dataset.bits)
        for split in dataset.splits.values():
            source_images = prepare(split, data, whole=False)
            assert not source_images.skipped
            for row, sample in enumerate(source_images.kept):
                name = split.name_of(int(sample)).partition("/")[2]
                image = of_upload(name, files[name]).whole(asked.bits)
                np.testing.assert_array_equal(source_images[row], asked.fit(image), name)
                seen += 1
        assert seen == len(files)
    for name, data in files.items():
        height, width = images.decode(data).shape[:2]
        expected = (34, 21) if int(name.partition(".")[0][-1]) in TURNED else (21, 34)
        assert (height, width) == expected, name


def calls(path: Path) -> set[str]:
    """The last names of all that a file calls, and whole ones of all that it takes out of something, called or not."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    called = (node.func for node in nodes if isinstance(node, ast.Call))
    names = {getattr(node, "attr", getattr(node, "id", "")) for node in called}
    return names | {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}


def test_there_is_one_door_for_the_bytes_of_images() -> None:
    """OpenCV, TensorFlow and Keras decode nothing anywhere, and Pillow in one module only."""
    decoders = {
        "imdecode",
        "imread",
        "imdecodemulti",
        "imreadmulti",
        "VideoCapture",
        "decode_image",
        "decode_jpeg",
        "decode_png",
        "decode_gif",
        "decode_bmp",
        "load_img",
        "image_dataset_from_directory",
    }
    for path in [*(ROOT / "cnnviz").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        assert not calls(path) & decoders, path
        assert ("Image.open" in calls(path)) == (path == ROOT / "cnnviz" / "images.py"), path
