"""Archives of arrays: every accepted form, and every refusal before an array is read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cnnviz.data import open_dataset, prepare
from cnnviz.data.layouts import npz
from cnnviz.errors import DataError

RNG = np.random.default_rng(3)
X = RNG.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
Y = np.arange(30) % 3


def save(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    "keys",
    [
        ("X_train", "y_train", "X_test", "y_test"),
        ("x_train", "Y_train", "x_test", "Y_TEST"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
def test_four_arrays(recipe_data, tmp_path, keys: tuple[str, ...]) -> None:
    path = save(tmp_path / "a.npz", **dict(zip(keys, (X, Y, X[:9], Y[:9]), strict=True)))
    dataset = open_dataset(recipe_data(path, validation_share=0.2))
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 24, "validation": 6, "test": 9}
    for name in ("train", "validation"):
        split = dataset.splits[name]
        for i in range(len(split)):
            np.testing.assert_array_equal(split.image(i), X[split.rows[i]])
            assert split.labels["label"][i] == Y[split.rows[i]]
            assert split.name_of(i) == f"#{split.rows[i]}"
    assert dataset.heads[0].classes == ("0", "1", "2")


def test_images_and_labels(recipe_data, tmp_path) -> None:
    dataset = open_dataset(recipe_data(save(tmp_path / "a.npz", images=X, labels=Y)))
    assert sorted(dataset.splits) == ["test", "train", "validation"]
    assert sum(len(split) for split in dataset.splits.values()) == 30


def test_validation_arrays_and_class_names(recipe_data, tmp_path) -> None:
    names = np.array(["cat", "dog", "<b>owl</b>\n"])
    path = save(tmp_path / "a.npz", x_train=X, y_train=Y, x_val=X[:6], y_val=Y[:6], class_names=names)
    dataset = open_dataset(recipe_data(path))
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 30, "validation": 6}
    assert dataset.heads[0].classes == ("cat", "dog", "<b>owl</b>\\n")


@pytest.mark.parametrize(
    "labels",
    [Y.astype(np.uint8), Y[:, None], Y.astype(np.float32), np.eye(3)[Y], np.eye(3, dtype=bool)[Y]],
    ids=["uint8", "column", "float", "one-hot", "bool"],
)
def test_labels_in_all_forms(recipe_data, tmp_path, labels: np.ndarray) -> None:
    dataset = open_dataset(recipe_data(save(tmp_path / "a.npz", X_train=X, y_train=labels, X_test=X, y_test=labels)))
    np.testing.assert_array_equal(dataset.splits["test"].labels["label"], Y)
    assert dataset.splits["test"].labels["label"].dtype == np.int64


def test_text_labels(recipe_data, tmp_path) -> None:
    text = np.array(["owl", "cat", "dog"])[Y]
    dataset = open_dataset(recipe_data(save(tmp_path / "a.npz", X_train=X, y_train=text, X_test=X, y_test=text)))
    assert dataset.heads[0].classes == ("cat", "dog", "owl")
    assert [dataset.heads[0].classes[k] for k in dataset.splits["test"].labels["label"]] == list(text)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (X / 255, X),
        ((X / 255).astype(np.float16), X),
        (X.astype(np.float64), X),
        (X.astype(np.int64), X),
        (X.astype(np.uint16) * 257, X),
        (X[..., 0], X[..., :1]),
        (np.dstack([X.reshape(30, 64, 3), np.full((30, 64, 1), 255)]).reshape(30, 8, 8, 4).astype(np.uint8), X),
        (np.concatenate([X, np.zeros_like(X[..., :1])], axis=3), np.full_like(X, 255)),
    ],
    ids=["0..1", "float16", "float64", "int64", "uint16", "grey", "opaque", "transparent"],
)
def test_pixels_in_all_forms(recipe_data, tmp_path, stored: np.ndarray, expected: np.ndarray) -> None:
    dataset = open_dataset(recipe_data(save(tmp_path / "a.npz", X_train=stored, y_train=Y, X_test=stored, y_test=Y)))
    assert dataset.splits["test"].image(0).dtype == np.uint8
    np.testing.assert_array_equal(np.stack([dataset.splits["test"].image(i) for i in range(30)]), expected)


def test_dark_test_images_keep_the_training_scale(recipe_data, tmp_path) -> None:
    """Test values of at most 1 mean black where the training images reach 255."""
    path = save(tmp_path / "a.npz", X_train=X.astype(float), y_train=Y, X_test=np.ones((6, 8, 8, 3)), y_test=Y[:6])
    assert open_dataset(recipe_data(path)).splits["test"].image(0).max() == 1


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X_train": X, "X_test": X}, "images \\(X_train\\) but no labels 'y_train'.*X_train, X_test"),
        ({"images": X}, "no labels 'labels'"),
        ({"a": X, "b": Y}, "but a, b: expected X_train and y_train"),
        ({"X_test": X, "y_test": Y}, "expected X_train and y_train"),
        ({"X_train": X, "y_train": Y[:20]}, "30 images but there are 20 labels"),
        ({"X_train": X, "y_train": Y - 1}, "train labels have -1, out of range: expected 0 to 1"),
        ({"X_train": X, "y_train": Y, "X_test": X, "y_test": Y + 1}, "test labels have 3, out of range: .* 0 to 2"),
        ({"X_train": X, "y_train": Y + 1}, "no training label is 0"),
        ({"X_train": X, "y_train": Y * 10**12}, "no training label is 1.*without gaps"),
        ({"X_train": X, "y_train": Y, "class_names": np.array(["a", "b"])}, "have 2, out of range.*class names"),
        ({"X_train": X, "y_train": Y * 0}, "All training samples of .* are '0'"),
        ({"X_train": X, "y_train": Y + 0.5}, "aren't whole numbers"),
        ({"X_train": X, "y_train": Y * np.nan}, "aren't whole numbers"),
        ({"X_train": X, "y_train": np.ones((30, 3))}, "aren't one-hot"),
        ({"X_train": X, "y_train": np.ones((30, 3, 2))}, r"shape \(30, 3, 2\)"),
        ({"X_train": X, "y_train": np.array(5)}, r"shape \(\)"),
        ({"X_train": X, "y_train": Y[:0]}, r"shape \(0,\)"),
        ({"X_train": X[:, 0, 0], "y_train": Y}, r"shape \(30, 3\); expected"),
        ({"X_train": X[..., :2], "y_train": Y}, r"shape \(30, 8, 8, 2\); expected"),
        ({"X_train": X[:, :0], "y_train": Y}, r"shape \(30, 0, 8, 3\); expected"),
        ({"X_train": np.moveaxis(X, -1, 1), "y_train": Y}, "channels first.*moveaxis"),
        ({"X_train": np.zeros((30, 8, 8), "U3"), "y_train": Y}, "type <U3; expected numbers"),
        ({"X_train": np.zeros((30, 8, 8), complex), "y_train": Y}, "complex128"),
    ],
)
def test_refusals(recipe_data, tmp_path, arrays: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        open_dataset(recipe_data(save(tmp_path / "a.npz", **arrays)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values", [X / 127.5 - 1, X * 2.0, X.astype(np.int64) - 5, X * np.nan, X.astype(np.int64) * 1000]
)
def test_pixel_ranges_are_refused_when_images_are_read(recipe_data, tmp_path, values: np.ndarray) -> None:
    dataset = open_dataset(recipe_data(save(tmp_path / "a.npz", X_train=values, y_train=Y, X_test=values, y_test=Y)))
    with pytest.raises(DataError, match=r"have values from .* expected 0..1"):
        prepare(dataset.splits["test"], recipe_data(tmp_path))


def test_pickles_are_never_opened(recipe_data, tmp_path) -> None:
    class Touch:
        def __reduce__(self):
            return Path.touch, (tmp_path / "marker",)

    ragged = np.empty(30, object)
    ragged[:] = [Touch() for _ in range(30)]
    for arrays in ({"X_train": ragged, "y_train": Y}, {"X_train": X, "y_train": ragged}):
        with pytest.raises(DataError, match="Python objects"):
            open_dataset(recipe_data(save(tmp_path / "a.npz", **arrays)))
    assert not (tmp_path / "marker").exists()


def raw(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def npy(shape: tuple[int, ...], body: bytes, descr: str = "|u1") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue() + body


def nested(brackets: int) -> bytes:
    """A header of so many brackets."""
    header = b"(" * brackets
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"X_train.npy": npy((10**6, 10**6), b""), "y_train.npy": npy((1,), b"0")}, "931.3 GB; at most 8 GB"),
        ({"X_train.npy": npy((2**70, 2**70), b""), "y_train.npy": npy((1,), b"0")}, "GB; at most 8 GB"),
        ({"X_train.npy": npy((30, 8, 8), bytes(7)), "y_train.npy": npy((1,), b"0")}, "damaged: its header says 1,920"),
        ({"X_train.npy": b"nonsense", "y_train.npy": b""}, "can't be read as an .npz file"),
        ({"X_train.npy": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, "y_train.npy": b""}, "can't be read as an .npz"),
        ({"X_train.npy": nested(9000), "y_train.npy": b""}, "can't be read as an .npz"),
        ({"X_train.npy": npy((30, True), b""), "y_train.npy": b""}, "damaged: its header says uint8 of the shape"),
        ({"X_train.npy": npy((30, 8, 8), bytes(1920)), "y_train.npy": npy((10**9,), b"", "|S0")}, "header says |S0"),
        ({"X_train.npy": npy((30, 8, 8), bytes(1920)), "y_train.npy": npy((10**9,), b"", "<U0")}, "header says <U0"),
        (
            {"X_train.npy": npy((30, 8, 8), bytes(1920)), "y_train.npy": npy((9 * 10**6,), bytes(9 * 10**6), "|S1")},
            "30 images but there are 9,000,000 labels",
        ),
        (
            {
                "X_train.npy": npy((30, 8, 8), bytes(1920)),
                "y_train.npy": npy((30,), b"0123456789" * 3, "|S1"),
                "class_names.npy": npy((9 * 10**6,), bytes(9 * 10**6), "|S1"),
            },
            "names 9,000,000 classes; at most 10,000",
        ),
        (
            {
                "X_train.npy": npy((10_001, 1, 1), bytes(10_001)),
                "y_train.npy": npy((10_001,), np.arange(10_001, dtype="<u4").tobytes(), "<u4"),
            },
            "has 10,001 classes of label; at most 10,000",
        ),
        (
            {
                "X_train.npy": npy((30_000_000, 1, 1), bytes(30_000_000)),
                "y_train.npy": npy((30_000_000,), bytes(30_000_000)),
            },
            "are 30,000,000 of 1 bytes; at most 20,000,000",
        ),
        ({"readme.txt": b"hello"}, "no arrays at all"),
        ({}, "no arrays at all"),
    ],
)
def test_hostile_headers(recipe_data, tmp_path, members: dict[str, bytes], words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_dataset(recipe_data(raw(tmp_path / "a.npz", members)))


def test_other_bytes_under_the_name(recipe_data, tmp_path) -> None:
    path = tmp_path / "a.npz"
    whole = save(tmp_path / "whole.npz", X_train=X, y_train=Y, X_test=X, y_test=Y).read_bytes()
    for data in (b"", b"text", whole[: len(whole) // 2], np.lib.format.MAGIC_PREFIX):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"can't be read as an .npz file"):
            open_dataset(recipe_data(path))


def test_mutated_archives_end_in_data_or_a_sentence(recipe_data, tmp_path) -> None:
    whole = save(tmp_path / "whole.npz", X_train=X, y_train=Y, X_test=X[:9], y_test=Y[:9]).read_bytes()
    path, opened = tmp_path / "a.npz", 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(int(RNG.integers(1, 6))):
            data[int(RNG.integers(len(data)))] = int(RNG.integers(256))
        path.write_bytes(data)
        try:
            prepare(open_dataset(recipe_data(path)).splits["train"], recipe_data(path))
            opened += 1
        except DataError:
            continue
    assert opened < 300


def test_only_labels_are_read_at_first(recipe_data, tmp_path) -> None:
    """The images' bytes are damaged, which is found out when one is asked for."""
    path = save(tmp_path / "a.npz", X_train=X, y_train=Y, X_test=X, y_test=Y)
    data = bytearray(path.read_bytes())
    data[1000] ^= 255
    path.write_bytes(data)
    dataset = open_dataset(recipe_data(path))
    assert dataset.counts("test", "label").tolist() == [10, 10, 10]
    with pytest.raises(DataError, match="X_train"):
        dataset.splits["train"].image(0)
    assert npz.headers(path)["x_train"].shape == (30, 8, 8, 3)
