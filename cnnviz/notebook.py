"""The functions for notebooks and scripts: explain, predict, look inside, train and evaluate, each in one call.

A `model` is a Keras model, a run or its id, the path of a `.keras` file, or what `load_run` returned. An `image` is
(height, width), (height, width, 1 or 3) or a batch (n, height, width, 1 or 3), RGB, of any size: uint8, or float in
0..1 or 0..255. A float image for a Keras model is taken as its input, prepared already, and must have its size.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import keras
import numpy as np
from PIL import Image

from cnnviz import images, overlay, runs
from cnnviz.errors import ModelError, RunError, one_of
from cnnviz.explain.attribution.explain import explain
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.attribution.targets import Target
from cnnviz.explain.feature_visualization.patterns import Settings, usual_size, visualize
from cnnviz.explain.inspection.activations import outputs_of
from cnnviz.explain.uncertainty.calibration_of_run import RISK
from cnnviz.explain.uncertainty.judgement_of_run import Judgement, known_of
from cnnviz.explain.uncertainty.judgement_of_run import judge as _judged
from cnnviz.models.classifier import Classifier
from cnnviz.models.graph.graph import flatten
from cnnviz.models.load import load
from cnnviz.models.load.file_options import Scale
from cnnviz.presets import preset
from cnnviz.recipe import Recipe
from cnnviz.runs import Run
from cnnviz.train.evaluate import evaluate

__all__ = [
    "Heatmap",
    "Prediction",
    "activations",
    "evaluate_run",
    "gradcam",
    "heatmap",
    "judge",
    "load_run",
    "predict",
    "train_run",
    "visualize_features",
]

Model: TypeAlias = keras.Model | Classifier | Run | str | Path
POLL_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model's head predicts for one image.

    Attributes:
        head: its name; "label" where there is one only.
        label: the class with the largest probability.
        probability: that class's, 0..1.
        probabilities: every class's, 0..1, summing to 1.
    """

    head: str
    label: str
    probability: float
    probabilities: Mapping[str, float]

    def __repr__(self) -> str:
        return f"{self.head}: {self.label} ({self.probability:.1%})"


@dataclass(frozen=True, eq=False)
class Heatmap:
    """A map of what in an image speaks for a class; a notebook shows it over the image.

    Attributes:
        image: uint8 (height, width, 1 or 3), as it was given.
        map: float32 (h, w), at least 0, neither normalised nor resized.
        method: an id of `explain.attribution.registry.METHODS`.
        layer: whose activations it is made of; `None` for methods on pixels.
        label: the class that it explains.
        score: that class's score, before softmax or sigmoid.
        box: (top, left, height, width) of the part of the image that the model sees.
    """

    image: np.ndarray
    map: np.ndarray
    method: str
    layer: str | None
    label: str
    score: float
    box: tuple[int, int, int, int]

    def overlay(self, opacity: float = 0.5, colour_map: str = "viridis") -> np.ndarray:
        """Returns the map over the image, uint8 RGB (height, width, 3).

        Args:
            opacity: 0 shows the image alone, 1 the map alone.
            colour_map: a name of `overlay.COLOUR_MAPS`.

        Raises:
            ImageError: no such colour map, or an opacity out of 0..1.
        """
        placed = overlay.place_map(self.map, self.image.shape, self.box)
        by_strength = METHODS[self.method].by_strength
        return overlay.overlay(self.image, placed, opacity, colour_map, by_strength=by_strength)

    def show(self) -> None:
        """Opens the map over the image in this computer's viewer."""
        Image.fromarray(self.overlay()).show(f"{self.method}: {self.label}")

    def _repr_png_(self) -> bytes:
        return images.to_png(self.overlay())


