"""The file of figures, read while it is written, cut anywhere."""

import csv
import io
import json
from pathlib import Path

import pytest

from cnnviz.runs import metrics
from cnnviz.runs.metrics import Writer
from cnnviz.runs.progress import progress
from tests.made_runs import figures_of, make_run


def write(path, records):
    writer = Writer(path)
    for kind, values in records:
        writer.append(kind, **values)
    writer.close()


RECORDS = [
    ("note", {"message": "Reading „Bilder“", "done": 1, "total": 2}),
    ("batch", {"epoch": 1, "batch": 3, "batches": 10, "loss": 2.5, "accuracy": 0.1}),
    *(("epoch", figures_of(epoch)) for epoch in (1, 2)),
]


def test_a_file_cut_at_any_byte_gives_the_whole_lines_before_the_cut(tmp_path):
    whole = tmp_path / "whole.jsonl"
    write(whole, RECORDS)
    data = whole.read_bytes()
    path = tmp_path / "metrics.jsonl"
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        expected = [json.loads(line) for line in data[:cut].split(b"\n")[: data[:cut].count(b"\n")]]
        records, offset = metrics.read(path)
        assert records == expected
        assert data[:cut][offset:].count(b"\n") == 0
        assert metrics.last(path) == (expected[-1] if expected else None)


def test_a_reader_that_follows_sees_every_record_once_however_it_is_cut(tmp_path):
    whole = tmp_path / "whole.jsonl"
    write(whole, RECORDS)
    data = whole.read_bytes()
    path = tmp_path / "metrics.jsonl"
    path.touch()
    assert metrics.history(path) == []
    for step in (1, 7, 64):
        path.unlink()
        path.touch()
        for end in range(0, len(data) + step, step):
            with open(path, "ab") as file:
                file.write(data[end : end + step])
            seen = metrics.history(path)
            assert seen == metrics.read(path)[0]
    assert [record["kind"] for record in seen] == ["note", "batch", "epoch", "epoch"]


def test_a_file_that_was_replaced_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, RECORDS)
    assert len(metrics.history(path)) == 4
    path.unlink()
    assert metrics.history(path) == []
    write(path, RECORDS[:1])
    assert len(metrics.history(path)) == 1


def test_a_torn_line_is_closed_by_the_next_writer(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, RECORDS[:2])
    path.write_bytes(path.read_bytes()[:-9])
    write(path, RECORDS[2:3])
    assert [record["kind"] for record in metrics.history(path)] == ["note", "epoch"]


@pytest.mark.parametrize("line", ["[1]", "3", "null", "nonsense", '{"kind": 3}', "{}", "", '"kind"', "[" * 100_000])
def test_lines_that_are_no_record_are_skipped(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_text(line + '\n{"kind": "epoch", "epoch": 1}\n{"kind": "epoch", "epoch": "two"}\n{"kind": "epoch"}\n')
    assert metrics.epochs(path) == [{"kind": "epoch", "epoch": 1}]


def test_of_a_repeated_epoch_the_last_counts(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, [("epoch", {"epoch": epoch, "loss": loss}) for epoch, loss in ((1, 3.0), (2, 2.0), (2, 1.0))])
    assert [record["loss"] for record in metrics.epochs(path)] == [3.0, 1.0]


def test_no_file_is_no_records(tmp_path):
    gone = tmp_path / "gone" / "metrics.jsonl"
    assert (metrics.history(gone), metrics.epochs(gone), metrics.last(gone)) == ([], [], None)
    assert metrics.history(tmp_path) == [], "a folder in its place"


def test_figures_are_written_with_as_many_digits_as_they_need():
    assert metrics.round_metric("val_accuracy", 0.994000018) == 0.994
    assert metrics.round_metric("val_shape_loss", 1.38198243) + metrics.round_metric(
        "a_loss", 0.884757081
    ) == pytest.approx(metrics.round_metric("val_loss", 2.266739511), abs=1e-6)


def test_csv_has_a_line_per_epoch_and_no_formulas():
    records = [{"kind": "epoch", "epoch": 1, "loss": -0.5, "=cmd()": "@SUM(1)", "note": 'a,"b"'}, {"kind": "epoch"}]
    head, first, second = csv.reader(io.StringIO(metrics.to_csv(records)))
    assert head == ["epoch", "loss", "'=cmd()", "note"]
    assert first == ["1", "-0.5", "'@SUM(1)", 'a,"b"']
    assert second == ["", "", "", ""]


def test_progress_follows_batches_epochs_and_notes(checkpoints):
    run = make_run(epochs=0, state="running")
    epochs = run.recipe.fit.epochs
    assert progress(run).fraction == 0
    write(run.metrics_path, [("note", {"message": "Reading images", "done": 20, "total": 80})])
    assert (progress(run).message, progress(run).done, progress(run).total) == ("Reading images", 20, 80)
    live = {"epoch": 2, "first_epoch": 1, "batch": 5, "batches": 10, "seconds": 90.0, "images_per_second": 99.0}
    write(run.metrics_path, [("batch", {**live, "warm_epoch_seconds": None})])
    assert progress(run).eta_seconds is None, "nothing but the first batch, which compiles, is known"
    write(run.metrics_path, [("batch", {**live, "warm_epoch_seconds": 4.0})])
    now = progress(run)
    assert now.fraction == pytest.approx(1.5 / epochs)
    assert now.eta_seconds == pytest.approx(4 * (epochs - 1.5))
    assert (now.epoch, now.batch, now.batches, now.images_per_second) == (2, 5, 10, 99.0)
    write(run.metrics_path, [("epoch", {**figures_of(epochs), "first_epoch": 1})])
    assert progress(run).fraction == 1
    assert progress(run).eta_seconds == 0


def test_the_losses_of_the_heads_of_a_shipped_run_add_up():
    records = metrics.epochs(Path(__file__).parents[2] / "checkpoints" / "shapes" / "metrics.jsonl")
    assert len(records) == 24
    for record in records:
        for split in ("", "val_"):
            total = record[f"{split}shape_loss"] + record[f"{split}colour_loss"]
            assert record[f"{split}loss"] == pytest.approx(total, abs=1e-6)
