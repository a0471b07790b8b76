"""A recipe's mistakes in the words of the Train page: what a person sees there, not the recipe's keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel

from cnnviz.errors import CnnvizError
from cnnviz.model_spec import LAYER_TYPES
from cnnviz.policy import STEPS
from cnnviz.recipe import Data, Finetune, Fit, Recipe
from cnnviz.ui.train.layer_table import COLUMNS

__all__ = ["COLUMN_LABELS", "LABELS", "field_names", "in_words"]

COLUMN_LABELS = {
    "no": "#",
    "type": "Layer",
    "size": "Size",
    "window": "Window",
    "strides": "Stride",
    "padding": "Padding",
    "activation": "Activation",
    "rate": "Rate",
    "shape": "Shape",
    "bias": "Bias",
}
"""What the columns of the layer table are called on the page."""

LABELS = {
    "name": "Name of the run",
    "seed": "Seed",
    "data.dataset": "Images",
    "data.image_size.0": "Height",
    "data.image_size.1": "Width",
    "data.image_size": "Height and width",
    "data.channels": "Colour",
    "data.crop": "Crop",
    "data.validation_share": "Held out for validation",
    "data.test_share": "Held out for testing",
    "data.split_seed": "Split seed",
    "data.fold": "Validates on fold",
    "data.limits.train": "Max samples (train)",
    "data.limits.validation": "Max samples (validation)",
    "data.limits.test": "Max samples (test)",
    "data.balanced": "Balance classes",
    "data.without": "Images left out",
    "data.labels": "Images relabelled",
    "data.splits": "Images moved",
    "augmentation.fill_mode": "Fill mode",
    "augmentation.fill_value": "Fill value",
    "augmentation.steps": "Policy",
    "network.scaling": "Pixels are scaled to",
    "network.backbone.weights": "Its weights",
    "network.backbone.trainable_from": "Unfreeze from",
    "network.backbone.cached": "What is trained",
    "network.backbone": "Backbone",
    "network.heads": "Activation",
    "network.layers": "The table of layers",
    "fit.finetune.trainable_from": "Unfreeze from (Fine-tune after that)",
    "fit.finetune.learning_rate": "Fine-tuning learning rate",
    "fit.finetune.epochs": "Fine-tuning epochs",
    "fit.finetune": "Fine-tune after that",
    "fit.optimizer": "Optimizer",
    "fit.learning_rate": "Learning rate",
    "fit.epochs": "Epochs",
    "fit.batch_size": "Batch size",
    "fit.patience": "Patience",
    "fit.schedule": "Schedule",
    "fit.monitor": "Monitor",
    "fit.class_weight": "Class weights",
    "fit.weight_decay": "Weight decay",
    "fit.steps_per_epoch": "Steps per epoch",
}
"""What the recipe's keys are called on the page."""

_ADVICE = {
    "set data.channels to 3": "choose RGB under Colour",
    "set network.backbone.cached to false, or augmentation.steps to []": (
        "choose something else under What is trained, or Images as they are under Policy"
    ),
    "set network.backbone.trainable_from to null, or network.backbone.cached to false": (
        "choose something else under What is trained"
    ),
    "set network.backbone, or fit.finetune to null": "choose a Backbone, or switch Fine-tune after that off",
}
"""Advice for those who write recipes by hand, and what to do on the page instead."""
_RECORDS: dict[str, type[BaseModel]] = {"data": Data, "fit": Fit, "fit.finetune": Finetune, "": Recipe}
_KEY = re.compile(r"(?<![\w.])(?:data|augmentation|network|fit)(?:\.\w+)+|(?<![\w.])(?:seed|name)(?= is )")


