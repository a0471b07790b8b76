"""MNIST, Fashion-MNIST and CIFAR-10 in their files' own formats, and downloads from a server of the test's own."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import io
import pickle
import socket
import struct
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cnnviz import files
from cnnviz.data import catalogue, download, keras_sets, open_dataset
from cnnviz.data.download import Remote, fetch
from cnnviz.errors import DataError
from tests.conftest import slowness

RNG = np.random.default_rng(4)


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    return tmp_path / "keras" / "datasets"


def test_mnist_from_keras_cache(recipe_data, keras_home) -> None:
    x, y = RNG.integers(0, 256, (50, 28, 28), dtype=np.uint8), (np.arange(50) % 10).astype(np.uint8)
    np.savez(keras_home / "mnist.npz", x_train=x, y_train=y, x_test=x[:20], y_test=y[:20])
    dataset = open_dataset(recipe_data("mnist", validation_share=0))
    assert dataset.title == "MNIST"
    np.testing.assert_array_equal(dataset.splits["train"].image(7)[..., 0], x[7])
    assert {entry.name: entry.ready for entry in catalogue()}["mnist"]


def write_idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


@pytest.fixture
def fashion(keras_home: Path) -> Path:
    folder = keras_home / "fashion-mnist"
    folder.mkdir()
    for prefix, count in (("train", 40), ("t10k", 20)):
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", np.arange(count)[:, None, None] * np.ones((28, 28)))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    return folder


def test_fashion_mnist_reads_idx_files(recipe_data, fashion) -> None:
    dataset = open_dataset(recipe_data("fashion_mnist", validation_share=0))
    assert dataset.heads[0].classes[9] == "Ankle boot"
    assert dataset.splits["train"].image(33).shape == (28, 28, 1)
    assert (dataset.splits["train"].image(33) == 33).all()
    assert dataset.splits["test"].labels["label"].tolist() == [*range(10), *range(10)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("train-labels-idx1-ubyte.gz", b"text"),
        ("train-labels-idx1-ubyte.gz", gzip.compress(b"text and more text")),
        ("train-labels-idx1-ubyte.gz", gzip.compress(struct.pack(">II", 0x0801, 40) + bytes(39))),
        ("train-labels-idx1-ubyte.gz", gzip.compress(struct.pack(">II", 0x0801, 2**31) + bytes(39))),
        ("train-labels-idx1-ubyte.gz", gzip.compress(struct.pack(">II", 0x0801, 40) + bytes([200] * 40))),
        ("train-images-idx3-ubyte.gz", gzip.compress(struct.pack(">IIII", 0x0803, 39, 28, 28) + bytes(39 * 784))),
        ("train-images-idx3-ubyte.gz", gzip.compress(b"")),
    ],
    ids=("not packed", "text", "a label short", "billions", "label 200", "an image short", "empty"),
)
def test_broken_idx_files(recipe_data, fashion, name: str, data: bytes) -> None:
    (fashion / name).write_bytes(data)
    with pytest.raises(DataError, match=r"can't be read|go up to 200|of the shape \(39, 28, 28\)"):
        open_dataset(recipe_data("fashion_mnist")).splits["train"].image(0)


def cifar_batch(labels: np.ndarray) -> bytes:
    """A batch as Python 2 wrote it: protocol 2, byte strings as keys; pixels are channel planes."""
    pixels = np.repeat(labels.astype(np.uint8)[:, None] * 3 + np.arange(3, dtype=np.uint8), 1024, axis=1)
    return pickle.dumps({b"data": pixels, b"labels": labels.tolist(), b"batch_label": b"a batch"}, protocol=2)


@pytest.mark.parametrize("archive", [False, True])
def test_cifar10(recipe_data, keras_home, archive: bool) -> None:
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    if archive:
        with tarfile.open(keras_home / "cifar-10-batches-py-target_archive", "w:gz") as tar:
            for name in names:
                data = cifar_batch(np.arange(20) % 10)
                member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    else:
        folder = keras_home / "cifar-10-batches-py-target" / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(cifar_batch(np.arange(20) % 10))
    dataset = open_dataset(recipe_data("cifar10", validation_share=0))
    assert [len(split) for split in dataset.splits.values()] == [100, 20, 20]
    assert dataset.heads[0].classes[3] == "cat"
    assert dataset.splits["train"].image(25).shape == (32, 32, 3)
    assert dataset.splits["train"].image(25)[4, 5].tolist() == [15, 16, 17]


def test_cifar10_pickles_can_not_run_anything(recipe_data, keras_home, tmp_path) -> None:
    class Touch:
        def __reduce__(self):
            return Path.touch, (tmp_path / "marker",)

    folder = keras_home / "cifar-10-batches-py"
    folder.mkdir()
    for payload in (
        pickle.dumps(Touch()),
        pickle.dumps({b"data": [1], b"labels": [2]}),
        b"text",
        b"",
        pickle.dumps([]),
    ):
        (folder / "data_batch_1").write_bytes(payload)
        with pytest.raises(DataError, match=r"CIFAR-10 in .* can't be read"):
            open_dataset(recipe_data("cifar10"))
    assert not (tmp_path / "marker").exists()


class _Handler(http.server.BaseHTTPRequestHandler):
    body = bytes(range(256)) * 4000

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        body = {"/short": self.body[:1000], "/other": self.body[::-1], "/long": self.body * 2}.get(self.path, self.body)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body) if self.path == "/short" else len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of this machine is there, however long it takes to answer when the machine is busy."""
    monkeypatch.setattr(download, "CONNECT_SECONDS", 120.0)


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def remote(url: str) -> Remote:
    return Remote(url, len(_Handler.body), hashlib.sha256(_Handler.body).hexdigest())


