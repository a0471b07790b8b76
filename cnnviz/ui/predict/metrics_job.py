"""What the explanation metrics panel measures, as work for the background. TensorFlow is used for short stretches at
a time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cnnviz.errors import ModelError
from cnnviz.explain.attribution.explain import Explanation, explain
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.attribution.targets import Target
from cnnviz.explain.metrics.deletion_insertion import STEPS, DeletionInsertion, deletion_insertion
from cnnviz.explain.metrics.parameter_randomization import ParameterRandomization, randomize_parameters
from cnnviz.explain.metrics.pointing_game import Pointing
from cnnviz.explain.metrics.pointing_game_of_run import cached_pointing, measure
from cnnviz.explain.metrics.verdicts import FEWEST
from cnnviz.progress import CancelCheck, Progress, check_cancelled
from cnnviz.runs import Run
from cnnviz.ui.inputs.model_cache import letting_others_in

if TYPE_CHECKING:
    from cnnviz.ui.inputs.model_cache import LockedModel

__all__ = [
    "QUICK_SECONDS",
    "SECONDS",
    "SLOW",
    "Case",
    "known_pointing",
    "measure_deletion_insertion",
    "measure_parameter_randomization",
    "measure_pointing",
    "measure_quickly",
    "peers",
]

SECONDS = {"faithful": 30.0, "randomized": 60.0, "pointing": 600.0}
"""How long each measurement may take; what is done by then is shown."""

QUICK_SECONDS = 1.0
"""So long a map may be measured without being asked to."""

SLOW = ("score-cam", "smoothgrad", "integrated-gradients", "occlusion")
"""Methods that ask the model many times about each image."""


@dataclass(frozen=True, eq=False)
class Case:
    """A map on the page: the model, the image as it sees it, uint8 (h, w, c), the map of it, and its run if any."""

    model: LockedModel
    image: np.ndarray
    explanation: Explanation
    run: Run | None

    @property
    def target(self) -> Target:
        """What is explained."""
        target = self.explanation.target
        return target if isinstance(target, Target) else target[0]

    @property
    def head(self) -> str:
        """The name of the head that is explained."""
        return self.model.classifier.heads[self.target.head].name

    @property
    def subject(self) -> str:
        """The name of the class that is explained."""
        return self.model.classifier.classes[self.head][self.target.index]

    @property
    def mark(self) -> str:
        """Tells the case from all others."""
        made = self.explanation
        content = hashlib.sha256(np.ascontiguousarray(made.map[0]).tobytes())
        content.update(self.image.tobytes())
        content.update(
            repr(
                (self.model.classifier.name, id(self.model.classifier.model), made.method, made.layer, self.target)
            ).encode()
        )
        return content.hexdigest()

    def layer_of(self, method: str) -> str | None:
        """The layer for another method's map: that of this map, else the last convolution; `None` where none is needed.

        Raises:
            ModelError: the model has no convolution.
        """
        if METHODS[method].family != "cam":
            return None
        if self.explanation.layer is not None:
            return self.explanation.layer
        from cnnviz.explain.attribution.defaults import choose_layer
        from cnnviz.models.graph.graph import flatten  # the graph is there already, since the map was made with it

        return choose_layer(flatten(self.model.classifier.model), None, self.target.head)[0]


def peers(case: Case) -> list[str]:
    """Returns the other methods that can explain this model, quick ones first."""
    try:
        case.layer_of("grad-cam")
        able = list(METHODS)
    except ModelError:
        able = [name for name, method in METHODS.items() if method.family != "cam"]
    return sorted((name for name in able if name != case.explanation.method), key=lambda name: name in SLOW)


def _score(case: Case, cancelled: CancelCheck) -> Callable[[np.ndarray], np.ndarray]:
    """The probability of the class that is explained."""
    target = case.target

    def score(images: np.ndarray) -> np.ndarray:
        check_cancelled(cancelled)
        return case.model.predict(images)[target.head][:, target.index]

    return score


def measure_quickly(case: Case, cancelled: CancelCheck) -> DeletionInsertion | None:
    """Returns the map's curves and those of random maps if that takes about `QUICK_SECONDS`; `None` if it would take
    longer, which eight predictions tell."""
    score, images = _score(case, cancelled), np.repeat(case.image[None], 8, axis=0)
    score(images[:1])  # the first call of a model takes longer
    began = time.monotonic()
    score(images)
    whole = (time.monotonic() - began) * 2 * (STEPS + 1) / len(images) * (1 + FEWEST)
    if whole > QUICK_SECONDS:
        return None
    maps = {METHODS[case.explanation.method].title: case.explanation.map[0]}
    found = deletion_insertion(score, case.image, maps, budget=QUICK_SECONDS, cancelled=cancelled)
    return found if len(found.random) >= FEWEST else None


def measure_deletion_insertion(case: Case, other: str, progress: Progress, cancelled: CancelCheck) -> DeletionInsertion:
    """Returns the deletion and insertion curves of the map, of random ones and, where named, of another method's."""
    model, made, target = case.model, case.explanation, case.target
    score = _score(case, cancelled)

    def map_of() -> np.ndarray:
        with letting_others_in(model.lock) as breathe:
            return explain(
                model.classifier.model,
                model.classifier.pixels(case.image[None]),
                method=other,
                target=target,
                layer=case.layer_of(other),
                progress=breathe,
                cancelled=cancelled,
            ).map[0]

    maps: dict[str, np.ndarray | Callable[[], np.ndarray]] = {METHODS[made.method].title: made.map[0]}
    if other:
        maps[METHODS[other].title] = map_of
    return deletion_insertion(
        score, case.image, maps, budget=SECONDS["faithful"], progress=progress, cancelled=cancelled
    )


def measure_parameter_randomization(case: Case, progress: Progress, cancelled: CancelCheck) -> ParameterRandomization:
    """Returns what becomes of the map while layers are randomized; all but the copying is done without the lock."""
    made, pixels = case.explanation, case.model.classifier.pixels(case.image[None])

    def map_of(model: object) -> np.ndarray:
        return explain(
            model, pixels, method=made.method, target=case.target, layer=made.layer, cancelled=cancelled
        ).map[0]

    return randomize_parameters(
        case.model.classifier.model,
        map_of,
        head=case.target.head,
        budget=SECONDS["randomized"],
        progress=progress,
        cancelled=cancelled,
        lock=case.model.lock,
    )


def known_pointing(case: Case) -> dict[str, Pointing]:
    """Returns what is known already of methods over the run's test split."""
    assert case.run is not None
    found = {}
    for method in (case.explanation.method, *peers(case)):
        if (one := cached_pointing(case.run, method, case.head, case.layer_of(method))) is not None:
            found[method] = one
    return found


def measure_pointing(
    case: Case, methods: Sequence[str], progress: Progress, cancelled: CancelCheck
) -> dict[str, Pointing]:
    """Returns how well methods find the objects over the run's test split."""
    assert case.run is not None
    layers = {method: case.layer_of(method) for method in methods}
    return measure(
        case.run,
        case.model.classifier,
        methods,
        head=case.head,
        layers=layers,
        budget=SECONDS["pointing"],
        progress=progress,
        cancelled=cancelled,
        lock=case.model.lock,
    )