def heatmap(
    model: Model,
    image: np.ndarray,
    method: str = "grad-cam",
    target: int | str | None = None,
    *,
    head: int | str = 0,
    layer: str | None = None,
    scale: Scale | None = None,
    **settings: Any,
) -> Heatmap | list[Heatmap]:
    """Returns a map of what in an image makes the model predict what it predicts.

    Args:
        model: see the module.
        image: see the module.
        method: an id such as "grad-cam", "layer-cam", "score-cam", "gradient", "integrated-gradients", "occlusion".
        target: a class's number or name; the predicted one by default.
        head: of a model with several outputs, by number or name.
        layer: for CAM methods; by default the last convolution.
        scale: how a Keras model takes its pixels, see `models.load.file_options.PIXEL_SCALES`; "raw" by default.
        settings: of the method.

    Shapes:
        image (height, width, 1 or 3) to one heat map, whose `map` is (h, w) of the layer's or the input's size;
        image (n, height, width, 1 or 3) to a list of n.

    Returns:
        A `Heatmap`, or a list of them for a batch.

    Raises:
        TypeError: a model, image or target of another type.
        ValueError: an image, class, head, layer or method that isn't there; as `errors.ModelError` or `ImageError`.

    Source:
        Selvaraju et al. 2017, arXiv:1610.02391, for Grad-CAM; the other methods' files name theirs.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3), keras.layers.ReLU(),
        ...                           keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, "softmax")])
        >>> image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        >>> found = heatmap(model, image, target=1)
        >>> found.map.shape, found.overlay().shape, found.label
        ((30, 30), (48, 64, 3), '1')
    """
    given = _given(model, image, scale)
    at, classes = _head(given.classifier, head)
    probabilities = given.classifier.predict(given.pixels, prepared=True)[at]
    chosen = [_index(target, classes, row) for row in probabilities]
    found = explain(
        given.classifier.model,
        given.pixels,
        method=method,
        target=[Target(at, one) for one in chosen],
        layer=layer,
        **settings,
    )
    made = [
        Heatmap(
            shown,
            found.map[n],
            method,
            found.layer,
            classes[chosen[n]],
            float(found.scores[n]),
            images.crop_box(shown.shape, given.classifier.image_size, given.classifier.crop),
        )
        for n, shown in enumerate(given.shown)
    ]
    return made[0] if given.single else made


def gradcam(
    model: Model, image: np.ndarray, target: int | str | None = None, **options: Any
) -> Heatmap | list[Heatmap]:
    """Returns `heatmap(…, method="grad-cam")`.

    Example:
        >>> import cnnviz
        >>> from cnnviz.data.samples import sample
        >>> cnnviz.gradcam("cats-and-dogs", sample("chelsea")).map.shape
        (8, 8)
    """
    return heatmap(model, image, "grad-cam", target, **options)


def predict(
    model: Model, image: np.ndarray, *, scale: Scale | None = None
) -> list[Prediction] | list[list[Prediction]]:
    """Returns what a model predicts.

    Args:
        model: see the module.
        image: see the module.
        scale: as for `heatmap`.

    Returns:
        For one image a `Prediction` of each head; for a batch a list of these lists.

    Raises:
        TypeError: a model or image of another type.
        ValueError: an image or model that can't be used; as `errors.ModelError` or `ImageError`.

    Example:
        >>> import cnnviz
        >>> from cnnviz.data.samples import sample
        >>> cnnviz.predict("cats-and-dogs", sample("chelsea"))[0].label
        'cats'
    """
    given = _given(model, image, scale)
    heads = given.classifier.heads
    probabilities = given.classifier.predict(given.pixels, prepared=True)
    found = [
        [
            _prediction(head.name, given.classifier.classes[head.name], rows[n])
            for head, rows in zip(heads, probabilities, strict=True)
        ]
        for n in range(len(given.pixels))
    ]
    return found[0] if given.single else found


def judge(
    run: Run | str, image: np.ndarray, risk: float = RISK, *, folder: Path | str | None = None
) -> list[Judgement] | list[list[Judgement]]:
    """Returns how a run's predictions about images are to be taken: calibrated, as a set that keeps a risk, whether the
    image is like nothing in the training data, and the nearest training images. At the first call the run's training
    and validation images are looked at; what comes of it is kept with the run.

    Args:
        run: the run or its id.
        image: see the module.
        risk: with which chance a prediction set may lack the true class, above 0 and below 1.
        folder: of runs; `CNNVIZ_CHECKPOINTS` or the project's by default.

    Returns:
        For one image a `Judgement` of each head; for a batch a list of these lists.

    Raises:
        TypeError: an image of another type.
        ValueError: there is no such run, the risk isn't between 0 and 1, or the image can't be used; as
            `errors.RunError`, `ModelError` or `ImageError`.

    Example:
        >>> import cnnviz
        >>> from cnnviz.data.samples import sample
        >>> cnnviz.judge("shapes", sample("coffee"))[0].foreign
        True
    """
    if not 0 < risk < 1:
        raise ModelError(f"The risk is {risk:g}: expected more than 0 and less than 1, such as 0.1.")
    opened = _opened(run, folder)
    classifier = load.load_run(opened)
    given = _given(classifier, image, None)
    seen = np.stack([classifier.fit(one) for one in given.shown])
    found = _judged(known_of(opened, classifier), classifier, seen, risk)
    return found[0] if given.single else found


