"""JPEG and PNG files with odd structure: segments and chunks that lie, repeat, are missing or never end."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from cnnviz import images
from cnnviz.overlay import overlay

CHUNKS = [
    b"zTXt",
    b"iTXt",
    b"iCCP",
    b"tEXt",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"PLTE",
    b"tRNS",
    b"XXXX",
    b"gAMA",
    b"pHYs",
    b"eXIf",
]


def source_image(draw: Random) -> np.ndarray:
    rng = np.random.default_rng(draw.randrange(1 << 30))
    height, width = draw.choice([(1, 1), (8, 8), (1, 3000), (64, 48), (301, 200)])
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def jpeg(draw: Random) -> bytes:
    image = Image.fromarray(source_image(draw)).convert(draw.choice(["RGB", "RGB", "L", "CMYK"]))
    file = io.BytesIO()
    turned = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([draw.randrange(12), *bytes(6)])
    more = {"exif": draw.choice([b"", turned, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"x" * 40])}
    image.save(
        file,
        "JPEG",
        quality=draw.choice([1, 30, 75, 100]),
        progressive=draw.random() < 0.5,
        subsampling=draw.choice([0, 1, 2]),
        **{key: value for key, value in more.items() if value},
    )
    return file.getvalue()


def repeated(part: Any, times: int, size: int) -> list[Any]:
    """A part again and again, as often as fits into a file that may be uploaded."""
    return [part] * min(times, 50_000_000 // max(1, size))


def segments(data: bytes) -> list[bytes]:
    """A JPEG's parts, each scan with its data."""
    parts, at = [data[:2]], 2
    while at + 4 <= len(data):
        size = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + size
        if data[at + 1] == 0xDA:
            while end < len(data) - 1 and not (data[end] == 0xFF and data[end + 1] not in (0, *range(0xD0, 0xD8))):
                end += 1
        parts.append(data[at:end])
        at = end
        if data[at : at + 2] == b"\xff\xd9":
            break
    return [*parts, data[at:]]


def odd_jpeg(draw: Random) -> bytes:
    parts = segments(jpeg(draw))
    for _ in range(draw.choice([0, 1, 1, 2, 3])):
        at = draw.randrange(1, len(parts))
        how = draw.randrange(8)
        if how == 0:
            parts[at:at] = repeated(parts[at], draw.choice([1, 2, 300, 20_000]), len(parts[at]))
        elif how == 1:
            del parts[at]
        elif how == 2:
            other = draw.randrange(1, len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        elif how == 3:  # any size
            frame = next((n for n, part in enumerate(parts) if part[1:2] in (b"\xc0", b"\xc2")), at)
            size = struct.pack(">HH", draw.choice([0, 1, 8, 30_000, 65_535]), draw.choice([0, 1, 8, 30_000, 65_535]))
            parts[frame] = parts[frame][:5] + size + parts[frame][9:]
        elif how == 4:
            kind = bytes([0xFF, draw.choice([0xE0, 0xE1, 0xE2, 0xED, 0xFE, 0xDD, 0xC4, 0xDB])])
            size = struct.pack(">H", draw.choice([2, 20, 65_535]))
            parts.insert(at, kind + size + bytes(draw.choice([0, 18, 65_533])))
        elif how == 5:
            parts.insert(at, bytes([draw.choice([0xFF, 0, 0xD9])]) * draw.choice([1, 3, 100_000]))
        elif how == 6:
            part = bytearray(parts[at])
            if part:
                part[draw.randrange(len(part))] = draw.randrange(256)
            parts[at] = bytes(part)
        else:
            parts[at] = parts[at][: draw.randrange(len(parts[at]) + 1)]
    return b"".join(parts)


def png(draw: Random) -> list[tuple[bytes, bytes]]:
    """A PNG's chunks."""
    image = Image.fromarray(source_image(draw))
    image = image.convert(draw.choice(["RGB", "L", "LA", "RGBA", "P", "1", "I;16"])) if draw.random() < 0.8 else image
    file = io.BytesIO()
    image.save(file, "PNG", **draw.choice([{}, {"transparency": 3} if image.mode in "LP" else {}]))
    data, chunks, at = file.getvalue(), [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def odd_png(draw: Random) -> bytes:
    chunks = png(draw)
    for _ in range(draw.choice([0, 1, 1, 2, 3])):
        at = draw.randrange(len(chunks))
        how = draw.randrange(8)
        if how == 0:
            chunks[at:at] = repeated(chunks[at], draw.choice([1, 2, 300, 100_000]), len(chunks[at][1]))
        elif how == 1 and len(chunks) > 1:
            del chunks[at]
        elif how == 2:
            other = draw.randrange(len(chunks))
            chunks[at], chunks[other] = chunks[other], chunks[at]
        elif how == 3:
            sides = struct.pack(">II", *(draw.choice([0, 1, 7, 20_000, 60_000, 2**31 - 1]) for _ in "hw"))
            chunks[0] = (
                b"IHDR",
                sides + bytes([draw.choice([1, 8, 16, 3]), draw.choice([0, 2, 3, 6, 9]), 0, 0, draw.choice([0, 1])]),
            )
        elif how == 4:
            kind = draw.choice(CHUNKS)
            packed = zlib.compress(bytes(draw.choice([10, 10**6, 2 * 10**8])), 1)
            chunks.insert(at, (kind, draw.choice([b"", b"a\0\0" + packed, b"a\0\0\0\0\0" + packed, bytes(26)])))
        elif how == 5:
            chunks[at:at] = [(b"tEXt", b"")] * draw.choice([1, 1000, 400_000])
        elif how == 6:
            chunks.insert(at, (b"IDAT", zlib.compress(bytes(draw.choice([1, 10**5, 3 * 10**8])), 1)))
        else:
            name, part = chunks[at]
            chunks[at] = (name, part[: draw.randrange(len(part) + 1)])
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part))
        + name
        + part
        + struct.pack(">I", zlib.crc32(name + part) ^ (draw.random() < 0.001))
        for name, part in chunks
    )
    return data if draw.random() < 0.9 else data[: draw.randrange(len(data))]


def made(draw: Random, folder: Path) -> Path:
    path = folder / draw.choice(["photo.jpg", "photo.png"])
    path.write_bytes((odd_jpeg if draw.random() < 0.5 else odd_png)(draw))
    return path


def asked(path: Path) -> None:
    for bits in (None, 12):
        image, _ = images.decode_with_notes(path.read_bytes(), bits)
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] in (1, 3)
        seen = images.fit(image, (64, 64), channels=3, crop="whole")
        assert seen.shape == (64, 64, 3)
        assert overlay(seen, np.ones((4, 4), np.float32)).shape == seen.shape
