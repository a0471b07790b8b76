"""MNIST, Fashion-MNIST and CIFAR-10: from `CNNVIZ_DATA`, else from Keras's cache, else downloaded into it."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import io
import os
import pickle
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from cnnviz.data.bundled import DIGIT_FLIPS, DIGIT_NAMES
from cnnviz.data.dataset import Arrays, Dataset, Head, Split
from cnnviz.data.download import Remote, fetch, keras_folders
from cnnviz.data.layouts.npz import load_npz
from cnnviz.errors import DataError
from cnnviz.files import folder_in
from cnnviz.progress import Progress

__all__ = ["CLASSES", "data_root", "load_cifar10", "load_fashion_mnist", "load_mnist", "locate"]

_GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_MNIST = Remote(f"{_GOOGLE}mnist.npz", 11_490_434, "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1")
_FASHION = {
    "train-labels-idx1-ubyte.gz": (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "train-images-idx3-ubyte.gz": (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "t10k-labels-idx1-ubyte.gz": (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    "t10k-images-idx3-ubyte.gz": (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
}
_FASHION_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_CIFAR = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    170_498_071,
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)
_CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CLASSES = {"mnist": DIGIT_NAMES, "fashion_mnist": _FASHION_NAMES, "cifar10": _CIFAR_NAMES}
_CIFAR_FOLDER = "cifar-10-batches-py"
_PLACES = {
    "mnist": ("mnist.npz",),
    "fashion_mnist": ("fashion-mnist", "fashion_mnist"),
    "cifar10": (
        _CIFAR_FOLDER,
        f"{_CIFAR_FOLDER}-target/{_CIFAR_FOLDER}",
        f"{_CIFAR_FOLDER}-target_archive",
        "cifar-10-python.tar.gz",
        f"{_CIFAR_FOLDER}.tar.gz",
    ),
}


def data_root() -> Path | None:
    """Returns the folder that `CNNVIZ_DATA` names, or `None` where it isn't set."""
    folder = folder_in("CNNVIZ_DATA")
    return Path(os.path.abspath(folder)) if folder else None


def locate(name: str) -> Path | None:
    """Returns where a set's file or folder lies on this computer, or `None`."""
    root = data_root()
    for folder in (*((root,) if root else ()), *keras_folders()):
        for place in _PLACES[name]:
            path: Path = folder / place
            whole = all((path / n).is_file() for n in _FASHION) if name == "fashion_mnist" else path.exists()
            if whole:
                return path
    return None


def load_mnist(progress: Progress | None = None) -> Dataset:
    """Returns MNIST: 60,000 and 10,000 handwritten digits, 28×28 grey."""
    path = locate("mnist") or fetch(_MNIST, "mnist.npz", keras_folders(), "MNIST", progress)
    return dataclasses.replace(
        load_npz(path, "mnist"),
        title="MNIST",
        source="70,000 handwritten digits (LeCun, Cortes and Burges 1998; CC BY-SA 3.0).",
        heads=(Head("label", DIGIT_NAMES),),
        unsafe_steps=DIGIT_FLIPS,
    )


def load_fashion_mnist(progress: Progress | None = None) -> Dataset:
    """Returns Fashion-MNIST: 60,000 and 10,000 images of clothes, 28×28 grey."""
    folder = locate("fashion_mnist")
    if folder is None:
        places = [place / "fashion-mnist" for place in keras_folders()]
        for name, (size, sha256) in _FASHION.items():
            folder = fetch(Remote(_GOOGLE + name, size, sha256), name, places, "Fashion-MNIST", progress).parent
            places = [folder]
        assert folder is not None  # there are files to fetch

    def part(split: str, prefix: str) -> Split:
        labels = _idx(folder / f"{prefix}-labels-idx1-ubyte.gz", 1).astype(np.int64)
        if labels.max(initial=0) >= len(_FASHION_NAMES):
            raise DataError(f"Fashion-MNIST's {split} labels in {folder} go up to {labels.max()}; expected 0 to 9.")
        source = Arrays(lambda: _images(folder / f"{prefix}-images-idx3-ubyte.gz", len(labels)))
        return Split(split, {"label": labels}, source, np.arange(len(labels)))

    return Dataset(
        name="fashion_mnist",
        title="Fashion-MNIST",
        source="70,000 images of clothes from Zalando's shop (Xiao, Rasul and Vollgraf 2017; MIT).",
        heads=(Head("label", _FASHION_NAMES),),
        splits={"train": part("train", "train"), "test": part("test", "t10k")},
    )


