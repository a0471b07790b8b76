"""The part of a standalone script that reads data gives the very splits that cnnviz makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnviz import images
from cnnviz.codegen.data import reading
from cnnviz.codegen.script import keras_script
from cnnviz.data import open_dataset
from cnnviz.data.resolve import place_of
from cnnviz.data.split_images import prepare
from cnnviz.errors import RecipeError
from cnnviz.presets import PRESETS
from cnnviz.recipe import CROPS, SPLITS, Data, replace

SIDE = 8


def noise(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, *shape), np.uint8)


def of_script(data: Data, place: Path | None, heads: tuple[str, ...] = ("label",), **more: bool) -> dict[str, Any]:
    """What the script's part leaves behind when it is carried out where there is no cnnviz."""
    import keras

    made: dict[str, Any] = {"np": np, "keras": keras}
    imports, text = reading(data, place, heads, **more)
    assert "cnnviz" not in "".join(imports)
    exec(compile("\n".join([*imports, text]), "script", "exec"), made)
    return made


def same(data: Data, place: Path | None, *heads: str) -> dict[str, Any]:
    """Compares every split with cnnviz's own, image by image."""
    heads = heads or ("label",)
    made, dataset = of_script(data, place, heads), open_dataset(data, heads)
    for split in SPLITS:
        own = dataset.splits.get(split, dataset.splits["validation"])
        shown, labels = made[split]
        found = prepare(own, data)
        for head in heads:
            given = labels if len(heads) == 1 else labels[head]
            np.testing.assert_array_equal(given, own.labels[head][found.kept], err_msg=f"{split} {head}")
        np.testing.assert_array_equal(shown, found.array, err_msg=split)
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
    made = same(*archive(images=noise(40), labels=LABELS))
    assert [len(made[split][1]) for split in SPLITS] == [26, 6, 8]


def test_given_splits_stay_and_names_are_those_of_the_file(archive) -> None:
    more = {"X_test": noise(6, 3, seed=2), "y_test": np.arange(6) % 3}
    same(*archive(X_train=noise(40, 3), y_train=LABELS, **more))
    data, place = archive(Train_Images=noise(40, 3), train_labels=LABELS, x_val=more["X_test"], y_val=more["y_test"])
    made = of_script(data, place)
    assert made["test"] is made["validation"]
    assert len(made["train"][1]) == 40


def test_other_numbers_and_labels_are_understood(archive) -> None:
    probabilities, names = noise(40, 3).astype(np.float32) / 255, np.array(["cat", "dog", "eel"])[LABELS]
    same(*archive(x=probabilities, y=np.eye(3, dtype=int)[LABELS]))
    same(*archive(x=noise(40, 4), y=names))
    same(*archive(x=noise(40).astype(np.uint16) * 257, y=LABELS[:, None]))


def test_limits_take_the_same_samples(archive) -> None:
    limits = {"limits": {"train": 20, "test": 4}}
    for labels in (LABELS, np.sort(LABELS)):
        data, place = archive(x_train=noise(40), y_train=labels, x_test=noise(9), y_test=np.arange(9) % 3)
        same(Data.model_validate(data.model_dump() | limits | {"validation_share": 0}), place)
        same(Data.model_validate(data.model_dump() | limits), place)


def test_a_folder_is_read_as_cnnviz_reads_it(tmp_path: Path) -> None:
    for at, (split, name) in enumerate((s, n) for s in ("train", "test") for n in ("a b", "it's")):
        place = tmp_path / "set" / split / name
        (place / "deeper").mkdir(parents=True)
        for number, image in enumerate(noise(11, 3, seed=at)):
            (place / f"{number}.{'tif' if number == 3 else 'png'}").write_bytes(images.to_png(image))
        (place / "deeper" / "x.png").write_bytes(images.to_png(noise(1, 3)[0]))
        (place / "notes.txt").write_text("none")
    made = same(Data(dataset=str(tmp_path / "set"), image_size=SIDE, validation_share=0.2), tmp_path / "set")
    assert len(made["test"][1]) == 24


