"""`robustness.json`: what accuracy a run's best model keeps under attack and with corrupted images, measured last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnnviz.runs import results_cache

__all__ = ["HeadRobustness", "Robustness", "read_robustness", "save"]

_FILE = "robustness.json"


@dataclass(frozen=True)
class HeadRobustness:
    """A head's accuracies, all 0..1.

    Attributes:
        accuracy: on the images as they are.
        epsilons: the radii (L∞) of perturbations, 0..1, ascending.
        robust_accuracy: what PGD leaves, for each of them.
        corruptions: by the kind's id, the accuracy for each severity from 1 on.
    """

    accuracy: float
    epsilons: tuple[float, ...]
    robust_accuracy: tuple[float, ...]
    corruptions: dict[str, tuple[float, ...]]

    @property
    def errors(self) -> dict[str, tuple[float, ...]]:
        """1 − accuracy of each kind of corruption, as `mean_corruption_error` takes it."""
        return {kind: tuple(1 - one for one in found) for kind, found in self.corruptions.items()}


@dataclass(frozen=True)
class Robustness:
    """What was measured of a run's model.

    Attributes:
        stamp: of the model's file, see `results_cache.model_digest`.
        images: how many held-out images were measured …
        limit: … of at most so many.
        steps: PGD's.
        seed: of the corruptions.
        heads: by their names.
        seconds: how long it took, reading included.
    """

    stamp: str
    images: int
    limit: int
    steps: int
    seed: int
    heads: dict[str, HeadRobustness]
    seconds: float


def save(folder: Path, found: Robustness) -> None:
    """Keeps it in the run's folder, in place of what was there, whole or not at all; see `results_cache.write`."""
    results_cache.write_record(folder / _FILE, found)


def read_robustness(folder: Path) -> Robustness | None:
    """Returns what is kept in a run's folder, or `None` where nothing is, it can't be read, or the model is another by
    now."""
    found = results_cache.read_record(folder / _FILE, Robustness)
    if found is None or not _sound(found) or found.stamp != results_cache.model_digest(folder / "best.keras"):
        return None
    return found


def _sound(found: Robustness) -> bool:
    """Whether all is of one length and within its range, whatever the file says."""
    return (
        found.stamp != "" and found.images > 0 and len(found.heads) > 0 and all(map(_head_sound, found.heads.values()))
    )


def _head_sound(head: HeadRobustness) -> bool:
    shares = [head.accuracy, *head.epsilons, *head.robust_accuracy]
    shares += [one for found in head.corruptions.values() for one in found]
    lengths = {len(found) for found in head.corruptions.values()}
    return (
        all(0 <= one <= 1 for one in shares)
        and len(head.epsilons) == len(head.robust_accuracy) > 0
        and all(low < high for low, high in zip(head.epsilons, head.epsilons[1:], strict=False))
        and len(lengths) == 1
        and lengths != {0}
    )
