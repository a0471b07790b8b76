"""Snapshots of runs as files: what comes back, what is damaged, and how many are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnnviz.runs import snapshots
from cnnviz.runs.snapshots import Maps, Probe, Snapshot

RNG = np.random.default_rng(0)


CLASSES = {"shape": tuple("abcd"), "colour": ("red", "blue")}
PROBE = Probe(np.zeros((6, 10, 8, 1), np.uint8), tuple("uvwxyz"), {head: np.arange(6) % 2 for head in CLASSES}, CLASSES)


def made(epoch: int) -> Snapshot:
    levels = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    low, high = RNG.random((6, 3), np.float32) - 1, RNG.random((6, 3), np.float32) + 1
    cams = {"shape": 1e6 * RNG.random((6, 5, 4), np.float32), "colour": np.zeros((6, 5, 4), np.float32)}
    probabilities = {"shape": RNG.random((6, 4), np.float32), "colour": RNG.random((6, 2), np.float32)}
    kernels = RNG.normal(size=(3, 3, 1, 8)).astype(np.float32)
    return Snapshot(epoch, probabilities, "conv2d", cams, (Maps("conv2d", (10, 8, 16), levels, low, high),), kernels)


def test_a_snapshot_comes_back(tmp_path):
    kept = made(7)
    size = snapshots.save(tmp_path, kept)
    assert size == (tmp_path / "snapshots" / "epoch-00007.z").stat().st_size
    found = snapshots.read_snapshot(tmp_path, 7, PROBE)
    assert (found.epoch, found.layer, snapshots.epochs(tmp_path)) == (7, "conv2d", [7])
    for head, values in kept.probabilities.items():
        np.testing.assert_array_equal(found.probabilities[head], values)
        np.testing.assert_allclose(found.cams[head], kept.cams[head], rtol=1e-3)
    np.testing.assert_allclose(found.kernels, kept.kernels, rtol=1e-3, atol=1e-7)
    (one,), (wanted,) = found.maps, kept.maps
    assert (one.layer, one.shape) == (wanted.layer, wanted.shape)
    np.testing.assert_array_equal(one.levels, wanted.levels)
    for at in range(6):
        spread = wanted.levels[at] / 255 * (wanted.high[at] - wanted.low[at]) + wanted.low[at]
        np.testing.assert_allclose(one.values(at), spread, atol=1e-6)


def test_the_images_come_back(tmp_path):
    images = RNG.integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    kept = Probe(images, ("a/1.jpg", "<b>"), {"label": np.array([1, 0])}, {"label": ("cats", "dogs")})
    snapshots.save_images(tmp_path, kept)
    found = snapshots.read_probe(tmp_path)
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels["label"], [1, 0])
    assert (found.names, found.classes) == (kept.names, kept.classes)


def test_without_a_folder_there_is_nothing(tmp_path):
    assert snapshots.epochs(tmp_path) == []
    assert snapshots.read_probe(tmp_path) is None
    assert snapshots.read_snapshot(tmp_path, 1, PROBE) is None
    snapshots.drop(tmp_path, 0)


def damages(data: bytes) -> list[bytes]:
    middle = len(data) // 2
    return [
        b"",
        data[:20],
        data[:middle],
        data[:-1],
        data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :],
        b"{}",
        b"x" * 100,
    ]


@pytest.mark.parametrize("damage", range(7))
def test_a_torn_file_is_skipped_and_the_others_stay(tmp_path, damage):
    for epoch in (1, 2):
        snapshots.save(tmp_path, made(epoch))
    snapshots.save_images(tmp_path, Probe(np.zeros((1, 2, 2, 1), np.uint8), ("a",), {}, {}))
    for name in ("epoch-00001.z", "pictures.z"):
        path = tmp_path / "snapshots" / name
        path.write_bytes(damages(path.read_bytes())[damage])
    assert snapshots.read_snapshot(tmp_path, 1, PROBE) is None
    assert snapshots.read_probe(tmp_path) is None
    assert snapshots.read_snapshot(tmp_path, 2, PROBE).epoch == 2


def test_what_is_to_be_repeated_is_dropped(tmp_path):
    for epoch in range(6):
        snapshots.save(tmp_path, made(epoch))
    snapshots.drop(tmp_path, 3)
    assert snapshots.epochs(tmp_path) == [0, 1, 2, 3]


def test_of_very_many_epochs_evenly_spread_ones_are_kept(tmp_path):
    tiny = Snapshot(0, {"label": np.ones((1, 2), np.float32)})
    for epoch in range(500):
        snapshots.save(tmp_path, Snapshot(epoch, tiny.probabilities))
        assert snapshots.epochs(tmp_path)[-1] == epoch
    found = snapshots.epochs(tmp_path)
    assert found[0] == 0
    assert snapshots.MOST / 2 < len(found) <= snapshots.MOST
    assert max(np.diff(found)) <= 16


KEPT = made(1)
MISFITS = {
    "another epoch's": replace(KEPT, epoch=2),
    "fewer images": replace(KEPT, probabilities={head: values[:5] for head, values in KEPT.probabilities.items()}),
    "another class": replace(KEPT, probabilities={**KEPT.probabilities, "colour": KEPT.probabilities["shape"]}),
    "a head less": replace(KEPT, probabilities={"shape": KEPT.probabilities["shape"]}),
    "no numbers": replace(KEPT, probabilities={**KEPT.probabilities, "shape": np.full((6, 4), np.nan, np.float32)}),
    "a map of another head": replace(KEPT, cams={"size": KEPT.cams["shape"]}),
    "maps of fewer images": replace(KEPT, maps=(replace(KEPT.maps[0], levels=KEPT.maps[0].levels[:2]),)),
    "fewer ranges than channels": replace(KEPT, maps=(replace(KEPT.maps[0], low=KEPT.maps[0].low[:, :2]),)),
    "kernels of two colours": replace(KEPT, kernels=np.ones((3, 3, 2, 8), np.float32)),
    "no kernels at all": replace(KEPT, kernels=np.ones((3, 3, 1, 0), np.float32)),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_whole_file_that_does_not_fit_the_images_is_none(name: str, tmp_path: Path) -> None:
    snapshots.save(tmp_path, MISFITS[name])
    (file,) = (tmp_path / "snapshots").iterdir()
    file.rename(file.with_name("epoch-00001.z"))
    assert snapshots.read_snapshot(tmp_path, 1, PROBE) is None


@pytest.mark.parametrize(
    "images",
    [
        replace(PROBE, names=("u",)),
        replace(PROBE, images=PROBE.images[..., 0]),
        replace(PROBE, images=PROBE.images.astype(np.float32)),
        replace(PROBE, images=np.zeros((6, 10, 8, 2), np.uint8)),
        replace(PROBE, images=np.zeros((6, 0, 8, 1), np.uint8)),
        replace(PROBE, labels={**PROBE.labels, "colour": np.full(6, 2)}),
        replace(PROBE, labels={**PROBE.labels, "colour": np.zeros((6, 1), np.int64)}),
    ],
    ids=["names", "no channel", "floats", "two colours", "no height", "no such class", "labels in a table"],
)
def test_images_that_do_not_fit_their_names_and_labels_are_none(images: Probe, tmp_path: Path) -> None:
    snapshots.save_images(tmp_path, images)
    assert snapshots.read_probe(tmp_path) is None


def test_reading_loads_no_tensorflow():
    import subprocess
    import sys

    script = "import sys, cnnviz.runs.snapshots; print({'tensorflow', 'keras', 'streamlit'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert done.stdout.strip() == "set()"
