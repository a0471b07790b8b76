"""The whole description of a run: data, augmentation, model, how to fit, seed. Frozen and equal to its JSON."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from cnnviz import backbones
from cnnviz.architecture import describe
from cnnviz.errors import RecipeError, one_of
from cnnviz.frozen_model import FrozenDict, Name, NotBool, Printable, Real, Record, Whole, parse_record
from cnnviz.model_spec import ModelSpec, check_opening
from cnnviz.policy import POLICIES, Policy

__all__ = [
    "CROPS",
    "FOLDS",
    "MOST_IMAGES",
    "SPLITS",
    "Data",
    "Finetune",
    "Fit",
    "Labels",
    "Limits",
    "Recipe",
    "SplitName",
    "parse",
    "replace",
]

SPLITS = ("train", "validation", "test")
CROPS = ("whole", "centre", "face")
FOLDS = (2, 20)
"""The fewest and the most folds of a cross-validation."""
MOST_IMAGES = 10_000
"""So many images can be left out, relabelled or moved."""

_SIZE = re.compile(r"[\[(]?\s*([0-9]{1,4})(?:(?:\s*[x×,]\s*|\s+)([0-9]{1,4}))?\s*[\])]?")


def _size(value: Any) -> Any:
    """Lets an image size be written as 64, "64", "72x59" (height x width), "72,59" or [72, 59]."""
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        value = [int(number) for number in found.groups() if number]
        value = value if len(value) == 2 else value * 2
    elif isinstance(value, int):
        value = [value, value]
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError("expected one number, or height and width such as 72x59")
    return tuple(value)


def _named(value: Any) -> Any:
    """Lets a policy be called by its name."""
    if isinstance(value, str):
        if value not in POLICIES:
            raise ValueError(one_of(value, POLICIES))
        return POLICIES[value]
    return value


def _fold(value: Any) -> Any:
    """Refuses what is no fold of so many."""
    least, most = FOLDS
    whole = isinstance(value, (list, tuple)) and len(value) == 2 and all(type(one) is int for one in value)
    if value is not None and not (whole and least <= value[1] <= most and 1 <= value[0] <= value[1]):
        raise ValueError(f"expected null, or a fold and how many there are ({least} to {most}), such as [1, 5]")
    return value


Side = Annotated[Whole, Field(ge=4, le=1024)]
SplitName = Literal["train", "validation", "test"]
Labels = FrozenDict[Name, Name]
"""A class's name for each head's."""


class Limits(Record):
    """At most this many samples of each split; `None` takes all."""

    train: Whole | None = Field(None, ge=1)
    validation: Whole | None = Field(None, ge=1)
    test: Whole | None = Field(None, ge=1)


class Data(Record):
    """What is learned from.

    `dataset` is a bundled name, the name of a folder or `.npz` file under `CNNVIZ_DATA`, a path, or `tfds:` and the
    name of what tensorflow_datasets has prepared. `image_size` is (height, width) in pixels. `crop` says which part of
    an image is resized to it: `whole` (stretched), `centre` (the largest centred box of the same aspect) or `face`
    (rows 20 to 198 of CelebA's 218, full width).
    `validation_share` is the share of the training samples held out where the data has no validation split; at 0 the
    test split serves as validation too. `test_share` is the share of all samples held out where it has neither a test
    nor a validation split. `fold` of cross-validation, such as [1, 5], makes the first of five stratified folds of the
    training and validation samples together the validation split and the other four the training split; the test split
    stays as it is without, and `split_seed` deals the folds.
    `balanced` keeps equally many samples of every group of the chosen heads' classes. `without` names samples that are
    left out of all splits, as `Split.name_of` calls them; where splits number their images, with the split's name
    before, such as "test:#12". `labels` gives images, named alike, other classes than the data does, by head, such as
    `{"cats/12.jpg": {"label": "dogs"}}`, and `splits` moves images to another split, `{"cats/12.jpg": "test"}`; where
    the test split serves as validation, to either means to both. Who is held out doesn't change by any of the three,
    and an image that is left out stays out. `label_columns` are those of a table of labels, a parquet file or a
    prepared data set that are learned from, each a head; empty for its own choice, see `label_columns.choose`.
    """

    dataset: Printable = Field(min_length=1, max_length=1000)
    image_size: Annotated[tuple[Side, Side], BeforeValidator(_size)]
    channels: Annotated[Literal[1, 3], NotBool] = 3
    crop: Literal["whole", "centre", "face"] = "whole"
    validation_share: Real = Field(0.1, ge=0, le=0.5)
    test_share: Real = Field(0.2, gt=0, le=0.5)
    split_seed: Whole = Field(0, ge=0, lt=2**32)
    fold: Annotated[tuple[int, int] | None, BeforeValidator(_fold)] = None
    limits: Limits = Limits()
    balanced: bool = False
    without: tuple[Name, ...] = Field((), max_length=MOST_IMAGES)
    labels: FrozenDict[Name, Annotated[Labels, Field(min_length=1)]] = Field(FrozenDict(), max_length=MOST_IMAGES)
    splits: FrozenDict[Name, SplitName] = Field(FrozenDict(), max_length=MOST_IMAGES)
    label_columns: tuple[Annotated[Printable, Field(min_length=1, max_length=200)], ...] = Field((), max_length=100)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what the model takes."""
        return (*self.image_size, self.channels)


class Finetune(Record):
    """A second stage after all epochs of the first: the backbone is trained too, from a layer on ("": all of it).

    The stage has a learning rate of its own, small so that what the backbone knows is not lost; its optimizer, early
    stopping and schedule begin anew, and its epochs count on from the first's.
    """

    trainable_from: str = Field(max_length=100)
    learning_rate: Real = Field(1e-5, gt=0, le=10)
    epochs: Whole = Field(10, ge=1, le=10_000)


class Fit(Record):
    """How the model is fitted; names and meanings are Keras's.

    `steps_per_epoch` of `None` is one pass over the training samples. `schedule` acts on `learning_rate`: `constant`,
    `cosine` (to zero over all epochs) or `plateau` (halved after three epochs without a better monitored value).
    `patience` is early stopping's, in epochs (`None`: never). `monitor` chooses the epoch that is kept, over all
    stages. `finetune` is a second stage, for models with a backbone.
    """

    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    learning_rate: Real = Field(1e-3, gt=0, le=10)
    weight_decay: Real = Field(0.0, ge=0, le=1)
    batch_size: Whole = Field(32, ge=1, le=4096)
    epochs: Whole = Field(10, ge=1, le=10_000)
    steps_per_epoch: Whole | None = Field(None, ge=1, le=1_000_000)
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    patience: Whole | None = Field(None, ge=1)
    monitor: Literal["val_accuracy", "val_loss"] = "val_accuracy"
    class_weight: Literal["none", "balanced"] = "none"
    finetune: Finetune | None = None

    @property
    def all_epochs(self) -> int:
        """The epochs of all stages."""
        return self.epochs + (self.finetune.epochs if self.finetune else 0)

    @property
    def keras_weight_decay(self) -> float | None:
        """The optimizer's argument: `None` for none, which AdamW alone doesn't take."""
        return self.weight_decay if self.weight_decay or self.optimizer == "adamw" else None

    def steps(self, samples: int) -> int:
        """Returns how many batches an epoch over `samples` training images has."""
        return self.steps_per_epoch or math.ceil(samples / self.batch_size)


class Recipe(Record):
    """A run's whole description. The same recipe, seed and machine give the same weights."""

    name: Printable = Field("", max_length=80)
    data: Data
    augmentation: Annotated[Policy, BeforeValidator(_named)] = Policy()
    network: ModelSpec
    fit: Fit = Fit()
    seed: Whole = Field(0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _layers_fit(self) -> Recipe:
        describe(self.network, self.data.input_shape)
        return self

    @model_validator(mode="after")
    def _stages_fit(self) -> Recipe:
        backbone, later = self.network.backbone, self.fit.finetune
        if later is not None:
            if backbone is None:
                raise ValueError(
                    "fit.finetune trains a backbone further, but the model has none: set "
                    "network.backbone, or fit.finetune to null."
                )
            check_opening(backbone.name, later.trainable_from, "fit.finetune.trainable_from")
            first, second = (backbones.frozen_count(backbone.name, b.trainable_from) for b in (backbone, later))
            if second > first:
                raise ValueError(
                    f"fit.finetune.trainable_from is {later.trainable_from!r}, behind {backbone.trainable_from!r}, "
                    "from where the first stage trains: choose that layer or one before it."
                )
        elif backbone is not None and backbone.cached and self.augmentation.steps:
            raise ValueError(
                "The backbone's features are computed once, so that its images can't be augmented: set "
                "network.backbone.cached to false, or augmentation.steps to []."
            )
        return self

    def to_json(self) -> str:
        """Returns the recipe as indented JSON; `parse` gives an equal recipe back."""
        return self.model_dump_json(indent=1) + "\n"


def parse(source: str | bytes | dict, model: type[BaseModel] = Recipe) -> Any:
    """Returns the recipe, or the part of one, that `source`, JSON text or a dict of it, describes.

    Raises:
        RecipeError: one sentence that names the key and what it allows.
    """
    return parse_record(source, model)


def replace(recipe: Recipe, settings: dict[str, Any]) -> Recipe:
    """Returns the recipe with dotted keys set, such as `{"fit.epochs": 2, "network.heads.0.name": "Male"}`.

    Raises:
        RecipeError: a key that is not there or a value that is not allowed.
    """
    tree = recipe.model_dump(mode="json")
    for key, value in settings.items():
        *parents, last = key.split(".")
        node: Any = tree
        for depth, part in enumerate(parents):
            node = _child(node, part, ".".join(parents[: depth + 1]))
        _child(node, last, key)
        node[int(last) if isinstance(node, list) else last] = value
    return parse(tree)


def _child(node: Any, part: str, key: str) -> Any:
    if isinstance(node, dict):
        if part in node:
            return node[part]
        raise RecipeError(f"The recipe has no key {key!r}: {one_of(part, node)}.")
    if isinstance(node, list):
        if part.isascii() and part.isdigit() and int(part) < len(node):
            return node[int(part)]
        parent = key.rpartition(".")[0]
        raise RecipeError(f"The recipe has no key {key!r}: {parent} has {len(node)} items, counted from 0.")
    raise RecipeError(f"The recipe has no key {key!r}: {key.rpartition('.')[0]} is a single value, {node!r}.")
