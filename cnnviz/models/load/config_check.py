"""A `.keras` file's config.json: read as data, and everything it names checked, before Keras sees it.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Container
from typing import Any

from cnnviz.errors import short
from cnnviz.models.load.layer_allowlist import ACTIVATIONS, DTYPES, FUNCTION_MODULES, MODELS, NAMES, OBJECTS

__all__ = ["MOST_ELEMENTS", "MOST_PARAMETERS", "Refused", "checked_config"]

MOST_PARAMETERS = 250_000_000
"""Weights of a model; their float32 values are what a file of 1 GB holds."""
MOST_ELEMENTS = 1 << 26
"""Values of one layer's output for one image (256 MB of float32), and the largest number that is a size."""
MOST_OBJECTS = 20_000
MOST_DEPTH = 60
MOST_LETTERS = 1000
_KEYS = {
    "module",
    "class_name",
    "config",
    "registered_name",
    "build_config",
    "compile_config",
    "shared_object_id",
    "name",
    "inbound_nodes",
}
_FREE = {"seed", "shared_object_id", "value"}
"""Keys whose numbers are no sizes."""
_VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__slice__", "__ellipsis__"}
_SCOPE = re.compile(r"[A-Za-z0-9_.\\/>-]*")
"""What TensorFlow takes for the name of a scope; Keras gives it each layer's."""
_NO_SCOPE = "a name that TensorFlow can't calculate under"
_OTHER_NAME = "name it with letters from a to z, digits, _ and - alone, a letter first, and save it anew"
_ONLY = "only models of Keras's own layers, without code of their own, are opened"


class Refused(ValueError):
    """A file that isn't opened: `reason` completes "… can't be read because …", `remedy` says what would help."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


def checked_config(data: bytes) -> dict[str, Any]:
    """Returns the config of a model that holds nothing but what is allowed, ready to be loaded.

    How the model, or one inside it, was compiled is left out unread, as none is ever trained here. Weights that would
    begin as an orthogonal matrix, which can take hours to make, begin otherwise: all of them are read from the file
    anyway.

    Raises:
        Refused: it isn't whole, names anything that isn't on the list, or is too large.
    """
    try:
        root = json.loads(data)
    except RecursionError:
        raise Refused("its config.json is nested too deeply") from None
    except ValueError:  # neither JSON nor text
        raise Refused("its config.json is damaged") from None
    if not isinstance(root, dict) or not isinstance(root.get("config"), dict):
        raise Refused("its config.json describes no model")
    if not _among(root.get("class_name"), MODELS):
        raise Refused(f"its model is of the class {short(root.get('class_name'))!r}", _ONLY)
    if isinstance(root["config"].get("name"), str) and root["config"]["name"].startswith(("_", "-")):
        raise Refused(f"its model {short(root['config']['name'])!r} has {_NO_SCOPE}", _OTHER_NAME)
    root["compile_config"] = None
    _walk(root)
    return root


def _walk(root: dict[str, Any]) -> None:
    waiting: list[tuple[Any, str, int, str]] = [(root, "", 0, "")]
    objects, parameters = 0, 0
    while waiting:
        value, key, depth, place = waiting.pop()
        if depth > MOST_DEPTH:
            raise Refused("its config.json is nested too deeply")
        if isinstance(value, dict):
            if "class_name" in value or "module" in value or "registered_name" in value:
                objects += 1
                place = _object(value, place)
                parameters += _parameters(value)
                if objects > MOST_OBJECTS:
                    raise Refused(f"its config.json holds more than {MOST_OBJECTS:,} objects")
                if parameters > MOST_PARAMETERS:
                    raise Refused(f"it has more than {MOST_PARAMETERS:,} weights", "smaller models are opened")
            for name, one in value.items():
                waiting.append((one, name, depth + 1, place))
                if name.endswith("initializer") and _orthogonal(one):
                    value[name] = {
                        "module": "keras.initializers",
                        "class_name": "GlorotUniform",
                        "config": {},
                        "registered_name": None,
                    }
        elif isinstance(value, list):
            _shape(value, key, place)
            waiting.extend((one, key, depth + 1, place) for one in value)
        else:
            _plain(value, key, place)


def _among(value: Any, names: Container[str]) -> bool:
    """Whether it is one of these names; it may be anything, even what can't be looked up."""
    return isinstance(value, str) and value in names


def _orthogonal(initializer: Any) -> bool:
    kind = initializer.get("class_name") if isinstance(initializer, dict) else initializer
    return isinstance(kind, str) and "orthogonal" in kind.lower()


