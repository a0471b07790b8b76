"""The table of every view: where it is, how a person gets there, and what they must see.

`python -m tests.e2e.screenshots` draws the README's images from the same table. A new page, tab, view or panel gets a
row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

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
        runs: the folder of runs: "trained", "running" or "none".
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


SECOND_EPOCH = "How large a step each batch makes"
"""Stands beside the learning rate's curve, which needs two points."""
EMPTY_MAP = 'img[alt=""]'
"""A heat map over a watched image may hold no evidence at all."""
SCROLLS = (
    ".dvn-scroller",  # tables have more columns than a phone is wide
    ".strip",  # the layers of a model
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


def turn_on(label: str) -> Step:
    """Turns a switch on."""
    return lambda page: page.locator("label").filter(has_text=label).first.click()


def wait(text: str) -> Step:
    """Waits until a text is there, as a person would who sees a bar."""
    return lambda page: expect(page.get_by_text(text).first).to_be_visible(timeout=SLOW_MS)


def unfold(text: str) -> Step:
    """Opens what is folded under a text."""
    return lambda page: page.locator("summary").filter(has_text=text).first.click()


def classifier(page: Page) -> None:
    """Waits until a model is loaded and its work done."""
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=SLOW_MS)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=SLOW_MS)


LEARN = (
    (
        "convolution",
        {"image": 2},
        ("What does a convolution compute?", "The image", "bright where it is like the kernel"),
    ),
    ("structure", {"image": 2}, ("Why does flattening lose structure?", "As a convolution needs it")),
    ("pooling", {"image": 4}, ("What does pooling buy?", "Moved, then pooled", "Mean change of a pixel")),
    ("overfitting", {}, ("When do the curves part, and why?",)),
    ("augmentation", {"image": 7}, ("What does augmentation buy?", "The image", "Epoch 6")),
    ("transfer", {}, ("What does a trained model bring along?",)),
    ("accuracy", {}, ("What does an accuracy hide?", "Open a run's report")),
    ("why", {}, ("May I believe a heat map?",)),
)

