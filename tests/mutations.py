"""Takes one thing after another out of the app's sight and asks whether the contract of what is seen notices.

`python -m tests.mutations` prints a line for each and ends with 1 where one was not caught; words choose some. It isn't
part of the suite: it tests the tests. The app runs as it is, but for one function that gives another value (nothing, or
one colour) or one rule of style that hides something, changed between two views.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["MUTATIONS", "Mutation", "apply", "main"]

ROOT = Path(__file__).resolve().parents[1]
SWITCH = "CNNVIZ_MUTATION"
"""Names the file that holds the name of the mutation that the app is to have now."""


@dataclass(frozen=True)
class Mutation:
    """What is taken out of sight in one view.

    Attributes:
        name: what is missing.
        view: the view of the table that must notice.
        function: "module:name" of what gives another value; "" for a rule of style.
        becomes: makes the new function of the old one.
        style: CSS.
    """

    name: str
    view: str
    function: str = ""
    becomes: Callable[[Callable], Callable] | None = None
    style: str = ""


def nothing(_: Callable) -> Callable:
    return lambda *args, **options: ""


def none(_: Callable) -> Callable:
    return lambda *args, **options: None


def flat(old: Callable) -> Callable:
    """Images of one colour in the place of those that it makes."""
    return lambda *args, **options: old(*args, **options) * 0


def bare(old: Callable) -> Callable:
    """Charts without a trace."""

    def made(*args: Any, **options: Any) -> Any:
        figure = old(*args, **options)
        figure.data = ()
        return figure

    return made


MUTATIONS: tuple[Mutation, ...] = (
    # charts
    Mutation(
        "the curves' grid has no column",
        "runs-curves",
        style='[class*="st-key-runs_steady_"] { grid-template-columns: 0 !important; }',
    ),
    Mutation("loss and accuracy have no line", "runs-curves", "cnnviz.figures.curves:learning", bare),
    Mutation("a chart is transparent", "runs-curves", style=".js-plotly-plot { opacity: 0; }"),
    Mutation("the chart of calibration is empty", "runs-report", "cnnviz.figures.evaluation:calibration_chart", bare),
    Mutation("the curves of compared runs are empty", "runs-compare", "cnnviz.figures.curves:overlay_runs", bare),
    Mutation(
        "the curves along a step are empty", "augment-survival", "cnnviz.figures.robustness:prediction_curves", bare
    ),
    Mutation(
        "the curves of shares are empty", "augment-survival-measured", "cnnviz.figures.robustness:share_curves", bare
    ),
    Mutation(
        "the curves of removed pixels are empty",
        "predict-trust",
        "cnnviz.figures.explanation_metrics:removal_curves",
        bare,
    ),
    Mutation(
        "the bars of randomized layers are empty",
        "predict-trust",
        "cnnviz.figures.explanation_metrics:cascade_bars",
        bare,
    ),
    Mutation(
        "a running run's curves are hidden",
        "runs-running",
        style='[class*="st-key-runs_steady_"] .js-plotly-plot { visibility: hidden; }',
    ),
    # maps, mosaics and other images
    Mutation(
        "the heat map adds nothing", "predict", "cnnviz.overlay:overlay", lambda old: lambda image, *_, **__: image
    ),
    Mutation("the heat map is one colour", "predict", "cnnviz.overlay:overlay", flat),
    Mutation(
        "the maps of every layer are missing",
        "predict-every-layer",
        "cnnviz.figures.prediction:layered_images",
        nothing,
    ),
    Mutation("the mosaic is one colour", "inside", "cnnviz.figures.channels:on_page", flat),
    Mutation("the histogram is missing", "inside", "cnnviz.figures.channels:spread", nothing),
    Mutation("the kernels are one colour", "inside-kernels", "cnnviz.figures.kernels:to_width", flat),
    Mutation("the norms' bars are missing", "inside-kernels", "cnnviz.figures.kernels:norm_bars", nothing),
    Mutation("the patterns are one colour", "inside-patterns-made", "cnnviz.figures.feature_visualization:grid", flat),
    Mutation(
        "the windows of numbers are missing", "inside-numbers", "cnnviz.figures.output_breakdown:windows", nothing
    ),
    Mutation("the sum is missing", "inside-numbers", "cnnviz.figures.output_breakdown:ledger", nothing),
    Mutation(
        "what excites a channel is one colour", "inside-excites-found", "cnnviz.figures.top_activations:to_side", flat
    ),
    Mutation(
        "the answers without a channel are missing",
        "inside-excites-found",
        "cnnviz.figures.top_activations:with_and_without",
        nothing,
    ),
    Mutation(
        "two images side by side are not drawn",
        "inside-beside",
        "cnnviz.ui.inside.comparison_views:draw_comparison",
        none,
    ),
    Mutation("the watched images are missing", "runs-epochs", "cnnviz.figures.snapshots:snapshot_row", nothing),
    Mutation(
        "the feature maps over the epochs are missing",
        "inside-epochs",
        "cnnviz.ui.runs.snapshot_html:maps_html",
        nothing,
    ),
    Mutation(
        "the drawn images are one colour",
        "augment",
        "cnnviz.augment.preview:image_bytes",
        lambda old: lambda image, *args, **options: old(image * 0, *args, **options),
    ),
    Mutation("the small images of an experiment are missing", "learn-structure", "cnnviz.figures.tiles:tiles", nothing),
    Mutation("an image is hidden", "augment-wipe", style="img { visibility: hidden; }"),
    # components
    Mutation(
        "the strip of layers is 0 px high", "inside", style=".st-key-inside_strip { height: 0; overflow: hidden; }"
    ),
    Mutation("the confusion matrix is not drawn", "runs-report", "cnnviz.ui.components.confusion_matrix:matrix", none),
    Mutation("the gallery is not drawn", "runs-report", "cnnviz.ui.components.image_gallery:image_gallery", none),
    # tables, bars and blocks
    Mutation("the table of runs is hidden", "runs", style='[data-testid="stDataFrame"] { visibility: hidden; }'),
    Mutation("the table of layers is missing", "train", "cnnviz.figures.layers:settings", nothing),
    Mutation("the model's blocks are missing", "train", "cnnviz.figures.model_blocks:blocks", nothing),
    Mutation("the bars of the classes are missing", "train", "cnnviz.figures.data:class_bars", nothing),
    # words and controls
    Mutation("the prediction is missing", "predict-heads", "cnnviz.figures.prediction:prediction", nothing),
    Mutation("the bars of the predictions are missing", "predict-heads", "cnnviz.figures.prediction:top", nothing),
    Mutation("the figures of a report are missing", "runs-report", "cnnviz.figures.numbers:numbers", nothing),
    Mutation("captions are hidden", "runs-curves", style='[data-testid="stCaptionContainer"] { visibility: hidden; }'),
    Mutation("captions are faint", "runs-curves", style='[data-testid="stCaptionContainer"] { opacity: 0.5; }'),
    Mutation("the button that starts is hidden", "train", style=".st-key-train_start { display: none; }"),
    Mutation(
        "a button is narrower than its words",
        "runs-curves",
        style='[data-testid="stBaseButton-secondary"] { width: 40px; min-width: 0; overflow: hidden; }',
    ),
    Mutation(
        "captions lie on what is above them",
        "runs-curves",
        style='[data-testid="stCaptionContainer"] { margin-top: -60px; }',
    ),
    Mutation("a card is wider than the page", "train", style=".stHtml { min-width: 1600px; }"),
)


def apply(applied: dict[str, Any]) -> None:
    """Gives the app the mutation that the file names, and takes back the one before; called before each of its runs.

    Args:
        applied: kept between two runs: the mutation's name, and what its function was.
    """
    import streamlit as st

    name = Path(os.environ[SWITCH]).read_text(encoding="utf-8")
    mutation = next((one for one in MUTATIONS if one.name == name), None)
    if applied.get("name") != name:
        if "old" in applied:
            _replace(applied.pop("new"), applied.pop("old"))
        if mutation is not None and mutation.function:
            module, function = mutation.function.split(":")
            old = getattr(importlib.import_module(module), function)
            applied["old"], applied["new"] = old, mutation.becomes(old)
            _replace(applied["old"], applied["new"])
        st.cache_data.clear()
        st.cache_resource.clear()
        applied["name"] = name
    if mutation is not None and mutation.style:
        st.html(f"<style>{mutation.style}</style>")


def _replace(old: Any, new: Any) -> None:
    """Puts one function in the other's place wherever it was imported."""
    for name, module in list(sys.modules.items()):
        if name.startswith("cnnviz"):
            for attribute, value in list(vars(module).items()):
                if value is old:
                    setattr(module, attribute, new)


