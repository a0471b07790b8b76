"""The part of a standalone script that augments: Keras's nearest layers, and random windows of whole images."""

from __future__ import annotations

from itertools import takewhile

from cnnviz.augment import keras_snippet
from cnnviz.policy import STEPS, Policy, Step
from cnnviz.recipe import Recipe

__all__ = ["augmentation_part"]

_WINDOW = """
def window(at):  # of a whole image, at a random place: Keras's RandomCrop cuts a batch alike, or not at all
    image = tf.numpy_function(lambda row: train[0][row], [at], "uint8")
    image.set_shape((None, None, CHANNELS))
"""
_LARGEST = """
    return tf.image.random_crop(image, (*SIZE, CHANNELS))
"""
_SHARE = """
    share = tf.random.uniform((), {low:.6g}, {high:.6g})  # of the largest window, which has the size SIZE
    high, wide = (tf.cast(tf.round(side * share), "int32") for side in SIZE)
    cut = tf.image.random_crop(image, tf.stack([high, wide, CHANNELS]))
    return tf.ensure_shape(tf.image.resize(cut, SIZE), (*SIZE, CHANNELS))
"""


def augmentation_part(recipe: Recipe) -> str:
    """Returns the script's part that makes `augment`, or `None` of that name; and, for a policy that cuts windows,
    `window`, which cuts the one of a training image's number."""
    policy, parts = recipe.augmentation, []
    if policy.needs_margin:
        at = next(number for number, step in enumerate(policy.steps) if STEPS[step.type].window is not None)
        parts.append(_window(policy, policy.steps[at]))
        policy = policy.model_copy(update={"steps": policy.steps[:at] + policy.steps[at + 1 :]})
    if policy.steps:
        parts.append(keras_snippet(policy, recipe.data.image_size).removeprefix("import keras\n\n").rstrip())
    else:
        parts.append("augment = None")
    return "\n\n\n".join(parts)


def _window(policy: Policy, step: Step) -> str:
    lines = [_WINDOW.strip()]
    before = [one.type for one in takewhile(lambda one: one is not step, policy.steps)]
    if any(STEPS[kind].group == "geometric" for kind in before):
        lines.append(f"    # cnnviz does {', '.join(before)} before it cuts; here the window is cut first.")
    if step.probability < 1:
        lines.append(f"    # cnnviz cuts with a probability of {step.probability:g}; here every image is cut.")
    largest = step.low == step.high == 1
    lines.append((_LARGEST if largest else _SHARE.format(low=step.low, high=step.high)).strip("\n"))
    return "\n".join(lines)
