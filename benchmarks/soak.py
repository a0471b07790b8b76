"""Many sessions for some minutes: half of them watch a run that trains, half of them have images explained.

    python -m benchmarks.soak [--sessions 20] [--minutes 5] [--run cats-and-dogs]

Each session is Streamlit's own protocol over a websocket of its own, see `visitor.py`. Those on Runs get a new view
every second and reload the page now and then. Those on Predict upload an image that nobody asked about before, wait for
its prediction and heat map, look at it for a while, and reload now and then. Prints a JSON object: errors, the seconds
from an image's upload to its overlay, how often the live view came, the server's memory at start (before the first
visit), after everybody had come, in the middle and at the end. Ends with code 1 after any error, or if memory grew by
more than a tenth from the middle to the end.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.visitor import Visitor
from cnnviz import runs
from cnnviz.data.samples import sample, sample_names
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace

ROOT = Path(__file__).parents[1]
LONG = replace(PRESETS["Q"], {"fit.epochs": 10_000, "name": "Live"})
LOOKS = (2.0, 5.0)
"""How long a person looks at a map before the next image, seconds."""
RELOADS = (20.0, 60.0)
COMING = 0.2
"""The share of the time after which everybody has been there, and memory should have come to rest."""


def main() -> int:
    """Sets everything up, lets the sessions loose and tells what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--run", default="cats-and-dogs", help="a run in checkpoints/ whose model is asked")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        checkpoints = Path(place) / "checkpoints"
        shutil.copytree(ROOT / "checkpoints" / given.run, checkpoints / given.run)
        os.environ["CNNVIZ_CHECKPOINTS"] = str(checkpoints)
        log = Path(place) / "server.log"
        url, server = serve(log)
        live = runs.start(LONG)
        try:
            wait(lambda: runs.open_run(live.id).written.epoch > 0)
            found = asyncio.run(soak(url, server, live.id, given))
        finally:
            runs.request_stop(live.id)
            wait(lambda: not runs.open_run(live.id).active)
            server.terminate()
            server.wait()
        text = log.read_text(errors="replace")
    found["tracebacks"] = len(told := tracebacks(text))
    print(json.dumps(found, indent=1))
    print("".join(told), file=sys.stderr)
    grown = found["memory_mb"]["end"] > 1.1 * found["memory_mb"]["middle"]
    return int(bool(found["errors"] or found["tracebacks"] or not found["predictions"] or grown))


def tracebacks(log: str) -> list[str]:
    """What went wrong in the server, but for sockets that closed while Streamlit was sending: it tells of each."""
    parts = log.split("Traceback (most recent call last):")[1:]
    closed = ("WebSocketDisconnected", "ClientDisconnected", "after sending 'websocket.close'")
    return [part for part in parts if not any(words in part for words in closed)]


def serve(log: Path) -> tuple[str, psutil.Popen]:
    """Starts the app on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    with log.open("wb") as output:
        server = psutil.Popen(
            [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    wait(lambda: healthy(url))
    return url, server


def healthy(url: str) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as prediction:
            return prediction.status == 200
    except OSError:
        return False


def wait(condition, seconds: float = 600) -> None:
    """Returns once the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {seconds} seconds in vain.")
        time.sleep(0.1)


async def soak(url: str, server: psutil.Popen, live: str, given: argparse.Namespace) -> dict:
    """Lets the sessions loose for the time and returns what they met with."""
    found: dict = {"errors": Counter(), "seconds": [], "views": 0}
    memory = {"start": rss(server)}
    end = time.monotonic() + 60 * given.minutes
    visits = [
        watch(url, live, end, random.Random(number), found)
        if number % 2
        else ask(url, given.run, number, end, random.Random(number), found)
        for number in range(given.sessions)
    ]
    busy = psutil.Process(server.pid).cpu_times()
    going = asyncio.gather(*visits)
    for name, share in (("all there", COMING), ("middle", 0.5), ("end", 0.97)):
        await asyncio.sleep(max(0.0, end - 60 * given.minutes * (1 - share) - time.monotonic()))
        memory[name] = rss(server)
        print(f"{name}: {memory[name]} MB, {len(found['seconds'])} predictions", file=sys.stderr, flush=True)
    used = psutil.Process(server.pid).cpu_times()
    await going
    seconds = sorted(found["seconds"])
    watchers = given.sessions // 2
    return {
        "sessions": given.sessions,
        "minutes": given.minutes,
        "errors": dict(found["errors"]),
        "predictions": len(seconds),
        "median_seconds": round(statistics.median(seconds), 3) if seconds else None,
        "p95_seconds": round(seconds[int(0.95 * (len(seconds) - 1))], 3) if seconds else None,
        "views_per_second_and_watcher": round(found["views"] / max(1, watchers) / 60 / given.minutes, 3),
        "server_cores": round((used.user + used.system - busy.user - busy.system) / (0.97 * 60 * given.minutes), 2),
        "memory_mb": memory,
        "epochs_meanwhile": runs.open_run(live).written.epoch,
    }


def rss(server: psutil.Popen) -> int:
    """The server's memory, MB."""
    return round(server.memory_info().rss / 2**20)


async def watch(url: str, live: str, end: float, chance: random.Random, found: dict) -> None:
    """A session that looks at the run that trains."""
    await asyncio.sleep(chance.uniform(0, 3))
    while time.monotonic() < end:
        try:
            async with Visitor(url, "runs", f"run={live}") as visitor:
                await asyncio.sleep(max(0.0, min(chance.uniform(*RELOADS), end - time.monotonic())))
                if visitor.runs < 3:
                    found["errors"]["the live view did not move"] += end - time.monotonic() > 1
        except Exception as error:
            found["errors"][f"watching: {type(error).__name__}: {error}"] += 1
            await asyncio.sleep(1)
        else:
            found["views"] += visitor.runs
            found["errors"].update(visitor.errors)


async def ask(url: str, run: str, number: int, end: float, chance: random.Random, found: dict) -> None:
    """A session that has images explained."""
    await asyncio.sleep(chance.uniform(0, 3))
    turn = 0
    while time.monotonic() < end:
        try:
            async with Visitor(url, "predict", f"run={run}") as visitor:
                leave = min(end, time.monotonic() + chance.uniform(*RELOADS))
                while time.monotonic() < leave:
                    turn += 1
                    name = f"photo-{number}-{turn}.jpg"
                    data = await asyncio.to_thread(image, chance)
                    began = time.perf_counter()
                    await visitor.until(lambda message, name=name: overlaid(message, name), visitor.upload(name, data))
                    found["seconds"].append(time.perf_counter() - began)
                    await asyncio.sleep(chance.uniform(*LOOKS))
        except Exception as error:
            found["errors"][f"asking: {type(error).__name__}: {error}"] += 1
            await asyncio.sleep(1)
        else:
            found["errors"].update(visitor.errors)


def overlaid(message, name: str) -> bool:
    """Whether the message brings the heat map over the image of this name."""
    if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
        return False
    return f"Heat map over {name}" in message.delta.new_element.html.body


def image(chance: random.Random) -> bytes:
    """A part of a sample image that was never cut out before, as a JPEG of about 640 pixels a side."""
    whole = Image.fromarray(sample(chance.choice(sample_names())))
    width, height = (int(side * chance.uniform(0.5, 1)) for side in whole.size)
    left, top = chance.randrange(whole.width - width + 1), chance.randrange(whole.height - height + 1)
    part = np.asarray(whole.crop((left, top, left + width, top + height)).resize((640, 640)))
    file = io.BytesIO()
    Image.fromarray(part).save(file, "JPEG", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
