"""The Runs page, as a person uses it, without a browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz import runs
from cnnviz.figures import curves
from cnnviz.figures.curves import smoothed
from cnnviz.files import write_json
from cnnviz.presets import PRESETS
from cnnviz.processes import this_process
from cnnviz.recipe import replace
from cnnviz.runs import notes
from cnnviz.runs.metrics import Writer
from cnnviz.runs.store import write_state
from cnnviz.ui.components.chart_zoom import zoomed
from cnnviz.ui.runs import learning_curves
from tests.addresses import address_of
from tests.app.pages import APP, app_on, shown, words_of
from tests.made_runs import figures_of, make_run

NASTY = "<b>x</b> **y** $z$ :fire: [a](http://x.y) `c`"


@pytest.fixture
def visit(checkpoints: Path) -> Callable[..., AppTest]:
    """Opens the page, with runs that the address names."""

    def go(*named: str, session: dict | None = None) -> AppTest:
        app = app_on("runs", **(session or {}))
        if named:
            app.query_params["run"] = ",".join(named)
        return shown(app)

    return go


def told(app: AppTest) -> str:
    """All words on the page, without the marks that keep them from being read as Markdown."""
    return words_of(app, "title", "header", "markdown", "caption", "info", "success", "warning", "error")


def rows(app: AppTest) -> list[str]:
    """What the list beside the runs calls them, in order."""
    return [row["name"] for row in listing(app)["rows"]]


def listing(app: AppTest) -> dict:
    """What the list was given."""
    (part,) = [one.proto for one in app.get("bidi_component") if one.proto.component_name == "cnnviz_run_list"]
    return json.loads(part.json)


def compare(app: AppTest, *ids: str) -> AppTest:
    """Selects runs as the list does."""
    app.session_state["runs_selected"] = list(ids)
    return shown(app)


def table(app: AppTest):
    """The table of all runs, once it is unfolded."""
    app.session_state["runs_all"] = True
    return next(frame for frame in shown(app).dataframe if "When" in frame.value)


def address(app: AppTest) -> str:
    """Which runs the address names."""
    return address_of(app)["run"]


def charts(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


@pytest.fixture
def going(checkpoints: Path) -> Iterator[Callable[..., runs.Run]]:
    """Makes runs whose worker is this very process, until the test is over."""
    made = []

    def make(**more) -> runs.Run:
        made.append(make_run(**{"state": "running", "process": this_process(), **more}))
        return made[-1]

    yield make
    for run in made:
        end(run)


def end(run) -> None:
    write_state(run.folder, runs.open_run(run.id).written.model_copy(update={"state": "stopped", "ended": 1.7e9 + 60}))


def test_without_runs_the_page_offers_one(visit, until):
    app = visit()
    assert "No runs yet" in told(app)
    app.button(key="runs_try").click()
    shown(app)
    (run,) = runs.listing()
    assert run.recipe == PRESETS["Q"]
    assert PRESETS["Q"].name in told(app)
    runs.request_stop(run.id)


def test_the_page_loads_no_tensorflow(checkpoints):
    import subprocess
    import sys

    make_run()
    script = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(APP)!r}, default_timeout=60).run()\n"
        "app.switch_page('pages/runs.py').run()\n"
        "assert not app.exception and app.get('plotly_chart')\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=APP.parent)
    assert done.stdout.strip() == "set()", done.stderr


def test_the_table_has_all_runs_and_the_newest_is_shown(visit):
    make_run(PRESETS["Q"], 2, created=1.7e9)
    make_run(PRESETS["C2"], 5, created=1.7e9 + 60)
    app = visit()
    frame = table(app).value
    assert list(frame["Data"]) == ["fashion_mnist", "digits"]
    assert frame["Parameters"].iloc[0] == 804_554
    assert list(frame["Epochs"]) == [5, 2]
    assert list(frame["Validation"])[1] == pytest.approx(100 * figures_of(2)["val_accuracy"])
    assert PRESETS["C2"].name in told(app)
    assert len(charts(app)) == 1


def test_filters_and_search_stand_in_the_address(visit):
    made = {name: make_run(PRESETS[name], 1, state=state) for name, state in FILTERED}
    notes.write(made["C2"].folder, notes.Notes(tags=("good", "keep"), note="Look at the shirts"))
    app = visit()
    app.multiselect(key="runs_filter_state").set_value(["finished"])
    assert len(rows(shown(app))) == 2
    app.multiselect(key="runs_filter_data").set_value(["fashion_mnist"])
    assert rows(shown(app)) == [PRESETS["C1"].name]
    assert (address_of(app)["state"], address_of(app)["data"]) == ("finished", "fashion_mnist")
    app.text_input(key="runs_filter_find").set_value("( nothing [")
    shown(app)
    assert "No run fits" in told(app)
    app.multiselect(key="runs_filter_state").set_value([])
    app.multiselect(key="runs_filter_data").set_value([])
    app.text_input(key="runs_filter_find").set_value("QUICK digits")
    assert rows(shown(app)) == [PRESETS["Q"].name]
    assert address_of(app)["find"] == "QUICK digits"
    app.text_input(key="runs_filter_find").set_value("SHIRTS")
    assert rows(shown(app)) == [PRESETS["C2"].name]
    app.text_input(key="runs_filter_find").set_value("")
    app.multiselect(key="runs_filter_tag").set_value(["keep", "good"])
    assert rows(shown(app)) == [PRESETS["C2"].name]
    assert address_of(app)["tag"] in ("keep,good", "good,keep")
    linked = app_on("runs")
    linked.query_params["tag"] = "good,gone"
    linked.query_params["find"] = "shirts"
    assert rows(shown(linked)) == [PRESETS["C2"].name]


FILTERED = (("Q", "finished"), ("C2", "stopped"), ("C1", "finished"))


def test_notes_and_tags_are_written_into_the_run_and_its_own_name_wins(visit):
    run, _ = make_run(), make_run(PRESETS["C2"])
    app = visit(run.id)
    app.text_input(key=f"runs_name_{run.id}").set_value(NASTY)
    app.text_area(key=f"runs_note_{run.id}").set_value("It learns slowly.")
    app.multiselect(key=f"runs_tags_{run.id}").set_value(["new, one"])
    shown(app)
    assert notes.read(run.folder) == notes.Notes(NASTY, ("new one",), "It learns slowly.")
    assert NASTY in rows(app)
    assert "It learns slowly." in told(app)
    assert [row["tags"] for row in listing(app)["rows"] if row["id"] == run.id] == [["new one"]]


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"tags": 3, "name": 4}', b'{"tags": [1, {}], "note": null}'])
def test_broken_notes_count_as_none(visit, content):
    run = make_run()
    (run.folder / "notes.json").write_bytes(content)
    assert notes.read(run.folder) == notes.Notes()
    visit(run.id)


def said_by_a_browser() -> None:
    """A page on which the browser says `said` of a list of two runs, and how a chart is zoomed."""
    from types import SimpleNamespace

    import streamlit as st

    from cnnviz.ui.components.chart_zoom import _sound
    from cnnviz.ui.components.run_list import _opened, _ticked

    st.session_state["list"] = SimpleNamespace(**st.session_state["said"])
    st.session_state["heard"] = heard = []
    _opened("list", ["a", "b"], heard.append)
    _ticked("list", ["a", "b"], heard.append)
    if zoom := _sound(st.session_state["said"].get("ranges")):
        heard.append(zoom)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({"opened": "b"}, ["b"]),
        ({"ticked": ["b", "a"]}, [["b", "a"]]),
        ({"opened": "c", "ticked": ["a", "c"]}, []),
        ({"opened": ["a"], "ticked": [["a"]]}, []),
        ({"opened": 1, "ticked": []}, []),
        ({"ranges": {"xaxis": [1, 2.5], "yaxis:log": [-1, 0]}}, [{"xaxis": (1.0, 2.5), "yaxis:log": (-1.0, 0.0)}]),
        ({"ranges": {"title": [1, 2], "xaxis": [2, 1], "yaxis": [0, float("inf")], "yaxis2": ["0", 1]}}, []),
        ({"ranges": [1, 2]}, []),
    ],
)
def test_only_what_is_there_can_be_chosen(said, heard):
    app = AppTest.from_function(said_by_a_browser)
    app.session_state["said"] = said
    assert shown(app).session_state["heard"] == heard


def test_a_run_in_full(visit):
    run = make_run(replace(PRESETS["Q"], {"name": NASTY}), 12, turned=5)
    report = {
        "test": {"accuracy": 0.9, "loss": 0.3},
        "samples": {"train": 1000, "validation": 10},
        "notes": ["Validation is the <i>test</i> split."],
        "skipped": [{"picture": "<b>1</b>.jpg", "reason": "It is cut off."}],
    }
    write_json(run.folder / "report.json", report)
    run.log_path.write_text("12:00:00 Loading TensorFlow\n")
    app = visit(run.id)
    words = told(app)
    assert NASTY in words
    assert "overfit" in words
    assert any(trace.get("name") == "turns away from training" for trace in charts(app)[0]["data"])
    assert all(button.help for button in app.button)
    assert not app.metric, "a part that is hidden is drawn"
    app.session_state["runs_show"] = "Report"
    words += told(shown(app))
    assert "Validation is the <i>test</i> split." in words
    assert "1 image could not be read" in words
    assert any(metric.label == "Test accuracy" and metric.value == "90.0 %" for metric in app.metric)
    assert not any(element.allow_html for element in app.markdown)
    app.session_state["runs_show"] = "Log"
    assert any("Loading TensorFlow" in one.proto.body for one in shown(app).get("html"))


def test_curves_are_smoothed_and_the_loss_over_its_logarithm(visit):
    run = make_run(PRESETS["Q"], 12)
    app = visit(run.id)
    before = charts(app)
    app.slider(key="runs_smoothing").set_value(0.8)
    app.toggle(key="runs_log").set_value(True)
    shown(app)
    (after,) = charts(app)

    def lines(chart):
        return [trace["y"] for trace in chart["data"] if trace.get("name") == "Validation"]

    assert (after["layout"]["yaxis"]["type"], "type" in after["layout"]["yaxis2"]) == ("log", False)
    for smooth, line in zip(lines(after), lines(before[0]), strict=True):
        assert smooth == pytest.approx(smoothed(line, 0.8))


def test_several_runs_are_compared(visit):
    one = make_run(PRESETS["Q"], 3)
    two = make_run(replace(PRESETS["Q"], {"fit.learning_rate": 0.05}), 5)
    app = visit(one.id, two.id)
    assert "2 runs compared" in told(app)
    (chart,) = charts(app)
    assert [len(trace["x"]) for trace in chart["data"]] == [3, 3, 5, 5] * 2
    figures, differences = (frame.value for frame in app.dataframe)
    assert list(figures["Epochs"]) == [3, 5]
    assert list(differences["Setting"]) == ["fit.learning_rate"]
    assert chart["data"][0]["y"][0] == pytest.approx(figures_of(1)["loss"])


def test_what_is_ticked_is_compared_and_stands_in_the_address(visit):
    made = [make_run(PRESETS["Q"], 2, created=1.7e9 + shift) for shift in range(3)]
    app = compare(visit(), made[2].id, made[0].id)
    assert address(app) == f"{made[2].id},{made[0].id}"
    assert listing(app)["ticked"] == [made[2].id, made[0].id]
    assert "2 runs compared" in told(app)
    app.button(key="runs_alone").click()
    shown(app)
    assert address(app) == made[2].id
    assert listing(app)["ticked"] == [made[2].id]
    assert "2 runs compared" not in told(app)


def test_very_many_ticked_runs_are_cut_to_a_few(visit):
    made = [make_run(PRESETS["Q"], 1, created=1.7e9 + shift) for shift in range(20)]
    app = compare(visit(), *(run.id for run in made))
    assert "The first 12 of 20 selected runs are shown." in told(app)
    assert "12 runs compared" in told(app)


@pytest.mark.parametrize("name", ["gone", "../../etc", "<b>x</b>", "a" * 5000, ",,,"])
def test_an_address_of_no_run_is_a_sentence(visit, name):
    make_run()
    app = visit(name)
    assert ("There is no run" in told(app)) == (name != ",,,")
    assert PRESETS["Q"].name in told(app)


def test_the_run_that_train_started_is_selected(visit):
    make_run(created=1.7e9 + 60)
    older = make_run(PRESETS["C2"], 2)
    app = visit(session={"runs_selected": older.id})
    assert address(app) == older.id
    assert PRESETS["C2"].name in told(app)


def test_a_run_deleted_elsewhere_is_a_sentence(visit):
    run, other = make_run(), make_run(PRESETS["C2"])
    app = visit(run.id)
    runs.delete(run.id)
    shown(app)
    assert "There is no run" in told(app)
    assert other.recipe.name in told(app)


def test_deleting_asks_first(visit):
    run, other = make_run(), make_run(PRESETS["C2"])
    app = visit(run.id)
    app.button(key="runs_delete").click()
    shown(app)
    assert run.folder.exists()
    app.button(key="runs_delete_no").click()
    shown(app)
    assert run.folder.exists()
    app.button(key="runs_delete").click()
    shown(app)
    app.button(key="runs_delete_yes").click()
    shown(app)
    assert not run.folder.exists()
    assert other.folder.exists()
    assert run.id not in told(app)


def test_deleting_what_another_tab_has_deleted_is_a_sentence(visit):
    run, _ = make_run(), make_run(PRESETS["C2"])
    app = visit(run.id)
    app.button(key="runs_delete").click()
    shown(app)
    runs.delete(run.id)
    app.button(key="runs_delete_yes").click()
    shown(app)
    assert "There is no run" in told(app)


def test_train_again_hands_the_recipe_to_train(visit):
    run = make_run(replace(PRESETS["C2"], {"fit.epochs": 7, "name": "Seven"}), 2)
    app = visit(run.id)
    app.button(key="runs_again").click()
    shown(app)
    assert app.title[0].value == "Train"
    assert app.session_state["train_draft"].tree["fit"]["epochs"] == 7


def test_a_failed_run_shows_its_sentence_and_a_crash_what_to_do(visit):
    failed = make_run(epochs=0, state="failed", message="There is no <b>data</b>.")
    app = visit(failed.id)
    assert "failed: There is no <b>data</b>." in told(app)
    assert not charts(app)
    other = this_process().model_copy(update={"ticks": 1})
    crashed = make_run(epochs=2, state="running", process=other)
    app = visit(crashed.id)
    assert "crashed" in told(app)
    assert "Continue begins it anew" in told(app)
    assert not app.button(key="runs_continue").disabled
    assert len(charts(app)) == 1


@pytest.mark.parametrize("file", ["recipe.json", "state.json", "metrics.jsonl", "report.json", "log.txt"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\x00\n", b'{"test": 3, "notes": 3, "skipped": 3}\n'])
def test_no_broken_file_breaks_the_page(visit, file, content):
    run = make_run(epochs=2)
    make_run(PRESETS["C2"])
    (run.folder / file).write_bytes(content)
    app = visit(run.id)
    assert len(rows(app)) == 2


def under_way(app: AppTest) -> float:
    """How far the live end of the first chart's curve reaches, in epochs."""
    traces = {trace.get("name"): trace for trace in charts(app)[0]["data"]}
    return max(traces["this epoch so far"]["x"], default=0.0)


