"""Frozen records that come from JSON, and the one sentence that says what is wrong with such a JSON."""

from __future__ import annotations

import json
import re
import reprlib
from typing import Annotated, Any, NoReturn, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
)
from pydantic_core import CoreSchema, core_schema

from cnnviz.errors import RecipeError, one_of, short

__all__ = ["FrozenDict", "Name", "NotBool", "Printable", "Real", "Record", "Whole", "parse_record"]

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 60


class Record(BaseModel):
    """A frozen record: unknown keys and infinite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


Key = TypeVar("Key")
Value = TypeVar("Value")


class FrozenDict(dict[Key, Value]):
    """A record's dict: equal to any dict with the same items, but it can't be changed, and so has a hash.

    >>> FrozenDict(a=1) == {"a": 1}
    True
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A frozen record's dict can't be changed.")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[Key, Value]]]:  # copies and pickles would set items
        return FrozenDict, (dict(self),)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        key, value = get_args(source)
        plain = core_schema.dict_schema(handler.generate_schema(key), handler.generate_schema(value))
        return core_schema.no_info_after_validator_function(cls, plain)


def _no_truth(value: Any) -> Any:
    """Refuses `true`, which Python counts as 1."""
    if isinstance(value, bool):
        raise ValueError("it should be a number")
    return value


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has characters that can't be printed")
    return text


NotBool = BeforeValidator(_no_truth)
Whole = Annotated[int, NotBool]
Real = Annotated[float, NotBool]
Printable = Annotated[str, AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_printable)]
"""What an image, a head or a class is called."""

Some = TypeVar("Some", bound=BaseModel)


def parse_record(source: str | bytes | dict, model: type[Some]) -> Some:
    """Returns the record that `source`, JSON text or a dict of it, describes.

    Raises:
        RecipeError: one sentence that names the key and what it allows.
    """
    what = model.__name__.lower()
    if isinstance(source, (str, bytes)):
        try:
            source = json.loads(source.removeprefix("\ufeff") if isinstance(source, str) else source)
        except (ValueError, RecursionError) as error:
            raise RecipeError(f"The {what} is not JSON: {error}.") from None
    if not isinstance(source, dict):
        raise RecipeError(f"The {what} is {_REPR.repr(source)}; expected a JSON object with {_keys(model)}.")
    try:
        return model.model_validate(source)
    except ValidationError as error:
        raise RecipeError(_message(error, model)) from None


def _message(error: ValidationError, model: type[BaseModel]) -> str:
    """One of pydantic's errors with the key, the value and what is allowed; a misspelt key before what it left out."""
    errors = error.errors(include_url=False)
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    path, holder, kinds = _walk(model, first["loc"])
    what, context = model.__name__.lower(), first.get("ctx") or {}
    key, value = ".".join(path), first.get("input")
    wrong = f"{key or f'The {what}'} is {_REPR.repr(value)}"
    match first["type"]:
        case "extra_forbidden":
            return f"The {what} has no key {key!r}: {one_of(path[-1], holder.model_fields)}."
        case "missing":
            return f"The {what} lacks {key!r}, which has no default."
        case "model_type" | "model_attributes_type":
            return f"{wrong}: expected an object with {_keys(kinds[0]) if len(kinds) == 1 else 'a type'}."
        case "union_tag_not_found":
            return f"{key} has no 'type'."
        case "union_tag_invalid":
            return f"{key}.type is {context['tag']!r}: {one_of(context['tag'], _quoted(context['expected_tags']))}."
        case "literal_error" if _quoted(context["expected"]):
            return f"{wrong}: {one_of(value, _quoted(context['expected']))}."
        case "literal_error":
            return f"{wrong}: expected {context['expected']}."
        case "value_error":
            reason = str(context["error"])
            return reason if reason.endswith(".") else f"{wrong}: {reason}."
    message = first["msg"].replace("Input should", "it should", 1)
    return f"{wrong}: {message[:1].lower()}{message[1:]}."


def _walk(model: type[BaseModel], loc: tuple) -> tuple[list[str], type[BaseModel], list[type[BaseModel]]]:
    """The keys that a person wrote, the record that has the last of them, and the records that may stand there.

    Where records of several types are allowed, pydantic's location also holds the chosen type, which nobody wrote.
    """
    path: list[str] = []
    holder, kinds = model, [model]
    for part in loc:
        if len(kinds) > 1 and isinstance(part, str):
            kinds = [kind for kind in kinds if kind.model_fields["type"].default == part]
            continue
        if part == "[key]":  # pydantic's mark for a key that is wrong itself
            continue
        path.append(short(part))
        if isinstance(part, str):
            holder = kinds[0] if kinds else holder
            kinds = _records(holder.model_fields[part].annotation) if part in holder.model_fields else kinds
    return path, holder, kinds


def _records(annotation: Any) -> list[type[BaseModel]]:
    """The records that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [record for inner in get_args(annotation) for record in _records(inner)]


def _keys(model: type[BaseModel]) -> str:
    *most, last = model.model_fields
    return f"{', '.join(most)} and {last}" if most else last


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)
