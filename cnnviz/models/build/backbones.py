"""Backbones of Keras Applications as part of a model: laid out flat, their preprocessing before them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from cnnviz import backbones
from cnnviz.backbones import BACKBONES, CAFFE_MEAN, IMAGENET_MEAN, IMAGENET_STD
from cnnviz.errors import ModelError, short
from cnnviz.model_spec import Backbone

__all__ = ["attach", "free", "layers_of", "preprocess"]


def preprocess(name: str, pixels: Any) -> Any:
    """Returns symbolic pixels of 0..255, red, green and blue, as a backbone wants them."""
    match BACKBONES[name].preprocessing:
        case "caffe":
            swapped = keras.ops.flip(pixels, axis=-1)
            return keras.layers.Rescaling(1.0, [-mean for mean in CAFFE_MEAN], name="rescaling")(swapped)
        case "symmetric":
            return keras.layers.Rescaling(1 / 127.5, -1.0, name="rescaling")(pixels)
    scale = [1 / (255 * std) for std in IMAGENET_STD]
    offset = [-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)]
    return keras.layers.Rescaling(scale, offset, name="rescaling")(pixels)


def attach(name: str, pixels: Any, weights: Path | None = None) -> Any:
    """Returns a backbone's features, symbolic, for symbolic pixels of 0..255 (batch, height, width, 3).

    Its layers become layers of the model itself, with Keras's names; what Keras nests is laid out too.

    Args:
        name: one of `BACKBONES`.
        pixels: from `keras.Input`.
        weights: Keras's file for the backbone without its top; random weights without one.

    Raises:
        ModelError: the file isn't that.
    """
    function, shape, given = getattr(keras.applications, name), tuple(pixels.shape[1:]), preprocess(name, pixels)
    wanted: dict[str, Any] = {"include_top": False, "weights": str(weights) if weights else None, "input_shape": shape}
    if BACKBONES[name].preprocessing == "imagenet":
        wanted["include_preprocessing"] = False
    try:
        if name == "ConvNeXtTiny":
            return _convnext(function(**wanted), given)
        made = function(**wanted, input_tensor=given)
    except (ValueError, OSError, KeyError) as error:
        if weights is None:
            raise
        reason = short(error, 160).rstrip(".")
        raise ModelError(
            f"{BACKBONES[name].title}'s weights can't be read from {weights} ({reason}): delete the file and try again."
        ) from None
    unnamed = (layer for layer in made.layers if layer.name.startswith("max_pooling2d"))
    for number, layer in enumerate(unnamed, 1):  # ResNet's, which Keras leaves without names
        layer.name = f"shortcut_pool_{number}"
    return made.output


def layers_of(model: keras.Model, name: str) -> list[keras.layers.Layer]:
    """Returns the layers of a backbone that was attached in this model, in their order."""
    return [model.get_layer(layer.name) for layer in backbones.layers(name)]


def free(model: keras.Model, backbone: Backbone) -> None:
    """Lets a model's backbone be trained as its record says, see `cnnviz.backbones.stays`.

    Frozen layers keep their weights and work as they do for prediction: batch normalisations don't measure, and
    dropouts drop nothing. A model that is compiled must be compiled again.
    """
    still = backbones.stays(backbone.name, backbone.trainable_from, backbone.weights)
    for layer, stays in zip(layers_of(model, backbone.name), still, strict=True):
        layer.trainable = not stays
        if isinstance(layer, keras.layers.Dropout):
            layer.own_rate = getattr(layer, "own_rate", layer.rate)
            layer.rate = 0.0 if stays else layer.own_rate


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