def test_a_run_that_goes_on_has_a_card(visit, going, until):
    run = going(epochs=2, recipe=replace(PRESETS["Q"], {"name": "Goes on"}))
    writer = Writer(run.metrics_path)
    live = {
        "epoch": 3,
        "first_epoch": 1,
        "batch": 5,
        "batches": 10,
        "warm_epoch_seconds": 10.0,
        "loss": 0.5,
        "accuracy": 0.7,
    }
    writer.append("batch", **live, images_per_second=1234.0)
    app = visit()
    bar = app.get("progress")[0].proto
    assert bar.text.startswith("**Epoch 3 of 12** · batch 5 of 10 · 1 min 35 s left · 1,234 images a second")
    assert under_way(app) == 2.5
    writer.append("batch", **{**live, "batch": 9})
    until(lambda: under_way(shown(app)) == 2.9, 20)  # charts are drawn anew every few seconds
    writer.close()
    end(run)
    shown(app)
    assert "Goes on was stopped after 2 of 12 epochs" in told(app)
    assert address(app) == run.id
    assert not app.get("progress")


def test_the_first_figures_of_a_run_are_drawn_at_once(visit, going, monkeypatch):
    monkeypatch.setattr(learning_curves, "CHART_SECONDS", 3600.0)
    run = going(epochs=0)
    writer = Writer(run.metrics_path)
    writer.append("note", message="Building the model")
    app = visit()
    assert under_way(app) == 0
    figures = {"epoch": 1, "first_epoch": 1, "batch": 5, "batches": 10, "loss": 0.5, "accuracy": 0.7}
    writer.append("batch", **figures)
    assert under_way(shown(app)) == 0.5
    writer.append("batch", **{**figures, "batch": 9})
    assert under_way(shown(app)) == 0.5, "from then on they are drawn anew every few seconds"
    writer.close()