def test_odd_images_are_read_as_cnnviz_reads_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Turned by EXIF, transparent in three ways, of 16 bits, of floats, with palettes; a broken one is left out."""
    rng = np.random.default_rng(3)
    rgb, alpha = rng.integers(0, 256, (12, 16, 3), np.uint8), rng.integers(0, 256, (12, 16, 4), np.uint8)
    deep, floats = rng.integers(0, 65_536, (12, 16), np.uint16), rng.normal(size=(12, 16)).astype(np.float32)
    turned = Image.Exif()
    turned[0x0112] = 6
    for name in ("a", "b"):
        place = tmp_path / "odd" / name
        place.mkdir(parents=True)
        Image.fromarray(rgb).save(place / "turned.jpg", exif=turned)
        Image.fromarray(rgb).save(place / "turned.tif", tiffinfo={0x0112: 3})
        Image.fromarray(rgb).quantize(9).save(place / "palette.gif", transparency=2)
        Image.fromarray(rgb).convert("CMYK").save(place / "cmyk.jpg")
        Image.fromarray(alpha).save(place / "clear.png")
        Image.fromarray(alpha).convert("LA").save(place / "grey.png")
        Image.fromarray(deep).save(place / "deep.png")
        Image.fromarray(deep).save(place / "clear_grey.png", transparency=int(deep[0, 0]))
        Image.fromarray(deep.astype(np.int32) * 9).save(place / "integers.tif")
        for at, scale in enumerate((1, 200)):
            Image.fromarray(np.abs(floats / 4).clip(0, 1) * scale).save(place / f"floats{at}.tif")
        Image.fromarray(floats).save(place / "negative.tif")
        (place / "broken.png").write_bytes((place / "clear.png").read_bytes()[:200])
    for channels in (1, 3):
        data = Data(dataset=str(tmp_path / "odd"), image_size=(7, 9), channels=channels, test_share=0.3)
        made = same(data, tmp_path / "odd")
        assert sum(len(made[split][0]) for split in SPLITS) == 24
        assert capsys.readouterr().out.count("broken.png is left out") == 2


def test_images_of_any_size_are_resized_to_the_bit(tmp_path: Path) -> None:
    """Larger and smaller, by whole factors and not, to each side by itself; see `images.fit` on which way is taken."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number, image in enumerate(noise(4, 3)):
            (tmp_path / name / f"{number}.png").write_bytes(images.to_png(image))
    for crop in CROPS:
        made = of_script(Data(dataset=str(tmp_path), image_size=SIDE, crop=crop, test_share=0.25), tmp_path)
        for _ in range(40):
            size = tuple(map(int, rng.integers(4, 60, 2)))
            given = np.maximum(1, size * rng.choice([0.3, 0.99, 1, 1.7, 2, 3, 4.3, 6], 2)).astype(int)
            image = rng.integers(0, 256, (*given, 3), np.uint8)
            made["SIZE"] = size
            expected = images.fit(image, size, crop=crop)
            np.testing.assert_array_equal(made["fit"](image[None])[0], expected, err_msg=f"{image.shape} {size}")


@pytest.mark.parametrize("size", [(8, 8), (12, 10)])
def test_the_digits_are_scikit_learns(size: tuple[int, int]) -> None:
    made = same(replace(PRESETS["Q"], {"data.image_size": size}).data, None)
    assert "from sklearn.datasets import load_digits" in reading(PRESETS["Q"].data, None)[0]
    assert len(made["test"][1]) == 359


HEADS = ("Smiling", "Male")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CelebA's layout: 60 faces of its size with three attributes; one file is missing, one broken, one not listed."""
    folder, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    (folder / "img_align_celeba").mkdir()
    names = [f"{number:06}.jpg" for number in range(1, 61)]
    for name in names:
        image = np.kron(rng.integers(0, 256, (11, 9, 3), np.uint8), np.ones((20, 20, 1), np.uint8))[:218, :178]
        Image.fromarray(image).save(folder / "img_align_celeba" / name)
    rows = [f"{name} {' '.join(str(one) for one in rng.choice([1, -1], 3))}" for name in names]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["60", "Male Young Smiling", *rows]) + "\n")
    partition = [f"{name} {at // 36 + at // 48}" for at, name in enumerate(names)]
    (folder / "list_eval_partition.txt").write_text("\n".join(partition[:-1]) + "\n")
    (folder / "img_align_celeba" / names[3]).unlink()
    (folder / "img_align_celeba" / names[7]).write_bytes(b"no picture")
    return folder


def of_faces(folder: Path, **more: Any) -> Data:
    return Data(dataset=str(folder), image_size=(20, 16), **more)


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("channels", [1, 3])
def test_faces_are_cut_as_cnnviz_cuts_them(crop: str, channels: int, faces: Path) -> None:
    made = same(of_faces(faces, crop=crop, channels=channels), faces, *HEADS)
    assert [len(made[split][0]) for split in SPLITS] == [34, 12, 11]
    same(of_faces(faces, crop=crop, channels=channels), faces, "Male")


@pytest.mark.parametrize("size", [(20, 16), (16, 20), (64, 64), (100, 20)])
def test_whole_images_are_kept_for_windows(size: tuple[int, int], faces: Path) -> None:
    data = of_faces(faces, crop="face").model_copy(update={"image_size": size})
    made = of_script(data, faces, HEADS, margin=True)
    own = prepare(open_dataset(data, HEADS).splits["train"], data, whole=True)
    np.testing.assert_array_equal(made["train"][0], own.array)
    assert made["train"][0].shape[1:3] == {(64, 64): (78, 64), (20, 16): (20, 16)}.get(size, own.array.shape[1:3])
    assert made["test"][0].shape[1:3] == size


