"""Hostile `.keras` files by what their config.json says: each case writes one, and may have a marker in mind."""

from __future__ import annotations

import base64
import copy
import marshal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.security.good_model import Config, Good

__all__ = ["CONFIGS"]

UNSAFE = "enable_unsafe_deserialization"


def _config(change: Callable[[list[Config], Path], Config | None]) -> Callable[[Good, Path, Path], None]:
    """A case that changes the layers (0 input, 1 convolution, 2 pooling, 3 inner Sequential, 4 Dense)."""

    def case(good: Good, path: Path, marker: Path) -> None:
        config = copy.deepcopy(good.config)
        config = change(config["config"]["layers"], marker) or config
        Good(config, good.weights).written(path)

    return case


def _object(module: str | None, name: str, config: Any = None, registered: str | None = None) -> Config:
    return {
        "module": module,
        "class_name": name,
        "config": {} if config is None else config,
        "registered_name": registered,
    }


def _layer(module: str | None, name: str, registered: str | None = None, /, **config: Any) -> Callable:
    """The pooling becomes another layer, at the same place of the graph."""

    def change(layers: list[Config], marker: Path) -> None:
        layers[2].update(_object(module, name, {"name": layers[2]["name"], **config}, registered))
        layers[2].pop("build_config", None)

    return _config(change)


def _function(module: str, name: str) -> Config:
    return _object(module, "function", name, name)


def _code(marker: Path) -> Config:
    """What Keras writes for a Python lambda: compiled code, base64."""
    run = compile(f"lambda x: open({str(marker)!r}, 'w') and x", "x", "eval")
    code = next(one for one in run.co_consts if hasattr(one, "co_code"))
    written = {"code": base64.b64encode(marshal.dumps(code)).decode(), "defaults": None, "closure": None}
    return {"class_name": "__lambda__", "config": {"value": written}}


def _a_lambda(marker: Path, function: Any = None) -> Config:
    config = {"name": "evil", "function": function or _code(marker), "arguments": {}, "output_shape": [None, 2]}
    return _object("keras.layers", "Lambda", config)


def _put(at: int, key: str, value: Any) -> Callable[[Good, Path, Path], None]:
    def change(layers: list[Config], marker: Path) -> None:
        layers[at]["config"][key] = value(marker) if callable(value) else value

    return _config(change)


def _inside(layers: list[Config], marker: Path) -> None:
    layers[3]["config"]["layers"].insert(1, _a_lambda(marker))


def _twice_inside(layers: list[Config], marker: Path) -> None:
    inner = _object("keras", "Sequential", {"name": "deep", "layers": [_a_lambda(marker)]})
    layers[3]["config"]["layers"].insert(1, inner)


def _argument(layers: list[Config], marker: Path) -> None:
    layers[4]["inbound_nodes"][0]["kwargs"] = {"training": _a_lambda(marker)}


def _compiled(layers: list[Config], marker: Path) -> None:
    layers[1]["compile_config"] = {"loss": _function("os", "system"), "optimizer": "adam"}


def _legacy(layers: list[Config], marker: Path) -> None:
    for key in ("module", "registered_name"):
        layers[2].pop(key)


def _wide(layers: list[Config], marker: Path) -> None:
    """Fewer than a size may be, and no build config that would tell."""
    layers[4]["config"]["units"] = 60_000_000
    layers[4].pop("build_config", None)


def _enlarged(layers: list[Config], marker: Path) -> None:
    """Its weights fit, and its output would take 80 GB."""
    layers[1]["class_name"] = "Conv2DTranspose"
    layers[1]["config"] = {
        "name": "conv2d",
        "filters": 4,
        "kernel_size": [3, 3],
        "strides": [9000, 9000],
        "activation": "relu",
    }
    layers[1].pop("build_config")


def _reversed(layers: list[Config], marker: Path) -> None:
    """A chain of thousands of layers, the last first, of which Keras places one each time it goes through all."""
    first, own = layers[0]["name"], layers[1]["inbound_nodes"][0]
    chain = []
    for n in range(4500):
        node = copy.deepcopy(own)
        node["args"][0]["config"] |= {"shape": [None, 8, 8, 3], "keras_history": [f"r{n - 1}" if n else first, 0, 0]}
        chain.append({**_object("keras.layers", "ReLU", {"name": f"r{n}"}), "name": f"r{n}", "inbound_nodes": [node]})
    own["args"][0]["config"]["keras_history"][0] = f"r{n}"
    layers[1:1] = chain[::-1]


