"""The pointing game and the share of energy, worked out by hand, and over a split kept under a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz.data import open_dataset
from cnnviz.errors import DataError
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.metrics.pointing_game import Masked, energy, hit, play
from cnnviz.explain.metrics.pointing_game_of_run import cached_pointing, has_masks, masked_images, measure
from cnnviz.models.build.model import build
from cnnviz.models.graph.graph import flatten
from cnnviz.models.load.load import load_run
from cnnviz.presets import PRESETS
from cnnviz.progress import Cancelled
from cnnviz.recipe import replace
from cnnviz.runs import Run, open_run
from cnnviz.runs.store import create

MASK = np.zeros((4, 4), bool)
MASK[0, :2] = True


def test_the_share_of_energy_is_the_masks_part_of_the_sum() -> None:
    map_ = np.ones((4, 4), np.float32)
    assert energy(map_, MASK) == pytest.approx(2 / 16)
    map_[0, 0] = 5
    assert energy(map_, MASK) == pytest.approx(6 / 20)
    assert energy(np.zeros((4, 4), np.float32), MASK) == 0


def test_the_greatest_value_hits_or_misses_and_several_count_as_their_share() -> None:
    map_ = np.zeros((4, 4), np.float32)
    assert hit(map_, MASK) == 0
    map_[3, 3] = 1
    assert hit(map_, MASK) == 0
    map_[0, 1] = 2
    assert hit(map_, MASK) == 1
    map_[3, 3] = 2
    assert hit(map_, MASK) == 0.5
    assert hit(np.ones((4, 4), np.float32), MASK) == pytest.approx(2 / 16)


def test_a_small_map_is_enlarged_as_the_overlay_is() -> None:
    mask = np.zeros((8, 8), bool)
    mask[:4, :4] = True
    map_ = np.array([[3.0, 0], [0, 0]], np.float32)
    assert hit(map_, mask) == 1
    # Along a side, OpenCV's bilinear weights of the first value are 1, 1, .875, .625, .375, .125, 0, 0 when 2 become 8.
    along = np.array([1, 1, 0.875, 0.625, 0.375, 0.125, 0, 0])
    assert energy(map_, mask) == pytest.approx((along[:4].sum() / along.sum()) ** 2)


@pytest.fixture
def given() -> Masked:
    """60 images whose masks cover a quarter, each another corner than the one before; brightness names the corner."""
    masks, images = np.zeros((60, 4, 4), bool), np.zeros((60, 4, 4, 1), np.uint8)
    for nth in range(60):
        top, left = 2 * (nth % 2), 2 * (nth // 2 % 2)
        masks[nth, top : top + 2, left : left + 2] = True
        images[nth] = nth % 4
    return Masked(images, masks)


def upper_left(images: np.ndarray) -> np.ndarray:
    maps = np.full((len(images), 4, 4), 0.1)
    maps[:, 0, 0] = 1
    return maps


def test_a_map_that_always_points_to_one_corner_hits_a_quarter(given: Masked) -> None:
    found = play(upper_left, given, "x")
    assert (found.method, found.images, found.whole, found.empty) == ("x", 60, True, 0)
    assert found.hits == pytest.approx(1 / 4)
    assert found.area == pytest.approx(1 / 4)
    assert found.centre == pytest.approx(1 / 4)  # the centre lies in the lower right corner
    assert found.energy == pytest.approx((1.3 + 3 * 0.4) / 2.5 / 4)


def test_maps_of_the_masks_hit_always_and_empty_ones_never(given: Masked) -> None:
    by_corner = given.masks[:4].astype(np.float32)
    right = play(lambda images: by_corner[images[:, 0, 0, 0]], given, "x")
    assert (right.hits, right.energy) == (1, 1)
    empty = play(lambda images: np.zeros((len(images), 2, 2)), given, "x")
    assert (empty.hits, empty.energy, empty.empty) == (0, 0, 60)


def test_an_early_end_leaves_a_part_and_says_so(given: Masked) -> None:
    done = []

    def tell(*said: object) -> None:
        done.append(said)

    found = play(upper_left, given, "x", what="Maps", progress=tell, cancelled=lambda: len(done) == 2)
    assert done == [("Maps", 25, 60), ("Maps", 50, 60)]
    assert (found.images, found.whole) == (50, False)
    assert play(upper_left, given, "x", cancelled=lambda: True) is None

    def fails(images: np.ndarray) -> np.ndarray:
        raise Cancelled

    assert play(fails, given, "x") is None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An untrained model of shapes and colours, small, and its run."""
    recipe = replace(
        PRESETS["S"],
        {
            "data.image_size": [32, 32],
            "network.layers": [
                {"type": "Conv2D", "filters": 4, "padding": "same"},
                {"type": "MaxPool", "pool_size": 4},
                {"type": "GAP"},
            ],
        },
    )
    made = create(recipe, tmp_path_factory.mktemp("runs"))
    build(recipe).save(made.best_path)
    return made


