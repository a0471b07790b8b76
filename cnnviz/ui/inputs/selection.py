"""What the Predict page shows: kept in the session, and in the address as far as another person can open it.

`?run=ID,ID&sample=chelsea,coffee&item=17&head=shape&class=circle&layer=conv2d_2&method=grad-cam`; whatever is at its
default is left out. `run=ID/shape` is one head of a run with several; `against=second` compares the prediction with the
second likeliest class, `against=truth` with the true one; `item` is a number in the first run's held-out split,
`ID:17` in another one's, and `ID:train-17` or `train-17` in the split of that name; `draw` are a drawing's strokes;
`upload` are the names under which this server keeps uploaded images for a while; `settings=steps:64` are the method's
own; `view=trust` is what is open below the first answer, `view=trust:3` below the third; `cover=blur-35-35-30-30` is
where that covers the image (left, top, width and height in percent) and with what; `flip=fgsm-8` is how the image is
changed to flip the answer, and by how many levels at most; `risk=5` is with which chance, in percent, a prediction set
may lack the true class.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from dataclasses import dataclass, field

import streamlit as st

from cnnviz.data.samples import sample_names
from cnnviz.errors import CnnvizError
from cnnviz.explain.robustness.adversarial import FLIP_EPSILONS
from cnnviz.explain.robustness.covering import COVERS
from cnnviz.recipe import SPLITS
from cnnviz.runs import Run
from cnnviz.ui.components.cover_box import LEAST
from cnnviz.ui.inputs.input_image import InputImage, of_drawing, of_item, of_kept, of_sample
from cnnviz.ui.inputs.model_cache import ModelSource, head_of
from cnnviz.ui.session import query_params

__all__ = [
    "AGAINST",
    "FLIP_METHODS",
    "MOST_IMAGES",
    "MOST_LEVELS",
    "MOST_MODELS",
    "NAMES",
    "RISKS",
    "VIEWS",
    "Choice",
    "add",
    "open_choice",
    "remove",
    "toggle_view",
    "write_address",
]

AGAINST = ("second", "truth")
"""With what a prediction can be compared: the second likeliest class, or the true one."""
FLIP_METHODS = {"fgsm": "FGSM", "pgd": "PGD"}
MOST_IMAGES = 24
MOST_MODELS = 4
MOST_LEVELS = round(255 * FLIP_EPSILONS[-1])
LONGEST_NAME = 200
NOTE_SECONDS = 15.0
_CHOICE = "predict_choice"
NAMES = (
    *("run", "sample", "item", "draw", "upload"),
    *("head", "class", "against", "layer", "method", "settings", "view", "cover", "flip", "risk"),
)
RISKS = (10, 5, 1)
"""With which chance a prediction set may lack the true class, in percent."""
VIEWS = ("trust", "layers", "cover", "training", "flip")
"""What can be open below one of the answers on Predict."""


@dataclass
class Choice:
    """What is shown. Empty texts stand for defaults: the first head, the class that is predicted, the last convolution.

    `sources` are the ids of models and `files` those that were uploaded in this session, by id; `refused` are files
    that can't be used with the sentences why; `notes` are sentences for the page's top and when they were first shown.
    `chosen` is whether somebody asked for the images, and `page` which of a run's own are offered. `drawing` is whether
    the pad is open, `strokes` what is on it (`drawing.pack_strokes`), `turn` the browser's number of these, and
    `turn_shown` of those that the page shows.
    `single` is on pages that show the first model with the first image alone: what is chosen there becomes the first.
    `beside` adds new images to those that are shown, `columns` lays answers out side by side. `view` is what is open,
    below the answer of the model `view_of[0]` to the image `view_of[1]`, the one of number `view_number` from 0.
    `cover` is the box (left, top, width, height), in percent, that is covered there, and `cover_with` what with.
    `risk` is one of `RISKS`.
    `flip_method` is one of `FLIP_METHODS`, and `flip_level` the ε of it in levels, `None` for the smallest that flips.
    """

    images: list[InputImage] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    sources: list[str] | None = None
    files: dict[str, ModelSource] = field(default_factory=dict)
    notes: dict[str, float | None] = field(default_factory=dict)
    beside: bool = False
    columns: bool = True
    view: str = ""
    view_of: tuple[str, tuple] | None = None
    view_number: int = 0
    cover: tuple[int, int, int, int] = (35, 35, 30, 30)
    cover_with: str = "blur"
    risk: int = RISKS[0]
    flip_method: str = "pgd"
    flip_level: int | None = None
    single: bool = False
    head: str = ""
    subject: str = ""
    against: str = ""
    layer: str = ""
    method: str = ""
    settings: dict[str, float] = field(default_factory=dict)
    colour_map: str = "viridis"
    opacity: int = 60
    page: int = 0
    chosen: bool = False
    drawing: bool = False
    strokes: str = ""
    turn: int = 0
    turn_shown: int = 0
    given: set[str] = field(default_factory=set)

    def note(self, message: str) -> None:
        """Keeps a sentence for the page."""
        self.notes.setdefault(message, None)

    def told(self) -> list[str]:
        """Returns the sentences to show; they leave with the first drawing after `NOTE_SECONDS`."""
        now = time.monotonic()
        self.notes = {
            message: since or now
            for message, since in self.notes.items()
            if since is None or now - since < NOTE_SECONDS
        }
        return list(self.notes)


def open_choice(runs: dict[str, Run], names: Collection[str] = NAMES, *, single: bool = False) -> Choice:
    """Returns the choice of this session, after taking over what the address names.

    Args:
        runs: those that have a model, by id.
        names: which values of the address are the page's; the others stay as they are.
        single: see `Choice`.
    """
    session = st.session_state
    fresh = _CHOICE not in session
    choice = session.setdefault(_CHOICE, Choice())
    if named := query_params.new_values("predict", names):
        _take_over(choice, named, runs)
    if fresh and not choice.images and sample_names():
        choice.images = [of_sample(sample_names()[0])]
    choice.single = single
    return choice


def _take_over(choice: Choice, named: dict[str, str], runs: dict[str, Run]) -> None:
    wanted = _listed(named["run"])
    known = [one for one in wanted if one in runs or head_of(one, runs) is not None or one.startswith("app:")]
    for gone in [one for one in wanted if one not in known]:
        choice.note(f"There is no model of a run {gone[:60]!r} here; it may have been deleted.")
    if known:
        choice.sources = known[:MOST_MODELS]
    images: list[InputImage] = []
    for name in _listed(named.get("upload", ""))[:MOST_IMAGES]:
        _try(choice, images, lambda name=name: of_kept(name))
    for name in _listed(named["sample"])[: MOST_IMAGES - len(images)]:
        _try(choice, images, lambda name=name: of_sample(name))
    for item in _listed(named["item"])[: MOST_IMAGES - len(images)]:
        run, _, number = item.rpartition(":")
        run = run or (choice.sources or [""])[0]
        split, _, number = number.rpartition("-")
        if run in runs and split in ("", *SPLITS) and number.isascii() and number.isdigit() and len(number) < 10:
            asked = (runs[run], max(1, int(number)), split)
            _try(choice, images, lambda asked=asked: of_item(*asked))
        else:
            choice.note(f"There is no held-out image {item[:60]!r} here.")
    if named["draw"]:
        drawn = len(images)
        _try(choice, images, lambda: of_drawing(named["draw"]))
        if len(images) > drawn:
            choice.drawing, choice.strokes = True, named["draw"]
    choice.images, choice.chosen = images or choice.images, choice.chosen or bool(images)
    for name, attribute in (("head", "head"), ("class", "subject"), ("layer", "layer"), ("method", "method")):
        setattr(choice, attribute, named.get(name, getattr(choice, attribute))[:LONGEST_NAME])
    if "view" in named:
        view, _, number = named["view"].partition(":")
        choice.view, choice.view_of = view if view in VIEWS else "", None
        choice.view_number = int(number) - 1 if number.isascii() and number.isdigit() and len(number) < 4 else 0
    if named.get("cover"):
        _take_cover(choice, named["cover"])
    if named.get("risk", "") in map(str, RISKS):
        choice.risk = int(named["risk"])
    if named.get("flip"):
        _take_flip(choice, named["flip"])
    if "settings" in named:
        choice.settings = _settings(choice, named["settings"])
    if "against" in named:
        choice.against = named["against"] if named["against"] in AGAINST else ""


def _take_cover(choice: Choice, value: str) -> None:
    how, *numbers = value.split("-")
    if len(numbers) == 4 and all(one.isascii() and one.isdigit() and len(one) < 4 for one in numbers) and how in COVERS:
        left, top, width, height = map(int, numbers)
        if min(width, height) >= LEAST and max(left + width, top + height) <= 100:
            choice.cover, choice.cover_with = (left, top, width, height), how


def _take_flip(choice: Choice, value: str) -> None:
    method, _, level = value.partition("-")
    if method in FLIP_METHODS and level in ("", *map(str, range(1, MOST_LEVELS + 1))):
        choice.flip_method, choice.flip_level = method, int(level) if level else None


def _settings(choice: Choice, value: str) -> dict[str, float]:
    """A method's settings, `steps:64,patch:8`; what is no number is left out with a note."""
    found: dict[str, float] = {}
    for part in _listed(value)[:20]:
        name, _, number = part.partition(":")
        try:
            found[name] = float(number)
        except ValueError:
            choice.note(f"The setting {part[:60]!r} is no name and number such as steps:64.")
    return {name: number for name, number in found.items() if math.isfinite(number)}


