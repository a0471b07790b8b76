"""What lies in a run's folder may come from anybody: it is read with measure."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cnnviz import runs
from cnnviz.files import MOST_ARRAYS, MOST_JSON, read_arrays, read_bytes, read_json
from cnnviz.runs import flags, metrics, predictions, results_cache
from tests.made_runs import make_run


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def large(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(MOST_JSON + 1)


@pytest.mark.parametrize("made", [pipe, endless, large, Path.mkdir])
def test_nothing_is_read_that_may_not_end(tmp_path: Path, made) -> None:
    made(tmp_path / "it")
    with pytest.raises(OSError, match=r"not a regular file|larger than|Is a directory"):
        read_bytes(tmp_path / "it")


@pytest.mark.parametrize("made", [pipe, endless])
def test_neither_arrays_nor_digests_are_read_of_what_may_not_end(checkpoints: Path, made) -> None:
    run = make_run()
    path = results_cache.place(run, "excited", 1).with_suffix(".npz")
    path.parent.mkdir()
    for place in (path, run.best_path):
        made(place)
    assert results_cache.read(path) is None
    assert results_cache.model_digest(run.best_path) == ""


@pytest.mark.parametrize("made", [pipe, endless, large])
@pytest.mark.parametrize("name", ["state.json", "recipe.json", "flags.json", "report.json", "log.txt", "metrics.jsonl"])
def test_a_run_with_such_a_file_is_listed_all_the_same(checkpoints: Path, made, name: str) -> None:
    run = make_run()
    (run.folder / name).unlink(missing_ok=True)
    made(run.folder / name)
    if name == "recipe.json" and made is not large:
        assert runs.listing() == [], "a folder without a file of this name is no run"
        return
    (found,) = runs.listing()
    assert found.id == run.id
    assert len(found.log_tail()) <= 16_384
    assert flags.read(run.folder) == {}
    assert isinstance(metrics.epochs(run.metrics_path), list)
    if name == "state.json":
        assert (found.state, found.written.message) == ("crashed", "Its state can't be read.")
    if name == "recipe.json":
        assert found.recipe is None


def bomb(path: Path) -> None:
    """An array of zeros, of 5 MB in the file and more than is read when it is unpacked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("facts.npy", "w", force_zip64=True) as file,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": (MOST_ARRAYS,)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(MOST_ARRAYS // 2**24):
            file.write(bytes(2**24))


def test_kept_arrays_are_not_unpacked_without_measure(checkpoints: Path) -> None:
    run = make_run()
    bomb(run.folder / "evaluation" / "test.npz")
    assert (run.folder / "evaluation" / "test.npz").stat().st_size < 5 * 2**20
    with pytest.raises(OSError, match="more than"):
        read_arrays(run.folder / "evaluation" / "test.npz")
    assert predictions.read_predictions(run.folder, "test") is None
    assert results_cache.read(run.folder / "evaluation" / "test.npz") is None


def test_a_number_that_no_computer_holds_is_infinite(tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text(f'{{"epoch": 1{"0" * 400}, "loss": -1{"0" * 400}, "seed": 7}}')
    assert read_json(tmp_path / "it.json") == {"epoch": float("inf"), "loss": float("-inf"), "seed": 7}
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"kind": "epoch", "epoch": 1, "loss": 10**400}) + "\n")
    assert metrics.epochs(tmp_path / "metrics.jsonl") == [{"kind": "epoch", "epoch": 1, "loss": float("inf")}]


@pytest.mark.parametrize("half", [b"\\ud800", b"\\uDFFF", b"\xed\xa0\x80"])
def test_halves_of_characters_are_no_text_that_a_page_can_not_hold(tmp_path: Path, half: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b'{"kind": "epoch", "epoch": 1, "a%s": ["%s", "\\ud83d\\ude00 \xed\x95\x9c"]}\n' % (half, half))
    found = read_json(path)
    assert (found["epoch"], found["kind"]) == (1, "epoch")
    assert "😀 한" in json.dumps(found, ensure_ascii=False)
    assert json.dumps(found, ensure_ascii=False).encode().decode().count("?") >= 2
    assert metrics.to_csv(metrics.epochs(path)).encode()
