"""`activations` and `patterns`: what layers give, and what they look for."""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cnnviz import images
from cnnviz.commands.model_argument import add_model_argument, model_of, resolve_layer, tell_taken, tensorflow_quiet
from cnnviz.commands.output import decode_file, made_folder, out_file, out_folder, stem_of, write_file
from cnnviz.commands.subcommand import add_verb
from cnnviz.errors import CnnvizError, ModelError, one_of
from cnnviz.explain.feature_visualization.modes import DEFAULT, MODES
from cnnviz.files import replacing
from cnnviz.mosaics import channel_maps, even_columns, in_colours, mosaic, shades
from cnnviz.overlay import COLOUR_MAPS

if TYPE_CHECKING:
    from cnnviz.explain.feature_visualization.patterns import FeatureVisualizations

__all__ = ["add_inside"]

SCALE_NAMES = {"each": "each", "raw": "one", "standardised": "standardised"}
"""The command line's names of `mosaics.COLOUR_SCALES`."""
COLUMNS = 16
LEAST = 8
"""Tiles are enlarged to at least so many pixels a side."""
GRID_COLUMNS, GRID_MARGIN, GRID_MOST = 8, 5, 64
"""The tutorial's grid of patterns."""


def add_inside(verbs: argparse._SubParsersAction) -> None:
    """Adds `activations` and `patterns`."""
    verb = add_verb(verbs, "activations", "write what a model's layers give for an image", _activations)
    add_model_argument(verb)
    verb.add_argument("image", metavar="IMAGE", help="an image file")
    verb.add_argument(
        "--layer", metavar="L", dest="layers", action="append", help="only this one; may be given several times"
    )
    verb.add_argument(
        "--scale",
        metavar="S",
        default="each",
        help="each, every channel from 0 to its own greatest "
        "value (default); raw, from 0 to the layer's; standardised, by mean and deviation",
    )
    verb.add_argument(
        "--colour-map", metavar="M", default="viridis", help=f"{', '.join(COLOUR_MAPS)} (default viridis)"
    )
    verb.add_argument("--out", metavar="DIR", required=True, help="where activations.npz and a PNG for each layer go")

    verb = add_verb(verbs, "patterns", "draw what a layer's filters look for", _patterns)
    add_model_argument(verb)
    verb.add_argument("layer", metavar="LAYER", help="a layer's name")
    titles = ", or ".join(f"{name}: {mode.title.lower()}" for name, mode in MODES.items())
    verb.add_argument("--mode", metavar="M", default=DEFAULT, help=f"{titles} (default {DEFAULT})")
    usual = ", ".join(f"{mode.steps} for {name}" for name, mode in MODES.items())
    verb.add_argument("--steps", metavar="N", type=int, help=f"steps of gradient ascent (default {usual})")
    verb.add_argument("--step", metavar="X", type=float, default=1.0, help="how far each goes (default 1)")
    verb.add_argument(
        "--size", metavar="PIXELS", type=int, help="a visualization's side in pixels (default: what suits the layer)"
    )
    verb.add_argument("--filters", metavar="F", help=f"such as 0-15,20 (default: the first {GRID_MOST})")
    verb.add_argument("--seed", metavar="S", type=int, default=0, help="of the noise to start from (default 0)")
    verb.add_argument("--out", metavar="FILE", required=True, help="the PNG file to write")


def _activations(chosen: argparse.Namespace) -> int:
    for option, value, allowed in (
        ("scale", chosen.scale, SCALE_NAMES),
        ("colour map", chosen.colour_map, COLOUR_MAPS),
    ):
        if value not in allowed:
            raise ModelError(f"There is no {option} {value!r}: {one_of(value, allowed)}.")
    out, path = out_folder(chosen.out), Path(chosen.image)
    images.decode(path)  # before TensorFlow is loaded for it in vain
    with tensorflow_quiet():
        classifier, _ = model_of(chosen)
        image = decode_file(path, classifier.bits)
        from cnnviz.explain.inspection.activations import activations, statistics  # brings TensorFlow
        from cnnviz.models.graph.graph import flatten

        layers = flatten(classifier, logits=False).layers
        names = [layer.name for layer in layers]
        wanted = {resolve_layer(one, names) for one in chosen.layers} if chosen.layers else set(names)
        pixels = classifier.pixels(classifier.fit(image)[None])
        found = activations(classifier, pixels, [name for name in names if name in wanted])
    tell_taken(classifier)
    made_folder(out)
    records: list[dict[str, Any]] = []
    for number, layer in enumerate(layers, 1):
        if layer.name in found:
            values = found[layer.name]
            mosaic = _mosaic(values, chosen.scale, chosen.colour_map)
            name = f"{number:0{len(str(len(layers)))}}-{stem_of(layer.name, otherwise='layer')}.png"
            records.append(
                {
                    "layer": layer.name,
                    "type": layer.type,
                    "shape": list(values.shape),
                    "silent": np.flatnonzero(statistics(values).silent).tolist() if values.ndim else [],
                    "picture": write_file(out / name, images.to_png(mosaic)) if mosaic is not None else None,
                }
            )
    kept = _archive(out / "activations.npz", found)
    if chosen.json:
        print(
            json.dumps(
                {
                    "run": chosen.run,
                    "photo": chosen.image,
                    "pixels": classifier.scale,
                    "activations": kept,
                    "layers": records,
                }
            )
        )
        return 0
    width = max(len(record["layer"]) for record in records)
    for record in records:
        shape = "×".join(map(str, record["shape"]))
        silent = f", {len(record['silent']):,} nowhere above 0" if record["silent"] else ""
        print(f"{record['layer']:<{width}}  {shape}{silent}: {record['picture'] or 'not to be drawn'}")
    print(kept)
    return 0


