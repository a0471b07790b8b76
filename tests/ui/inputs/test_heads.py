"""One head of a run as a source of its own, and as a file."""

from __future__ import annotations

from pathlib import Path

from cnnviz.models.load.load import load_file, load_run
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.ui.inputs.model_cache import LockedModel, _cache, head_file, head_of, of_head, of_run
from tests.made_runs import give_model, make_run


def test_a_head_is_opened_on_the_layers_of_the_model_that_is_kept(tmp_path: Path) -> None:
    recipe = replace(PRESETS["S"], {"network.layers": [{"type": "Conv2D", "filters": 2}, {"type": "GAP"}]})
    run, digits = give_model(make_run(recipe, runs=tmp_path)), make_run(PRESETS["Q"], runs=tmp_path)
    known = {run.id: run, digits.id: digits}
    assert head_of(f"{run.id}/colour", known) == (run, "colour")
    for other in (run.id, f"{run.id}/taste", f"{digits.id}/label", "gone/colour", "file:1/2", "app:VGG16"):
        assert head_of(other, known) is None
    source = of_head(run, "colour")
    assert source.run is None
    assert source.stamp not in {of_run(run).stamp, of_head(run, "shape").stamp}
    apart = source.load(lambda *words: None)
    whole = LockedModel(load_run(run))
    _cache().put(of_run(run).stamp, whole)
    shared = source.load(lambda *words: None)
    assert shared.model.get_layer("conv2d") is whole.classifier.model.get_layer("conv2d")
    assert apart.model.get_layer("conv2d") is not whole.classifier.model.get_layer("conv2d")
    path = tmp_path / "colour.keras"
    path.write_bytes(head_file(run, "colour"))
    assert load_file(path).model.output_shape == (None, 6)
    run.best_path.write_bytes(b"torn")
    assert head_file(run, "colour") == b""
