"""A model card in Hugging Face's format: what a run's model is, was trained on, reaches, and is not known to do.

The front matter follows https://github.com/huggingface/hub-docs/blob/main/modelcard.md. JSON is YAML as well, so that
values are written as JSON and no text of a run can be taken for markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cnnviz import __version__
from cnnviz.architecture import describe
from cnnviz.files import read_json
from cnnviz.runs import Run
from cnnviz.runs.compare import data_name, name_of, short_model

__all__ = ["model_card"]

TASK = "image-classification"
_SPLITS = ("test", "validation")


def model_card(run: Run, model_file: str = "best.keras") -> str:
    """Returns the card of a run's best model as Markdown with YAML in front, for a file `README.md`.

    Metrics come from the run's report, of test images where there are any, else of validation images; a run without a
    report has none. Nothing is said that the run doesn't know.

    Args:
        run: whose.
        model_file: the name of the model's file beside the card.
    """
    report = read_json(run.folder / "report.json")
    report = report if isinstance(report, dict) else {}
    name = _line(name_of(run))
    front = {
        "library_name": "keras",
        "pipeline_tag": TASK,
        "tags": ["keras", "cnnviz", TASK, "convolutional-neural-network"],
        **_datasets(run),
        "metrics": ["accuracy"],
        "model-index": [{"name": name, "results": _results(run, report)}],
    }
    yaml = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=True)}" for key, value in front.items())
    parts = [f"---\n{yaml}\n---", f"# {_plain(name)}", *_model(run), *_loading(run, report, model_file)]
    parts += [*_data(run, report), *_reached(report), *_limits(report), *_origin(run, report)]
    return "\n\n".join(parts) + "\n"


def _datasets(run: Run) -> dict[str, Any]:
    return {"datasets": [_line(data_name(run.recipe))]} if run.recipe is not None else {}


def _measured(report: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The split that the card is about, and its figures; both empty where nothing was measured."""
    splits = report.get("splits")
    for split in _SPLITS:
        found = splits.get(split) if isinstance(splits, dict) else None
        if isinstance(found, dict) and isinstance(found.get("figures"), dict):
            return split, found
    return "", {}


