"""What a shipped run's snapshots and metrics come to, for a film of it learning that a browser plays by itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz import home, runs
from cnnviz.augment.preview import image_bytes
from cnnviz.data import catalogue
from cnnviz.figures.html import data_address
from cnnviz.overlay import apply_colour_map
from cnnviz.probabilities import percent
from cnnviz.runs import metrics, snapshots
from cnnviz.runs.snapshots import Moment, Probe, Snapshot
from cnnviz.ui.inputs.watched_images import watched_images

__all__ = ["SHOWN", "film_data", "points", "shown_run"]

SHOWN = ("cats-and-dogs", "shapes")
"""The shipped runs of which one is shown: the first that can be."""
SECONDS = 10.0
"""How long the training takes in the film."""


def shown_run(folder: Path = home.HOME / "checkpoints") -> tuple[Path, Probe] | None:
    """Returns the folder of the shipped run that is shown and its images, `None` where none has snapshots and images.

    A run that came without its images is shown where its data is on this computer; nothing is downloaded for it.
    """
    ready = {one.name for one in catalogue() if one.ready}
    for name in SHOWN:
        if len(snapshots.moments(folder / name)) > 1:
            run = runs.open_run(name, folder)
            probe = watched_images(run) if run.recipe is not None and run.recipe.data.dataset in ready else None
            if probe is not None and not probe.digest:
                return run.folder, probe
    return None


def film_data(run: Path, probe: Probe) -> dict[str, Any] | None:
    """Returns what the component `learning` draws of a run; `None` where its snapshots can't be read.

    Heat maps are one string of bytes: of each snapshot, each image, row by row, 0 to 255 for 0 to the map's greatest.

    Args:
        run: the folder.
        probe: the images that it watched.
    """
    read = [snapshots.read_snapshot(run, moment, probe) for moment in snapshots.moments(run)]
    taken = [one for one in read if one is not None and one.cams]
    if len(taken) < 2:
        return None
    head = next(iter(taken[0].cams))
    cams = np.stack([_levels(one.cams[head]) for one in taken])
    truths = [probe.classes[head][int(truth)] for truth in probe.labels[head]]
    places = metrics.history(run / "metrics.jsonl")
    end = taken[-1].moment.place
    return {
        "images": [
            {"address": str(data_address(image_bytes(image))), "alt": f"Validation image {at}: {truth}"}
            for at, (image, truth) in enumerate(zip(probe.images, truths, strict=True), 1)
        ],
        "cams": base64.b64encode(cams.tobytes()).decode(),
        "cam": list(cams.shape[2:]),
        "colours": base64.b64encode(_colours().tobytes()).decode(),
        "moments": [_moment(one, probe, head) for one in taken],
        "end": end,
        "curves": [
            {"name": name.capitalize(), "share": name == "accuracy", **points(places, head, name, end)}
            for name in ("accuracy", "loss")
        ],
        "seconds": SECONDS,
        "key": f"{run.name} {len(taken)} {(run / 'metrics.jsonl').stat().st_mtime_ns}",
    }


def _levels(cams: np.ndarray) -> np.ndarray:
    """Maps (n, h, w), at least 0, each by its greatest value: uint8."""
    greatest = cams.max(axis=(1, 2), keepdims=True)
    shares = np.divide(cams, greatest, out=np.zeros(cams.shape, np.float32), where=greatest > 0)
    levels: np.ndarray = np.rint(255 * shares).astype(np.uint8)
    return levels


def _colours() -> np.ndarray:
    """The colours of 0 to 255, as everywhere: uint8 (256, 3)."""
    return apply_colour_map(np.arange(256, dtype=np.float32)[None])[0]


def _moment(taken: Snapshot, probe: Probe, head: str) -> dict[str, Any]:
    rows, truths = taken.probabilities[head], probe.labels[head]
    best = rows.argmax(axis=1)
    return {
        "label": str(taken.moment),
        "place": taken.moment.place,
        "answers": [
            {"text": f"{probe.classes[head][int(at)]} {percent(float(row[at]))}", "right": bool(at == truth)}
            for row, at, truth in zip(rows, best, truths, strict=True)
        ],
    }


def points(records: Sequence[dict[str, Any]], head: str, name: str, end: float) -> dict[str, list[list[float]]]:
    """Returns a metric's curves, `training` and `validation`: (place in epochs, value), ascending.

    Args:
        records: what `metrics.history` gives.
        head: whose metric, where there are several; the run's own otherwise.
        name: "accuracy" or "loss".
        end: the last place that is drawn. Within the epochs that are watched closely, batches' values are drawn too.
    """
    curves: dict[str, list[list[float]]] = {"training": [], "validation": []}
    for record in records:
        within = record["kind"] == "batch"
        if record["kind"] not in ("batch", "epoch") or (within and record["epoch"] > snapshots.DENSE_EPOCHS):
            continue
        epoch = record["epoch"]
        place = Moment(epoch - 1, record["batch"], record["batches"]).place if within else epoch
        for curve, prefix in (("training", ""), ("validation", "val_")):
            value = record.get(f"{prefix}{head}_{name}", record.get(f"{prefix}{name}"))
            if isinstance(value, float | int) and np.isfinite(value) and place <= end:
                curves[curve].append([round(place, 4), round(float(value), 4)])
    return curves
