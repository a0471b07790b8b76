"""What is said of patterns on the Inside page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.explain.feature_visualization.modes import MODES
from cnnviz.ui.inside.feature_visualization_job import Tile
from cnnviz.ui.markdown import plain

if TYPE_CHECKING:
    from cnnviz.explain.feature_visualization.patterns import Settings
    from cnnviz.ui.inside.selection import Inspection

__all__ = ["caption", "promise", "said_of"]


def promise(opened: Inspection, settings: Settings) -> str:
    """Returns what stands there while there are no patterns."""
    return (
        f"A feature visualization is an image of {settings.size} × {settings.size} pixels that begins as grey noise "
        f"and is changed {settings.steps} times so that one channel of {plain(opened.layer)} responds more strongly: "
        "what is left is what the channel looks for."
    )


def said_of(opened: Inspection, channel: int, tile: Tile | None, settings: Settings) -> str:
    """Returns what is said of one pattern, which may not be there yet; as plain text."""
    classes = opened.model.classifier.classes.get(opened.layer, ())
    name = f"Channel {channel}" + (f" ({classes[channel]})" if channel < len(classes) else "")
    if tile is None:
        return f"{name}: not made yet"
    if tile.steps < settings.steps:
        return f"{name}: {tile.steps} of {settings.steps} steps"
    return f"{name}: mean output {tile.before:.3g} for noise, {tile.after:.3g} for its feature visualization"


def caption(opened: Inspection, settings: Settings, filters: range, there: Mapping[int, Tile]) -> str:
    """Returns what stands under the grid, as Markdown."""
    way = MODES[settings.mode].title.lower()
    named = f"{plain(opened.layer)}, channels {filters[0]} to {filters[-1]} in rows"
    words = [f"{named}, {settings.steps} steps of {settings.step:g}, {way}, {settings.size} × {settings.size} pixels."]
    whole = {one: tile for one, tile in there.items() if tile.steps >= settings.steps}
    grown = [tile.after / tile.before for tile in whole.values() if tile.before > 0 and tile.after > tile.before]
    if grown:
        words.append(
            f"The visualization activates its channel {np.median(grown):.3g} times as much as noise (the median)."
        )
    silent = sorted(one for one, tile in whole.items() if tile.after == tile.before)
    if silent:
        several = ", ".join(map(str, silent[:8])) + (" …" if len(silent) > 8 else "")
        wakes = f": {MODES['robust'].title.lower()} may wake them up" if settings.mode == "plain" else ""
        words.append(f"{len(silent)} could not be raised ({several}), being silent for noise{wakes}.")
    if len(whole) < len(filters):
        words.append(f"{len(whole)} of {len(filters)} are whole.")
    return " ".join(words)
