"""What a question costs a model, against counts made by hand and published ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers

from cnnviz.models.load.cost import Effort, effort_of


def effort(change: Callable[[Any], Any], *shape: int | None, asked: tuple[int, ...] | None = None) -> Effort:
    given = keras.Input(shape)
    return effort_of(keras.Model(given, change(given)), [(1, *(asked or shape))])[1]


def in_half(x: Any) -> Any:
    return layers.TimeDistributed(keras.Sequential([keras.Input((4, 3)), layers.Dense(2), layers.ReLU()]))(x)


HAND: dict[str, tuple[Callable[[Any], Any], tuple, int, int, int]] = {
    # change, shape: values, multiplications, steps
    "convolution": (layers.Conv2D(8, 3, padding="same"), (10, 10, 3), 800, 100 * 8 * 27, 0),
    "in strides": (layers.Conv2D(8, 3, strides=2, padding="same"), (10, 10, 3), 200, 25 * 8 * 27, 0),
    "in groups": (layers.Conv2D(8, 3, padding="same", groups=2), (10, 10, 4), 800, 100 * 8 * 18, 0),
    "of each channel": (layers.DepthwiseConv2D(3, padding="same"), (10, 10, 4), 400, 100 * 4 * 9, 0),
    "separable": (
        layers.SeparableConv2D(8, 3, padding="same", depth_multiplier=5),
        (10, 10, 3),
        800 + 1500,
        100 * (27 * 5 + 15 * 8),
        0,
    ),
    "transposed": (layers.Conv2DTranspose(8, 3, strides=2, padding="same"), (10, 10, 3), 3200, 100 * 27 * 8, 0),
    "dense": (layers.Dense(7), (5,), 7, 35, 0),
    "dense at each place": (layers.Dense(7), (4, 5), 28, 4 * 35, 0),
    "einsum": (layers.EinsumDense("abc,cde->abde", (None, 2, 3)), (4, 5), 24, 24 * 5, 0),
    "einsum of any sides": (layers.EinsumDense("...c,cd->...d", 2), (4, 5), 8, 8 * 5, 0),
    "window": (layers.MaxPooling2D(2), (10, 10, 3), 75, 75 * 4, 0),
    "window as an operation": (lambda x: keras.ops.max_pool(x, 2), (10, 10, 3), 75, 75 * 4, 0),
    "steps": (layers.SimpleRNN(4), (6, 5), 8, 6 * (5 * 4 + 4 * 4), 6),
    "steps both ways": (layers.Bidirectional(layers.SimpleRNN(4)), (6, 5), 8 + 2 * 8, 2 * 6 * (5 * 4 + 4 * 4), 12),
    "a model for each part": (in_half, (6, 4, 3), 6 * 8 + 6 * 16, 6 * (4 * 6 + 8), 0),
    "scores": (lambda x: layers.Attention()([x, x]), (6, 5), 30 + 36, 2 * 36 * 5, 0),
}


@pytest.mark.parametrize("name", HAND)
def test_a_layer_costs_what_is_counted_by_hand(name: str) -> None:
    change, shape, values, multiplications, steps = HAND[name]
    found = effort(change, *shape)
    assert (found.values, found.multiplications, found.steps) == (values, multiplications, steps)


def test_open_sides_have_the_size_that_is_asked() -> None:
    found = effort(layers.UpSampling2D(2), None, None, 3, asked=(10, 20, 3))
    assert (found.calls, found.values, found.largest) == (1, 2400, 2400)


def test_a_model_inside_counts_as_often_as_it_is_called() -> None:
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(5), layers.Dense(5)])
    found = effort(lambda x: inner(inner(inner(x))), 5)
    assert (found.calls, found.values, found.multiplications) == (6, 30, 150)


def test_channels_first_counts_the_same() -> None:
    found = effort(layers.Conv2D(8, 3, padding="same", data_format="channels_first"), 3, 10, 10)
    assert found.multiplications == 100 * 8 * 27


@pytest.mark.parametrize(("name", "published"), [("VGG16", 15.5e9), ("ResNet50V2", 3.5e9), ("MobileNetV2", 0.3e9)])
def test_known_models_cost_what_their_papers_say(name: str, published: float) -> None:
    """Canziani et al. 2017 (arXiv:1605.07678), Sandler et al. 2018; additions of other layers come on top."""
    model = getattr(keras.applications, name)(weights=None)
    found = effort_of(model, [(1, 224, 224, 3)])[1]
    assert found.multiplications == pytest.approx(published, rel=0.1)
