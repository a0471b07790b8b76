"""Model cards: YAML that is read back, the report's numbers, and nothing of a person's text that becomes markup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cnnviz.files import read_json
from cnnviz.presets import PRESETS
from cnnviz.runs import notes, open_run
from cnnviz.runs.notes import Notes
from cnnviz.tracking.model_card import model_card
from tests.made_runs import give_model, make_run


def front(card: str) -> dict[str, Any]:
    begin, yaml_text, rest = card.split("---\n", 2)
    assert begin == ""
    assert rest.strip()
    return yaml.safe_load(yaml_text)


@pytest.mark.parametrize("name", ["shapes", "mnist", "cats-and-dogs"])
def test_the_index_has_the_reports_metrics(name: str) -> None:
    run = open_run(name)
    card = model_card(run)
    found, report = front(card), read_json(run.folder / "report.json")
    assert found["library_name"] == "keras"
    assert found["pipeline_tag"] == "image-classification"
    assert "keras" in found["tags"]
    assert found["datasets"] == [run.recipe.data.dataset]
    [index] = found["model-index"]
    [result] = index["results"]
    assert result["task"]["type"] == "image-classification"
    assert result["dataset"]["type"] == run.recipe.data.dataset
    assert result["dataset"]["split"] == "test"
    assert {one["name"]: one["value"] for one in result["metrics"]} == {
        f"test {key}": value for key, value in report["splits"]["test"]["figures"].items()
    }
    assert {one["type"] for one in result["metrics"]} == {"accuracy", "loss"}
    assert ("by which the best epoch was chosen too" in card) == bool(report["test_is_validation"])
    for head, classes in report["classes"].items():
        assert f"`{head}`: {', '.join(classes)}" in card


def test_the_code_in_it_loads_and_asks_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnviz.data.samples import sample
    from cnnviz.images import to_png

    run = open_run("mnist")
    (tmp_path / "net.keras").write_bytes(run.best_path.read_bytes())
    (tmp_path / "photo.jpg").write_bytes(to_png(sample("chelsea")))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(model_card(run, "net.keras").partition("```python\n")[2].partition("```")[0], names)
    assert tuple(names["outputs"].shape) == (1, 10)


def test_a_run_without_a_report_says_so(tmp_path: Path) -> None:
    card = model_card(make_run(PRESETS["Q"], runs=tmp_path))
    assert front(card)["model-index"][0]["results"] == []
    assert "It was not evaluated." in card


def test_text_of_a_person_is_no_markup(tmp_path: Path) -> None:
    run = make_run(PRESETS["Q"], runs=tmp_path)
    name = 'a: "b"\n---\n# [x](javascript:1) <script> `'
    notes.write(run.folder, Notes(name=name))
    card = model_card(run)
    assert front(card)["model-index"][0]["name"] == " ".join(name.split())
    body = card.split("---\n", 2)[2]
    assert "<script>" not in body
    assert "[x](" not in body
    assert body.count("\n# ") == 1


def test_it_lies_beside_what_is_exported_and_replaces_nothing(checkpoints: Path, command, tmp_path: Path) -> None:
    run = give_model(make_run(PRESETS["Q"]))
    first = command("export", run.id, "--out", str(tmp_path / "net.keras"), "--json")
    assert json.loads(first.stdout)["card"] == str(tmp_path / "README.md")
    card = (tmp_path / "README.md").read_text()
    assert "'net.keras'" in card
    second = command("export", run.id, "--out", str(tmp_path / "other.keras"), "--json")
    assert json.loads(second.stdout)["card"] == str(tmp_path / "other-README.md")
    assert (tmp_path / "README.md").read_text() == card
    bare = command("export", run.id, "--out", str(tmp_path / "bare.keras"), "--no-card", "--json")
    assert json.loads(bare.stdout)["card"] is None
    assert not (tmp_path / "bare-README.md").exists()