def _listed(value: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def _try(choice: Choice, images: list[InputImage], make) -> None:
    try:
        images.append(make())
    except CnnvizError as error:
        choice.note(str(error))


def write_address(choice: Choice, names: Collection[str] = NAMES) -> None:
    """Names the choice in the address, as far as it can be opened from there: not models that were uploaded."""
    shown = slice(0, 1) if choice.single else slice(None)
    addresses = [image.address for image in choice.images[shown] if image.address is not None]
    own = f"{choice.sources[0]}:" if choice.sources else ":"  # the first run's own images go by their numbers
    values = {
        "run": ",".join(one for one in (choice.sources or ())[shown] if one not in choice.files),
        "sample": ",".join(value for kind, value in addresses if kind == "sample"),
        "upload": ",".join(value for kind, value in addresses if kind == "upload"),
        "item": ",".join(value.removeprefix(own) for kind, value in addresses if kind == "item"),
        "view": f"{choice.view}:{choice.view_number + 1}" if choice.view and choice.view_number else choice.view,
        "cover": "-".join(map(str, (choice.cover_with, *choice.cover))) if choice.view == "cover" else "",
        "risk": str(choice.risk) if choice.risk != RISKS[0] else "",
        "flip": _flip(choice) if choice.view == "flip" else "",
        "draw": "".join(value for kind, value in addresses if kind == "draw"),
        "head": choice.head,
        "class": choice.subject,
        "against": choice.against,
        "layer": choice.layer,
        "method": choice.method,
        "settings": ",".join(f"{name}:{value:g}" for name, value in choice.settings.items()),
    }
    query_params.write("predict", {name: value for name, value in values.items() if name in names})


def _flip(choice: Choice) -> str:
    if choice.flip_level is None:
        return choice.flip_method if choice.flip_method != "pgd" else ""
    return f"{choice.flip_method}-{choice.flip_level}"


def add(choice: Choice, images: list[InputImage], *, instead: bool | None = None) -> None:
    """Shows these images, in place of those before them unless the person wants them beside each other.

    On a page that shows one alone they take the place of that one.
    """
    choice.chosen = True
    if choice.single:
        found = {image.identity: image for image in [*images[:1], *choice.images[1:]]}
        choice.images = list(found.values())[:MOST_IMAGES]
        return
    instead = not choice.beside if instead is None else instead
    before = [] if instead else choice.images
    found = {image.identity: image for image in [*before, *images]}
    choice.images = list(found.values())[:MOST_IMAGES]
    if len(found) > MOST_IMAGES:
        choice.note(f"The first {MOST_IMAGES} of {len(found)} images are shown.")


def remove(choice: Choice, image: InputImage) -> None:
    """Takes an image away, and what is open below it."""
    if choice.view_of is not None and choice.view_of[1] == image.identity:
        choice.view, choice.view_of, choice.view_number = "", None, 0
    choice.images = [one for one in choice.images if one.identity != image.identity]


def toggle_view(choice: Choice, of: tuple[str, tuple], view: str | None) -> None:
    """Opens a panel below an answer in place of any other; the one that is open there, or `None`, closes it.

    Args:
        of: the model's id and the image's identity.
        view: one of `VIEWS`.
    """
    shut = view is None or (choice.view, choice.view_of) == (view, of)
    choice.view, choice.view_of, choice.view_number = "" if shut else view or "", None if shut else of, 0