@pytest.mark.parametrize(
    "more",
    [
        {"balanced": True},
        {"balanced": True, "limits": {"train": 9, "test": 6}},
        {"limits": {"train": 10, "validation": 3}},
        {"without": ("000001.jpg", "000050.jpg"), "limits": {"train": 12}},
    ],
)
def test_faces_are_balanced_limited_and_left_out_alike(more: dict, faces: Path) -> None:
    for heads in (HEADS, ("Male",)):
        same(of_faces(faces, **more), faces, *heads)


@pytest.mark.parametrize("share", [0, 0.2])
def test_faces_of_the_training_split_alone_are_divided(share: float, faces: Path, tmp_path: Path) -> None:
    """By the combination of both heads' classes."""
    for name in ("img_align_celeba", "list_attr_celeba.txt"):
        (tmp_path / name).symlink_to(faces / name)
    partition = (faces / "list_eval_partition.txt").read_text()
    for kept in (("0",), ("0", "1"), ("0", "2")):
        lines = [line for line in partition.splitlines() if line[-1] in kept]
        (tmp_path / "list_eval_partition.txt").write_text("\n".join(lines))
        same(of_faces(tmp_path, validation_share=share), tmp_path, *HEADS)


def test_attributes_that_are_not_there_are_named(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CelebA itself, if it isn't here, may lie elsewhere: the script says where it looks."""
    with pytest.raises(RecipeError, match="has no attribute 'Smyling': choose one of Male, Young, Smiling"):
        reading(of_faces(faces), faces, ("Smyling",))
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    imports, text = reading(PRESETS["B2"].data, place_of("celeba"), ("Male", "Smiling"))
    with pytest.raises(SystemExit, match=r"CelebA is not in .*celeba: set FOLDER in this script"):
        exec("\n".join([*imports, text]), {"np": np})
    (tmp_path / "celeba").symlink_to(faces)
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path))
    assert repr(str(tmp_path / "celeba")) in reading(PRESETS["B2"].data, place_of("celeba"), ("Male", "Smiling"))[1]


def test_images_are_left_out_by_their_names(archive, tmp_path: Path) -> None:
    """By numbers of an array's images, with the split's name before where there are several, and by files' names."""
    data, place = archive(images=noise(40), labels=LABELS)
    same(data.model_copy(update={"without": ("#3", "validation:#20", "test:#21")}), place)
    data, place = archive(x_train=noise(40), y_train=LABELS, x_test=noise(9), y_test=np.arange(9) % 3)
    made = same(data.model_copy(update={"without": ("test:#3", "train:#3", "#30"), "balanced": True}), place)
    assert len(made["test"][1]) == 6
    for split, name in ((s, n) for s in ("train", "test") for n in ("a", "b\tc")):
        (tmp_path / "set" / split / name).mkdir(parents=True)
        for number, image in enumerate(noise(6, 3)):
            (tmp_path / "set" / split / name / f"{number}.png").write_bytes(images.to_png(image))
    without = ("train/a/2.png", "test/b\\tc/0.png")
    data = Data(dataset=str(tmp_path / "set"), image_size=SIDE, validation_share=0.2, without=without)
    assert len(same(data, tmp_path / "set")["test"][1]) == 11


def edited(data: Data, **edits: Any) -> Data:
    return Data.model_validate(data.model_dump() | edits)


@pytest.mark.parametrize("more", [{}, {"limits": {"train": 12, "test": 5}}, {"balanced": True}])
def test_images_are_relabelled_and_moved_alike(more: dict, archive, tmp_path: Path) -> None:
    """Within one array, between two, and of files; with all of it at once."""
    data, place = archive(images=noise(40), labels=np.sort(LABELS))
    names = [f"#{number}" for number in range(40)]
    labels = {"#2": {"label": "2"}, "#30": {"label": "0"}}
    splits = dict.fromkeys(names[:9], "test") | dict.fromkeys(names[25:29], "train") | {"#30": "validation"}
    same(edited(data, labels=labels, splits=splits, without=["#3", "#39"], **more), place)

    data, place = archive(x_train=noise(40), y_train=LABELS, x_test=noise(9, seed=2), y_test=np.arange(9) % 3)
    labels = {"test:#3": {"label": "1"}, "train:#3": {"label": "2"}}
    splits = {"test:#3": "train", "test:#0": "validation", "#30": "test", "validation:#5": "test", "#31": "train"}
    for share in (0.2, 0):
        wanted = edited(data, labels=labels, splits=splits, without=["test:#8"], validation_share=share, **more)
        made = same(wanted, place)
        if not more:
            assert len(made["test"][1]) == 8  # without a share "validation:#5" is one of the test split already

    for split, name in ((s, n) for s in ("train", "test") for n in ("a", "b")):
        (tmp_path / "set" / split / name).mkdir(parents=True)
        for number, image in enumerate(noise(12, 3, seed=len(split + name))):
            (tmp_path / "set" / split / name / f"{number:02}.png").write_bytes(images.to_png(image))
    data = Data(dataset=str(tmp_path / "set"), image_size=SIDE, validation_share=0.2)
    splits = {"train/a/03.png": "test", "test/b/04.png": "train", "test/a/05.png": "validation"}
    same(edited(data, labels={"train/a/03.png": {"label": "b"}}, splits=splits, **more), tmp_path / "set")


