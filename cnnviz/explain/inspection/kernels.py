"""The weights of convolutions: per filter and input channel, on a scale with 0 in the middle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from cnnviz.errors import ModelError, one_of
from cnnviz.models.graph.graph import flatten
from cnnviz.models.graph.layer_kinds import kind_of, layer_of

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier
    from cnnviz.models.graph.traversal import Step

__all__ = ["Kernels", "kernels", "levels", "signed_colours"]

_UNSEEN = ("Rescaling", "Normalization", "ZeroPadding2D", "Dropout", "Identity")
"""Layers that leave the image's channels what they are."""


@dataclass(frozen=True, eq=False)
class Kernels:
    """A convolution's weights.

    Attributes:
        values: float32 (height, width, inputs, filters). A filter of a depthwise convolution has 1 input, one of a
            convolution with groups has those of its group.
        bias: float32 (filters,), or `None`.
        inputs: which of the layer's input channels each filter sees, int64 (inputs, filters).
        rgb: whether the filters see the image's red, green and blue.
        remark: a sentence on what is shown, or "".
    """

    values: np.ndarray
    bias: np.ndarray | None
    inputs: np.ndarray
    rgb: bool
    remark: str = ""

    @property
    def norms(self) -> np.ndarray:
        """Each filter's Euclidean norm, float32 (filters,)."""
        norms: np.ndarray = np.sqrt((self.values.astype(np.float64) ** 2).sum(axis=(0, 1, 2))).astype(np.float32)
        return norms

    @property
    def norms_by_input(self) -> np.ndarray:
        """The Euclidean norm of each filter's part for each input, float32 (inputs, filters)."""
        norms: np.ndarray = np.sqrt((self.values.astype(np.float64) ** 2).sum(axis=(0, 1))).astype(np.float32)
        return norms

    @property
    def scale(self) -> float:
        """The greatest weight's size, by which `levels` are scaled for the layer as a whole."""
        return float(np.abs(self.values).max(initial=0))

    def of_filter(self, filter: int) -> np.ndarray:
        """Returns a filter's kernel for each of its inputs, float32 (height, width, inputs)."""
        return self.values[..., filter]

    def as_rgb(self, *, each: bool = False) -> np.ndarray:
        """Returns the first layer's filters as colours: uint8 (filters, height, width, 3), where 128 is a weight of 0.

        Args:
            each: scale every filter by its own greatest weight instead of the layer's.

        Raises:
            ModelError: the filters don't see red, green and blue.
        """
        if not self.rgb:
            raise ModelError("Only filters that see the image's three colours can be shown as colours.")
        filters = self.values.transpose(3, 0, 1, 2)
        scale = np.abs(filters).max(axis=(1, 2, 3), keepdims=True) if each else self.scale
        return levels(filters, scale)


def kernels(source: Classifier | keras.Model, layer: str) -> Kernels:
    """Returns a convolution's weights.

    Raises:
        ModelError: no such layer, or it is no convolution.
    """
    graph = flatten(source, logits=False)
    steps = {step.name: step for step in graph.program.steps}
    if layer not in steps:
        raise ModelError(f"The model has no layer {layer!r}: {one_of(layer, graph.convolutions)}.")
    step, operation = steps[layer], layer_of(steps[layer].operation)
    values, inputs, remark = _weights(operation, type(operation).__name__)
    bias = getattr(operation, "bias", None)
    rgb = values.shape[2] == 3 == graph.input_shape[2] and _sees_pixels(graph, step)
    if rgb and (getattr(source, "scale", "") == "caffe" or _swapped(graph, step)):  # takes blue, green, red
        values, inputs = values[:, :, ::-1], inputs[::-1]
    return Kernels(values, None if bias is None else np.asarray(bias, np.float32), inputs, rgb, remark)


def _weights(operation: Any, kind: str) -> tuple[np.ndarray, np.ndarray, str]:
    if kind == "Conv2D":
        values = np.asarray(operation.kernel, np.float32)
        depth, filters = values.shape[2:]
        groups = np.arange(filters) // (filters // operation.groups)
        return values, groups * depth + np.arange(depth)[:, None], ""
    if kind in ("DepthwiseConv2D", "SeparableConv2D"):
        kernel = operation.kernel if kind == "DepthwiseConv2D" else operation.depthwise_kernel
        kernel = np.asarray(kernel, np.float32)
        height, width, depth, copies = kernel.shape
        remark = (
            ""
            if kind == "DepthwiseConv2D"
            else ("Shown are the kernels that look along the image; a 1 × 1 convolution then mixes their channels.")
        )
        return kernel.reshape(height, width, 1, depth * copies), np.arange(depth * copies)[None] // copies, remark
    if kind == "Conv2DTranspose":
        values = np.asarray(operation.kernel, np.float32).transpose(0, 1, 3, 2)
        depth, filters = values.shape[2:]
        return values, np.repeat(np.arange(depth)[:, None], filters, axis=1), ""
    raise ModelError(f"{operation.name} ({kind}) has no kernels: choose a convolution.")


def _sees_pixels(graph: Any, step: Step) -> bool:
    return _before(graph, step)[0] == 0


def _swapped(graph: Any, step: Step) -> bool:
    return _before(graph, step)[1] % 2 == 1


def _before(graph: Any, step: Step) -> tuple[int, int]:
    """The value that a convolution sees, layers apart that leave channels what they are, and how often the channels'
    order is turned round on the way."""
    made_by = {one: other for other in graph.program.steps for one in other.outputs}
    value, turned = step.inputs[0], 0
    while value in made_by:
        maker = made_by[value]
        kind, moved = kind_of(maker.operation), bool(maker.before or maker.after)
        flipped = kind == "Flip" and maker.operation.axis in (-1, 3)
        if not (kind == "Permute" if moved else flipped or kind in _UNSEEN):
            break
        turned += flipped
        value = maker.inputs[0]
    return value, turned


def levels(values: np.ndarray, scale: float | np.ndarray | None = None) -> np.ndarray:
    """Returns signed values as uint8 of the same shape: 128 for 0, 1 for -`scale` and below, 255 for `scale` and above.

    Args:
        values: any shape.
        scale: by default the greatest size among them; where it is 0, all is 128.
    """
    scale = np.abs(values).max(initial=0) if scale is None else scale
    scale = np.where(np.asarray(scale) > 0, scale, 1)
    grey: np.ndarray = np.rint(128 + 127 * np.clip(values / scale, -1, 1)).astype(np.uint8)
    return grey


def signed_colours(grey: np.ndarray) -> np.ndarray:
    """Returns `levels` (h, w) in colours: uint8 RGB (h, w, 3), blue below 0, white at 0, orange above.

    Both ends are equally dark, and people who can't tell red from green see them apart.
    """
    strength = (np.arange(256) - 128)[:, None] / 127
    white, blue, orange = (np.array(one, np.float64) for one in ((247, 247, 247), (33, 102, 172), (179, 88, 6)))
    ends = np.where(strength < 0, blue, orange)
    table = white + np.clip(np.abs(strength), 0, 1) * (ends - white)
    colours: np.ndarray = np.rint(table).astype(np.uint8)[grey]
    return colours
