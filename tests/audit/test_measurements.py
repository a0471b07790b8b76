"""What is measured of images: against cases worked out by hand, and NumPy, hashlib and Pillow in other ways."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz import images
from cnnviz.audit import measurements
from cnnviz.audit.measurements import PLACES, measure
from cnnviz.audit.pool import pool_of
from cnnviz.data.dataset import Arrays, Dataset, Head, Split
from cnnviz.data.edits import find
from cnnviz.data.samples import sample
from cnnviz.progress import Cancelled
from cnnviz.recipe import Data
from tests.audit.made_pools import made_dataset, of_arrays, of_files

NOISE = np.random.default_rng(0).integers(0, 256, (5, 40, 60, 3), np.uint8)
GREY = NOISE[..., :1]


def row(image: np.ndarray) -> dict[str, float]:
    """The properties of one image in memory."""
    return measure(of_arrays(image[None])).properties.iloc[0].to_dict()


def laplacian(grey: np.ndarray) -> np.ndarray:
    """Above, below, left and right minus four times the middle; beyond the border, the image mirrored at it."""
    wide = np.pad(grey.astype(int), 1, mode="reflect")
    return wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * wide[1:-1, 1:-1]


def test_grey_values_by_hand() -> None:
    image = np.zeros((10, 20, 1), np.uint8)
    image[:, 10:] = 100
    found = row(image)
    assert (found["width"], found["height"], found["bytes"], found["format"], found["camera"]) == (20, 10, 0, "", "")
    assert (found["brightness"], found["contrast"], found["saturation"]) == (50, 50, 0)
    assert (found["darkest"], found["brightest"]) == (0, 100)
    # the Laplacian is 100 left of the edge and -100 right of it, 0 in the other 18 columns
    assert found["sharpness"] == pytest.approx(2 * 100**2 / 20)


@pytest.mark.parametrize("image", [*GREY, np.clip(GREY[0] // 4 + 90, 0, 255)])
def test_grey_values_equal_numpys(image: np.ndarray) -> None:
    found, values = row(image), np.sort(image.ravel())
    assert found["brightness"] == pytest.approx(values.mean())
    assert found["contrast"] == pytest.approx(values.std())
    assert found["darkest"] == np.percentile(values, 1, method="inverted_cdf")
    assert found["brightest"] == np.percentile(values, 99, method="inverted_cdf")
    assert found["sharpness"] == pytest.approx(laplacian(image[..., 0]).var())


@pytest.mark.parametrize("image", NOISE[:2])
def test_colours_equal_numpys(image: np.ndarray) -> None:
    found = row(image)
    grey = np.rint(image @ np.array([0.299, 0.587, 0.114]))
    assert found["brightness"] == pytest.approx(grey.mean(), abs=0.05)
    assert found["contrast"] == pytest.approx(grey.std(), abs=0.05)
    assert found["saturation"] == pytest.approx(np.ptp(image, axis=2).mean())


def test_saturation_by_hand() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4] = 200, 150, 50
    image[4:] = 90, 90, 90
    assert row(image)["saturation"] == 75


@pytest.mark.parametrize("image", [NOISE[0], GREY[1]])
def test_border_and_corners_equal_numpys(image: np.ndarray) -> None:
    found, high, wide = row(image), 3, 5  # 8 % of 40 and of 60
    ring = np.ones(image.shape[:2], bool)
    ring[high : 40 - high, wide : 60 - wide] = False
    parts = {
        "border": image[ring],
        "upper left corner": image[:high, :wide],
        "upper right corner": image[:high, 60 - wide :],
        "lower left corner": image[40 - high :, :wide],
        "lower right corner": image[40 - high :, 60 - wide :],
    }
    assert tuple(parts) == PLACES
    for place, part in parts.items():
        part = part.reshape(-1, image.shape[2])
        means = np.broadcast_to(part.mean(axis=0), 3)
        assert [found[f"{place} {k}"] for k in range(3)] == pytest.approx(means.tolist()), place
        assert found[f"{place} 3"] == pytest.approx(part.std(axis=0).mean()), place


def test_large_images_are_measured_at_224_pixels() -> None:
    fine = np.kron(np.indices((224, 112)).sum(axis=0) % 2 * 255, np.ones((4, 4))).astype(np.uint8)[..., None]
    small = fine[::4, ::4]
    one, other = row(fine), row(small)
    assert (one["width"], one["height"]) == (448, 896)
    assert one["sharpness"] == pytest.approx(other["sharpness"])
    assert one["sharpness"] > 10**5


def test_thumbnails_are_means_of_blocks() -> None:
    found = measure(of_arrays(np.kron(GREY[:, :32, :32], np.ones((1, 4, 4, 1))).astype(np.uint8)))
    assert np.array_equal(found.thumbnails, GREY[:, :32, :32, 0])
    rough = np.random.default_rng(1).integers(0, 256, (1, 64, 96, 1), np.uint8)
    means = rough[0, ..., 0].reshape(32, 2, 32, 3).mean(axis=(1, 3))
    assert np.abs(measure(of_arrays(rough)).thumbnails[0] - means).max() <= 0.51


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 300), (3000, 1), (3, 2), (224, 224), (225, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_is_measured(shape: tuple[int, int], channels: int) -> None:
    found = measure(of_arrays(np.full((1, *shape, channels), 7, np.uint8)))
    table = found.properties.iloc[0]
    assert (table["height"], table["width"]) == shape
    assert (found.thumbnails == 7).all()
    assert (table["brightness"], table["contrast"], table["sharpness"], table["saturation"]) == (7, 0, 0, 0)
    assert [table[f"{place} {k}"] for place in PLACES for k in range(4)] == pytest.approx([7, 7, 7, 0] * 5, abs=1e-6)


def test_digests_are_of_files_and_of_pixels_with_their_shape(tmp_path: Path) -> None:
    for name, image in (("a.png", NOISE[0]), ("b.png", NOISE[1]), ("c.png", NOISE[0])):
        (tmp_path / name).write_bytes(images.to_png(image))
    (tmp_path / "d.png").write_bytes((tmp_path / "a.png").read_bytes() + b"\0")
    names = ["a.png", "b.png", "c.png", "d.png"]
    digests = measure(of_files(tmp_path, names)).digests.tolist()
    assert digests == [hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in names]
    assert digests[0] == digests[2] != digests[3]
    flat = np.arange(12, dtype=np.uint8)
    of = [measure(of_arrays(flat.reshape(1, *shape))).digests[0] for shape in ((3, 4, 1), (4, 3, 1), (2, 2, 3))]
    assert len(set(of)) == 3
    again = measure(of_arrays(np.stack([NOISE[0], NOISE[1], NOISE[0]]))).digests.tolist()
    assert again[0] == again[2] != again[1]


def test_what_files_say_of_themselves(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon\0", "EOS 5D "
    photo = Image.fromarray(NOISE[0])
    photo.save(tmp_path / "a.jpg", exif=exif)
    photo.save(tmp_path / "b.png")
    photo.save(tmp_path / "c.png", "WEBP")
    Image.fromarray(GREY[0, ..., 0]).save(tmp_path / "d.bmp")
    names = ["a.jpg", "b.png", "c.png", "d.bmp"]
    table = measure(of_files(tmp_path, names)).properties
    assert table["camera"].tolist() == ["Canon EOS 5D", "", "", ""]
    assert table["format"].tolist() == ["JPEG", "PNG", "WEBP", "BMP"]
    assert table["bytes"].tolist() == [(tmp_path / name).stat().st_size for name in names]
    assert table["saturation"].iloc[3] == 0
    assert (table["width"] == 60).all()


def test_turned_photos_are_measured_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(NOISE[0]).save(tmp_path / "a.jpg", exif=exif)
    table = measure(of_files(tmp_path, ["a.jpg"])).properties
    assert (table["width"][0], table["height"][0]) == (40, 60)


def test_what_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(images.to_png(NOISE[0]))
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes(images.to_png(NOISE[0])[:500])
    (tmp_path / "empty.png").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.png")  # nobody writes to it: who reads it waits for ever
    with open(tmp_path / "large.png", "wb") as file:
        file.truncate(images.MAX_BYTES + 1)
    names = ["text.png", "good.png", "cut.png", "empty.png", "gone.png", "pipe.png", "large.png"]
    found = measure(of_files(tmp_path, names))
    assert found.readable.tolist() == [False, True, False, False, False, False, False]
    assert found.unreadable == {
        "text.png": "This is not an image that can be read; expected JPEG, PNG, WEBP, GIF, BMP or TIFF.",
        "cut.png": "The image is damaged or cut off and can't be decoded.",
        "empty.png": "The image is empty: it has 0 bytes.",
        "gone.png": "It can't be read (No such file or directory).",
        "pipe.png": "It can't be read (not a regular file).",
        "large.png": "The image has 20.0 MB; at most 20 MB are allowed.",
    }
    assert [bool(digest) for digest in found.digests] == [True, True, True, True, False, False, False]
    assert not found.thumbnails[~found.readable].any()
    assert len(found.properties) == 7


def test_it_says_how_far_it_is_and_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "_CHUNK", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    said: list[tuple[str, int, int]] = []
    measure(of_arrays(NOISE), progress=lambda *one: said.append(one))
    assert said == [("Reading images", done, 5) for done in (2, 4, 5)]
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        measure(of_arrays(NOISE), cancelled=lambda: next(asked))


def test_a_pool_has_every_image_once_under_its_recipes_name() -> None:
    def part(name: str, images: np.ndarray, labels: list[int]) -> Split:
        return Split(name, {"label": np.array(labels)}, Arrays(lambda: images), np.arange(len(images)))

    test = part("test", NOISE[3:], [1, 0])
    splits = {"train": part("train", NOISE[:3], [0, 1, 1]), "test": test}
    shared = {**splits, "validation": Split("validation", test.labels, test.source, test.rows)}
    for chosen in (splits, shared):
        dataset = Dataset("made", "Made", "", (Head("label", ("a", "b")),), chosen)
        pool = pool_of(dataset)
        assert pool.split.tolist() == ["train"] * 3 + ["test"] * 2
        assert pool.labels["label"].tolist() == [0, 1, 1, 1, 0]
        assert [pool.image(i).tobytes() for i in range(5)] == [image.tobytes() for image in NOISE]
        assert pool.of_split("test").tolist() == [3, 4]
        assert pool.names[2:4] == ("train:#2", "test:#0")
        places = find(chosen, Data(dataset="made", image_size=8, without=pool.names), "Made")
        assert len(set(places.values())) == 5


def test_splits_keep_their_order_within_the_pool() -> None:
    order = ["test", "train", "train", "validation", "test"]
    pool = pool_of(made_dataset(Arrays(lambda: NOISE), {"label": [0, 1, 2, 3, 4]}, order))
    assert pool.split.tolist() == ["test", "test", "train", "train", "validation"]
    assert pool.position.tolist() == [0, 1, 0, 1, 0]
    assert pool.labels["label"].tolist() == [0, 4, 1, 2, 3]


def test_a_photo_is_measured_as_its_copy_in_memory(tmp_path: Path) -> None:
    photo = sample("chelsea")
    (tmp_path / "a.png").write_bytes(images.to_png(photo))
    file, array = measure(of_files(tmp_path, ["a.png"])), measure(of_arrays(photo[None]))
    ours = [name for name in file.properties.columns if name not in ("bytes", "format")]
    assert file.properties[ours].equals(array.properties[ours])
    assert np.array_equal(file.thumbnails, array.thumbnails)
