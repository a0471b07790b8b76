"""Asks Keras what its backbones are made of.

`python -m cnnviz.models.build.backbone_table` writes `cnnviz/backbones.json`.
"""

from __future__ import annotations

import json
import math
from typing import Any

import keras

from cnnviz.backbones import BACKBONES, TABLE
from cnnviz.files import write_bytes
from cnnviz.models.build.backbones import attach

__all__ = ["rows_of"]


def rows_of(model: keras.Model) -> list[list[Any]]:
    """Returns (name, type, parameters, trainable, macs) of each layer behind the preprocessing."""
    rows = []
    for layer in model.layers:
        if layer.name not in ("pixels", "rescaling"):
            learned = sum(math.prod(weight.shape) for weight in layer.trainable_weights)
            rows.append([layer.name, type(layer).__name__, layer.count_params(), learned, _macs(layer)])
    return rows


def _macs(layer: keras.layers.Layer) -> int:
    shape, macs = layer.output.shape[1:], 0
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        macs = math.prod(shape[:2]) * math.prod(layer.kernel.shape)
    elif isinstance(layer, keras.layers.Dense):
        macs = math.prod(shape[:-1]) * math.prod(layer.kernel.shape)
    return macs


def main() -> None:
    """Writes the table, one line for each layer."""
    parts = []
    for name in BACKBONES:
        pixels = keras.Input((BACKBONES[name].size, BACKBONES[name].size, 3), name="pixels")
        rows = ",\n  ".join(json.dumps(row) for row in rows_of(keras.Model(pixels, attach(name, pixels))))
        parts.append(f" {json.dumps(name)}: [\n  {rows}\n ]")
    write_bytes(TABLE, ("{\n" + ",\n".join(parts) + "\n}\n").encode())


if __name__ == "__main__":
    main()
