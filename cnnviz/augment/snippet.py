"""A draw or a policy in words: captions under images, and the nearest Keras layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from cnnviz.augment.draw import Drawn
from cnnviz.policy import STEPS, Policy, Step

__all__ = ["caption", "keras_snippet"]


def caption(drawn: Iterable[Drawn]) -> str:
    """Returns what was applied in a few words, such as "rotation −12°, zoom 0.93 × 1.10" (width × height)."""
    return ", ".join(_words(one) for one in drawn if one.applied) or "unchanged"


def _words(one: Drawn) -> str:
    title = "noise" if one.type == "noise" else STEPS[one.type].title
    title = title if one.type in ("mixup", "cutmix") else title.lower()
    if STEPS[one.type].bounds is None:
        return title
    if one.type == "zoom":
        return f"{title} {one.values['x']:.2f} × {one.values['y']:.2f}"
    value = one.values["value"]
    if one.type in ("contrast", "saturation"):
        return f"{title} × {value:.2f}"
    if one.type in ("rotation", "shear", "hue"):
        return f"{title} {_number(value * 360 if one.type == 'hue' else value)}°"
    signed = STEPS[one.type].bounds[0] < 0
    return f"{title} {_number(100 * value, plus=signed)} %"


def _number(value: float, *, plus: bool = False) -> str:
    """One decimal below 10, with a true minus sign and never a minus zero."""
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
            layers += _lines(after, policy, size, width=(step.low, step.high))
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
    code, note, probability = _LAYERS[step.type](step, size, **more)
    lines = [f"# {note}"] if note else []
    if probability is not None and step.probability != probability:
        always = "always" if probability == 1 else f"with a probability of {probability:g}"
        lines.append(f"# In cnnviz with a probability of {step.probability:g}; this layer is applied {always}.")
    fill = f', fill_mode="{policy.fill_mode}"' + (f", fill_value={policy.fill_value}.0" if policy.fill_value else "")
    return [*lines, f"keras.layers.{code.replace('FILL', fill)},"] if code else lines


def _range(low: float, high: float) -> str:
    return f"({low:.6g}, {high:.6g})"


Layer = tuple[str, str, float | None]  # the call, a note, and the probability that it has (None: the step's)


def _shift(step: Step, size: tuple[int, int], width: tuple[float, float] = (0, 0)) -> Layer:
    high, wide = (step.low, step.high), width
    if step.type == "width_shift":
        high, wide = (0, 0), high
    return f"RandomTranslation({_range(*high)}, {_range(*wide)}FILL)", "", 1


def _shear(step: Step, size: tuple[int, int]) -> Layer:
    least, most = sorted((abs(step.low), abs(step.high)))
    if step.low <= 0 <= step.high:
        least = 0.0
    factors = _range(math.sin(math.radians(least)), math.sin(math.radians(most)))
    return f"RandomShear(x_factor={factors}FILL)", "Keras slants to either side, keeping the height.", 1


def _zoom(step: Step, size: tuple[int, int]) -> Layer:
    factors = _range(*(max(-0.999, min(1.0, side - 1)) for side in (step.low, step.high)))
    note = "Keras can't shrink below half the size." if step.high > 2 else ""
    return f"RandomZoom({factors}, {factors}FILL)", note, 1


def _random_crop(step: Step, size: tuple[int, int]) -> Layer:
    note = "Give it the whole images."
    if step.low < 1:
        note += f" Keras cuts windows of this size only, never {step.low:g} to {step.high:g} of the largest."
    return f"RandomCrop({size[0]}, {size[1]})", note, 1


def _central_crop(step: Step, size: tuple[int, int]) -> Layer:
    middle = (step.low + step.high) / 2
    high, wide = (max(1, round(side * middle)) for side in size)
    code = f"CenterCrop({high}, {wide}), keras.layers.Resizing({size[0]}, {size[1]})"
    return code, f"Keras cuts a fixed share, not {step.low:g} to {step.high:g}.", 1


def _contrast(step: Step, size: tuple[int, int]) -> Layer:
    factor = min(1.0, max(abs(1 - step.low), abs(step.high - 1)))
    even = math.isclose(1 - step.low, step.high - 1) and factor < 1
    note = "" if even else f"Keras's range is even about 1 and at most 0 to 2, not {step.low:g} to {step.high:g}."
    return f"RandomContrast({_range(factor, factor)})", note, 1


def _saturation(step: Step, size: tuple[int, int]) -> Layer:
    factors = _range(step.low / (1 + step.low), step.high / (1 + step.high))
    return f"RandomSaturation({factors})", "Keras's factor f means × f / (1 − f), on HSV's saturation.", 1


def _hue(step: Step, size: tuple[int, int]) -> Layer:
    factor = 2 * max(abs(step.low), abs(step.high))
    return f"RandomHue({_range(0, factor)})", "Keras turns by up to half of this, to either side.", 1


def _noise(step: Step, size: tuple[int, int]) -> Layer:
    deviation = (step.low + step.high) / 2
    code = f"Rescaling(1 / 255), keras.layers.GaussianNoise({deviation:.4g}), keras.layers.Rescaling(255.0)"
    return code, f"Keras has one deviation, not {step.low:g} to {step.high:g}, and doesn't clip.", 1


def _blur(step: Step, size: tuple[int, int]) -> Layer:
    low, high = (side * min(size) for side in (step.low, step.high))
    note = f"Keras's deviation is at most 1 pixel, not {low:.3g} to {high:.3g}." if high > 1 else ""
    sigma = [min(max(side, 1e-3), 1.0) for side in (low, high)]
    return f"RandomGaussianBlur(kernel_size={2 * math.ceil(3 * sigma[1]) + 1}, sigma={_range(*sigma)})", note, 1


def _erasing(step: Step, size: tuple[int, int]) -> Layer:
    chance = _range(step.probability, step.probability)
    code = (
        f"RandomErasing(factor={chance}, scale={_range(max(step.low, 1e-3), max(step.high, 1e-3))}, fill_value=128.0)"
    )
    return code, "Keras can't fill with the image's mean colour.", None


def _mixing(name: str) -> Callable[..., Layer]:
    note = (
        f'Mixes labels too: map keras.layers.{name}() over batches {{"images": …, "labels": one-hot}} of the dataset.'
    )
    return lambda step, size: ("", note, None)


_LAYERS: dict[str, Callable[..., Layer]] = {
    "horizontal_flip": lambda step, size: ('RandomFlip("horizontal")', "", 0.5),
    "vertical_flip": lambda step, size: ('RandomFlip("vertical")', "", 0.5),
    "rotation": lambda step, size: (f"RandomRotation({_range(step.low / 360, step.high / 360)}FILL)", "", 1),
    "width_shift": _shift,
    "height_shift": _shift,
    "shear": _shear,
    "zoom": _zoom,
    "random_crop": _random_crop,
    "central_crop": _central_crop,
    "brightness": lambda step, size: (f"RandomBrightness({_range(step.low, step.high)})", "", 1),
    "contrast": _contrast,
    "saturation": _saturation,
    "hue": _hue,
    "grey": lambda step, size: (f"RandomGrayscale({step.probability:g})", "", None),
    "noise": _noise,
    "blur": _blur,
    "erasing": _erasing,
    "mixup": _mixing("MixUp"),
    "cutmix": _mixing("CutMix"),
}