def activations(
    model: Model, image: np.ndarray, layers: Sequence[str] | None = None, *, scale: Scale | None = None
) -> dict[str, np.ndarray]:
    """Returns the outputs of layers for an image.

    Args:
        model: see the module.
        image: see the module.
        layers: their names; all that give channels or units by default.
        scale: as for `heatmap`.

    Shapes:
        one image to (height, width, channels) or (units,) for each layer; a batch of n to (n, …).

    Raises:
        TypeError: a model or image of another type.
        ValueError: no such layer; as `errors.ModelError`.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv"),
        ...                           keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> activations(model, np.zeros((8, 8), np.uint8), ["conv"])["conv"].shape
        (6, 6, 4)
    """
    given = _given(model, image, scale)
    graph = flatten(given.classifier, logits=False)
    names = [one.name for one in graph.layers] if layers is None else list(layers)
    found = outputs_of(given.classifier, given.pixels, names)
    return {name: values[0] if given.single else values for name, values in found.items()}


def visualize_features(
    model: Model,
    layer: str,
    filters: Sequence[int],
    *,
    steps: int = 40,
    robust: bool = False,
    size: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Returns feature visualizations (activation maximization): images for which filters respond most.

    Args:
        model: see the module.
        layer: a layer's name.
        filters: numbers of its channels or units.
        steps: of gradient ascent.
        robust: whether images are parameterised by frequencies and moved at random, which looks more natural.
        size: the images' side in pixels; by default what the layer sees.
        seed: of the noise to start from.

    Returns:
        uint8 (filters, size, size, 1 or 3).

    Raises:
        ValueError: no such layer or filter; as `errors.ModelError`.

    Source:
        Erhan et al. 2009; Olah et al. 2017, doi:10.23915/distill.00007.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="conv"),
        ...                           keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> visualize_features(model, "conv", [0, 3], steps=2, size=16).shape
        (2, 16, 16, 3)
    """
    classifier = _classifier(model)
    settings = Settings("robust" if robust else "plain", steps, size=size or usual_size(classifier, layer), seed=seed)
    return visualize(classifier, layer, filters, settings).images


def load_run(run: Run | str, folder: Path | str | None = None) -> Classifier:
    """Returns the model of a run's best epoch, with its class names and the preparation of its images.

    Args:
        run: the run or its id.
        folder: of runs; `CNNVIZ_CHECKPOINTS` or the project's by default.

    Raises:
        ValueError: there is no such run, or it has no model yet; as `errors.RunError` or `ModelError`.

    Example:
        >>> load_run("cats-and-dogs").classes
        {'label': ('cats', 'dogs')}
    """
    return load.load_run(_opened(run, folder))


def evaluate_run(run: Run | str, split: Literal["train", "validation", "test"] = "test") -> dict[str, Any]:
    """Measures a run's model on a split of its data, adds that to the run's report, and returns it.

    Args:
        run: the run or its id; one that has ended.
        split: which images.

    Returns:
        The split's part of `report.json`: for each head accuracy, macro F1, the confusion matrix, calibration.

    Raises:
        ValueError: there is no such run or split, or the run goes on; as `errors.RunError` or `DataError`.

    Example:
        >>> report = evaluate_run("shapes")
        >>> report["heads"]["shape"]["accuracy"] > 0.9
        True
    """
    opened = _opened(run)
    return evaluate(opened, load.load_run(opened).model, split)[1]


def train_run(recipe: Recipe | str, *, wait: bool = True) -> Run:
    """Starts a run in a process of its own, as the Train page does.

    Args:
        recipe: one, or a preset's id such as "Q".
        wait: whether to return when it has ended; the Runs page shows it meanwhile.

    Raises:
        TypeError: no recipe.
        ValueError: there is no such preset, or the run can't be started or failed; as `errors.RecipeError`, `RunError`.

    Example:
        >>> from cnnviz import recipe
        >>> from cnnviz.presets import PRESETS
        >>> short = recipe.replace(PRESETS["Q"], {"fit.epochs": 1, "data.limits": {"train": 100}})
        >>> train_run(short).state
        'finished'
    """
    if isinstance(recipe, str):
        recipe = preset(recipe)
    if not isinstance(recipe, Recipe):
        raise TypeError(f"The recipe is a {type(recipe).__name__}: expected a cnnviz.recipe.Recipe or a preset's id.")
    run = runs.start(recipe)
    while wait and run.active:
        time.sleep(POLL_SECONDS)
        run = runs.open_run(run.id)
    if wait and run.state != "finished":
        raise RunError(f"Run {run.id} {run.state}: {run.written.message or 'see its log on the Runs page'}")
    return run


def _opened(run: Run | str, folder: Path | str | None = None) -> Run:
    return run if isinstance(run, Run) else runs.open_run(run, None if folder is None else Path(folder))


@dataclass(frozen=True, eq=False)
class _Given:
    """A model and images, ready: `pixels` float32 (n, *image_size, channels), `shown` uint8 images as given."""

    classifier: Classifier
    pixels: np.ndarray
    shown: list[np.ndarray]
    single: bool


def _given(model: Model, image: np.ndarray, scale: Scale | None) -> _Given:
    classifier, array = _classifier(model, scale), np.asarray(image)
    if array.dtype.kind not in "uif" or array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise TypeError(
            f"The image is {array.dtype} {array.shape}: expected uint8 or float (height, width), (height, "
            "width, 1 or 3) or (n, height, width, 1 or 3)."
        )
    array = array[..., None] if array.ndim == 2 else array
    single = array.ndim == 3
    batch = array[None] if single else array
    if batch.shape[3] not in (1, 3):
        raise ValueError(f"The image has the shape {np.shape(image)}: expected its last side to be 1 or 3 channels.")
    if isinstance(model, keras.Model) and batch.dtype.kind == "f":
        wanted = (*classifier.image_size, classifier.channels)
        if batch.shape[1:] != wanted:
            raise ValueError(
                f"The float image has the shape {batch.shape[1:]}, but the model takes {wanted}: "
                "resize it, or give it as uint8."
            )
        return _Given(classifier, batch.astype(np.float32), [_shown(one) for one in batch], single)
    shown = [_bytes(one) for one in batch]
    return _Given(classifier, classifier.pixels(np.stack([classifier.fit(one) for one in shown])), shown, single)


def _classifier(model: Model, scale: Scale | None = None) -> Classifier:
    if isinstance(model, keras.Model):
        return load.of_model(model, scale=scale)
    if isinstance(model, (str, Path)) and (Path(model).suffix == ".keras" or Path(model).is_file()):
        return load.load_file(Path(model), scale=scale)
    if isinstance(model, (str, Path, Run)):
        return load_run(model if isinstance(model, Run) else str(model))
    if isinstance(model, Classifier):
        return model
    raise TypeError(
        f"The model is a {type(model).__name__}: expected a Keras model, a run or its id, or the path of a .keras file."
    )


def _bytes(image: np.ndarray) -> np.ndarray:
    """An image as uint8; float in 0..1 or 0..255 is scaled."""
    if image.dtype == np.uint8:
        return image
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= 255):  # nor NaN
        raise ValueError(f"The image has values from {low:g} to {high:g}: expected uint8, or float in 0..1 or 0..255.")
    return np.rint(image * (255 if high <= 1 and image.dtype.kind == "f" else 1)).astype(np.uint8)


def _shown(image: np.ndarray) -> np.ndarray:
    """A prepared input as uint8, for looking at: stretched to its own range where it is no usual one."""
    try:
        return _bytes(image)
    except ValueError:
        low, high = np.nanmin(image), np.nanmax(image)
        return np.rint(np.nan_to_num((image - low) / max(float(high - low), 1e-12)) * 255).astype(np.uint8)


def _head(classifier: Classifier, head: int | str) -> tuple[int, tuple[str, ...]]:
    """A head's place and its class names."""
    names = [one.name for one in classifier.heads]
    if isinstance(head, str) and head not in names:
        raise ModelError(f"There is no head {head!r}: {one_of(head, names)}.")
    at = names.index(head) if isinstance(head, str) else head
    if not 0 <= at < len(names):
        raise ModelError(f"There is no head {head}: the model has 0 to {len(names) - 1}.")
    return at, classifier.classes[names[at]]


def _index(target: int | str | None, classes: Sequence[str], probabilities: np.ndarray) -> int:
    if target is None:
        return int(probabilities.argmax())
    if isinstance(target, str):
        if target not in classes:
            raise ModelError(f"There is no class {target!r}: {one_of(target, classes)}.")
        return classes.index(target)
    if isinstance(target, bool) or not isinstance(target, (int, np.integer)):
        raise TypeError(f"The target is {target!r}: expected a class's number or name.")
    if not 0 <= target < len(classes):
        raise ModelError(f"There is no class {target}: the head's classes are 0 to {len(classes) - 1}.")
    return int(target)


def _prediction(head: str, classes: Sequence[str], probabilities: np.ndarray) -> Prediction:
    best = int(probabilities.argmax())
    return Prediction(
        head, classes[best], float(probabilities[best]), dict(zip(classes, map(float, probabilities), strict=True))
    )
