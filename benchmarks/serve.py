"""`cnnviz serve` under many clients, beside the model alone as a `tf.function`, and under requests that mean it harm.

A server is started on a free loopback port. Clients send it an image of the model's size for some seconds over
connections that stay open; before and after, the model alone predicts the same image in this process, in passes as
large as the server's were on average. At last each hostile request is sent on a connection of its own. Ends with code 1
if any request of the clients fails, or a hostile one is answered 500 or ends the server.

    python -m benchmarks.serve [--run shapes] [--connections 64] [--seconds 60] [--hostile 1000]
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import urllib.request
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from cnnviz import images
from cnnviz.data.samples import sample
from cnnviz.processes import import_path

PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A server that answers at a port of this machine."""

    process: subprocess.Popen[str]
    port: int

    def facts(self, path: str) -> dict:
        """Returns what it answers to a GET."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)


@contextmanager
def started(run: str, *options: str) -> Iterator[Server]:
    """Starts a server for a run on a free port, and ends it after the block as a person would, by SIGINT."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnviz", "serve", run, "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": import_path()},
        start_new_session=True,
    )
    try:
        line = process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise RuntimeError(f"The server ended with code {process.wait()} before it listened.")
        yield Server(process, int(json.loads(line)["address"].rpartition(":")[2]))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]


