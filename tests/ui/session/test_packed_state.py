"""What a person has set, as a text for an address."""

from __future__ import annotations

import base64
import re
import zlib

import pytest

from cnnviz.errors import RecipeError
from cnnviz.presets import PRESETS
from cnnviz.ui.session.packed_state import MOST, pack, unpack


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_comes_back_and_needs_no_escapes(name):
    tree = PRESETS[name].model_dump(mode="json") | {"name": "Größe & 100 %"}
    assert unpack(pack(tree)) == tree
    assert re.fullmatch(r"[\w-]+", pack(tree), re.ASCII)
    assert len(pack(tree)) < 1200


def test_what_is_too_long_is_not_written():
    names = [base64.b85encode(zlib.compress(str(nth).encode())).decode() * 9 for nth in range(3000)]
    assert pack({"without": names}) == ""
    assert len(pack({"without": names[:40]})) <= MOST


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "é",
        "!!!!",
        pack(PRESETS["Q"].model_dump(mode="json"))[:-9],
        base64.b64encode(b"{}").decode(),
        base64.urlsafe_b64encode(zlib.compress(b"[1]")).decode(),
        base64.urlsafe_b64encode(zlib.compress(b'{"a":"' + b"0" * (1 << 22) + b'"}')).decode(),
        base64.urlsafe_b64encode(zlib.compress(b"[" * 200_000)).decode(),
    ],
)
def test_what_nobody_packed_is_refused_in_a_sentence(text):
    with pytest.raises(RecipeError, match="cut off or changed"):
        unpack(text)
