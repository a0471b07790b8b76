"""Which positions of a channel are its strongest."""

from __future__ import annotations

import numpy as np

from cnnviz.ui.inside.channel import peaks_of


def test_the_greatest_come_first_and_neighbours_of_greater_ones_do_not_count() -> None:
    plane = np.zeros((16, 16), np.float32)
    plane[3, 3], plane[3, 4], plane[12, 1], plane[8, 15] = 5, 4, 6, 1
    assert peaks_of(plane, 6) == [(12, 1), (3, 3), (8, 15)]
    assert peaks_of(plane, 2) == [(12, 1), (3, 3)]
    assert plane[3, 3] == 5


def test_only_values_above_0_are_places() -> None:
    assert peaks_of(np.full((4, 4), -1.0, np.float32), 3) == []
    assert peaks_of(np.full((1, 1), 2.0, np.float32), 3) == [(0, 0)]
    assert peaks_of(np.full((4, 4), np.nan, np.float32), 3) == []
