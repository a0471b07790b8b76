"""Outputs as class probabilities, by hand-computed cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnviz.errors import ModelError
from cnnviz.model_spec import Head
from cnnviz.models.probabilities import predict, probabilities

THIRD = Head(name="a", units=3, activation="softmax")
SURE = Head(name="b", units=1, activation="sigmoid")


def close(found: np.ndarray, wanted: list) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_softmax_is_taken_as_it_is() -> None:
    (found,) = probabilities(np.array([[0.2, 0.5, 0.3]], np.float32), [THIRD])
    close(found, [[0.2, 0.5, 0.3]])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("head", [THIRD, Head(name="c", units=3, activation="logits")])
def test_what_is_no_number_is_a_sentence(value: float, head: Head) -> None:
    with pytest.raises(ModelError, match=r"not a number .* weights are damaged"):
        probabilities(np.array([[0.2, 0.5, 0.3], [0.1, value, 0.3]], np.float32), [head])


def test_a_model_that_mixes_the_batch_is_a_sentence() -> None:
    mixed = np.full((2, 3), 1 / 3, np.float32)
    with pytest.raises(ModelError, match=r"has the shape \(2, 3\): expected \(4, 3\)"):
        predict(lambda pixels, training: mixed, np.zeros((4, 8, 8, 3), np.uint8), [THIRD])


def test_one_sigmoid_unit_is_the_second_class() -> None:
    (found,) = probabilities(np.array([[0.9], [0.25]], np.float32), [SURE])
    close(found, [[0.1, 0.9], [0.75, 0.25]])


def test_one_logit_goes_through_a_sigmoid() -> None:
    head = Head(name="x", units=1, activation="logits")
    (found,) = probabilities(np.array([[0.0], [math.log(3)], [-math.log(4)]]), [head])
    close(found, [[0.5, 0.5], [0.25, 0.75], [0.8, 0.2]])


def test_logits_go_through_a_softmax() -> None:
    head = Head(name="x", units=3, activation="logits")
    (found,) = probabilities(np.log(np.array([[1.0, 2.0, 5.0]])) + 7, [head])
    close(found, [[0.125, 0.25, 0.625]])


@pytest.mark.parametrize("units", [1, 2])
def test_huge_logits_overflow_nowhere(units: int) -> None:
    head = Head(name="x", units=units, activation="logits")
    values = np.array([[1e4], [-1e4]]) if units == 1 else np.array([[0, 1e4], [1e4, 0]])
    with np.errstate(all="raise", under="ignore"):
        (found,) = probabilities(values, [head])
    close(found, [[0, 1], [1, 0]])


def test_several_heads_keep_their_order() -> None:
    first, second = probabilities([np.array([[0.2, 0.5, 0.3]]), np.array([[0.4]])], [THIRD, SURE])
    close(first, [[0.2, 0.5, 0.3]])
    close(second, [[0.6, 0.4]])


def test_outputs_that_do_not_fit_are_told() -> None:
    with pytest.raises(ModelError, match="2 outputs but its recipe 1 heads"):
        probabilities([np.zeros((1, 3)), np.zeros((1, 1))], [THIRD])
    with pytest.raises(ModelError, match=r"'a' has the shape \(1, 2\): expected \(n, 3\)"):
        probabilities(np.zeros((1, 2)), [THIRD])


def test_images_are_asked_about_in_batches_of_raw_pixels() -> None:
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1) * 20
    sizes = []

    def model(pixels: np.ndarray, training: bool) -> np.ndarray:
        assert pixels.dtype == np.float32
        assert training is False
        sizes.append(len(pixels))
        return pixels[:, 0, 0, :] / 255

    (found,) = predict(model, images, [SURE], batch=4)
    assert sizes == [4, 4, 2]
    close(found[:, 1], np.arange(10) * 20 / 255)


def test_no_images_give_no_answers() -> None:
    first, second = predict(lambda pixels, training: None, np.empty((0, 4, 4, 1), np.uint8), [THIRD, SURE])
    assert first.shape == (0, 3)
    assert second.shape == (0, 2)
