"""Robust accuracy and corruptions as charts: their numbers, and names that are only text."""

from __future__ import annotations

from cnnviz.figures.robust_accuracy import corruption_maps, robust_accuracy_chart


def test_each_run_has_its_line_in_levels() -> None:
    figure = robust_accuracy_chart({"one": ((0, 0.5 / 255, 8 / 255), (0.9, 0.5, 0)), "<b>two</b>": ((0,), (1,))})
    assert [list(line.x) for line in figure.data] == [[0, 0.5, 8], [0]]
    assert [list(line.y) for line in figure.data] == [[0.9, 0.5, 0], [1]]
    assert [line.name for line in figure.data] == ["one", "&lt;b&gt;two&lt;/b&gt;"]
    assert figure.data[0].line.color != figure.data[1].line.color
    low, high = figure.layout.yaxis.range
    assert low < 0 < 1 < high  # points at both ends are whole
    assert "ε" in figure.layout.xaxis.title.text
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_heat_maps_stand_side_by_side_on_one_scale() -> None:
    found = {
        "one": {"Fog": (0.9, 0.8), "<i>Snow</i>": (0.7, 0.5)},
        "two": {"<i>Snow</i>": (0.2, 0.1), "Fog": (0.4,)},
    }
    figure = corruption_maps(found)
    one, two = figure.data
    assert [list(row) for row in one.z] == [[0.9, 0.8], [0.7, 0.5]]
    assert [list(row) for row in two.z] == [[0.4, None], [0.2, 0.1]]  # the first run's order, what is missing empty
    assert list(one.y) == list(two.y) == ["Fog", "&lt;i&gt;Snow&lt;/i&gt;"]
    assert list(one.x) == [1, 2]
    assert (one.xaxis, two.xaxis) == ("x", "x2")
    assert one.coloraxis == two.coloraxis == "coloraxis"
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, 1)
    assert axis.colorscale[0] == (0, "#440154")  # viridis
    assert axis.colorscale[-1] == (1, "#fde725")
    assert axis.colorbar.title.text == "Accuracy"
    assert [one.text for one in figure.layout.annotations] == ["one", "two"]
    assert figure.layout.yaxis.autorange == "reversed"  # the first kind on top
    assert figure.layout.yaxis2.matches == "y"


def test_nothing_can_be_drawn() -> None:
    assert not robust_accuracy_chart({}).data
    assert not corruption_maps({}).data
