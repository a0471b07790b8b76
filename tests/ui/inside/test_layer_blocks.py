"""Layers as blocks, and what is said of them."""

from __future__ import annotations

from cnnviz.explain.inspection.receptive_field import LayerRow
from cnnviz.ui.inside.layer_blocks import TALLEST, blocks, facts, field


def row(shape: tuple[int, ...], kind: str = "Conv2D", **more) -> LayerRow:
    usual = {"parameters": 9, "macs": 10, "share": 0.25, "size": (3, 3), "stride": (1.0, 1.0), "everything": False}
    return LayerRow("a/b:2", kind, shape, **(usual | more))


def test_blocks_are_as_high_as_maps_and_as_wide_as_channels() -> None:
    made = blocks([row((64, 64, 3)), row((64, 64, 32)), row((16, 16, 32)), row((1, 1, 8)), row((10,)), row((1000,))])
    heights, widths = [one.height for one in made], [one.width for one in made]
    assert heights[0] == heights[1] == TALLEST
    assert heights[2] == TALLEST // 2
    assert 0 < heights[3] < heights[2]
    assert heights[4] < heights[5] == TALLEST
    assert widths[0] < widths[1] == widths[2]
    assert all(one.width > 0 for one in made)


def test_models_of_one_kind_only_have_blocks_too() -> None:
    assert [one.height > 0 for one in blocks([row((4,)), row(()), row((1,))])] == [True] * 3
    assert [one.height > 0 for one in blocks([row((1, 1, 1)), row((5, 2))])] == [True] * 2
    assert blocks([]) == []


def test_what_is_known_of_a_layer_is_said() -> None:
    assert facts(row((30, 20, 1), parameters=1)) == (
        "Conv2D",
        "gives 30 × 20, 1 channel",
        "1 parameter",
        "sees 3 × 3 pixels",
        "25 % of the multiplications",
    )
    assert facts(row((10,), "Dense", everything=True, share=0.0002))[1:] == (
        "gives 10 values",
        "9 parameters",
        "sees the whole image",
        "< 0.1 % of the multiplications",
    )
    assert field(row((2, 2, 2), size=(8, 8), stride=(4.0, 4.0))) == "sees 8 × 8 pixels, every 4"
    assert field(row((2,), size=(0, 0), stride=(0.0, 0.0))) == "sees nothing of the image"