def main(words: list[str]) -> int:
    """Looks at each mutation's view, and prints whether it was noticed and by what."""
    from playwright.sync_api import Error, expect, sync_playwright

    from tests.e2e.conftest import FLAGS, PATIENCE_MS, chromium, serving
    from tests.e2e.prepared import stop_runs, switch, trained
    from tests.e2e.seen import LOOKS, Console, look_at
    from tests.e2e.views import VIEWS, View

    views = {view.name: view for view in VIEWS}
    chosen = [one for one in MUTATIONS if not words or any(word in one.name for word in words)]
    chosen.sort(key=lambda one: views[one.view].runs == "running")  # a running run takes half of the machine
    missed = 0
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        folder = Path(made)
        os.environ[SWITCH] = str(folder / "mutation")
        (folder / "mutation").write_text("", encoding="utf-8")
        trained(folder / "runs" / "trained")
        with serving(folder, app=_mutable(folder / "app")) as (server, _):
            show_runs = switch(server.checkpoints, folder / "runs")
            browser = playwright.chromium.launch(executable_path=chromium(playwright), args=FLAGS)
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            expect.set_options(timeout=PATIENCE_MS)
            console = Console(page)
            usual: dict[str, list[str]] = {}

            def look(view: View, mutation: str) -> list[str]:
                (folder / "mutation").write_text(mutation, encoding="utf-8")
                for measured in ("survival", "patterns", "excited"):  # else it would be shown without being asked for
                    for kept in (folder / "runs" / "trained").glob(f"*/{measured}"):
                        shutil.rmtree(kept)
                show_runs(view.runs)
                return look_at(page, console, view, server.url, folder / "seen", looks=LOOKS[:1])

            for one in chosen:
                view = views[one.view]
                if one.view not in usual:
                    usual[one.view] = look(view, "")
                    if usual[one.view]:
                        print(f"BROKEN  {one.view} without a mutation: {usual[one.view][0]}", flush=True)
                try:
                    found = look(view, one.name)
                except (AssertionError, Error) as error:  # a step found nothing to press
                    found = [f"can't be reached: {str(error).splitlines()[0]}"]
                caught = [fault for fault in found if fault not in usual[one.view]]
                missed += not caught
                by = caught[0].split(": ", 1)[-1][:120] if caught else ""
                print(f"{'caught' if caught else 'MISSED'}  {one.name} ({one.view}): {by}", flush=True)
            browser.close()
            stop_runs(folder / "runs" / "running")
    print(f"{len(chosen) - missed} of {len(chosen)} caught")
    return min(1, missed)


def _mutable(folder: Path) -> Path:
    """Writes an app that is this one but for the mutation of the moment."""
    folder.mkdir()
    for name in ("pages", "docs"):
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)
    app = folder / "streamlit_app.py"
    app.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests import mutations\n"
        "mutations.apply(mutations.APPLIED)\n"
        + (ROOT / "streamlit_app.py").read_text(encoding="utf-8").replace("from __future__ import annotations\n", ""),
        encoding="utf-8",
    )
    return app


APPLIED: dict[str, Any] = {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
