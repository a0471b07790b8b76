"""Images of all kinds, and the class names that a person types."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cnnviz import images
from cnnviz.errors import ImageError
from cnnviz.models.load.file_options import class_lists
from cnnviz.ui.inputs.input_image import LONGEST, of_upload


def png(image: np.ndarray, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image, mode).save(file, "PNG")
    return file.getvalue()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_large_image_is_shown_small_and_asked_about_whole() -> None:
    pixels = noise(1000, 2000)
    image = of_upload("large.png", png(pixels))
    assert image.size == (1000, 2000)
    assert image.shown.shape == (LONGEST // 2, LONGEST, 3)
    np.testing.assert_array_equal(image.whole(), pixels)


def test_a_small_image_is_kept_as_it_is() -> None:
    pixels = noise(30, 40)
    image = of_upload("small.png", png(pixels))
    np.testing.assert_array_equal(image.shown, pixels)
    np.testing.assert_array_equal(image.whole(), pixels)
    assert image.data is None


def test_the_same_bytes_are_the_same_image_under_any_name() -> None:
    one, other = (of_upload(name, png(noise(8, 8))) for name in ("a.png", "b.png"))
    assert one.identity == other.identity
    assert one.identity != of_upload("a.png", png(noise(8, 9))).identity


def test_what_a_person_may_not_expect_is_said() -> None:
    transparent = np.dstack([noise(8, 8), np.full((8, 8), 100, np.uint8)])
    assert of_upload("a.png", png(transparent)).notes == ("Transparent parts are shown on white.",)


@pytest.mark.parametrize("mark", [b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"])
def test_images_of_telephones_get_a_way_out(mark: bytes) -> None:
    with pytest.raises(ImageError, match="HEIC image: save it as JPEG"):
        of_upload("IMG_1.HEIC", b"\0\0\0\x18" + mark + b"\0" * 64)


def test_a_readable_image_is_not_refused_for_what_it_starts_with() -> None:
    image = of_upload("named.svg", png(noise(5, 6)))
    assert image.size == (5, 6)
    assert images.decode(png(noise(5, 6))).shape == (5, 6, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        (" \n , \n", None),
        ("cat, dog", [["cat", "dog"]]),
        ("cat\ndog\n", [["cat", "dog"]]),
        ("cat, dog,\n", [["cat", "dog"]]),
        ("red, green\nsquare, circle", [["red", "green"], ["square", "circle"]]),
        ("tabby cat\nwild dog", [["tabby cat", "wild dog"]]),
    ],
)
def test_typed_class_names(text: str, expected: list[list[str]] | None) -> None:
    assert class_lists(text) == expected
