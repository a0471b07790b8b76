"""Images as one piece of HTML: whole, described, and with nothing but text in their names."""

from __future__ import annotations

import base64
import re

from cnnviz.figures.tiles import tiles


def test_every_image_is_there_with_its_caption_and_description() -> None:
    made = tiles([(b"\x89PNG one", "a cat", "Training image: a cat"), (b"\xff\xd8two", "a dog", "a dog, too")], 68)
    assert made.count("<figure") == made.count("<figcaption") == 2
    kinds = re.findall(r'src="data:image/(\w+);base64,([^"]+)"', made)
    assert [(kind, base64.b64decode(data)) for kind, data in kinds] == [
        ("png", b"\x89PNG one"),
        ("jpeg", b"\xff\xd8two"),
    ]
    assert 'alt="Training image: a cat"' in made
    assert "width:68px" in made


def test_a_name_is_text() -> None:
    made = tiles([(b"", "<script>", '"><img src=x onerror=alert(1)>')], 10)
    assert made.count("<img") == 1
    assert "<script" not in made
    assert 'alt="&#34;&gt;&lt;img src=x onerror=alert(1)&gt;"' in made