def _object(value: dict[str, Any], place: str) -> str:
    """Checks one serialised object; returns what the layer is called that its parts belong to."""
    kind, module, config = value.get("class_name"), value.get("module"), value.get("config")
    if isinstance(config, dict) and isinstance(config.get("name"), str):
        place = f"its layer {short(config['name'])!r}"
        if not _SCOPE.fullmatch(config["name"]):
            raise Refused(f"{place} has {_NO_SCOPE}", _OTHER_NAME)
    if not isinstance(kind, str):
        raise Refused(f"{place or 'its config.json'} holds an object without a class")
    if kind in ("Lambda", "__lambda__"):
        raise Refused(f"{place or 'it'} is a Lambda, which holds code of its own", _ONLY)
    if kind in _VALUES:
        _value(kind, config, place)
        return place
    if kind == "function":
        if (
            not _among(module, FUNCTION_MODULES)
            or not _among(config, ACTIVATIONS)
            or value.get("registered_name") != config
        ):
            raise Refused(f"{place or 'it'} calls the function {short(module)}.{short(config)}", _ONLY)
        return place
    if module is None:
        raise Refused(
            f"{place or 'an object'} of the class {short(kind)!r} doesn't say that it is one of Keras 3", _ONLY
        )
    if not isinstance(module, str) or kind not in OBJECTS.get(module, ()):
        raise Refused(f"{place or 'it'} is of the class {short(module)}.{short(kind)}", _ONLY)
    if value.get("registered_name") not in (None, kind):
        raise Refused(f"{place or 'it'} names an object of its own, {short(value['registered_name'])!r}", _ONLY)
    if not isinstance(config, dict) or not value.keys() <= _KEYS:
        raise Refused(f"{place or 'an object'} isn't described as Keras does it")
    if value.get("compile_config"):
        if kind not in MODELS:
            raise Refused(f"{place or 'an object'} is compiled, which only models are", _ONLY)
        value["compile_config"] = None  # before anything in it is looked at
    if kind == "DTypePolicy" and not _among(config.get("name"), DTYPES):
        raise Refused(f"{place or 'it'} calculates in {short(config.get('name'))!r}", _ONLY)
    return place


def _value(kind: str, config: Any, place: str) -> None:
    """Checks a tensor, array or slice that is an argument."""
    wanted = {
        "__keras_tensor__": {"shape", "dtype", "keras_history"},
        "__slice__": {"start", "stop", "step"},
        "__ellipsis__": set(),
    }.get(kind, {"value", "dtype"})
    if not isinstance(config, dict) or config.keys() != wanted:
        raise Refused(f"{place or 'it'} holds a value that isn't described as Keras does it")
    if "dtype" in wanted and not _among(config["dtype"], DTYPES):
        raise Refused(f"{place or 'it'} holds values of the type {short(config['dtype'])!r}", _ONLY)


def _plain(value: Any, key: str, place: str) -> None:
    if isinstance(value, str):
        if len(value) > MOST_LETTERS:
            raise Refused(f"{place or 'its config.json'} holds a text of {len(value):,} letters")
        allowed = NAMES.get(key.rpartition("_")[2])
        if allowed is not None and value not in allowed:
            raise Refused(f"{place or 'it'} has the {short(key).replace('_', ' ')} {short(value)!r}", _ONLY)
    elif isinstance(value, int) and not -MOST_ELEMENTS <= value <= MOST_ELEMENTS and key not in _FREE:
        raise Refused(
            f"{place or 'it'} has a {short(key).replace('_', ' ')} of {short(value, 24)}",
            f"numbers up to {MOST_ELEMENTS:,} are allowed",
        )


def _shape(value: list[Any], key: str, place: str) -> None:
    if "shape" in key and all(one is None or isinstance(one, int) for one in value):
        count = math.prod(min(max(1, one or 1), MOST_ELEMENTS + 1) for one in value[:16])
        if count > MOST_ELEMENTS or len(value) > 16:
            raise Refused(
                f"{place or 'it'} has the shape {short(value)}",
                f"the values of one image must fit into {MOST_ELEMENTS:,}",
            )


def _parameters(layer: dict[str, Any]) -> int:
    """About how many weights a layer has, by its own words; what they are in truth is found out when it is tried."""
    config, build = layer["config"], layer.get("build_config")
    given = build.get("input_shape") if isinstance(build, dict) else None
    if not isinstance(config, dict) or not isinstance(given, list) or not given:
        return 0
    channels = given[-1] if isinstance(given[-1], int) else 1
    kernel = config.get("kernel_size")
    area = math.prod(one for one in kernel if isinstance(one, int)) if isinstance(kernel, list) else 1
    wide = next((config[key] for key in ("filters", "units", "output_dim") if isinstance(config.get(key), int)), 0)
    groups = config.get("groups")
    groups = groups if isinstance(groups, int) else 1
    if str(layer["class_name"]).startswith("Separable"):
        return max(0, channels * (area + wide))
    return max(0, area * max(1, channels // max(1, groups)) * wide)
