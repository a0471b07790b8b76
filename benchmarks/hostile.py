"""What strangers' uploads cost a server and its other visitors.

    python -m benchmarks.hostile [--uploads 200] [--seed 0]

Archives, images and models of `tests/security`'s fuzzers are uploaded on Train and Predict, one after another, each in
a session of its own, while another visitor opens pages all the time. Prints a JSON object:
the server's memory before and after in MB, the seconds of the visitor's page loads (from the connection to the end of
the page's run) at the median and the 95th percentile, before and meanwhile, and what was said. Ends with 1 after a
traceback, more than 100 MB of growth, or page loads of 0.5 s and more at the 95th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import psutil

from benchmarks.soak import ROOT, rss, serve, tracebacks
from benchmarks.visitor import Visitor
from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.ui.session.packed_state import pack

GROWTH_MB, LOAD_SECONDS = 100, 0.5
PAGES = ("learn", "augment", "runs", "train")
WARM = 20
FORGOTTEN_SECONDS = 150
"""Streamlit keeps the files of a session that has gone for two minutes, as its page may be loaded again."""
PLACES = {"npz": "train", "image": "predict", "keras": "predict"}
"""On which page each kind of file is uploaded."""
OWN_DATA = replace(PRESETS["Q"], {"data.dataset": "/none/of/mine"})
QUERIES = {"image": "run=shapes", "npz": f"recipe={pack(OWN_DATA.model_dump(mode='json'))}"}
"""Train has its place for files where a person's own data is chosen."""


def main() -> int:
    """Makes the files, starts a server, and tells what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(ROOT / "checkpoints", Path(place) / "checkpoints")
        os.environ["CNNVIZ_CHECKPOINTS"] = str(Path(place) / "checkpoints")
        os.environ["CNNVIZ_CACHE"] = str(Path(place) / "cache")
        files = list(hostile(given.uploads, given.seed, Path(place)))
        log = Path(place) / "server.log"
        url, server = serve(log)
        try:
            found = asyncio.run(beset(url, server, files))
        finally:
            server.terminate()
            server.wait()
        told = tracebacks(log.read_text(errors="replace"))
    found["tracebacks"] = len(told)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    print("".join(told), file=sys.stderr)
    grown = found["memory_mb"]["after"] - found["memory_mb"]["before"]
    return int(bool(told) or grown > GROWTH_MB or found["meanwhile"]["p95"] >= LOAD_SECONDS)


def hostile(count: int, seed: int, place: Path) -> Iterator[tuple[str, Path]]:
    """The files' kinds and paths."""
    for number in range(count):
        kind = list(PLACES)[number % len(PLACES)]
        folder = place / "files" / str(number)
        folder.mkdir(parents=True)
        yield kind, importlib.import_module(f"tests.security.fuzz_{kind}").made(random.Random(seed + number), folder)


async def beset(url: str, server: psutil.Popen, files: list[tuple[str, Path]]) -> dict:
    """Uploads all files while another visitor goes round."""
    said: Counter = Counter()
    for kind, path in files[:WARM]:  # so that all libraries and the model are there once for all
        await upload(url, kind, path, said)
    alone = [await load(url, number) for number in range(WARM)]
    before = rss(server)
    ended = asyncio.Event()
    going = asyncio.create_task(loads(url, ended))
    for number, (kind, path) in enumerate(files):
        await upload(url, kind, path, said)
        if number % 20 == 19:
            print(f"{number + 1} uploads, {rss(server)} MB", file=sys.stderr, flush=True)
    ended.set()
    meanwhile = await going
    ended_with = rss(server)
    await asyncio.sleep(FORGOTTEN_SECONDS)
    await load(url, 0)  # Streamlit clears what it forgets when somebody comes
    memory = {"before": before, "at the end": ended_with, "after": rss(server)}
    return {
        "uploads": len(files),
        "memory_mb": memory,
        "alone": times(alone),
        "meanwhile": times(meanwhile),
        "said": dict(said.most_common(40)),
    }


async def upload(url: str, kind: str, path: Path, said: Counter) -> None:
    """One session that uploads a file and leaves when the page has run."""
    page = PLACES[kind]
    async with Visitor(url, page, QUERIES.get(kind, "")) as visitor:
        visitor.errors.clear()
        if kind == "keras":
            await visitor.open("predict_other")
        try:
            await visitor.upload(path.name, path.read_bytes(), "predict_file" if kind == "keras" else "")
        except URLError:  # the server ends the connection of a file that is too large
            said[f"{kind}: too large"] += 1
            return
        await visitor.run()
        if kind == "keras":
            await visitor.press("predict_use_file")
            await visitor.settle()
        said.update(f"{kind}: {error[:60]}" for error in visitor.errors)


async def load(url: str, number: int) -> float:
    """The seconds that a page takes from the connection to the end of its run."""
    began = time.perf_counter()
    async with Visitor(url, PAGES[number % len(PAGES)]):
        return time.perf_counter() - began


async def loads(url: str, ended: asyncio.Event) -> list[float]:
    """Page loads, a few a second, until the end."""
    found = []
    while not ended.is_set():
        found.append(await load(url, len(found)))
        await asyncio.sleep(0.2)
    return found


def times(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "loads": len(ordered),
        "median": round(statistics.median(ordered), 3),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
    }


if __name__ == "__main__":
    raise SystemExit(main())
