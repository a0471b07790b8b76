"""What measurements mean in words: the right verdict with the right figures."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.explain.metrics.deletion_insertion import Curves, DeletionInsertion
from cnnviz.explain.metrics.parameter_randomization import ParameterRandomization, Stage
from cnnviz.explain.metrics.pointing_game import Pointing
from cnnviz.explain.metrics.verdicts import (
    Verdict,
    deletion_insertion_verdict,
    parameter_randomization_verdict,
    pointing_verdict,
    trust_verdict,
)


def curves(
    deletion: float, insertion: float, *, before: float = 1.0, empty: float = 0.0, blurred: float = 0.0
) -> Curves:
    """Curves of five points whose middle ones make these areas."""

    def through(start: float, end: float, area: float) -> tuple[float, ...]:
        middle = (4 * area - (start + end) / 2) / 3
        return (start, middle, middle, middle, end)

    return Curves((0, 0.25, 0.5, 0.75, 1), through(before, empty, deletion), through(blurred, before, insertion))


RANDOM = tuple(
    curves(deletion, 1 - deletion) for deletion in (0.46, 0.48, 0.5, 0.52, 0.54, 0.56, 0.58, 0.6, 0.62, 0.64)
)
"""Areas of ten random maps: deletion 0.55 on average, insertion 0.45."""


def test_the_areas_of_the_made_curves_are_those_asked_for() -> None:
    made = curves(0.2, 0.7)
    assert (made.deletion_area, made.insertion_area) == pytest.approx((0.2, 0.7))


@pytest.mark.parametrize(
    ("own", "begins", "falls", "rises", "level"),
    [
        (curves(0.2, 0.8), "The map marks what the model uses for cat: ", 10, 10, "holds"),
        (curves(0.3, 0.65), "The map marks what the model uses for cat: ", 10, 9, "holds"),
        (curves(0.2, 0.45), "The map marks what cat needs, but not what is enough for it: ", 10, 0, "doubtful"),
        (curves(0.63, 0.8), "The map marks what is enough for cat, but not all that it rests on: ", 0, 10, "doubtful"),
        (curves(0.39, 0.61), "The map marks what the model uses for cat hardly better than chance: ", 7, 7, "doubtful"),
        (curves(0.41, 0.45), "Don't rely on this map for cat: ", 6, 0, "doubtful"),
        (curves(0.7, 0.3), "Don't rely on this map for cat: ", 0, 0, "doubtful"),
    ],
)
def test_a_map_must_beat_nine_of_ten_random_ones(own: Curves, begins: str, falls: int, rises: int, level: str) -> None:
    found = deletion_insertion_verdict(DeletionInsertion({"mine": own}, RANDOM), "cat")
    said = found.message
    assert found.level == level
    assert said.startswith(begins)
    assert f"clearly faster than with {falls} of 10 random maps (area {own.deletion_area:.2f}, theirs 0.55)" in said
    assert f"clearly faster than with {rises} of 10 random maps (area {own.insertion_area:.2f}, theirs 0.45)" in said
    assert found.notes == ()


def test_areas_that_differ_by_less_than_the_curves_can_tell_are_equal() -> None:
    """With five points an area is known to an eighth: 0.45 is no better than 0.55, 0.4 is."""
    near, far = (DeletionInsertion({"mine": curves(area, 0.9)}, (curves(0.55, 0.4),) * 10) for area in (0.45, 0.4))
    assert "fall clearly faster than with 0 of 10" in deletion_insertion_verdict(near, "cat").message
    assert "fall clearly faster than with 10 of 10" in deletion_insertion_verdict(far, "cat").message


def test_without_a_random_map_there_is_no_verdict() -> None:
    found = deletion_insertion_verdict(DeletionInsertion({"mine": curves(0.2, 0.8)}), "cat")
    assert found == Verdict("There was no time for a random map to compare with (deletion 0.20, insertion 0.80).")


CANT_TELL = "This test can't tell here whether the map marks what the model uses for cat: "
MEAN = "The image's mean colour alone is cat to the model with 97 %: deletion can say little."
BLUR = "The blurred image alone is cat to the model with 96 %: insertion can say little."


@pytest.mark.parametrize(
    ("own", "random", "begins", "notes"),
    [
        # nothing that is taken away or left out changes the prediction: 0.99 beside 0.98 says nothing
        (
            curves(0.99, 0.99, empty=0.97, blurred=0.96),
            curves(0.98, 0.98, empty=0.97, blurred=0.96),
            CANT_TELL,
            [MEAN, BLUR],
        ),
        (
            curves(0.02, 0.02, before=0.03),
            curves(0.02, 0.02, before=0.03),
            CANT_TELL,
            ["The model gives cat only 3 % here: there is little to lose."],
        ),
        # one kind of curve can tell: it decides alone
        (curves(0.9, 0.8, empty=0.97), curves(0.92, 0.4), "The map marks what is enough for cat: ", [MEAN]),
        (curves(0.9, 0.3, empty=0.97), curves(0.92, 0.4), "Don't rely on this map for cat: ", [MEAN]),
        (curves(0.2, 0.97, blurred=0.96), curves(0.6, 0.98), "The map marks what cat needs: ", [BLUR]),
        # the ends leave no room, but between them the prediction is lost as with no random map
        (curves(0.5, 0.97, empty=0.97, blurred=0.96), curves(0.98, 0.98), "The map marks what cat needs: ", [BLUR]),
    ],
)
def test_where_a_test_can_say_little_its_verdict_says_so(
    own: Curves, random: Curves, begins: str, notes: list[str]
) -> None:
    found = deletion_insertion_verdict(DeletionInsertion({"mine": own}, (random,) * 10), "cat")
    assert found.message.startswith(begins)
    assert found.level == ("unclear" if begins == CANT_TELL else "doubtful" if "Don't" in begins else "holds")
    assert list(found.notes) == notes


def test_few_random_maps_are_no_verdict() -> None:
    own = {"mine": curves(0.2, 0.8)}
    late = deletion_insertion_verdict(
        DeletionInsertion(own, RANDOM[6:7], {"Grad-CAM": "No convolution."}, "time"), "cat"
    )
    assert late.message.startswith(CANT_TELL)
    assert late.notes == (
        "Beating 1 random map may be chance: 5 are needed.",
        "Grad-CAM: No convolution.",
        "The time was up before all was measured; random maps that were: 1.",
    )
    assert deletion_insertion_verdict(DeletionInsertion(own, RANDOM[:4]), "cat").message.startswith(CANT_TELL)
    enough = deletion_insertion_verdict(DeletionInsertion(own, RANDOM[:5]), "cat")
    assert enough.message.startswith("The map marks what the model uses for cat: ")
    assert enough.notes == ()


def changed(*correlations: float, wanted: int | None = None, ended: str = "") -> ParameterRandomization:
    names = ("dense", "conv3", "conv2", "conv1")
    map_ = np.zeros((2, 2), np.float32)
    stages = [
        Stage((name,), (value, value), (value, value), map_) for name, value in zip(names, correlations, strict=False)
    ]
    return ParameterRandomization(map_, tuple(stages), wanted or len(stages), ended)


@pytest.mark.parametrize(
    ("found", "level", "said"),
    [
        (
            changed(0.2, 0.1, -0.05),
            "holds",
            (
                "The map depends on what was learned up to the top: with dense randomized alone, its rank correlation "
                "with the map above is 0.20, with all layers −0.05."
            ),
        ),
        (
            changed(0.2, wanted=4),
            "holds",
            (
                "The map depends on what was learned up to the top: with dense randomized alone, its rank correlation "
                "with the map above is 0.20."
            ),
        ),
        (
            changed(0.9, 0.8, 0.3),
            "doubtful",
            (
                "The map rests on lower layers more than on the prediction: it stays alike (rank correlation 0.80) "
                "while the top 2 layers lost what was learned, and changes only with conv2 (0.30)."
            ),
        ),
        (
            changed(0.9, 0.8, 0.7),
            "doubtful",
            (
                "Don't rely on this map as a reason: with all layers randomized it is still alike (rank correlation "
                "0.70), so that it shows the image more than what the model learned."
            ),
        ),
        (
            changed(0.9, 0.8, wanted=4),
            "unclear",
            (
                "So far the map stays alike (rank correlation 0.80) with the top 2 layers randomized; the others "
                "weren't reached, so that this is no verdict yet."
            ),
        ),
    ],
)
def test_where_a_map_changes_says_what_it_depends_on(found: ParameterRandomization, level: str, said: str) -> None:
    assert parameter_randomization_verdict(found) == Verdict(said, level=level)


HOLDS, DOUBTFUL, UNCLEAR = (Verdict(level, level=level) for level in ("holds", "doubtful", "unclear"))


@pytest.mark.parametrize(
    ("marks", "learned", "level"),
    [
        (None, None, None),
        (HOLDS, None, "holds"),
        (UNCLEAR, None, "unclear"),
        (HOLDS, UNCLEAR, "holds"),
        (HOLDS, HOLDS, "holds"),
        (HOLDS, DOUBTFUL, "doubtful"),
        (DOUBTFUL, HOLDS, "doubtful"),
        (UNCLEAR, HOLDS, "unclear"),  # to depend on what was learned is not enough
        (None, HOLDS, "unclear"),
        (None, DOUBTFUL, "doubtful"),
    ],
)
def test_a_map_holds_where_it_marks_what_the_model_uses_and_nothing_speaks_against_it(
    marks: Verdict | None, learned: Verdict | None, level: str | None
) -> None:
    found = trust_verdict(marks, learned)
    assert (None if found is None else found.level) == level


def test_there_is_no_zero_below_zero() -> None:
    assert "map above is 0.00, with" in parameter_randomization_verdict(changed(-0.001, 0.1)).message


def test_what_is_missing_of_the_layers() -> None:
    assert parameter_randomization_verdict(changed(0.1, 0.1)).notes == ()
    assert parameter_randomization_verdict(changed(0.1, 0.1, wanted=5, ended="stop")).notes == (
        "It was stopped after 2 of 5 stages and at most 2 draws of each.",
    )


@pytest.mark.parametrize(
    ("hits", "energy", "images", "begins"),
    [
        (0.8, 0.4, 500, "Grad-CAM finds the object: the greatest value lies on the object in 80% of 500 images"),
        (0.3, 0.4, 500, "Grad-CAM finds the object better than chance, but not clearly better than the centre does"),
        (0.61, 0.4, 500, "Grad-CAM finds the object better than chance, but not clearly better than the centre does"),
        (0.61, 0.4, 50_000, "Grad-CAM finds the object: "),
        (0.3, 0.4, 25, "This test can't tell here whether Grad-CAM finds the object better than chance: "),
        (0.1, 0.4, 500, "Grad-CAM doesn't find the object"),
        (0.3, 0.1, 500, "Grad-CAM doesn't find the object"),
    ],
)
def test_a_map_is_compared_with_chance_and_with_the_centre(
    hits: float, energy: float, images: int, begins: str
) -> None:
    found = Pointing("grad-cam", hits, energy, 0.15, 0.6, 0, images, 1.0)
    verdict = pointing_verdict(found, "Grad-CAM")
    said, doesnt = verdict.message, "doesn't" in begins
    clear = "finds the object:" in begins
    assert verdict.level == ("holds" if clear else "doubtful" if doesnt else "unclear")
    assert said.startswith(begins)
    assert "a random position hits it in 15%, the image's centre in 60%" in said
