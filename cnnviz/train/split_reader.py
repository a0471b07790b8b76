"""A run's data as its stages take it: images, or a backbone's features of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnviz.backbones import BACKBONES
from cnnviz.data import Dataset
from cnnviz.data.features import features
from cnnviz.data.split_images import SplitImages, on_demand, prepare
from cnnviz.errors import DataError
from cnnviz.progress import check_cancelled
from cnnviz.recipe import Recipe
from cnnviz.train.run_writer import RunWriter

__all__ = ["Reader", "Stem"]

Labels = dict[str, np.ndarray]
Stem = tuple[str, Callable[[np.ndarray], np.ndarray]]
"""What tells the stem from all others, and the function that computes its features; see `feature_extractor`."""


class Reader:
    """Reads each split once in each form, says which images can't be read, and stops when the run is to stop."""

    def __init__(self, dataset: Dataset, recipe: Recipe, writer: RunWriter):
        self.dataset, self.recipe = dataset, recipe
        self._writer = writer
        self._read: dict[tuple[str, bool], SplitImages] = {}

    def images(self, name: str) -> tuple[SplitImages, Labels]:
        """Returns a split's images at their working size, and the labels of those that could be read.

        Raises:
            DataError: there is none.
            Cancelled: somebody asked the run to stop.
        """
        whole = name == "train" and self.recipe.augmentation.needs_margin
        return self._once(
            name, False, lambda **how: prepare(self.dataset.splits[name], self.recipe.data, whole=whole, **how)
        )

    def features(self, name: str, stem: Stem) -> tuple[SplitImages, Labels]:
        """As `images`, but what the stem makes of them, see `cnnviz.data.features`."""
        (key, compute), backbone = stem, self.recipe.network.backbone
        assert backbone is not None
        what = f"{BACKBONES[backbone.name].title}'s features"
        split = self.dataset.splits[name]
        return self._once(name, True, lambda **how: features(split, self.recipe.data, key, compute, what=what, **how))

    def watched(self, name: str, found: SplitImages) -> SplitImages:
        """Returns the images behind what was read of a split, decoded when they are asked for."""
        if (name, True) not in self._read:
            return found
        return on_demand(self.dataset.splits[name], self.recipe.data, found.kept)

    @property
    def samples(self) -> dict[str, int]:
        """How many images there are of each split that was read; those that couldn't be are left out."""
        return {name: len(found) for (name, _), found in self._read.items()}

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """The names of images that couldn't be read, with the reasons."""
        return list(dict.fromkeys(one for found in self._read.values() for one in found.skipped))

    def _once(self, name: str, computed: bool, read: Callable[..., SplitImages]) -> tuple[SplitImages, Labels]:
        split, writer = self.dataset.splits[name], self._writer
        if (name, computed) not in self._read:
            found = read(progress=writer.progress, cancelled=writer.stopping)
            check_cancelled(writer.stopping)
            if len(found) == 0:
                raise DataError(
                    f"None of the {len(split)} {name} images of {self.dataset.name} could be read; see the log."
                )
            for image, message in found.skipped:
                writer.say(f"Skipped {image}: {message}")
            self._read[name, computed] = found
        found = self._read[name, computed]
        return found, {head: labels[found.kept] for head, labels in split.labels.items()}
