"""Images that can't be read count nowhere as images that had a part in it."""

import json

import numpy as np
from PIL import Image

from cnnviz import runs
from cnnviz.figures.html_report import html_page
from cnnviz.files import write_json
from cnnviz.models.load.load import load_run
from cnnviz.presets import preset
from cnnviz.recipe import replace
from cnnviz.train.evaluate import evaluate
from cnnviz.train.loop import carry_out
from cnnviz.train.run_writer import RunWriter

COUNTS = {"train": 20, "validation": 6, "test": 6}
BROKEN = {"train": 3, "validation": 0, "test": 1}
READ = {"train": 17, "validation": 6, "test": 5}


def test_the_report_counts_the_images_that_were_read(checkpoints, tmp_path):
    rng, broken = np.random.default_rng(0), []
    for split, count in COUNTS.items():
        for at in range(count):
            path = tmp_path / "pets" / split / ("cat", "dog")[at % 2] / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            if at < BROKEN[split]:
                path.write_bytes(b"no picture")
                broken.append(path.name)
            else:
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(path)
    changes = {
        "data": {"dataset": str(tmp_path / "pets"), "image_size": [8, 8]},
        "network.layers": [{"type": "GlobalAveragePooling2D"}],
        "network.heads": [{"name": "label", "units": 2, "activation": "softmax"}],
        "fit.epochs": 1,
    }
    run = runs.create(replace(preset("Q"), changes))
    carry_out(RunWriter(run.folder, run.written))  # as its worker does
    report = json.loads((run.folder / "report.json").read_text())
    assert report["samples"] == READ
    assert len(report["skipped"]) == 4
    page = html_page(runs.open_run(run.id))
    assert "4 images could not be read" in page
    RunWriter(run.folder, run.written).write(state="stopped")
    run = runs.open_run(run.id)
    # One that was stopped has no report; each split that is measured adds what it found.
    (run.folder / "report.json").unlink()
    model = load_run(run).model
    for split in ("train", "test", "test"):
        evaluate(run, model, split)
    report = json.loads((run.folder / "report.json").read_text())
    assert report["samples"] == {"train": 17, "test": 5}
    assert len(report["skipped"]) == 4
    # One from before, whose images were counted before they were read, is put right.
    write_json(run.folder / "report.json", {**report, "samples": COUNTS})
    evaluate(run, model, "train")
    assert json.loads((run.folder / "report.json").read_text())["samples"] == {**COUNTS, "train": 17}
