"""Draws: in range, of the stated distribution, and a function of (policy, seed, epoch, sample) alone."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from cnnviz.augment import draw, draw_batch, drawn_at
from cnnviz.augment.draw import philox
from cnnviz.errors import RecipeError
from cnnviz.policy import POLICIES, STEPS, Policy, Step
from cnnviz.recipe import parse

DRAWS = 10_000
RANGED = {kind: ("x", "y") if kind == "zoom" else ("value",) for kind in STEPS if STEPS[kind].bounds}


def step(kind: str, **settings) -> Step:
    """A step with its default range."""
    low, high = STEPS[kind].default or (None, None)
    return Step(**{"type": kind, "low": low, "high": high, **settings})


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(counter, key, words) -> None:
    """The vectors are those of Random123's kat_vectors for philox4x32-10."""
    made = philox(np.array(counter, np.uint64)[:, None], tuple(np.uint64(k) for k in key))
    assert tuple(int(word[0]) for word in made) == words


@pytest.mark.parametrize("kind", RANGED)
def test_ten_thousand_draws_lie_in_the_range_with_its_mean_and_spread(kind: str) -> None:
    low, high = STEPS[kind].default
    policy = Policy(steps=(step(kind, probability=1),))
    drawn = draw_batch(policy, seed=3, epoch=1, samples=np.arange(DRAWS))
    for name in RANGED[kind]:
        values = np.array([one[0].values[name] for one in drawn])
        assert low <= values.min() <= values.max() <= high
        spread = (high - low) / np.sqrt(12)
        # The mean of n draws has the deviation spread/√n, their spread about 0.45·spread/√n: four of each.
        assert abs(values.mean() - (low + high) / 2) < 4 * spread / np.sqrt(DRAWS)
        assert abs(values.std() - spread) < 4 * 0.45 * spread / np.sqrt(DRAWS)
        filled = np.histogram(values, bins=10, range=(low, high))[0]
        assert abs(filled - DRAWS / 10).max() < 4.5 * np.sqrt(DRAWS * 0.09)


def test_zoom_draws_width_and_height_apart() -> None:
    drawn = draw_batch(Policy(steps=(step("zoom"),)), seed=0, epoch=0, samples=np.arange(DRAWS))
    pairs = np.array([[one[0].values["x"], one[0].values["y"]] for one in drawn])
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.04


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.5, 1.0])
def test_a_step_is_applied_with_its_probability(probability: float) -> None:
    policy = Policy(steps=(step("rotation", probability=probability), step("grey", probability=probability)))
    drawn = draw_batch(policy, seed=0, epoch=0, samples=np.arange(DRAWS))
    flags = np.array([[one.applied for one in row] for row in drawn])
    slack = 4 * np.sqrt(probability * (1 - probability) / DRAWS)
    assert (abs(flags.mean(0) - probability) <= slack).all()
    assert abs((flags[:, 0] & flags[:, 1]).mean() - probability**2) <= max(slack, 0)  # and apart from each other


def test_the_values_and_whether_they_apply_are_independent() -> None:
    drawn = draw_batch(Policy(steps=(step("rotation", probability=0.5),)), seed=0, epoch=0, samples=np.arange(DRAWS))
    applied = [one[0].values["value"] for one in drawn if one[0].applied]
    assert abs(np.mean(applied)) < 4 * 40 / np.sqrt(12 * len(applied))


def test_the_aspect_of_an_erased_rectangle_is_as_often_wide_as_high() -> None:
    drawn = draw_batch(Policy(steps=(step("erasing"),)), seed=0, epoch=0, samples=np.arange(DRAWS))
    aspects = np.log([one[0].values["aspect"] for one in drawn]) / np.log(3)
    assert -1 <= aspects.min() <= aspects.max() <= 1
    assert abs(aspects.mean()) < 4 / np.sqrt(3 * DRAWS)


def test_the_same_key_gives_the_same_draw_and_another_key_another() -> None:
    policy = POLICIES["strong"]
    first = draw(policy, seed=1, epoch=2, sample=3)
    assert first == draw(policy, seed=1, epoch=2, sample=3)
    for key in ({"seed": 2}, {"epoch": 3}, {"sample": 4}, {"sample": 3 + 2**32}):
        other = draw(policy, **{"seed": 1, "epoch": 2, "sample": 3, **key})
        assert all(a.values != b.values for a, b in zip(first, other, strict=True) if a.values)


