"""Every optimizer of recipes is made, with weight decay and without."""

from __future__ import annotations

from typing import get_args

import pytest

from cnnviz.presets import PRESETS
from cnnviz.recipe import Fit, replace

OPTIMIZERS = get_args(Fit.model_fields["optimizer"].annotation)


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_optimizer_takes_each_weight_decay(optimizer: str, decay: float) -> None:
    from cnnviz.models.build.model import build, compile_for

    recipe = replace(PRESETS["Q"], {"fit.optimizer": optimizer, "fit.weight_decay": decay})
    model = build(recipe)
    compile_for(model, recipe, 0.001)
    model.optimizer.build(model.trainable_variables)
    assert (model.optimizer.weight_decay or 0.0) == decay