def test_the_whole_test_split_comes_with_masks_at_the_models_size(run: Run) -> None:
    found = masked_images(run.recipe)
    assert found.images.shape == (500, 32, 32, 3)
    assert found.masks.shape == (500, 32, 32)
    split = open_dataset(run.recipe.data, ["shape", "colour"]).splits["test"]
    assert found.masks[3].mean() == pytest.approx(split.mask(3).mean(), abs=0.02)
    inside = found.images[found.masks].astype(float).std()
    assert inside > 10


def test_figures_are_kept_under_the_run_until_its_model_changes(run: Run) -> None:
    classifier, layers = load_run(run), {"grad-cam": None, "gradient": None}
    before = [weights.copy() for weights in classifier.model.get_weights()]
    given = masked_images(run.recipe)
    few = Masked(given.images[:60], given.masks[:60])
    found = measure(run, classifier, ["grad-cam", "gradient"], head="colour", layers=layers, given=few)
    assert list(found) == ["grad-cam", "gradient"]
    for weights, after in zip(before, classifier.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, after)
    assert found["gradient"].images == 60
    assert 0 < found["gradient"].energy < 1
    assert found["gradient"].area == pytest.approx(few.masks.mean())
    assert cached_pointing(run, "gradient", "colour", None) == found["gradient"]
    assert cached_pointing(run, "gradient", "shape", None) is None
    assert cached_pointing(run, "gradient", "colour", "conv2d") is None
    assert measure(run, classifier, ["gradient"], head="colour", layers=layers) == {"gradient": found["gradient"]}
    content = run.best_path.read_bytes()
    try:
        run.best_path.write_bytes(content + b" ")
        assert cached_pointing(run, "gradient", "colour", None) is None
    finally:
        run.best_path.write_bytes(content)
    assert cached_pointing(run, "gradient", "colour", None) == found["gradient"]


def test_what_is_stopped_is_not_kept(run: Run) -> None:
    given = masked_images(run.recipe)
    few, done = Masked(given.images[:60], given.masks[:60]), []
    found = measure(
        run,
        load_run(run),
        ["hires-cam", "layer-cam"],
        head="shape",
        layers={"hires-cam": None, "layer-cam": None},
        given=few,
        progress=lambda what, count, total: done.append((what, count, total)),
        cancelled=lambda: (done or [("", 0, 0)])[-1][1] >= 25,
    )
    assert done[:2] == [("HiResCAM on test images", 0, 60), ("HiResCAM on test images", 25, 60)]
    assert list(found) == ["hires-cam"]
    assert (found["hires-cam"].images, found["hires-cam"].whole) == (25, False)
    assert cached_pointing(run, "hires-cam", "shape", None) is None


def test_data_without_masks_is_a_sentence(tmp_path: Path) -> None:
    assert has_masks(PRESETS["S"])
    assert not has_masks(PRESETS["Q"])
    assert not has_masks(None)
    with pytest.raises(DataError, match="have no masks"):
        masked_images(PRESETS["Q"])


def test_what_the_shipped_run_comes_with_is_found() -> None:
    """Of both heads; each by the last convolution, which is the page's layer."""
    shipped = open_run("shapes", Path(__file__).parents[3] / "checkpoints")
    layer = flatten(load_run(shipped).model).convolutions[-1]
    asked = [
        (method, head, layer if METHODS[method].family == "cam" else None)
        for method in METHODS
        for head in ("shape", "colour")
    ]
    found = [one for each in asked if (one := cached_pointing(shipped, *each)) is not None]
    assert len(found) == len(list((shipped.folder / "trust").iterdir())) >= 12
    assert all(one.whole and one.images == 500 for one in found)
