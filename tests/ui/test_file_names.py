"""What downloaded files are called: safe letters, and no two buttons' files alike."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from cnnviz.ui.file_names import file_name

ROOT = Path(__file__).parents[2]


def test_a_name_says_of_what_it_is() -> None:
    assert file_name("shapes", "Chelsea", "a cat", "grad-cam", ending=".png") == "shapes-Chelsea-a-cat-grad-cam.png"
    assert file_name("", "IMG_0012.JPG", "map", ending=".npy") == "IMG_0012-map.npy"


@pytest.mark.parametrize(
    "text",
    ["../../etc/passwd", "a/b\\c:d*e?", "<script>", "Katze müde.png", "猫", "\u202egnp.exe", "x" * 300, "\ud800"],
)
def test_a_name_has_letters_that_every_system_takes(text: str) -> None:
    name = file_name("net", text, "map", ending=".npy")
    assert re.fullmatch(r"net-([A-Za-z0-9_]+-)+map\.npy", name)
    assert len(name) < 80


def test_what_is_shortened_or_lost_still_tells_files_apart() -> None:
    for one, other in (("猫", "犬"), ("müde", "mude"), ("x" * 300, "x" * 301)):
        assert file_name(one, ending=".png") != file_name(other, ending=".png")


def named() -> dict[str, tuple]:
    """For each download button of the pages the words and the ending of its file's name, as they stand in the code."""
    found = {}
    for path in [*ROOT.glob("cnnviz/ui/**/*.py"), *ROOT.glob("pages/*.py")]:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "download_button":
                made = call.args[2]
                where = f"{path.name}:{call.lineno}"
                assert getattr(getattr(made, "func", None), "id", "") == "file_name", f"{where} names its file itself"
                words = [part.value for one in made.args for part in ast.walk(one) if isinstance(part, ast.Constant)]
                found[where] = (*filter(None, words), ast.unparse(made.keywords[0].value))
    return found


def test_no_two_buttons_give_files_of_one_name() -> None:
    found = named()
    assert len(found) >= 18
    assert all(len(words) > 1 for words in found.values()), "a word must say what the file is"
    assert len(set(found.values())) == len(found), sorted(found.items(), key=lambda one: one[1])
