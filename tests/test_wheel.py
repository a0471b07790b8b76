"""cnnviz as it is installed from its wheel, away from the clone: its command, its pages, its settings and its runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import FLAGS, PATIENCE_MS, chromium, end, wait_for_health
from tests.security.test_server import UPGRADE, ask

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ["cats-and-dogs", "mnist", "shapes"]
OWN_RUN = "20260101-000000-digits-0000abcd"
LEFT_OUT = {".git", ".venv", "build", "dist", "tests", "benchmarks"}
"""Folders of the clone that nothing of the wheel lies in."""
USERS_SETTINGS = '[server]\nmaxUploadSize = 5\nallowedHosts = ["*"]\n[theme.light]\nprimaryColor = "#ff0000"\n'
OF_THE_PROJECT = "rgb(12, 107, 99)"
"""The light theme's primary colour in `.streamlit/config.toml`."""


@dataclass(frozen=True)
class Installed:
    """An environment with cnnviz from its wheel, and a person who has nothing but settings for Streamlit."""

    python: Path
    home: Path

    @property
    def package(self) -> Path:
        """The folder of the installed package."""
        return next(self.python.parents[1].glob("[Ll]ib/**/site-packages")) / "cnnviz"

    @property
    def environment(self) -> dict[str, str]:
        """What a process of that person begins with: no variable of cnnviz's or Python's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CNNVIZ_", "PYTHON", "XDG_"))}
        own = {"HOME": self.home, "XDG_DATA_HOME": self.home / "data"}
        return {**kept, **{name: str(folder) for name, folder in own.items()}}

    def words(self, *arguments: str) -> list[str]:
        """The installed command with these arguments."""
        return [str(self.python.with_name("cnnviz")), *arguments]

    def run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Carries out a command away from the clone."""
        return subprocess.run(words, cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this clone, in which somebody has trained."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "clone", ignore=left_out)
    shutil.copytree(ROOT / "checkpoints" / "mnist", folder / "clone" / "checkpoints" / OWN_RUN)
    (folder / "clone" / "checkpoints" / "mnist" / "flags.json").write_text("{}")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "clone"))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a fresh environment, which finds all other packages where this one does."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=os.name == "posix")
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    (folder / "home" / ".streamlit").mkdir(parents=True)
    (folder / "home" / ".streamlit" / "config.toml").write_text(USERS_SETTINGS)
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    made = Installed(python, folder / "home")
    (made.package.parent / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return made


def left_out(folder: str, names: list[str]) -> set[str]:
    """Which of the names in a folder of the clone are not copied: what is large or made again, and all runs but those
    that are shipped."""
    if Path(folder) == ROOT:
        return {name for name in names if name in LEFT_OUT or name.endswith((".egg-info", "_cache"))}
    return set(names) - set(SHIPPED) if Path(folder) == ROOT / "checkpoints" else {"__pycache__"}


def pip(*arguments: str) -> None:
    """Carries out a command of pip's, and fails the test with what it said."""
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    if done.returncode:
        pytest.fail(f"pip {' '.join(arguments)}:\n{done.stdout}{done.stderr}")


def files_of(folder: Path) -> dict[str, int]:
    """Every file in a folder with its time, but for compiled ones."""
    found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in found}


def test_the_wheel_holds_all_that_the_app_needs_and_nothing_of_ones_own(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    named = [
        *ROOT.glob("cnnviz/**/*.py"),
        *ROOT.glob("cnnviz/**/*.json"),
        *ROOT.glob("cnnviz/figures/templates/*"),
        *ROOT.glob("cnnviz/ui/components/assets/*"),
    ]
    own = [ROOT / "streamlit_app.py", ROOT / ".streamlit" / "config.toml", ROOT / "docs" / "icon.png"]
    own += ROOT.glob("pages/*.py")
    kept = ("recipe.json", "state.json", "metrics.jsonl", "report.json", "robustness.json", "best.keras")
    own += [ROOT / "checkpoints" / run / name for run in SHIPPED for name in kept]
    own += ROOT.glob("checkpoints/[a-z]*/snapshots/*.z")
    own += ROOT.glob("checkpoints/[a-z]*/evaluation/*.npz")
    own += ROOT.glob("checkpoints/[a-z]*/training-features/*.npz")
    wanted = {path.relative_to(ROOT).as_posix() for path in named}
    wanted |= {f"cnnviz/app/{path.relative_to(ROOT).as_posix()}" for path in own}
    assert sorted(wanted - packed) == []
    more = {name for name in packed - wanted if ".dist-info/" not in name}
    assert {name.rpartition("/")[0] for name in more} <= {
        "cnnviz/app/checkpoints/shapes/trust",
        "cnnviz/app/checkpoints/shapes",  # their logs
        "cnnviz/app/checkpoints/mnist",
        "cnnviz/app/checkpoints/cats-and-dogs",
    }


def test_the_command_is_there_and_says_what_it_does(installed: Installed) -> None:
    done = installed.run(installed.words("--help"))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "usage: cnnviz [-h] [--version] VERB ...")
    assert "open the pages in a browser" in done.stdout
    where = installed.run([str(installed.python), "-c", "import cnnviz; print(cnnviz.__file__)"])
    assert where.stdout.strip() == str(installed.package / "__init__.py")
    wrong = installed.run(installed.words("app", "--port", "many"))
    assert (wrong.returncode, wrong.stdout, len(wrong.stderr.splitlines())) == (2, "", 1)


