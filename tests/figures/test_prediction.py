"""Predictions and overlays as HTML: what they say, and that names stay text."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import numpy as np

from cnnviz.figures.prediction import layered_images, nearest_images, prediction, top
from cnnviz.images import to_png

EVIL = '"><img src=x onerror=alert(1)>'


def test_an_answer_is_written_as_in_the_list_below_it() -> None:
    probabilities = [0.9985, 0.001, 0.0005]
    rows = re.findall(r"right\">([^<]+)</div>", top([(str(one), one) for one in probabilities]))
    assert rows == ["99.9 %", "0.1 %", "&lt; 0.1 %"]
    assert "99.9 %" in prediction("cat", 0.9985, others=probabilities[1:])
    assert "99.85 %" not in prediction("cat", 0.9985, others=probabilities[1:])


def test_an_answer_says_whether_the_label_agrees() -> None:
    assert "true label" not in prediction("cat", 0.9)
    assert "✓ true label" in prediction("cat", 0.9, truth="cat")
    assert "✗ true label dog" in prediction("cat", 0.9, truth="dog")
    assert "colour" in prediction("red", 0.9, head="colour")


def test_an_answer_that_is_not_to_be_relied_on_is_struck_through() -> None:
    assert "<s>" not in prediction("cat", 0.9)
    assert re.search(r"<s>cat .*90 %</span></s>", prediction("cat", 0.9, struck=True), re.DOTALL)
    assert "81 % calibrated" in prediction("cat", 0.9, notes=["81 % calibrated"])


def test_nearest_images_have_labels_and_distances_where_there_is_no_image_too() -> None:
    drawn = nearest_images([(to_png(np.zeros((2, 2, 3), np.uint8)), True, "cat", 0.12345), (None, False, "dog", 0.5)])
    assert drawn.count("<img") == 1
    assert "A training image of cat, 0.123 away" in drawn
    assert re.findall(r">(cat|dog|0\.\d+)<", drawn) == ["cat", "0.123", "dog", "0.500"]


def test_bars_are_as_wide_as_the_probabilities() -> None:
    drawn = top([("cat", 0.75), ("dog", 0.25)], "cat")
    assert re.findall(r"width:([\d.]+)%;height:100%", drawn) == ["75.00", "25.00"]
    assert re.findall(r"> ?(\d+ %)<", drawn) == ["75 %", "25 %"]
    assert drawn.count("font-weight:600") == 1


def test_names_are_text_whatever_they_contain() -> None:
    image = to_png(np.zeros((2, 3, 3), np.uint8))
    for drawn in (
        prediction(EVIL, 0.5, head=EVIL, truth=EVIL),
        prediction("x", 0.5, truth=EVIL),
        prediction("x", 0.5, notes=[EVIL]),
        nearest_images([(image, False, EVIL, 0.5)]),
        top([(EVIL, 0.5)], EVIL),
        layered_images(image, image, (2, 3), EVIL),
    ):
        tags = Tags()
        tags.feed(drawn)
        assert {tag for tag, _ in tags.found} <= {"div", "span", "img"}
        assert not {name for _, names in tags.found for name in names} & {"onerror", "x"}
        assert all(source.startswith("data:image/") for source in tags.sources)


class Tags(HTMLParser):
    """Tags with their attributes, and where images come from, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.sources += [value or "" for name, value in attrs if name == "src"]


def test_both_images_are_there_and_the_room_for_them() -> None:
    under, above = (to_png(np.full((2, 3, 3), value, np.uint8)) for value in (0, 255))
    drawn = layered_images(under, above, (2, 3, 3), "a cat")
    found = [base64.b64decode(data) for data in re.findall(r"data:image/png;base64,([^\"]+)", drawn)]
    assert found == [under, above]
    assert "aspect-ratio:3/2" in drawn
    assert 'role="img" aria-label="a cat"' in drawn
    assert drawn.count("opacity:var(--cnnviz-map") == 1
