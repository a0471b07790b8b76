"""Names that would be mark-up, formulas or paths go through every page, and stay names."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz import images
from cnnviz.files import write_json
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.made_runs import give_model, make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = "<img src=x onerror=alert(1)>"
OTHER = "\"'><svg onload=alert(2)>=1+1[a](javascript:alert(3))$x$:red[y]"
FILE = "<iframe srcdoc='<script>alert(4)<" + "∕script>'>.png"
OUTWARDS = "../../x"
PATIENCE_MS = 300_000


def source_images() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of a small dataset with two classes."""
    rng = np.random.default_rng(0)
    for at, name in enumerate((SCRIPT, OTHER)):
        for number in range(12):
            pixels = rng.integers(120 * at, 120 * at + 90, (8, 8, 3), np.uint8)
            yield f"{name}/{number}{FILE}", images.to_png(pixels)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder whose dataset, classes and files have such names."""
    folder = tmp_path_factory.mktemp("data")
    for name, content in source_images():
        path = folder / "<b>pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNVIZ_DATA", str(folder))
        patch.setenv("CNNVIZ_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield folder


@pytest.fixture(scope="module")
def server(data: Path, own_server):
    """The app that sees this data folder."""
    return own_server


@pytest.fixture(scope="module")
def run(server, data: Path) -> Run:
    """A run that is called like a path outwards, with a report that names the classes."""
    layers = [{"type": "Conv2D", "filters": 2}, {"type": "Flatten"}]
    heads = [{"name": "label", "units": 2, "activation": "softmax"}]
    recipe = replace(
        PRESETS["Q"], {"name": OUTWARDS, "data.dataset": "<b>pets", "network.layers": layers, "network.heads": heads}
    )
    made = give_model(make_run(recipe, runs=server.checkpoints))
    report = {
        "classes": {"label": [SCRIPT, OTHER]},
        "notes": [SCRIPT],
        "skipped": [{"picture": FILE, "reason": SCRIPT}],
        "samples": {"train": 16, SCRIPT: 4},
        "test": {"accuracy": 0.5, "loss": 1.0},
    }
    write_json(made.folder / "report.json", report)
    made.log_path.write_text(f"{SCRIPT}\n\x1b[31m{OTHER}\n")
    return made


@pytest.fixture(scope="module")
def second(server, run: Run) -> Run:
    """A run that is called like mark-up."""
    return make_run(replace(run.recipe, {"name": SCRIPT}), created=1_600_000_000.0, runs=server.checkpoints)


@pytest.fixture(autouse=True)
def _nothing_runs(page: Page, server) -> Iterator[None]:
    """No dialog opens, no element of the names' mark-up is made, and no file comes to lie outside."""
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    outside = server.checkpoints.parent.parent
    before = {*outside.iterdir(), *outside.parent.iterdir(), *server.checkpoints.parent.iterdir()}
    yield
    assert page.locator("img[src='x'], svg[onload], iframe[srcdoc], a[href^='javascript:']").count() == 0
    assert not dialogs
    new = {*outside.iterdir(), *outside.parent.iterdir(), *server.checkpoints.parent.iterdir()} - before
    assert not [path for path in new if path.name.startswith(("x", "evil", "<"))]


def said(page: Page, words: str) -> Locator:
    """Where these words are shown, letter by letter."""
    return page.get_by_text(re.compile("\u2060?".join(map(re.escape, words))))


