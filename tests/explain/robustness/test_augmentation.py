"""Predictions along a step's range, with models simple enough to know the predictions beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cnnviz.augment import sweep
from cnnviz.errors import RecipeError
from cnnviz.explain.robustness.augmentation import along, changes
from cnnviz.explain.robustness.augmentation_of_run import cached_changes, measure
from cnnviz.model_spec import Dense, Flatten, Head, ModelSpec
from cnnviz.policy import Policy, Step
from cnnviz.progress import Cancelled
from cnnviz.recipe import Data, Recipe
from cnnviz.runs.store import create

SIZE = 8
RECIPE = Recipe(
    data=Data(dataset="digits", image_size=SIZE, channels=1),
    network=ModelSpec(
        layers=(Flatten(), Dense(units=2)),
        heads=(Head(name="right", units=1, activation="sigmoid"), Head(name="bright", units=2)),
    ),
)
ROTATION = Step(type="rotation", low=-180, high=180)
FLIP = Step(type="horizontal_flip")
BRIGHTNESS = Step(type="brightness", low=-1, high=1)


def spec(pixels: np.ndarray, training: bool) -> list[np.ndarray]:
    """Head `right`: whether more light is in the right half; head `bright`: the mean of all pixels."""
    halves = pixels.reshape(len(pixels), SIZE, 2, SIZE // 2).mean(axis=(1, 3))
    mean = pixels.mean(axis=(1, 2, 3))[:, None] / 255
    return [(halves[:, 1:] > halves[:, :1]).astype(np.float32), np.concatenate([1 - mean, mean], axis=1)]


def lit(right: bool, value: int = 200) -> np.ndarray:
    """An image that is lit in one half."""
    image = np.zeros((SIZE, SIZE, 1), np.uint8)
    image[:, SIZE // 2 :] = value
    return image if right else image[:, ::-1].copy()


def test_one_image_along_a_rotation() -> None:
    found = along(spec, lit(True), "rotation", [0, 90, 180], RECIPE)
    assert {name: values.shape for name, values in found.items()} == {"right": (3, 2), "bright": (3, 2)}
    assert found["right"][:, 1].tolist() == [1, 0, 0]
    np.testing.assert_allclose(found["bright"][:, 1], 100 / 255, atol=1e-6)


def test_one_image_along_a_brightness_is_what_the_page_shows() -> None:
    values = [-0.5, 0.0, 0.2]
    found = along(spec, lit(True), "brightness", values, RECIPE)
    means = sweep(lit(True), "brightness", values, size=(SIZE, SIZE)).mean(axis=(1, 2, 3)) / 255
    np.testing.assert_allclose(found["bright"][:, 1], means, atol=1e-6)
    np.testing.assert_allclose(found["bright"].sum(axis=1), 1, atol=1e-6)


def test_the_image_is_cropped_and_coloured_as_the_recipe_says() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 20:40] = 255  # the left half of the largest centred square
    recipe = RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"crop": "centre"})})
    found = along(spec, image, "rotation", [0.0], recipe)
    assert found["right"].tolist() == [[1, 0]]
    np.testing.assert_allclose(found["bright"][0, 1], 0.5, atol=1e-6)


def test_many_images_along_a_flip() -> None:
    images = [lit(True), lit(True), lit(False), np.zeros((SIZE, SIZE, 1), np.uint8)]
    labels = {"right": np.array([1, 1, 0, 1]), "bright": np.array([0, 0, 0, 0])}
    found = changes(spec, images, labels, FLIP, [0.0, 1.0], RECIPE)
    assert found.images == 4
    assert found.changed == {"right": (0.0, 0.75), "bright": (0.0, 0.0)}  # the black one stays what it was
    assert found.accuracy == {"right": (0.75, 0.0), "bright": (1.0, 1.0)}
    assert found.untouched == {"right": 0.75, "bright": 1.0}


def test_changes_are_measured_from_the_untouched_image() -> None:
    """Also where the range doesn't hold the value that changes nothing."""
    found = changes(spec, [lit(True)], {"right": np.array([1]), "bright": np.array([0])}, BRIGHTNESS, [1.0], RECIPE)
    assert found.untouched == {"right": 1.0, "bright": 1.0}
    assert found.changed == {"right": (1.0,), "bright": (1.0,)}  # all white: no half is lighter
    assert found.accuracy == {"right": (0.0,), "bright": (0.0,)}


