"""A run as one HTML page: all its figures, nothing from elsewhere, names as text."""

from __future__ import annotations

import json
import re

import pytest

from cnnviz.__main__ import main
from cnnviz.errors import RunError
from cnnviz.figures.html_report import html_page
from cnnviz.files import write_json
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import open_run
from tests.made_runs import make_run

HOSTILE = "<script>alert(1)</script>"
CLASSES = [
    {"class": HOSTILE, "precision": 0.75, "recall": 0.6, "f1": 0.666667, "support": 5},
    {"class": "dogs", "precision": 0.6, "recall": 0.75, "f1": 0.666667, "support": 4},
]
HEAD = {
    "accuracy": 0.666667,
    "loss": 0.5,
    "classes": CLASSES,
    "confusion": [[3, 2], [1, 3]],
    "calibration": {
        "error": 0.05,
        "bins": [{"low": 0.5, "high": 1.0, "samples": 9, "confidence": 0.7, "accuracy": 0.666667}],
    },
    "curves": {
        "roc": {"false_positive": [0.0, 0.4, 1.0], "true_positive": [0.0, 0.75, 1.0], "area": 0.7},
        "precision_recall": {"recall": [0.0, 1.0], "precision": [1.0, 0.44], "average": 0.7},
        "share": 0.444,
    },
}
REPORT = {
    "best_epoch": 3,
    "seconds": 12.0,
    "test": {"accuracy": 0.666667},
    "versions": {"keras": "3.15.1"},
    "machine": {"system": HOSTILE},
    "splits": {"test": {"samples": 9, "figures": {"accuracy": 0.666667, "loss": 0.5}, "heads": {"label": HEAD}}},
}


@pytest.fixture
def run(checkpoints):
    made = make_run(replace(PRESETS["Q"], {"name": HOSTILE}))
    write_json(made.folder / "report.json", REPORT)
    return open_run(made.id)


def test_everything_is_in_one_page_and_names_are_text(run):
    page = html_page(run)
    own = re.sub(r"<script>.*?</script>", "", page, count=1, flags=re.S)  # plotly.js itself
    assert HOSTILE not in own
    assert "&lt;script&gt;alert(1)" in own
    assert not re.search(r'(src|href)="https?:', own)
    assert own.count("Plotly.newPlot") == 4  # loss with accuracy, ROC, precision and recall, calibration
    for told in ("0.6667", "Recipe", "keras", "Expected calibration error 0.0500"):
        assert told in own
    assert re.findall(r"<td style=[^>]*>(\d+)</td>", own) == ["3", "2", "1", "3"]


def test_the_command_writes_it(run, tmp_path, capsys):
    assert main(["report", run.id, "--out", str(tmp_path / "run.html"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (tmp_path / "run.html").stat().st_size == told["bytes"] > 1e6
    assert main(["report", run.id, "--out", str(tmp_path / "run.pdf")]) == 2
    assert "ends in .html" in capsys.readouterr().err


def test_what_a_figure_is_worth_is_said_with_it(run):
    same = {**REPORT["splits"]["test"], "same_pictures_as": "validation"}
    report = {name: value for name, value in REPORT.items() if name != "best_epoch"}
    write_json(run.folder / "report.json", {**report, "splits": {"test": same}, "notes": [f"Seed 0. {HOSTILE}"]})
    page = html_page(run)
    assert "those of the validation split, which chose the best epoch" in page
    assert "<li>Seed 0. &lt;script&gt;alert(1)&lt;/script&gt;</li>" in page
    assert f"<td>best epoch</td><td>{run.written.best_epoch}</td>" in page
    captions = re.findall(r'<figure role="group" aria-label="([^"]*)"><figcaption>([^<]*)<', page)
    assert len(captions) == 4
    assert all(name == caption for name, caption in captions)


def test_a_class_without_images_counts_in_no_mean_and_is_named(run):
    rows = [CLASSES[0], {"class": f"none {HOSTILE}", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}]
    head = {**HEAD, "classes": rows, "macro": {"precision": 0.375, "recall": 0.3, "f1": 0.333333}}  # as once written
    report = {**REPORT, "splits": {"test": {**REPORT["splits"]["test"], "heads": {"label": head}}}}
    write_json(run.folder / "report.json", report)
    page = html_page(run)
    assert "<td>mean over classes</td><td>0.7500</td><td>0.6000</td><td>0.6667</td>" in page
    assert "in no mean: none &lt;script&gt;" in page
    assert "</td><td>–</td><td>–</td><td>–</td><td>0</td>" in page


def test_images_that_could_not_be_read_are_named(run):
    assert "could not be read" not in html_page(run)
    skipped = [{"picture": f"{at} {HOSTILE}.jpg", "reason": "It is cut off."} for at in range(203)]
    write_json(run.folder / "report.json", {**REPORT, "skipped": skipped})
    page = html_page(run)
    assert "<h2>203 images could not be read and had no part in it</h2>" in page
    assert "<td>7 &lt;script&gt;alert(1)&lt;/script&gt;.jpg</td><td>It is cut off.</td>" in page
    assert "And 3 more." in page


@pytest.mark.parametrize("splits", [[], {"test": {"heads": {"label": {}}}}, {"test": None}])
def test_a_report_that_was_edited_by_hand_is_a_sentence(run, splits):
    write_json(run.folder / "report.json", {**REPORT, "splits": splits})
    with pytest.raises(RunError, match="isn't as cnnviz writes it"):
        html_page(run)


def test_a_run_without_a_report_says_so(checkpoints):
    with pytest.raises(RunError, match="has no report"):
        html_page(make_run())


def test_a_report_without_splits_shows_its_figures(run):
    write_json(
        run.folder / "report.json", {"best_epoch": 2, "validation": {"val_accuracy": 0.75}, "test": {"loss": 0.5}}
    )
    page = html_page(run)
    assert "<td>val_accuracy</td><td>0.7500</td>" in page
    assert "<td>test loss</td><td>0.5000</td>" in page
