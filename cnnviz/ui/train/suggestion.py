"""What suits images that a person has just dropped in: few of them, and a model that trains in seconds."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

from cnnviz.data import Dataset
from cnnviz.models.build.pretrained_weights import find_weights
from cnnviz.presets import PRESETS
from cnnviz.ui.train.recipe_draft import FIRST, Draft, leave_preset, reset_widgets

__all__ = ["follow", "suggest", "take", "words"]

_PARTS = ("augmentation", "network", "fit")
_STEPS = 240  # batches in all, that a head on cached features needs at least
_MOST_EPOCHS = 60
_EPOCHS_FROM_SCRATCH = 20  # of a minute or less; who wants more sets more


def suggest(dataset: Dataset) -> dict[str, Any]:
    """Returns the parts of a recipe for these images: MobileNetV2's cached features where its weights are on this
    computer, else a small model from scratch with augmentation."""
    ready = find_weights("MobileNetV2", PRESETS["M4"].data.image_size) is not None
    recipe = PRESETS["M4" if ready else "P"]
    tree = recipe.model_dump(mode="json")
    if ready:
        steps = recipe.fit.steps(len(dataset.splits["train"]))
        tree["fit"]["monitor"] = "val_loss"  # few validation images have all their classes right too soon
        tree["fit"]["epochs"] = min(_MOST_EPOCHS, max(recipe.fit.epochs, math.ceil(_STEPS / steps)))
    else:
        tree["fit"]["epochs"] = _EPOCHS_FROM_SCRATCH
    return {part: tree[part] for part in _PARTS} | {"image_size": tree["data"]["image_size"]}


def follow(draft: Draft, dataset: Dataset, fresh: bool) -> bool:
    """Takes the suggestion over where the person has made no choice of their own; returns whether the draft has it.

    Nothing was chosen where model, augmentation and fit are those that the page opens with, or that were suggested for
    fewer images.

    Args:
        draft: what the person works on.
        dataset: their images.
        fresh: whether these were just chosen, so that the images' size is to be set, too.
    """
    wanted = suggest(dataset)
    if _same(draft, wanted) and not fresh:
        draft.shown["suggested"] = wanted
        return True
    before = draft.shown.get("suggested")
    first = PRESETS[FIRST].model_dump(mode="json")
    if any(_same(draft, one) for one in (wanted, before) if one) or (draft.origin == FIRST and _same(draft, first)):
        take(draft, wanted)
        return True
    return False


def take(draft: Draft, wanted: dict[str, Any]) -> None:
    """Puts what was suggested into the draft; heads stay, as they follow the data. For use before the cards of these
    parts are drawn."""
    heads = draft.get("network.heads")
    leave_preset(draft)
    for part in _PARTS:
        draft.tree[part] = deepcopy(wanted[part])  # which cards write to
    draft.put("network.heads", heads)
    draft.put("data.image_size", list(wanted["image_size"]))
    draft.put("data.channels", 3)
    draft.shown["suggested"] = wanted
    draft.shown.pop("layers", None)
    draft.table += 1
    mine = (*(f"{part}." for part in _PARTS), "backbone.", "answer.", "policy", "data.")
    reset_widgets(*[path for path in draft.names if path.startswith(mine)])


def words(draft: Draft) -> str:
    """Returns a caption on what was suggested."""
    backbone = draft.get("network").get("backbone")
    return (
        "Model and fit are set for few images: MobileNetV2's features, computed once."
        if backbone
        else "Model and fit are set for few images: a small model from scratch, with augmentation."
    )


def _same(draft: Draft, wanted: dict[str, Any]) -> bool:
    """Whether model, augmentation and fit of the draft are these; heads don't count."""
    return all(_plain(draft.tree[part]) == _plain(wanted[part]) for part in _PARTS)


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "heads"}
