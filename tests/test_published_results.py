"""The tutorials' table against the presets' models."""

from __future__ import annotations

import pytest

from cnnviz.architecture import describe
from cnnviz.presets import PRESETS
from cnnviz.published_results import REPORTED

VGG16 = 14_714_688
"""Without its top, as Keras's summary has it."""
SUMMED = dict.fromkeys(("D4", "D5", "D6"), VGG16 + (4 * 4 * 512 * 256 + 256) + (256 + 1))
"""Of these the tutorial reported no sum, but the parts: 256 units and one on what VGG16 gives for 150×150 pixels."""


def test_all_systems_are_here_and_their_parameters_are_known_from_one_place():
    assert set(REPORTED) <= set(PRESETS)
    assert {name for name, system in REPORTED.items() if system.parameters is None} == set(SUMMED)


@pytest.mark.parametrize("name", REPORTED)
def test_a_preset_has_the_parameters_that_were_reported(name):
    recipe = PRESETS[name]
    rows = describe(recipe.network, recipe.data.input_shape)
    assert sum(row.parameters for row in rows) == (REPORTED[name].parameters or SUMMED[name])
