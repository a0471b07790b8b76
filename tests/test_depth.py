"""Images of 9 to 16 bits: the bits that are used become 0..255, in training, prediction and preview alike."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz import images
from cnnviz.data import open_dataset, prepare
from cnnviz.models.classifier import Classifier
from cnnviz.recipe import Data
from cnnviz.ui.inputs.input_image import notes_on, of_upload

RAMP = np.linspace(0, 4095, 64).round().astype(np.uint16).reshape(8, 8)
WANTED = np.rint(RAMP * (255 / 4095)).astype(np.uint8)


def png(values: np.ndarray, significant: int | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    data = file.getvalue()
    if significant is None:
        return data
    body = b"sBIT" + bytes([significant])
    chunk = struct.pack(">I", 1) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def tiff(values: np.ndarray, **tags: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF", tiffinfo={int(tag[1:]): value for tag, value in tags.items()})
    return file.getvalue()


def twelve_bit_tiff(values: np.ndarray) -> bytes:
    """As a camera packs it: BitsPerSample is 12, two values in three bytes."""
    first, second = values.reshape(-1, 2).T.astype(int)
    body = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8).tobytes()
    tags = {
        256: values.shape[1],
        257: values.shape[0],
        258: 12,
        259: 1,
        262: 1,
        273: 8,
        277: 1,
        278: values.shape[0],
        279: len(body),
    }
    rows = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + rows + bytes(4)


DARK = RAMP // 32  # of which no value shows that there are 12 bits
BY = {"own": "greatest value", "file": "file says"}


@pytest.mark.parametrize(
    ("data", "values", "bits", "by"),
    [
        (png(RAMP), RAMP, 12, "own"),
        (tiff(RAMP), RAMP, 12, "own"),
        (tiff(RAMP.astype(np.int32)), RAMP, 12, "own"),
        (png(RAMP // 4), RAMP // 4, 10, "own"),
        (png(RAMP * 4), RAMP * 4, 14, "own"),
        (png(RAMP * 16), RAMP * 16, 16, "own"),
        (png(DARK), DARK, 8, "own"),
        (png(DARK, 12), DARK, 12, "file"),
        (png(RAMP, 12), RAMP, 12, "file"),
        (png(RAMP << 4 | RAMP >> 8, 12), RAMP << 4 | RAMP >> 8, 16, "file"),  # at the upper end, as PNG wants it
        (png(DARK << 4, 12), DARK << 4, 16, "file"),
        (tiff(DARK, _281=4095), DARK, 12, "file"),
        (tiff(RAMP * 16, _281=3000), RAMP * 16, 16, "file"),  # a tag that isn't true
        (twelve_bit_tiff(DARK), DARK, 12, "file"),
        (twelve_bit_tiff(DARK << 4), DARK << 4, 12, "file"),
    ],
    ids=range(15),
)
def test_the_bits_that_are_used_become_0_to_255(data: bytes, values: np.ndarray, bits: int, by: str) -> None:
    assert images.is_deep(data)
    pixels, (note,) = images.decode_with_notes(data)
    np.testing.assert_array_equal(pixels[..., 0], np.rint(values * (255 / (2**bits - 1))))
    assert f"{bits} bits" in note
    assert BY[by] in note
    assert images.bits(data) == bits


def test_eight_bits_are_not_deep() -> None:
    data = png(WANTED)
    assert not images.is_deep(data)
    assert images.bits(data) is None
    assert images.decode_with_notes(data)[1] == ()


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Twelve bits as a microscope writes them; most images are too dark to show how many there are."""
    for name in ("dead", "living"):
        (tmp_path / "cells" / name).mkdir(parents=True)
        for number in range(6):
            bright = number == 5 and name == "living"
            values = RAMP if bright else np.roll(RAMP // (8 * number + 5), number)
            (tmp_path / "cells" / name / f"{number}.{'tif' if number % 2 else 'png'}").write_bytes(
                tiff(values) if number % 2 else png(values)
            )
    return tmp_path / "cells"


def test_a_dataset_has_one_scale_and_prediction_has_the_same(cells: Path) -> None:
    data = Data(dataset=str(cells), image_size=8, channels=1, test_share=0.3)
    dataset = open_dataset(data)
    assert dataset.bits == 12
    assert any("use 12 of them: 0..4,095 became 0..255" in note for note in dataset.notes)
    asked = Classifier("x", None, (), {}, (8, 8), 1, bits=dataset.bits)
    seen = 0
    for split in dataset.splits.values():
        source_images = prepare(split, data)
        for row, sample in enumerate(source_images.kept):
            path = split.path_of(int(sample))
            with Image.open(path) as image:
                expected = np.rint(np.asarray(image) * (255 / 4095))
            np.testing.assert_array_equal(source_images[row][..., 0], expected, str(path))  # training
            np.testing.assert_array_equal(split.image(int(sample))[..., 0], expected)  # preview
            source_image = of_upload(path.name, path.read_bytes())  # prediction
            np.testing.assert_array_equal(asked.fit(source_image.whole(asked.bits))[..., 0], expected)
            assert any("12 bits, as the images that it learned from" in note for note in notes_on(source_image, 12))
            seen += 1
    assert seen == 12


def test_the_scale_is_of_the_data_whatever_is_taken_of_it(cells: Path) -> None:
    for settings in ({"limits": {"train": 2}}, {"split_seed": 9}, {"without": ["living/5.tif"]}):
        assert open_dataset(Data(dataset=str(cells), image_size=8, test_share=0.3, **settings)).bits == 12
    (cells / "dead" / "6.png").write_bytes(png(RAMP * 16))
    assert open_dataset(Data(dataset=str(cells), image_size=8, test_share=0.3)).bits == 16


def test_an_image_beyond_the_scale_has_its_own(cells: Path) -> None:
    assert images.decode(png(RAMP * 16), 12).max() == 255
    np.testing.assert_array_equal(images.decode(png(RAMP * 16), 12), images.decode(png(RAMP * 16)))


def test_arrays_are_scaled_by_the_bits_of_the_training_images(tmp_path: Path) -> None:
    labels = np.arange(8) % 2
    values = np.stack([RAMP // (n + 1) for n in range(8)])
    np.savez(tmp_path / "set.npz", x_train=values, y_train=labels, x_test=values[:4] + 100, y_test=labels[:4])
    data = Data(dataset=str(tmp_path / "set.npz"), image_size=8, channels=1, validation_share=0)
    dataset = open_dataset(data)
    np.testing.assert_array_equal(dataset.splits["train"].image(0)[..., 0], WANTED)
    expected = np.minimum(np.rint((values[:4] + 100) * np.float32(255 / 4095)), 255)
    np.testing.assert_array_equal(np.stack([dataset.splits["test"].image(i)[..., 0] for i in range(4)]), expected)
    assert any("uint16" in note for note in dataset.notes)
