"""Seconds from `streamlit run` to a usable Train page in Chromium, beside a Streamlit page of one line.

Usable means: the primary button *Start training* is visible and enabled. Both apps are started in turn, each time as a
new process, on a new port, in a new browser context. The first turn, which fills the disk's caches, is left out.
Prints the medians and their ratio, and ends with code 1 if it is above `--limit`.

    python benchmarks/startup.py [--turns 7] [--limit 1.5]
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
ONE_LINE = 'import streamlit as st; st.button("Start training", type="primary")\n'
PATIENCE_SECONDS = 120
SAME = ["--server.headless", "true", "--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
]


def seconds_to_usable(browser: Browser, script: Path, runs: Path) -> float:
    """Starts the app that `script` is, and returns when its button can be pressed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as usual
    address = ["--server.address", "127.0.0.1", "--server.port", str(port)]
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *address, *SAME],
        cwd=script.parent,
        env={**kept, "CNNVIZ_CHECKPOINTS": str(runs)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        page.goto(f"http://127.0.0.1:{port}/train", wait_until="commit")
        button = page.locator("button:enabled:visible", has_text="Start training")
        button.first.wait_for(timeout=PATIENCE_SECONDS * 1000)
        return time.perf_counter() - began
    finally:
        context.close()
        server.terminate()
        server.wait()


def wait_for(url: str, server: subprocess.Popen) -> None:
    """Blocks until the server answers."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    sys.exit(f"No server answered at {url}.")


def main() -> int:
    """Runs both apps in turn and prints what they took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--limit", type=float, default=1.5)
    given = parser.parse_args()
    chromium = os.environ.get("CNNVIZ_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    took: dict[str, list[float]] = {"one line": [], "cnnviz": []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bare = Path(folder) / "one_line.py"
        bare.write_text(ONE_LINE)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for turn in range(given.turns + 1):
            for name, script in (("one line", bare), ("cnnviz", ROOT / "streamlit_app.py")):
                seconds = seconds_to_usable(browser, script, Path(folder) / "checkpoints")
                print(f"{'warm-up' if turn == 0 else f'turn {turn}':8} {name:9} {seconds:6.2f} s", flush=True)
                if turn:
                    took[name].append(seconds)
        browser.close()
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    ratio = medians["cnnviz"] / medians["one line"]
    print(
        f"medians: {medians['one line']:.2f} s and {medians['cnnviz']:.2f} s, ratio {ratio:.2f} (at most {given.limit})"
    )
    return int(ratio > given.limit)


if __name__ == "__main__":
    sys.exit(main())