def test_a_run_that_goes_on_has_figures_in_the_table(visit, going):
    run, _ = going(epochs=2, started=time.time() - 100), make_run(PRESETS["C2"])
    app = visit()
    row = table(app).value.to_dict("records")[1]
    assert row["Epochs"] == 2
    assert row["Validation"] == pytest.approx(100 * run.written.metrics["val_accuracy"])
    assert 100 <= row["Duration"].total_seconds() < 200
    later = {"epoch": 3, "started": run.written.started - 50, "metrics": {"val_accuracy": 0.75}}
    write_state(run.folder, run.written.model_copy(update=later))
    moved = table(app).value.to_dict("records")[1]
    assert (moved["Epochs"], moved["Validation"]) == (3, 75)
    assert moved["Duration"].total_seconds() >= row["Duration"].total_seconds() + 50


@pytest.mark.parametrize(
    ("fit", "rates", "state", "words"),
    [
        ({"schedule": "cosine"}, [0.00294889], "running", "Learning rate 0.0029 now."),
        ({"schedule": "cosine"}, [0.0029, 0.0], "stopped", "Learning rate from 0.003 to 0 along a cosine."),
        ({"schedule": "cosine", "epochs": 2}, [0.0029, 0.0], "running", "Learning rate from 0.003 to 0 along"),
        ({"schedule": "plateau"}, [0.003, 0.0015], "stopped", "from 0.003 to 0.0015, halved on every plateau."),
        ({"schedule": "plateau"}, [0.003, 0.003], "running", "Learning rate 0.003 so far."),
        ({"schedule": "constant"}, [0.003], "running", "Learning rate 0.003 in every epoch."),
    ],
)
def test_the_learning_rate_is_said_as_the_recipe_changes_it(visit, going, fit, rates, state, words):
    recipe = replace(
        PRESETS["Q"], {"fit.learning_rate": 0.003, **{f"fit.{name}": value for name, value in fit.items()}}
    )
    make = going if state == "running" else make_run
    run = make(recipe=recipe, epochs=0, state=state)
    writer = Writer(run.metrics_path)
    for epoch, rate in enumerate(rates, 1):
        writer.append("epoch", **{**figures_of(epoch), "learning_rate": rate})
    writer.close()
    app = visit(run.id)
    assert words in told(app)
    drawn = [trace["y"] for chart in charts(app) for trace in chart["data"] if trace.get("name") == "Learning rate"]
    if fit.get("schedule") == "cosine":
        assert drawn in ([], [[0.003, *rates]])
    else:
        assert len(drawn) == (len(set(rates)) > 1)


