"""`learning-rate` as scripts meet it: one JSON object, one plain line, and one line for bad input."""

from __future__ import annotations

import json

import pytest


def test_json_is_one_object(command) -> None:
    done = command("learning-rate", "Q", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert list(told) == ["suggestion", "rates", "losses", "seconds", "note"]
    assert len(told["rates"]) == len(told["losses"]) > 20
    assert told["rates"][0] < told["suggestion"] < told["rates"][-1]
    assert told["note"] is None
    assert told["seconds"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "'nowhere' is no preset and no file"),
        (("Q", "--set", "fit.batch_size=0"), "fit.batch_size"),
        (("Q", "--set", "data.dataset=nowhere"), "There is no dataset"),
        ((), "the following arguments are required: RECIPE"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(command, arguments: tuple[str, ...], message: str) -> None:
    done = command("learning-rate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cnnviz: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
