"""The Train page's controls for a backbone: which one, with which weights, and what of it is trained."""

from __future__ import annotations

from typing import Any

import streamlit as st

from cnnviz import backbones
from cnnviz.architecture import counts, describe, with_trainable_from
from cnnviz.backbones import BACKBONES
from cnnviz.model_spec import Dropout, GlobalAveragePooling2D, ModelSpec
from cnnviz.models.build.pretrained_weights import find_weights, models_folder, weights_files
from cnnviz.recipe import Finetune
from cnnviz.ui.train import recipe_draft as state
from cnnviz.ui.train.recipe_draft import Draft, key

__all__ = ["backbone_part", "finetune_part", "notes"]

WAYS = {
    "cached": "What follows, on cached features",
    "frozen": "What follows, in the model",
    "part": "From a layer on",
    "all": "All of it",
}
_HEAD = (GlobalAveragePooling2D(), Dropout(rate=0.2))
"""What stands on a backbone at first."""
_WEIGHTS = {"imagenet": "ImageNet's", "none": "Random"}
_NAMES = {"": "None", **{name: facts.title for name, facts in BACKBONES.items()}}


def backbone_part(draft: Draft) -> None:
    """Draws the choice of a backbone and, where there is one, of its weights and of what is trained."""
    found = draft.get("network").get("backbone")
    st.selectbox(
        "Backbone",
        list(_NAMES),
        format_func=_NAMES.__getitem__,
        width=170,
        key=key(draft, "backbone.name", found["name"] if found else ""),
        on_change=_choose,
        args=(draft,),
        help="A model of Keras Applications on whose features the layers stand. With ImageNet's weights it knows "
        "edges, textures and parts of things already, so that few images are enough.",
    )
    if not found:
        return
    name = found["name"]
    st.selectbox(
        "Its weights",
        list(_WEIGHTS),
        format_func=_WEIGHTS.__getitem__,
        width=140,
        key=key(draft, f"backbone.{name}.weights", found["weights"]),
        on_change=_take,
        args=(draft, "weights", f"backbone.{name}.weights"),
        help="ImageNet's come from Keras's folder on this computer or, once, from its server. Random ones start anew.",
    )
    way = _way(found)
    st.selectbox(
        "What is trained",
        list(WAYS),
        format_func=WAYS.__getitem__,
        width=270,
        key=key(draft, f"backbone.{name}.way", way),
        on_change=_train,
        args=(draft, f"backbone.{name}.way"),
        help="Cached features are computed once for all epochs and runs, which is fastest, but leaves no augmentation. "
        "In the model every epoch sees new variants. Training the backbone itself takes longest and fits best.",
    )
    if way == "part":
        layers = list(reversed(backbones.openings(name)))
        st.selectbox(
            "Unfreeze from",
            layers,
            width=230,
            key=key(draft, f"backbone.{name}.from", found["trainable_from"]),
            on_change=_take,
            args=(draft, "trainable_from", f"backbone.{name}.from"),
            help="This layer and all behind it are trained; those before it keep their weights.",
        )


def finetune_part(draft: Draft) -> None:
    """Draws the choice of a second stage, for a model on a backbone."""
    found = draft.get("network").get("backbone")
    if not found or found["trainable_from"] == "":
        return
    name, later = found["name"], draft.get("fit").get("finetune")
    st.toggle(
        "Fine-tune after that",
        key=key(draft, f"backbone.{name}.later", later is not None),
        on_change=_tune,
        args=(draft, name),
        help="A second stage: when the new layers have learned, the last of the backbone are trained too, with a small "
        "learning rate so that what they know is not lost.",
    )
    if later is None:
        return
    with st.container(horizontal=True):
        st.selectbox(
            "Unfreeze from",
            list(reversed(backbones.openings(name))),
            width=220,
            key=key(draft, f"backbone.{name}.later.trainable_from", later["trainable_from"]),
            on_change=_later,
            args=(draft, name, "trainable_from"),
            help="This layer of the backbone and all behind it are trained.",
        )
        st.number_input(
            "Fine-tuning learning rate",
            1e-7,
            10.0,
            step=1e-5,
            format="%g",
            width=130,
            key=key(draft, f"backbone.{name}.later.learning_rate", later["learning_rate"]),
            on_change=_later,
            args=(draft, name, "learning_rate"),
            help="The second stage's learning rate; 0.00001 is usual.",
        )
        st.number_input(
            "Fine-tuning epochs",
            1,
            10_000,
            width=110,
            key=key(draft, f"backbone.{name}.later.epochs", later["epochs"]),
            on_change=_later,
            args=(draft, name, "epochs"),
            help="They count on from those of the first stage.",
        )


