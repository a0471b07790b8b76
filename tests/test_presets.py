"""The presets are the tutorials' systems, to the last parameter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnviz.architecture import counts, describe, with_trainable_from
from cnnviz.errors import RecipeError
from cnnviz.presets import PRESETS, preset

PARAMETERS = {
    "A": 388_673,
    "B1": 687_298,
    "B2": 200_004,
    "C1": 29_898,
    "C2": 804_554,
    "D1": 93_322,
    "D2": 3_453_121,
    "D3": 3_453_121,
    "E1": 2_283_779,
    "D4": 16_812_353,
    "D5": 16_812_353,
    "D6": 16_812_353,
    "E2": 17_936_515,
    "E3": 17_936_515,
    "E4": 17_936_515,
}
TRAINABLE = {  # of those on a backbone: in the first stage, in the second
    "D4": (2_097_665, None),
    "D5": (2_097_665, None),
    "D6": (2_097_665, 9_177_089),
    "E2": (17_936_515, None),
    "E3": (5_581_635, None),
    "E4": (5_581_635, None),
}
FITS = {  # optimizer, learning rate (Keras's default unless the tutorial names one), batch, steps, epochs
    "A": ("adam", 1e-3, 32, 500, 30),
    "B1": ("adam", 1e-3, 32, None, 15),
    "B2": ("adam", 1e-3, 32, None, 15),
    "C1": ("adam", 1e-3, 32, None, 10),
    "C2": ("adam", 1e-3, 32, None, 5),
    "D1": ("rmsprop", 1e-3, 64, None, 5),
    "D2": ("rmsprop", 1e-4, 20, 100, 30),
    "D3": ("rmsprop", 1e-4, 32, 100, 100),
    "D4": ("rmsprop", 2e-5, 20, None, 30),
    "D5": ("rmsprop", 2e-5, 20, 100, 30),
    "D6": ("rmsprop", 2e-5, 20, 100, 30),
    "E1": ("adam", 1e-3, 128, None, 50),
}
STACKS = {  # the reference's own shorthand: filters/kernel, s = same, P = pooling, R = dropout, F = flatten, D = dense
    "A": "C32/3s P2 R0.5 C64/3s P2 R0.5 C128/3s P2 C256/3s G → 1 logits",
    "B1": "C32/3 P2 C64/3 P2 C64/3 F D64 → 2 softmax",
    "B2": "C32/3 P2 C64/3 P2 C64/3 P2 F D64 → 2 softmax, 2 softmax",
    "C1": "S28x28 D128 D64 F → 10 softmax",
    "C2": "C32/3s P2 F D128 → 10 softmax",
    "D1": "C32/3 P2 C64/3 P2 C64/3 F D64 → 10 softmax",
    "D2": "C32/3 P2 C64/3 P2 C128/3 P2 C128/3 P2 F D512 → 1 sigmoid",
    "D3": "C32/3 P2 C64/3 P2 C128/3 P2 C128/3 P2 F R0.5 D512 → 1 sigmoid",
    "D4": "VGG16: F D256 R0.5 → 1 sigmoid",
    "D5": "VGG16: F D256 → 1 sigmoid",
    "D6": "VGG16: F D256 → 1 sigmoid",
    "E1": "C128/3s P2 C256/3s P2 C128/3s P2 C64/3s P2 F D128 D64 D32 → 3 softmax",
    "E2": "VGG16: F D128 D64 D32 → 3 softmax",
    "E3": "VGG16: F D128 D64 D32 → 3 softmax",
    "E4": "VGG16: F D128 D64 D32 → 3 softmax",
}
INPUTS = {
    "A": (64, 64, 3),
    "B1": (72, 59, 3),
    "B2": (72, 59, 3),
    "C1": (28, 28, 1),
    "C2": (28, 28, 1),
    "D1": (28, 28, 1),
    "D2": (150, 150, 3),
    "D3": (150, 150, 3),
    "D4": (150, 150, 3),
    "D5": (150, 150, 3),
    "D6": (150, 150, 3),
    "E1": (224, 224, 3),
    "E2": (224, 224, 3),
    "E3": (224, 224, 3),
    "E4": (224, 224, 3),
}


def shorthand(name: str) -> str:
    """A preset's model in the reference's shorthand."""
    backbone = PRESETS[name].network.backbone
    words = [f"{backbone.name}:"] if backbone else []
    for layer in PRESETS[name].network.layers:
        match layer.type:
            case "Conv2D":
                assert (layer.strides, layer.activation) == (1, "relu")
                words.append(f"C{layer.filters}/{layer.kernel_size}{'s' if layer.padding == 'same' else ''}")
            case "MaxPooling2D":
                words.append(f"P{layer.pool_size}")
            case "Dropout":
                words.append(f"R{layer.rate}")
            case "Dense":
                assert layer.activation == "relu"
                words.append(f"D{layer.units}")
            case "Reshape":
                words.append("S" + "x".join(map(str, layer.target_shape)))
            case other:
                words.append({"Flatten": "F", "GlobalAveragePooling2D": "G"}[other])
    heads = ", ".join(f"{head.units} {head.activation}" for head in PRESETS[name].network.heads)
    return f"{' '.join(words)} → {heads}"


@pytest.mark.parametrize("name", PARAMETERS)
def test_layers_and_parameters_are_the_tutorials(name: str) -> None:
    recipe = preset(name)
    assert shorthand(name) == STACKS[name]
    assert recipe.data.input_shape == INPUTS[name]
    assert sum(row.parameters for row in describe(recipe.network, recipe.data.input_shape)) == PARAMETERS[name]


@pytest.mark.parametrize("name", TRAINABLE)
def test_as_many_parameters_are_trained_as_in_the_tutorials(name: str) -> None:
    recipe = preset(name)
    later = recipe.fit.finetune
    models = [recipe.network, *([with_trainable_from(recipe.network, later.trainable_from)] if later else [])]
    found = [counts(model, describe(model, recipe.data.input_shape)).trainable for model in models]
    assert found == [number for number in TRAINABLE[name] if number is not None]


def test_those_on_mobilenet_transfer_as_those_on_vgg16_do() -> None:
    for ours, theirs in (("M4", "D4"), ("M5", "D5"), ("M6", "D6"), ("ME3", "E3")):
        mine, other = preset(ours), preset(theirs)
        assert mine.data.dataset == other.data.dataset
        assert mine.augmentation == other.augmentation
        assert mine.network.backbone.weights == other.network.backbone.weights == "imagenet"
        assert mine.network.backbone.cached == (other.network.backbone.cached or ours == "M6")  # its first stage is M4
        assert (mine.network.backbone.trainable_from is None) == (other.network.backbone.trainable_from is None)
        assert (mine.fit.finetune is None) == (other.fit.finetune is None)


def test_d6_is_d5_and_then_fine_tuned() -> None:
    d5, d6 = preset("D5"), preset("D6")
    assert (d5.network, d5.augmentation, d5.data) == (d6.network, d6.augmentation, d6.data)
    assert d6.fit.model_copy(update={"finetune": None}) == d5.fit
    later = d6.fit.finetune
    assert (later.trainable_from, later.learning_rate, later.epochs) == ("block5_conv1", 1e-5, 10)
    assert d6.fit.all_epochs == 40


@pytest.mark.parametrize("name", FITS)
def test_fitting_is_the_tutorials(name: str) -> None:
    fit = preset(name).fit
    assert (fit.optimizer, fit.learning_rate, fit.batch_size, fit.steps_per_epoch, fit.epochs) == FITS[name]


def test_pixels_are_scaled_but_for_c1() -> None:
    assert {name: recipe.network.scaling for name, recipe in PRESETS.items() if recipe.network.scaling != "unit"} == {
        "C1": "none"
    }


def test_d3_is_d2_with_dropout_and_augmentation() -> None:
    d2, d3 = preset("D2"), preset("D3")
    assert tuple(layer for layer in d3.network.layers if layer.type != "Dropout") == d2.network.layers
    assert (d2.augmentation.steps, d3.data) == ((), d2.data)
    ranges = {step.type: (step.low, step.high, step.probability) for step in d3.augmentation.steps}
    assert ranges == {
        "rotation": (-40, 40, 1),
        "width_shift": (-0.2, 0.2, 1),
        "height_shift": (-0.2, 0.2, 1),
        "shear": (-0.2, 0.2, 1),
        "zoom": (0.8, 1.2, 1),
        "horizontal_flip": (None, None, 0.5),
    }
    assert d3.augmentation.fill_mode == "nearest"


def test_the_faces_are_cut_and_counted_as_in_the_tutorials() -> None:
    a, b = preset("A"), preset("B2")
    assert [step.type for step in a.augmentation.steps] == ["random_crop", "horizontal_flip"]
    assert (a.data.crop, a.data.limits.train, a.data.limits.validation, a.data.limits.test) == (
        "face",
        16_000,
        1000,
        None,
    )
    assert (b.data.balanced, b.data.limits.train, b.data.limits.test) == (True, 2000, 200)
    assert [head.name for head in b.network.heads] == ["Male", "Smiling"]


def test_an_unknown_preset_is_named_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"There is no preset 'c2': choose one of Q, S, P, A, .*did you mean 'C2'\?"):
        preset("c2")


def test_the_readme_has_every_preset_with_its_parameters() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \|.*\| ([\d,]+) \|$", text, flags=re.MULTILINE)
    assert {name: int(count.replace(",", "")) for name, count in rows} == {
        name: sum(row.parameters for row in describe(recipe.network, recipe.data.input_shape))
        for name, recipe in PRESETS.items()
    }
