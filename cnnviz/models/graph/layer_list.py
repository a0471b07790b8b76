"""A model's layers with what each takes, as other tools draw graphs."""

from __future__ import annotations

import keras

from cnnviz.models.graph.layer_kinds import kind_of
from cnnviz.models.graph.traversal import taken_apart

__all__ = ["layer_list"]

INPUT = "pixels"


def layer_list(model: keras.Model) -> list[tuple[str, str, tuple[str, ...]]]:
    """Returns of each layer and operation, nested models entered, its name, its type and the names of what it takes.

    The first is `INPUT`, of type "InputLayer". Names are those of `taken_apart`, each there once.
    """
    steps, _ = taken_apart(model)[:2]
    made = {0: INPUT}
    found: list[tuple[str, str, tuple[str, ...]]] = [(INPUT, "InputLayer", ())]
    names = {INPUT}
    for step in steps:
        name, number = step.name, 2
        while name in names:
            name, number = f"{step.name}_{number}", number + 1
        names.add(name)
        found.append((name, kind_of(step.operation), tuple(dict.fromkeys(made[one] for one in step.inputs))))
        made |= dict.fromkeys(step.outputs, name)
    return found
