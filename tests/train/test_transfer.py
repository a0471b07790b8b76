"""The three ways to transfer: features kept, a backbone frozen in the model, and a second stage that trains its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz import backbones, runs
from cnnviz.data import open_dataset, pipeline
from cnnviz.data.split_images import prepare
from cnnviz.models.build.backbones import free, layers_of
from cnnviz.models.build.feature_extractor import compute, feature_extractor_of, head_alone, head_of, stem_digest
from cnnviz.models.build.model import build, compile_for
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import metrics
from cnnviz.runs.snapshots import Probe
from cnnviz.train.snapshots import Snapshotter
from cnnviz.train.stages import stages
from tests.train.test_resume_callback import done, in_the_middle_of

LAST = "block5_conv3"
SMALL = replace(
    PRESETS["Q"],
    {
        "data.image_size": [32, 32],
        "data.channels": 3,
        "data.limits": {"train": 48, "validation": 24, "test": 24},
        "network.backbone": {"name": "VGG16", "weights": "none"},
        "network.layers": [{"type": "GlobalAveragePooling2D"}, {"type": "Dropout", "rate": 0.2}],
        "augmentation.steps": [],
        "fit.batch_size": 16,
        "fit.epochs": 2,
        "fit.schedule": "constant",
        "fit.learning_rate": 1e-3,
    },
)
CACHED = replace(SMALL, {"network.backbone.cached": True, "fit.epochs": 3})
TUNED = replace(
    SMALL,
    {
        "augmentation.steps": [{"type": "rotation", "low": -15, "high": 15}],
        "fit.finetune": {"trainable_from": LAST, "learning_rate": 2e-3, "epochs": 2},
    },
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("CNNVIZ_CACHE", str(folder))
        yield folder


@pytest.fixture
def trained(checkpoints, cache, nursery):
    """A function that trains a recipe to its end and returns the run."""

    def train(recipe):
        run = runs.create(recipe)
        nursery.begin(run)
        nursery.ended()
        found = runs.open_run(run.id)
        assert found.state == "finished", found.log_tail(40)
        return found

    return train


def first_weights(recipe):
    """The backbone's weights before any training."""
    keras.utils.set_random_seed(recipe.seed)
    return [layer.get_weights() for layer in layers_of(build(recipe), "VGG16")]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_recipe_has_its_stages():
    assert [one.recipe for one in stages(PRESETS["C2"])] == [PRESETS["C2"]]
    (cached,) = stages(PRESETS["M4"])
    assert cached.cached
    assert cached.trainable_from is None
    first, second = stages(PRESETS["D6"])
    assert (first.trainable_from, first.cached, first.recipe.fit.learning_rate) == (None, False, 2e-5)
    assert (second.number, second.trainable_from, second.cached) == (1, "block5_conv1", False)
    assert (second.recipe.fit.learning_rate, second.recipe.fit.epochs) == (1e-5, 10)
    assert PRESETS["D6"].fit.all_epochs == 40


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return build(CACHED)


def test_stem_and_head_are_the_model(model):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    features = compute(feature_extractor_of(model, CACHED.network))(pixels)
    assert (features.shape, features.dtype) == ((5, 512), np.float32)
    head = head_of(model, CACHED.network)
    np.testing.assert_allclose(head(features), model(pixels.astype(np.float32)), atol=1e-6)
    alone = head_alone(CACHED.network, CACHED.data.input_shape)
    alone.set_weights(head.get_weights())
    np.testing.assert_array_equal(alone(features), head(features))


def test_a_stem_is_known_by_its_weights(model):
    digest = stem_digest(feature_extractor_of(model, CACHED.network))
    assert stem_digest(feature_extractor_of(model, CACHED.network)) == digest
    kernel = model.get_layer("block1_conv1").kernel
    before = kernel.numpy()
    kernel.assign(before + 1e-3)
    assert stem_digest(feature_extractor_of(model, CACHED.network)) != digest
    kernel.assign(before)