def test_runs_on_different_data_are_compared_with_a_warning(visit):
    first, second = make_run(), make_run(replace(PRESETS["Q"], {"data.split_seed": 7}), created=1.7e9 + 60)
    words = "not on the same data: splits of different seeds (0, 7). Their metrics may differ for that reason alone."
    assert words in told(visit(first.id, second.id))
    again_ = make_run(created=1.7e9 + 120)
    assert "not on the same data" not in told(visit(first.id, again_.id))


def test_stop_asks_the_worker(visit, going):
    run = going(epochs=1)
    app = visit()
    app.button(key=f"runs_stop_{run.id}").click()
    shown(app)
    assert (run.folder / "request.json").exists()
    assert "Stopping at the next batch" in app.get("progress")[0].proto.text
    assert app.button(key=f"runs_stop_{run.id}").disabled


def test_pause_asks_the_worker(visit, going):
    run = going(epochs=1)
    app = visit()
    app.button(key=f"runs_pause_{run.id}").click()
    shown(app)
    assert json.loads((run.folder / "request.json").read_text())["request"] == "pause"
    assert "Pausing at the next batch" in app.get("progress")[0].proto.text
    assert app.button(key=f"runs_pause_{run.id}").disabled


@pytest.mark.parametrize("state", ["paused", "stopped", "failed"])
def test_what_is_not_finished_can_be_continued(visit, until, state):
    recipe = replace(PRESETS["Q"], {"fit.epochs": 5000, "data.limits.train": 100, "name": "Longer"})
    run = make_run(recipe, 2, state=state, message="It was so.")
    app = visit(run.id)
    app.button(key="runs_continue").click()
    shown(app)
    assert runs.open_run(run.id).active
    assert app.get("progress")
    until(lambda: runs.open_run(run.id).written.process is not None)
    runs.request_stop(run.id)