async def load(port: int, body: bytes, connections: int, seconds: float) -> tuple[list[float], Counter[int]]:
    """Returns the seconds that each request took, and how many answers had each status; 0 stands for none."""
    took: list[float] = []
    statuses: Counter[int] = Counter()
    end = time.perf_counter() + seconds
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def client() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while time.perf_counter() < end:
                began = time.perf_counter()
                writer.write(head + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                took.append(time.perf_counter() - began)
                statuses[int(answer[9:12])] += 1
            writer.close()
        except (OSError, EOFError):
            statuses[0] += 1

    await asyncio.gather(*(client() for _ in range(connections)))
    return took, statuses


class Alone:
    """The model of a run as a `tf.function` that is given pixels."""

    def __init__(self, run: str) -> None:
        import tensorflow as tf

        from cnnviz import runs
        from cnnviz.models.load.load import load_run

        self._classifier = load_run(runs.open_run(run))
        shape = (None, *self._classifier.image_size, self._classifier.channels)
        self._function = tf.function(self._classifier.model, input_signature=[tf.TensorSpec(shape, tf.float32)])

    def images_a_second(self, image: np.ndarray, batch: int, seconds: float) -> float:
        """Returns how many images a second it predicts in passes of `batch`."""
        import tensorflow as tf

        pixels = tf.constant(np.repeat(self._classifier.fit(image)[None], batch, axis=0).astype(np.float32))
        self._function(pixels)
        began, passes = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            self._function(pixels)
            passes += 1
        return passes * batch / (time.perf_counter() - began)


@dataclass(frozen=True)
class Hostile:
    """What is wrong with a request, its bytes on the wire, and whether a server can know that it is at its end."""

    kind: str
    data: bytes
    whole: bool = True


def hostile_requests(count: int, seed: int = 0) -> Iterator[Hostile]:
    """Yields requests; the same for the same seed."""
    draw = random.Random(seed)
    kinds = (_image, _image, _image, _form, _form, _query, _framing, _method, _header, _no_http)
    for number in range(count):
        yield kinds[number % len(kinds)](draw)


def _request(
    body: bytes, path: str = "/predict", method: str = "POST", *headers: str, told: str | None = None
) -> bytes:
    length = f"Content-Length: {len(body)}" if told is None else told
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *filter(None, [length]), *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _encoded(draw: random.Random, kind: str | None = None) -> bytes:
    file = io.BytesIO()
    size = draw.randrange(1, 40), draw.randrange(1, 40)
    mode = draw.choice(["L", "RGB"])
    pixels = Image.frombytes(mode, size, draw.randbytes(size[0] * size[1] * len(mode)))
    pixels.save(file, kind or draw.choice(images.FORMATS))
    return file.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it has this size, with one row of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" + b"\0" * 3 * min(width, 10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _image(draw: random.Random) -> Hostile:
    path = draw.choice(["/predict", "/predict?novelty=true", "/heatmap", "/heatmap?method=gradient"])
    kind = draw.choice(["cut off", "changed", "huge", "other bytes", "empty", "other format", "animated tail"])
    data = _encoded(draw)
    if kind == "cut off":
        data = data[: draw.randrange(len(data))]
    elif kind == "changed":
        changed = bytearray(data)
        for _ in range(draw.randrange(1, 12)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        data = bytes(changed)
    elif kind == "huge":
        data = png_of(draw.choice([1, 20_000, 2**31 - 1]), draw.choice([30_000, 2**31 - 1]))
    elif kind == "other bytes":
        data = draw.randbytes(draw.randrange(1, 5_000))
    elif kind == "empty":
        data = b""
    elif kind == "other format":
        data = draw.choice([b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg xmlns='x'/>", b"P6 9 9 255\n", b"\0\0\0\x18ftypavif"])
    else:
        data = _encoded(draw, "GIF")[:-1] + draw.randbytes(400)
    return Hostile(
        f"image {kind}", _request(data, path, "POST", f"Content-Type: {draw.choice(['image/png', 'x', ''])}")
    )


def _form(draw: random.Random) -> Hostile:
    image = _encoded(draw)
    name = draw.choice(
        ["a.png", "", "../../etc/passwd", "\xff\xfe", "x" * 3_000, '"', "%00", "\\ud800", "a\\", "=?utf-7?q?+AGE-?="]
    )
    part = f'--B\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'.encode("latin-1")
    ends = b"\r\n--B--\r\n"
    kinds = {
        "name": (part + image + ends, "boundary=B"),
        "charset": (
            part + image + ends,
            f"boundary=B; charset={draw.choice(['utf-7', 'hex', 'unicode_escape', 'idna', 'no'])}",
        ),
        "without boundary": (part + image + ends, "x=B"),
        "with another boundary": (part + image + ends, "boundary=C"),
        "with an empty boundary": (part + image + ends, "boundary="),
        "with a long boundary": (part + image + ends, f"boundary={'B' * 5_000}"),
        "cut off": ((part + image + ends)[: draw.randrange(len(part + image))], "boundary=B"),
        "twice": (part + image + b"\r\n" + part + image + ends, "boundary=B"),
        "many parts": ((part + b"\r\n") * draw.randrange(20, 3_000) + ends, "boundary=B"),
        "many headers": (b"--B\r\n" + b"X: y\r\n" * 500 + b"\r\n" + image + ends, "boundary=B"),
        "no disposition": (b"--B\r\n\r\n" + image + ends, "boundary=B"),
        "bad header": (b"--B\r\n\xff\0:\r\n:\r\n\r\n" + image + ends, "boundary=B"),
        "noise": (draw.randbytes(2_000), "boundary=B"),
    }
    kind = draw.choice(list(kinds))
    body, told = kinds[kind]
    path = draw.choice(["/predict", "/heatmap"])
    return Hostile(f"form {kind}", _request(body, path, "POST", f"Content-Type: multipart/form-data; {told}"))


def _query(draw: random.Random) -> Hostile:
    name = draw.choice(["risk", "novelty", "method", "head", "class", "layer", "%ff", "x[]"])
    value = draw.choice(
        [
            "nan",
            "inf",
            "-1",
            "1e999",
            "",
            "%00",
            "%ff%fe",
            "%ed%a0%80",
            "x" * 20_000,
            "..%2f",
            "9" * 5_000,
            "٣",
            "true;",
        ]
    )
    query = f"{name}={value}&{name}={value}".encode().decode("latin-1")
    return Hostile(f"query {name}", _request(_encoded(draw), f"{draw.choice(['/predict', '/heatmap'])}?{query}"))


def _framing(draw: random.Random) -> Hostile:
    kind, told, body = draw.choice(
        [
            ("length too great", "Content-Length: 5000", b"x"),
            ("length of a terabyte", "Content-Length: 1099511627776", b"x"),
            ("length of 5,000 digits", f"Content-Length: {'9' * 5_000}", b"x"),
            ("length below 0", "Content-Length: -1", b"x"),
            ("two lengths", "Content-Length: 1\r\nContent-Length: 2", b"xx"),
            ("both framings", "Content-Length: 3\r\nTransfer-Encoding: chunked", b"1\r\nx\r\n0\r\n\r\n"),
            ("chunk's size", "Transfer-Encoding: chunked", b"zz\r\nx\r\n0\r\n\r\n"),
            ("chunk too great", "Transfer-Encoding: chunked", b"ffffffffffffffffff\r\nx"),
            ("chunks", "Transfer-Encoding: chunked", b"1\r\nx\r\n" * 300 + b"0\r\n\r\n"),
            ("chunks cut off", "Transfer-Encoding: chunked", b"5\r\nxx"),
            ("gzip", "Content-Encoding: gzip\r\nContent-Length: 4", b"\x1f\x8b\x08\x00"),
            ("100-continue", "Expect: 100-continue\r\nContent-Length: 1", b"x"),
            ("body of 21 MB", "Transfer-Encoding: chunked", b"1500000\r\n" + bytes(0x1500000) + b"\r\n0\r\n\r\n"),
        ]
    )
    whole = kind not in ("length too great", "chunk too great", "chunks cut off")
    return Hostile(f"framing: {kind}", _request(body, told=told), whole)


def _method(draw: random.Random) -> Hostile:
    method = draw.choice(["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "x" * 500, "É", "P"])
    path = draw.choice(
        ["/predict", "/heatmap", "/health", "/model", "/docs", "/openapi.json", "*", "//", "/../../etc/passwd", "/%00"]
    )
    return Hostile("method", _request(b"", path, method))


def _header(draw: random.Random) -> Hostile:
    header = draw.choice(
        [
            "Authorization: Bearer \xff\xfe",
            "Authorization: " + "B" * 20_000,
            "Host: evil.example",
            "Content-Type: " + ";" * 10_000,
            "Content-Type: multipart/form-data",
            "Cookie: " + "a=b; " * 5_000,
            "X: " + "y" * 70_000,
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Upgrade: h2c\r\nHTTP2-Settings: AAAA",
            "Range: bytes=0-1,5-2",
            "Accept-Encoding: *;q=nan",
            "X-Forwarded-For: 10.0.0.1, \xff",
            "a b: c",
            ": nameless",
        ]
    )
    return Hostile("header", _request(_encoded(draw), "/predict", "POST", header))


def _no_http(draw: random.Random) -> Hostile:
    data = draw.choice(
        [
            draw.randbytes(300),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /health HTTP/1.0\r\n\r\n",
            b"GET /health\r\n\r\n",
            b"\r\n" * 1_000,
            b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50,
        ]
    )
    return Hostile("no HTTP", data, whole=False)


def status_of(port: int, request: Hostile) -> int:
    """Sends a request on a connection of its own; returns the status of the first answer, or 0 where there is none."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        with suppress(ConnectionError):  # it has heard enough
            connection.sendall(request.data)
            if not request.whole:
                connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while len(answer) < 12 and (part := connection.recv(4096)):
                answer = (answer + part).removeprefix(b"HTTP/1.1 100 \r\n\r\n")
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0


def main() -> int:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", default="shapes")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hostile", type=int, default=1000)
    given = parser.parse_args()
    picture = sample("chelsea")
    with started(given.run, "--rate", "1000000") as server:
        height, width, channels = server.facts("/model")["input"]
        image = images.fit(picture, (height, width))
        body, bare = images.to_png(image), Alone(given.run)
        batch = _mean_pass(server, body, given.connections, 3)[2]
        earlier = bare.images_a_second(image, batch, min(10, given.seconds))
        began = os.getloadavg()[0]
        took, statuses, mean = _mean_pass(server, body, given.connections, given.seconds)
        later = bare.images_a_second(image, batch, min(10, given.seconds))
        answered: Counter[int] = Counter()
        for request in hostile_requests(given.hostile):
            answered[status_of(server.port, request)] += 1
        server.facts("/health")
    served = len(took) / given.seconds
    times = statistics.quantiles(took, n=100)
    failed = sum(count for status, count in statuses.items() if status != 200)
    print(f"{given.run}, {height} × {width} × {channels}; load of the machine before: {began:.1f}\n")
    print("| | |\n| --- | --- |")
    print(f"| requests over {given.connections} connections in {given.seconds:g} s, failed | {len(took):,}, {failed} |")
    print(f"| median, 95th percentile | {times[49] * 1000:.0f} ms, {times[94] * 1000:.0f} ms |")
    print(f"| images a second, in passes of {mean} on average | {served:.0f} |")
    print(f"| `tf.function` alone in passes of {batch}, before and after | {earlier:.0f}, {later:.0f} |")
    print(f"| ratio to the mean of these | {2 * served / (earlier + later):.2f} |")
    print(f"| hostile requests, answered 500 or above | {given.hostile:,}, {_bad(answered)} |")
    print(f"\nAnswers to hostile requests, 0 for a closed connection: {dict(sorted(answered.items()))}")
    return 1 if failed or _bad(answered) else 0


def _mean_pass(server: Server, body: bytes, connections: int, seconds: float) -> tuple[list[float], Counter[int], int]:
    """What `load` returns, and how many images were in a pass on average."""
    before = server.facts("/health")
    took, statuses = asyncio.run(load(server.port, body, connections, seconds))
    after = server.facts("/health")
    passes = max(1, after["passes"] - before["passes"])
    return took, statuses, max(1, round((after["images"] - before["images"]) / passes))


def _bad(answered: Counter[int]) -> int:
    return sum(count for status, count in answered.items() if status >= 500)


if __name__ == "__main__":
    raise SystemExit(main())
