"""The tutorials' systems, and some of our own, as recipes.

The ids are those of the tutorials' table: A (faces, one head), B1 and B2 (faces, one and two heads), C1 and C2
(Fashion-MNIST), D1 (MNIST), D2 and D3 (cats and dogs), E1 (three animals). Q is for trying things; S, P and D1 are
those of the trained runs that come with cnnviz. Those on backbones are in `presets_transfer`.
"""

from __future__ import annotations

from cnnviz.errors import RecipeError, one_of
from cnnviz.model_spec import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Head,
    MaxPooling2D,
    ModelSpec,
    Reshape,
)
from cnnviz.policy import POLICIES, Policy, Step
from cnnviz.presets_transfer import TRANSFER
from cnnviz.recipe import Data, Fit, Limits, Recipe

__all__ = ["PRESETS", "preset"]


def _convs(*filters: int, padding: str = "valid", dropout: float | None = None) -> tuple:
    """A convolution and a pooling for each number, with a dropout behind them if wanted."""
    layers: list = []
    for count in filters:
        layers += [Conv2D(filters=count, padding=padding), MaxPooling2D()]
        if dropout is not None:
            layers.append(Dropout(rate=dropout))
    return tuple(layers)


def _normalised(*filters: int) -> tuple:
    """Convolutions with a batch normalisation behind each; 0 stands for a pooling."""
    pairs = ((Conv2D(filters=count, padding="same"), BatchNormalization(momentum=0.9)) for count in filters if count)
    return tuple(layer for count in filters for layer in (next(pairs) if count else (MaxPooling2D(),)))


def _dense(*units: int) -> tuple:
    return tuple(Dense(units=count) for count in units)


_BINARY = (Head(units=1, activation="sigmoid"),)
_FACES = Data(dataset="celeba", image_size=(72, 59), balanced=True, limits=Limits(train=2000, test=200))
_FASHION = Data(dataset="fashion_mnist", image_size=28, channels=1, validation_share=0)
_CATS_AND_DOGS = Data(dataset="cats_and_dogs", image_size=150)
_D2_CONVS = _convs(32, 64, 128, 128)
_B1_LAYERS = (*_convs(32, 64), Conv2D(filters=64), Flatten(), Dense(units=64))

