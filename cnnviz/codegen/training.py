"""The part of a standalone script that fits the model, keeps the best epoch and measures it."""

from __future__ import annotations

from collections.abc import Sequence

from cnnviz.model_spec import Head
from cnnviz.recipe import Fit, Recipe

__all__ = ["fitting_part"]

_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}
_ONE_WEIGHT = """
counts = np.bincount(train[1])
class_weight = {k: len(train[1]) / (len(counts) * n) for k, n in enumerate(counts) if n}
"""
_WEIGHTS = """
weights = {}  # of every sample, for each head by itself: n / (classes * n of its class)
for head, labels in train[1].items():
    counts = np.bincount(labels)
    weights[head] = (len(labels) / (len(counts) * counts[labels])).astype("float32")
"""
_MEAN = """
def add_mean(figures, prefix=""):
    heads = train[1]
    figures[prefix + "accuracy"] = sum(figures[f"{prefix}{head}_accuracy"] for head in heads) / len(heads)
    for head in heads:  # Keras's losses of heads take a last, smaller batch as much as the others: they don't add up
        figures.pop(f"{prefix}{head}_loss", None)
    return figures


class MeanAccuracy(keras.callbacks.Callback):  # one figure for all heads, by which an epoch can be chosen
    def on_epoch_end(self, epoch, logs=None):
        add_mean(logs)
        add_mean(logs, "val_")
"""


def fitting_part(recipe: Recipe) -> str:
    """Returns the script's part behind `train`, `validation`, `test`, `augment` and `model`."""
    fit, heads = recipe.fit, recipe.network.heads
    several = len(heads) > 1
    lines = _batches(recipe)
    if several:
        lines += ["", "", _MEAN.strip(), "", ""]
    images = "plain" if _plain_first(recipe) else "images"
    lines += _stage(fit, heads, fit.learning_rate, fit.epochs, first=True, images=images)
    if (later := fit.finetune) is not None:
        lines += [
            "",
            "# Fine-tuning: the backbone's last layers too, slowly.",
            f"free({later.trainable_from!r})",
            *_stage(fit, heads, later.learning_rate, later.epochs, first=False),
        ]
    told = "add_mean({})" if several else "{}"
    lines += ["", 'model.load_weights("best.keras")']
    for name in ("validation", "test"):
        figures = told.format(f"model.evaluate(*{name}, verbose=0, return_dict=True)")
        lines.append(f'print("{name}", {figures})')
    return "\n".join(lines)


def _plain_first(recipe: Recipe) -> bool:
    """Whether only the second stage is augmented, as where the first is fitted on cached features."""
    backbone, augmented = recipe.network.backbone, bool(recipe.augmentation.steps)
    return augmented and backbone is not None and backbone.cached


def _batches(recipe: Recipe) -> list[str]:
    """The lines that make `images`, batches of images and labels, and perhaps weights."""
    fit = recipe.fit
    lines = [
        f"BATCH = {fit.batch_size}",
        "batches = -(-len(train[0]) // BATCH)" if not fit.steps_per_epoch else f"batches = {fit.steps_per_epoch}",
    ]
    samples = "train"
    if fit.class_weight == "balanced":
        several = len(recipe.network.heads) > 1
        lines.append((_WEIGHTS if several else _ONE_WEIGHT).strip())
        samples = "(*train, weights)" if several else samples
    if recipe.augmentation.needs_margin:
        lines += [
            "# Whole images may differ in size: they are numbered, and their windows cut, one by one.",
            f"numbered = (np.arange(len(train[0])), *{samples}[1:])",
            "images = tf.data.Dataset.from_tensor_slices(numbered).shuffle(len(train[0]), seed=SEED)",
            "images = images.map(lambda at, *more: (window(at), *more), num_parallel_calls=2).batch(BATCH)",
        ]
    else:
        lines.append(f"images = tf.data.Dataset.from_tensor_slices({samples})")
        lines.append("images = images.shuffle(len(train[0]), seed=SEED).batch(BATCH)")
    if _plain_first(recipe):
        lines.append("plain = images.prefetch(2)  # for the first stage")
    return [
        *lines,
        "if augment is not None:",
        "    images = images.map(lambda x, *more: (augment(x, training=True), *more))",
        f"images = images{'.repeat()' if fit.steps_per_epoch else ''}.prefetch(2)",
    ]


def _stage(
    fit: Fit, heads: Sequence[Head], rate: float, epochs: int, *, first: bool, images: str = "images"
) -> list[str]:
    """One call of `fit`, with what it needs."""
    mode = "min" if fit.monitor == "val_loss" else "max"
    learning = f"keras.optimizers.schedules.CosineDecay({rate!r}, {epochs} * batches)"
    settings = f"{learning if fit.schedule == 'cosine' else repr(rate)}, weight_decay={fit.keras_weight_decay!r}"
    momentum = ", momentum=0.9" if fit.optimizer == "sgd" else ""
    watched = f'monitor="{fit.monitor}", mode="{mode}"'
    best = "" if first else ", initial_value_threshold=keeper.best"
    callbacks = ["keeper"] if len(heads) == 1 else ["MeanAccuracy()", "keeper"]
    if fit.schedule == "plateau":
        callbacks.append(f"keras.callbacks.ReduceLROnPlateau({watched}, factor=0.5, patience=3)")
    if fit.patience is not None:
        callbacks.append(f"keras.callbacks.EarlyStopping({watched}, patience={fit.patience})")
    weights = ", class_weight=class_weight" if fit.class_weight == "balanced" and len(heads) == 1 else ""
    steps = ", steps_per_epoch=batches" if fit.steps_per_epoch else ""
    return [
        "model.compile(",
        f"    optimizer=keras.optimizers.{_OPTIMIZERS[fit.optimizer]}({settings}{momentum}),",
        *_judged("loss", {head.name: _loss(head) for head in heads}),
        *_judged("metrics", {head.name: f"[{_accuracy(head)}]" for head in heads}),
        ")",
        f'keeper = keras.callbacks.ModelCheckpoint("best.keras", {watched}, save_best_only=True{best})',
        "model.fit(",
        f"    {images}, validation_data=validation, epochs={epochs}{steps}{weights}, shuffle=False, verbose=2,",
        f"    callbacks=[{', '.join(callbacks)}],",
        ")",
    ]


def _judged(name: str, by_head: dict[str, str]) -> list[str]:
    """An argument of `compile`, by the heads' names where there are several."""
    if len(by_head) == 1:
        return [f"    {name}={next(iter(by_head.values()))},"]
    return [f"    {name}={{", *(f"        {head!r}: {told}," for head, told in by_head.items()), "    },"]


def _loss(head: Head) -> str:
    kind = "Binary" if head.units == 1 else "SparseCategorical"
    return f"keras.losses.{kind}Crossentropy(from_logits={head.activation == 'logits'})"


def _accuracy(head: Head) -> str:
    if head.units > 1:
        return 'keras.metrics.SparseCategoricalAccuracy("accuracy")'
    return f'keras.metrics.BinaryAccuracy("accuracy", threshold={0.0 if head.activation == "logits" else 0.5})'
