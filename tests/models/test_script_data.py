"""The part of a standalone script that reads data gives the very splits that cnnviz makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnviz import images
from cnnviz.data import open_dataset
from cnnviz.data.pictures import prepare
from cnnviz.errors import RecipeError
from cnnviz.models.script import keras_script
from cnnviz.models.script_data import reading
from cnnviz.presets import PRESETS
from cnnviz.recipe import SPLITS, Data, replace

SIDE = 8


def pictures(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, *shape), np.uint8)


def of_script(data: Data, place: Path) -> dict[str, Any]:
    """What the script's part leaves behind when it is carried out."""
    import keras

    made: dict[str, Any] = {"np": np, "keras": keras}
    exec(compile(reading(data, place), "script", "exec"), made)
    return made


def same(data: Data, place: Path) -> dict[str, Any]:
    """Compares every split with cnnviz's own, picture by picture."""
    made, dataset = of_script(data, place), open_dataset(data)
    for split in SPLITS:
        own = dataset.splits.get(split, dataset.splits["validation"])
        shown, labels = made[split]
        np.testing.assert_array_equal(labels, own.labels["label"], err_msg=split)
        np.testing.assert_array_equal(shown, prepare(own, data, whole=False).array, err_msg=split)
    return made


@pytest.fixture
def archive(tmp_path: Path):
    def written(**arrays: np.ndarray) -> tuple[Data, Path]:
        place = tmp_path / "set.npz"
        np.savez(place, **arrays)
        channels = 1 if next(iter(arrays.values())).ndim == 3 else 3
        return Data(dataset=str(place), image_size=SIDE, channels=channels, validation_share=0.2, split_seed=4), place

    return written


LABELS = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [20, 11, 9]))


def test_shares_are_held_out_as_cnnviz_does(archive) -> None:
    made = same(*archive(images=pictures(40), labels=LABELS))
    assert [len(made[split][1]) for split in SPLITS] == [26, 6, 8]


def test_given_splits_stay_and_names_are_those_of_the_file(archive) -> None:
    more = {"X_test": pictures(6, 3, seed=2), "y_test": np.arange(6) % 3}
    same(*archive(X_train=pictures(40, 3), y_train=LABELS, **more))
    data, place = archive(Train_Images=pictures(40, 3), train_labels=LABELS, x_val=more["X_test"], y_val=more["y_test"])
    made = of_script(data, place)
    assert made["test"] is made["validation"]
    assert len(made["train"][1]) == 40


def test_other_numbers_and_labels_are_understood(archive) -> None:
    shares, names = pictures(40, 3).astype(np.float32) / 255, np.array(["cat", "dog", "eel"])[LABELS]
    same(*archive(x=shares, y=np.eye(3, dtype=int)[LABELS]))
    same(*archive(x=pictures(40, 4), y=names))
    same(*archive(x=pictures(40).astype(np.uint16) * 257, y=LABELS[:, None]))


def test_limits_take_the_same_samples(archive) -> None:
    limits = {"limits": {"train": 20, "test": 4}}
    for labels in (LABELS, np.sort(LABELS)):
        data, place = archive(x_train=pictures(40), y_train=labels, x_test=pictures(9), y_test=np.arange(9) % 3)
        same(Data.model_validate(data.model_dump() | limits | {"validation_share": 0}), place)
        same(Data.model_validate(data.model_dump() | limits), place)


def test_a_folder_is_read_as_cnnviz_reads_it(tmp_path: Path) -> None:
    for at, (split, name) in enumerate((s, n) for s in ("train", "test") for n in ("a b", "it's")):
        place = tmp_path / "set" / split / name
        (place / "deeper").mkdir(parents=True)
        for number, picture in enumerate(pictures(11, 3, seed=at)):
            (place / f"{number}.{'tif' if number == 3 else 'png'}").write_bytes(images.to_png(picture))
        (place / "deeper" / "x.png").write_bytes(images.to_png(pictures(1, 3)[0]))
        (place / "notes.txt").write_text("none")
    made = same(Data(dataset=str(tmp_path / "set"), image_size=SIDE, validation_share=0.2), tmp_path / "set")
    assert len(made["test"][1]) == 22


def test_an_archive_without_known_names_is_refused(archive) -> None:
    with pytest.raises(RecipeError, match="no training pictures and labels"):
        reading(*archive(pixels=pictures(4), truth=LABELS[:4]))


@pytest.mark.parametrize(
    ("name", "call"), [("M5", "x = backbone(x, training=False)"), ("M6", "x = backbone(x)"), ("E4", "x = backbone(x)")]
)
def test_only_a_backbone_that_stays_frozen_is_held_in_prediction(name: str, call: str, archive) -> None:
    """Its batch normalisations would otherwise measure while they are frozen, or never measure while they learn."""
    data, place = archive(x=pictures(40, 3), y=LABELS)
    recipe = PRESETS[name]
    recipe = replace(recipe, {"data.dataset": data.dataset, "network.backbone.weights": "none"})
    assert call in keras_script(recipe, place).splitlines()