def in_words(error: CnnvizError | str, tree: dict[str, Any], part: str = "") -> str:
    """Returns what is wrong with a recipe as a sentence that names what a person sees on the Train page.

    Args:
        error: what `recipe.parse` said of the recipe or of a part of it.
        tree: the whole recipe's JSON.
        part: the part's key, such as "fit"; "" where all of it was parsed.

    Example:
        "layers.0.filters is 100000: it should be …" becomes "Size in row 1 (Conv2D) is 100,000: choose 1 to 4,096."
    """
    message = str(error)
    for advice, instead in _ADVICE.items():
        message = message.replace(advice, instead)
    found = re.match(r"([a-z_]+(?:\.\w+)*) is (.+?): (.*)$", message, re.DOTALL)
    if found:
        key = ".".join(filter(None, (part, found[1])))
        message = _told(key, found[2], found[3], tree) or message
    return _KEY.sub(lambda key: _label(key[0], tree) or key[0], message)


def field_names(keys: Iterable[str], tree: dict[str, Any]) -> dict[str, str]:
    """Returns what fields of a recipe are called on the page, by dotted key; what has no name stands as its key.

    Args:
        keys: dotted, such as "fit.learning_rate".
        tree: the whole recipe's JSON.
    """
    found = {}
    for key in keys:
        label = "Augmentation" if key == "augmentation" else _label(key, tree)
        if step := re.match(r"augmentation\.steps\.\d+\.(\w+)$", key):
            label = f"{label.partition(',')[0]}, {step[1]}"
        found[key] = label or key
    doubled = {label for label in found.values() if list(found.values()).count(label) > 1}
    return {key: f"{label} ({key})" if label in doubled and label != key else label for key, label in found.items()}


def _told(key: str, value: str, reason: str, tree: dict[str, Any]) -> str:
    """The sentence on one value, "" where the page has no name for it."""
    if not (label := _label(key, tree)):
        return ""
    reason = _range(key, tree) or reason
    if value in ("None", "''"):
        return f"{label} is empty: {reason}"
    number = re.fullmatch(r"-?\d{4,}", value)
    shown = f"{int(value):,}" if number and "eed" not in label else re.sub(r"^'(.*)'$", r"\1", value)
    return f"{label} is {shown}: {reason}"


def _layer(key: str, tree: dict[str, Any]) -> tuple[int, dict[str, Any], str] | None:
    """The row, counted from 1, the layer and the field that a key such as network.layers.0.filters names."""
    found = re.match(r"network\.layers\.(\d+)(?:\.(\w+))?", key)
    layers = tree["network"]["layers"]
    if not found or int(found[1]) >= len(layers):
        return None
    return int(found[1]) + 1, layers[int(found[1])], found[2] or ""


def _label(key: str, tree: dict[str, Any]) -> str:
    if layer := _layer(key, tree):
        row, made, field = layer
        column = next((name for name, fields in COLUMNS.items() if field in fields), "type")
        return f"{COLUMN_LABELS[column]} in row {row} ({made.get('type')})"
    if step := re.match(r"augmentation\.steps\.(\d+)(?:\.(\w+))?", key):
        steps, at = tree["augmentation"]["steps"], int(step[1])
        kind = STEPS.get(steps[at].get("type", "")) if at < len(steps) else None
        return f"{kind.title if kind else 'A step'}, step {at + 1} of the policy"
    if re.match(r"network\.heads\.\d+", key):
        return LABELS["network.heads"]
    return LABELS.get(key) or LABELS.get(re.sub(r"\.\d+$", "", key), "")


def _range(key: str, tree: dict[str, Any]) -> str:
    """ "choose 1 to 4,096." where the record says from where to where; "" elsewhere."""
    record: type[BaseModel] | None
    if layer := _layer(key, tree):
        record, field = LAYER_TYPES.get(layer[1].get("type", "")), layer[2]
    else:
        parent, _, field = key.rpartition(".")
        record = _RECORDS.get(parent)
    if record is None or field not in record.model_fields:
        return ""
    limits = {type(one): one for one in record.model_fields[field].metadata}
    low, high = limits.get(Ge) or limits.get(Gt), limits.get(Le) or limits.get(Lt)
    if low is None or high is None:
        return ""
    least = f"{low.ge:,}" if isinstance(low, Ge) else f"more than {low.gt:,}"
    most = f"{high.le:,}" if isinstance(high, Le) else f"less than {high.lt:,}"
    return f"choose {least} to {most}."
