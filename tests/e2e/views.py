"""The table of every view: where it is, how a person gets there, and what they must see.

`python -m tests.e2e.screenshots` draws the README's images from the same table. A new page, tab, view or panel gets a
row here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from playwright.sync_api import Page, expect

from cnnviz.images import to_png

__all__ = ["VIEWS", "View"]

Step = Callable[[Page], None]
SLOW_MS = 300_000
"""For work that the page shows a bar for, on a machine that has other things to do."""


@dataclass(frozen=True)
class View:
    """One view: its page and address, what a person does there, and what they must see.

    Attributes:
        name: of the screenshot and the test.
        address: what is opened, such as "inside?run=shapes".
        shows: how many of each kind are seen: chart, image, drawing, table, component.
        words: texts, each of which is seen: titles, captions, predictions, buttons.
        steps: what a person does after opening it.
        runs: the folder of runs: "trained", "running", "none", "mended", "seeds", "search" or "bare", see
            `prepared.switch`.
        phone: what differs in `shows` on a phone.
        scrolls: selectors of what may scroll sideways here, beside `SCROLLS`.
        plain: a selector of images that may have one colour.
        live: whether it is drawn anew all the time.
        readme: the name of its image in the README; "" for none.
        data: whether it needs the real images that `CNNVIZ_DATA` names.
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
    data: bool = False


SECOND_EPOCH = "Images a second"
"""Stands above a small curve, which needs two points."""
EMPTY_MAP = 'img[alt=""]'
"""A heat map over a watched image may hold no evidence at all."""
SCROLLS = (
    ".dvn-scroller",  # tables have more columns than a phone is wide
    ".strip",  # the layers of a model
    ".st-key-predict_row",  # rows of choices, on a phone
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


def turn_on(label: str) -> Step:
    """Turns a switch on."""
    return lambda page: page.locator("label").filter(has_text=label).first.click()


def farthest(slider: str) -> Step:
    """Moves a slider to its end, by its key."""
    return lambda page: page.get_by_role("slider", name=slider).press("End")


def wait(text: str) -> Step:
    """Waits until a text is there, as a person would who sees a bar."""
    return lambda page: expect(page.get_by_text(text).first).to_be_visible(timeout=SLOW_MS)


def tab(name: str) -> Step:
    """Opens a tab."""
    return press(name, "tab")


def unfold(text: str) -> Step:
    """Opens what is folded under a text."""
    return lambda page: page.locator("summary").filter(has_text=text).first.click()


def classifier(page: Page) -> None:
    """Waits until a model is loaded and its work done."""
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=SLOW_MS)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=SLOW_MS)


def drop_class(name: str) -> Step:
    """Drops five images and a text in, as a class of this name."""
    ramp = np.indices((30, 40)).sum(axis=0).astype(np.uint8)[..., None].repeat(3, axis=2)
    images = [ramp * shade for shade in range(1, 6)]
    files = [
        *({"name": f"{n}.png", "mimeType": "image/png", "buffer": to_png(one)} for n, one in enumerate(images)),
        {"name": f"{name}.txt", "mimeType": "text/plain", "buffer": b"no image"},
    ]

    def drop(page: Page) -> None:
        page.get_by_label("Class", exact=True).fill(name)
        page.get_by_label("Class", exact=True).press("Enter")
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        page.locator(".st-key-train_drop input[type=file]").set_input_files(files)
        expect(page.get_by_label("Name of class 1")).to_have_value(name, timeout=SLOW_MS)

    return drop


def draw_seven(page: Page) -> None:
    """Draws a 7 on the pad with the mouse, and waits until the page has followed."""
    box = page.get_by_role("application", name="Drawing pad").bounding_box() or {}
    at = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in ((0.3, 0.2), (0.7, 0.2), (0.45, 0.8))]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()
    expect(page).to_have_url(re.compile("draw="), timeout=SLOW_MS)