def _results(run: Run, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    split, found = _measured(report)
    if not split:
        return []
    data = report.get("data") if isinstance(report.get("data"), dict) else {}
    dataset = _line(data_name(run.recipe)) if run.recipe is not None else "unknown"
    title = _line(str((data or {}).get("title") or dataset))
    values = [
        {"type": "accuracy" if name.endswith("accuracy") else "loss", "name": f"{split} {name}", "value": value}
        for name, value in found["figures"].items()
        if isinstance(value, (int, float)) and name.endswith(("accuracy", "loss"))
    ]
    return [
        {
            "task": {"type": TASK, "name": "Image Classification"},
            "dataset": {"type": dataset, "name": title, "split": split},
            "metrics": values,
        }
    ]


def _model(run: Run) -> list[str]:
    if run.recipe is None:
        return ["A convolutional image classifier whose recipe can't be read."]
    recipe = run.recipe
    height, width, channels = recipe.data.input_shape
    rows = describe(recipe.network, recipe.data.input_shape)
    heads = [f"{_plain(head.name)} ({head.classes} classes, {head.activation})" for head in recipe.network.heads]
    kind = "RGB" if channels == 3 else "grey"
    text = (
        f"A convolutional image classifier ({_plain(short_model(recipe.network))}) for {height} × {width} {kind} "
        f"images, with {sum(row.parameters for row in rows):,} parameters. Heads: {'; '.join(heads)}."
    )
    return [text]


def _loading(run: Run, report: Mapping[str, Any], model_file: str) -> list[str]:
    if run.recipe is None:
        return []
    height, width, channels = run.recipe.data.input_shape
    grey = ', color_mode="grayscale"' if channels == 1 else ""
    lines = [
        "import keras",
        "import numpy as np",
        "",
        f"model = keras.models.load_model({model_file!r}, compile=False)",
        f'image = keras.utils.load_img("photo.jpg", target_size=({height}, {width}){grey})',
        "outputs = model(np.asarray(keras.utils.img_to_array(image))[None])",
    ]
    classes = report.get("classes")
    named = [
        f"* `{_code(head)}`: {', '.join(_plain(str(one)) for one in names)}"
        for head, names in (classes.items() if isinstance(classes, dict) else ())
        if isinstance(names, list) and len(names) <= 100
    ]
    how = {"whole": "stretched to the size", "centre": "cut to its middle first", "face": "cut as faces were first"}
    text = (
        "It takes raw pixels, 0 to 255, as float32; its scaling is inside. In training an image was "
        f"{how[run.recipe.data.crop]}."
    )
    return [
        "## How to use it",
        "```python\n" + "\n".join(lines) + "\n```",
        text,
        *(["\n".join(named)] if named else []),
    ]


def _data(run: Run, report: Mapping[str, Any]) -> list[str]:
    found = report.get("data")
    data: Mapping[str, Any] = found if isinstance(found, dict) else {}
    samples = report.get("samples")
    about = [f"* Data: {_plain(str(data.get('title') or (data_name(run.recipe) if run.recipe else 'unknown')))}"]
    if data.get("source"):
        about.append(f"* Source: {_plain(str(data['source']))}")
    if isinstance(samples, dict):
        counts = ", ".join(f"{_plain(str(split))} {count:,}" for split, count in samples.items() if _count(count))
        about.append(f"* Images: {counts}")
    if data.get("sha256"):
        about.append(f"* SHA-256 of the data: `{_code(str(data['sha256']))}`")
    if any(data.get(key) for key in ("left_out", "relabelled", "moved")):
        told = ", ".join(f"{data.get(key) or 0} {key.replace('_', ' ')}" for key in ("left_out", "relabelled", "moved"))
        about.append(f"* Changed by hand: {told}")
    return ["## What it was trained on", "\n".join(about)]


def _reached(report: Mapping[str, Any]) -> list[str]:
    split, found = _measured(report)
    if not split:
        return ["## What it reaches", "It was not evaluated."]
    rows = [
        f"| {_plain(name)} | {value:.4f} |"
        for name, value in found["figures"].items()
        if isinstance(value, (int, float))
    ]
    count = found.get("samples")
    said = f"On {count:,} {split} images" if _count(count) else f"On the {split} images"
    if report.get("test_is_validation"):
        said += ", by which the best epoch was chosen too, so that others may be predicted less well"
    return ["## What it reaches", f"{said}:", "| metric | value |\n| --- | --- |\n" + "\n".join(rows)]


def _limits(report: Mapping[str, Any]) -> list[str]:
    text = (
        "For images like those that it was trained on. It gives one of its classes for every image, also for one that "
        "shows none of them, and its probabilities are not calibrated. Nothing is known of how it does on other "
        "sources, cameras or groups of people than those in its data: measure it there before it decides anything."
    )
    skipped = report.get("skipped")
    if isinstance(skipped, list) and skipped:
        text += f" {len(skipped):,} images of its data couldn't be read and were left out."
    return ["## Intended use and limits", text]


def _origin(run: Run, report: Mapping[str, Any]) -> list[str]:
    lines = [f"* Made with cnnviz {__version__}, run `{run.id}`"]
    versions = report.get("versions")
    if isinstance(versions, dict):
        lines.append("* Trained with " + ", ".join(f"{_plain(str(k))} {_plain(str(v))}" for k, v in versions.items()))
    if run.recipe is not None:
        lines.append(f"* Seed {run.recipe.seed}, {run.written.epoch} epochs, the best is {run.written.best_epoch}")
    if isinstance(report.get("seconds"), (int, float)):
        lines.append(f"* Trained in {report['seconds']:,.0f} s")
    return ["## Where it comes from", "\n".join(lines)]


def _count(value: object) -> bool:
    return type(value) is int


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _plain(text: str) -> str:
    """Text of a person or a file as Markdown that says just that."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&$-])", r"\\\1", _line(text))


def _code(text: str) -> str:
    return _line(text).replace("`", "'")
