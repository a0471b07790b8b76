"""`augment`: a sheet of what a policy makes of an image."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cnnviz import images
from cnnviz.augment import caption
from cnnviz.augment.preview import display_size, draws, sheet
from cnnviz.commands.output import decode_file, out_file, write_file
from cnnviz.commands.subcommand import add_verb
from cnnviz.errors import RecipeError, one_of
from cnnviz.files import read_bytes
from cnnviz.policy import POLICIES, Policy
from cnnviz.recipe import Data, parse

__all__ = ["add_augment"]

MOST = 100
LONGEST = 320


def add_augment(verbs: argparse._SubParsersAction) -> None:
    """Adds `augment`."""
    verb = add_verb(
        verbs, "augment", "write a sheet of what a policy makes of an image", _augment, "print the drawn values as JSON"
    )
    verb.add_argument("image", metavar="IMAGE", help="an image file")
    verb.add_argument("--policy", metavar="P", required=True, help="a policy's name or a JSON file")
    verb.add_argument("--draws", metavar="N", type=int, default=9, help=f"how many draws, 1 to {MOST} (default 9)")
    verb.add_argument("--seed", metavar="S", type=int, default=0, help="another seed, other draws (default 0)")
    verb.add_argument("--out", metavar="FILE", required=True, help="the PNG file to write, original first")
    verb.add_argument("--size", metavar="HxW", help=f"of each image (default: its own shape, at most {LONGEST})")


def _augment(chosen: argparse.Namespace) -> int:
    policy, out = _policy(chosen.policy), out_file(chosen.out, ".png", "the sheet is a PNG")
    if not 1 <= chosen.draws <= MOST:
        raise RecipeError(f"--draws is {chosen.draws}: choose a whole number from 1 to {MOST}.")
    image = decode_file(Path(chosen.image))
    size = parse({"dataset": "photo", "image_size": chosen.size}, Data).image_size if chosen.size else None
    size = size or display_size(image.shape, LONGEST)
    made = draws(image, policy, seed=chosen.seed, epochs=range(chosen.draws), size=size)
    page = sheet([images.fit(image, size), *(one.image for one in made)])
    write_file(out, images.to_png(page))
    if policy.mixes:
        print("cnnviz: MixUp and CutMix need other images and are left out of the sheet.", file=sys.stderr)
    if chosen.json:
        steps = [
            [{"type": step.type, "applied": step.applied, "values": step.values} for step in one.drawn] for one in made
        ]
        numbered = [{"epoch": epoch, "steps": drawn} for epoch, drawn in enumerate(steps)]
        print(
            json.dumps(
                {
                    "out": str(out),
                    "policy": policy.name,
                    "seed": chosen.seed,
                    "sample": 0,
                    "size": list(size),
                    "draws": numbered,
                }
            )
        )
        return 0
    for number, one in enumerate(made, 1):
        print(f"{number:>3}  {caption(one.drawn)}")
    return 0


def _policy(name: str) -> Policy:
    if name in POLICIES:
        return POLICIES[name]
    path = Path(name)
    try:
        if path.is_file():
            return parse(read_bytes(path), Policy)
    except OSError as error:
        raise RecipeError(f"{name} can't be read: {error.strerror or error}.") from None
    raise RecipeError(f"{name!r} is no policy and no file: {one_of(name, POLICIES)}, or the path of a JSON file.")
