"""The table of every view: where it is, how a person gets there, and what they must see.

`python -m tests.e2e.screenshots` draws the README's pictures from the same table. A new page, tab, view or panel gets a
row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

__all__ = ["VIEWS", "View"]

Step = Callable[[Page], None]
SLOW_MS = 120_000
"""For work that the page shows a bar for, on a machine that has other things to do."""


@dataclass(frozen=True)
class View:
    """One view: its page and address, what a person does there, and what they must see.

    Attributes:
        name: of the screenshot and the test.
        address: what is opened, such as "inside?run=shapes".
        shows: how many of each kind are seen: chart, image, drawing, table, component.
        words: texts, each of which is seen: titles, captions, answers, buttons.
        steps: what a person does after opening it.
        runs: the folder of runs: "trained", "running" or "none".
        phone: what differs in `shows` on a phone.
        scrolls: selectors of what may scroll sideways here, beside `SCROLLS`.
        plain: a selector of images that may have one colour.
        live: whether it is drawn anew all the time.
        readme: the name of its picture in the README; "" for none.
    """

    name: str
    address: str
    shows: Mapping[str, int]
    words: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    runs: str = "trained"
    phone: Mapping[str, int] = field(default_factory=dict)
    scrolls: tuple[str, ...] = ()
    plain: str = ""
    live: bool = False
    readme: str = ""


EMPTY_MAP = 'img[alt=""]'
"""A heat map over a watched picture may hold no evidence at all."""
SCROLLS = (
    ".dvn-scroller",  # tables have more columns than a phone is wide
    ".strip",  # the layers of a network
    ".st-key-predict_sources, .st-key-predict_row",  # rows of choices, on a phone
    '[role="radiogroup"]',  # segmented controls, on a phone
    '[role="tablist"]',
    '[data-testid="stCode"]',
    ".scrolls-sideways",  # what says so itself
)


def press(name: str, role: str = "button") -> Step:
    """Presses what has this name."""
    return lambda page: page.get_by_role(role, name=name).first.click()


def pop(text: str) -> Step:
    """Opens a popover by the text on its button."""
    return lambda page: page.get_by_test_id("stPopoverButton").filter(has_text=text).first.click()


def pick(label: str, option: str) -> Step:
    """Chooses an option of a list."""

    def step(page: Page) -> None:
        page.get_by_role("combobox", name=label).first.click()
        page.get_by_role("option", name=option).first.click()

    return step


def turn_on(label: str) -> Step:
    """Turns a switch on."""
    return lambda page: page.locator("label").filter(has_text=label).first.click()


def wait(text: str) -> Step:
    """Waits until a text is there, as a person would who sees a bar."""
    return lambda page: expect(page.get_by_text(text).first).to_be_visible(timeout=SLOW_MS)


def gone(text: str) -> Step:
    """Waits until a text is gone."""
    return lambda page: expect(page.get_by_text(text)).to_have_count(0, timeout=SLOW_MS)


def unfold(text: str) -> Step:
    """Opens what is folded under a text."""
    return lambda page: page.locator("summary").filter(has_text=text).first.click()


def loaded(page: Page) -> None:
    """Waits until a network is loaded and its work done."""
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=SLOW_MS)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=SLOW_MS)


LEARN = (
    ("convolution", {}, ()),
    ("structure", {}, ()),
    ("pooling", {}, ()),
    ("overfitting", {}, ()),
    ("augmentation", {}, ()),
    ("transfer", {}, ()),
    ("accuracy", {}, ()),
    ("why", {}, ()),
)

VIEWS: tuple[View, ...] = (
    # Train
    View("train", "", {}, ("What should learn what?", "Data", "Augmentation", "Network", "Fit", "Start training")),
    View("train-unfolded", "", {}, ("Size, split and limits", "Schedule, weights and seed", "The arithmetic of"),
         steps=(unfold("Size, split and limits"), unfold("The arithmetic of"), unfold("Schedule, weights and seed"))),
    View("train-layers", "", {}, ("Edit the layers",), steps=(turn_on("Edit the layers"),)),
    View("train-heads", "?preset=S", {}, ("Shapes and colours",)),
    View("train-backbone", "?preset=M4", {}, ("MobileNetV2",)),
    View("train-recipe-file", "", {}, ("Open a recipe", "Save this recipe"), steps=(pop("Recipe file"),)),
    # Runs
    View("runs-none", "runs", {}, ("No runs yet.", "Train digits (about 20 seconds)"), runs="none"),
    View("runs", "runs", {}, ("Shown below",)),
    View("runs-curves", "runs?run=shapes", {}, ("Loss", "Accuracy", "Learning rate")),
    View("runs-recipe", "runs?run=shapes&show=recipe", {}, ("Recipe",)),
    View("runs-report-none", "runs?run=mnist&show=report", {}, ("Measured on",)),
    View("runs-report", "runs?run=shapes&show=report", {}, ("What is taken for what",)),
    View("runs-log", "runs?run=digits&show=log", {}, ("What the worker process said",)),
    View("runs-epochs", "runs?run=digits&show=epochs", {}, ("Feature maps",)),
    View("runs-epochs-none", "runs?run=shapes&show=epochs", {}, ("This run has no snapshots",)),
    View("runs-download", "runs?run=digits", {}, ("Recipe",), steps=(pop("Download"),)),
    View("runs-delete", "runs?run=digits", {}, ("Delete",), steps=(press("Delete …"),)),
    View("runs-compare", "runs?run=shapes,digits", {}, ("Shown below",)),
    View("runs-running", "runs", {}, ("Pause", "Stop"), runs="running", live=True,
         steps=(wait("Accuracy"),)),
    View("runs-running-epochs", "runs", {}, ("Pause",), runs="running", live=True,
         steps=(wait("Accuracy"), unfold("Watch it learn"), wait("Feature maps")), plain=EMPTY_MAP),
    # Augment
    View("augment", "augment", {}, ("What will it see?", "Draw again"), readme="augment"),
    View("augment-strips", "augment", {}, (), steps=(press("One step from low to high", "radio"),)),
    View("augment-pair", "augment", {}, (), steps=(press("Two pictures × five", "radio"),)),
    View("augment-wipe", "augment", {}, ("How much of the original",), steps=(press("Before and after", "radio"),)),
    View("augment-files", "augment", {}, (), steps=(pop("Save or open"),)),
    View("augment-code", "augment", {}, (), steps=(pop("As Keras code"),)),
    View("augment-survival", "augment", {}, (), steps=(turn_on("Ask a network"), loaded)),
    View("augment-survival-measured", "augment", {}, ("Over",),
         steps=(turn_on("Ask a network"), loaded, press("test pictures"), wait("held-out pictures. Dotted"))),
    # Inside
    View("inside", "inside?run=shapes&sample=chelsea&layer=conv2d_1", {}, (), steps=(loaded,)),
    View("inside-dense", "inside?run=shapes&sample=chelsea&layer=shape", {}, (), steps=(loaded,)),
    View("inside-kernels", "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=kernels", {}, (), steps=(loaded,)),
    View("inside-patterns", "inside?run=shapes&sample=chelsea&layer=conv2d&view=patterns", {}, (), steps=(loaded,)),
    View("inside-patterns-made", "inside?run=shapes&sample=chelsea&layer=conv2d&view=patterns", {}, (),
         steps=(loaded, press("Make"), loaded)),
    View("inside-numbers", "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=numbers", {}, (), steps=(loaded,)),
    View("inside-numbers-dense", "inside?run=shapes&sample=chelsea&layer=shape&view=numbers", {}, (), steps=(loaded,)),
    View("inside-excites", "inside?run=shapes&sample=chelsea&layer=conv2d_3&view=excites", {}, (), steps=(loaded,)),
    View("inside-excites-found", "inside?run=shapes&sample=chelsea&layer=conv2d_3&view=excites", {}, (),
         steps=(loaded, press("Look through the held-out pictures"), loaded)),
    View("inside-beside", "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=beside", {}, (), steps=(loaded,)),
    View("inside-beside-networks", "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=beside", {}, (),
         steps=(loaded, press("Two networks", "radio"), loaded)),
    View("inside-epochs", "inside?run=digits&view=epochs", {}, (), steps=(loaded,)),
    View("inside-picture", "inside?run=shapes", {}, ("Camera",), steps=(loaded, pop("Another picture"))),
    View("inside-item", "inside?run=shapes", {}, ("Show it",), steps=(loaded, pop("Test picture"))),
    View("inside-network", "inside?run=shapes", {}, (), steps=(loaded, pop("Another network"))),
    View("inside-none", "inside", {}, ("No network is chosen",), runs="none"),
    # Predict
    View("predict", "predict?run=cats-and-dogs&sample=chelsea", {}, (), steps=(loaded,), readme="predict"),
    View("predict-heads", "predict?run=shapes&sample=coffee", {}, ("shape", "colour"), steps=(loaded,)),
    View("predict-four", "predict?run=cats-and-dogs&sample=chelsea", {}, (),
         steps=(loaded, turn_on("Side by side"), press("Astronaut"), press("Coffee"), press("Rocket"), loaded)),
    View("predict-networks", "predict?run=cats-and-dogs,shapes&sample=chelsea", {}, (), steps=(loaded,)),
    View("predict-every-layer", "predict?run=shapes&sample=chelsea", {}, ("Every convolution",),
         steps=(loaded, turn_on("Every layer"), loaded)),
    View("predict-trust", "predict?run=cats-and-dogs&sample=chelsea", {}, (),
         steps=(loaded, unfold("How far can I trust this map?"), wait("Every layer is randomised"), loaded)),
    View("predict-network", "predict?run=shapes&sample=chelsea", {}, (), steps=(loaded, pop("Another network"))),
    View("predict-item", "predict?run=shapes&sample=chelsea", {}, ("Show it",), steps=(loaded, pop("Test picture"))),
    View("predict-no-photo", "predict?run=shapes", {}, (), steps=(loaded,)),
    View("predict-none", "predict", {}, ("No network is chosen",), runs="none"),
    # Learn
    *(View(f"learn-{topic}", f"learn?topic={topic}", shows, words) for topic, shows, words in LEARN),
)  # fmt: skip
