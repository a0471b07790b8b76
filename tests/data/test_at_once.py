"""Many who list, read and clear the same folders at one moment: nobody trips over what another has just removed."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnnviz import files, images
from cnnviz.data import kept, open_dataset
from cnnviz.data.archive import keep
from cnnviz.data.resolve import catalogue
from cnnviz.data.split_images import prepare


def together(*works: Callable[[], object]) -> None:
    """Does all of it at once, again and again, until each has done it eighty times; the first error is raised."""
    errors, start = [], threading.Barrier(len(works))

    def carry_out(work: Callable[[], object]) -> None:
        start.wait()
        try:
            for _ in range(80):
                work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=carry_out, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def zipped(shade: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name in ("cat/1.png", "dog/1.png"):
            made.writestr(name, images.to_png(np.full((4, 4, 3), shade, np.uint8)))
    return file.getvalue()


def test_many_uploads_at_one_moment() -> None:
    """Each unpacks into a folder of its own beside the others', which the others look at and which then goes away."""
    numbers = iter(range(100_000))

    def upload() -> None:
        number = next(numbers)
        assert len([*keep(io.BytesIO(zipped(number % 256) + str(number).encode()), "pets.zip").rglob("*.png")]) == 2

    together(*[upload] * 12)
    assert not [*kept.uploads_folder().glob(".*")]


def test_a_cache_that_is_emptied_at_the_worst_moment(write, recipe_data, tmp_path: Path, monkeypatch) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, 4)
    data = recipe_data(tmp_path)
    split, write_json = open_dataset(data).splits["train"], files.write_json

    def emptied(path: Path, value: object) -> None:
        write_json(path, value)
        path.with_suffix(".bin").unlink()

    monkeypatch.setattr(files, "write_json", emptied)
    for _ in range(2):  # the second time only the index is left
        assert prepare(split, data, budget=0).array.shape == (len(split), 8, 8, 1)


def test_data_that_goes_away_while_it_is_listed(write, recipe_data, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path))
    for name in ("a", "b"):
        write(tmp_path / "pets" / name, 3)
    (tmp_path / "loop").symlink_to("loop")  # nor over what can't be looked at
    (tmp_path / "set.npz").write_bytes(b"")

    def change(number: str) -> None:
        for place in (tmp_path / f"other{number}" / "x", tmp_path / "pets" / "a" / f"below{number}"):
            write(place, 1)
            (place / "0000.png").unlink()
            place.rmdir()

    def look() -> None:
        assert {"pets", "set"} <= {entry.name for entry in catalogue()}
        assert sum(map(len, open_dataset(recipe_data("pets")).splits.values())) in range(6, 9)

    together(look, look, lambda: change("1"), lambda: change("2"))
