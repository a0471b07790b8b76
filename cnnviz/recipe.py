"""The whole description of a run: data, augmentation, network, how to fit, seed. Frozen and equal to its JSON."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from cnnviz.errors import RecipeError, one_of
from cnnviz.network import Network
from cnnviz.policy import Policy

__all__ = ["CROPS", "SPLITS", "Data", "Fit", "Limits", "Recipe", "parse", "replace"]

SPLITS = ("train", "validation", "test")
CROPS = ("whole", "centre", "face")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _size(value: Any) -> Any:
    """Lets an image size be written as 64, "64", "72x59" (height x width), "72,59" or [72, 59]."""
    if isinstance(value, str):
        numbers = re.findall(r"\d+", value)
        value = [int(n) for n in numbers] if len(numbers) == 2 else int(numbers[0]) if len(numbers) == 1 else value
    return (value, value) if isinstance(value, int) else value


Side = Annotated[int, Field(ge=4, le=1024)]


class Limits(_Part):
    """At most this many samples of each split; `None` takes all."""

    train: int | None = Field(None, ge=1)
    validation: int | None = Field(None, ge=1)
    test: int | None = Field(None, ge=1)


class Data(_Part):
    """What is learned from.

    `dataset` is a bundled name, the name of a folder or `.npz` file under `CNNVIZ_DATA`, or a path. `image_size` is
    (height, width) in pixels. `crop` says which part of a picture is resized to it: `whole` (stretched), `centre`
    (the largest centred box of the same aspect) or `face` (rows 20 to 198 of CelebA's 218, full width).
    `validation_share` is the share of the training samples held out where the data has no validation split; at 0 the
    test split serves as validation too. `test_share` is the share of all samples held out where it has no test split.
    `balanced` keeps equally many samples of every group of the chosen heads' classes.
    """

    dataset: str = Field(min_length=1)
    image_size: Annotated[tuple[Side, Side], BeforeValidator(_size)]
    channels: Literal[1, 3] = 3
    crop: Literal["whole", "centre", "face"] = "whole"
    validation_share: float = Field(0.1, ge=0, le=0.5)
    test_share: float = Field(0.2, gt=0, le=0.5)
    split_seed: int = Field(0, ge=0, lt=2**32)
    limits: Limits = Limits()
    balanced: bool = False

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what the network takes."""
        return (*self.image_size, self.channels)


class Fit(_Part):
    """How the network is fitted; names and meanings are Keras's.

    `steps_per_epoch` of `None` is one pass over the training samples. `schedule` acts on `learning_rate`: `constant`,
    `cosine` (to zero over all epochs) or `plateau` (halved after three epochs without a better monitored value).
    `patience` is early stopping's, in epochs (`None`: never). `monitor` chooses the epoch that is kept.
    """

    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    learning_rate: float = Field(1e-3, gt=0, le=10)
    weight_decay: float = Field(0.0, ge=0, le=1)
    batch_size: int = Field(32, ge=1, le=4096)
    epochs: int = Field(10, ge=1, le=10_000)
    steps_per_epoch: int | None = Field(None, ge=1)
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    patience: int | None = Field(None, ge=1)
    monitor: Literal["val_accuracy", "val_loss"] = "val_accuracy"
    class_weight: Literal["none", "balanced"] = "none"


class Recipe(_Part):
    """A run's whole description. The same recipe, seed and machine give the same weights."""

    name: str = Field("", max_length=80)
    data: Data
    augmentation: Policy = Policy()
    network: Network
    fit: Fit = Fit()
    seed: int = Field(0, ge=0, lt=2**32)

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("has characters that can't be printed")
        return name

    @model_validator(mode="after")
    def _layers_fit(self) -> Recipe:
        from cnnviz.architecture import describe  # the arithmetic needs the records above

        describe(self.network, self.data.input_shape)
        return self

    def to_json(self) -> str:
        """Returns the recipe as indented JSON; `parse` gives an equal recipe back."""
        return self.model_dump_json(indent=1) + "\n"


def parse(source: str | bytes | dict, model: type[BaseModel] = Recipe) -> Any:
    """Returns the record that `source`, JSON text or a dict of it, describes.

    Raises:
        RecipeError: one sentence that names the field and what it allows.
    """
    if not isinstance(source, dict):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise RecipeError(f"The recipe is not JSON: {error}.") from None
        if not isinstance(source, dict):
            kind = type(source).__name__
            raise RecipeError(f"The recipe is a JSON {kind}; expected an object with data and network.")
    try:
        return model.model_validate(source)
    except ValidationError as error:
        raise RecipeError(sentence(error, model, source)) from None


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
    if isinstance(node, dict) and part in node:
        return node[part]
    if isinstance(node, list) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    allowed = node if isinstance(node, dict) else map(str, range(len(node))) if isinstance(node, list) else ()
    raise RecipeError(f"The recipe has no key {key!r}: {one_of(part, allowed)}.")


def sentence(error: ValidationError, model: type[BaseModel], source: Any) -> str:
    """Returns pydantic's first error as one sentence with the field, the value and what is allowed."""
    first = error.errors(include_url=False)[0]
    where = [part for part in first["loc"] if not (isinstance(part, str) and part[:1].isupper())]
    field = ".".join(map(str, where)) or "recipe"
    value, context, kind = first.get("input"), first.get("ctx") or {}, first["type"]
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "…"
    if kind == "extra_forbidden":
        parent = _known_keys(model, where[:-1], source)
        return f"The recipe has no key {field!r}: {one_of(where[-1], parent)}."
    if kind == "missing":
        return f"The recipe lacks {field!r}, which has no default."
    if kind == "literal_error":
        return f"{field} is {shown}: expected {context['expected']}."
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = context.get("tag")
        allowed = [t.strip().strip("'") for t in context.get("expected_tags", "").split(",") if t.strip()]
        tail = f": {one_of(tag, allowed)}" if allowed else ""
        return f"{field}.type is {tag!r}{tail}." if tag else f"{field} has no 'type'."
    if kind == "value_error":
        reason = str(context.get("error", first["msg"]))
        return reason if reason.endswith(".") else f"{field} is {shown}: {reason}."
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{field} is {shown}: {message.replace('input should', 'it should')}."


def _known_keys(model: type[BaseModel], where: list, source: Any) -> list[str]:
    """The keys that the record at `where` has; layers are told apart by their type in `source`."""
    from cnnviz.network import LAYER_TYPES

    for part in where:
        source = source[part] if isinstance(source, (dict, list)) else source
        if isinstance(part, int) and isinstance(source, dict) and source.get("type") in LAYER_TYPES:
            return list(LAYER_TYPES[source["type"]].model_fields)
        field = model.model_fields.get(part)
        annotation = field.annotation if field else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
        elif annotation is not None and getattr(annotation, "__args__", None):
            inner = [a for a in annotation.__args__ if isinstance(a, type) and issubclass(a, BaseModel)]
            model = inner[0] if inner else model
    return list(model.model_fields)
