"""What every attribution method has and is given: its `Method` record, its settings, its `Task`, what it gives back.

A method is one file in `methods/` that holds a function from a `Task` to `Found` and its `METHOD`. These files import
TensorFlow inside of functions, so that pages can list them without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnviz.errors import ModelError, one_of
from cnnviz.progress import CancelCheck, Progress, batches

if TYPE_CHECKING:
    from cnnviz.models.graph.graph import Graph

__all__ = ["Found", "Method", "Setting", "Task"]

_PIXELS = 8 * 224 * 224  # more large images at once are no faster, and need memory


@dataclass(frozen=True)
class Setting:
    """A number that a person may set: a keyword of the method's function, within `low` and `high`.

    Attributes:
        name: the keyword, and the command line's option.
        title: what a page calls it.
        description: one sentence.
        default: what is used otherwise; `None` where the method finds it for the image.
        whole: whether it is an integer.
    """

    name: str
    title: str
    description: str
    default: float | None
    low: float
    high: float
    whole: bool = True


@dataclass(frozen=True)
class Method:
    """A method: what a page calls it, what it does in two sentences, and the paper it comes from.

    Methods of the family `cam` weigh a layer's activations and give a map of that layer's size, those of the family
    `pixel` need no layer and give a map of the input's size. A method that isn't `of_class` gives the same map for
    every class. Lists show families one after the other, and older papers first.
    """

    id: str
    title: str
    description: str
    paper: str
    year: int
    family: Literal["cam", "pixel"]
    maps: Callable[..., Found]
    of_class: bool = True
    settings: tuple[Setting, ...] = ()

    @property
    def by_strength(self) -> bool:
        """Whether its maps are to be laid over images by their strength, see `overlay.map_layer`: single pixels are
        strong in them, where those of layers have broad blobs."""
        return self.family == "pixel"

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the values as the method's function takes them.

        Raises:
            ModelError: it has no such setting, or a value isn't a number within its bounds.
        """
        known, found = {one.name: one for one in self.settings}, {}
        for name, value in values.items():
            if name not in known:
                offered = one_of(name, known) if known else "it has none"
                raise ModelError(f"{self.title} has no setting {name!r}: {offered}.")
            one = known[name]
            if value is None and one.default is None:
                continue
            number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            if not number or not one.low <= value <= one.high or (one.whole and value != int(value)):
                kind = "a whole number" if one.whole else "a number"
                raise ModelError(
                    f"{self.title}'s {name} is {value!r}: expected {kind} from {one.low:g} to {one.high:g}."
                )
            found[name] = int(value) if one.whole else float(value)
        return found


@dataclass(frozen=True, eq=False)
class Found:
    """What a method gives: float32 maps (n, h, w) and scores (n,); the rest as in `Explanation`."""

    map: np.ndarray
    scores: np.ndarray
    signed: np.ndarray | None = None
    sums: np.ndarray | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Task:
    """What a method is given.

    `weights`, float32 (n, units), makes scores of the head's logits; `layer` is "" for the family `pixel`.
    """

    graph: Graph
    pixels: np.ndarray
    head: int
    weights: np.ndarray
    layer: str = ""
    baseline: np.ndarray | float | None = None
    seed: int = 0
    what: str = ""
    progress: Progress | None = None
    cancelled: CancelCheck | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """How many images to take at once."""
        return int(np.clip(_PIXELS // (self.pixels.shape[1] * self.pixels.shape[2]), 1, 32))

    def rounds(self, total: int, size: int, *, before: int = 0, whole: int | None = None) -> Iterator[slice]:
        """Parts of a work of `total`, at most `size` each, see `cnnviz.progress.batches`.

        Raises:
            Cancelled: `cancelled` said so.
        """
        return batches(total, size, self.what, self.progress, self.cancelled, before=before, whole=whole)

    def scores(self) -> np.ndarray:
        """The target's scores, float32 (n,)."""
        parts = [
            self.graph.model(self.pixels[at : at + self.batch])[self.head].numpy() * self.weights[at : at + self.batch]
            for at in range(0, len(self.pixels), self.batch)
        ]
        found: np.ndarray = np.concatenate(parts).sum(axis=1)
        return found