def _doubled(levels: int, calls: int) -> Callable[[list[Config], Path], Config]:
    """A model in a model …, each of which calls the next again and again: as many calls as atoms."""

    def tensor(name: str, node: int = 0) -> Config:
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": [None, 4, 4, 3], "dtype": "float32", "keras_history": [name, node, 0]},
        }

    def change(layers: list[Config], marker: Path) -> Config:
        inner = _object("keras.layers", "ReLU", {"name": "last"})
        for level in range(levels):
            given = _object(
                "keras.layers", "InputLayer", {"batch_shape": [None, 4, 4, 3], "dtype": "float32", "name": f"in{level}"}
            )
            own = inner["config"]["name"]
            nodes = [{"args": [tensor(own, n - 1) if n else tensor(f"in{level}")], "kwargs": {}} for n in range(calls)]
            parts = [
                {**given, "name": f"in{level}", "inbound_nodes": []},
                {**inner, "name": own, "inbound_nodes": nodes},
            ]
            inner = _object(
                "keras.src.models.functional",
                "Functional",
                {
                    "name": f"net{level}",
                    "trainable": True,
                    "layers": parts,
                    "input_layers": [[f"in{level}", 0, 0]],
                    "output_layers": [[own, calls - 1, 0]],
                },
                "Functional",
            )
        return inner

    return change


CONFIGS: dict[str, Callable[[Good, Path, Path], None]] = {
    "lambda": _layer("keras.layers", "Lambda", function={"class_name": "__lambda__", "config": {"value": ["", 0, 0]}}),
    "lambda with code": _config(lambda layers, marker: layers.__setitem__(2, {**layers[2], **_a_lambda(marker)})),
    "lambda of a public function": _layer(
        "keras.layers", "Lambda", function=_function("keras.utils", "get_file"), arguments={"origin": "file:///etc"}
    ),
    "lambda in an inner model": _config(_inside),
    "lambda in a model in a model": _config(_twice_inside),
    "lambda in TimeDistributed": _put(2, "layer", _a_lambda),
    "lambda as an argument": _config(_argument),
    "lambda as an activation": _put(1, "activation", _a_lambda),
    "code as an activation": _put(1, "activation", _code),
    "code in an initialiser": _put(
        1, "kernel_initializer", lambda marker: _object("keras.initializers", "Constant", {"value": _code(marker)})
    ),
    "function of os": _put(1, "activation", _function("os", "system")),
    "function of builtins": _put(1, "activation", _function("builtins", "eval")),
    "unsafe loading as an activation": _put(1, "activation", _function("keras.config", UNSAFE)),
    "loading as an activation": _put(1, "activation", _function("keras.saving", "load_model")),
    "unknown activation": _put(1, "activation", "evil>function"),
    "custom layer": _layer("evil", "Layer", "evil>Layer"),
    "custom layer without module": _layer(None, "Layer", "evil>Layer"),
    "custom name for a known layer": _layer("keras.layers", "ReLU", "evil>ReLU"),
    "class of subprocess": _layer("subprocess", "Popen", args=["touch", "x"]),
    "another module of Keras": _layer("keras.src.utils.file_utils", "Progbar"),
    "saved model of TensorFlow": _layer("keras.layers", "TFSMLayer", filepath="/tmp/evil", call_endpoint="x"),
    "vocabulary from a file": _layer("keras.layers", "StringLookup", vocabulary="/etc/passwd"),
    "text from a file": _layer("keras.layers", "TextVectorization", vocabulary="/etc/passwd"),
    "pickled module of torch": _layer("keras.layers", "TorchModuleWrapper", module={"class_name": "x", "config": "x"}),
    "function of jax": _layer("keras.layers", "JaxLayer", call_fn="x"),
    "loop with a function": _layer("keras.src.ops.core", "Map"),
    "typespec": _put(
        1,
        "dtype",
        {"class_name": "__typespec__", "spec_name": "x", "module": "os", "config": [], "registered_name": None},
    ),
    "custom initialiser": _put(1, "kernel_initializer", _object("evil", "Zeros", {}, "evil>Zeros")),
    "initialiser by name": _put(1, "bias_initializer", "evil>Zeros"),
    "custom regulariser": _put(1, "kernel_regularizer", _function("__main__", "evil")),
    "custom constraint": _put(1, "kernel_constraint", _object("evil", "Norm", {}, "evil>Norm")),
    "custom class as the model": _config(lambda layers, marker: _object("__main__", "Net", {"name": "x"}, "Net")),
    "quantised": _put(1, "dtype", "int8_from_float32"),
    "array of objects": _put(1, "value", {"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}}),
    "layer is compiled": _config(_compiled),
    "layers as Keras 2 wrote them": _config(_legacy),
    "billion units": _put(4, "units", 1_000_000_000),
    "more weights than allowed": _put(4, "units", 60_000_000),
    "more weights, hidden": _config(_wide),
    "huge input": _put(0, "batch_shape", [None, 100_000, 100_000, 3]),
    "huge output": _config(_enlarged),
    "long text": _put(1, "name", "x" * 5000),
    "deep": _config(_doubled(40, 1)),
    "longer than allowed": _config(_reversed),
    "as many calls as atoms": _config(_doubled(8, 12)),
}
