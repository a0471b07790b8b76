"""`export`: a model, or one head of it, as a file."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cnnviz.commands.export_tracking import TRACKING, export_tracking
from cnnviz.commands.model_argument import add_model_argument, model_of, tell_taken, tensorflow_quiet
from cnnviz.commands.output import out_file, write_file
from cnnviz.commands.subcommand import add_verb
from cnnviz.errors import ModelError, one_of
from cnnviz.models.export.export_process import FORMATS, QUANTIZED, accuracy_words
from cnnviz.runs import Run, snapshots
from cnnviz.tracking.model_card import model_card

__all__ = ["add_export"]


def add_export(verbs: argparse._SubParsersAction) -> None:
    """Adds `export`."""
    verb = add_verb(verbs, "export", "write a model, or one head of it, as a file that needs no cnnviz", _export)
    add_model_argument(verb)
    verb.add_argument("--head", metavar="H", help="the only head to keep, on the trunk that all share (default: all)")
    verb.add_argument(
        "--format",
        metavar="F",
        help="keras, savedmodel (TensorFlow's, as one .zip), litert or tflite, onnx; by default what FILE's ending "
        "says. tensorboard and mlflow take a run as a whole",
    )
    verb.add_argument(
        "--quantize", metavar="Q", help="for LiteRT: float16 or int8, with the accuracy before and after on test images"
    )
    verb.add_argument("--out", metavar="FILE", help="the file to write, or for tensorboard the folder")
    verb.add_argument("--to", metavar="URI", help="for mlflow: the tracking server, or sqlite:///FILE")
    verb.add_argument(
        "--experiment", metavar="E", default="cnnviz", help="for mlflow: its experiment there (default: cnnviz)"
    )
    verb.add_argument("--no-card", action="store_true", help="write no README.md about the model beside the file")


def _export(chosen: argparse.Namespace) -> int:
    if chosen.format in TRACKING:
        return export_tracking(chosen, chosen.format)
    if chosen.out is None or chosen.to is not None:
        raise ModelError("A model's file needs a name: say it by --out FILE; --to is for --format mlflow.")
    ending = Path(chosen.out).suffix.lower()
    kind = chosen.format or next((kind for kind, own in FORMATS.items() if own == ending), "keras")
    kind = "tflite" if kind == "litert" else kind
    if chosen.quantize is not None:
        if chosen.quantize not in QUANTIZED:
            raise ModelError(f"--quantize is {chosen.quantize!r}: {one_of(chosen.quantize, QUANTIZED)}.")
        if kind != "tflite":
            raise ModelError(f"--quantize is for LiteRT: leave it out with --format {kind}.")
        kind = QUANTIZED[chosen.quantize]
    if kind not in FORMATS:
        raise ModelError(f"There is no format {kind!r}: {one_of(kind, (*FORMATS, *TRACKING))}.")
    out = out_file(chosen.out, FORMATS[kind], f"programs tell the format of a model by its file's name, here {kind}")
    with tensorflow_quiet():
        classifier, run = model_of(chosen)
        from cnnviz.models.export.formats import export_classifier, images_for  # brings TensorFlow
        from cnnviz.models.export.single_head import split

        classifier = classifier if chosen.head is None else split(classifier, chosen.head)
        probe = snapshots.read_probe(run.folder) if run is not None else None
        data, difference = export_classifier(
            classifier, kind, images_for(classifier, probe.images if probe and not probe.digest else None)
        )
        accuracy = None
        if kind in QUANTIZED.values() and run is not None:
            from cnnviz.models.export.quantization import accuracies

            accuracy = asdict(accuracies(classifier, data))
    tell_taken(classifier)
    write_file(out, data)
    card = _write_card(run, out) if run is not None and not chosen.no_card else None
    heads = [
        {"head": head.name, "activation": head.activation, "classes": list(classifier.classes[head.name])}
        for head in classifier.heads
    ]
    record: dict[str, Any] = {
        "out": str(out),
        "run": chosen.run,
        "format": kind,
        "difference": difference,
        "accuracy": accuracy,
        "parameters": classifier.model.count_params(),
        "input": [*classifier.image_size, classifier.channels],
        "pixels": classifier.scale,
        "heads": heads,
        "card": card,
    }
    if chosen.json:
        print(json.dumps(record))
        return 0
    print(f"{out}: {record['parameters']:,} parameters, images of {'×'.join(map(str, record['input']))}")
    for head in heads:
        print(f"  {head['head']} ({head['activation']}): {', '.join(head['classes'])}")
    print(f"  Run in a process without cnnviz, its predictions differ by at most {difference:.2g}.")
    if accuracy is not None:
        print(f"  {accuracy_words(accuracy)}")
    return 0


def _write_card(run: Run, out: Path) -> str | None:
    """Writes the model card beside a model's file, as README.md where there is none yet, and returns its name."""
    card = out.with_name("README.md")
    card = out.with_name(f"{out.stem}-README.md") if card.exists() else card
    return write_file(card, model_card(run, out.name).encode())
