"""Backbones of Keras Applications as part of a network: laid out flat, their preprocessing before them."""

from __future__ import annotations

from typing import Any

import keras

from cnnviz.backbones import BACKBONES

__all__ = ["attach", "preprocessed"]

_CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red, as Keras's "caffe" mode has them
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def preprocessed(name: str, pixels: Any) -> Any:
    """Returns symbolic pixels of 0..255, red, green and blue, as a backbone wants them."""
    match BACKBONES[name].preprocessing:
        case "caffe":
            swapped = keras.ops.flip(pixels, axis=-1)
            return keras.layers.Rescaling(1.0, [-mean for mean in _CAFFE_MEAN], name="rescaling")(swapped)
        case "symmetric":
            return keras.layers.Rescaling(1 / 127.5, -1.0, name="rescaling")(pixels)
    scale = [1 / (255 * std) for std in _IMAGENET_STD]
    offset = [-mean / std for mean, std in zip(_IMAGENET_MEAN, _IMAGENET_STD, strict=True)]
    return keras.layers.Rescaling(scale, offset, name="rescaling")(pixels)


def attach(name: str, pixels: Any, weights: str | None = None) -> Any:
    """Returns a backbone's features, symbolic, for symbolic pixels of 0..255 (batch, height, width, 3).

    Its layers become layers of the model itself, with Keras's names; what Keras nests is laid out too.

    Args:
        name: one of `BACKBONES`.
        pixels: from `keras.Input`.
        weights: the path of Keras's file for the backbone without its top; random weights without one.
    """
    function, shape, given = getattr(keras.applications, name), tuple(pixels.shape[1:]), preprocessed(name, pixels)
    inside = {"include_preprocessing": False} if BACKBONES[name].preprocessing == "imagenet" else {}
    if name != "ConvNeXtTiny":
        return function(include_top=False, weights=weights, input_tensor=given, input_shape=shape, **inside).output
    return _convnext(function(include_top=False, weights=weights, input_shape=shape, **inside), given)


def _convnext(model: keras.Model, x: Any) -> Any:
    """ConvNeXt's features by copies of its layers: what it nests is laid out, and its additions get names."""
    stacks = [layer.layers if isinstance(layer, keras.Sequential) else [layer] for layer in model.layers[1:]]
    beside = x
    for layer in (layer for stack in stacks for layer in stack):
        config = layer.get_config()
        if layer.name.startswith("layer_normalization"):  # the one that Keras leaves without a name
            config["name"] = f"{model.name}_top_layernorm"
        elif layer.name.endswith("_depthwise_conv"):
            beside = x
        copy = type(layer).from_config(config)
        x = copy(x)
        copy.set_weights(layer.get_weights())
        if layer.name.endswith("_identity"):
            x = keras.layers.Add(name=layer.name.replace("_identity", "_add"))([beside, x])
    return x
