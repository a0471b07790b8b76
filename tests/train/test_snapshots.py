"""What a worker keeps of each epoch equals what a model saved at that epoch gives."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from cnnviz import runs
from cnnviz.explain import Target, explain
from cnnviz.explain.inspection.activations import outputs_of
from cnnviz.models.build.model import build
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe, replace
from cnnviz.runs import snapshots
from cnnviz.runs.snapshots import Moment, Probe
from cnnviz.train import snapshots as writing
from cnnviz.train.loop import carry_out
from cnnviz.train.run_writer import RunWriter
from cnnviz.train.snapshot_samples import choose_samples
from cnnviz.train.snapshots import Snapshots, Snapshotter

CONV = [
    {"type": "Conv2D", "filters": 24, "padding": "same"},
    {"type": "BatchNormalization"},
    {"type": "MaxPooling2D"},
    {"type": "Conv2D", "filters": 6},
]
SMALL = {
    "data.limits": {"train": 60, "validation": 40, "test": 20},
    "fit.epochs": 3,
    "augmentation.steps": [],
    "fit.batch_size": 16,
}
QUICK = replace(PRESETS["Q"], {**SMALL, "network.layers": [*CONV, {"type": "Flatten"}]})
HEADS = replace(PRESETS["S"], {**SMALL, "network.layers": [*CONV, {"type": "GlobalAveragePooling2D"}]})
PLAIN = replace(QUICK, {"network.layers": [{"type": "Flatten"}, {"type": "Dense", "units": 16}]})
MOMENTS = [Moment(0), Moment(0, 2, 4), Moment(0, 3, 4), Moment(1), Moment(1, 1, 4), Moment(1, 2, 4), Moment(1, 3, 4)]
MOMENTS += [Moment(2), Moment(3)]
RECIPES = {"one channel": QUICK, "two heads": HEADS, "no convolution": PLAIN}


class Keeping(Snapshots):
    """Saves the model beside each snapshot."""

    def _keep(self, moment):
        super()._keep(moment)
        self.model.save(self._folder / f"model-{moment}.keras")


@pytest.fixture(scope="module", params=list(RECIPES))
def trained(request, tmp_path_factory) -> tuple[Recipe, Path]:
    """A short run, carried out here, with the model saved after each epoch."""
    recipe = RECIPES[request.param]
    run = runs.create(recipe, tmp_path_factory.mktemp("runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnnviz.train.loop.Snapshots", Keeping)
        patch.setattr(writing, "DEAREST", 1e9)  # tiny epochs would leave some out
        writer = RunWriter(run.folder, run.written)
        carry_out(writer)
        writer.figures.close()
    return recipe, run.folder


def test_a_snapshot_equals_the_model_saved_at_its_epoch(trained):
    recipe, folder = trained
    assert snapshots.moments(folder) == MOMENTS
    probe = snapshots.read_probe(folder)
    pixels = probe.images.astype(np.float32)
    assert len(pixels) == 6
    assert all(path.stat().st_size <= 300_000 for path in (folder / "snapshots").iterdir())
    for moment in MOMENTS:
        model = keras.models.load_model(folder / f"model-{moment}.keras", compile=False)
        found = snapshots.read_snapshot(folder, moment, probe)
        outputs = keras.tree.flatten(model(pixels, training=False))
        for head, wanted in zip(recipe.network.heads, outputs, strict=True):
            np.testing.assert_allclose(found.probabilities[head.name], wanted, atol=1e-5)
        names = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
        assert [one.layer for one in found.maps] == names
        if not names:
            assert (found.layer, found.cams, found.kernels) == ("", {}, None)
            continue
        values = outputs_of(model, pixels, names)
        for one in found.maps:
            whole = values[one.layer]
            assert one.shape == whole.shape[1:]
            assert one.levels.shape[3] == min(16, whole.shape[3])
            wanted = averaged(whole[..., : one.levels.shape[3]], one.levels.shape[1])
            for at in range(6):
                span = np.ptp(wanted[at], axis=(0, 1))
                assert (np.abs(one.values(at) - wanted[at]) <= span / 510 + 1e-3 * np.abs(wanted[at]) + 1e-5).all()
        kernel = model.get_layer(names[0]).kernel.numpy()
        np.testing.assert_allclose(found.kernels, kernel, rtol=1e-3, atol=1e-6)
        for at, head in enumerate(recipe.network.heads):
            targets = [Target(at, int(truth)) for truth in probe.labels[head.name]]
            wanted = explain(model, pixels, method="grad-cam", target=targets, layer=found.layer).map
            shown = averaged(wanted[..., None], found.cams[head.name].shape[1])[..., 0]
            strength = shown.max(axis=(1, 2), keepdims=True)
            assert (np.abs(found.cams[head.name] - shown) <= 2e-3 * strength + 1e-6).all()
            assert strength.max() > 0
    assert found.moment == MOMENTS[-1]


def averaged(values: np.ndarray, height: int) -> np.ndarray:
    """Means of squares of places, those at the end of what is there; (n, h, w, k) to this height."""
    if values.shape[1] == height:
        return values
    factor = next(f for f in range(2, 99) if -(-values.shape[1] // f) == height)
    lost = -values.shape[1] % factor
    top, left = lost // 2, (-values.shape[2] % factor) // 2
    bottom, right = lost - top, (-values.shape[2] % factor) - left
    padded = np.pad(values, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=np.nan)
    n, h, w, k = padded.shape
    return np.nanmean(padded.reshape(n, h // factor, factor, w // factor, factor, k), axis=(2, 4))


def test_the_model_learns_before_the_watchers_eyes(trained):
    recipe, folder = trained
    probe = snapshots.read_probe(folder)
    first, last = (snapshots.read_snapshot(folder, Moment(epoch), probe) for epoch in (0, 3))
    head = recipe.network.heads[0].name
    assert np.abs(last.probabilities[head] - first.probabilities[head]).max() > 0.01
    if first.kernels is not None:
        assert np.abs(last.kernels - first.kernels).max() > 1e-3


def test_watched_images_are_spread_over_the_classes_and_fixed_by_the_seed():
    rng = np.random.default_rng(1)
    labels = {"shape": rng.integers(0, 4, 500), "colour": rng.integers(0, 6, 500)}
    at = choose_samples(labels, seed=5)
    assert len(set(at)) == 6
    assert set(labels["colour"][at]) == set(range(6))
    assert set(labels["shape"][at]) == set(range(4))
    np.testing.assert_array_equal(at, choose_samples(labels, seed=5))
    assert set(at) != set(choose_samples(labels, seed=6))
    rare = {"label": np.array([0] * 300 + [1])}
    assert 300 in choose_samples(rare, seed=0)
    assert len(choose_samples({"label": np.array([0, 1])}, seed=0)) == 2


LARGE = {
    "many channels": ((64, 64, 3), [{"type": "Conv2D", "filters": 32}] * 12, 5),
    "many layers": ((24, 24, 3), [{"type": "Conv2D", "filters": 4, "padding": "same"}] * 40, 5),
    "large kernels": ((64, 64, 3), [{"type": "Conv2D", "filters": 128, "kernel_size": 32, "strides": 8}], 5),
    "many classes": ((8, 8, 1), [{"type": "Conv2D", "filters": 2}], 10_000),
}


@pytest.mark.parametrize("kind", list(LARGE))
def test_even_of_noise_in_large_models_a_snapshot_stays_small(tmp_path, kind):
    shape, layers, classes = LARGE[kind]
    rng = np.random.default_rng(0)
    recipe = replace(
        PLAIN,
        {
            "network.layers": [*layers, {"type": "GlobalAveragePooling2D"}],
            "network.heads": [{"name": "label", "units": classes}],
            "data.image_size": list(shape[:2]),
            "data.channels": shape[2],
        },
    )
    model = build(recipe)
    names = {"label": tuple(map(str, range(classes)))}
    images = rng.integers(0, 256, (6, *shape), dtype=np.uint8)
    probe = Probe(images, ("x",) * 6, {"label": np.arange(6) % classes}, names)
    taken = Snapshotter(model, recipe.network.heads, probe).take(Moment(1))
    assert snapshots.save(tmp_path, taken) <= 300_000
    assert taken.maps
    assert (
        taken.probabilities["label"].argmax(axis=1).tolist()
        == model(images.astype(np.float32)).numpy().argmax(axis=1).tolist()
    )


def test_looking_changes_nothing():
    model = build(QUICK)
    before = [variable.numpy() for variable in model.variables]
    probe = Probe(np.zeros((6, 8, 8, 1), np.uint8), ("x",) * 6, {"label": np.arange(6)}, {"label": tuple("0123456789")})
    state = np.random.get_state()[1].copy()
    Snapshotter(model, QUICK.network.heads, probe).take(Moment(1))
    for variable, was in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), was)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_a_run_that_goes_on_keeps_its_earlier_snapshots_and_drops_later_ones(tmp_path):
    probe = Probe(np.zeros((1, 8, 8, 1), np.uint8), ("x",), {"label": np.array([1])}, {"label": tuple("0123456789")})

    def begin(first: int) -> Snapshots:
        watching = Snapshots(tmp_path, PLAIN, probe, 50, first)
        watching.set_model(build(PLAIN))
        watching.on_train_begin()
        return watching

    begin(0)
    tiny = snapshots.read_snapshot(tmp_path, Moment(0), probe).probabilities
    later = [*map(Moment, range(1, 6)), Moment(1, 10, 50), Moment(3, 10, 50)]
    for moment in later:
        snapshots.save(tmp_path, snapshots.Snapshot(moment, tiny))
    again = begin(3)
    kept = [Moment(0), Moment(1), Moment(1, 10, 50), Moment(2), Moment(3)]
    assert snapshots.moments(tmp_path) == kept
    again.model.stop_training = False
    again.on_epoch_begin(3)
    again.on_epoch_end(3)
    assert snapshots.moments(tmp_path) == [*kept, Moment(4)]
    begin(0)
    assert snapshots.moments(tmp_path) == [Moment(0)]


class Clocked:
    """Trains no model, by a clock of its own: batches of a second, validation of two, snapshots of some seconds."""

    def __init__(self, folder: Path, monkeypatch, *, batches: int, cost: float, **fit):
        self.now, self.batches, self.cost = 0.0, batches, cost
        monkeypatch.setattr(writing.time, "perf_counter", lambda: self.now)
        probe = Probe(
            np.zeros((1, 8, 8, 1), np.uint8), ("x",), {"label": np.array([1])}, {"label": tuple("0123456789")}
        )
        self.recipe = replace(PLAIN, {f"fit.{name}": value for name, value in fit.items()})
        self.model, self.folder, self.probe = build(self.recipe), folder, probe
        self.model.stop_training = False

    def take(self, moment):
        self.now += self.cost
        return snapshots.Snapshot(moment, {"label": np.zeros((1, 10), np.float32)})

    def fit(self, first: int, epochs: int, killed_at: int | None = None) -> Snapshots:
        """From the end of epoch `first` to that of `epochs`, or until within the next one."""
        watching = Snapshots(self.folder, self.recipe, self.probe, self.batches, first)
        watching.set_model(self.model)
        watching.on_train_begin()
        watching._taker = self
        for epoch in range(first, epochs + (killed_at is not None)):
            watching.on_epoch_begin(epoch)
            for batch in range(self.batches):
                self.now += 1.0
                watching.on_train_batch_end(batch)
                if epoch == epochs and batch == killed_at:
                    return watching
            self.now += 2.0
            watching.on_epoch_end(epoch)
        return watching


def test_the_first_epochs_have_many_snapshots_within_their_batches(tmp_path, monkeypatch):
    run = Clocked(tmp_path, monkeypatch, batches=63, cost=0.5, epochs=60)
    watching = run.fit(0, 60)
    early = [one for one in snapshots.moments(tmp_path) if one.place <= 2]
    assert 20 <= len(early) <= 27
    assert early[:3] == [Moment(0), Moment(0, 2, 63), Moment(0, 3, 63)]
    assert sum(one.epoch == 0 for one in early) > sum(one.epoch == 1 for one in early) > 2
    assert snapshots.moments(tmp_path)[len(early) :] == [Moment(epoch) for epoch in range(3, 61)]
    assert watching.spent <= 0.02 * 60 * (63 + 2)


@pytest.mark.parametrize(("cost", "fit"), [(3.0, {}), (40.0, {}), (0.5, {"patience": 3})])
def test_snapshots_within_epochs_stay_within_their_share_of_the_time(tmp_path, monkeypatch, cost, fit):
    """However dear they are, and where the fit may end by itself long before its last epoch."""
    run = Clocked(tmp_path, monkeypatch, batches=63, cost=cost, epochs=60, **fit)
    run.fit(0, fit.get("patience", 59) + 1)
    within = sum(one.batch > 0 for one in snapshots.moments(tmp_path))
    whole = 65 * (fit.get("patience", 59) + 1)
    assert (within - 1) * cost <= 0.01 * whole  # the first tells what one costs
    assert within >= min(24, 0.007 * whole / cost)


def test_of_few_batches_each_has_a_snapshot(tmp_path, monkeypatch):
    Clocked(tmp_path, monkeypatch, batches=3, cost=0.001, epochs=9).fit(0, 3)
    within = [one for one in snapshots.moments(tmp_path) if one.batch]
    assert within == [Moment(0, 2, 3), Moment(1, 1, 3), Moment(1, 2, 3)]


def test_a_killed_run_that_goes_on_has_the_snapshots_of_one_that_was_not(tmp_path, monkeypatch):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    for folder in (straight, broken):
        folder.mkdir()
    Clocked(straight, monkeypatch, batches=63, cost=0.1, epochs=6).fit(0, 6)
    run = Clocked(broken, monkeypatch, batches=63, cost=0.1, epochs=6)
    run.fit(0, 0, killed_at=40)  # before there was a place to go on from
    run.fit(0, 1, killed_at=40)
    run.fit(1, 6)
    found, wanted = snapshots.moments(broken), snapshots.moments(straight)
    assert [one for one in found if one.place <= 1 or one.place >= 2] == [
        one for one in wanted if one.place <= 1 or one.place >= 2
    ]
    second = [one for one in wanted if 1 < one.place < 2]
    assert abs(len([one for one in found if 1 < one.place < 2]) - len(second)) <= 1 < len(second)


def test_short_epochs_are_left_out_but_not_the_first_and_the_last(tmp_path, monkeypatch):
    run = Clocked(tmp_path, monkeypatch, batches=1, cost=0.9, epochs=100)
    watching = run.fit(0, 100)
    found = snapshots.moments(tmp_path)
    assert found[:2] == [Moment(0), Moment(1)]
    assert found[-1] == Moment(100)
    assert len(found) > 5
    assert watching.spent <= 0.02 * 300 + 0.9 + 1e-6
