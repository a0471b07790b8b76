"""The drawings of the Train page: what they say, and that no name becomes mark-up."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from cnnviz.architecture import describe
from cnnviz.figures.data import MOST, class_bars
from cnnviz.figures.layers import arithmetic, settings
from cnnviz.figures.model_blocks import blocks
from cnnviz.model_spec import ModelSpec
from cnnviz.presets import PRESETS
from cnnviz.recipe import parse


class Reader(HTMLParser):
    """Collects tags, attributes and texts, and whether all that was opened is closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.titles: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(source: str) -> Reader:
    reader = Reader(source.replace("<wbr>", ""))
    assert reader.open == []
    assert reader.attributes <= {"style", "title", "role", "aria-label", "scope", "class", "tabindex"}
    return reader


def test_bars_are_shares_of_the_largest_class() -> None:
    made = class_bars(("a", "b"), {"train": [60, 30], "test": [40, 0]})
    assert re.findall(r'title="(\w+): (\d+)" style="width:([\d.]+)%', made) == [
        ("Training", "60", "60.00"),
        ("Test", "40", "40.00"),
        ("Training", "30", "30.00"),
        ("Test", "0", "0.00"),
    ]
    assert [text for text in read(made).texts if text.isdigit()] == ["100", "30"]


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "' x='", "<b>&amp;</b>"])
def test_names_of_classes_are_text(name: str) -> None:
    reader = read(class_bars((name, "b"), {"train": [1, 1]}))
    assert set(reader.tags) <= {"div", "span"}
    assert name in reader.texts
    assert name in reader.titles


def test_empty_and_very_many_classes_have_bars_too() -> None:
    read(class_bars(("a",), {"train": [0]}))
    many = read(class_bars([f"c{n}" for n in range(MOST + 7)], {"train": [1] * (MOST + 7)}))
    assert "… and 7 more classes" in many.texts
    assert len([text for text in many.texts if re.fullmatch(r"c\d+", text)]) == MOST


@pytest.mark.parametrize("preset", PRESETS)
def test_tables_and_blocks_hold_every_layer(preset: str) -> None:
    recipe = PRESETS[preset]
    rows = describe(recipe.network, recipe.data.input_shape)
    for made in (settings(recipe.network, rows), arithmetic(rows)):
        reader = read(made)
        assert reader.tags.count("tr") == len(rows) + 1
        assert all(f"{row.parameters:,}" in reader.texts for row in rows)
    titles = read(blocks(rows, recipe.data.input_shape, len(recipe.network.heads))).titles
    assert len(titles) == len(rows) + 1
    assert all(row.name in title for row, title in zip(rows, titles[1:], strict=True))


def test_blocks_shrink_with_the_image() -> None:
    recipe = PRESETS["D1"]
    rows = describe(recipe.network, recipe.data.input_shape)
    heights = [float(h) for h in re.findall(r"%;height:([\d.]+)px", blocks(rows, recipe.data.input_shape))]
    assert heights[0] == max(heights)
    image, conv, pool = heights[0], heights[2], heights[3]
    assert image > conv > pool


@pytest.mark.parametrize("count", [0, 1, 60, 200])
def test_any_number_of_layers_is_drawn(count: int) -> None:
    layers = [{"type": "Dense", "units": 8}] * count
    spec = parse({"layers": [{"type": "Flatten"}, *layers][:200], "heads": [{"units": 2}]}, ModelSpec)
    rows = describe(spec, (8, 8, 1))
    made = blocks(rows, (8, 8, 1))
    assert len(read(made).titles) == len(rows) + 1
    assert all(0 <= float(left) <= 100 for left in re.findall(r"left:([\d.]+)%", made))