def test_train(page: Page, visit: Callable[[str], None], settled: Callable[[], None], tmp_path: Path) -> None:
    """Chosen from the list, and uploaded as an archive."""
    visit("train")
    page.get_by_role("combobox", name=re.compile("Images$")).click()
    page.get_by_role("option", name="<b>pets", exact=True).click()
    expect(said(page, SCRIPT[:12]).first).to_be_visible()
    settled()
    page.get_by_role("combobox", name=re.compile("Images$")).click()
    page.get_by_role("option", name="A folder or file of my own…").click()
    path = page.get_by_role("textbox", name="Path on this computer")
    field = page.locator("[data-testid=stFileUploader]:has-text('Or upload them') input")
    broken, archive = tmp_path / "<b>.zip", tmp_path / "..zip"
    broken.write_bytes(b"PK no archive")
    field.set_input_files(broken)
    expect(said(page, "<b>.zip can't be read as a .zip or .npz file")).to_be_visible()
    page.get_by_role("button", name="Remove <b>.zip").click()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in source_images():
            file.writestr(name, content)
    field.set_input_files(archive)
    expect(said(page, "Uploaded: images.")).to_be_visible()
    expect(path).to_have_value("")
    expect(said(page, SCRIPT[:12]).first).to_be_visible()
    expect(said(page, "can't be read as")).to_have_count(0)
    settled()
    path.fill("/etc")
    path.press("Enter")
    expect(said(page, "There is no dataset '/etc'").first).to_be_visible()
    path.fill(SCRIPT)
    path.press("Enter")
    expect(said(page, f"There is no dataset '{SCRIPT}'").first).to_be_visible()


def test_runs(page: Page, run: Run, visit: Callable[[str], None], settled: Callable[[], None]) -> None:
    visit(f"runs?run={run.id}")
    expect(page.get_by_role("heading", name=OUTWARDS)).to_be_visible()
    for tab, words in (("Recipe", "augmentation"), ("Report", SCRIPT), ("Log", SCRIPT), ("Curves", OUTWARDS)):
        page.get_by_role("tab", name=tab).click()
        expect(said(page, words).first).to_be_attached()
        settled()
    page.get_by_test_id("stPopover").filter(has_text="Download").get_by_role("button").first.click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Metrics of all epochs (CSV)").click()
    assert started.value.suggested_filename == f"{run.id}-epochs.csv"
    rows = list(csv.reader(io.StringIO(started.value.path().read_text())))
    assert len(rows) == 4
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    page.mouse.move(0, 0)  # the button's help would cover the next one
    with page.expect_download() as started:
        page.get_by_role("button", name="Recipe (JSON)").click()
    assert json.loads(started.value.path().read_text())["name"] == OUTWARDS
    assert started.value.suggested_filename == f"{run.id}-recipe.json"


def test_runs_beside_each_other(page: Page, run: Run, second: Run, visit: Callable[[str], None]) -> None:
    """Their names stand in the legend of a chart, too, which reads some tags."""
    visit(f"runs?run={run.id},{second.id}")
    legend = page.locator(".js-plotly-plot .legendtext")
    expect(legend).to_have_count(2)
    assert {re.sub(r"\s+", " ", text).strip() for text in legend.all_text_contents()} == {OUTWARDS, SCRIPT}


def test_runs_that_are_asked_for_by_such_names(page: Page, run: Run, server) -> None:
    for name in (OUTWARDS, SCRIPT):
        page.goto(f"{server.url}/runs?run={name}")
        expect(said(page, f"There is no run '{name}'").first).to_be_visible()


def test_predict(page: Page, run: Run, visit: Callable[[str], None], settled: Callable[[], None]) -> None:
    visit(f"predict?run={run.id}&item=1")
    expect(said(page, SCRIPT).first).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_download(timeout=PATIENCE_MS) as started:
        page.get_by_role("button", name="Predictions (JSON)", exact=True).first.click(timeout=PATIENCE_MS)
    assert {name for name, _ in json.loads(started.value.path().read_text())[0]["heads"][0]["top"]} == {SCRIPT, OTHER}
    assert re.fullmatch(r"[\w.-]+", started.value.suggested_filename)


def test_inside(page: Page, run: Run, visit: Callable[[str], None], settled: Callable[[], None]) -> None:
    visit(f"inside?run={run.id}&item=1&layer=conv2d")
    expect(said(page, OTHER).first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("combobox", name=re.compile("Layer"))).to_be_visible(timeout=PATIENCE_MS)
    settled()


def test_augment(page: Page, visit: Callable[[str], None], settled: Callable[[], None]) -> None:
    visit("augment?data=%3Cb%3Epets&item=2")
    expect(said(page, SCRIPT).first).to_be_visible()
    settled()
    visit(f"augment?data={SCRIPT}&item=1")
