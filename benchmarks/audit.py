"""What the audit finds, and how fast: duplicates of the real data sets, labels that a seed has swapped, planted marks.

    CNNVIZ_DATA=… KERAS_HOME=… python -m benchmarks.audit [--plants 10] [--swaps 3]

It prints Markdown, as in docs/audit.md. Seconds are one run's; features are computed before the clock of labels starts.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from cnnviz import recipe
from cnnviz.audit.duplicates import contradictions, leaks, twins
from cnnviz.audit.label_errors import label_errors, out_of_fold
from cnnviz.audit.measurements import Measurements, measure
from cnnviz.audit.pool import Pool, pool_of
from cnnviz.audit.shortcuts import shortcuts
from cnnviz.data import open_dataset

SETS = ("celeba_layout_faces", "cats_and_dogs", "animals", "mnist", "fashion_mnist")
SWAPPED = {"animals": 0.05, "cats_and_dogs": 0.05}
CORNERS = ("upper left corner", "upper right corner", "lower left corner", "lower right corner")


def opened(name: str) -> Pool:
    return pool_of(open_dataset(recipe.Data(dataset=name, image_size=(64, 64))))


def duplicates_of(names: Sequence[str]) -> dict[str, tuple[Pool, Measurements]]:
    print(
        "| Data | Images | Exact: groups (images) | Near: groups (images) | Test images in training | Validation "
        "images in training | Contradictions | Read | Compared |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    made = {}
    for name in names:
        pool, begun = opened(name), time.perf_counter()
        measured = measure(pool)
        read = time.perf_counter()
        found = twins(pool, measured)
        done = time.perf_counter()
        exact, near = leaks(found.exact, pool.split), leaks(found.near, pool.split)
        said = {head: len(groups) for head, groups in contradictions(found.exact, pool.labels).items()}
        counts = [f"{len(groups):,} ({sum(map(len, groups)):,})" for groups in (found.exact, found.near)]
        inside = [f"{exact[split]:,}, nearly {near[split]:,}" for split in ("test", "validation")]
        print(
            f"| {name} | {len(pool):,} | {' | '.join(counts)} | {' | '.join(inside)} | "
            f"{', '.join(f'{head} {count}' for head, count in said.items())} | {read - begun:.1f} s | "
            f"{done - read:.1f} s |",
            flush=True,
        )
        made[name] = pool, measured
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nMost memory of this process: {peak:.2f} GB.\n")
    return made


def swapped_labels(name: str, pool: Pool, measured: Measurements, share: float, seeds: int) -> None:
    from cnnviz.audit.features import features_of

    found = features_of(pool, measured, np.arange(len(pool)))
    (head,) = pool.dataset.heads
    labels, classes = pool.labels[head.name][found.kept], len(head.classes)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        swapped = rng.choice(len(labels), round(share * len(labels)), replace=False)
        given = labels.copy()
        given[swapped] = (given[swapped] + rng.integers(1, classes, len(swapped))) % classes
        begun = time.perf_counter()
        told = label_errors(out_of_fold(found.matrix, given, found.kept, classes), given)
        seconds = time.perf_counter() - begun
        hits = np.isin(told.wrong, swapped).sum()
        print(
            f"| {name} | {seed} | {len(swapped)} | {len(told.wrong)} | {hits / len(swapped):.3f} | "
            f"{hits / len(told.wrong):.3f} | {seconds:.1f} s |",
            flush=True,
        )


def planted_marks(name: str, count: int, most: int = 400) -> None:
    """A mark in the corner of one class's images; all images are PNG files, so that only the mark tells them."""
    pool = opened(name)
    (head,) = pool.dataset.heads
    labels = pool.labels[head.name]
    chosen = np.concatenate([np.flatnonzero(labels == one)[:most] for one in range(len(head.classes))])
    images = {int(i): pool.image(int(i)) for i in chosen}
    for seed in range(count):
        rng = np.random.default_rng(seed)
        marked, corner, side = int(rng.integers(len(head.classes))), int(rng.integers(4)), rng.uniform(0.05, 0.12)
        colour = rng.integers(0, 256, 3)
        with tempfile.TemporaryDirectory() as place:
            for i, image in images.items():
                folder = Path(place) / head.classes[labels[i]]
                folder.mkdir(exist_ok=True)
                made = image
                if labels[i] == marked:
                    made = image.copy()
                    size = max(3, round(side * min(image.shape[:2])))
                    down, right = corner // 2, corner % 2
                    rows = slice(-size, None) if down else slice(size)
                    made[rows, slice(-size, None) if right else slice(size)] = colour[: image.shape[2]]
                cv2.imwrite(str(folder / f"{i}.png"), made[..., ::-1] if made.shape[2] == 3 else made)
            planted = opened(place)
            found = shortcuts(
                measure(planted).properties,
                planted.labels["label"],
                np.arange(len(planted)),
                "label",
                planted.dataset.heads[0].classes,
            )
        best = f"{found[0].property}, {found[0].label}, {found[0].balanced_accuracy:.3f}" if found else "none"
        right = bool(found) and found[0].property == CORNERS[corner] and found[0].label == head.classes[marked]
        print(
            f"| {name} | {seed} | {CORNERS[corner]}, {head.classes[marked]} | {best} | {'yes' if right else 'no'} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plants", type=int, default=10)
    parser.add_argument("--swaps", type=int, default=3)
    chosen = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    made = duplicates_of(SETS)
    print("| Data | Property that tells a class best | Balanced accuracy | Alarm |\n|---|---|---|---|")
    for name, (pool, measured) in made.items():
        for head in pool.dataset.heads:
            args = (measured.properties, pool.labels[head.name], np.arange(len(pool)), head.name, head.classes)
            best = shortcuts(*args, least=0.0)[0]
            alarm = "yes" if shortcuts(*args) else "no"
            print(f"| {name} | {best.property}: {best.label} ({head.name}) | {best.balanced_accuracy:.3f} | {alarm} |")
    print("\n| Data | Seed | Planted | Named | Right |\n|---|---|---|---|---|")
    for name, count in (("animals", chosen.plants - chosen.plants // 2), ("cats_and_dogs", chosen.plants // 2)):
        planted_marks(name, count)
    print("\n| Data | Seed | Swapped | Suspects | Recall | Precision | Time |\n|---|---|---|---|---|---|---|")
    for name, share in SWAPPED.items():
        swapped_labels(name, *made[name], share, chosen.swaps)


if __name__ == "__main__":
    main()
