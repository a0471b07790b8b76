"""A run as one HTML page that needs nothing else: its figures, curves, recipe and where it was trained."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from cnnviz.errors import RunError
from cnnviz.evaluation_metrics.registry import METRICS
from cnnviz.figures import curves
from cnnviz.figures.evaluation import calibration_chart, cell_colours, precision_chart, roc_chart
from cnnviz.files import read_json
from cnnviz.runs import Run, metrics
from cnnviz.runs.compare import name_of
from cnnviz.runs.report import absent_text, macro

__all__ = ["html_page", "html_report"]

MOST_CLASSES = 40
"""Of more classes the matrix is left out: nobody could read it."""
MOST_SKIPPED = 200
_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1b2529; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #d6dee0; } .quiet { color: #5d6b70; }
table { border-collapse: collapse; margin: 0.8rem 0; } th, td { padding: 0.25rem 0.8rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } thead { border-bottom: 1px solid #d6dee0; }
.matrix td, .matrix th { text-align: center; min-width: 2.6rem; } .charts { display: grid; gap: 1rem; }
.charts { grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); }
.charts > figure { min-width: 0; margin: 0; }
figcaption { font-weight: 600; } pre { background: #f2f5f5; padding: 1rem; overflow-x: auto; }
"""


def html_page(run: Run) -> str:
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
) -> str:
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
    written = f"Run {escape(run)}, written by cnnviz on {time.strftime('%Y-%m-%d %H:%M')}."
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="quiet">{written}</p>', _summary(report)]
    if epochs:
        parts += ["<h2>How it learned</h2>", '<div class="charts">']
        for metric in ("loss", "accuracy"):
            chart = curves.learning(epochs, metric, epochs=epochs, total=total, heads=list(heads), best=best)
            parts.append(_drawn(chart, f"{metric.capitalize()} over the epochs: training thin, validation thick"))
        parts.append("</div>")
    for split, found in report.get("splits", {}).items():
        for head, told in found.get("heads", {}).items():
            where = f"{split}, {head}" if len(heads) > 1 else split
            parts += _part(where, told, found.get("samples", 0))
        if same := found.get("same_pictures_as"):
            parts.append(
                f"<p>These images are those of the {escape(str(same))} split, which chose the best epoch: "
                "on new images, expect a little less.</p>"
            )
    facts = {name: report[name] for name in ("data", "machine", "versions", "samples", "durations") if name in report}
    if notes := [str(note) for note in report.get("notes", [])]:
        parts.append(f"<h2>About the data</h2><ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>")
    parts += [
        *_skipped(report),
        "<h2>Recipe</h2>",
        f"<pre>{escape(recipe)}</pre>",
        "<h2>Where it was trained</h2>",
        f"<pre>{escape(json.dumps(facts, indent=1, ensure_ascii=False))}</pre>",
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script></head><body>{''.join(parts)}"
        "</body></html>\n"
    )


def _summary(report: Mapping[str, Any]) -> str:
    rows = []
    for split, found in report.get("splits", {}).items():
        rows += [(f"{split} {name}", f"{value:.4f}") for name, value in found.get("figures", {}).items()]
    if not rows:  # of a run from before splits were reported
        told = {**report.get("validation", {}), **{f"test {name}": v for name, v in report.get("test", {}).items()}}
        rows = [(name, f"{value:.4f}") for name, value in told.items() if isinstance(value, (int, float))]
    rows.append(("best epoch", str(report.get("best_epoch"))))
    if isinstance(report.get("seconds"), (int, float)):
        rows.append(("seconds", f"{report['seconds']:.0f}"))
    return _table(("", ""), rows)


def _part(where: str, told: Mapping[str, Any], samples: int) -> list[str]:
    """One head's figures on one split."""
    classes, means = [one["class"] for one in told["classes"]], macro(told["classes"])
    parts = [
        f"<h2>{escape(where)}: {samples:,} images</h2>",
        f"<p>Accuracy {told['accuracy']:.4f}, loss {told['loss']:.4f}{_further(told)}.</p>",
        _table(
            ("Class", "Precision", "Recall", "F1", "Images"),
            [
                *((one["class"], *_three(one, one["support"]), f"{one['support']:,}") for one in told["classes"]),
                ("mean over classes", *_three(means), ""),
            ],
        ),
    ]
    if absent := absent_text(means["absent"]):
        parts.append(f"<p>{escape(absent)}</p>")
    if len(classes) <= MOST_CLASSES:
        parts.append(_matrix(np.array(told["confusion"]), classes))
    parts.append('<div class="charts">')
    drawn = told.get("curves") or {}
    if "roc" in drawn:
        parts.append(_drawn(roc_chart(drawn["roc"], classes[-1]), "ROC curve"))
    if "precision_recall" in drawn:
        chart = precision_chart(drawn["precision_recall"], drawn["share"], classes[-1])
        parts.append(_drawn(chart, "Precision over recall"))
    error = f"Expected calibration error {told['calibration']['error']:.4f}"
    words = "how far it is, on average, from being as often right as it is sure."
    chart = _drawn(calibration_chart(told["calibration"]), "Calibration")
    parts += [chart, "</div>", f"<p>{error}: {words}</p>"]
    return parts


def _further(told: Mapping[str, Any]) -> str:
    """The further metrics that the report has and that are known here, which older reports have none of."""
    found = [(METRICS[name].title, value) for name, value in (told.get("metrics") or {}).items() if name in METRICS]
    return "".join(f", {title.lower()} {value:.4f}" for title, value in found)


def _three(told: Mapping[str, Any], samples: int = 1) -> list[str]:
    """Precision, recall and F1, which of no sample say nothing."""
    return [f"{told[name]:.4f}" if samples else "–" for name in ("precision", "recall", "f1")]


def _skipped(report: Mapping[str, Any]) -> list[str]:
    """The images that could not be read, and why."""
    found = [(one["picture"], one["reason"]) for one in report.get("skipped", [])]
    if not found:
        return []
    title = f"<h2>{len(found):,} image{'s' * (len(found) > 1)} could not be read and had no part in it</h2>"
    more = f"<p>And {len(found) - MOST_SKIPPED:,} more.</p>" if len(found) > MOST_SKIPPED else ""
    return [title, _table(("Image", "Reason"), found[:MOST_SKIPPED]), more]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    top = f"<thead>{line(head, 'th')}</thead>" if any(head) else ""
    return f"<table>{top}<tbody>{''.join(line(row, 'td') for row in rows)}</tbody></table>"


def _matrix(counts: np.ndarray, classes: Sequence[str]) -> str:
    """The confusion matrix: rows are true, columns are predicted."""
    top = "".join(f"<th>{escape(name)}</th>" for name in classes)
    rows = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(
            f'<td style="background:{back};color:{front}">{count:,}</td>'
            for count, (back, front) in zip(row.tolist(), colours, strict=True)
        )
        + "</tr>"
        for name, row, colours in zip(classes, counts, cell_colours(counts), strict=True)
    )
    caption = "True classes in rows, predictions in columns"
    return (
        f'<table class="matrix"><caption>{caption}</caption><thead><tr><th></th>{top}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _drawn(figure: go.Figure, caption: str) -> str:
    figure = go.Figure(figure).update_layout(paper_bgcolor="white", plot_bgcolor="white", font_color="#1b2529")
    chart = figure.to_html(
        full_html=False, include_plotlyjs=False, default_height="360px", config={"displaylogo": False}
    )
    name = escape(caption)
    return f'<figure role="group" aria-label="{name}"><figcaption>{name}</figcaption>{chart}</figure>'
