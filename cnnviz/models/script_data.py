"""The part of a standalone script that reads the data: arrays `train`, `validation` and `test` of pictures, labels."""

from __future__ import annotations

from pathlib import Path

from cnnviz.data.folder import is_image_folder, split_folders
from cnnviz.data.listing import listing
from cnnviz.errors import RecipeError
from cnnviz.recipe import Data

__all__ = ["reading"]

_SETS = ("mnist", "fashion_mnist", "cifar10")
_FIT = """
def fit(pictures):
    pictures = pictures if pictures.ndim == 4 else pictures[..., None]
    if CHANNELS == 3 and pictures.shape[-1] == 1:
        pictures = np.repeat(pictures, 3, axis=-1)
    if CHANNELS == 1 and pictures.shape[-1] == 3:
        pictures = tf.image.rgb_to_grayscale(pictures).numpy()
    if pictures.shape[1:3] != SIZE:
        pictures = tf.image.resize(pictures, SIZE, antialias=True).numpy().round().astype("uint8")
    return pictures
"""
_READ = """
def read(folder):
    paths, labels = [], []
    for number, name in enumerate(CLASSES):
        for path in sorted((folder / name).rglob("*")):
            if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"}:
                paths.append(path)
                labels.append(number)
    mode = "rgb" if CHANNELS == 3 else "grayscale"
    pictures = [keras.utils.load_img(path, color_mode=mode, target_size=SIZE) for path in paths]
    return np.stack([keras.utils.img_to_array(one, dtype="uint8") for one in pictures]), np.array(labels)
"""
_HOLD_OUT = """
def hold_out(samples, share):
    order = np.random.default_rng({seed}).permutation(len(samples[0]))
    count = round(share * len(order))
    kept, held = np.sort(order[count:]), np.sort(order[:count])
    return tuple(one[kept] for one in samples), tuple(one[held] for one in samples)
"""


def reading(data: Data, folder: Path | None) -> str:
    """Returns the script's part for the recipe's data.

    Args:
        data: the recipe's.
        folder: the folder or .npz file it lies in, if it does.

    Raises:
        RecipeError: only cnnviz can read it.
    """
    parts = [f"SIZE, CHANNELS = {data.image_size!r}, {data.channels}"]
    if data.without or data.balanced or data.crop != "whole" or any(data.limits.model_dump().values()):
        parts.append("# cnnviz crops, limits, balances or leaves out pictures here; this reads all of them, whole.")
    if data.dataset in _SETS:
        parts += [_FIT.strip(), _hold_out(data), _of_keras(data)]
    elif folder is not None and folder.suffix.lower() == ".npz":
        parts += [_FIT.strip(), _hold_out(data), _of_npz(data, folder)]
    elif folder is not None and is_image_folder(folder):
        parts += [_of_folder(data, folder)]
    else:
        raise RecipeError(f"A standalone script can't read {data.dataset!r}, which only cnnviz makes or knows: it is "
                          "for folders of pictures, .npz files, MNIST, Fashion-MNIST and CIFAR-10.")  # fmt: skip
    return "\n\n".join(parts)


def _hold_out(data: Data) -> str:
    return _HOLD_OUT.strip().format(seed=data.split_seed)


def _validation(data: Data) -> str:
    if data.validation_share == 0:
        return "validation = test"
    return f"train, validation = hold_out(train, {data.validation_share})"


def _of_keras(data: Data) -> str:
    return (f"(x, y), (x_test, y_test) = keras.datasets.{data.dataset}.load_data()\n"
            "train, test = (fit(x), y.ravel().astype(int)), (fit(x_test), y_test.ravel().astype(int))\n"
            f"{_validation(data)}")  # fmt: skip


def _of_npz(data: Data, path: Path) -> str:
    return (f"with np.load({str(path)!r}) as file:\n"
            "    arrays = {name.lower(): file[name] for name in file.files}\n"
            'names = ("x_train", "y_train") if "x_train" in arrays else ("images", "labels")\n'
            "train = fit(arrays[names[0]]), arrays[names[1]].ravel().astype(int)\n"
            'if "x_test" in arrays:\n'
            '    test = fit(arrays["x_test"]), arrays["y_test"].ravel().astype(int)\n'
            "else:\n"
            f"    train, test = hold_out(train, {data.test_share})\n"
            f"{_validation(data)}")  # fmt: skip


def _of_folder(data: Data, folder: Path) -> str:
    splits = split_folders(folder, listing(folder))
    inside = folder / splits["train"] if splits else folder
    lines = ["from pathlib import Path", "", f"FOLDER = Path({str(folder)!r})",
             f"CLASSES = {tuple(listing(inside).folders)!r}", "", "", _READ.strip()]  # fmt: skip
    if not splits or "validation" not in splits or "test" not in splits:
        lines += ["", "", _hold_out(data)]
    lines += ["", ""]
    if not splits:
        return "\n".join([*lines, "train = read(FOLDER)", f"train, test = hold_out(train, {data.test_share})",
                          _validation(data)])  # fmt: skip
    lines += [f"{name} = read(FOLDER / {sub!r})" for name, sub in splits.items()]
    if "validation" not in splits:
        lines.append(_validation(data))
    if "test" not in splits:
        lines.append("test = validation")
    return "\n".join(lines)