VIEWS: tuple[View, ...] = (
    # Train
    View(
        "train",
        "",
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
        "",
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
        "train-layers",
        "",
        {"image": 22, "drawing": 1, "table": 1},
        ("Edit the layers", "Height and depth of a block", "Start training"),
        steps=(turn_on("Edit the layers"),),
    ),
    View(
        "train-heads",
        "?preset=S",
        {"image": 22, "drawing": 1, "table": 1},
        ("Shapes and colours, two heads", "circle, red", "Targets (labels)", "61,866", "4 × softmax", "6 × softmax"),
    ),
    View(
        "train-backbone",
        "?preset=M4",
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
        "train-recipe-file",
        "",
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
        {"chart": 3, "table": 1},
        (
            "How is it going, and which is best?",
            "Search",
            "Tick a run to see all of it",
            "Shown below",
            "Loss",
            "Accuracy",
        ),
    ),
    View(
        "runs-curves",
        "runs?run=shapes",
        {"chart": 3, "table": 1},
        (
            "Loss",
            "Accuracy",
            "Thin",
            "best ",
            "Learning rate",
            "Duplicate this run",
            "Predict images",
            "Inspect",
            "Delete …",
        ),
        readme="runs",
    ),
    View(
        "runs-recipe",
        "runs?run=shapes&show=recipe",
        {"table": 3},
        ("Model · 61,866 parameters", "Data, augmentation and fit", "The recipe as JSON"),
    ),
    View(
        "runs-report-none",
        "runs?run=mnist&show=report",
        {"table": 1},
        ("Measured on", "The best epoch's model has not been measured on the test images.", "Evaluate on test images"),
    ),
    View(
        "runs-report",
        "runs?run=shapes&show=report",
        {"chart": 1, "image": 12, "table": 3, "component": 2},
        (
            "Calibration error",
            "Mean F1",
            "Confusion matrix",
            "Most confident mistakes",
            "Rows: the labels. Columns: the predictions.",
            "Calibration",
            "Per-class metrics",
            "wrong label",
        ),
    ),
    View("runs-log", "runs?run=digits&show=log", {"table": 1}, ("Loading TensorFlow", "What the worker process said")),
    View(
        "runs-epochs",
        "runs?run=digits&show=epochs",
        {"image": 21, "drawing": 6, "table": 1},
        ("Grad-CAM over the images", "true label", "Feature maps", "Kernels of the first convolution", "Play"),
    ),
    View("runs-epochs-none", "runs?run=shapes&show=epochs", {"table": 1}, ("This run has no snapshots",)),
    View(
        "runs-download",
        "runs?run=digits",
        {"chart": 3, "table": 1},
        (
            "Recipe (JSON)",
            "Metrics of all epochs (CSV)",
            "Model of the best epoch (.keras)",
            "Keras script (.py)",
            "Report (HTML)",
        ),
        steps=(pop("Download"),),
    ),
    View(
        "runs-delete",
        "runs?run=digits",
        {},
        ("Delete this run?", "this can't be undone", "Keep"),
        steps=(press("Delete …"),),
    ),
    View(
        "runs-compare",
        "runs?run=shapes,digits",
        {"chart": 1, "table": 3},
        (
            "2 runs compared",
            "These runs are not on the same data",
            "Best metrics",
            "What differs between their recipes",
            "Delete 2 runs",
        ),
    ),
    View(
        "runs-running",
        "runs",
        {"chart": 3, "table": 1},
        ("Pause", "Stop", "Loss", "Accuracy", "Thin"),
        runs="running",
        live=True,
        steps=(wait(SECOND_EPOCH),),
    ),
    View(
        "runs-running-epochs",
        "runs",
        {"chart": 3, "image": 21, "drawing": 6, "table": 1},
        ("Pause", "Stop", "Feature maps", "Follow"),
        runs="running",
        live=True,
        steps=(wait(SECOND_EPOCH), unfold("Watch it learn"), wait("Follow"), wait("Feature maps")),
        plain=EMPTY_MAP,
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
        {"chart": 1, "image": 10},
        ("It predicts", "Step", "Beside"),
        steps=(turn_on("Predict with a model"), classifier),
    ),
    View(
        "augment-survival-measured",
        "augment",
        {"chart": 3, "image": 10},
        ("held-out images. Dotted", "It predicts"),
        steps=(turn_on("Predict with a model"), classifier, press("test images"), wait("held-out images. Dotted")),
    ),
    # Inside
    View(
        "inside",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1",
        {"image": 14, "component": 3},
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
        "inside-dense",
        "inside?run=shapes&sample=chelsea&layer=shape",
        {"image": 3, "component": 2},
        ("The 4 values of shape", "Unit, 0 to 3", "Dense · gives 4 values"),
        steps=(classifier,),
    ),
    View(
        "inside-kernels",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=kernels",
        {"image": 3, "drawing": 2, "component": 2},
        ("32 filters of 3 × 3 weights", "Orange weights are above 0", "Norms"),
        steps=(classifier,),
    ),
    View(
        "inside-patterns",
        "inside?run=shapes&sample=chelsea&layer=conv2d&view=patterns",
        {"image": 1, "component": 1},
        ("Make",),
        steps=(classifier,),
    ),
    View(
        "inside-patterns-made",
        "inside?run=shapes&sample=chelsea&layer=conv2d&view=patterns",
        {"image": 3, "component": 2},
        ("conv2d, channels 0 to 15", "for its feature visualization", "Grid"),
        steps=(classifier, press("Make"), classifier),
    ),
    View(
        "inside-numbers",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=numbers",
        {"image": 5, "table": 3, "component": 2},
        ("comes about", "All input channels add up", "Kernel", "Products", "Bias"),
        steps=(classifier,),
    ),
    View(
        "inside-numbers-dense",
        "inside?run=shapes&sample=chelsea&layer=shape&view=numbers",
        {"image": 3, "component": 2},
        ("comes about", "4 units. Click one to take it apart."),
        steps=(classifier,),
    ),
    View(
        "inside-excites",
        "inside?run=shapes&sample=chelsea&layer=conv2d_3&view=excites",
        {"image": 1, "component": 1},
        ("Look through the held-out images",),
        steps=(classifier,),
    ),
    View(
        "inside-excites-found",
        "inside?run=shapes&sample=chelsea&layer=conv2d_3&view=excites",
        {"image": 25, "component": 1},
        (
            "How much it responds to each class",
            "Selectivity",
            "greatest output over each image",
            "with 0 in its place",
            " → ",
        ),
        steps=(
            classifier,
            press("Look through the held-out images"),
            classifier,
            press("Ablate and predict again"),
            wait("with 0 in its place"),
            classifier,
        ),
    ),
    View(
        "inside-beside",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=beside",
        {"image": 11, "component": 3},
        ("What differs most", "Furthest apart", "Astronaut"),
        steps=(classifier,),
    ),
    View(
        "inside-beside-networks",
        "inside?run=shapes&sample=chelsea&layer=conv2d_1&view=beside",
        {"image": 7, "component": 3},
        ("Channels of different models", "Digits, small and quick"),
        steps=(classifier, press("Two models", "radio"), classifier),
    ),
    View(
        "inside-epochs",
        "inside?run=digits&view=epochs",
        {"image": 22, "drawing": 6, "component": 1},
        ("Feature maps", "Kernels of the first convolution", "Play"),
        steps=(classifier,),
    ),
    View(
        "inside-picture",
        "inside?run=shapes",
        {"image": 15, "component": 3},
        ("Drop images here", "Camera"),
        steps=(classifier, pop("Another image")),
    ),
    View(
        "inside-item",
        "inside?run=shapes",
        {"image": 15, "component": 3},
        ("Image of the test split", "Show it", "Another one"),
        steps=(classifier, pop("Test image")),
    ),
    View(
        "inside-network",
        "inside?run=shapes",
        {"image": 15, "component": 3},
        ("Another model",),
        steps=(classifier, pop("Another model")),
    ),
    View("inside-none", "inside", {"image": 1}, ("No model is chosen",), runs="none"),
    # Predict
    View(
        "predict",
        "predict?run=cats-and-dogs&sample=chelsea",
        {"image": 4, "drawing": 1},
        (
            "cats",
            "dogs",
            "What it predicts",
            "Grad-CAM",
            "Opacity of the map",
            "Overlay",
            "Map",
            "Predictions (JSON)",
            "Explanation metrics: is this map faithful?",
            "Drop images here",
        ),
        steps=(classifier,),
        readme="predict",
    ),
    View(
        "predict-heads",
        "predict?run=shapes&sample=coffee",
        {"image": 4, "drawing": 1},
        ("cross > 99.99 %", "colour", "Head", "Last convolution", "triangle", "square"),
        steps=(classifier,),
    ),
    View(
        "predict-settings",
        "predict?run=shapes&sample=coffee&method=occlusion&settings=patch:16",
        {"image": 4, "drawing": 1},
        ("Patches of 16 × 16 pixels, 8 apart", "Patch", "Stride", "cross"),
        steps=(classifier, pop("Settings")),
    ),
    View(
        "predict-four",
        "predict?run=cats-and-dogs&sample=chelsea",
        {"image": 8, "drawing": 4},
        ("Chelsea", "Astronaut", "Coffee", "Rocket", "Remove", "More on this one"),
        steps=(classifier, turn_on("Side by side"), press("Astronaut"), press("Coffee"), press("Rocket"), classifier),
    ),
    View(
        "predict-networks",
        "predict?run=cats-and-dogs,shapes&sample=chelsea",
        {"image": 4, "drawing": 2},
        ("Cats and dogs, small and augmented", "Shapes and colours, two heads", "More on this one"),
        steps=(classifier,),
    ),
    View(
        "predict-every-layer",
        "predict?run=shapes&sample=chelsea",
        {"image": 12, "drawing": 5},
        ("Every convolution, from the input on", "conv2d_3"),
        steps=(classifier, turn_on("Every layer"), classifier),
        plain=EMPTY_MAP,
    ),
    View(
        "predict-trust",
        "predict?run=cats-and-dogs&sample=chelsea",
        {"chart": 3, "image": 4, "drawing": 1},
        (
            "Does it mark what the model uses?",
            "Does it depend on what was learned?",
            "Pixels are taken away or shown",
            "Every layer is randomized",
            "All metrics",
        ),
        steps=(
            classifier,
            unfold("Explanation metrics: is this map faithful?"),
            wait("Every layer is randomized"),
            classifier,
        ),
    ),
    View(
        "predict-network",
        "predict?run=shapes&sample=chelsea",
        {"image": 4, "drawing": 1},
        ("Another model",),
        steps=(classifier, pop("Another model")),
    ),
    View(
        "predict-item",
        "predict?run=shapes&sample=chelsea",
        {"image": 4, "drawing": 1},
        ("Image of the test split", "Show it"),
        steps=(classifier, pop("Test image")),
    ),
    View("predict-none", "predict", {"image": 2, "drawing": 1}, ("No model is chosen",), runs="none"),
    # Learn
    *(
        View(f"learn-{topic}", f"learn?topic={topic}", shows, words, readme="learn" if topic == "augmentation" else "")
        for topic, shows, words in LEARN
    ),
)
