"""A run as a standalone Keras script: the same network, data and settings, without cnnviz.

Orders of pictures and random draws are Keras's there, so that figures come out alike, not equal.
"""

from __future__ import annotations

from pathlib import Path

from cnnviz.architecture import describe
from cnnviz.augment import keras_snippet
from cnnviz.backbones import BACKBONES
from cnnviz.errors import RecipeError
from cnnviz.models.script_data import reading
from cnnviz.network import Head, Network
from cnnviz.recipe import Fit, Recipe

__all__ = ["keras_script"]

_SCALING = {"unit": "keras.layers.Rescaling(1 / 255)(x)", "symmetric": "keras.layers.Rescaling(1 / 127.5, -1.0)(x)"}
_MODULES = {
    "VGG16": "vgg16",
    "MobileNetV2": "mobilenet_v2",
    "ResNet50V2": "resnet_v2",
    "EfficientNetV2B0": "efficientnet_v2",
    "ConvNeXtTiny": "convnext",
}
_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}


def keras_script(recipe: Recipe, folder: Path | None) -> str:
    """Returns the script's text. It trains, prints validation and test figures, and saves `best.keras`.

    Args:
        recipe: the run's; it has one head.
        folder: where its data lies, of data in a folder or file.

    Raises:
        RecipeError: only cnnviz can read its data, or it has several heads; the sentence says which.
    """
    heads = recipe.network.heads
    if len(heads) > 1:
        names = ", ".join(head.name for head in heads)
        raise RecipeError(f"A standalone script is for networks of one head; this one has {len(heads)} ({names}): "
                          "export one of them as a network instead.")  # fmt: skip
    parts = [
        _opening(recipe),
        reading(recipe.data, folder),
        _augmentation(recipe),
        _network(recipe.network, recipe.data.input_shape, _stays_frozen(recipe)),
        _fitting(recipe),
    ]
    return "\n\n".join(parts) + "\n"


def _opening(recipe: Recipe) -> str:
    return (
        f'"""{_text(recipe.name or recipe.data.dataset)}, as Keras alone: written by cnnviz.\n\n'
        "Needs tensorflow and numpy; writes best.keras beside itself. The order of pictures and the random draws are\n"
        'Keras\'s, so that figures come out alike, not equal.\n"""\n\n'
        f"import keras\nimport numpy as np\nimport tensorflow as tf\n\nSEED = {recipe.seed}\n"
        "keras.utils.set_random_seed(SEED)"
    )


def _text(name: str) -> str:
    """A name as it can stand in a docstring."""
    return name.replace("\\", "/").replace('"', "'")


def _augmentation(recipe: Recipe) -> str:
    if not recipe.augmentation.steps:
        return "augment = None"
    return keras_snippet(recipe.augmentation, recipe.data.image_size).removeprefix("import keras\n\n").rstrip()


def _network(network: Network, input_shape: tuple[int, int, int], always: bool) -> str:
    """The network's part; `always` is whether a backbone stays frozen to the end."""
    lines = [f"inputs = x = keras.Input({input_shape!r})"]
    backbone = network.backbone
    if backbone is not None:
        weights = "imagenet" if backbone.weights == "imagenet" else None
        lines += [
            f"x = {_prepared(backbone.name)}",
            f"backbone = keras.applications.{backbone.name}(",
            f"    include_top=False, weights={weights!r}, input_shape={input_shape!r}{_inside(backbone.name)}",
            ")",
            *_freeze(backbone.trainable_from),
            f"x = backbone({'x, training=False' if always else 'x'})",
        ]
    elif network.scaling != "none":
        lines.append(f"x = {_SCALING[network.scaling]}")
    for layer in network.layers:
        settings = layer.model_dump(exclude={"type"})
        told = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        lines.append(f"x = keras.layers.{layer.type}({told})(x)")
    (head,) = network.heads
    activation = None if head.activation == "logits" else head.activation
    lines.append(f"outputs = keras.layers.Dense({head.units}, activation={activation!r}, name={head.name!r})(x)")
    total = sum(row.parameters for row in describe(network, input_shape))
    return "\n".join([*lines, "model = keras.Model(inputs, outputs)", f"assert model.count_params() == {total}"])


def _stays_frozen(recipe: Recipe) -> bool:
    backbone = recipe.network.backbone
    return backbone is not None and backbone.trainable_from is None and recipe.fit.finetune is None


def _inside(name: str) -> str:
    return ", include_preprocessing=False" if BACKBONES[name].preprocessing == "imagenet" else ""