def _images(path: Path, count: int) -> np.ndarray:
    images = _idx(path, 3)
    if images.shape != (count, 28, 28):
        raise DataError(f"{path} has images of the shape {images.shape}; expected ({count}, 28, 28).")
    return images[..., None]


def _idx(path: Path, dimensions: int) -> np.ndarray:
    """Reads LeCun's IDX format, uint8: 0, 0, 8, dimensions, then each size as a big-endian uint32, then the bytes."""
    try:
        with gzip.open(path) as file:
            head = file.read(4 + 4 * dimensions)
            magic, *shape = struct.unpack(f">{1 + dimensions}I", head)
            size = int(np.prod([int(n) for n in shape], dtype=object))
            if magic != 0x0800 + dimensions or size > 2**30:
                raise ValueError("it is not an IDX file of bytes")
            data = file.read(size + 1)
        if len(data) != size:
            raise ValueError("it has not as many bytes as its header says")
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{path} can't be read ({error}): delete it, and it is fetched again.") from None
    return np.frombuffer(data, np.uint8).reshape(shape)


def load_cifar10(progress: Progress | None = None) -> Dataset:
    """Returns CIFAR-10: 50,000 and 10,000 images of ten kinds of things, 32×32 RGB."""
    path = locate("cifar10")
    if path is None:
        path = fetch(_CIFAR, f"{_CIFAR_FOLDER}-target_archive", keras_folders(), "CIFAR-10", progress)
    parts = functools.lru_cache(maxsize=1)(lambda: _cifar(path, progress))

    def part(split: str, labels: np.ndarray) -> Split:
        return Split(split, {"label": labels}, Arrays(lambda: parts()[split][0]), np.arange(len(labels)))

    return Dataset(
        name="cifar10",
        title="CIFAR-10",
        source="60,000 images of animals and vehicles (A. Krizhevsky 2009), from cs.toronto.edu.",
        heads=(Head("label", _CIFAR_NAMES),),
        splits={split: part(split, labels) for split, (_, labels) in parts().items()},
    )


def _cifar(path: Path, progress: Progress | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"train": [], "test": []}
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    try:
        with _members(path) as member:
            for done, name in enumerate(names):
                if progress is not None:
                    progress("Reading CIFAR-10", done, len(names))
                batch = _Plain(member(name), encoding="bytes").load()
                pixels, labels = np.asarray(batch[b"data"]), np.asarray(batch[b"labels"], np.int64)
                if (
                    pixels.dtype != np.uint8
                    or pixels.shape != (len(labels), 3072)
                    or not ((labels >= 0) & (labels < 10)).all()
                ):
                    raise ValueError(f"{name} has not the form of CIFAR-10")
                found["test" if name == "test_batch" else "train"].append((pixels, labels))
    except (
        OSError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
        ImportError,
        pickle.UnpicklingError,
        tarfile.TarError,
        zlib.error,
        MemoryError,
    ) as error:
        raise DataError(f"CIFAR-10 in {path} can't be read ({error}): delete it, and it is fetched again.") from None
    made = {}
    for split, parts in found.items():
        pixels = np.concatenate([part for part, _ in parts]).reshape(-1, 3, 32, 32)
        made[split] = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), np.concatenate([y for _, y in parts])
    return made


@contextmanager
def _members(path: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    """Opens files of the set's folder, extracted or still in its archive."""
    if path.is_dir():
        yield lambda name: io.BytesIO((path / name).read_bytes())
        return
    with tarfile.open(path) as archive:
        yield lambda name: archive.extractfile(f"{_CIFAR_FOLDER}/{name}") or io.BytesIO()


class _Plain(pickle.Unpickler):
    """CIFAR-10 comes as pickles: nothing but arrays may come out of them, so that opening one can't run anything."""

    _ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype"})

    def find_class(self, module: str, name: str) -> object:
        if name in self._ALLOWED and module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray"):
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        if (module, name) == ("_codecs", "encode"):
            return lambda text, encoding: text.encode("latin-1")
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which CIFAR-10 has no use for")
