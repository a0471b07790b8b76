"""The charts of how far maps can be trusted: their numbers and legends, and names that are only text."""

from __future__ import annotations

import pytest

from cnnviz.figures.explanation_metrics import cascade_bars, object_bars, removal_curves

PNG = b"\x89PNG" + bytes(3)


def test_curves_have_their_areas_in_the_legend_and_random_maps_a_band() -> None:
    figure = removal_curves(
        [0, 0.5, 1],
        {"Grad-CAM": ([1, 0.4, 0], 0.45), "<b>x</b>": ([1, 0.8, 0], 0.65)},
        [[1, 0.9, 0], [1, 0.5, 0]],
        random_area=0.6,
        axis="Pixels taken away",
    )
    band, random, other, first = figure.data
    assert list(band.y) == [1, 0.9, 0, 0, 0.5, 1]
    assert list(random.y) == pytest.approx([1, 0.7, 0])
    assert [one.name for one in (random, first, other)] == [
        "2 random maps · area 0.60",
        "Grad-CAM · area 0.45",
        "&lt;b&gt;x&lt;/b&gt; · area 0.65",
    ]
    assert list(first.y) == [1, 0.4, 0]
    assert first.line.width > other.line.width
    assert not band.showlegend
    assert figure.layout.xaxis.title.text == "Pixels taken away"


def test_without_random_maps_there_is_the_map_alone() -> None:
    figure = removal_curves([0, 1], {"x": ([1, 0], 0.5)}, axis="Shown")
    assert [one.name for one in figure.data] == ["x · area 0.50"]
    single = removal_curves([0, 1], {"x": ([1, 0], 0.5)}, [[1, 0]], axis="Shown")
    assert [one.name for one in single.data] == ["a random map", "x · area 0.50"]


def test_bars_are_means_dots_are_draws_and_images_stand_under_them() -> None:
    figure = cascade_bars(
        [("as it is", [1.0]), ("<i>dense</i>", [0.2, 0.4]), ("conv", [-0.3, 0.1])], [PNG] * 3, alike=0.5
    )
    bars, dots = figure.data
    assert list(bars.y) == pytest.approx([1, 0.3, -0.1])
    assert list(dots.x) == [1, 1, 2, 2]
    assert list(dots.y) == [0.2, 0.4, -0.3, 0.1]
    assert figure.layout.xaxis.ticktext == ("as it is", "&lt;i&gt;dense&lt;/i&gt;", "conv")
    assert [image.x for image in figure.layout.images] == [0, 1, 2]
    low, high = figure.layout.yaxis.range
    assert low <= -0.3
    assert high >= 1
    assert figure.layout.yaxis.domain[0] > max(image.y for image in figure.layout.images)
    assert figure.layout.shapes[0].y0 == 0.5


def test_a_method_has_two_bars_and_chance_is_marked() -> None:
    figure = object_bars([("Grad-CAM", 0.35, 0.28), ("a & b", 0.6, 0.3)], area=0.15, centre=0.67)
    hits, energy = figure.data
    assert list(hits.x) == [0.35, 0.6]
    assert list(energy.x) == [0.28, 0.3]
    assert list(hits.y) == ["Grad-CAM", "a &amp; b"]
    assert list(hits.text) == ["35%", "60%"]
    assert [line.x0 for line in figure.layout.shapes] == [0.15, 0.67]
    assert [note.text for note in figure.layout.annotations] == ["random position 15%", "centre 67%"]
    assert figure.layout.yaxis.autorange == "reversed"
