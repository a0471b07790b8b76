"""The images that a run watched while it learned, those of a shipped run from the data that it learned from."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import streamlit as st

from cnnviz.data import open_dataset
from cnnviz.data.split_images import on_demand
from cnnviz.errors import CnnvizError, DataError
from cnnviz.runs import Run, recipe_of, snapshots
from cnnviz.runs.snapshots import Probe
from cnnviz.train.snapshot_samples import choose_samples

__all__ = ["watched_images"]

PATIENCE_SECONDS = 5.0
"""How long data may take to be opened, or fetched, for the sake of six images."""


def watched_images(run: Run) -> Probe | None:
    """Returns a run's fixed images, or `None` where there are none. Of a run that came without them they are those of
    its data, or grey, with a `digest`, where the data isn't here or holds others."""
    probe = snapshots.read_probe(run.folder)
    return probe if probe is None or not probe.digest else _from_data(run, probe.digest, probe)


@st.cache_data(show_spinner="Looking for its images", max_entries=8, ttl=600, hash_funcs={Run: lambda run: run.id})
def _from_data(run: Run, digest: str, _probe: Probe) -> Probe:
    began = time.monotonic()

    def hurry(what: str, done: int, total: int) -> None:
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise DataError(f"{what} takes too long.")

    try:
        recipe = recipe_of(run)
        names = [head.name for head in recipe.network.heads]
        split = open_dataset(recipe.data, names, progress=hurry, anywhere=True).splits["validation"]
        rows = choose_samples({name: split.labels[name] for name in names}, recipe.seed)
        found = np.stack([*on_demand(split, recipe.data, rows).items])
    except (CnnvizError, OSError, KeyError, ValueError):
        return _probe
    return replace(_probe, images=found, digest="") if snapshots.digest_of(found) == digest else _probe