def test_shipped_runs_are_listed_and_new_ones_go_to_the_folder_for_data(installed: Installed) -> None:
    listed = json.loads(installed.run(installed.words("runs", "--json")).stdout)
    assert sorted(run["run"] for run in listed) == SHIPPED
    unknown = installed.run(installed.words("stop", "no-such-run"))
    assert f"no run 'no-such-run' in {installed.home / 'data' / 'cnnviz' / 'runs'};" in unknown.stderr
    named = installed.run([str(installed.python), "-c", "from cnnviz import runs; print(runs.root())"])
    assert named.stdout.strip() == str(installed.home / "data" / "cnnviz" / "runs")


@pytest.fixture(scope="module")
def url(installed: Installed) -> Iterator[str]:
    """The address of the app that `cnnviz app` started; the server is ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = installed.home / "server.log"
    with log.open("wb") as output:
        process = psutil.Popen(
            installed.words("app", "--port", str(port), "--", "--server.headless", "true"),
            cwd=installed.home,
            env=installed.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_health(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        end([process, *(process.children(recursive=True) if process.is_running() else [])])


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of Chromium; without one the test is skipped, or fails where `CNNVIZ_REQUIRE_BROWSER` is set."""
    with sync_playwright() as playwright:
        if (found := chromium(playwright)) is None:
            (pytest.fail if os.environ.get("CNNVIZ_REQUIRE_BROWSER") else pytest.skip)("No Chromium was found.")
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        opened = browser.new_page(color_scheme="light", reduced_motion="reduce")
        opened.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield opened
        browser.close()


@pytest.fixture
def visit(page: Page, url: str) -> Callable[[str], None]:
    """Opens a path of the installed app and waits until it stands."""

    def go(path: str) -> None:
        page.goto(f"{url}/{path}")
        expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)

    return go


@pytest.mark.browser
def test_the_installed_app_shows_its_pages_and_a_shipped_run(
    installed: Installed, page: Page, visit: Callable[[str], None]
) -> None:
    before = files_of(installed.package)
    visit("runs?run=shapes")
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Shapes and colours, two heads")).to_be_visible()
    visit("inside?run=shapes&sample=chelsea&layer=conv2d_1")
    expect(page.get_by_role("heading", name="Inside", exact=True)).to_be_visible()
    layers = page.get_by_role("toolbar", name="Layers of the model").get_by_role("button")  # drawn by an asset
    expect(layers.and_(page.locator("[aria-pressed=true]"))).to_have_attribute("aria-label", re.compile("^conv2d_1,"))
    assert files_of(installed.package) == before


@pytest.mark.browser
def test_the_projects_settings_hold_and_the_persons_stay(
    installed: Installed, url: str, page: Page, visit: Callable[[str], None]
) -> None:
    visit("train")
    start = page.get_by_role("button", name="Start training")
    assert start.evaluate("button => getComputedStyle(button).backgroundColor") == OF_THE_PROJECT
    assert ask(url, "GET", "/_stcore/stream", UPGRADE)[0] == 101
    assert ask(url, "GET", "/_stcore/stream", {**UPGRADE, "Host": "example.org"})[0] == 403
    assert (installed.home / ".streamlit" / "config.toml").read_text() == USERS_SETTINGS
