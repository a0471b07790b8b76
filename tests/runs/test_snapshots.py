"""Snapshots of runs as files: what comes back, what is damaged, and how many are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnnviz.runs import snapshots
from cnnviz.runs.snapshots import Maps, Moment, Probe, Snapshot

RNG = np.random.default_rng(0)


CLASSES = {"shape": tuple("abcd"), "colour": ("red", "blue")}
PROBE = Probe(np.zeros((6, 10, 8, 1), np.uint8), tuple("uvwxyz"), {head: np.arange(6) % 2 for head in CLASSES}, CLASSES)


def made(epoch: int) -> Snapshot:
    levels = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    low, high = RNG.random((6, 3), np.float32) - 1, RNG.random((6, 3), np.float32) + 1
    cams = {"shape": 1e6 * RNG.random((6, 5, 4), np.float32), "colour": np.zeros((6, 5, 4), np.float32)}
    probabilities = {"shape": RNG.random((6, 4), np.float32), "colour": RNG.random((6, 2), np.float32)}
    kernels = RNG.normal(size=(3, 3, 1, 8)).astype(np.float32)
    maps = (Maps("conv2d", (10, 8, 16), levels, low, high),)
    return Snapshot(Moment(epoch), probabilities, "conv2d", cams, maps, kernels)


def test_a_snapshot_comes_back(tmp_path):
    kept = made(7)
    size = snapshots.save(tmp_path, kept)
    assert size == (tmp_path / "snapshots" / "epoch-00007.z").stat().st_size
    found = snapshots.read_snapshot(tmp_path, Moment(7), PROBE)
    assert (found.moment, found.layer) == (Moment(7), "conv2d")
    assert snapshots.moments(tmp_path) == [Moment(7)]
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


def test_images_can_be_left_out_and_told_from_others(tmp_path):
    images = RNG.integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    labels, classes = {"label": np.array([1, 0])}, {"label": ("cats", "dogs")}
    snapshots.save_images(tmp_path, Probe(images, ("a.jpg", "b.jpg"), labels, classes))
    snapshots.leave_images_out(tmp_path)
    found = snapshots.read_probe(tmp_path)
    assert found.images.shape == images.shape
    assert np.ptp(found.images) == 0
    assert found.digest == snapshots.digest_of(images) != snapshots.digest_of(images[::-1])
    assert (found.names, found.classes) == (("a.jpg", "b.jpg"), classes)
    with pytest.raises(ValueError, match="no watched images"):
        snapshots.leave_images_out(tmp_path)


def test_without_a_folder_there_is_nothing(tmp_path):
    assert snapshots.moments(tmp_path) == []
    assert snapshots.read_probe(tmp_path) is None
    assert snapshots.read_snapshot(tmp_path, Moment(1), PROBE) is None
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
    assert snapshots.read_snapshot(tmp_path, Moment(1), PROBE) is None
    assert snapshots.read_probe(tmp_path) is None
    assert snapshots.read_snapshot(tmp_path, Moment(2), PROBE).moment == Moment(2)


def test_what_is_to_be_repeated_is_dropped(tmp_path):
    taken = [*map(Moment, range(6)), Moment(2, 5, 7), Moment(3, 1, 7)]
    for moment in taken:
        snapshots.save(tmp_path, replace(made(0), moment=moment))
    assert snapshots.moments(tmp_path) == sorted(taken)
    snapshots.drop(tmp_path, 3)
    assert snapshots.moments(tmp_path) == [*map(Moment, range(3)), Moment(2, 5, 7), Moment(3)]
    snapshots.drop(tmp_path, -1)
    assert snapshots.moments(tmp_path) == []


def test_a_moment_within_an_epoch_comes_back_and_says_where_it_is(tmp_path):
    within = Moment(0, 12, 63)
    snapshots.save(tmp_path, replace(made(0), moment=within))
    assert snapshots.moments(tmp_path) == [within]
    assert snapshots.read_snapshot(tmp_path, within, PROBE).moment == within
    assert snapshots.read_snapshot(tmp_path, Moment(0), PROBE) is None
    assert Moment(0) < within < Moment(1) < Moment(1, 2, 63)
    assert [str(one) for one in (Moment(0), within, Moment(1), Moment(1, 1200, 2000))] == [
        "Untrained",
        "Epoch 1, batch 12 of 63",
        "Epoch 1",
        "Epoch 2, batch 1,200 of 2,000",
    ]


def test_of_very_many_epochs_evenly_spread_ones_are_kept_and_all_of_the_first(tmp_path):
    early = [Moment(at // 40, at % 40 + 1, 50) for at in range(0, 80, 4)]
    for moment in [*early, *map(Moment, range(500))]:
        snapshots.save(tmp_path, Snapshot(moment, {"label": np.ones((1, 2), np.float32)}))
    found = snapshots.moments(tmp_path)
    assert [one for one in found if one.place <= 2] == sorted([*early, *map(Moment, range(3))])
    assert found[-1] == Moment(499)
    assert snapshots.MOST / 2 < len(found) <= snapshots.MOST
    assert max(np.diff([one.epoch for one in found])) <= 16


KEPT = made(1)
MISFITS = {
    "another epoch's": replace(KEPT, moment=Moment(2)),
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
    assert snapshots.read_snapshot(tmp_path, Moment(1), PROBE) is None


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