def test_what_frozen_layers_show_is_computed_once_and_is_the_same(model):
    rng = np.random.default_rng(1)
    labels, names = {"label": np.arange(4)}, {"label": tuple("0123456789")}
    probe = Probe(rng.integers(0, 256, (4, 32, 32, 3), np.uint8), tuple("abcd"), labels, names)
    free(model, CACHED.network.backbone)
    heads = CACHED.network.heads
    once, anew = Snapshotter(model, heads, probe, frozen=True), Snapshotter(model, heads, probe)
    first = once.take(0)
    head = model.get_layer("label")
    before = head.get_weights()
    head.set_weights([rng.normal(size=weights.shape) for weights in before])
    found, wanted = once.take(1), anew.take(1)
    head.set_weights(before)
    assert not np.allclose(found.probabilities["label"], first.probabilities["label"], atol=1e-2)
    np.testing.assert_allclose(found.probabilities["label"], wanted.probabilities["label"], atol=1e-5)
    np.testing.assert_allclose(found.cams["label"], wanted.cams["label"], atol=1e-5)
    assert [one.layer for one in found.maps] == [one.layer for one in wanted.maps]
    for one, other in zip(found.maps, wanted.maps, strict=True):
        np.testing.assert_allclose(one.values(0), other.values(0), atol=1e-2 * float(other.high.max()))


def test_a_head_trained_on_kept_features_is_saved_as_a_whole_model(trained, cache):
    run = trained(CACHED)
    assert "Computing" in run.log_tail(60)
    kept = sorted(path.name for path in (cache / "features").iterdir())
    assert len(kept) == 6, "numbers and index of three splits"
    records = metrics.epochs(run.metrics_path)
    assert [record["epoch"] for record in records] == [1, 2, 3]
    whole = keras.models.load_model(run.best_path)
    compile_for(whole, run.recipe, 1e-3)
    split = open_dataset(run.recipe.data).splits["validation"]
    batches = pipeline.evaluation(prepare(split, run.recipe.data, whole=False), split.labels, run.recipe)
    figures = whole.evaluate(batches, verbose=0, return_dict=True)
    best = records[run.written.best_epoch - 1]
    assert figures["loss"] == pytest.approx(best["val_loss"], abs=1e-5)
    assert figures["accuracy"] == pytest.approx(best["val_accuracy"], abs=1e-5)
    now, before = [layer.get_weights() for layer in layers_of(whole, "VGG16")], first_weights(run.recipe)
    assert len(now) == len(before) > 0
    assert all(map(same, now, before))

    times = [path.stat().st_mtime_ns for path in sorted((cache / "features").iterdir())]
    again = trained(replace(CACHED, {"fit.epochs": 1}))
    assert "Computing" not in again.log_tail(60)
    assert times == [path.stat().st_mtime_ns for path in sorted((cache / "features").iterdir())]


@pytest.fixture(scope="module")
def tuned(cache, nursery, tmp_path_factory):
    """A run of both stages that nobody disturbed, and what of it another must equal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_CHECKPOINTS", str(tmp_path_factory.mktemp("whole")))
        run = runs.create(TUNED)
        nursery.begin(run)
        nursery.ended()
        return runs.open_run(run.id), done(run)


def test_a_second_stage_trains_the_backbones_end_and_nothing_before_it(tuned):
    run, _ = tuned
    records = metrics.epochs(run.metrics_path)
    assert [record["epoch"] for record in records] == [1, 2, 3, 4]
    assert [record["learning_rate"] for record in records] == pytest.approx([1e-3, 1e-3, 2e-3, 2e-3])
    whole, still = keras.models.load_model(run.best_path), backbones.frozen_count("VGG16", LAST)
    now, before = [layer.get_weights() for layer in layers_of(whole, "VGG16")], first_weights(run.recipe)
    assert len(now) == len(before) > still > 0
    assert all(map(same, now[:still], before[:still]))
    assert same(now[still], before[still]) == (run.written.best_epoch <= 2)


def test_killed_in_either_stage_a_run_ends_as_if_nothing_had_happened(tuned, checkpoints, nursery, until):
    run = runs.create(TUNED)
    for epoch in (1, 3):
        nursery.begin(run)
        until(lambda epoch=epoch: in_the_middle_of(run, epoch))
        os.kill(runs.open_run(run.id).written.process.pid, signal.SIGKILL)
        nursery.ended()
        assert runs.open_run(run.id).state == "crashed"
    nursery.begin(run)
    nursery.ended()
    assert done(run) == tuned[1]