def test_progress_counts_every_answer_and_a_stop_is_heeded() -> None:
    images = [lit(bool(n % 2)) for n in range(100)]
    labels = {"right": np.arange(100) % 2, "bright": np.zeros(100, int)}
    said: list[tuple[str, int, int]] = []
    found = changes(spec, images, labels, ROTATION, [0.0, 180.0], RECIPE, progress=lambda *a: said.append(a))
    assert said == [("Predicting", done, 300) for done in (64, 100, 164, 200, 264, 300)]
    assert found.changed["right"] == (0.0, 1.0)
    with pytest.raises(Cancelled):
        changes(spec, images, labels, ROTATION, [0.0], RECIPE, cancelled=lambda: True)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_steps_that_mix_are_refused(kind: str) -> None:
    step = Step(type=kind, low=0, high=1)
    with pytest.raises(RecipeError, match="mixes images"):
        changes(spec, [lit(True)], {"right": np.array([1])}, step, [0.5], RECIPE)
    with pytest.raises(RecipeError, match="mixes images"):
        along(spec, lit(True), kind, [0.5], RECIPE)


def test_values_out_of_bounds_and_no_images_are_refused() -> None:
    with pytest.raises(RecipeError, match="rotation"):
        changes(spec, [lit(True)], {"right": np.array([1])}, ROTATION, [400.0], RECIPE)
    with pytest.raises(RecipeError, match="0 images"):
        changes(spec, [], {}, ROTATION, [0.0], RECIPE)


DIGITS = RECIPE.model_copy(
    update={"network": ModelSpec(layers=(Flatten(), Dense(units=2)), heads=(Head(name="label", units=10),))}
)


def darkest(pixels: np.ndarray, training: bool) -> np.ndarray:
    """A prediction that depends on the images: one of ten classes by the mean."""
    classes = np.clip(pixels.mean(axis=(1, 2, 3)) // 20, 0, 9).astype(int)
    return np.eye(10, dtype=np.float32)[classes]


def test_a_measurement_is_kept_with_its_run_and_read_again(tmp_path: Path) -> None:
    run = create(DIGITS, tmp_path)
    (run.folder / "best.keras").write_bytes(b"x")
    step, strengths = Step(type="brightness", low=-0.2, high=0.2), [-0.2, 0.0, 0.2]
    assert cached_changes(run, step, strengths, Policy()) is None
    found = measure(run, darkest, step, strengths, Policy())
    assert 300 < found.images <= 500
    assert found.changed["label"][1] == 0.0
    assert found.changed["label"][0] > 0.9

    def unasked(pixels: np.ndarray, training: bool) -> np.ndarray:
        raise AssertionError("what is kept must not be measured again")

    assert measure(run, unasked, step, strengths, Policy()) == found == cached_changes(run, step, strengths, Policy())
    assert cached_changes(run, step, strengths, Policy(fill_mode="wrap")) is None
    assert cached_changes(run, step, [-0.2, 0.2], Policy()) is None
    (run.folder / "best.keras").write_bytes(b"another network")
    assert cached_changes(run, step, strengths, Policy()) is None


def test_a_stopped_measurement_leaves_nothing(tmp_path: Path) -> None:
    run = create(DIGITS, tmp_path)
    with pytest.raises(Cancelled):
        measure(run, darkest, BRIGHTNESS, [0.0], Policy(), cancelled=lambda: True)
    assert not (run.folder / "survival").exists()


def test_a_damaged_file_is_measured_anew(tmp_path: Path) -> None:
    run = create(DIGITS, tmp_path)
    found = measure(run, darkest, BRIGHTNESS, [0.0], Policy())
    (file,) = (run.folder / "survival").iterdir()
    for damage in ("{", "[]", json.dumps({"values": [0.0]}), json.dumps({"values": 3})):
        file.write_text(damage)
        assert cached_changes(run, BRIGHTNESS, [0.0], Policy()) is None
    assert measure(run, darkest, BRIGHTNESS, [0.0], Policy()) == found


def test_a_random_crop_is_measured_on_whole_images(tmp_path: Path) -> None:
    run = create(DIGITS, tmp_path)
    found = measure(run, darkest, Step(type="random_crop", low=0.5, high=1), [0.5, 1.0], Policy())
    assert found.changed["label"][1] == 0.0
    assert found.changed["label"][0] > 0.2
