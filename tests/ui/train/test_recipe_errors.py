"""A recipe's mistakes in the words of the Train page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cnnviz.errors import CnnvizError
from cnnviz.model_spec import ModelSpec
from cnnviz.policy import Policy
from cnnviz.presets import PRESETS
from cnnviz.recipe import Data, Fit, parse
from cnnviz.ui.train.recipe_errors import LABELS, in_words

PARTS = {"data": Data, "augmentation": Policy, "network": ModelSpec, "fit": Fit}
UI = Path(__file__).parents[3] / "cnnviz" / "ui"


def tree(**changed: Any) -> dict[str, Any]:
    made = PRESETS["D3"].model_dump(mode="json")
    for key, value in changed.items():
        *parents, last = key.split("__")
        node: Any = made
        for part in parents:
            node = node[int(part)] if isinstance(node, list) else node[part]
        node[last] = value
    return made


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"network__layers__0__filters": 100_000}, "Size in row 1 (Conv2D) is 100,000: choose 1 to 4,096."),
        ({"network__layers__0__kernel_size": 40}, "Window in row 1 (Conv2D) is 40: choose 1 to 32."),
        (
            {"network__layers__1__strides": 33},
            ("Stride in row 2 (MaxPooling2D) is 33: it should be less than or equal to 32."),
        ),
        ({"fit__batch_size": None}, "Batch size is empty: choose 1 to 4,096."),
        ({"fit__learning_rate": 0}, "Learning rate is 0: choose more than 0 to 10."),
        ({"data__image_size": [2, 64]}, "Height is 2: it should be greater than or equal to 4."),
        ({"data__validation_share": 0.9}, "Held out for validation is 0.9: choose 0 to 0.5."),
        (
            {"augmentation__steps__0__probability": 3},
            ("Rotation, step 1 of the policy is 3: it should be less than or equal to 1."),
        ),
    ],
)
def test_a_mistake_names_what_is_seen_and_what_is_allowed(changed: dict[str, Any], said: str) -> None:
    made = tree(**changed)
    part = next(iter(changed)).partition("__")[0]
    for record, root in ((PARTS[part], part), (None, "")):
        with pytest.raises(CnnvizError) as caught:
            parse(made[part], record) if record else parse(made)
        assert in_words(caught.value, made, root) == said


def test_advice_for_recipes_becomes_what_to_do_on_the_page() -> None:
    made = PRESETS["D4"].model_dump(mode="json")
    made["augmentation"] = PRESETS["D3"].augmentation.model_dump(mode="json")
    made["fit"]["finetune"] = None
    with pytest.raises(CnnvizError, match=r"network\.backbone\.cached") as caught:
        parse(made)
    said = in_words(caught.value, made)
    assert said.endswith(
        "can't be augmented: choose something else under What is trained, or Images as they are under Policy."
    )


def test_every_number_of_the_recipe_has_a_label_that_the_page_shows() -> None:
    drawn = "\n".join(path.read_text("utf-8") for path in UI.rglob("*.py") if path.name != "recipe_errors.py")
    for key, label in LABELS.items():
        word = label.partition(" (")[0]
        if word.startswith("Max samples ("):
            word = "Max samples ("
        assert word in drawn or key in (
            "data.image_size",
            "augmentation.fill_value",
            "network.layers",
            "data.without",
            "data.labels",
            "data.splits",
        ), f"{label} stands nowhere on the page"


def test_no_key_is_left_in_what_a_wrong_value_says() -> None:
    """Every value of the recipe, in turn, as one that is never right."""
    made = tree()
    for part, record in PARTS.items():
        for field in record.model_fields:
            wrong = {**made[part], field: {"never": "right"}}
            try:
                parse(wrong, record)
            except CnnvizError as error:
                said = in_words(error, {**made, part: wrong if field not in ("layers", "steps") else made[part]}, part)
                if f"{part}.{field}" in LABELS:
                    assert not re.match(rf"({part}\.)?{field} is", said), said
