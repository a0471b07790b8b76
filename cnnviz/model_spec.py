"""The records of a model: perhaps a backbone, a list of layers, one or more heads. Names and meanings are Keras's."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, field_validator, model_validator

from cnnviz import backbones
from cnnviz.frozen_model import Real, Record, Whole

__all__ = ["ACTIVATIONS", "LAYER_TYPES", "MAX_CLASSES", "Backbone", "Head", "Layer", "ModelSpec", "check_opening"]

ACTIVATIONS = ("linear", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid")
Activation = Literal["linear", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"]
Padding = Literal["valid", "same"]
MAX_CLASSES = 10_000
"""Of one head."""
Small = Annotated[Whole, Field(ge=1, le=32)]


class Conv2D(Record):
    """A convolution with square kernels."""

    type: Literal["Conv2D"] = "Conv2D"
    filters: Whole = Field(ge=1, le=4096)
    kernel_size: Small = 3
    strides: Small = 1
    padding: Padding = "valid"
    activation: Activation = "relu"
    use_bias: bool = True


class MaxPooling2D(Record):
    """The largest value of each square window; `strides` of `None` is the window's size."""

    type: Literal["MaxPooling2D"] = "MaxPooling2D"
    pool_size: Small = 2
    strides: Small | None = None
    padding: Padding = "valid"


class AveragePooling2D(Record):
    """The mean of each square window; `strides` of `None` is the window's size."""

    type: Literal["AveragePooling2D"] = "AveragePooling2D"
    pool_size: Small = 2
    strides: Small | None = None
    padding: Padding = "valid"


class Dropout(Record):
    """Sets a share of the values to zero while training."""

    type: Literal["Dropout"] = "Dropout"
    rate: Real = Field(0.5, ge=0, lt=1)


class BatchNormalization(Record):
    """Normalises each channel by its batch's mean and deviation, then scales and shifts it.

    For prediction the running mean and deviation are used; `momentum` is how slowly they follow the batches. Keras's
    0.99 takes some 300 batches, so that with few batches an epoch the first validations look worse than they are.
    """

    type: Literal["BatchNormalization"] = "BatchNormalization"
    momentum: float = Field(0.99, ge=0, lt=1)


class Activate(Record):
    """An activation of its own, for use after a batch normalisation."""

    type: Literal["Activation"] = "Activation"
    activation: Activation = "relu"


class Flatten(Record):
    """Lays all values in one row."""

    type: Literal["Flatten"] = "Flatten"


class Reshape(Record):
    """The same values in another shape."""

    type: Literal["Reshape"] = "Reshape"
    target_shape: tuple[Annotated[Whole, Field(ge=1)], ...] = Field(min_length=1, max_length=3)


class GlobalAveragePooling2D(Record):
    """The mean of each channel."""

    type: Literal["GlobalAveragePooling2D"] = "GlobalAveragePooling2D"


class Dense(Record):
    """Every output sees every input of the last axis."""

    type: Literal["Dense"] = "Dense"
    units: Whole = Field(ge=1, le=65_536)
    activation: Activation = "relu"


LAYER_TYPES: dict[str, type[BaseModel]] = {
    "Conv2D": Conv2D,
    "MaxPooling2D": MaxPooling2D,
    "AveragePooling2D": AveragePooling2D,
    "Dropout": Dropout,
    "BatchNormalization": BatchNormalization,
    "Activation": Activate,
    "Flatten": Flatten,
    "Reshape": Reshape,
    "GlobalAveragePooling2D": GlobalAveragePooling2D,
    "Dense": Dense,
}
_SHORT = {
    "MaxPool": "MaxPooling2D",
    "AvgPool": "AveragePooling2D",
    "BatchNorm": "BatchNormalization",
    "GAP": "GlobalAveragePooling2D",
}


