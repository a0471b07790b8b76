"""The part of a standalone script that builds the model."""

from __future__ import annotations

from collections.abc import Sequence

from cnnviz.architecture import describe
from cnnviz.backbones import BACKBONES, IMAGENET_MEAN, IMAGENET_STD
from cnnviz.model_spec import Head
from cnnviz.recipe import Recipe

__all__ = ["model_part"]

_SCALING = {"unit": "keras.layers.Rescaling(1 / 255)(x)", "symmetric": "keras.layers.Rescaling(1 / 127.5, -1.0)(x)"}
_MODULES = {
    "VGG16": "vgg16",
    "MobileNetV2": "mobilenet_v2",
    "ResNet50V2": "resnet_v2",
    "EfficientNetV2B0": "efficientnet_v2",
    "ConvNeXtTiny": "convnext",
}


_FREE = """
def free(start):  # lets the backbone learn from the layer of this name on: None for nothing of it, "" for all
    found = start == ""
    for layer in (inner for layer in backbone.layers for inner in getattr(layer, "layers", [layer])):
        found = found or layer.name == start
        layer.trainable = {learns}
        if isinstance(layer, keras.layers.Dropout):  # what doesn't learn drops nothing
            layer.own_rate = getattr(layer, "own_rate", layer.rate)
            layer.rate = layer.own_rate if found else 0.0
"""
_LEARNS = {
    "imagenet": "found and not isinstance(layer, keras.layers.BatchNormalization)  # batches would spoil it",
    "none": "found",
}


def model_part(recipe: Recipe) -> str:
    """Returns the script's part that builds `model` and looks whether it has the right number of parameters."""
    model, input_shape = recipe.network, recipe.data.input_shape
    lines = [f"inputs = x = keras.Input({input_shape!r})"]
    backbone = model.backbone
    if backbone is not None:
        weights = "imagenet" if backbone.weights == "imagenet" else None
        lines += [
            f"x = {_prepared(backbone.name)}",
            f"backbone = keras.applications.{backbone.name}(",
            f"    include_top=False, weights={weights!r}, input_shape={input_shape!r}{_inside(backbone.name)}",
            ")",
            *_freed(recipe),
            f"x = backbone({'x, training=False' if _stays_frozen(recipe) else 'x'})",
        ]
    elif model.scaling != "none":
        lines.append(f"x = {_SCALING[model.scaling]}")
    for layer in model.layers:
        settings = layer.model_dump(exclude={"type"})
        told = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        lines.append(f"x = keras.layers.{layer.type}({told})(x)")
    lines += _outputs(model.heads)
    total = sum(row.parameters for row in describe(model, input_shape))
    return "\n".join([*lines, "model = keras.Model(inputs, outputs)", f"assert model.count_params() == {total}"])


def _outputs(heads: Sequence[Head]) -> list[str]:
    """Several outputs go by their heads' names, as their labels do: Keras can't tell labels in a list by name."""
    layers = [_dense(head) for head in heads]
    if len(heads) == 1:
        return [f"outputs = {layers[0]}"]
    named = [f"    {head.name!r}: {layer}," for head, layer in zip(heads, layers, strict=True)]
    return ["outputs = {", *named, "}"]


def _dense(head: Head) -> str:
    activation = None if head.activation == "logits" else head.activation
    return f"keras.layers.Dense({head.units}, activation={activation!r}, name={head.name!r})(x)"


def _stays_frozen(recipe: Recipe) -> bool:
    backbone = recipe.network.backbone
    return backbone is not None and backbone.trainable_from is None and recipe.fit.finetune is None


def _freed(recipe: Recipe) -> list[str]:
    """The lines that say what of the backbone is trained at first, as `cnnviz.models.build.backbones.free` does."""
    backbone = recipe.network.backbone
    assert backbone is not None
    if _stays_frozen(recipe):
        return ["backbone.trainable = False"]
    function = _FREE.strip().format(learns=_LEARNS[backbone.weights])
    return ["", "", function, "", "", f"free({backbone.trainable_from!r})"]


def _inside(name: str) -> str:
    return ", include_preprocessing=False" if BACKBONES[name].preprocessing == "imagenet" else ""


def _prepared(name: str) -> str:
    if BACKBONES[name].preprocessing == "imagenet":
        variance = tuple(deviation * deviation for deviation in IMAGENET_STD)
        return f"keras.layers.Normalization(mean={IMAGENET_MEAN}, variance={variance})(x / 255.0)"
    return f"keras.applications.{_MODULES[name]}.preprocess_input(x)"