def test_what_is_finished_is_not_continued(visit):
    app = visit(make_run().id)
    assert not [button for button in app.button if button.key == "runs_continue"]


def test_continuing_what_another_tab_has_deleted_is_a_sentence(visit):
    run, _ = make_run(state="paused"), make_run(PRESETS["C2"])
    app = visit(run.id)
    runs.delete(run.id)
    app.button(key="runs_continue").click()
    shown(app)
    assert "There is no run" in told(app)


def test_stopping_what_has_just_ended_is_a_sentence(visit, going):
    run = going(epochs=1)
    app = visit()
    end(run)
    app.button(key=f"runs_stop_{run.id}").click()
    shown(app)
    assert "only a run that goes on can be stopped" in told(app)


def test_a_waiting_run_says_what_for(visit, going):
    going(recipe=replace(PRESETS["Q"], {"name": "First"}))
    going(epochs=0, state="queued", created=1.7e9 + 60)
    app = visit()
    texts = [bar.proto.text for bar in app.get("progress")]
    assert [text.startswith("Waiting for First") for text in texts] == [True, False]


def test_a_run_that_goes_on_is_not_deleted(visit, going):
    run = going(epochs=1)
    app = visit(run.id)
    assert app.button(key="runs_delete").disabled


STRANGE = """{"kind": "epoch", "epoch": 1, "loss": "x", "val_loss": null, "accuracy": [1], "learning_rate": "y"}
{"kind": "epoch", "epoch": 2, "loss": NaN, "val_loss": Infinity, "val_accuracy": {}, "batches": "z"}
{"kind": "batch", "epoch": "a", "batch": "b", "batches": "c", "seconds": "d", "loss": {}}
"""


