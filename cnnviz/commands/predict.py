"""`predict`: what a model predicts about images, and which part of them made it predict that."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz import images
from cnnviz.commands.model_argument import add_model_argument, model_of, tell_taken, tensorflow_quiet
from cnnviz.commands.output import decode_file, made_folder, out_folder, stem_of, write_file
from cnnviz.commands.progress_bar import progress_bar
from cnnviz.commands.subcommand import add_verb
from cnnviz.data.dataset import printable
from cnnviz.errors import CnnvizError, ModelError, one_of
from cnnviz.explain import METHODS, Explanation, Target, explain
from cnnviz.explain.attribution.image_overlay import image_overlay
from cnnviz.explain.attribution.method import Method, Setting
from cnnviz.explain.attribution.targets import class_index
from cnnviz.explain.uncertainty.calibration_of_run import RISK
from cnnviz.explain.uncertainty.judgement_of_run import Known, judge, known_of, predicted_record
from cnnviz.files import npy_bytes
from cnnviz.probabilities import percents

if TYPE_CHECKING:
    from cnnviz.models.classifier import Classifier

__all__ = ["add_predict"]

_SETTINGS: dict[str, list[tuple[Method, Setting]]] = {}
for _method in METHODS.values():
    for _setting in _method.settings:
        _SETTINGS.setdefault(_setting.name, []).append((_method, _setting))


@dataclass(frozen=True)
class _Wanted:
    """What is explained: the method, the layer for each head by its number (`None` for its own choice or for none),
    each head's class (`None` for the one that it predicts), the method's settings, and the folder for the files."""

    method: str
    layers: dict[int, str | None]
    classes: dict[int, int | None]
    settings: dict[str, Any]
    out: Path


def add_predict(verbs: argparse._SubParsersAction) -> None:
    """Adds `predict`."""
    verb = add_verb(
        verbs,
        "predict",
        "predict images with a model, and explain its predictions",
        _predict,
        "print the predictions as JSON",
    )
    add_model_argument(verb)
    verb.add_argument("images", metavar="IMAGE", nargs="+", help="image files")
    verb.add_argument("--explain", metavar="METHOD", help=f"write maps and overlays: {', '.join(METHODS)}")
    verb.add_argument("--layer", metavar="L", help="the layer that the map is made of (default: the last convolution)")
    verb.add_argument(
        "--class",
        metavar="C",
        dest="subject",
        help="the class to explain, by name or index (default: the one that is predicted)",
    )
    for name, methods in _SETTINGS.items():
        about = "; ".join(f"{one.title}: {setting.description}" for one, setting in methods)
        verb.add_argument(f"--{name}", metavar="N", type=float, dest=f"setting_{name}", help=about.replace("%", "%%"))
    verb.add_argument("--head", metavar="H", help="the only head to explain (default: all)")
    verb.add_argument(
        "--risk",
        metavar="R",
        type=float,
        default=RISK,
        help=f"with which chance the set of classes may lack the right one (default {RISK:g})",
    )
    verb.add_argument("--out", metavar="DIR", default=".", help="where maps and overlays go (default: this folder)")


def _predict(chosen: argparse.Namespace) -> int:
    settings = {name: value for name in _SETTINGS if (value := getattr(chosen, f"setting_{name}")) is not None}
    if chosen.explain is None and (settings or (chosen.layer, chosen.subject, chosen.head) != (None, None, None)):
        others = f", {', '.join(f'--{name}' for name in settings)}" if settings else ""
        raise ModelError(f"--layer, --class and --head{others} say what is to be explained: add --explain METHOD.")
    if chosen.explain is not None and chosen.explain not in METHODS:
        raise ModelError(f"There is no method {chosen.explain!r}: {one_of(chosen.explain, METHODS)}.")
    if chosen.explain is not None:
        settings = METHODS[chosen.explain].checked(settings)
    if not 0 < chosen.risk < 1:
        raise ModelError(f"--risk is {chosen.risk:g}: expected more than 0 and less than 1, such as 0.1.")
    with tensorflow_quiet():
        classifier, run = model_of(chosen)
        wanted = _wanted(chosen, classifier, settings) if chosen.explain else None
    tell_taken(classifier)
    if wanted is not None:
        made_folder(wanted.out)
    known = None
    if chosen.json:
        with progress_bar() as progress:
            known = known_of(run, classifier, progress=progress)
    records: list[dict[str, Any]] = []
    taken: set[str] = set()
    for name in chosen.images:
        try:
            heads = _asked(classifier, Path(name), wanted, taken, known, chosen.risk)
            record = {"photo": name, "pixels": classifier.scale, "heads": heads}
        except CnnvizError as error:
            record = {"photo": name, "error": str(error)}
            print(f"cnnviz: {printable(name)}: {error}", file=sys.stderr)
        records.append(record)
        if not chosen.json and "heads" in record:
            _tell(record)
    if chosen.json:
        print(json.dumps(records))
    return 2 if any("error" in record for record in records) else 0


def _wanted(chosen: argparse.Namespace, classifier: Classifier, settings: dict[str, Any]) -> _Wanted:
    """What is asked for, after all of it has been checked.

    Raises:
        ModelError: no such head, class or layer, or a layer for a method that has none.
    """
    from cnnviz.explain.attribution.defaults import choose_layer
    from cnnviz.models.graph.graph import flatten

    names = [head.name for head in classifier.heads]
    if chosen.head is not None and chosen.head not in names:
        raise ModelError(f"{classifier.name} has no head {chosen.head!r}: {one_of(chosen.head, names)}.")
    heads = range(len(names)) if chosen.head is None else [names.index(chosen.head)]
    classes = {head: class_index(chosen.subject, classifier.classes[names[head]]) for head in heads}
    if chosen.subject is not None:
        classes = {head: index for head, index in classes.items() if index is not None}
        if not classes:
            allowed = [name for head in heads for name in classifier.classes[names[head]]]
            raise ModelError(
                f"There is no class {chosen.subject!r}: {one_of(chosen.subject, allowed[:40])}, or its index."
            )
    graph = flatten(classifier.model)
    layers: dict[int, str | None]
    if METHODS[chosen.explain].family == "cam":
        layers = {head: choose_layer(graph, chosen.layer, head)[0] for head in classes}
    elif chosen.layer is not None:
        raise ModelError(f"{METHODS[chosen.explain].title} is made of no layer: leave --layer out.")
    else:
        layers = dict.fromkeys(classes)
    return _Wanted(chosen.explain, layers, classes, settings, out_folder(chosen.out))


def _asked(
    classifier: Classifier,
    path: Path,
    wanted: _Wanted | None,
    taken: set[str],
    known: Known | None,
    risk: float,
) -> list[dict[str, Any]]:
    """A record for each head, judged where something is known of the model; what is explained is written to files.

    Raises:
        CnnvizError: the image can't be read or explained, or a file can't be written.
    """
    image = decode_file(path, classifier.bits)
    seen = classifier.fit(image)[None]
    predicted = classifier.predict(seen)
    judged = judge(known, classifier, seen, risk, predicted)[0] if known is not None else []
    records = []
    for number, (head, probabilities) in enumerate(zip(classifier.heads, predicted, strict=True)):
        classes = classifier.classes[head.name]
        record = predicted_record(head, classes, probabilities[0], judged[number] if judged else None)
        if wanted is not None and number in wanted.classes:
            index = wanted.classes[number]
            target = Target(number, int(probabilities[0].argmax()) if index is None else index)
            made = explain(
                classifier.model,
                classifier.pixels(seen),
                method=wanted.method,
                target=target,
                layer=wanted.layers[number],
                **wanted.settings,
            )
            files = _written(classifier, image, made, wanted.out / _stem(path, head.name, wanted.method, taken))
            record |= {
                "method": made.method,
                "layer": made.layer,
                "target": classes[target.index],
                "score": float(made.scores[0]),
                "strength": float(made.strength[0]),
                **files,
            }
            if made.note:
                record["note"] = " ".join(filter(None, [made.note, record.get("note")]))
        records.append(record)
    return records


def _written(classifier: Classifier, image: np.ndarray, made: Explanation, stem: Path) -> dict[str, str]:
    values = npy_bytes(np.asarray(made.map[0], np.float32))
    png = images.to_png(image_overlay(classifier, image, made))
    return {"overlay": write_file(Path(f"{stem}.png"), png), "map": write_file(Path(f"{stem}.npy"), values)}


def _stem(path: Path, head: str, method: str, taken: set[str]) -> str:
    """A file's name that no other image of this call has."""
    stem = base = f"{stem_of(path.stem, head)}-{method}"
    number = 2
    while stem in taken:
        stem, number = f"{base}-{number}", number + 1
    taken.add(stem)
    return stem


def _tell(record: dict[str, Any]) -> None:
    print(printable(record["photo"]))
    width = max(len(head["head"]) for head in record["heads"])
    for head in record["heads"]:
        first, *others = (
            f"{name} {words}"
            for (name, _), words in zip(head["top"], percents([share for _, share in head["top"]]), strict=True)
        )
        rest = ", ".join(others)
        print(f"  {head['head']:<{width}}  {first}{f'  ({rest})' if rest else ''}")
        if "method" in head:
            at = f" at {head['layer']}" if head["layer"] else ""
            print(
                f"  {'':<{width}}  {METHODS[head['method']].title}{at} of {head['target']}: {head['overlay']}, "
                f"{head['map']}"
            )
        if "note" in head:
            print(f"  {'':<{width}}  {head['note']}")
