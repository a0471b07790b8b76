"""A run as one HTML page that needs nothing else: its figures, curves, recipe and where it was trained."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from cnnviz.errors import RunError
from cnnviz.evaluation_metrics.registry import METRICS
from cnnviz.figures import curves
from cnnviz.figures.evaluation import calibration_chart, cell_colours, precision_chart, roc_chart
from cnnviz.figures.html import render
from cnnviz.files import read_json
from cnnviz.runs import Run, metrics
from cnnviz.runs.compare import name_of
from cnnviz.runs.report import absent_text, macro

__all__ = ["html_page", "html_report"]

MOST_CLASSES = 40
"""Of more classes the matrix is left out: nobody could read it."""
MOST_SKIPPED = 200


def html_page(run: Run) -> Markup:
    """Returns the page of a run.

    Raises:
        RunError: it has no report yet, or its report or recipe can't be read.
    """
    report = read_json(run.folder / "report.json")
    if not isinstance(report, dict) or run.recipe is None:
        raise RunError(
            f"{run.id} has no report: it is written when a run ends; `python -m cnnviz evaluate {run.id}` "
            "measures one that was stopped."
        )
    heads = [head.name for head in run.recipe.network.heads]
    epochs = metrics.epochs(run.metrics_path)
    report = {"best_epoch": run.written.best_epoch, **report}  # a run that was stopped is measured without it
    try:
        return html_report(name_of(run), run.id, run.recipe.to_json(), epochs, report, heads, run.recipe.fit.all_epochs)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise RunError(
            f"The report of {run.id} isn't as cnnviz writes it: `python -m cnnviz evaluate {run.id}` measures anew."
        ) from None


def html_report(
    title: str,
    run: str,
    recipe: str,
    epochs: Sequence[Mapping[str, Any]],
    report: Mapping[str, Any],
    heads: Sequence[str],
    total: int,
) -> Markup:
    """Returns the page. Whatever names contain becomes text; nothing is fetched from anywhere.

    Args:
        title: what a person calls the run.
        run: its id.
        recipe: as JSON text.
        epochs: the records of its epochs.
        report: what `report.json` holds, see `runs.report`.
        heads: the names of its heads, in order.
        total: how many epochs it was to have.
    """
    best = report.get("best_epoch")
    charts = []
    if epochs:
        chart = curves.learning(epochs, epochs=epochs, total=total, heads=list(heads), best=best)
        charts.append(("Loss and accuracy over the epochs: training thin, validation thick", _drawn(chart)))
    splits = []
    for split, found in report.get("splits", {}).items():
        parts = []
        for head, told in found.get("heads", {}).items():
            where = f"{split}, {head}" if len(heads) > 1 else split
            parts.append(_part(where, told, found.get("samples", 0)))
        splits.append((parts, found.get("same_pictures_as")))
    skipped = [(one["picture"], one["reason"]) for one in report.get("skipped", [])]
    facts = {name: report[name] for name in ("data", "machine", "versions", "samples", "durations") if name in report}
    return render(
        "report.html",
        plotly=Markup(get_plotlyjs()),
        title=title,
        run=run,
        written=time.strftime("%Y-%m-%d %H:%M"),
        summary=_summary(report),
        charts=charts,
        splits=splits,
        notes=[str(note) for note in report.get("notes", [])],
        skipped=skipped[:MOST_SKIPPED],
        skipped_count=f"{len(skipped):,} image{'s' * (len(skipped) > 1)}",
        skipped_more=f"{len(skipped) - MOST_SKIPPED:,}" if len(skipped) > MOST_SKIPPED else "",
        recipe=recipe,
        facts=json.dumps(facts, indent=1, ensure_ascii=False),
    )


def _summary(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for split, found in report.get("splits", {}).items():
        rows += [(f"{split} {name}", f"{value:.4f}") for name, value in found.get("figures", {}).items()]
    if not rows:  # of a run from before splits were reported
        told = {**report.get("validation", {}), **{f"test {name}": v for name, v in report.get("test", {}).items()}}
        rows = [(name, f"{value:.4f}") for name, value in told.items() if isinstance(value, (int, float))]
    rows.append(("best epoch", str(report.get("best_epoch"))))
    if isinstance(report.get("seconds"), (int, float)):
        rows.append(("seconds", f"{report['seconds']:.0f}"))
    return rows


def _part(where: str, told: Mapping[str, Any], samples: int) -> dict[str, Any]:
    """One head's figures on one split, as the template names them."""
    classes, means = [one["class"] for one in told["classes"]], macro(told["classes"])
    rows = [(one["class"], *_three(one, one["support"]), f"{one['support']:,}") for one in told["classes"]]
    charts, drawn = [], told.get("curves") or {}
    if "roc" in drawn:
        charts.append(("ROC curve", _drawn(roc_chart(drawn["roc"], classes[-1]))))
    if "precision_recall" in drawn:
        chart = precision_chart(drawn["precision_recall"], drawn["share"], classes[-1])
        charts.append(("Precision over recall", _drawn(chart)))
    charts.append(("Calibration", _drawn(calibration_chart(told["calibration"]))))
    return {
        "title": f"{where}: {samples:,} images",
        "figures": f"Accuracy {told['accuracy']:.4f}, loss {told['loss']:.4f}{_further(told)}",
        "classes": [*rows, ("mean over classes", *_three(means), "")],
        "absent": absent_text(means["absent"]),
        "matrix": _matrix(np.array(told["confusion"]), classes) if len(classes) <= MOST_CLASSES else [],
        "charts": charts,
        "calibration_error": f"{told['calibration']['error']:.4f}",
    }


def _further(told: Mapping[str, Any]) -> str:
    """The further metrics that the report has and that are known here, which older reports have none of."""
    found = [(METRICS[name].title, value) for name, value in (told.get("metrics") or {}).items() if name in METRICS]
    return "".join(f", {title.lower()} {value:.4f}" for title, value in found)


def _three(told: Mapping[str, Any], samples: int = 1) -> list[str]:
    """Precision, recall and F1, which of no sample say nothing."""
    return [f"{told[name]:.4f}" if samples else "–" for name in ("precision", "recall", "f1")]


def _matrix(counts: np.ndarray, classes: Sequence[str]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The confusion matrix: for each true class its name, and for each predicted one background, colour and count."""
    return [
        (name, [(back, front, f"{count:,}") for count, (back, front) in zip(row.tolist(), colours, strict=True)])
        for name, row, colours in zip(classes, counts, cell_colours(counts), strict=True)
    ]


def _drawn(figure: go.Figure) -> Markup:
    """A chart as HTML of Plotly's, whose texts are escaped where it is made."""
    figure = go.Figure(figure).update_layout(paper_bgcolor="white", plot_bgcolor="white", font_color="#1b2529")
    return Markup(
        figure.to_html(full_html=False, include_plotlyjs=False, default_height="360px", config={"displaylogo": False})
    )