def test_numbers_of_neighbouring_keys_are_unrelated() -> None:
    policy = Policy(steps=(step("rotation"),))

    def values(seed: int, epoch: int) -> np.ndarray:
        rows = draw_batch(policy, seed=seed, epoch=epoch, samples=np.arange(DRAWS))
        return np.array([row[0].values["value"] for row in rows])

    base = values(0, 0)
    for other in (values(0, 1), values(1, 0), np.roll(base, 1)):
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.04


def test_a_batch_is_drawn_as_its_samples_one_by_one() -> None:
    samples = [5, 0, 2**40, 7, 5]
    batch = draw_batch(POLICIES["strong"], seed=9, epoch=4, samples=samples)
    assert batch == [draw(POLICIES["strong"], seed=9, epoch=4, sample=sample) for sample in samples]


def test_steps_added_or_moved_leave_the_other_draws_as_they_are() -> None:
    few = Policy(steps=(step("rotation"), step("zoom")))
    more = Policy(steps=(step("erasing"), step("zoom"), step("horizontal_flip"), step("rotation")))
    key = {"seed": 5, "epoch": 6, "sample": 7}
    rotation, zoom = draw(few, **key)
    _, moved_zoom, _, moved_rotation = draw(more, **key)
    assert (rotation, zoom) == (moved_rotation, moved_zoom)


def test_two_steps_of_a_kind_draw_apart() -> None:
    first, second = draw(Policy(steps=(step("rotation"), step("rotation"))), seed=0, epoch=0, sample=0)
    assert first.values != second.values


def test_a_range_of_one_value_draws_that_value() -> None:
    (drawn,) = draw(Policy(steps=(step("rotation", low=0.1, high=0.1),)), seed=0, epoch=0, sample=0)
    assert drawn.values == {"value": 0.1}


def test_what_is_not_applied_is_said_so() -> None:
    (drawn,) = draw(Policy(steps=(step("rotation", probability=0),)), seed=0, epoch=0, sample=0)
    assert drawn.applied is False


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ({"seed": -1}, "seed of a draw is -1"),
        ({"seed": 2**32}, "from 0 to 4294967295"),
        ({"epoch": 2**32}, "epoch of a draw is 4294967296"),
        ({"samples": [-1]}, "whole numbers from 0 on"),
        ({"samples": [0.5]}, "whole numbers"),
        ({"samples": [[1]]}, "flat list"),
    ],
)
def test_keys_out_of_bounds_are_refused(key: dict, match: str) -> None:
    with pytest.raises(RecipeError, match=match):
        draw_batch(POLICIES["D3"], **{"seed": 0, "epoch": 0, "samples": [0], **key})


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"type": "rotation", "low": -200, "high": 0}, "rotation has the range -200 to 0.*within -180 to 180"),
        ({"type": "rotation", "low": 10, "high": -10}, "low ≤ high"),
        ({"type": "zoom", "low": 0, "high": 1}, "within 0.2 to 5"),
        ({"type": "zoom", "low": 1}, "zoom needs low and high"),
        ({"type": "grey", "low": 0, "high": 1}, "a probability only"),
        ({"type": "blur", "low": float("nan"), "high": 0.1}, "low"),
    ],
)
def test_ranges_out_of_bounds_are_refused_with_a_sentence(settings: dict, match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        Step(**settings)


def test_a_wrong_policy_is_refused_with_one_sentence() -> None:
    with pytest.raises(RecipeError, match=r"^shear has the range .* within -60 to 60\.$"):
        parse('{"steps": [{"type": "shear", "low": -90, "high": 90}]}', Policy)
    with pytest.raises(RecipeError, match="rotaton"):
        parse('{"steps": [{"type": "rotaton", "low": -90, "high": 90}]}', Policy)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=str)
def test_a_saved_policy_is_read_back_equal(policy: Policy) -> None:
    assert parse(policy.model_dump_json(), Policy) == policy


def test_a_strip_has_its_places_in_the_middle() -> None:
    assert drawn_at("zoom", 0.9).values == {"x": 0.9, "y": 0.9}
    assert drawn_at("erasing", 0.2).values == {"value": 0.2, "aspect": 1.0, "x": 0.5, "y": 0.5}
    assert [drawn_at("grey", value).applied for value in (0, 1)] == [False, True]
    with pytest.raises(RecipeError, match=r"no step 'zom'.*did you mean 'zoom'"):
        drawn_at("zom", 1)
