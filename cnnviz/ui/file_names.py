"""What downloaded files are called: from what they are of to what they are, in letters that every system takes."""

from __future__ import annotations

import hashlib
import re

__all__ = ["file_name"]

_LONGEST_PART = 40


def file_name(*parts: str, ending: str) -> str:
    """Returns a file's name of parts such as a model, an image and what the file has of them: "shapes-cat-map.npy".

    A part that is shortened, or loses letters that are not a to z or digits, gets four digits by which it differs from
    others of which the same would be left. Empty parts are left out.

    Args:
        parts: texts, whatever they contain.
        ending: with its point, such as ".png".
    """
    return "-".join(filter(None, map(_safe, parts))) + ending


def _safe(part: str) -> str:
    part = re.sub(r"\.[A-Za-z]{1,5}$", "", part)  # an image's own ending
    left = re.sub(r"[^A-Za-z0-9_]+", "-", part).strip("-")
    lost = len(left) > _LONGEST_PART or re.search(r"[^\x00-\x7f]", part)
    if part and (lost or not left):
        mark = hashlib.sha256(part.encode(errors="replace")).hexdigest()[:4]
        left = f"{left[:_LONGEST_PART].rstrip('-')}-{mark}".lstrip("-")
    return left
