"""What the five tutorials reported for their systems, on their own data: the figures to compare with."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["REPORTED", "Reported"]


@dataclass(frozen=True)
class Reported:
    """One system's figure: an accuracy in 0..1 (`None`: none was given), of which split, and its parameters."""

    accuracy: float | None
    split: str | None
    parameters: int | None
    data: str


_PETS = "cats and dogs, 2,000 training images"
_ANIMALS = "three animals, 960 training images"

REPORTED: dict[str, Reported] = {
    "A": Reported(0.9604, "test", 388_673, "CelebA, 16,000 faces"),
    "B1": Reported(None, None, 687_298, "CelebA, 2,000 balanced faces"),
    "B2": Reported(None, None, 200_004, "CelebA, 2,000 balanced faces"),
    "C1": Reported(0.880, "train", 29_898, "Fashion-MNIST"),
    "C2": Reported(0.9158, "validation", 804_554, "Fashion-MNIST"),
    "D1": Reported(0.9907, "test", 93_322, "MNIST"),
    "D2": Reported(0.726, "validation", 3_453_121, _PETS),
    "D3": Reported(0.810, "validation", 3_453_121, _PETS),
    "D4": Reported(0.904, "validation", None, _PETS),
    "D5": Reported(0.900, "validation", None, _PETS),
    "D6": Reported(0.920, "validation", None, _PETS),
    "E1": Reported(0.50, "test", 2_283_779, _ANIMALS),
    "E2": Reported(0.54, "test", 17_936_515, _ANIMALS),
    "E3": Reported(0.85, "test", 17_936_515, _ANIMALS),
    "E4": Reported(0.88, "test", 17_936_515, _ANIMALS),
}
