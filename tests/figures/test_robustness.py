"""The charts of predictions along a range: their numbers, and names that are only text."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.figures.robustness import prediction_curves, share_curves


def test_every_class_has_its_curve_and_every_model_its_dash() -> None:
    one, other = np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([[0.1, 0.9], [0.3, 0.7]])
    figure = prediction_curves([-5, 5], {"first": one, "second": other}, ["cat", "<b>dog</b>"], identity=0)
    assert [curve.name for curve in figure.data] == [
        "cat · first",
        "&lt;b&gt;dog&lt;/b&gt; · first",
        "cat · second",
        "&lt;b&gt;dog&lt;/b&gt; · second",
    ]
    assert list(figure.data[1].y) == pytest.approx([0.8, 0.4])
    assert {curve.line.dash for curve in figure.data[:2]} != {curve.line.dash for curve in figure.data[2:]}
    assert figure.data[0].line.color == figure.data[2].line.color != figure.data[1].line.color


def test_of_many_classes_those_that_come_highest_are_drawn() -> None:
    probabilities = np.full((3, 20), 0.01)
    probabilities[1, [3, 5, 7, 11, 13, 17]] = 0.5
    figure = prediction_curves([0, 1, 2], {"x": probabilities}, [str(n) for n in range(20)])
    assert [curve.name for curve in figure.data] == ["3", "5", "7", "11", "13", "17"]


def test_images_stand_under_their_values() -> None:
    files = [(value, b"\x89PNG" + bytes(3)) for value in (-10.0, 0.0, 10.0)]
    figure = prediction_curves([-10, 0, 10], {"x": np.full((3, 2), 0.5)}, ["a", "b"], images=files)
    assert [image.x for image in figure.layout.images] == [-10, 0, 10]
    assert all(image.y < 0 for image in figure.layout.images)
    assert all(image.source.startswith("data:image/png;base64,") for image in figure.layout.images)
    assert figure.layout.xaxis.range == (-15, 15)


def test_a_step_without_a_range_is_off_or_on() -> None:
    figure = share_curves([0.0, 1.0], {"x": [0.0, 0.3]}, title="Changed")
    assert figure.layout.xaxis.ticktext == ("off", "on")
    assert list(figure.data[0].y) == [0.0, 0.3]


def test_one_value_alone_can_be_drawn() -> None:
    figure = prediction_curves(
        [3.0], {"x": np.array([[0.5, 0.5]])}, ["a", "b"], images=[(3.0, b"\xff\xd8")], identity=3
    )
    assert figure.data[0].mode == "lines+markers"
    share_curves([3.0], {"x": [0.2]}, title="Changed", levels={"x": 0.9})
