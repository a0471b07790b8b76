"""The browser's own buttons: each step of a person is one press of *Back*, and an address shows what it says."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from cnnviz.presets import PRESETS
from cnnviz.recipe import replace
from cnnviz.runs import Run
from tests.made_runs import give_model, make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_SECONDS = 180
BUSY = ("learn", "augment")
"""The pages that are walked while the machine has something else to do."""
LAYERS = [
    {"type": "Conv2D", "filters": 4, "padding": "same"},
    {"type": "MaxPool", "pool_size": 4},
    {"type": "Conv2D", "filters": 4},
    {"type": "GAP"},
]


@dataclass(frozen=True)
class Walk:
    """Steps on a page: what a person does, and what the page shows then.

    Attributes:
        start: the address that it begins with; `RUN` stands for a run's id.
        shown: gives what is seen of the page's choice.
        steps: each with what `shown` gives afterwards, as a pattern.
    """

    start: str
    shown: Callable[[Page], str]
    steps: tuple[tuple[Callable[[Page], None], str], ...]


def pick(label: str, option: str) -> Callable[[Page], None]:
    """Chooses in a field that opens a list."""

    def do(page: Page) -> None:
        field = page.get_by_role("combobox", name=re.compile(f"^(Selected .*{label}|{label})")).first
        wanted = page.get_by_role("option", name=re.compile(option)).first
        opened(page, field, wanted)
        wanted.click()

    return do


def opened(page: Page, field: Locator, wanted: Locator) -> None:
    """Opens a field's list, again where the page has closed it by drawing the field anew."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not wanted.is_visible():
        assert time.monotonic() < until, f"{field} opens no list"
        if field.get_attribute("aria-expanded") != "true":
            field.click()
        page.wait_for_timeout(150)