def _long_name(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(kind := value.get("type"), str):
        return {**value, "type": _SHORT.get(kind, kind)}
    return value


Layer = Annotated[
    Conv2D
    | MaxPooling2D
    | AveragePooling2D
    | Dropout
    | BatchNormalization
    | Activate
    | Flatten
    | Reshape
    | GlobalAveragePooling2D
    | Dense,
    Field(discriminator="type"),
]


class Head(Record):
    """One answer of the model: the dataset's head that it learns, and how it is put.

    `units` is the number of classes, or 1 for a yes-or-no answer with one number. `activation` is `softmax` (shares
    that sum to 1), `sigmoid` (one unit: the second class's probability) or `logits` (raw scores).
    """

    name: str = Field("label", max_length=60)
    units: Whole = Field(ge=1, le=MAX_CLASSES)
    activation: Literal["softmax", "sigmoid", "logits"] = "softmax"

    @property
    def classes(self) -> int:
        """How many classes the head tells apart."""
        return max(2, self.units)

    @property
    def of_logits(self) -> Head:
        """The same head before its softmax or sigmoid."""
        return Head(name=self.name, units=self.units, activation="logits")

    @field_validator("name")
    @classmethod
    def _is_a_word(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise ValueError("use letters, digits and _ only")
        if name.startswith("val_"):
            raise ValueError("val_ marks metrics of the validation split, so that no head's name can start with it")
        return name

    @model_validator(mode="after")
    def _agrees(self) -> Head:
        if self.activation == "softmax" and self.units == 1:
            raise ValueError(f"Head {self.name!r} has softmax over 1 unit, which is always 1: use 2 units, or sigmoid.")
        if self.activation == "sigmoid" and self.units > 1:
            raise ValueError(f"Head {self.name!r} has sigmoid over {self.units} units: use 1 unit, or softmax.")
        return self


def check_opening(name: str, trainable_from: str | None, key: str) -> None:
    """Looks whether a backbone can be trained from this layer on.

    Raises:
        ValueError: it has no such layer with anything to learn; the sentence names `key`.
    """
    known = backbones.openings(name)
    if trainable_from and trainable_from not in known:
        near = difflib.get_close_matches(trainable_from, known, n=3, cutoff=0.3) or known[-3:]
        raise ValueError(
            f"{key} is {trainable_from!r}, but {name} has no such layer that can learn: choose one "
            f'such as {", ".join(near)}, or "" for all of it.'
        )


class Backbone(Record):
    """A model of Keras Applications without its top, on whose features the layers stand.

    `weights` are ImageNet's or `none`, random ones. `trainable_from` says what of it is trained: nothing (`None`), all
    of it (""), or the layers from the one of this name on; ImageNet's batch normalisations never are. With `cached`,
    its features are computed once, kept on disk and reused; only the layers behind it are trained, on those features.
    """

    name: Literal["VGG16", "MobileNetV2", "ResNet50V2", "EfficientNetV2B0", "ConvNeXtTiny"]
    weights: Literal["imagenet", "none"] = "imagenet"
    trainable_from: str | None = Field(None, max_length=100)
    cached: bool = False

    @model_validator(mode="after")
    def _agrees(self) -> Backbone:
        check_opening(self.name, self.trainable_from, "network.backbone.trainable_from")
        if self.cached and self.trainable_from is not None:
            raise ValueError(
                f"The features of {self.name} can't be kept while it is trained itself: set "
                "network.backbone.trainable_from to null, or network.backbone.cached to false."
            )
        return self


class ModelSpec(Record):
    """A stack of layers shared by all heads, on the image itself or on a backbone's features.

    `scaling` is what happens to the 0..255 pixels inside the model: `none`, `unit` (0..1) or `symmetric` (-1..1). A
    backbone brings its own, so that `scaling` is not looked at.
    """

    backbone: Backbone | None = None
    scaling: Literal["none", "unit", "symmetric"] = "unit"
    layers: tuple[Annotated[Layer, BeforeValidator(_long_name)], ...] = Field(max_length=200)
    heads: tuple[Head, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _names_differ(self) -> ModelSpec:
        names = [head.name for head in self.heads]
        if len(set(names)) < len(names):
            raise ValueError(f"Two heads have the same name: {', '.join(names)}; give each its own.")
        return self