PRESETS: dict[str, Recipe] = {
    "Q": Recipe(
        name="Digits, small and quick",
        data=Data(dataset="digits", image_size=8, channels=1, validation_share=0.15),
        augmentation=POLICIES["digits"],
        network=ModelSpec(
            layers=(
                Conv2D(filters=32, padding="same"),
                BatchNormalization(momentum=0.9),
                Conv2D(filters=64, padding="same"),
                BatchNormalization(momentum=0.9),
                MaxPooling2D(),
                Dropout(rate=0.25),
                Flatten(),
                Dense(units=128),
                Dropout(rate=0.4),
            ),
            heads=(Head(units=10),),
        ),
        fit=Fit(batch_size=20, epochs=12, learning_rate=3e-3, schedule="cosine", monitor="val_loss"),
    ),
    "S": Recipe(
        name="Shapes and colours, two heads",
        data=Data(dataset="shapes", image_size=64),
        augmentation=Policy(
            name="flips",
            fill_mode="reflect",
            steps=(
                Step(type="horizontal_flip", probability=0.5),
                Step(type="width_shift", low=-0.1, high=0.1),
                Step(type="height_shift", low=-0.1, high=0.1),
            ),
        ),
        network=ModelSpec(
            layers=(*_normalised(16, 0, 32, 0, 64, 0, 64), GlobalAveragePooling2D()),
            heads=(Head(name="shape", units=4), Head(name="colour", units=6)),
        ),
        fit=Fit(epochs=24, learning_rate=3e-3, schedule="cosine"),
    ),
    "P": Recipe(
        name="Cats and dogs, small and augmented",
        data=Data(dataset="cats_and_dogs", image_size=128),
        augmentation=POLICIES["photos"],
        network=ModelSpec(
            layers=(*_normalised(32, 0, 64, 0, 128, 0, 128, 0, 256), GlobalAveragePooling2D(), Dropout(rate=0.3)),
            heads=_BINARY,
        ),
        fit=Fit(optimizer="adamw", learning_rate=1e-3, weight_decay=0.02, epochs=60, schedule="cosine"),
    ),
    "A": Recipe(
        name="Faces, gender from one logit",
        data=Data(dataset="celeba", image_size=64, crop="face", limits=Limits(train=16_000, validation=1_000)),
        augmentation=POLICIES["A"],
        network=ModelSpec(
            layers=(
                *_convs(32, 64, padding="same", dropout=0.5),
                *_convs(128, padding="same"),
                Conv2D(filters=256, padding="same"),
                GlobalAveragePooling2D(),
            ),
            heads=(Head(name="Male", units=1, activation="logits"),),
        ),
        fit=Fit(batch_size=32, steps_per_epoch=500, epochs=30),
    ),
    "B1": Recipe(
        name="Faces, gender",
        data=_FACES,
        network=ModelSpec(layers=_B1_LAYERS, heads=(Head(name="Male", units=2),)),
        fit=Fit(epochs=15),
    ),
    "B2": Recipe(
        name="Faces, gender and smile at once",
        data=_FACES,
        network=ModelSpec(
            layers=(*_convs(32, 64, 64), Flatten(), Dense(units=64)),
            heads=(Head(name="Male", units=2), Head(name="Smiling", units=2)),
        ),
        fit=Fit(epochs=15),
    ),
    "C1": Recipe(
        name="Fashion without convolution",
        data=_FASHION,
        network=ModelSpec(
            scaling="none",
            layers=(Reshape(target_shape=(28, 28)), *_dense(128, 64), Flatten()),
            heads=(Head(units=10),),
        ),
        fit=Fit(epochs=10),
    ),
    "C2": Recipe(
        name="Fashion with convolution",
        data=_FASHION,
        network=ModelSpec(layers=(*_convs(32, padding="same"), Flatten(), *_dense(128)), heads=(Head(units=10),)),
        fit=Fit(epochs=5, schedule="cosine"),  # at a constant rate validation ends at 0.912, below what was reported
    ),
    "D1": Recipe(
        name="Handwritten digits",
        data=Data(dataset="mnist", image_size=28, channels=1, validation_share=0),
        network=ModelSpec(layers=_B1_LAYERS, heads=(Head(units=10),)),
        fit=Fit(optimizer="rmsprop", batch_size=64, epochs=5),
    ),
    "D2": Recipe(
        name="Cats and dogs from scratch",
        data=_CATS_AND_DOGS,
        network=ModelSpec(layers=(*_D2_CONVS, Flatten(), *_dense(512)), heads=_BINARY),
        fit=Fit(optimizer="rmsprop", learning_rate=1e-4, batch_size=20, steps_per_epoch=100, epochs=30),
    ),
    "D3": Recipe(
        name="Cats and dogs, dropout and augmentation",
        data=_CATS_AND_DOGS,
        augmentation=POLICIES["D3"],
        network=ModelSpec(layers=(*_D2_CONVS, Flatten(), Dropout(rate=0.5), *_dense(512)), heads=_BINARY),
        fit=Fit(optimizer="rmsprop", learning_rate=1e-4, batch_size=32, steps_per_epoch=100, epochs=100),
    ),
    "E1": Recipe(
        name="Three animals from scratch",
        data=Data(dataset="animals", image_size=224, validation_share=0.2),
        network=ModelSpec(
            layers=(*_convs(128, 256, 128, 64, padding="same"), Flatten(), *_dense(128, 64, 32)), heads=(Head(units=3),)
        ),
        fit=Fit(batch_size=128, epochs=50),
    ),
    **TRANSFER,
}


def preset(name: str) -> Recipe:
    """Returns the preset of this id.

    Raises:
        RecipeError: there is no such preset.
    """
    if name not in PRESETS:
        raise RecipeError(f"There is no preset {name!r}: {one_of(name, PRESETS)}.")
    return PRESETS[name]
