"""What measurements of a map mean: a sentence with its figures, and what limits it, decided together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from cnnviz.explain.metrics.deletion_insertion import Curves, DeletionInsertion
from cnnviz.explain.metrics.parameter_randomization import ParameterRandomization
from cnnviz.explain.metrics.pointing_game import Pointing
from cnnviz.probabilities import percent

__all__ = [
    "BETTER",
    "FEWEST",
    "KEPT",
    "Level",
    "Verdict",
    "deletion_insertion_verdict",
    "parameter_randomization_verdict",
    "pointing_verdict",
    "trust_verdict",
]

KEPT = 0.5
"""A rank correlation from here on is called alike. Of maps of 4 × 4 positions, one in 40 comes so far by chance."""
BETTER = 0.9
"""A map is called better than random ones if it beats this share of them."""
FEWEST = 5
"""Of fewer random maps a map beats all by chance too often (one time in six of five) to say anything."""
_LITTLE = 0.1
Level = Literal["holds", "doubtful", "unclear"]
"""Whether a map stands a test, doesn't, or the test can't tell."""


@dataclass(frozen=True)
class Verdict:
    """What a measurement means, in one word and one sentence, and sentences on why it says no more than that."""

    message: str
    notes: tuple[str, ...] = ()
    level: Level = "unclear"


@dataclass(frozen=True)
class _Side:
    """One kind of curve beside those of random maps.

    Attributes:
        beaten: how many random maps it is better than by more than an area can be off.
        areas: "area 0.20, theirs 0.55".
        limit: why this kind says nothing here, or "".
    """

    beaten: int
    areas: str
    limit: str


def _side(found: DeletionInsertion, kind: str, limit: str) -> _Side:
    own, mean = next(iter(found.curves.values())), found.random_mean
    area, chance = (getattr(one, f"{kind}_area") for one in (own, mean))
    better = -1 if kind == "deletion" else 1
    same = 0.5 / (len(own.fractions) - 1)  # between two steps a curve may run anywhere: so far off may an area be
    beaten = sum(better * (area - getattr(one, f"{kind}_area")) > same for one in found.random)
    # where the ends leave no room, curves may still dip between them: then there is something to compare after all
    return _Side(beaten, f"area {area:.2f}, theirs {chance:.2f}", limit if abs(area - chance) < _LITTLE else "")


def _limits(own: Curves, subject: str) -> tuple[str, str]:
    """Why deletion and insertion have no room to say anything, "" where they have."""
    before, empty, soft = own.deletion[0], own.deletion[-1], own.insertion[0]
    if before < _LITTLE:
        little = f"The model gives {subject} only {percent(before)} here: there is little to lose."
        return little, little
    return (
        f"The image's mean colour alone is {subject} to the model with {percent(empty)}: deletion can say little."
        if empty > before - _LITTLE
        else "",
        f"The blurred image alone is {subject} to the model with {percent(soft)}: insertion can say little."
        if soft > before - _LITTLE
        else "",
    )


def deletion_insertion_verdict(found: DeletionInsertion, subject: str) -> Verdict:
    """Returns whether the map marks what the model uses for the class `subject`, compared with random maps.

    A kind of curve whose ends leave it no room decides nothing, unless the map differs from random ones all the same;
    where neither can decide, the verdict is that this test can't tell. Areas that differ by less than half a step of
    the curves count as equal.
    """
    own, count, missing = next(iter(found.curves.values())), len(found.random), _missing(found)
    if not count:
        areas = f"deletion {own.deletion_area:.2f}, insertion {own.insertion_area:.2f}"
        return Verdict(f"There was no time for a random map to compare with ({areas}).", missing)
    limits = _limits(own, subject)
    falls, rises = (_side(found, kind, limit) for kind, limit in zip(("deletion", "insertion"), limits, strict=True))
    notes = (*dict.fromkeys(side.limit for side in (falls, rises) if side.limit), *missing)
    if count < FEWEST:
        notes = (f"Beating {count} random map{'s' if count > 1 else ''} may be chance: {FEWEST} are needed.", *notes)
    maps = f"{count} random map{'s' if count > 1 else ''}"
    figures = (
        f"taking its positions away makes the probability fall clearly faster than with {falls.beaten} of {maps} "
        f"({falls.areas}), showing them makes it rise clearly faster than with {rises.beaten} of {maps} "
        f"({rises.areas})."
    )
    level, begin = _begin(falls, rises, count, subject)
    return Verdict(f"{begin}: {figures}", notes, level)


def _begin(falls: _Side, rises: _Side, count: int, subject: str) -> tuple[Level, str]:
    """It holds where every kind that has something to say says so."""
    telling = [side for side in (falls, rises) if not side.limit]
    if not telling or count < FEWEST:
        return "unclear", f"This test can't tell here whether the map marks what the model uses for {subject}"
    needed, enough = (not side.limit and side.beaten >= BETTER * count for side in (falls, rises))
    if needed and enough:
        return "holds", f"The map marks what the model uses for {subject}"
    if needed:
        if rises.limit:
            return "holds", f"The map marks what {subject} needs"
        return "doubtful", f"The map marks what {subject} needs, but not what is enough for it"
    if enough:
        if falls.limit:
            return "holds", f"The map marks what is enough for {subject}"
        return "doubtful", f"The map marks what is enough for {subject}, but not all that it rests on"
    if min(side.beaten for side in telling) > count / 2:
        return "doubtful", f"The map marks what the model uses for {subject} hardly better than chance"
    return "doubtful", f"Don't rely on this map for {subject}"


def _missing(found: DeletionInsertion) -> tuple[str, ...]:
    """What was not measured."""
    notes = [f"{name}: {message}" for name, message in found.skipped.items()]
    if found.ended:
        why = "The time was up" if found.ended == "time" else "It was stopped"
        notes.append(f"{why} before all was measured; random maps that were: {len(found.random)}.")
    return tuple(notes)


def parameter_randomization_verdict(found: ParameterRandomization) -> Verdict:
    """Returns whether the map depends on what the model learned, and what is missing of the measurement."""
    notes: tuple[str, ...] = ()
    if found.ended:
        why = "The time was up" if found.ended == "time" else "It was stopped"
        draws = max(len(stage.correlations) for stage in found.stages)
        notes = (f"{why} after {len(found.stages)} of {found.wanted} stages and at most {draws} draws of each.",)
    level, message = _dependence(found)
    return Verdict(message, notes, level)


def trust_verdict(marks: Verdict | None, learned: Verdict | None) -> Verdict | None:
    """Returns what all that was measured of a map comes to; `None` where that is nothing.

    That a map marks what the model uses is what makes it one to trust. That it depends on what was learned is needed
    for that but not enough, so that it can only speak against a map.

    Args:
        marks: of `deletion_insertion_verdict`, if that was measured.
        learned: of `parameter_randomization_verdict`, if that was measured.
    """
    for one in (marks, learned):
        if one is not None and one.level == "doubtful":
            return one
    if marks is None and learned is not None:
        return Verdict(learned.message, ("Whether it marks what the model uses isn't measured.", *learned.notes))
    return marks


def _dependence(found: ParameterRandomization) -> tuple[Level, str]:
    first, last = found.stages[0], found.stages[-1]
    whole = len(found.stages) == found.wanted
    fallen = next((nth for nth, stage in enumerate(found.stages) if stage.correlation < KEPT), None)
    if fallen == 0:
        return "holds", (
            f"The map depends on what was learned up to the top: with {_layers(first.layers)} randomized alone, its "
            f"rank correlation with the map above is {_signed(first.correlation)}"
            + (f", with all layers {_signed(last.correlation)}." if whole and len(found.stages) > 1 else ".")
        )
    if fallen is not None:
        before, after = found.stages[fallen - 1 : fallen + 1]
        count = _count(sum(len(stage.layers) for stage in found.stages[:fallen]))
        return "doubtful", (
            f"The map rests on lower layers more than on the prediction: it stays alike (rank correlation "
            f"{_signed(before.correlation)}) while the top {count} lost what was learned, and changes only with "
            f"{_layers(after.layers)} ({_signed(after.correlation)})."
        )
    if not whole:
        count = _count(sum(len(stage.layers) for stage in found.stages))
        return "unclear", (
            f"So far the map stays alike (rank correlation {_signed(last.correlation)}) with the top {count} "
            "randomized; the others weren't reached, so that this is no verdict yet."
        )
    return "doubtful", (
        f"Don't rely on this map as a reason: with all layers randomized it is still alike (rank correlation "
        f"{_signed(last.correlation)}), so that it shows the image more than what the model learned."
    )


def _layers(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _count(layers: int) -> str:
    return "layer" if layers == 1 else f"{layers} layers"


def pointing_verdict(found: Pointing, title: str) -> Verdict:
    """Returns how far a method's maps lie on the object, compared with positions that know nothing of it.

    A share counts as greater than another from two standard errors on, as that many images give it.
    """
    figures = (
        f"the greatest value lies on the object in {found.hits:.0%} of {found.images:,} images, and "
        f"{found.energy:.0%} of the map is on it"
    )
    chance = f"a random position hits it in {found.area:.0%}, the image's centre in {found.centre:.0%}"

    def clearly(one: float, other: float) -> bool:
        # a share's variance is p (1 - p) / n; that of a mean of shares is no greater
        error = math.sqrt(sum(share * (1 - share) for share in (one, other)) / found.images)
        return one - other > 2 * error

    level: Level = "doubtful"
    ahead = found.hits > found.area and found.energy > found.area
    if clearly(found.hits, found.centre) and clearly(found.energy, found.area):
        level, begin = "holds", f"{title} finds the object"
    elif clearly(found.hits, found.area) and clearly(found.energy, found.area):
        level = "unclear"
        begin = f"{title} finds the object better than chance, but not clearly better than the centre does"
    elif ahead:
        level, begin = "unclear", f"This test can't tell here whether {title} finds the object better than chance"
    else:
        begin = f"{title} doesn't find the object"
    return Verdict(f"{begin}: {figures}; {chance}.", level=level)


def _signed(value: float) -> str:
    """Two digits, with a minus sign and without a zero below zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
