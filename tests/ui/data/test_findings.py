"""Findings as views of images: which, in what order, and what is left out of duplicates."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cnnviz.audit.audit import Audit, Hard, OddOne, Suspect
from cnnviz.audit.pool import Pool
from cnnviz.data import Dataset
from cnnviz.data.dataset import Head
from cnnviz.ui.data.findings import FINDINGS, Shown

NAMES = tuple("abcdefgh")
EMPTY = Audit(
    dataset="made",
    images=8,
    splits={"train": 4, "validation": 2, "test": 2},
    exact=(),
    near=(),
    leaks={"test": 0, "validation": 0},
    near_leaks={"test": 0, "validation": 0},
    contradictions={"label": ()},
    near_contradictions={"label": ()},
    suspects=(),
    hard=(),
    outliers=(),
    shortcuts=(),
    imbalance=(),
    notes=(),
    unreadable={},
    confusions={},
    places=(),
    model="",
    seconds=0,
)


@pytest.fixture
def pool() -> Pool:
    """Eight images: a to d in training, e and f in validation, g and h in test."""
    split = np.array(["train"] * 4 + ["validation"] * 2 + ["test"] * 2)
    dataset = Dataset("made", "Made", "", (Head("label", ("x", "y")),), {})
    return Pool(dataset, NAMES, split, np.arange(8), {"label": np.zeros(8, np.int64)})


def shown(key: str, pool: Pool, **found: object) -> list[list[str]]:
    audit = dataclasses.replace(EMPTY, **found)
    return [[one.image for one in group] for group in FINDINGS[key].images(audit, pool)]


def test_an_exact_group_within_a_near_one_is_shown_once(pool: Pool) -> None:
    assert shown("duplicates", pool, exact=(("a", "b"), ("c", "d")), near=(("a", "b", "g"),)) == [
        ["a", "b", "g"],
        ["c", "d"],
    ]


def test_leaks_are_the_groups_across_training_and_what_is_measured_on(pool: Pool) -> None:
    exact = (("a", "b"), ("c", "e"), ("f", "g"), ("d", "h"))
    assert shown("leaks", pool, exact=exact) == [["c", "e"], ["d", "h"]]


def test_contradictions_are_of_exact_and_near_groups(pool: Pool) -> None:
    found = {"exact": (("a", "b"), ("c", "d")), "near": (("e", "f"), ("g", "h"))}
    marks = {"contradictions": {"label": (1,)}, "near_contradictions": {"label": (0,)}}
    assert shown("contradictions", pool, **found, **marks) == [["c", "d"], ["e", "f"]]


def test_suspects_bring_the_class_that_is_suggested(pool: Pool) -> None:
    audit = dataclasses.replace(EMPTY, suspects=(Suspect("b", "label", "x", "y", 0.97),))
    assert FINDINGS["labels"].images(audit, pool) == [[Shown("b", "rather y · 97%", ("label", "y"))]]


def test_hard_and_odd_ones_keep_their_order(pool: Pool) -> None:
    hard = (Hard("c", "label", "x", "y", 0.1), Hard("a", "label", "x", "x", 0.55))
    assert shown("hard", pool, hard=hard) == [["c"], ["a"]]
    odd = (OddOne("h", "dark", 3, 1), OddOne("b", "grey", 0, 1))
    assert shown("odd", pool, outliers=odd) == [["h"], ["b"]]