def test_downloads_are_whole_and_tell_their_progress(server, tmp_path) -> None:
    told: list[tuple[str, int, int]] = []
    path = fetch(remote(f"{server}/good"), "a.bin", [tmp_path / "x" / "y"], "It", lambda *args: told.append(args))
    assert path == tmp_path / "x" / "y" / "a.bin"
    assert path.read_bytes() == _Handler.body
    assert told[-1] == ("Downloading It", len(_Handler.body), len(_Handler.body))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert len(told) > 2


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("short", "can't be reached|not the file"),
        ("other", "not the file"),
        ("long", "not the file"),
        ("missing", "404"),
    ],
)
def test_bad_downloads_leave_nothing(server, tmp_path, path: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        fetch(remote(f"{server}/{path}"), "a.bin", [tmp_path / "x"], "It")
    assert list((tmp_path / "x").iterdir()) == []


def test_a_folder_that_can_not_be_written_is_passed_over(server, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = fetch(remote(f"{server}/good"), "a.bin", [tmp_path / "file" / "x", tmp_path / "y"], "It")
    assert path == tmp_path / "y" / "a.bin"
    with pytest.raises(DataError, match=r"can't be saved in .*CNNVIZ_CACHE"):
        fetch(remote(f"{server}/good"), "a.bin", [tmp_path / "file" / "x"], "It")


def test_no_way_to_the_server_is_a_sentence_within_seconds(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(download, "CONNECT_SECONDS", 1.0)
    with socket.socket() as silent:  # accepts connections and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begin = time.monotonic()
        with pytest.raises(DataError, match=r"no answer in 1 seconds.*CNNVIZ_DATA"):
            fetch(remote(f"http://127.0.0.1:{silent.getsockname()[1]}/"), "a.bin", [tmp_path], "It")
        assert time.monotonic() - begin < 5 * slowness()
        port = silent.getsockname()[1]
    with pytest.raises(DataError, match=r"It can't be found on this computer, and .* can't be reached"):
        fetch(remote(f"http://127.0.0.1:{port}/"), "a.bin", [tmp_path], "It")
    assert list(tmp_path.iterdir()) == []


def test_a_set_is_fetched_once_into_keras_cache(recipe_data, keras_home, tmp_path, monkeypatch) -> None:
    """The real loader and a real download, from another address and with that file's digest."""
    site = tmp_path / "site"
    site.mkdir()
    x, y = RNG.integers(0, 256, (50, 28, 28), dtype=np.uint8), (np.arange(50) % 10).astype(np.uint8)
    np.savez(site / "mnist.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        size, sha256 = (site / "mnist.npz").stat().st_size, files.digest(site / "mnist.npz")
        address = Remote(f"http://127.0.0.1:{serving.server_port}/mnist.npz", size, sha256)
        monkeypatch.setattr(keras_sets, "_MNIST", address)
        told: list[tuple] = []
        first = open_dataset(recipe_data("mnist"), progress=lambda *args: told.append(args))
        serving.shutdown()
        thread.join()
    assert told
    assert (keras_home / "mnist.npz").read_bytes() == (site / "mnist.npz").read_bytes()
    again = open_dataset(recipe_data("mnist"))
    np.testing.assert_array_equal(first.splits["train"].image(0), again.splits["train"].image(0))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.data
def test_real_sets_have_their_sizes(recipe_data, data_root, monkeypatch) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", str(data_root))
    for name in ("mnist", "fashion_mnist"):
        dataset = open_dataset(recipe_data(name, validation_share=0))
        assert [len(split) for split in dataset.splits.values()] == [60_000, 10_000, 10_000]
        assert dataset.splits["train"].image(59_999).shape == (28, 28, 1)
    assert dataset.counts("train", "label").tolist() == [6000] * 10
