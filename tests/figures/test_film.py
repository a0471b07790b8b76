"""A film of a model that learns: one picture an epoch, read back as any viewer would."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageColor

from cnnviz.figures.film import SECONDS, SIDE, film, frame
from cnnviz.figures.style import ACCENT
from cnnviz.runs.snapshots import Moment, Probe, Snapshot

RIGHT, WRONG = ImageColor.getrgb(ACCENT), ImageColor.getrgb("#b45309")


def probe(count: int = 2, shape: tuple[int, int, int] = (8, 8, 1), names: tuple[str, ...] = ("cat", "dog")) -> Probe:
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
    labels = {"label": np.zeros(count, np.int64)}
    return Probe(images, tuple(f"#{at}" for at in range(count)), labels, {"label": names})


def snapshot(epoch: int, share: float, count: int = 2, cam: float | None = None) -> Snapshot:
    probabilities = {"label": np.tile(np.array([share, 1 - share], np.float32), (count, 1))}
    cams = {} if cam is None else {"label": np.full((count, 2, 2), cam, np.float32)}
    return Snapshot(Moment(epoch), probabilities, cams=cams)


def has(picture: np.ndarray, colour: tuple[int, ...]) -> bool:
    return bool((picture == np.array(colour)).all(axis=2).any())


@pytest.mark.parametrize("epochs", [2, 41, 120])
def test_each_snapshot_is_a_picture_and_the_last_is_held(epochs: int) -> None:
    data = film(probe(), [snapshot(epoch, epoch / epochs) for epoch in range(epochs)], "label", "Digits")
    with Image.open(io.BytesIO(data)) as opened:
        assert (opened.format, opened.n_frames, opened.info["loop"]) == ("GIF", epochs, 0)
        lasting, shown = [], []
        for at in range(epochs):
            opened.seek(at)
            lasting.append(opened.info["duration"])
            shown.append(np.asarray(opened.convert("RGB")))
    assert 8 <= sum(lasting) / 1000 <= 12
    assert sum(lasting) / 1000 == pytest.approx(SECONDS, rel=0.1)  # GIFs count in hundredths
    assert lasting[-1] == 2000
    assert all((one != other).any() for one, other in pairwise(shown))


def test_right_and_wrong_predictions_have_their_colours() -> None:
    wrong = frame(probe(), [snapshot(0, 0.1)], "label", "Digits", 1)
    right = frame(probe(), [snapshot(0, 0.9)], "label", "Digits", 1)
    assert (has(wrong, WRONG), has(right, WRONG)) == (True, False)
    assert has(right, RIGHT)


def test_the_curve_rises_with_the_probability_of_the_truth() -> None:
    """Its end is a dot above the baseline, at the right of the last epoch."""

    def height(share: float) -> float:
        picture = frame(probe(1), [snapshot(0, 0.0, 1), snapshot(4, share, 1)], "label", "", 4)
        below = picture[-42:, SIDE + 6 :]  # what is right of the words and below them
        return float(np.argwhere((below == np.array(RIGHT)).all(axis=2))[:, 0].mean())

    assert height(1.0) == pytest.approx(height(0.5) - 12, abs=1.5)
    assert height(0.5) == pytest.approx(height(0.0) - 12, abs=1.5)


def test_the_map_is_laid_over_the_images_where_it_is_wanted_and_there() -> None:
    given = probe()
    plain = frame(given, [snapshot(1, 0.9)], "label", "", 1)
    over = frame(given, [snapshot(1, 0.9, cam=1.0)], "label", "", 1)
    assert (over != plain).any()
    assert (frame(given, [snapshot(1, 0.9, cam=1.0)], "label", "", 1, heat=False) == plain).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (300, 7, 3), (7, 300, 3), (64, 64, 3)])
def test_images_of_any_shape_and_number_fit(shape: tuple[int, int, int]) -> None:
    names = ("<b>\n猫" * 20, "é")
    picture = frame(probe(13, shape, names), [snapshot(0, 0.6, 13)], "label", "x" * 200, 0)
    assert picture.dtype == np.uint8
    assert picture.shape[1] < 1100


def test_without_snapshots_there_is_no_film() -> None:
    with pytest.raises(ValueError, match="There are no snapshots"):
        film(probe(), [], "label", "")
