"""What a server answers, over a real socket: what the command says, and a sentence for whatever can't be answered."""

from __future__ import annotations

import io
import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from benchmarks.serve import Server, hostile_requests, png_of, status_of
from cnnviz import images
from cnnviz.data.samples import sample
from cnnviz.images import MAX_BYTES
from cnnviz.serve import examples
from cnnviz.serve.application import MOST_OVERLAY_PIXELS

CAT = sample("chelsea")
PNG = images.to_png(CAT)


@pytest.fixture
def ask(server: Server) -> Callable[..., requests.Response]:
    """Posts a body, or a form."""

    def post(path: str, body: bytes | None = PNG, **more: object) -> requests.Response:
        return requests.post(f"http://127.0.0.1:{server.port}{path}", data=body, timeout=60, **more)

    return post


def command_says(command: Callable, tmp_path: Path, *options: str) -> dict:
    (tmp_path / "cat.png").write_bytes(PNG)
    done = command("predict", "shapes", str(tmp_path / "cat.png"), "--json", "--out", str(tmp_path), *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[0]


def test_predictions_are_those_of_the_command(ask, command, tmp_path: Path) -> None:
    wanted = command_says(command, tmp_path, "--risk", "0.05")
    found = ask("/predict?novelty=true&risk=0.05", None, files={"image": ("cat.png", PNG, "image/png")})
    assert found.status_code == 200, found.text
    record = found.json()
    assert record["photo"] == "cat.png"
    assert record["pixels"] == wanted["pixels"]
    assert [one["head"] for one in wanted["heads"]] == ["shape", "colour"]
    for one, theirs in zip(record["heads"], wanted["heads"], strict=True):
        probabilities = one.pop("probabilities")
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert [[name, pytest.approx(probabilities[name])] for name, _ in one["top"]] == one["top"]
        assert set(one) == set(theirs)
        assert [name for name, _ in one.pop("top")] == [name for name, _ in theirs.pop("top")]
        near, same = one.pop("neighbours"), theirs.pop("neighbours")
        assert [(k["image"], k["label"]) for k in near] == [(k["image"], k["label"]) for k in same]
        for name, value in theirs.items():
            assert one[name] == (pytest.approx(value, abs=1e-4) if isinstance(value, float) else value), name


def test_without_novelty_it_is_said_what_is_not_known(ask, command, tmp_path: Path) -> None:
    wanted = command_says(command, tmp_path)
    for one, theirs in zip(ask("/predict").json()["heads"], wanted["heads"], strict=True):
        assert one["calibrated"] == pytest.approx(theirs["calibrated"], abs=1e-4)
        assert one["set"] == theirs["set"]
        assert (one["foreign"], one["novelty"], one["neighbours"]) == (None, None, None)
        assert "novelty=true" in one["note"]


def test_what_comes_together_is_predicted_in_one_pass_as_if_alone(ask, server: Server) -> None:
    bodies = [images.to_png(np.roll(CAT, 11 * shift, axis=1)) for shift in range(40)]

    def probabilities(body: bytes) -> list[list[float]]:
        return [list(head["probabilities"].values()) for head in ask("/predict", body).json()["heads"]]

    alone = [probabilities(body) for body in bodies]
    before = server.facts("/health")
    with ThreadPoolExecutor(20) as pool:
        together = list(pool.map(probabilities, bodies * 3))
    after = server.facts("/health")
    assert after["images"] - before["images"] == 120
    assert after["passes"] - before["passes"] < 120
    assert len({tuple(one[0]) for one in alone}) == 40
    for found, wanted in zip(together, alone * 3, strict=True):
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("?head=shape", ["--explain", "grad-cam", "--head", "shape"]),
        (
            "?method=layer-cam&head=colour&class=1&layer=conv2d",
            ["--explain", "layer-cam", "--head", "colour", "--class", "1", "--layer", "conv2d"],
        ),
        ("?method=gradient&head=colour", ["--explain", "gradient", "--head", "colour"]),
    ],
)
def test_a_heat_map_is_the_commands(ask, command, tmp_path: Path, query: str, options: list[str]) -> None:
    record = command_says(command, tmp_path, *options)
    [file] = [head["overlay"] for head in record["heads"] if "overlay" in head]
    found = ask(f"/heatmap{query}")
    assert (found.status_code, found.headers["content-type"]) == (200, "image/png"), found.text
    drawn, wanted = images.decode(found.content), images.decode(Path(file))
    assert drawn.shape == wanted.shape == CAT.shape
    assert np.abs(drawn.astype(int) - wanted).mean() < 1
    assert np.abs(drawn.astype(int) - CAT).mean() > 3


def test_large_images_are_drawn_smaller(ask) -> None:
    large = images.to_png(np.zeros((2_100, 2_100, 3), np.uint8))
    found = ask("/heatmap", large)
    assert found.status_code == 200
    height, width = images.decode(found.content).shape[:2]
    assert (height, width) == (1_050, 1_050)
    assert height * width <= MOST_OVERLAY_PIXELS < 2_100**2


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/heatmap?method=grad-kam", r"There is no method 'grad-kam': choose one of .*did you mean 'grad-cam'"),
        ("/heatmap?head=size", "shapes has no head 'size': choose one of shape, colour"),
        ("/heatmap?class=mauve", "There is no class 'mauve': choose one of .*, or its index"),
        ("/heatmap?layer=nowhere", "nowhere"),
        ("/heatmap?method=" + "x" * 200, "method can't be used"),
        ("/predict?risk=0", "risk can't be used: .*greater than 0"),
        ("/predict?risk=nan", "risk can't be used"),
        ("/predict?novelty=perhaps", "novelty can't be used"),
    ],
)
def test_a_query_that_cannot_be_used_is_one_sentence(ask, path: str, sentence: str) -> None:
    found = ask(path)
    assert found.status_code == 422
    assert re.search(sentence, found.json()["detail"])
    assert "\n" not in found.json()["detail"]


