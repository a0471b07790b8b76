"""Which position of a channel is taken apart at first."""

from __future__ import annotations

import numpy as np

from cnnviz.ui.inside.output_breakdown import first_position


def test_the_strongest_inner_position_comes_first() -> None:
    plane = np.zeros((4, 5), np.float32)
    plane[0, 0], plane[2, 3], plane[1, 1] = 9, 5, 4
    rows, columns = np.array([0, 1, 1, 0], bool), np.array([0, 1, 1, 1, 0], bool)
    assert first_position(plane, rows, columns) == (2, 3)
    assert first_position(plane, np.ones(4, bool), np.ones(5, bool)) == (0, 0)


def test_a_channel_that_is_the_same_everywhere_opens_in_the_middle() -> None:
    plane = np.zeros((5, 5), np.float32)
    plane[0, 0] = 1
    inner = np.array([0, 1, 1, 1, 0], bool)
    assert first_position(plane, inner, inner) == (2, 2)