def test_faces_are_relabelled_and_moved_alike(faces: Path) -> None:
    labels = {"000001.jpg": {"Male": "Male"}, "000002.jpg": {"Male": "not Male", "Young": "Young"}}
    data = edited(of_faces(faces), labels=labels, splits={"000003.jpg": "test", "000055.jpg": "train"})
    for heads in (HEADS, ("Male",), ("Smiling",)):
        same(data, faces, *heads)


def test_a_class_that_there_is_not_is_refused(archive) -> None:
    data, place = archive(images=noise(40), labels=LABELS)
    with pytest.raises(RecipeError, match=r"gives '#1' the class '7', which label doesn't have: choose one of 0, 1, 2"):
        reading(edited(data, labels={"#1": {"label": "7"}}), place)


def test_arrays_of_different_shapes_are_not_joined(archive) -> None:
    more = {"x_test": np.zeros((9, 9, 9), np.uint8), "y_test": np.arange(9) % 3}
    data, place = archive(x_train=noise(40), y_train=LABELS, **more)
    same(data, place)
    with pytest.raises(RecipeError, match="arrays of different shapes, as set"):
        reading(edited(data, splits={"test:#0": "train"}), place)


def test_data_with_one_label_has_no_second_head(archive) -> None:
    data, place = archive(x=noise(40, 3), y=LABELS)
    with pytest.raises(RecipeError, match="has one label an image, called 'label', but the model learns a, b"):
        reading(data, place, ("a", "b"))


def test_an_archive_without_known_names_is_refused(archive) -> None:
    with pytest.raises(RecipeError, match="no training images and labels"):
        reading(*archive(pixels=noise(4), truth=LABELS[:4]))


@pytest.mark.parametrize(
    ("name", "call"), [("M5", "x = backbone(x, training=False)"), ("M6", "x = backbone(x)"), ("E4", "x = backbone(x)")]
)
def test_only_a_backbone_that_stays_frozen_is_held_in_prediction(name: str, call: str, archive) -> None:
    """Its batch normalisations would otherwise measure while they are frozen, or never measure while they learn."""
    data, place = archive(x=noise(40, 3), y=LABELS)
    recipe = PRESETS[name]
    recipe = replace(recipe, {"data.dataset": data.dataset, "network.backbone.weights": "none"})
    assert call in keras_script(recipe, place).splitlines()


def test_folds_are_dealt_as_cnnviz_does(archive, tmp_path: Path) -> None:
    """Of training images alone, of a validation split with them, of arrays and of folders, with limits."""
    fold = {"fold": [2, 4]}
    data, place = archive(images=noise(40), labels=LABELS)
    made = same(Data.model_validate(data.model_dump() | fold), place)
    assert [len(made[split][1]) for split in SPLITS] == [24, 8, 8]
    more = {
        "x_val": noise(12, seed=2),
        "y_val": np.arange(12) % 3,
        "x_test": noise(6, seed=3),
        "y_test": np.arange(6) % 3,
    }
    data, place = archive(x_train=noise(40), y_train=np.sort(LABELS), **more)
    for extra in ({}, {"limits": {"train": 20}}, {"balanced": True}):
        same(Data.model_validate(data.model_dump() | fold | extra), place)
    with pytest.raises(RecipeError, match="No script can be written that changes single images of a validation split"):
        same(Data.model_validate(data.model_dump() | fold | {"without": ["validation:#3"]}), place)
    for at, (split, name) in enumerate((s, n) for s in ("train", "val", "test") for n in ("a", "b")):
        (tmp_path / "set" / split / name).mkdir(parents=True)
        for number, image in enumerate(noise(11, 3, seed=at)):
            (tmp_path / "set" / split / name / f"{number}.png").write_bytes(images.to_png(image))
    edits = {"without": ["val/a/3.png"], "splits": {"train/b/2.png": "validation"}}
    for extra in ({}, {"limits": {"train": 10}}, edits, edits | {"limits": {"train": 10}}):
        whole = Data(dataset=str(tmp_path / "set"), image_size=SIDE)
        same(Data.model_validate(whole.model_dump() | fold | extra), tmp_path / "set")