def form(*files: tuple[str, bytes]) -> bytes:
    parts = [f"--B\r\nContent-Disposition: form-data; {what}\r\n\r\n".encode() + data for what, data in files]
    return b"\r\n".join([*parts, b"--B--\r\n"])


FILE = 'name="image"; filename="a.png"'


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (form((FILE, PNG), (FILE, PNG)), 422, "The form has 2 files: send one image"),
        (form(('name="note"', b"hello")), 422, "The form has 0 files"),
        (form((FILE, PNG))[:-9], 400, "The form is broken or cut off"),
        (b"nothing of a form", 400, "The form is broken or cut off"),
        (form(*[('name="note"', b"")] * 17), 413, "The form has more than 16 parts"),
        (form((FILE, b"no image")), 422, "This is not an image that can be read"),
    ],
)
def test_a_form_that_cannot_be_used_is_one_sentence(ask, body: bytes, status: int, sentence: str) -> None:
    found = ask("/predict", body, headers={"Content-Type": "multipart/form-data; boundary=B"})
    assert found.status_code == status
    assert sentence in found.json()["detail"]


def damaged(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(CAT).save(file, kind)
    return file.getvalue()[: len(file.getvalue()) // 2]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The image is empty"),
        (b"%PDF-1.7", "This is not an image that can be read"),
        (damaged("JPEG"), "damaged or cut off"),
        (damaged("PNG"), "damaged or cut off"),
        (png_of(30_000, 30_000), "The image has too many pixels; at most 60 megapixels"),
        (png_of(30_000, 3_000), "The image has 30000 × 3000 pixels; at most 60 megapixels"),
        (bytes(MAX_BYTES + 1), "The image has 20.0 MB; at most 20 MB are allowed"),
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/heatmap"])
def test_an_image_that_cannot_be_read_is_the_pages_sentence(ask, path: str, body: bytes, sentence: str) -> None:
    found = ask(path, body)
    assert found.status_code == 422
    assert sentence in found.json()["detail"]


def test_a_body_is_counted_whatever_is_said_of_it(server: Server, ask) -> None:
    """In chunks, so that nothing says how long it is; and with a length that is read before any of it."""

    def chunks():
        for _ in range(25):
            yield bytes(2**20)

    assert ask("/predict", chunks()).status_code == 413
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in connection.recv(200)


def test_other_methods_and_addresses_are_told_where_to_look(server: Server, ask) -> None:
    base = f"http://127.0.0.1:{server.port}"
    wrong = requests.get(f"{base}/predict", timeout=60)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert "/docs" in wrong.json()["detail"]
    assert (found := ask("/nowhere")).status_code == 404
    assert "/docs" in found.json()["detail"]


def test_the_page_of_how_to_ask_needs_nothing_of_the_internet(server: Server) -> None:
    found = requests.get(f"http://127.0.0.1:{server.port}/docs", timeout=60)
    assert found.status_code == 200
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert not re.search(r"<script|<link|<img|@import|url\(", found.text)
    api = server.facts("/openapi.json")
    assert set(api["paths"]) == {"/predict", "/heatmap", "/health", "/model"}
    for path, methods in api["paths"].items():
        assert path in found.text
        for told in methods.values():
            for one in told.get("parameters", []):
                assert f"<code>{one['name']}</code>" in found.text


def test_the_model_is_told(server: Server) -> None:
    told = server.facts("/model")
    assert told["name"] == "shapes"
    assert told["input"] == [64, 64, 3]
    assert [head["head"] for head in told["heads"]] == ["shape", "colour"]
    assert "grad-cam" in told["methods"]


def test_hostile_requests_are_refused(server: Server) -> None:
    """A thousand of them are sent by `benchmarks/serve.py`."""
    answered = [(one, status_of(server.port, one)) for one in hostile_requests(120, seed=7)]
    assert not [(one.kind, status) for one, status in answered if status >= 500]
    assert not [one.kind for one, status in answered if one.whole and not status]
    assert server.facts("/health")["status"] == "ok"


def test_what_is_there_to_copy_works(server: Server, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(PNG)
    here = f"http://127.0.0.1:{server.port}"
    script = examples.python().replace(examples.ADDRESS, here)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["shape", "colour"]
    assert images.decode(tmp_path / "map.png").shape == CAT.shape
    (tmp_path / "map.png").unlink()
    for line in examples.curl().replace(examples.ADDRESS, here).splitlines():
        done = subprocess.run(
            [*shlex.split(line), "--fail", "--silent"], cwd=tmp_path, capture_output=True, timeout=120
        )
        assert done.returncode == 0, line
    assert images.decode(tmp_path / "map.png").shape == CAT.shape
