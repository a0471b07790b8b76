"""Robust accuracy and corruptions as charts: their numbers, and names that are only text."""

from __future__ import annotations

from cnnviz.figures.robust_accuracy import corruption_map, robust_accuracy_chart


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


def test_a_heat_map_has_a_row_a_kind_on_one_scale_for_all() -> None:
    figure = corruption_map({"Fog": (0.9, 0.8), "<i>Snow</i>": (0.7, 0.5)})
    (drawn,) = figure.data
    assert [list(row) for row in drawn.z] == [[0.9, 0.8], [0.7, 0.5]]
    assert list(drawn.y) == ["Fog", "&lt;i&gt;Snow&lt;/i&gt;"]
    assert list(drawn.x) == [1, 2]
    assert (drawn.zmin, drawn.zmax) == (0, 1)
    assert drawn.colorscale[0] == (0, "#440154")  # viridis
    assert drawn.colorscale[-1] == (1, "#fde725")
    assert drawn.colorbar.title.text == "Accuracy"
    assert figure.layout.yaxis.autorange == "reversed"  # the first kind on top


def test_nothing_can_be_drawn() -> None:
    assert not robust_accuracy_chart({}).data
    assert not corruption_map({}).data[0].z