def _prepared(name: str) -> str:
    if BACKBONES[name].preprocessing == "imagenet":
        mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        return f"keras.layers.Normalization(mean={mean}, variance={tuple(d * d for d in deviation)})(x / 255.0)"
    return f"keras.applications.{_MODULES[name]}.preprocess_input(x)"


def _freeze(trainable_from: str | None) -> list[str]:
    if trainable_from is None:
        return ["backbone.trainable = False"]
    if trainable_from == "":
        return ["backbone.trainable = True"]
    return [
        "free = False",
        "for layer in backbone.layers:",
        f"    free = free or layer.name == {trainable_from!r}",
        "    layer.trainable = free",
    ]


def _fitting(recipe: Recipe) -> str:
    fit, (head,) = recipe.fit, recipe.network.heads
    lines = [
        f"BATCH = {fit.batch_size}",
        "batches = -(-len(train[0]) // BATCH)" if not fit.steps_per_epoch else f"batches = {fit.steps_per_epoch}",
        "pictures = tf.data.Dataset.from_tensor_slices(train).shuffle(len(train[0]), seed=SEED).batch(BATCH)",
        "if augment is not None:",
        "    pictures = pictures.map(lambda x, y: (augment(x, training=True), y))",
        f"pictures = pictures{'.repeat()' if fit.steps_per_epoch else ''}.prefetch(2)",
    ]
    if fit.class_weight == "balanced":
        lines.append("counts = np.bincount(train[1])")
        lines.append("class_weight = {k: len(train[1]) / (len(counts) * n) for k, n in enumerate(counts) if n}")
    lines += [*_stage(fit, head, fit.learning_rate, fit.epochs, first=True)]
    if (later := fit.finetune) is not None:
        lines += ["", "# Fine-tuning: the backbone's last layers too, slowly.", "backbone.trainable = True",
                  *_freeze(later.trainable_from),
                  *_stage(fit, head, later.learning_rate, later.epochs, first=False)]  # fmt: skip
    lines += [
        "",
        'model.load_weights("best.keras")',
        'print("validation", model.evaluate(*validation, verbose=0, return_dict=True))',
        'print("test", model.evaluate(*test, verbose=0, return_dict=True))',
    ]
    return "\n".join(lines)


def _stage(fit: Fit, head: Head, rate: float, epochs: int, *, first: bool) -> list[str]:
    """One call of `fit`, with what it needs."""
    mode = "min" if fit.monitor == "val_loss" else "max"
    learning = f"keras.optimizers.schedules.CosineDecay({rate!r}, {epochs} * batches)"
    settings = f"{learning if fit.schedule == 'cosine' else repr(rate)}, weight_decay={fit.weight_decay or None!r}"
    momentum = ", momentum=0.9" if fit.optimizer == "sgd" else ""
    logits = head.activation == "logits"
    kind = "Binary" if head.units == 1 else "SparseCategorical"
    accuracy = f'BinaryAccuracy("accuracy", threshold={0.0 if logits else 0.5})'
    accuracy = accuracy if head.units == 1 else 'SparseCategoricalAccuracy("accuracy")'
    watched = f'monitor="{fit.monitor}", mode="{mode}"'
    best = "" if first else ", initial_value_threshold=keeper.best"
    callbacks = ["keeper"]
    if fit.schedule == "plateau":
        callbacks.append(f"keras.callbacks.ReduceLROnPlateau({watched}, factor=0.5, patience=3)")
    if fit.patience is not None:
        callbacks.append(f"keras.callbacks.EarlyStopping({watched}, patience={fit.patience})")
    weights = ", class_weight=class_weight" if fit.class_weight == "balanced" else ""
    steps = ", steps_per_epoch=batches" if fit.steps_per_epoch else ""
    return [
        "model.compile(",
        f"    optimizer=keras.optimizers.{_OPTIMIZERS[fit.optimizer]}({settings}{momentum}),",
        f"    loss=keras.losses.{kind}Crossentropy(from_logits={logits}),",
        f"    metrics=[keras.metrics.{accuracy}],",
        ")",
        f'keeper = keras.callbacks.ModelCheckpoint("best.keras", {watched}, save_best_only=True{best})',
        "model.fit(",
        f"    pictures, validation_data=validation, epochs={epochs}{steps}{weights}, verbose=2,",
        f"    callbacks=[{', '.join(callbacks)}],",
        ")",
    ]
