"""What the Inside page shows: a layer and a channel of one model with one image; in the session and the address.

`?run=ID&sample=chelsea&layer=conv2d_2&channel=7&view=kernels`; `run`, `sample` and `item` are those of the Predict
page, whose choice this page shares (`inputs.selection`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cnnviz.ui.inputs.input_image import InputImage
from cnnviz.ui.inputs.model_cache import LockedModel, ModelSource
from cnnviz.ui.inputs.selection import Choice
from cnnviz.ui.session import query_params

if TYPE_CHECKING:
    from cnnviz.explain.inspection.receptive_field import LayerRow

__all__ = [
    "SHARED",
    "VIEWS",
    "Inspection",
    "Location",
    "current_location",
    "first",
    "settle_layer",
    "show",
    "write_address",
]

VIEWS = {
    "activations": "Activations",
    "kernels": "Kernels",
    "patterns": "Feature visualization",
    "numbers": "Output breakdown",
    "excites": "Top activations",
    "beside": "Side by side",
    "epochs": "Watch it learn",
}
"""The last one is offered for runs that kept something of their epochs."""
SHARED = ("run", "sample", "item", "draw")
"""The values of the address that are the Predict page's, too."""
_NAMES = ("layer", "channel", "view")
_POSITION = "inside_place"
_LONGEST_NAME = 300
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")


@dataclass
class Location:
    """Where a person is. An empty layer stands for the first convolution.

    `chosen` is whether the channel is one that was asked for; `asked` whether the address named layer and channel, so
    that the page says what isn't there.
    """

    layer: str = ""
    channel: int = 0
    view: str = "activations"
    chosen: bool = False
    asked: bool = False


@dataclass(frozen=True, eq=False)
class Inspection:
    """What every part of the page is given. TensorFlow is used under `with opened.network.lock` only.

    Attributes:
        model: loaded, with its lock.
        source: where it comes from; its `run` is `None` for files, Keras Applications and single heads of a run.
        image: the image as it was given.
        seen: uint8 (h, w, c), what the model sees of it.
        pixels: float32 (1, h, w, c), `seen` as the model takes it.
        table: all layers in the order of computation.
        layer: name of the open layer, which is one of the table's.
        channel: the open channel of this layer, within its channels; 0 where it has none.
    """

    model: LockedModel
    source: ModelSource
    image: InputImage
    seen: np.ndarray
    pixels: np.ndarray
    table: tuple[LayerRow, ...]
    layer: str
    channel: int

    @property
    def row(self) -> LayerRow:
        """The open layer."""
        return next(row for row in self.table if row.name == self.layer)

    @property
    def names(self) -> tuple[str, str, str]:
        """What files about the open layer are called after: model, image and layer."""
        return self.source.file_part, self.image.title, self.layer

    @property
    def identity(self) -> tuple:
        """Tells this model with this image from all others; what is computed from both is kept under it."""
        return self.source.stamp, self.image.identity


def current_location() -> Location:
    """Returns where the person is, after taking over what the address names."""
    here = st.session_state.setdefault(_POSITION, Location())
    if named := query_params.new_values("inside", _NAMES):
        number = named["channel"]
        plain = number.isascii() and number.isdigit() and len(number) < 7
        here.layer = named["layer"][:_LONGEST_NAME]
        here.channel, here.chosen = (int(number), True) if plain else (0, False)
        here.view = named["view"] if named["view"] in VIEWS else "activations"
        here.asked = True
    return here


def settle_layer(choice: Choice, table: tuple[LayerRow, ...]) -> tuple[str, int]:
    """Returns the layer and the channel that are open, after putting what there is in the place of what there isn't.

    Args:
        choice: takes the sentence for the person.
        table: the model's layers; at least one.
    """
    here, names = current_location(), [row.name for row in table]
    if here.layer not in names:
        if here.layer and here.asked:
            choice.note(f"The model has no layer {here.layer[:60]!r}: its first convolution is shown.")
        here.layer, here.channel, here.chosen = first(table), 0, False
        query_params.replace_silently("layer", "channel")
    count = table[names.index(here.layer)].shape[-1]
    if not 0 <= here.channel < count:
        if here.asked:
            choice.note(f"The layer {here.layer} has no channel {here.channel}: its channels are 0 to {count - 1}.")
        here.channel, here.chosen = 0, False
        query_params.replace_silently("channel")
    here.asked = False
    return here.layer, here.channel


def first(table: tuple[LayerRow, ...]) -> str:
    """Returns the layer that a model is opened with: its first convolution, else the first that gives maps."""
    maps = [row for row in table if len(row.shape) == 3]
    found = next((row for row in maps if row.type in _CONVOLUTIONS), None)
    return (found or next(iter(maps), table[0])).name


def show(layer: str | None = None, channel: int | None = None, view: str | None = None) -> None:
    """Changes what is open, for callbacks.

    Another layer opens without a chosen channel, which is channel 0 until Activations has found the strongest one.
    """
    here = current_location()
    if layer is not None and layer != here.layer:
        here.layer, here.channel, here.chosen = layer, 0, False
    if channel is not None:
        here.channel, here.chosen = max(0, int(channel)), True
    here.view = view if view in VIEWS else here.view
    write_address()


def write_address() -> None:
    """Names what is open in the address; what is as usual is left out."""
    here = current_location()
    values = {
        "layer": here.layer,
        "channel": str(here.channel) if here.chosen else "",
        "view": here.view if here.view != "activations" else "",
    }
    query_params.write("inside", values)
