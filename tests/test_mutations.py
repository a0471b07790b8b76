"""What the script of mutations takes out of sight is there: else a page that breaks would count as one that noticed."""

from __future__ import annotations

import importlib

import pytest

from tests.e2e.views import VIEWS
from tests.mutations import MUTATIONS


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_what_a_mutation_hides_is_there(mutation) -> None:
    assert mutation.view in {view.name for view in VIEWS}
    assert bool(mutation.function) != bool(mutation.style)
    if mutation.function:
        module, function = mutation.function.split(":")
        assert callable(getattr(importlib.import_module(module), function))
