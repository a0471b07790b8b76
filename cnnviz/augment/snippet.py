"""A draw or a policy in words: captions under images, and the nearest Keras layers."""

from __future__ import annotations

from collections.abc import Iterable

from cnnviz.augment.draw import Drawn
from cnnviz.policy import STEPS, Policy, Step

__all__ = ["caption", "keras_snippet", "short_number"]


def caption(drawn: Iterable[Drawn]) -> str:
    """Returns what was applied in a few words, such as "rotation −12°, zoom 0.93 × 1.10" (width × height)."""
    return ", ".join(_words(one) for one in drawn if one.applied) or "unchanged"


def _words(one: Drawn) -> str:
    kind = STEPS[one.type]
    title = kind.caption or kind.title.lower()
    if kind.bounds is None:
        return title
    factor, unit = kind.shown
    if unit == "×":
        numbers = " × ".join(f"{one.values[name]:.2f}" for name in kind.ranged)
        return f"{title} {numbers}" if len(kind.ranged) > 1 else f"{title} × {numbers}"
    number = short_number(factor * one.values["value"], plus=unit == "%" and kind.bounds[0] < 0)
    return f"{title} {number}{unit if unit == '°' else f' {unit}'}"


def short_number(value: float, *, plus: bool = False) -> str:
    """Returns a number with one decimal below 10, a true minus sign and never a minus zero."""
    text = f"{value:+.0f}" if abs(value) >= 9.95 else f"{value:+.1f}"
    if float(text) == 0:
        return "0"
    return text.replace("-", "−") if plus or text[0] == "-" else text[1:]


def keras_snippet(policy: Policy, size: tuple[int, int] = (150, 150)) -> str:
    """Returns a runnable Keras 3 snippet with the layers that come nearest to the policy.

    It defines `augment`, a `keras.Sequential` for images 0..255 of shape (batch, height, width, 3). Comments say
    where Keras can't do the same.

    Args:
        size: (height, width) that the layers which cut or blur are written for.
    """
    layers: list[str] = []
    steps = list(policy.steps)
    while steps:
        step = steps.pop(0)
        after = steps[0] if steps else None
        if step.type == "width_shift" and after and after.type == "height_shift" and step.probability == 1:
            layers += _lines(after, policy, size, width=step.ends)
            steps.pop(0)
        else:
            layers += _lines(step, policy, size)
    if all(line.startswith("#") for line in layers):
        layers.append("keras.layers.Identity(),")
    body = "\n".join(f"    {line}" for line in layers)
    return (
        "import keras\n\n"
        f"# The augmentation {policy.name!r} of cnnviz, for images 0..255 of shape (batch, height, width, 3).\n"
        "# Unlike there, each of these layers resamples the image anew.\n"
        f"augment = keras.Sequential([\n{body}\n])\n"
        "# augmented = augment(images, training=True)\n"
    )


def _lines(step: Step, policy: Policy, size: tuple[int, int], **more: tuple[float, float]) -> list[str]:
    code, note, probability = STEPS[step.type].keras_layer(step, size, **more)
    lines = [f"# {note}"] if note else []
    if probability is not None and step.probability != probability:
        always = "always" if probability == 1 else f"with a probability of {probability:g}"
        lines.append(f"# In cnnviz with a probability of {step.probability:g}; this layer is applied {always}.")
    fill = f', fill_mode="{policy.fill_mode}"' + (f", fill_value={policy.fill_value}.0" if policy.fill_value else "")
    return [*lines, f"keras.layers.{code.replace('FILL', fill)},"] if code else lines
