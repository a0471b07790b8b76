"""The whole: batches, mixing, strips, words, and images and settings at their extremes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cnnviz.augment import (
    Drawn,
    apply,
    augment_batch,
    caption,
    draw,
    filled_pixels,
    keras_snippet,
    mix_batch,
    partners,
    sweep,
    working,
)
from cnnviz.errors import ImageError, RecipeError
from cnnviz.policy import POLICIES, STEPS, Policy, Step

random = np.random.default_rng(2)
BATCH = random.integers(0, 256, (9, 24, 32, 3), dtype=np.uint8)
SIZE = (24, 32)
SAMPLES = np.array([4, 11, 3, 8, 2**33, 0, 1, 7, 12])
KEY = {"seed": 6, "epoch": 2}
BATCHED = [kind for kind in STEPS if STEPS[kind].group == "batch"]


def everything(end: int | None = None, probability: float = 1.0) -> Policy:
    """A policy of all steps: with their default ranges, or all at their lowest (0) or highest (1) bound."""
    steps = []
    for kind, record in STEPS.items():
        low, high = record.default or (None, None)
        if end is not None and record.bounds:
            low = high = record.bounds[end]
        steps.append(Step(type=kind, low=low, high=high, probability=probability))
    return Policy(steps=tuple(steps), fill_mode="reflect")


@pytest.mark.parametrize("policy", [*POLICIES.values(), everything()], ids=lambda policy: policy.name)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_is_its_images_one_by_one_to_the_bit(policy: Policy, threads: int, channels: int) -> None:
    batch = BATCH[..., :channels]
    made = augment_batch(batch, policy, **KEY, samples=SAMPLES, size=SIZE, threads=threads)
    assert made.dtype == np.uint8
    for image, sample, one in zip(batch, SAMPLES, made, strict=True):
        assert np.array_equal(one, apply(image, policy, draw(policy, **KEY, sample=sample), size=SIZE))


def test_what_a_page_draws_of_the_original_is_what_training_draws_of_the_prepared_image() -> None:
    image = random.integers(0, 256, (300, 500, 3), dtype=np.uint8)
    for policy, crop in itertools.product((POLICIES["D3"], POLICIES["strong"]), ("whole", "centre")):
        drawn = draw(policy, **KEY, sample=3)
        page = apply(image, policy, drawn, size=(64, 48), crop=crop)
        prepared = working(image, policy, size=(64, 48), crop=crop)
        rest = crop if policy.needs_margin else "whole"
        (trained,) = augment_batch([prepared], policy, **KEY, samples=[3], size=(64, 48), crop=rest)
        assert np.array_equal(page, trained)


def test_images_of_different_sizes_make_one_batch() -> None:
    images = [BATCH[0], BATCH[1][:10], BATCH[2][:, :7]]
    made = augment_batch(images, POLICIES["strong"], **KEY, samples=[0, 1, 2], size=(16, 16))
    assert made.shape == (3, 16, 16, 3)


def test_the_order_of_geometry_and_of_colours_counts() -> None:
    turn, move = Drawn("rotation", True, {"value": 90}), Drawn("width_shift", True, {"value": 0.25})
    square = BATCH[0][:, :24]
    first, second = (apply(square, Policy(), steps, size=(24, 24)) for steps in ((turn, move), (move, turn)))
    assert not np.array_equal(first, second)
    shifted = np.hstack([np.repeat(square[:, :1], 6, axis=1), square[:, :-6]])
    assert np.array_equal(second, np.rot90(shifted))


def test_a_mistaken_batch_is_refused() -> None:
    with pytest.raises(RecipeError, match="9 images and 2 samples"):
        augment_batch(BATCH, POLICIES["D3"], **KEY, samples=[0, 1], size=SIZE)
    with pytest.raises(RecipeError, match="0 images"):
        augment_batch(BATCH[:0], POLICIES["D3"], **KEY, samples=[], size=SIZE)
    with pytest.raises(ImageError, match="1 channels and the first 3"):
        augment_batch([BATCH[0], BATCH[1][..., :1]], POLICIES["D3"], **KEY, samples=[0, 1], size=SIZE)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (2, 3), (31, 17)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", [everything(), everything(0), everything(1), everything(probability=0)])
def test_any_image_bears_any_policy(shape: tuple[int, int], channels: int, policy: Policy) -> None:
    image = random.integers(0, 256, (*shape, channels), dtype=np.uint8)
    for sample, mode, size in itertools.product(
        range(2), ("nearest", "reflect", "wrap", "constant"), ((4, 4), (9, 30))
    ):
        filling = policy.model_copy(update={"fill_mode": mode})
        drawn = draw(filling, **KEY, sample=sample)
        made = apply(image, filling, drawn, size=size, crop="centre")
        assert (made.shape, made.dtype) == ((*size, channels), np.uint8)
        assert filled_pixels(image.shape, filling, drawn, size=size, crop="centre").shape == size


def test_very_long_images_need_little_memory() -> None:
    long = np.zeros((1, 30_000, 3), np.uint8)
    assert working(long, POLICIES["A"], size=(64, 64)).nbytes < 2**20


@pytest.mark.parametrize("kind", [kind for kind in STEPS if kind not in BATCHED])
def test_a_strip_goes_through_its_values_from_the_identity(kind: str) -> None:
    record = STEPS[kind]
    low, high = record.bounds or (0, 1)
    middle = 0.4 * low + 0.6 * high  # the ends of a circle are the same
    made = sweep(BATCH[0], kind, [low, middle], size=SIZE)
    assert made.shape == (2, *SIZE, 3)
    still = 0 if record.identity is None else record.identity
    if kind != "random_crop":
        assert np.array_equal(sweep(BATCH[0], kind, [still], size=SIZE)[0], BATCH[0])
    assert not np.array_equal(made[0], made[1])
    assert sweep(BATCH[0], kind, [], size=SIZE).shape == (0, *SIZE, 3)


def test_a_strip_refuses_what_it_cannot_show() -> None:
    with pytest.raises(RecipeError, match="mixup mixes images"):
        sweep(BATCH[0], "mixup", [0.5], size=SIZE)
    with pytest.raises(RecipeError, match="rotation can't be 181: choose a value from -180 to 180"):
        sweep(BATCH[0], "rotation", [181], size=SIZE)
    with pytest.raises(RecipeError, match="zoom can't be nan"):
        sweep(BATCH[0], "zoom", [float("nan")], size=SIZE)


LABELS = {"shape": np.eye(9, dtype=np.float32), "smiling": np.arange(9, dtype=np.float32)[:, None] / 8}


def mixing(kind: str, low: float, high: float, probability: float = 1) -> Policy:
    """A policy of one batch step."""
    return Policy(steps=(Step(type=kind, low=low, high=high, probability=probability),))


def test_mixup_blends_images_and_labels_by_the_same_share() -> None:
    images, labels = mix_batch(BATCH, LABELS, mixing("mixup", 0.3, 0.3), **KEY, samples=SAMPLES)
    others = partners(9, **KEY, samples=SAMPLES)
    assert sorted(others) == list(range(9))
    blended = np.rint(0.7 * BATCH + 0.3 * BATCH[others])
    assert abs(images - np.where((others == np.arange(9))[:, None, None, None], BATCH, blended)).max() <= 1
    for head, given in LABELS.items():
        assert np.allclose(labels[head], 0.7 * given + 0.3 * given[others])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_cutmix_mixes_labels_by_the_pixels_that_it_pasted(share: float) -> None:
    images, labels = mix_batch(BATCH, LABELS, mixing("cutmix", share, share), **KEY, samples=SAMPLES)
    others = partners(9, **KEY, samples=SAMPLES)
    for row, other in enumerate(others):
        pasted = 1 - labels["shape"][row, row]
        assert pasted == pytest.approx(0 if other == row else share, abs=0.03)
        own, foreign = (images[row] == BATCH[row]).all(-1), (images[row] == BATCH[other]).all(-1)
        assert (own | foreign).all()
        assert foreign.sum() == pytest.approx(pasted * 24 * 32, abs=1) or other == row


def test_mixed_labels_stay_shares_and_the_same_key_mixes_the_same() -> None:
    policy = Policy(steps=(*mixing("mixup", 0, 1, 0.5).steps, *mixing("cutmix", 0, 1, 0.5).steps))
    given = BATCH.copy()
    images, labels = mix_batch(BATCH, LABELS, policy, **KEY, samples=SAMPLES)
    again, same = mix_batch(BATCH, LABELS, policy, **KEY, samples=SAMPLES)
    assert np.array_equal(images, again)
    assert all(np.array_equal(labels[head], same[head]) for head in labels)
    assert np.allclose(labels["shape"].sum(1), 1)
    assert labels["shape"].dtype == np.float32
    assert np.array_equal(BATCH, given)
    assert not np.array_equal(images, mix_batch(BATCH, LABELS, policy, seed=6, epoch=3, samples=SAMPLES)[0])


def test_without_batch_steps_nothing_is_mixed() -> None:
    images, labels = mix_batch(BATCH, LABELS, POLICIES["D3"], **KEY, samples=SAMPLES)
    assert images is BATCH
    assert labels is LABELS
    assert np.array_equal(mix_batch(BATCH, LABELS, mixing("mixup", 0.5, 1, 0), **KEY, samples=SAMPLES)[0], BATCH)
    with pytest.raises(RecipeError, match="9 images, 3 samples"):
        mix_batch(BATCH, LABELS, POLICIES["D3"], **KEY, samples=[1, 2, 3])


def test_captions_say_what_was_applied() -> None:
    drawn = (
        Drawn("rotation", True, {"value": -12.3}),
        Drawn("width_shift", True, {"value": 0.046}),
        Drawn("height_shift", False, {"value": 0.1}),
        Drawn("zoom", True, {"x": 0.934, "y": 1.1}),
        Drawn("horizontal_flip", True, {}),
        Drawn("grey", False, {}),
        Drawn("contrast", True, {"value": 1.2}),
        Drawn("hue", True, {"value": 0.05}),
        Drawn("erasing", True, {"value": 0.12, "aspect": 1, "x": 0, "y": 0}),
    )
    assert caption(drawn) == (
        "rotation −12°, width shift +4.6 %, zoom 0.93 × 1.10, horizontal flip, contrast × 1.20, hue 18°, erasing 12 %"
    )
    assert caption(drawn[2:3]) == "unchanged"
    assert caption([Drawn("rotation", True, {"value": -0.01})]) == "rotation 0°"


def snippet_layers(policy: Policy):
    """Runs a snippet as a person would, and returns what it defines."""
    names: dict = {}
    exec(keras_snippet(policy, size=SIZE), names)
    return names["augment"]


@pytest.mark.parametrize(
    "policy", [*POLICIES.values(), everything(), everything(0), everything(1)], ids=lambda policy: policy.name
)
def test_keras_snippets_run(policy: Policy) -> None:
    made = np.asarray(snippet_layers(policy)(BATCH.astype(np.float32), training=True))
    assert made.shape == BATCH.shape
    assert np.isfinite(made).all()


@pytest.mark.parametrize(
    ("kind", "low"),
    [
        ("rotation", 90),
        ("rotation", 25),
        ("width_shift", 0.25),
        ("height_shift", -0.125),
        ("zoom", 0.7),
        ("brightness", 0.2),
    ],
)
def test_a_keras_snippet_moves_images_the_same_way(kind: str, low: float) -> None:
    policy = Policy(steps=(Step(type=kind, low=low, high=low),), fill_mode="reflect")
    square = np.zeros((1, 24, 24, 3), np.uint8)
    square[:, 3:9, 12:21] = (200, 120, 40)
    expected = np.asarray(snippet_layers(policy)(square.astype(np.float32), training=True))
    made = augment_batch(square, policy, **KEY, samples=[0], size=(24, 24))
    assert abs(made - expected).mean() < 1.5
    assert abs(square.astype(int) - made).mean() > 3


def test_the_five_layers_of_the_tutorials_policy_are_named() -> None:
    text = keras_snippet(POLICIES["D3"])
    for layer in ("RandomRotation", "RandomTranslation", "RandomShear", "RandomZoom", 'RandomFlip("horizontal")'):
        assert text.count(f"keras.layers.{layer}") == 1