@pytest.mark.parametrize("last", ["", '{"kind": "note", "message": 3, "done": "a", "total": null}\n'])
def test_strange_figures_break_neither_card_nor_curves(visit, going, last):
    run, ended = going(epochs=0), make_run(epochs=0, state="stopped")
    for each in (run, ended):
        each.metrics_path.write_text(STRANGE + last)
    visit()
    visit(ended.id)
    visit(run.id, ended.id)


@pytest.mark.parametrize("field", ['"created": 1e300', '"created": NaN', '"started": -1e18', '"ended": 1e200'])
def test_strange_times_break_no_page(visit, field):
    run = make_run(epochs=2)
    (run.folder / "state.json").write_text(f'{{"state": "finished", {field}}}')
    visit(run.id)


def test_a_folder_of_runs_that_is_none_is_a_sentence(visit, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CNNVIZ_CHECKPOINTS", str(tmp_path / "file"))
    assert "can't be read" in told(visit())


def test_a_chosen_head_that_other_runs_lack_is_let_go(visit):
    plain = [make_run(PRESETS["Q"], 2) for _ in range(2)]
    heads = [make_run(PRESETS["S"], 2) for _ in range(2)]
    for run in heads:
        writer = Writer(run.metrics_path)
        writer.append("epoch", **{**figures_of(3), "val_shape_accuracy": 0.5})
        writer.close()
    app = visit(*(run.id for run in heads))
    app.selectbox(key="runs_head").set_value("shape")
    assert any(0.5 in trace["y"] for trace in charts(shown(app))[0]["data"])
    compare(app, *(run.id for run in plain))
    assert "runs_head" not in [one.key for one in app.selectbox]
    assert len(charts(app)[0]["data"]) == 8


def test_a_zoom_of_the_chart_is_kept_when_it_is_drawn_anew(visit):
    figure = curves.learning([], epochs=[], total=5, log=True)
    zoom = {"xaxis": (2.0, 3.0), "yaxis2": (0.5, 0.6), "yaxis:log": (-1.0, 0.0)}
    layout = zoomed(figure, zoom).layout
    assert (layout.xaxis.range, layout.yaxis2.range) == ((2.0, 3.0), (0.5, 0.6))
    assert layout.yaxis.range == figure.layout.yaxis.range, "a zoom into a logarithm is none of what it is of"
    assert zoomed(figure, {}) is figure
    run = make_run(PRESETS["Q"], 12)
    app = visit(run.id, session={"chart_zooms": {f"runs_zoom_detail_{run.id}": zoom}})
    assert charts(app)[0]["layout"]["xaxis"]["range"] == [2, 3]