LEARN = (
    (
        "convolution",
        {"drawing": 2, "component": 1},
        (
            "What does a convolution compute?",
            "The image",
            "Pixel × weight, nine times, and their sum",
            "Slide the window",
        ),
    ),
    ("structure", {"image": 2}, ("Why does flattening lose structure?", "As a convolution needs it")),
    ("pooling", {"image": 4}, ("What does pooling buy?", "Moved, then pooled", "Mean change of a pixel")),
    ("overfitting", {"chart": 1}, ("When do the curves part, and why?",)),
    ("augmentation", {"image": 7}, ("What does augmentation buy?", "The image", "Epoch 6")),
    ("transfer", {"image": 2}, ("What does a trained model bring along?",)),
    ("learning-rate", {}, ("What does the learning rate do?", "0.003", "Train all three")),
    ("images", {}, ("How many images are enough?", "Your guess", "Measure it")),
    ("clue", {"image": 4}, ("Which clue did it take?", "Training: 8", "Your guess", "Train it")),
    ("accuracy", {"chart": 1}, ("What does an accuracy hide?", "Open a run's report")),
    ("why", {"image": 4}, ("May I believe a heat map?",)),
)

VIEWS: tuple[View, ...] = (
    # Home
    View(
        "home",
        "",
        {"image": 6, "drawing": 6, "component": 1},
        (
            "see what they see",
            "Accuracy",
            "Play",
            "Train in 20 seconds",
            "Look inside",
            "Ask about your photo",
            "finished",
            "validation accuracy",
        ),
    ),
    View(
        "home-running",
        "",
        {"image": 6, "drawing": 6, "component": 1},
        ("running", "epoch"),
        runs="running",
        live=True,
        steps=(wait("running"),),
    ),
    View("home-none", "", {"image": 6, "drawing": 6, "component": 1}, ("Train in 20 seconds", "Play"), runs="none"),
    # Train
    View(
        "train",
        "train",
        {"image": 22, "drawing": 1, "table": 1},
        (
            "What should learn what?",
            "1,222 training",
            "Six draws of one image",
            "151,690",
            "Height and depth of a block",
            "Multiplications",
            "The arithmetic of 11 layers",
            "An epoch",
            "Learning rate",
            "Start training",
        ),
        readme="train",
    ),
    View(
        "train-unfolded",
        "train",
        {"image": 22, "drawing": 1, "table": 2},
        (
            "Held out for validation",
            "Split seed",
            "How it comes about",
            "params = (n_in + 1)·units",
            "Cosine, down to zero",
            "Lowest validation loss",
        ),
        steps=(unfold("Size, split and limits"), unfold("The arithmetic of"), unfold("Schedule, weights and seed")),
    ),
    View(
        "train-learning-rate",
        "train",
        {"image": 22, "drawing": 1, "table": 1, "chart": 1},
        ("Find learning rate", "Suggested", "the recipe has 0.003"),
        steps=(press("Find learning rate"), wait("Suggested")),
    ),
    View(
        "train-layers",
        "train",
        {"image": 22, "drawing": 1, "table": 1},
        ("Edit the layers", "Height and depth of a block", "Start training"),
        steps=(turn_on("Edit the layers"),),
    ),
    View(
        "train-heads",
        "train?preset=S",
        {"image": 22, "drawing": 1, "table": 1},
        ("Shapes and colours, two heads", "circle, red", "Targets (labels)", "61,866", "4 × softmax", "6 × softmax"),
    ),
    View(
        "train-backbone",
        "train?preset=M4",
        {"image": 17, "drawing": 1, "table": 1},
        (
            "MobileNetV2",
            "ImageNet's weights, features computed once",
            "2,257,984",
            "Its weights",
            "Fine-tune after that",
        ),
        data=True,
    ),
    View(
        "train-own-images",
        "train",
        {"image": 5, "drawing": 1, "table": 1},
        (
            "Its images",
            "5 images",
            "Remove",
            "One more class is needed",
            "mask.txt: This is not an image",
        ),
        steps=(press("Use my own images"), drop_class("mask")),
    ),
    View(
        "train-search",
        "train",
        {"image": 22, "drawing": 1, "table": 1},
        ("Fields to search", "Learning rate, from", "Logarithmic", "Judged by", "Pruning", "Start search", "24 trials"),
        steps=(press("Search"), wait("Start search")),
    ),
    View(
        "train-recipe-file",
        "train",
        {"image": 22, "drawing": 1, "table": 1},
        ("Open a recipe", "Save this recipe"),
        steps=(pop("Recipe file"),),
    ),
    # Runs
    View(
        "runs-none",
        "runs",
        {},
        ("No runs yet.", "Train digits (about 20 seconds)", "Choose data and model on Train"),
        runs="none",
    ),
    View(
        "runs",
        "runs",
        {"chart": 1, "component": 1},
        ("Filter", "Loss", "Accuracy", "Table of all runs"),
    ),
    View(
        "runs-curves",
        "runs?run=shapes",
        {"chart": 1, "component": 1},
        (
            "Loss",
            "Accuracy",
            "Thin",
            "best ",
            "Learning rate",
            "Images a second",
            "Memory, MB",
            "Smoothing",
            "Duplicate this run",
            "Predict images",
            "Inspect",
            "Delete …",
        ),
        readme="runs",
    ),
    View(
        "runs-curves-smooth",
        "runs?run=shapes",
        {"chart": 1, "component": 1},
        ("Loss", "Accuracy", "Smoothing", "0.95", "Logarithmic loss"),
        (farthest("Smoothing"), turn_on("Logarithmic loss")),
    ),
    View(
        "runs-recipe",
        "runs?run=shapes&show=recipe",
        {"table": 2, "component": 1},
        ("Model · 61,866 parameters", "Data, augmentation and fit", "The recipe as JSON"),
    ),
    View(
        "runs-report-none",
        "runs?run=digits&show=report&split=train",
        {"component": 1},
        (
            "Measured on",
            "The best epoch's model has not been measured on the training images.",
            "Evaluate on training images",
        ),
    ),
    View(
        "runs-report",
        "runs?run=shapes&show=report",
        {"chart": 2, "image": 12, "table": 2, "component": 3},
        (
            "Slices",
            "Calibration error",
            "The true class is in the prediction set of",
            "Threshold by cost",
            "Best threshold",
            "Mean F1",
            "Confusion matrix",
            "Most confident mistakes",
            "Rows: the labels. Columns: the predictions.",
            "Calibration",
            "Per-class metrics",
            "wrong label",
        ),
    ),
    View(
        "runs-report-slices",
        "runs?run=shapes&show=report&slice=colour%3A+red",
        {"chart": 2, "image": 12, "table": 2, "component": 4},
        (
            "All images",
            "colour: red",
            "with its interval",
            "The matrix and the images are of colour",
            "Least sure predictions",
        ),
        steps=(wait("Clusters: k-means"), press("Least sure predictions", "radio")),
    ),
    View(
        "runs-log", "runs?run=digits&show=log", {"component": 1}, ("Loading TensorFlow", "What the worker process said")
    ),
    View(
        "runs-epochs",
        "runs?run=digits&show=epochs",
        {"image": 21, "drawing": 6, "component": 1},
        ("Grad-CAM over the images", "true label", "Feature maps", "Kernels of the first convolution", "Play"),
    ),
    View(
        "runs-robustness",
        "runs?run=shapes&show=robustness",
        {"chart": 2, "component": 1},
        ("Mean error over all corruptions", "held-out images", "Robust accuracy", "Gaussian noise", "Severity", "Head"),
    ),
    View(
        "runs-robustness-none",
        "runs?run=digits&show=robustness",
        {"component": 1},
        ("Measure robustness",),
    ),
    View(
        "runs-epochs-none",
        "runs?run=mnist&show=epochs",
        {},
        ("This run has no snapshots",),
        runs="bare",
    ),
    View(
        "runs-download",
        "runs?run=digits",
        {"chart": 1, "component": 1},
        (
            "Recipe (JSON)",
            "Metrics of all epochs (CSV)",
            "Model of the best epoch (.keras)",
            "Keras script (.py)",
            "Report (HTML)",
            "Model card (README.md)",
            "Over HTTP (REST)",
        ),
        steps=(pop("Download"),),
    ),
    View(
        "runs-download-rest",
        "runs?run=digits",
        {"chart": 1, "component": 1},
        ("python -m cnnviz serve", "Ask it with", "import requests", "raise_for_status"),
        steps=(pop("Download"), unfold("Over HTTP (REST)"), press("Python", "radio")),
    ),
    View(
        "runs-delete",
        "runs?run=digits",
        {},
        ("Delete this run?", "this can't be undone", "Keep"),
        steps=(press("Delete …"),),
    ),
    View(
        "runs-notes",
        "runs?run=digits",
        {"chart": 1, "component": 1},
        ("Name", "Tags", "Note"),
        steps=(pop("Notes and tags"),),
    ),
    View(
        "runs-filter",
        "runs?run=digits&find=shapes",
        {"chart": 1, "component": 1},
        ("State", "Data", "Tags"),
        steps=(pop("Filter"),),
    ),
    View(
        "runs-table",
        "runs?run=digits",
        {"chart": 1, "table": 1, "component": 1},
        ("Table of all runs", "believe the test metric"),
        steps=(unfold("Table of all runs"),),
    ),
    View(
        "runs-compare",
        "runs?run=shapes,digits",
        {"chart": 3, "table": 3, "component": 1},
        (
            "2 runs compared",
            "These runs are not on the same data",
            "Robustness",
            "Baseline of mCE",
            "Measure the other 1",
            "Best metrics",
            "What differs between their recipes",
            "Delete 2 runs",
            "End comparison",
            "Head",
        ),
    ),
    View(
        "runs-before-and-after",
        "runs?run=mended",
        {"chart": 1, "table": 2, "image": 12, "component": 3},
        (
            "2 runs compared",
            "Image by image",
            "Accuracy before",
            "McNemar's p",
            "Slices",
            "No slice is worse than chance explains.",
            "All images",
            "with its interval",
            "Broken",
            "Right before and after. Of class",
        ),
        runs="mended",
        steps=(
            press("Before and after"),
            wait("Clusters: k-means"),
            press("All 20 slices"),
            press("class: 3,"),
            press("Both right", "radio"),
        ),
    ),
    View(
        "runs-seeds",
        "runs",
        {"chart": 1, "table": 2, "component": 1},
        (
            "3 seeds",
            "Line: mean; band: ± one standard deviation",
            "Mean ± standard deviation",
            "Best metrics",
            "Delete 3 runs",
        ),
        runs="seeds",
        steps=(press("All 3 seeds"), wait("Mean ± standard deviation")),
    ),
    View(
        "runs-branches",
        "runs?run=slower",
        {"chart": 2, "component": 1},
        ("Branches", "Digits, small and quick · 0–5", "Branch"),
        runs="branches",
        steps=(wait("Branches"),),
    ),
    View(
        "runs-branch",
        "runs?run=slower",
        {"chart": 2, "component": 1},
        ("After epoch", "Set up the branch"),
        runs="branches",
        steps=(pop("Branch"),),
    ),
    View(
        "train-branch",
        "train?branch=slower.4",
        {"image": 22, "drawing": 2, "table": 1},
        ("Branches from", "slower", "Begin anew instead"),
        runs="branches",
        steps=(wait("Begin anew instead"),),
    ),
    View(
        "train-engine",
        "train",
        {"image": 22, "drawing": 1, "table": 1},
        ("Engine", "CPUs", "Memory (GB)"),
        steps=(pop("This machine"), press("Slurm", "radio"), wait("Memory (GB)")),
    ),
    View(
        "runs-nodes",
        "runs",
        {"table": 1},
        ("Waiting until Ray has room for it",),
        runs="nodes",
        live=True,
    ),
    View(
        "runs-search",
        "runs",
        {"chart": 1, "table": 1, "component": 1},
        (
            "Search · Digits, small and quick",
            "24 of 24 trials",
            "Open the best run",
            "of the model that its run keeps",
        ),
        runs="search",
        steps=(press("of a search"), wait("of the model that its run keeps")),
    ),
    View(
        "runs-search-parallel",
        "runs?chart=parallel",
        {"chart": 1, "table": 1, "component": 1},
        ("24 of 24 trials", "A line per trial"),
        runs="search",
        steps=(press("of a search"), wait("A line per trial")),
        scrolls=(".st-key-runs_steady_search_parallel",),
    ),
    View(
        "runs-search-importance",
        "runs?chart=importance",
        {"chart": 1, "table": 1, "component": 1},
        ("PED-ANOVA over the trials that are complete", "Share of what decides the metric"),
        runs="search",
        steps=(press("of a search"), wait("PED-ANOVA")),
    ),
    View(
        "runs-search-slices",
        "runs?chart=slices",
        {"chart": 1, "table": 1, "component": 1},
        ("Each setting alone", "Optimizer"),
        runs="search",
        steps=(press("of a search"), wait("Each setting alone")),
        scrolls=(".st-key-runs_steady_search_slices",),
    ),
    View(
        "runs-search-timeline",
        "runs?chart=timeline",
        {"chart": 1, "table": 1, "component": 1},
        ("When each trial learned", "pruned"),
        runs="search",
        steps=(press("of a search"), wait("When each trial learned")),
    ),
    View(
        "runs-running",
        "runs",
        {"chart": 1},
        ("Pause", "Stop", "Loss", "Accuracy", "Thin"),
        runs="running",
        live=True,
        steps=(wait(SECOND_EPOCH),),
    ),
    View(
        "runs-running-epochs",
        "runs",
        {"image": 21, "drawing": 6},
        ("Pause", "Stop", "Feature maps", "Follow"),
        runs="running",
        live=True,
        steps=(wait(SECOND_EPOCH), tab("Watch it learn"), wait("Follow"), wait("Feature maps")),
        plain=EMPTY_MAP,
    ),
    # Data
    View(
        "data",
        "data?data=digits&show=hard",
        {"image": 12, "drawing": 1, "component": 2},
        (
            "Can these images be trusted?",
            "Wrong labels",
            "Odd ones",
            "models find it hard",
            "leave out",
            "relabel",
            "Move to",
            "Nothing decided yet.",
            "Train again on the mended data",
            "Save as PNG",
        ),
        steps=(wait("Wrong labels"),),
        readme="data",
    ),
    View(
        "data-finding",
        "data?data=digits&show=odd&colour=finding",
        {"image": 12, "drawing": 1, "component": 2},
        ("unlike others", "Nothing found", "Hard", "Show 12 more"),
        steps=(wait("Odd ones"),),
    ),
    View(
        "data-image",
        "data?data=digits&show=hard",
        {"image": 1},
        ("8 × 8 pixels", "predicted", "hard:"),
        steps=(wait("Odd ones"), lambda page: page.locator("figure a").first.click()),
    ),
    # Augment
    View(
        "augment",
        "augment",
        {"image": 10},
        (
            "What will it see?",
            "Draw again",
            "Use for training",
            "Rotation",
            "turn",
            "Original",
            "Is my model robust to it?",
            "Save or open",
            "As Keras code",
        ),
        readme="augment",
    ),
    View(
        "augment-strips",
        "augment",
        {"image": 37},
        ("turn −40°", "zoom 1.20×1.20", "up 20%", "mirrored"),
        steps=(press("One step from low to high", "radio"),),
    ),
    View(
        "augment-pair",
        "augment",
        {"image": 12},
        ("chelsea", "astronaut", "Draw again"),
        steps=(press("Two images × five", "radio"),),
    ),
    View(
        "augment-wipe",
        "augment",
        {"image": 1},
        ("How much of the original", "Original"),
        steps=(press("Before and after", "radio"),),
    ),
    View("augment-files", "augment", {"image": 10}, ("Save",), steps=(pop("Save or open"),)),
    View("augment-code", "augment", {"image": 10}, ("import keras",), steps=(pop("As Keras code"),)),
    View(
        "augment-survival",
        "augment",
        {"chart": 1, "image": 22, "component": 1},
        ("It predicts", "Step", "Beside"),
        steps=(turn_on("Predict with a model"), classifier),
    ),
    View(
        "augment-survival-measured",
        "augment",
        {"chart": 3, "image": 22, "component": 1},
        ("held-out images. Dotted", "It predicts"),
        steps=(turn_on("Predict with a model"), classifier, press("test images"), wait("held-out images. Dotted")),
    ),
    # Inside
    View(
        "inside",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1",
        {"image": 26, "component": 4},
        (
            "The 32 channels of conv2d_1",
            "are exactly 0",
            "Conv2D · gives 32 × 32",
            "Channel, 0 to 31",
            "32 × 32 values",
            "over the image",
            "Mosaic",
            "Values",
        ),
        steps=(classifier,),
        readme="inside",
    ),
    View(
        "inside-strip",
        "inside?run=shapes&sample=chelsea&layer=conv2d",
        {"image": 26, "component": 4},
        ("Image", "batch_normalization, channel", "pixels of the image"),
        steps=(classifier, lambda page: page.get_by_role("button", name="conv2d, Conv2D").press("ArrowRight")),
    ),
    View(
        "inside-dense",
        "inside?run=shapes&sample=chelsea&layer=shape",
        {"image": 13, "component": 3},
        ("The 4 probabilities of shape", "Unit, 0 to 3", "Dense · gives 4 values", "circle", "triangle"),
        steps=(classifier,),
    ),
    View(
        "inside-kernels",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=kernels",
        {"image": 15, "drawing": 2, "component": 3},
        ("32 filters of 3 × 3 weights", "A row for each of 32 filters", "Norms"),
        steps=(classifier,),
    ),
    View(
        "inside-patterns",
        "inside?run=shapes&sample=chelsea&layer=conv2d&view=patterns",
        {"image": 13, "component": 2},
        ("Make",),
        steps=(classifier,),
    ),
    View(
        "inside-patterns-made",
        "inside?run=shapes&sample=chelsea&layer=conv2d&view=patterns",
        {"image": 15, "component": 3},
        ("conv2d, channels 0 to 15", "for its feature visualization", "Grid"),
        steps=(classifier, press("Make"), classifier),
    ),
    View(
        "inside-numbers",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=numbers",
        {"image": 17, "table": 3, "component": 3},
        ("comes about", "All input channels add up", "Kernel", "Products", "Bias"),
        steps=(classifier,),
    ),
    View(
        "inside-numbers-dense",
        "inside?run=shapes&sample=chelsea&layer=shape&view=numbers",
        {"image": 15, "component": 3},
        ("comes about", "4 units. Click one for its arithmetic."),
        steps=(classifier,),
    ),
    View(
        "inside-excites",
        "inside?run=shapes&sample=chelsea&layer=conv2d_3&view=excites",
        {"image": 13, "component": 2},
        ("Look through the held-out images",),
        steps=(classifier,),
    ),
    View(
        "inside-excites-found",
        "inside?run=shapes&sample=chelsea&layer=conv2d_3&view=excites",
        {"image": 37, "component": 2},
        (
            "How much it responds to each class",
            "Selectivity",
            "greatest output over each image",
            "lower bar: without the channel",
            " → ",
        ),
        steps=(
            classifier,
            press("Look through the held-out images"),
            classifier,
            press("Ablate and predict again"),
            wait("lower bar: without the channel"),
            classifier,
        ),
    ),
    View(
        "inside-beside",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=beside",
        {"image": 23, "component": 4},
        ("What differs most", "Furthest apart", "Astronaut"),
        steps=(classifier,),
    ),
    View(
        "inside-beside-networks",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=beside",
        {"image": 19, "component": 4},
        ("Channels with the same number", "Digits, small and quick"),
        steps=(classifier, press("Two models", "radio"), classifier),
    ),
    View(
        "inside-epochs",
        "inside?run=digits&view=epochs",
        {"image": 34, "drawing": 6, "component": 2},
        ("Feature maps", "Kernels of the first convolution", "Play"),
        steps=(classifier,),
    ),
    View(
        "inside-picture",
        "inside?run=shapes&layer=conv2d_2",
        {"image": 26, "component": 4},
        ("Drop images here", "Camera", "Chelsea"),
        steps=(classifier, pop("Another image")),
    ),
    View(
        "inside-item",
        "inside?run=mnist",
        {"image": 26, "component": 4},
        ("Test 15, as it is seen", "More", "The 32 channels of conv2d"),
        steps=(
            classifier,
            press("More"),
            lambda page: page.get_by_role("toolbar", name="Images of the test").get_by_role("button").nth(1).click(),
            classifier,
        ),
        data=True,
    ),
    View(
        "inside-network",
        "inside?run=shapes&layer=conv2d_2",
        {"image": 26, "component": 4},
        ("Another model",),
        steps=(classifier, pop("Another model")),
    ),
    View(
        "inside-drawing",
        "inside?run=mnist",
        {"image": 15, "drawing": 1, "component": 4},
        ("as the model sees it: 28 × 28", "Undo", "Clear", "Drawing, as it is seen", "The 32 channels of conv2d"),
        steps=(classifier, turn_on("Draw"), draw_seven, classifier),
        plain='img[alt^="Row "]',  # what a strong position sees may be black
    ),
    View("inside-none", "inside", {"image": 1}, ("No model is chosen",), runs="none"),
    # Predict
    View(
        "predict",
        "predict?run=cats-and-dogs&sample=chelsea",
        {"image": 5, "drawing": 1},
        (
            "cats",
            "dogs",
            "What it predicts",
            "Grad-CAM",
            "Opacity of the map",
            "Overlay",
            "Map",
            "Predictions (JSON)",
            "Map ",
            "Trust",
            "Every layer",
            "Cover it",
            "Card to share",
            "Drop images here",
        ),
        steps=(classifier,),
        readme="predict",
    ),
    View(
        "predict-heads",
        "predict?run=shapes&sample=coffee",
        {"image": 10, "drawing": 1},
        ("cross > 99.99 %", "colour", "Head", "Last convolution", "triangle", "square"),
        steps=(classifier,),
    ),
    View(
        "predict-settings",
        "predict?run=shapes&sample=coffee&method=occlusion&settings=patch:16",
        {"image": 10, "drawing": 1},
        ("Patches of 16 × 16 pixels, 8 apart", "Patch", "Stride", "cross"),
        steps=(classifier, pop("Settings")),
    ),
    View(
        "predict-four",
        "predict?run=cats-and-dogs&sample=chelsea",
        {"image": 12, "drawing": 4},
        ("Chelsea", "Astronaut", "Coffee", "Rocket", "Remove", "More on this one", "Side by side"),
        steps=(classifier, turn_on("Add to these"), press("Astronaut"), press("Coffee"), press("Rocket"), classifier),
    ),
    View(
        "predict-networks",
        "predict?run=cats-and-dogs,shapes&sample=chelsea",
        {"image": 6, "drawing": 2},
        ("Cats and dogs, small and augmented", "Shapes and colours, two heads", "More on this one"),
        steps=(classifier,),
    ),
    View(
        "predict-networks-rows",
        "predict?run=cats-and-dogs,shapes&sample=chelsea",
        {"image": 15, "drawing": 2},
        ("Chelsea · Cats and dogs, small and augmented", "Chelsea · Shapes and colours, two heads", "Side by side"),
        steps=(classifier, turn_on("Side by side")),
    ),
    View(
        "predict-every-layer",
        "predict?run=shapes&sample=chelsea",
        {"image": 21, "drawing": 5},
        ("Every convolution, from the input on", "conv2d_3", "Close"),
        steps=(classifier, press("Every layer", "radio"), classifier),
        plain=EMPTY_MAP,
    ),
    View(
        "predict-trust",
        "predict?run=cats-and-dogs&sample=chelsea",
        {"chart": 3, "image": 5, "drawing": 3},  # two are the verdicts' signs
        (
            "Does it mark what the model uses?",
            "Does it depend on what was learned?",
            "strongest pixels go, or come, first",
            "Structural similarity (SSIM) at the end",
            "All metrics",
        ),
        steps=(
            classifier,
            press("Trust", "radio"),
            wait("Structural similarity (SSIM) at the end"),
            classifier,
        ),
    ),
    View(
        "predict-trust-three",
        "predict?run=cats-and-dogs&sample=chelsea,coffee,rocket&view=trust:2",
        {"chart": 3, "image": 9, "drawing": 5},
        (
            "How far can this map be trusted?",
            "Coffee · Cats and dogs, small and augmented",
            "Structural similarity (SSIM) at the end",
        ),
        steps=(classifier, wait("Structural similarity (SSIM) at the end"), classifier),
    ),
    View(
        "predict-cover",
        "predict?run=cats-and-dogs&sample=chelsea&view=cover&cover=grey-35-35-30-30",
        {"image": 12, "drawing": 3, "component": 1},
        ("Cover it yourself", "As it is", "Covered", " points)", "Mean colour", "35 % from the left"),
        steps=(classifier, wait(" points)")),
    ),
    View(
        "predict-foreign",
        "predict?run=shapes&sample=coffee",
        {"image": 10, "drawing": 1},
        (
            "This is like nothing in its training data",
            "of the held-out images",
            "Nearest training images, by cosine distance",
        ),
        steps=(classifier,),
    ),
    View(
        "predict-training",
        "predict?run=shapes&item=3&view=training",
        {"image": 20, "drawing": 1, "component": 1},
        (
            "Which training images are behind this answer?",
            "at 10 % risk",
            "Risk of the prediction set",
            "Without them the answer would lose most",
            "without these 10 images",
            "the model itself says",
        ),
        steps=(
            classifier,
            press("Raised it", "radio"),
            wait("Prove it"),
            press("Prove it"),
            wait("without these 10 images"),
        ),
    ),
    View(
        "predict-training-image",
        "predict?run=shapes&item=3&view=training",
        {"image": 20, "drawing": 1, "component": 1},
        ("Which training images are behind this answer?", "Train 2,", "0.000"),
        steps=(
            classifier,
            lambda page: page.locator("[class*=st-key-predict_training_nearest] a").nth(1).click(),
            wait("0.000"),
            classifier,
        ),
    ),
    View(
        "predict-flip",
        "predict?run=shapes&sample=coffee&view=flip",
        {"image": 14, "drawing": 1},
        (
            "Smallest change that flips it",
            "Changed",
            "around grey",
            "the smallest ε that was found",
            "Changed image",
            "FGSM",
        ),
        steps=(classifier, wait("the smallest ε that was found")),
    ),
    View(
        "predict-network",
        "predict?run=shapes&sample=chelsea",
        {"image": 10, "drawing": 1},
        ("Another model",),
        steps=(classifier, pop("Another model")),
    ),
    View(
        "predict-item",
        "predict?run=shapes&sample=chelsea",
        {"image": 22, "drawing": 1, "component": 1},
        ("More",),
        steps=(classifier, pop("Test image")),
    ),
    View(
        "predict-drawing",
        "predict?run=mnist",
        {"image": 6, "drawing": 2, "component": 1},
        ("as the model sees it: 28 × 28", "Undo", "Clear", "Grad-CAM of 7"),
        steps=(classifier, turn_on("Draw"), draw_seven, wait("Drawing, as given"), classifier, wait("Grad-CAM of 7")),
    ),
    View("predict-none", "predict", {"image": 2, "drawing": 1}, ("No model is chosen",), runs="none"),
    # Learn
    *(
        View(f"learn-{topic}", f"learn?topic={topic}", shows, words, readme="learn" if topic == "augmentation" else "")
        for topic, shows, words in LEARN
    ),
)
