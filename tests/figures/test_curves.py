"""Curves: what they show is what was recorded, and names can't be mark-up."""

import pytest

from cnnviz.figures import curves
from tests.made_runs import figures_of

EPOCHS = [{"kind": "epoch", **figures_of(epoch, turned=5)} for epoch in range(1, 11)]


def drawn(figure, name):
    """The points of a trace."""
    trace = next(trace for trace in figure.data if trace.name == name)
    return list(zip(trace.x, trace.y, strict=True))


def test_lines_go_through_the_recorded_figures_validation_thicker():
    figure = curves.learning(EPOCHS, "loss", epochs=EPOCHS, total=10, best=6, turned=5)
    assert drawn(figure, "Training") == [(record["epoch"], record["loss"]) for record in EPOCHS]
    assert drawn(figure, "Validation") == [(record["epoch"], record["val_loss"]) for record in EPOCHS]
    widths = {trace.name: trace.line.width for trace in figure.data if trace.mode == "lines"}
    assert widths["Validation"] > 2 * widths["Training"]


def test_the_best_epoch_and_the_turn_are_marked_and_shaded():
    figure = curves.learning(EPOCHS, "loss", epochs=EPOCHS, total=10, best=6, turned=5)
    assert drawn(figure, "best epoch") == [(6, EPOCHS[5]["val_loss"])]
    assert drawn(figure, "turns away from training") == [(5, EPOCHS[4]["val_loss"])]
    shade = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (shade.x0, shade.x1) == (5, 10)
    plain = curves.learning(EPOCHS, "loss", epochs=EPOCHS, total=10)
    assert not plain.layout.shapes


def test_several_heads_have_a_colour_each():
    records = [
        {"epoch": n, "kind": "epoch", "a_loss": 1, "b_loss": 2, "val_a_loss": 3, "val_b_loss": 4} for n in (1, 2)
    ]
    figure = curves.learning(records, "loss", epochs=records, total=2, heads=("a", "b"))
    colours = {trace.name: trace.line.color for trace in figure.data}
    assert colours["Training a"] == colours["Validation a"] != colours["Validation b"]


def test_the_epoch_under_way_is_drawn_between_the_epochs():
    live = [{"kind": "batch", "epoch": 11, "batch": batch, "batches": 10, "loss": 0.1 * batch} for batch in (2, 5)]
    history = [{"kind": "batch", "epoch": 1, "batch": 5, "batches": 10, "loss": 9.0}, *EPOCHS, *live]
    assert curves.live_points(history, "loss") == ([10.2, 10.5], [pytest.approx(0.2), pytest.approx(0.5)])
    figure = curves.learning(history, "loss", epochs=EPOCHS, total=20, live=True)
    assert [x for x, _ in drawn(figure, "this epoch so far")] == [10, 10.2, 10.5]
    assert curves.live_points(EPOCHS, "loss") == ([], [])


def test_axes_stay_put_while_a_curve_grows():
    ranges = set()
    for count in range(3, 11):
        figure = curves.learning(EPOCHS[:count], "accuracy", epochs=EPOCHS[:count], total=20, live=True)
        ranges.add((tuple(figure.layout.xaxis.range), tuple(figure.layout.yaxis.range)))
    assert len(ranges) == 1


def test_every_value_is_within_the_axes():
    for metric in ("loss", "accuracy"):
        for scale in (1e-6, 1, 37.3, 1e9):
            records = [{**record, "val_loss": record["val_loss"] * scale} for record in EPOCHS]
            low, high = curves.learning(records, metric, epochs=records, total=10).layout.yaxis.range
            for name in (metric, f"val_{metric}"):
                assert all(low <= record[name] <= high for record in records)


def test_no_figures_and_broken_ones_still_make_a_chart():
    curves.learning([], "accuracy", epochs=[], total=5, live=True)
    broken = [{"epoch": 1, "loss": float("nan"), "val_loss": "x", "accuracy": None}, {"epoch": 2}]
    for metric in ("loss", "accuracy"):
        figure = curves.learning(broken, metric, epochs=broken, total=2, best=1, turned=1)
        assert all(value is None for trace in figure.data for value in trace.y)


def test_learning_rate_is_drawn_only_where_it_changes():
    assert curves.learning_rate(EPOCHS, 10) is None
    falling = [{**record, "learning_rate": 1 / record["epoch"]} for record in EPOCHS]
    assert list(curves.learning_rate(falling, 10).data[0].y) == [1 / n for n in range(1, 11)]


def test_names_are_letters_not_markup():
    figure = curves.overlay_runs({"<b>A</b><img src=x>": EPOCHS, "B & C": EPOCHS}, "val_loss")
    assert [trace.name for trace in figure.data] == ["&lt;b&gt;A&lt;/b&gt;&lt;img src=x&gt;", "B &amp; C"]


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("val_accuracy", "Validation accuracy"),
        ("loss", "Training loss"),
        ("val_shape_accuracy", "Validation accuracy of shape"),
        ("big_cat_loss", "Training loss of big_cat"),
    ],
)
def test_metrics_have_titles(key, title):
    assert curves.metric_title(key) == title


def test_metrics_are_listed_validation_first():
    assert curves.metrics_of(EPOCHS) == ["val_accuracy", "val_loss", "accuracy", "loss"]
