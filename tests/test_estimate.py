from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from cnnviz import estimate, runs
from cnnviz.estimate import BATCH_SECONDS, PASSES, STARTUP_SECONDS, Rate
from cnnviz.files import read_json, write_json
from cnnviz.presets import PRESETS
from cnnviz.recipe import Recipe, replace

C2 = PRESETS["C2"]
# By hand: 28·28 places × 9 weights × 32 filters; 14·14·32 inputs × 128; 128 × 10.
C2_MACS = 28 * 28 * 9 * 32 + 14 * 14 * 32 * 128 + 128 * 10


def finished(
    recipe: Recipe, rates: list[float], state: str = "finished", *, took: float | None = None, **record: float
) -> runs.Run:
    """A run's folder as a worker leaves it, with these images a second in its epochs, and `record` in each of them."""
    run = runs.create(recipe)
    lines = [{"kind": "epoch", "epoch": n, "images_per_second": rate, **record} for n, rate in enumerate(rates, 1)]
    run.metrics_path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    times = {} if took is None else {"started": 1_700_000_000.0, "ended": 1_700_000_000.0 + took}
    write_json(run.folder / "state.json", {**read_json(run.folder / "state.json"), "state": state, **times})
    return runs.open_run(run.id)


def test_multiplications_by_hand() -> None:
    assert estimate.macs(C2) == C2_MACS


@pytest.mark.parametrize(("samples", "steps", "images"), [(60_000, 1875, 60_000), (33, 2, 33), (1, 1, 1)])
def test_an_epoch_is_one_pass(samples: int, steps: int, images: int) -> None:
    found = estimate.estimate(C2, samples, Rate(1e9))
    assert (found.steps, found.images) == (steps, images)
    wanted = images * PASSES * C2_MACS / 1e9 + steps * BATCH_SECONDS
    assert found.epoch_seconds == pytest.approx(wanted)
    assert found.seconds == pytest.approx(STARTUP_SECONDS + 5 * wanted)


def test_start_up_is_what_runs_took_beside_their_epochs(checkpoints: Path) -> None:
    """33 s of which four epochs took 20; and 31 s, of which the first epoch took 6 s longer than the others."""
    plain = finished(C2, [1000.0] * 4, took=33, epoch_seconds=5.0)
    compiling = finished(C2, [1000.0] * 3, took=31)
    lines = [
        {"kind": "epoch", "epoch": n, "images_per_second": 1e3, "epoch_seconds": s}
        for n, s in ((1, 11), (2, 5), (3, 5))
    ]
    compiling.metrics_path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert estimate.rate_of([plain], C2).startup_seconds == 13
    assert estimate.rate_of([compiling], C2).startup_seconds == 10 + 6
    rate = estimate.rate_of([plain, compiling, finished(C2, [1000.0])], C2)
    assert rate.startup_seconds == 14.5
    found = estimate.estimate(C2, 1000, rate)
    assert found.seconds == pytest.approx(14.5 + 5 * found.epoch_seconds)
    features = replace(PRESETS["M4"], {"fit.epochs": 4})  # their computing is counted by itself
    assert (
        estimate.rate_of([finished(features, [1000.0] * 4, took=900, epoch_seconds=5.0)], features).startup_seconds
        == STARTUP_SECONDS
    )


def test_given_steps_count_instead_of_the_images() -> None:
    found = estimate.estimate(PRESETS["D2"], 2000, Rate(1e9))
    assert (found.steps, found.images) == (100, 2000)
    assert estimate.estimate(PRESETS["D2"], 7, Rate(1e9)).images == 2000


def test_the_estimate_of_a_finished_runs_recipe_is_what_it_took(checkpoints: Path) -> None:
    run = finished(C2, [10.0, 1000.0, 1010.0, 990.0])
    rate = estimate.rate_of([run], C2)
    assert rate.source == "runs"
    assert estimate.estimate(C2, 60_000, rate).epoch_seconds == pytest.approx(60_000 / 1000, rel=0.01)


def test_the_rate_is_the_median_of_the_nearest_runs(checkpoints: Path) -> None:
    far = [finished(PRESETS["E1"], [5000.0]) for _ in range(3)]
    near = [finished(C2, [rate]) for rate in (800.0, 900.0, 1000.0, 1100.0, 1200.0)]
    rate = estimate.rate_of([*far, *near], C2)
    assert rate.runs == 5
    assert rate == estimate.rate_of(near, C2)
    assert estimate.estimate(C2, 1000, rate).epoch_seconds == pytest.approx(1.0, rel=0.02)


def test_runs_of_much_dearer_models_say_nothing(checkpoints: Path) -> None:
    assert estimate.rate_of([finished(PRESETS["E1"], [10.0])], C2) is None


def test_only_finished_runs_with_figures_count(checkpoints: Path) -> None:
    others = [finished(C2, [1000.0], "stopped"), finished(C2, []), finished(C2, [0.0, float("nan")])]
    assert estimate.rate_of(others, C2) is None
    assert estimate.rate_of([], C2) is None


def test_a_run_too_fast_for_its_batches_gives_a_finite_rate(checkpoints: Path) -> None:
    rate = estimate.rate_of([finished(PRESETS["Q"], [1e6])], PRESETS["Q"])
    assert math.isfinite(rate.macs_per_second)
    assert rate.macs_per_second > 0


def test_a_model_without_multiplications_has_an_estimate_too(checkpoints: Path) -> None:
    tiny = replace(C2, {"network.layers": [{"type": "GlobalAveragePooling2D"}]})
    assert estimate.macs(tiny) == 10
    rate = estimate.rate_of([finished(tiny, [1000.0])], tiny)
    assert estimate.estimate(tiny, 10, rate).epoch_seconds > 0


def test_the_measurement_is_short_and_plausible() -> None:
    began = time.process_time()
    rate = estimate.measure(0.02)
    assert time.process_time() - began < 5
    assert rate.source == "machine"
    assert 1e7 < rate.macs_per_second < 1e14
