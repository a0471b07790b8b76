"""The tutorials' systems on backbones, as recipes.

On VGG16: D4 (cats and dogs, features computed once), D5 (frozen in the model, augmentation), D6 (D5, then fine-tuned),
E2 (three animals, all of it trained), E3 (its last convolution trained), E4 (E3 with augmentation). M4 to M6 and ME3
are D4 to D6 and E3 on MobileNetV2, which takes a fraction of the time; M6's first stage is M4's, on cached features.
"""

from __future__ import annotations

from cnnviz.model_spec import Backbone, Dense, Dropout, Flatten, GlobalAveragePooling2D, Head, ModelSpec
from cnnviz.policy import POLICIES
from cnnviz.recipe import Data, Finetune, Fit, Recipe

__all__ = ["TRANSFER"]

_BINARY = (Head(units=1, activation="sigmoid"),)
_IMAGES = Data(dataset="cats_and_dogs", image_size=150)
_D5_HEAD = (Flatten(), Dense(units=256))
_D5_FIT = Fit(optimizer="rmsprop", learning_rate=2e-5, batch_size=20, steps_per_epoch=100, epochs=30)
_ANIMALS = Data(dataset="animals", image_size=224, validation_share=0.2)
_THREE, _E_HEAD = (Head(units=3),), (Flatten(), Dense(units=128), Dense(units=64), Dense(units=32))
_E_FIT = Fit(batch_size=32, epochs=50)  # E1's, with batches that memory takes
_M_DATA = Data(dataset="cats_and_dogs", image_size=160)
_M_HEAD = (GlobalAveragePooling2D(), Dropout(rate=0.2))
_M_FIT = Fit(learning_rate=1e-3, epochs=10)


def _vgg(trainable_from: str | None = None, cached: bool = False) -> Backbone:
    return Backbone(name="VGG16", trainable_from=trainable_from, cached=cached)


def _mobile(trainable_from: str | None = None, cached: bool = False) -> Backbone:
    return Backbone(name="MobileNetV2", trainable_from=trainable_from, cached=cached)


TRANSFER: dict[str, Recipe] = {
    "D4": Recipe(
        name="Cats and dogs on VGG16's features",
        data=_IMAGES,
        network=ModelSpec(backbone=_vgg(cached=True), layers=(*_D5_HEAD, Dropout(rate=0.5)), heads=_BINARY),
        fit=Fit(optimizer="rmsprop", learning_rate=2e-5, batch_size=20, epochs=30),
    ),
    "D5": Recipe(
        name="Cats and dogs, VGG16 frozen",
        data=_IMAGES,
        augmentation=POLICIES["D5"],
        network=ModelSpec(backbone=_vgg(), layers=_D5_HEAD, heads=_BINARY),
        fit=_D5_FIT,
    ),
    "D6": Recipe(
        name="Cats and dogs, VGG16 fine-tuned",
        data=_IMAGES,
        augmentation=POLICIES["D5"],
        network=ModelSpec(backbone=_vgg(), layers=_D5_HEAD, heads=_BINARY),
        fit=_D5_FIT.model_copy(
            update={"finetune": Finetune(trainable_from="block5_conv1", learning_rate=1e-5, epochs=10)}
        ),
    ),
    "E2": Recipe(
        name="Three animals, all of VGG16 trained",
        data=_ANIMALS,
        network=ModelSpec(backbone=_vgg(""), layers=_E_HEAD, heads=_THREE),
        fit=_E_FIT,
    ),
    "E3": Recipe(
        name="Three animals, VGG16's last convolution trained",
        data=_ANIMALS,
        network=ModelSpec(backbone=_vgg("block5_conv3"), layers=_E_HEAD, heads=_THREE),
        fit=_E_FIT.model_copy(update={"learning_rate": 1e-4}),
    ),
    "E4": Recipe(
        name="Three animals, VGG16's last convolution, augmentation",
        data=_ANIMALS,
        augmentation=POLICIES["E4"],
        network=ModelSpec(backbone=_vgg("block5_conv3"), layers=_E_HEAD, heads=_THREE),
        fit=_E_FIT.model_copy(update={"learning_rate": 1e-4}),
    ),
    "M4": Recipe(
        name="Cats and dogs on MobileNetV2's features",
        data=_M_DATA,
        network=ModelSpec(backbone=_mobile(cached=True), layers=_M_HEAD, heads=_BINARY),
        fit=_M_FIT,
    ),
    "M5": Recipe(
        name="Cats and dogs, MobileNetV2 frozen",
        data=_M_DATA,
        augmentation=POLICIES["D5"],
        network=ModelSpec(backbone=_mobile(), layers=_M_HEAD, heads=_BINARY),
        fit=_M_FIT,
    ),
    "M6": Recipe(
        name="Cats and dogs, MobileNetV2 fine-tuned",
        data=_M_DATA,
        augmentation=POLICIES["D5"],
        network=ModelSpec(backbone=_mobile(cached=True), layers=_M_HEAD, heads=_BINARY),
        fit=_M_FIT.model_copy(
            update={"finetune": Finetune(trainable_from="block_13_expand", learning_rate=5e-5, epochs=10)}
        ),
    ),
    "ME3": Recipe(
        name="Three animals, MobileNetV2's last block trained",
        data=Data(dataset="animals", image_size=160, validation_share=0.2),
        network=ModelSpec(backbone=_mobile("block_16_expand"), layers=_M_HEAD, heads=_THREE),
        fit=Fit(learning_rate=1e-4, epochs=8),
    ),
}
"""By their ids; see `cnnviz.presets`."""