def _mosaic(values: np.ndarray, scale: str, colour_map: str) -> np.ndarray | None:
    """All channels beside each other, uint8 RGB; `None` for what has no channels of places."""
    if not 1 <= values.ndim <= 3 or not values.size:
        return None
    tiles = shades(channel_maps(values), SCALE_NAMES[scale]).levels
    tiles = images.enlarge(tiles, math.ceil(LEAST / max(tiles.shape[:2])))
    columns = COLUMNS if values.ndim == 3 else max(COLUMNS, math.ceil(math.sqrt(tiles.shape[2])))
    return in_colours(mosaic(tiles, columns=min(columns, tiles.shape[2])), colour_map)


def _archive(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Writes arrays as np.savez does, which takes no array of the name "file"."""
    try:
        with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, values in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(values), allow_pickle=False)
    except OSError as error:
        raise CnnvizError(f"{path} can't be written: {error.strerror or error}.") from None
    return str(path)


def _patterns(chosen: argparse.Namespace) -> int:
    out, filters = out_file(chosen.out, ".png", "the grid is a PNG"), _numbers(chosen.filters)
    if chosen.seed < 0:
        raise ModelError(f"--seed is {chosen.seed}: choose a whole number from 0.")
    with tensorflow_quiet():
        classifier, run = model_of(chosen)
        from cnnviz.explain.feature_visualization.patterns import Settings, usual_size, visualize
        from cnnviz.explain.feature_visualization.patterns_of_run import visualizations_of_run
        from cnnviz.models.graph.graph import flatten  # brings TensorFlow

        shapes = {at.name: at.shape for at in flatten(classifier.model).layers}
        layer = resolve_layer(chosen.layer, list(shapes))
        size = usual_size(classifier, layer) if chosen.size is None else chosen.size
    tell_taken(classifier)
    steps = MODES.get(chosen.mode, MODES[DEFAULT]).steps if chosen.steps is None else chosen.steps
    settings = Settings(chosen.mode, steps, chosen.step, size, chosen.seed)
    settings.check()
    filters = filters or list(range(min(GRID_MOST, (shapes[layer] or (0,))[-1] or 0)))
    if not filters:
        raise ModelError(f"The layer {layer} has no channels: choose a convolution.")
    make = visualize if run is None else partial(visualizations_of_run, run)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task(f"{len(filters)} patterns", total=None)
            found = make(
                classifier,
                layer,
                filters,
                settings,
                progress=lambda _, done, total: bars.update(bar, completed=done, total=total),
            )
    except KeyboardInterrupt:
        print("cnnviz: stopped; nothing was written.", file=sys.stderr)
        return 130
    write_file(out, images.to_png(_grid(found)))
    figures = [[round(float(one), 6) for one in values] for values in (found.before, found.after)]
    if chosen.json:
        print(
            json.dumps(
                {
                    "out": str(out),
                    "run": chosen.run,
                    "pixels": classifier.scale,
                    "layer": layer,
                    "mode": settings.mode,
                    "steps": settings.steps,
                    "step": settings.step,
                    "size": settings.size,
                    "seed": settings.seed,
                    "filters": list(found.filters),
                    "before": figures[0],
                    "after": figures[1],
                }
            )
        )
        return 0
    print(f"{len(found.filters)} patterns of {layer}, {size} × {size} pixels, {settings.steps} steps: {out}")
    return 0


def _numbers(text: str | None) -> list[int]:
    """The numbers that a text such as 0-15,20 names."""
    found: list[int] = []
    for part in filter(None, re.split(r"[,\s]+", text or "")):
        match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise ModelError(f"--filters has {part!r}: expected numbers and ranges such as 0-15,20.")
        found += range(first, last + 1)
    return list(dict.fromkeys(found))


def _grid(found: FeatureVisualizations) -> np.ndarray:
    """The patterns in rows, uint8 (height, width, 1 or 3)."""
    columns = even_columns(len(found.images), GRID_COLUMNS)
    planes = found.images.transpose(3, 1, 2, 0)
    return np.stack([mosaic(plane, columns=columns, margin=GRID_MARGIN) for plane in planes], axis=-1)
