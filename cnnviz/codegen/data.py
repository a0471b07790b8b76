"""The part of a standalone script that reads the data: `train`, `validation` and `test`, each of images and labels.

Labels are an array, or of several heads a dict of them. The samples and their pixels are those that cnnviz takes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnviz.codegen.images import FILES, RESIZING, decoding, fitting
from cnnviz.codegen.splits import arranging
from cnnviz.data.bundled import DIGIT_NAMES
from cnnviz.data.dataset import Head
from cnnviz.data.keras_sets import CLASSES
from cnnviz.data.layouts.celeba import ATTRIBUTES, IMAGES, PARTITION, attributes_of, classes_of, is_celeba
from cnnviz.data.layouts.image_folder import is_image_folder, load_folder, split_folders
from cnnviz.data.layouts.npz import headers, load_npz, pairs
from cnnviz.data.listing import SUFFIXES, listing
from cnnviz.data.spellings import spellings
from cnnviz.errors import DataError, RecipeError, one_of
from cnnviz.recipe import Data

__all__ = ["reading"]

_SETS = {"mnist": 28, "fashion_mnist": 28, "cifar10": 32}
_OPAQUE = """
def opaque(images):
    alpha = images[..., 3:].astype("uint16")
    return ((images[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype("uint8")
"""
_BYTES = """
def as_bytes(images, top):
    whole, share = images.dtype.kind in "iu" and top > 255, images.dtype.kind in "bf" and top <= 1
    bits = next((bits for bits in (8, 10, 12, 14, 16) if top < 2**bits), 16)
    limit = 2**bits - 1 if whole else 1 if share else 255
    return np.minimum(np.rint(images.astype("float32") * np.float32(255 / limit)), 255).astype("uint8")
"""
_NUMBERED = """
def numbered(labels):
    if labels.dtype.kind in "US":
        return np.searchsorted(NAMES, labels.reshape(-1))
    return labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1).astype(int)
"""
_SPLIT = """
def split_of(images, labels):
    images = images if images.ndim == 4 else images[..., None]
    return images, np.arange(len(labels)), {"label": labels}
"""
_READ = """
def read(inner):  # the names of all images of a split's folder, and their classes' numbers
    names, labels = [], []
    for number, name in enumerate(CLASSES):
        same = lambda other: normalize("NFC", other) == normalize("NFC", name)
        for place in sorted((FOLDER / inner / other for other in os.listdir(FOLDER / inner) if same(other)), key=str):
            for root, folders, files in sorted(os.walk(place), key=lambda found: found[0]):
                inside = Path(root).relative_to(FOLDER).parts[len(Path(inner).parts) :]
                if any(part.startswith(".") or part == "__MACOSX" for part in inside):
                    continue
                for file in sorted(files):
                    path = Path(root, file)
                    if file.lower().endswith(SUFFIXES) and not file.startswith(".") and path.is_file():
                        names.append(path.relative_to(FOLDER).as_posix())
                        labels.append(number)
    return names, np.arange(len(names)), {"label": np.array(labels)}
"""
_CELEBA = f"""
def read():  # the splits of the list; in the table 1 is yes and -1 is no
    if not (FOLDER / "{ATTRIBUTES}").is_file():
        raise SystemExit(f"CelebA is not in {{FOLDER.absolute()}}: set FOLDER in this script to where it is.")
    told = {{"encoding": "utf-8", "errors": "surrogateescape"}}
    with open(FOLDER / "{PARTITION}", **told) as lines:
        number = {{words[0]: int(words[1]) for words in map(str.split, lines) if words}}
    with open(FOLDER / "{ATTRIBUTES}", **told) as lines:
        next(lines)
        attributes = next(lines).split()
        columns = [attributes.index(head) + 1 for head in HEADS]
        rows = [(words[0], [words[column] == "1" for column in columns]) for words in map(str.split, lines) if words]
    there = {{name for name in os.listdir(FOLDER / "{IMAGES}") if name.lower().endswith(SUFFIXES)}}
    names = [name for name, _ in rows]
    values = np.array([value for _, value in rows]).astype(int)
    where = np.array([number.get(name, -1) if name in there else -1 for name in names])
    found = {{split: np.flatnonzero(where == at) for at, split in enumerate(("train", "validation", "test"))}}
    return {{
        split: (names, rows, dict(zip(HEADS, values[rows].T))) for split, rows in found.items() if len(rows)
    }}
"""
_ARRAYS = """
def arrays(split, prepared):
    source, rows, labels = split
    images, kept = {fetched}
    return images, {labels}
"""


@dataclass(frozen=True)
class _Source:
    """How a script reads some data: functions, lines that end with a dict `splits`, the splits it has (`None` where the
    script must look), the folder of its images if they are files, their bits where they have more than 8, whether
    any may have another size than is wanted, and what it imports beside `FILES`. `heads` are those that are
    learned, where the recipe changes labels."""

    parts: list[str]
    lines: list[str]
    given: Collection[str] | None
    heads: tuple[Head, ...]
    files: str = ""
    bits: int | None = None
    resizes: bool = True
    imports: tuple[str, ...] = ()


def reading(
    data: Data, folder: Path | None, heads: Sequence[str] = ("label",), *, margin: bool = False
) -> tuple[list[str], str]:
    """Returns what the script's part for the recipe's data imports beside NumPy and Keras, and the part itself.

    Args:
        data: the recipe's.
        folder: the folder or .npz file it lies in, if it does.
        heads: what is learned of it.
        margin: whether training images stay whole, for augmentation that cuts its own window.

    Raises:
        RecipeError: only cnnviz can read it, or it has no such labels.
    """
    source = _source(data, folder, heads)
    try:
        functions, lines = arranging(data, source.given, source.heads, files=bool(source.files))
    except DataError as error:
        raise RecipeError(str(error)) from None
    resizes = source.resizes or data.crop == "face"
    blocks = [
        *source.parts,
        f"SIZE, CHANNELS = {data.image_size!r}, {data.channels}",
        *decoding(files=bool(source.files), bits=source.bits),
        *fitting(data, resizes=resizes, margin=margin),
        *functions,
        _arrays(source, heads),
        "\n".join([*source.lines, *lines, *_ready(source, margin)]),
    ]
    imports = [*(FILES if source.files else ()), *(RESIZING if resizes else ()), *source.imports]
    return imports, "\n\n\n".join(blocks)


def _source(data: Data, folder: Path | None, heads: Sequence[str]) -> _Source:
    celeba = folder is not None and is_celeba(folder)
    if data.dataset == "celeba" or celeba:
        return _of_celeba(data, folder, heads)
    if data.dataset in _SETS:
        source = _of_keras(data)
    elif data.dataset == "digits":
        source = _of_digits(data)
    elif folder is not None and folder.suffix.lower() == ".npz":
        source = _of_npz(folder, data)
    elif folder is not None and is_image_folder(folder):
        source = _of_folder(folder)
    else:
        raise RecipeError(
            f"A standalone script can't read {data.dataset!r}, which only cnnviz makes or knows: it is "
            "for folders of images, .npz files, CelebA's layout, digits, MNIST, Fashion-MNIST and "
            "CIFAR-10."
        )
    if tuple(heads) != ("label",):
        raise RecipeError(
            f"{data.dataset} has one label an image, called 'label', but the model learns "
            f"{', '.join(heads)}: give it one head of that name."
        )
    return source


def _arrays(source: _Source, heads: Sequence[str]) -> str:
    fetched = "from_arrays(source[rows], prepared)"
    if source.files:
        fetched = f"from_files([{source.files} / source[row] for row in rows], prepared)"
    one = len(heads) == 1
    labels = f'labels["{heads[0]}"][kept]' if one else "{head: values[kept] for head, values in labels.items()}"
    return _ARRAYS.strip().format(fetched=fetched, labels=labels)


def _ready(source: _Source, margin: bool) -> list[str]:
    lines = [
        f'train = arrays(splits["train"], {"uncut" if margin else "fit"})',
        'validation = arrays(splits["validation"], fit)',
    ]
    if source.given is None:
        return [*lines, 'test = arrays(splits["test"], fit) if "test" in splits else validation']
    without_test = "validation" in source.given and "test" not in source.given
    return [*lines, "test = validation" if without_test else 'test = arrays(splits["test"], fit)']


def _of_keras(data: Data) -> _Source:
    lines = [
        f"(x, y), (x_test, y_test) = keras.datasets.{data.dataset}.load_data()",
        "y, y_test = y.ravel().astype(int), y_test.ravel().astype(int)",
        'splits = {"train": split_of(x, y), "test": split_of(x_test, y_test)}',
    ]
    side = _SETS[data.dataset]
    learned = (Head("label", CLASSES[data.dataset]),)
    return _Source([_SPLIT.strip()], lines, ("train", "test"), learned, resizes=data.image_size != (side, side))


def _of_digits(data: Data) -> _Source:
    lines = [
        "digits = load_digits()",
        'pixels = np.rint(digits.data * (255 / 16)).astype("uint8").reshape(-1, 8, 8, 1)',
        'splits = {"train": split_of(pixels, digits.target)}',
    ]
    imports = ("from sklearn.datasets import load_digits",)
    learned = (Head("label", DIGIT_NAMES),)
    return _Source([_SPLIT.strip()], lines, ("train",), learned, resizes=data.image_size != (8, 8), imports=imports)


def _of_npz(path: Path, data: Data) -> _Source:
    found = headers(path)
    keys = pairs(path, found)
    if "train" not in keys:
        raise RecipeError(
            f"{path.name} has no training images and labels under names that are known, so there is no "
            "script: see what the Train page says of it."
        )
    image, label = (found[name] for name in keys["train"])
    parts, call = [_SPLIT.strip()], "{}"
    if any(found[name].dtype != "uint8" for name, _ in keys.values()):
        parts, call = [*parts, _BYTES.strip()], "as_bytes({}, top)"
    if len(image.shape) == 4 and image.shape[3] == 4:
        parts, call = [*parts, _OPAQUE.strip()], f"opaque({call})"
    parts.append(_NUMBERED.strip())
    lines = [f"with np.load({str(path)!r}) as file:", "    arrays_of = {name: file[name] for name in file.files}"]
    if "top" in call:
        lines.append(f"top = arrays_of[{image.key!r}].max()")
    if label.dtype.kind in "US":
        lines.append(f"NAMES = np.unique(arrays_of[{label.key!r}])")
    lines.append("splits = {")
    for split, names in keys.items():
        images, labels = (f"arrays_of[{found[name].key!r}]" for name in names)
        lines.append(f"    {split!r}: split_of({call.format(images)}, numbered({labels})),")
    shapes = {(*found[name].shape[1:], 1)[:3] for name, _ in keys.values()}
    if data.splits and len(shapes) > 1:
        raise RecipeError(
            f"A standalone script can't move images between arrays of different shapes, as {path.name} has: take "
            "data.splits out of the recipe."
        )
    learned = load_npz(path, path.name).heads if data.labels else ()
    resizes = {shape[:2] for shape in shapes} != {data.image_size}
    return _Source(parts, [*lines, "}"], tuple(keys), learned, resizes=resizes)


def _of_folder(folder: Path) -> _Source:
    splits = split_folders(folder, listing(folder))
    inside = folder / splits["train"] if splits else folder
    constants = [
        f"FOLDER = Path({str(folder)!r})",
        f"CLASSES = {tuple(spellings(listing(inside).folders))!r}",
        f"SUFFIXES = {SUFFIXES!r}",
    ]
    places = splits or {"train": "."}
    lines = ["splits = {", *(f"    {name!r}: read({place!r})," for name, place in places.items()), "}"]
    dataset = load_folder(folder, folder.name)
    return _Source(
        ["\n".join(constants), _READ.strip()],
        lines,
        tuple(places),
        dataset.heads,
        files="FOLDER",
        bits=dataset.bits,
        imports=("import os", "from unicodedata import normalize"),
    )


def _of_celeba(data: Data, folder: Path | None, heads: Sequence[str]) -> _Source:
    try:
        names = attributes_of(folder) if folder is not None else ()
    except DataError as error:
        raise RecipeError(str(error)) from None
    missing = [head for head in heads if head not in names]
    if missing and data.dataset != "celeba":
        raise RecipeError(f"{data.dataset} has no attribute {missing[0]!r}: {one_of(missing[0], names)}.")
    where = f"FOLDER = Path({str(folder)!r})"
    if missing:  # the person may have CelebA elsewhere
        where = f'# The folder that has {IMAGES}/, {ATTRIBUTES} and {PARTITION}:\nFOLDER = Path("celeba")'
    constants = f"{where}\nHEADS = {tuple(heads)!r}\nSUFFIXES = {SUFFIXES!r}"
    images = f'FOLDER / "{IMAGES}"'
    learned = tuple(Head(head, classes_of(head)) for head in heads)
    return _Source(
        [constants, _CELEBA.strip()], ["splits = read()"], None, learned, files=images, imports=("import os",)
    )