def press(role: str, name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role(role, name=re.compile(name)).first.click()


def fill(label: str, value: str) -> Callable[[Page], None]:
    def do(page: Page) -> None:
        field = page.get_by_role("spinbutton", name=label, exact=True)
        field.fill(value)
        field.press("Enter")

    return do


def step(page: Page, name: str) -> Locator:
    """The switch of a step of a policy."""
    return page.locator(".st-key-augment_steps [data-testid=stCheckbox] label").filter(has_text=name)


def texts(page: Page, selector: str) -> str:
    """What all of these hold, or are named, or say, one after another."""
    found = page.locator(selector).evaluate_all(
        "all => all.map((one) => one.type === 'checkbox' ? one.checked"
        " : one.value || one.title.split('\\n')[0] || one.innerText.trim())"
    )
    return " | ".join(map(str, found))


FIELDS = "[data-testid=stMain] [data-testid=stSelectbox] input"
WALKS = {
    "learn": Walk(
        "learn",
        lambda page: texts(page, "h2"),
        (
            (press("radio", "Pooling"), "pooling buy"),
            (press("radio", "Transfer"), "trained model bring"),
            (press("radio", "Convolution"), "convolution compute"),
        ),
    ),
    "inside": Walk(
        "inside?run=RUN",
        lambda page: (
            texts(page, "[aria-label^='Layers of the model'] [aria-pressed=true]")
            + " | "
            + texts(page, ".st-key-inside_views [aria-checked=true]")
            + " | "
            + texts(page, FIELDS)
        ),
        (
            (
                lambda page: (
                    page.get_by_role("toolbar", name="Layers of the model").get_by_role("button").nth(3).click()
                ),
                "^conv2d_1 .*Activations.*conv2d_1",
            ),
            (press("radio", "Kernels"), "^conv2d_1 .*Kernels.*conv2d_1"),
            (
                lambda page: (
                    page.get_by_role("toolbar", name="Layers of the model").get_by_role("button").nth(1).click()
                ),
                "^conv2d .*Kernels.*conv2d( |$)",
            ),
        ),
    ),
    "predict": Walk(
        "predict?run=RUN&sample=chelsea",
        lambda page: texts(page, FIELDS) + " | " + texts(page, "[data-testid=stMain] [data-testid=stHtml] figcaption"),
        (
            (pick("Method", "LayerCAM"), "LayerCAM"),
            (pick("Class", "circle"), "circle.*LayerCAM"),
            (press("button", "Coffee"), "circle.*LayerCAM"),
        ),
    ),
    "augment": Walk(
        "augment",
        lambda page: texts(page, FIELDS) + " | " + texts(page, ".st-key-augment_steps [data-testid=stCheckbox] input"),
        (
            (pick("Policy", "Light"), "Light"),
            (pick("Image", "Coffee"), "Light.*Coffee"),
            (lambda page: step(page, "Rotation").click(), "Own: light"),
        ),
    ),
    "runs": Walk(
        "runs?run=RUN",
        lambda page: texts(page, "[role=tab][aria-selected=true]"),
        ((press("tab", "Recipe"), "Recipe"), (press("tab", "Log"), "Log"), (press("tab", "Curves"), "Curves")),
    ),
    "train": Walk(
        "train",
        lambda page: texts(page, FIELDS) + " | " + texts(page, "input[aria-label=Epochs]"),
        (
            (pick("Start from", r"\(S\)$"), rf"\(S\) .*\| {PRESETS['S'].fit.epochs}$"),
            (fill("Epochs", "7"), r"\(S\) .*\| 7$"),
            (pick("Optimizer", "SGD"), r"\(S\) .*SGD.*\| 7$"),
        ),
    ),
}


@pytest.fixture(scope="module")
def run(server) -> Run:
    recipe = replace(PRESETS["S"], {"data.image_size": [32, 32], "network.layers": LAYERS})
    return give_model(make_run(recipe, runs=server.checkpoints))


@pytest.fixture(autouse=True)
def patient(page: Page) -> None:
    """What is tested here must be right on any machine, however slow."""
    page.set_default_timeout(1000 * PATIENCE_SECONDS)
    expect.set_options(timeout=1000 * PATIENCE_SECONDS)


@pytest.fixture
def busy(page: Page) -> Iterator[None]:
    """A core is kept busy by something else, as the other often is by other tests, and the browser computes at a
    quarter of its speed."""
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    yield
    loop.kill()
    loop.wait()


def address(page: Page) -> str:
    return page.evaluate("location.pathname + location.search")


def entries(page: Page) -> int:
    return page.evaluate("history.length")


def reached(page: Page, settled: Callable[[], None], holds: Callable[[], bool], words: Callable[[], str]) -> None:
    """Waits until something holds, and goes on holding when the page rests and nothing is at work for it."""
    until = time.monotonic() + PATIENCE_SECONDS
    calm = 0
    while calm < 3:
        settled()
        calm = calm + 1 if holds() and not page.get_by_test_id("stProgress").count() else 0
        assert time.monotonic() < until, words()
        page.wait_for_timeout(150)


def walk(page: Page, walked: Walk, run: Run, visit: Callable[[str], None], settled: Callable[[], None]) -> None:
    def seen() -> tuple[str, str]:
        return address(page), walked.shown(page)

    def said() -> str:
        return f"{seen()}, {entries(page)} entries"

    visit(walked.start.replace("RUN", run.id))
    reached(page, settled, lambda: "=" in address(page) and bool(walked.shown(page).strip(" |")), said)
    if "inside" in walked.start:
        expect(page.get_by_role("img", name=re.compile("^The 4 channels of conv2d"))).to_be_visible(timeout=180_000)
        reached(page, settled, lambda: "channel=" in address(page), said)
    past, count = [seen()], entries(page)
    for act, pattern in walked.steps:
        act(page)
        reached(
            page,
            settled,
            lambda pattern=pattern: re.search(pattern, walked.shown(page)) is not None and address(page) != past[-1][0],
            said,
        )
        past.append(seen())
        assert entries(page) == count + len(past) - 1, (past, said())
    for press in (page.go_back, page.go_forward):
        for wanted in past[-2::-1] if press == page.go_back else past[1:]:
            press(wait_until="commit")
            reached(page, settled, lambda wanted=wanted: seen() == wanted, lambda wanted=wanted: f"{wanted}: {said()}")
    assert entries(page) == count + len(past) - 1
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    visit(past[-1][0].lstrip("/"))  # a session of its own
    reached(page, settled, lambda: seen() == past[-1], lambda: f"{past[-1]}: {said()}")


@pytest.mark.parametrize("name", [name for name in WALKS if name not in BUSY])
def test_each_step_is_one_press_of_back(
    page: Page, run: Run, visit: Callable[[str], None], settled: Callable[[], None], name: str
) -> None:
    walk(page, WALKS[name], run, visit, settled)


@pytest.mark.parametrize("name", BUSY)
def test_each_step_is_one_press_of_back_on_a_busy_machine_too(
    page: Page, run: Run, visit: Callable[[str], None], settled: Callable[[], None], busy: None, name: str
) -> None:
    walk(page, WALKS[name], run, visit, settled)


def test_pages_are_steps_and_keep_their_values_to_themselves(
    page: Page, run: Run, visit: Callable[[str], None], settled: Callable[[], None]
) -> None:
    def title() -> str:
        return page.get_by_role("heading", level=1).inner_text()

    def said() -> str:
        return f"{title()} at {address(page)}, {entries(page)} entries"

    def at(name: str, pattern: str) -> None:
        reached(page, settled, lambda: title() == name and re.fullmatch(pattern, address(page)) is not None, said)

    visit("augment?policy=light&sample=coffee&foo=1")
    at("Augment", r"/augment\?policy=light&sample=coffee")
    count = entries(page)
    page.get_by_role("button", name="Use for training").click()
    at("Train", r"/train\?recipe=[\w-]+")
    for name, pattern in (
        ("Learn", r"/learn\?topic=convolution"),
        ("Runs", "/runs"),
        ("Augment", r"/augment\?policy=light&sample=coffee"),
    ):
        page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
        at(name, pattern)
    assert entries(page) == count + 4, said()
    for name, pattern in (
        ("Runs", "/runs"),
        ("Learn", r"/learn\?.*"),
        ("Train", r"/train\?recipe=.*"),
        ("Augment", r"/augment\?policy=light&sample=coffee"),
    ):
        page.go_back(wait_until="commit")
        at(name, pattern)
    for name in ("Train", "Learn"):
        page.go_forward(wait_until="commit")
        at(name, rf"/{name.lower()}\?.*")
    page.get_by_role("radio", name="Pooling").click()
    at("Learn", r"/learn\?topic=pooling")
    page.go_back(wait_until="commit")
    at("Learn", r"/learn\?topic=convolution")


@pytest.mark.parametrize("path", ["?preset=Q", "start", "train", "nonsense"])
def test_addresses_open_without_streamlits_own_words(
    page: Page, visit: Callable[[str], None], settled: Callable[[], None], path: str
) -> None:
    """Those that Train had while the app opened there lead to it still."""
    visit(path)
    heading = "There is no such page" if path == "nonsense" else "Train"
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    if path == "nonsense":
        expect(page.get_by_text("cnnviz has no page")).to_contain_text("nonsense")
        page.get_by_role("link", name="Choose data and model on Train").click()
    expect(page.locator("[data-testid=stTopNavLink][aria-current=page]")).to_contain_text("Train")
    expect(page).to_have_url(re.compile(r"/train\?preset=Q$"))
    expect(page.get_by_text("Page not found")).to_have_count(0)


@pytest.mark.parametrize("path", ["", "home", "home/", "%20"])
def test_addresses_that_stand_for_home_open_it(page: Page, visit: Callable[[str], None], path: str) -> None:
    visit(path)
    expect(page.get_by_role("heading", level=1)).to_have_text("cnnviz")
    expect(page.locator("[data-testid=stTopNavLink][aria-current=page]")).to_contain_text("Home")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_an_edited_recipe_and_policy_outlive_a_reload_and_are_what_a_link_shows(
    page: Page, browser, visit: Callable[[str], None], settled: Callable[[], None]
) -> None:
    visit("train?preset=S")
    epochs = page.get_by_role("spinbutton", name="Epochs", exact=True)
    fill("Epochs", "7")(page)
    expect(page).to_have_url(re.compile(r"preset=S&recipe=[\w-]+$"))
    page.reload()
    expect(epochs).to_have_value("7")
    expect(page.get_by_role("button", name="Undo changes")).to_be_visible()
    other = browser.new_context().new_page()
    other.goto(page.url)
    expect(other.get_by_role("spinbutton", name="Epochs", exact=True)).to_have_value(
        "7", timeout=1000 * PATIENCE_SECONDS
    )
    other.context.close()
    page.get_by_role("button", name="Undo changes").click()
    expect(page).to_have_url(re.compile(r"\?preset=S$"))

    visit("augment?policy=light")
    rotation = step(page, "Rotation")
    rotation.click()
    expect(page).to_have_url(re.compile(r"\?steps=[\w-]+&sample=chelsea$"))
    page.reload()
    expect(rotation.locator("input")).not_to_be_checked()
    expect(step(page, "Zoom").locator("input")).to_be_checked()
