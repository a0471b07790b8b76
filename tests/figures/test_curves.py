"""Curves: what they show is what was recorded, and names can't be mark-up."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cnnviz.figures import curves
from tests.made_runs import figures_of

EPOCHS = [{"kind": "epoch", **figures_of(epoch, turned=5)} for epoch in range(1, 11)]


def drawn(figure, name):
    """The points of a trace."""
    trace = next(trace for trace in figure.data if trace.name == name)
    return list(zip(trace.x, trace.y, strict=True))


def test_lines_go_through_the_recorded_figures_validation_thicker():
    figure = curves.learning(EPOCHS, epochs=EPOCHS, total=10, best=6, turned=5)
    assert drawn(figure, "Training") == [(record["epoch"], record["loss"]) for record in EPOCHS]
    assert drawn(figure, "Validation") == [(record["epoch"], record["val_loss"]) for record in EPOCHS]
    widths = {trace.name: trace.line.width for trace in figure.data if trace.mode == "lines"}
    assert widths["Validation"] > 2 * widths["Training"]


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.95])
def test_smooth_curves_are_those_of_pandas(weight):
    values = [*np.random.default_rng(0).normal(1, 0.3, 40), None, 0.5, None, None, 0.7]
    wanted = pd.Series(values, dtype=float).ewm(alpha=1 - weight, adjust=True, ignore_na=True).mean()
    found = curves.smoothed(values, weight)
    assert [one is None for one in found] == [one is None for one in values]
    for one, other in zip(found, wanted, strict=True):
        assert one is None or one == pytest.approx(other, rel=1e-12)


def test_smooth_curves_have_their_figures_behind_them():
    figure = curves.learning(EPOCHS, epochs=EPOCHS, total=10, smoothing=0.6)
    losses = [record["val_loss"] for record in EPOCHS]
    assert drawn(figure, "Validation") == list(zip(range(1, 11), curves.smoothed(losses, 0.6), strict=True))
    behind = [list(trace.y) for trace in figure.data if trace.opacity == 0.35]
    assert losses in behind
    assert len(behind) == 4


def test_a_logarithmic_loss_is_within_its_axis_and_accuracy_is_not():
    records = [{"kind": "epoch", "epoch": at, "loss": 10.0**-at, "accuracy": 0.5} for at in range(4)]
    records.append({"kind": "epoch", "epoch": 4, "loss": 0.0, "accuracy": 0.5})
    axis = curves.learning(records, epochs=records, total=5, log=True).layout.yaxis
    assert axis.type == "log"
    assert axis.range[0] < -3
    assert axis.range[1] > 0
    assert list(axis.tickvals) == pytest.approx([0.001, 0.01, 0.1, 1])
    near = [{"kind": "epoch", "epoch": at, "loss": 0.9 - at / 10} for at in range(5)]
    axis = curves.learning(near, epochs=near, total=5, log=True).layout.yaxis
    assert list(axis.tickvals) == pytest.approx([0.5, 1])
    assert curves.learning(records, epochs=records, total=5, log=True).layout.yaxis2.type is None


def test_the_best_epoch_and_the_turn_are_marked_and_shaded():
    figure = curves.learning(EPOCHS, epochs=EPOCHS, total=10, best=6, turned=5)
    assert drawn(figure, "best epoch") == [(6, EPOCHS[5]["val_loss"])]
    assert drawn(figure, "turns away from training") == [(5, EPOCHS[4]["val_loss"])]
    shade = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (shade.x0, shade.x1) == (5, 10)
    plain = curves.learning(EPOCHS, epochs=EPOCHS, total=10)
    assert not plain.layout.shapes


def test_several_heads_have_a_colour_each():
    records = [
        {"epoch": n, "kind": "epoch", "a_loss": 1, "b_loss": 2, "val_a_loss": 3, "val_b_loss": 4} for n in (1, 2)
    ]
    figure = curves.learning(records, epochs=records, total=2, heads=("a", "b"))
    colours = {trace.name: trace.line.color for trace in figure.data}
    assert colours["Training a"] == colours["Validation a"] != colours["Validation b"]


def test_the_epoch_under_way_is_drawn_between_the_epochs():
    live = [{"kind": "batch", "epoch": 11, "batch": batch, "batches": 10, "loss": 0.1 * batch} for batch in (2, 5)]
    history = [{"kind": "batch", "epoch": 1, "batch": 5, "batches": 10, "loss": 9.0}, *EPOCHS, *live]
    assert curves.live_points(history, "loss") == ([10.2, 10.5], [pytest.approx(0.2), pytest.approx(0.5)])
    figure = curves.learning(history, epochs=EPOCHS, total=20, live=True)
    assert [x for x, _ in drawn(figure, "this epoch so far")] == [10, 10.2, 10.5]
    assert curves.live_points(EPOCHS, "loss") == ([], [])


def test_axes_stay_put_while_a_curve_grows():
    ranges = set()
    for count in range(3, 11):
        layout = curves.learning(EPOCHS[:count], epochs=EPOCHS[:count], total=20, live=True).layout
        ranges.add(tuple(tuple(axis.range) for axis in (layout.xaxis, layout.yaxis, layout.yaxis2)))
    assert len(ranges) == 1


def test_every_value_is_within_the_axes():
    for scale in (1e-6, 1, 37.3, 1e9):
        records = [{**record, "val_loss": record["val_loss"] * scale} for record in EPOCHS]
        layout = curves.learning(records, epochs=records, total=10).layout
        for metric, axis in (("loss", layout.yaxis), ("accuracy", layout.yaxis2)):
            for name in (metric, f"val_{metric}"):
                assert all(axis.range[0] <= record[name] <= axis.range[1] for record in records)


def test_no_figures_and_broken_ones_still_make_a_chart():
    curves.learning([], epochs=[], total=5, live=True)
    broken = [{"epoch": 1, "loss": float("nan"), "val_loss": "x", "accuracy": None}, {"epoch": 2}]
    figure = curves.learning(broken, epochs=broken, total=2, best=1, turned=1)
    assert all(value is None for trace in figure.data for value in trace.y)


def small(figure):
    """The small curves, by their titles."""
    return {trace.name: list(trace.y) for trace in figure.data if trace.name in curves.SMALL.values()}


def test_what_was_recorded_beside_the_metrics_is_drawn_small_the_rate_only_where_it_changes():
    assert small(curves.learning(EPOCHS, epochs=EPOCHS, total=10)) == {"Images a second": [500.0] * 10}
    falling = [{**record, "learning_rate": 1 / record["epoch"], "memory_mb": 900.5} for record in EPOCHS]
    figure = curves.learning(falling, epochs=falling, total=10, first_rate=2.0)
    assert small(figure) == {
        "Learning rate": [2.0, *(1 / n for n in range(1, 11))],
        "Images a second": [500.0] * 10,
        "Memory, MB": [900.5] * 10,
    }


def test_all_panels_stand_over_one_axis_apart_from_each_other():
    layout = curves.learning(EPOCHS, epochs=EPOCHS, total=10).layout
    assert layout.hoversubplots == "axis"
    domains = [layout[axis].domain for axis in ("yaxis", "yaxis2", "yaxis3")]
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))
    assert not {trace.xaxis for trace in curves.learning(EPOCHS, epochs=EPOCHS, total=10).data} - {None, "x"}


def test_compared_runs_are_a_colour_each_training_dashed_and_one_name_in_the_legend():
    shorter = EPOCHS[:4]
    figure = curves.overlay_runs({"A": EPOCHS, "B": shorter})
    for name, records in (("A", EPOCHS), ("B", shorter)):
        lines = [trace for trace in figure.data if trace.name == name]
        assert [(trace.line.dash, list(trace.y)) for trace in lines] == [
            (dash, [record[key] for record in records])
            for key, dash in (("loss", "dash"), ("val_loss", "solid"), ("accuracy", "dash"), ("val_accuracy", "solid"))
        ]
        assert len({(trace.line.color, trace.legendgroup) for trace in lines}) == 1
        assert sum(trace.showlegend for trace in lines) == 1
    assert len({trace.line.color for trace in figure.data}) == 2


def test_compared_runs_can_be_those_of_one_head():
    records = [{**record, "val_shape_loss": 7.0} for record in EPOCHS]
    figure = curves.overlay_runs({"A": records}, "shape")
    assert [7.0] * 10 in [list(trace.y) for trace in figure.data]


def test_names_are_letters_not_markup():
    figure = curves.overlay_runs({"<b>A</b><img src=x>": EPOCHS, "B & C": EPOCHS})
    assert {trace.name for trace in figure.data} == {"&lt;b&gt;A&lt;/b&gt;&lt;img src=x&gt;", "B &amp; C"}


def test_a_mean_has_a_band_of_its_deviation_with_gaps_where_one_run_is_alone():
    """By hand: means 2, 3, 4 with deviations 1, 0.5 and none."""
    records = [
        {"epoch": 1, "val_loss": 2.0, "runs": 3, "deviation": {"val_loss": 1.0}},
        {"epoch": 2, "val_loss": 3.0, "runs": 2, "deviation": {"val_loss": 0.5}},
        {"epoch": 3, "val_loss": 4.0, "runs": 1, "deviation": {}},
        {"epoch": 4, "val_loss": 4.0, "runs": 2, "deviation": {"val_loss": 2.0}},
    ]
    figure = curves.overlay_runs({"A": records, "B": EPOCHS})
    [band] = [trace for trace in figure.data if trace.fill == "toself"]
    assert list(band.x) == [1, 2, 2, 1, None, 4, 4, None]
    assert list(band.y) == [1.0, 2.5, 3.5, 3.0, None, 2.0, 6.0, None]
    line = next(trace for trace in figure.data if trace.name == "A" and trace.line.dash == "solid")
    assert list(line.y) == [2.0, 3.0, 4.0, 4.0]
    assert list(line.customdata) == [" ± 1.0000 (3 runs)", " ± 0.5000 (2 runs)", " (1 run)", " ± 2.0000 (2 runs)"]
    assert band.fillcolor == "rgba(20, 153, 140, 0.24)"
    assert band.legendgroup == line.legendgroup
    assert not band.showlegend
    assert figure.layout.yaxis.range[1] >= 6, "all of the band is seen"
    [logarithmic] = [
        trace
        for trace in curves.overlay_runs(
            {"A": [*records[:1], {**records[0], "epoch": 2, "deviation": {"val_loss": 5.0}}]}, log=True
        ).data
        if trace.fill
    ]
    assert min(y for y in logarithmic.y if y is not None) == pytest.approx(0.2), "a logarithm has no 0"
