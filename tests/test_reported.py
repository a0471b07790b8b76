"""The tutorials' table against the presets' networks."""

from __future__ import annotations

import pytest

from cnnviz.architecture import describe
from cnnviz.presets import PRESETS
from cnnviz.reported import REPORTED


@pytest.mark.parametrize("name", sorted(set(PRESETS) & set(REPORTED)))
def test_a_preset_has_the_parameters_that_were_reported(name):
    recipe = PRESETS[name]
    told = REPORTED[name].parameters
    if told is not None:
        assert sum(row.parameters for row in describe(recipe.network, recipe.data.input_shape)) == told