def notes(spec: ModelSpec, later: Finetune | None, input_shape: tuple[int, int, int]) -> list[str]:
    """Returns sentences on a model's backbone: what stays as it is, and where its weights come from.

    Args:
        spec: the model's record.
        later: its second stage, if there is one.
        input_shape: (height, width, channels) of its images.
    """
    backbone = spec.backbone
    if backbone is None:
        return []
    facts, found = BACKBONES[backbone.name], []
    if later is not None:
        then = with_trainable_from(spec, later.trainable_from)
        numbers = counts(then, describe(then, input_shape))
        found.append(f"In the second stage {numbers.trainable:,} numbers are trained, {numbers.frozen:,} stay frozen.")
    if facts.normalises and (backbone.trainable_from is not None or later is not None):
        found.append(
            f"{facts.title} has batch normalisations. With ImageNet's weights they stay frozen, wherever training "
            "begins: means and variances measured on small batches would undo what it knows."
            if backbone.weights == "imagenet"
            else f"{facts.title} has batch normalisations. Those that are trained measure means and variances on every "
            "batch, so that very small batches harm."
        )
    if backbone.weights == "imagenet" and find_weights(backbone.name, input_shape[:2]) is None:
        found.append(
            f"ImageNet's weights of {facts.title} aren't on this computer: the run downloads them first. Without a "
            f"model, put the file {weights_files(backbone.name, input_shape[:2])[0].name} into {models_folder()}."
        )
    return found


def _way(found: dict[str, Any]) -> str:
    if found["cached"]:
        return "cached"
    return {None: "frozen", "": "all"}.get(found["trainable_from"], "part")


def _choose(draft: Draft) -> None:
    name = state.picked_value("backbone.name")
    old = draft.get("network").get("backbone")
    if old is not None and old["name"] == name:
        return
    made = {"name": name, "weights": "imagenet", "trainable_from": None, "cached": False} if name else None
    draft.tree["network"]["backbone"] = made
    draft.tree["fit"]["finetune"] = None
    if made is not None:
        draft.put("data.channels", 3)
    if old is None or made is None:  # what stands on images doesn't fit on features, and the other way round
        kept, draft.shown["aside"] = draft.shown.get("aside"), draft.get("network.layers")
        draft.put("network.layers", kept if kept is not None else [layer.model_dump(mode="json") for layer in _HEAD])
        draft.table += 1


def _take(draft: Draft, field: str, path: str) -> None:
    value = state.picked_value(path)
    if value is not None and draft.tree["network"]["backbone"]:
        draft.tree["network"]["backbone"][field] = value


def _train(draft: Draft, path: str) -> None:
    found, way = draft.tree["network"]["backbone"], state.picked_value(path)
    if found is None or way is None:
        return
    last = backbones.openings(found["name"])[-1]
    found["cached"] = way == "cached"
    found["trainable_from"] = {"part": last, "all": ""}.get(way)
    if way == "all":
        draft.tree["fit"]["finetune"] = None


def _tune(draft: Draft, name: str) -> None:
    wanted = state.picked_value(f"backbone.{name}.later")
    last = backbones.openings(name)[-1]
    draft.tree["fit"]["finetune"] = Finetune(trainable_from=last).model_dump() if wanted else None


def _later(draft: Draft, name: str, field: str) -> None:
    value, later = state.picked_value(f"backbone.{name}.later.{field}"), draft.tree["fit"]["finetune"]
    if value is not None and later is not None:
        later[field] = value
