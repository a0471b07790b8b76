"""How a worker gets warm: what it loads, and how long the rest will take by a clock that the test turns."""

import importlib
import json
import sys

import pytest

from cnnviz.train.callbacks import Warmth
from cnnviz.train.tensorflow_loading import _hidden


def test_what_compiles_is_left_out():
    """The first of 10 batches takes 14 s, each other one 0.1 s, and validating 0.3 s more a second of them."""
    warmth = Warmth(10, validation=0.3)
    warmth.batch(1, now=14.0)
    assert warmth.seconds is None
    for done in range(2, 11):
        warmth.batch(done, now=14.0 + 0.1 * (done - 1))
        assert warmth.seconds == pytest.approx(1.3)
    warmth.epoch(17.0)
    assert warmth.seconds == pytest.approx(1.3)
    warmth.batch(1, now=99.0)
    assert warmth.seconds == pytest.approx(1.3)
    for seconds in (9.0, 2.0, 2.0, 2.0, 2.0):
        warmth.epoch(seconds)
    assert warmth.seconds == pytest.approx((9 + 4 * 2) / 5)
    warmth.epoch(2.0)  # the dear one is long ago
    assert warmth.seconds == pytest.approx(2.0)


def test_single_batches_say_nothing_before_the_second_epoch():
    warmth = Warmth(1, validation=0.3)
    warmth.batch(1, now=14.0)
    warmth.epoch(15.0)
    assert warmth.seconds is None
    warmth.batch(1, now=16.0)
    warmth.epoch(1.0)
    assert warmth.seconds == 1.0


def test_what_keras_need_not_load_is_hidden_only_while_it_loads():
    sys.modules.pop("wave", None)
    with _hidden(("wave", "json")):
        assert importlib.import_module("json") is json, "what is loaded already stays"
        with pytest.raises(ImportError):
            importlib.import_module("wave")
    assert importlib.import_module("wave").open
