"""The augmentation steps as files: each is found, and has what its group needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnviz import steps
from cnnviz.policy import STEPS
from cnnviz.steps.step_kind import StepKind

NEEDS = {"geometric": ("move", "window"), "colour": ("recolour",), "pixel": ("change",), "batch": ("mix",)}


def test_each_file_is_a_step_and_groups_stand_together() -> None:
    files = {path.stem for path in Path(steps.__path__[0]).glob("*.py")} - {"__init__", "registry", "step_kind"}
    assert set(STEPS) == files
    groups = [kind.group for kind in STEPS.values()]
    assert list(dict.fromkeys(groups)) == list(NEEDS)
    assert groups == sorted(groups, key=list(NEEDS).index)
    assert len({(kind.group, kind.rank) for kind in STEPS.values()}) == len(STEPS)


@pytest.mark.parametrize("kind", STEPS.values(), ids=STEPS)
def test_a_step_has_what_its_group_needs_and_nothing_else(kind: StepKind) -> None:
    every = {name for names in NEEDS.values() for name in names}
    has = {name for name in every if getattr(kind, name) is not None}
    assert len(has) == 1
    assert has <= set(NEEDS[kind.group])
    assert (
        (kind.bounds is None)
        == (kind.default is None)
        == (kind.identity is None)
        == ("value" not in kind.draws and "x" not in kind.draws)
    )
    if kind.bounds is not None and kind.default is not None:
        assert kind.bounds[0] <= kind.default[0] <= kind.default[1] <= kind.bounds[1]
    assert set(kind.ranged) <= set(kind.draws) or kind.bounds is None
