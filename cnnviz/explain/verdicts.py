"""What measurements of a map mean, each in one sentence with its figures."""

from __future__ import annotations

from cnnviz.explain.pointing import Pointing
from cnnviz.explain.quality import Faithful
from cnnviz.explain.randomised import Randomised

__all__ = [
    "BETTER",
    "KEPT",
    "faithful_notes",
    "faithful_verdict",
    "pointing_verdict",
    "randomised_notes",
    "randomised_verdict",
]

KEPT = 0.5
"""A rank correlation from here on is called alike. Of maps of 4 × 4 places, one in 40 comes so far by chance."""
BETTER = 0.9
"""A map is called better than random ones if it beats this share of them."""
_LITTLE = 0.1


def faithful_verdict(found: Faithful, subject: str) -> str:
    """Returns whether the map marks what the network uses for the class `subject`, compared with random maps."""
    own, random = next(iter(found.curves.values())), found.random
    if not random:
        areas = f"deletion {own.deletion_area:.2f}, insertion {own.insertion_area:.2f}"
        return f"There was no time for a random map to compare with ({areas})."
    count, mean = len(random), found.random_mean
    falls = sum(own.deletion_area < one.deletion_area for one in random)
    rises = sum(own.insertion_area > one.insertion_area for one in random)
    maps = f"{count} random map{'s' if count > 1 else ''}"
    away = (
        f"taking its places away makes the probability fall faster than with {falls} of {maps} (area "
        f"{own.deletion_area:.2f}, theirs {mean.deletion_area:.2f})"
    )
    shown = (
        f"showing them makes it rise faster than with {rises} of {maps} (area {own.insertion_area:.2f}, theirs "
        f"{mean.insertion_area:.2f})"
    )
    if min(falls, rises) >= BETTER * count:
        begin = f"The map marks what the network uses for {subject}"
    elif falls >= BETTER * count:
        begin = f"The map marks what {subject} needs, but not what is enough for it"
    elif rises >= BETTER * count:
        begin = f"The map marks what is enough for {subject}, but not all that it rests on"
    elif min(falls, rises) > count / 2:
        begin = f"The map marks what the network uses for {subject} hardly better than chance"
    else:
        begin = f"Don't rely on this map for {subject}"
    return f"{begin}: {away}, {shown}."


def faithful_notes(found: Faithful, subject: str) -> list[str]:
    """Returns sentences on why the curves may say little here, and on what is missing."""
    own, notes = next(iter(found.curves.values())), []
    if own.deletion[0] < _LITTLE:
        notes.append(f"The network gives {subject} only {own.deletion[0]:.1%} here: there is little to lose.")
    elif own.deletion[-1] > own.deletion[0] - _LITTLE:
        notes.append(
            f"The picture's mean colour alone is {subject} to the network with {own.deletion[-1]:.0%}: deletion can "
            "say little."
        )
    if own.deletion[0] >= _LITTLE and own.insertion[0] > own.deletion[0] - _LITTLE:
        notes.append(
            f"The blurred picture alone is {subject} to the network with {own.insertion[0]:.0%}: insertion can say "
            "little."
        )
    notes += [f"{name}: {sentence}" for name, sentence in found.skipped.items()]
    if found.ended:
        why = "The time was up" if found.ended == "time" else "It was stopped"
        notes.append(f"{why} before all was measured; random maps that were: {len(found.random)}.")
    return notes


def randomised_verdict(found: Randomised) -> str:
    """Returns whether the map depends on what the network learned."""
    first, last = found.stages[0], found.stages[-1]
    whole = len(found.stages) == found.wanted
    fallen = next((nth for nth, stage in enumerate(found.stages) if stage.correlation < KEPT), None)
    if fallen == 0:
        return (
            f"The map depends on what was learned up to the top: with {_layers(first.layers)} randomised alone, its "
            f"rank correlation with the map above is {_signed(first.correlation)}"
            + (f", with all layers {_signed(last.correlation)}." if whole and len(found.stages) > 1 else ".")
        )
    if fallen is not None:
        before, after = found.stages[fallen - 1 : fallen + 1]
        count = _count(sum(len(stage.layers) for stage in found.stages[:fallen]))
        return (
            f"The map rests on lower layers more than on the answer: it stays alike (rank correlation "
            f"{_signed(before.correlation)}) while the top {count} lost what was learned, and changes only with "
            f"{_layers(after.layers)} ({_signed(after.correlation)})."
        )
    if not whole:
        count = sum(len(stage.layers) for stage in found.stages)
        return (
            f"So far the map stays alike (rank correlation {_signed(last.correlation)}) with the top {_count(count)} "
            "randomised; the others weren't reached, so that this is no verdict yet."
        )
    return (
        f"Don't rely on this map as a reason: with all layers randomised it is still alike (rank correlation "
        f"{_signed(last.correlation)}), so that it shows the picture more than what the network learned."
    )


def _layers(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _count(layers: int) -> str:
    return "layer" if layers == 1 else f"{layers} layers"


def randomised_notes(found: Randomised) -> list[str]:
    """Returns sentences on what is missing."""
    if not found.ended:
        return []
    why = "The time was up" if found.ended == "time" else "It was stopped"
    draws = [len(stage.correlations) for stage in found.stages]
    return [f"{why} after {len(found.stages)} of {found.wanted} stages and at most {max(draws)} draws of each."]


def pointing_verdict(found: Pointing, title: str) -> str:
    """Returns how far a method's maps lie on the object, compared with places that know nothing of it."""
    figures = (
        f"the greatest value lies on the object in {found.hits:.0%} of {found.pictures:,} pictures, and "
        f"{found.energy:.0%} of the map is on it"
    )
    chance = f"a random place hits it in {found.area:.0%}, the picture's centre in {found.centre:.0%}"
    if found.hits > found.centre and found.energy > found.area:
        return f"{title} finds the object: {figures}; {chance}."
    if found.hits > found.area and found.energy > found.area:
        return f"{title} finds the object better than chance, but not better than the centre does: {figures}; {chance}."
    return f"{title} doesn't find the object: {figures}; {chance}."


def _signed(value: float) -> str:
    """Two digits, with a minus sign and without a zero below zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
