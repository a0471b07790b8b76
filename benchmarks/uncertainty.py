"""What a run says of its predictions, measured on its test images and on images that it has never seen the like of.

    python -m benchmarks.uncertainty RUN [RUN ...]

For each run: how often the true class is in the prediction sets, the calibration error before and after temperature
scaling, how many of its own test images count as foreign, how well the novelty tells foreign images (area under the ROC
curve), which of the built-in samples are flagged, and how well influence foretells what leaving training images out
changes. `CNNVIZ_DATA` must lead to the sets named in `FOREIGN_SETS`. The tables are those of `docs/uncertainty.md`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from statistics import median

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from cnnviz import runs
from cnnviz.data import Split, open_dataset, prepare
from cnnviz.data.compatibility import open_and_adapt
from cnnviz.data.samples import sample, sample_names
from cnnviz.explain.uncertainty.calibration_of_run import calibrated, sets_of
from cnnviz.explain.uncertainty.embedding import embed
from cnnviz.explain.uncertainty.influence import fitted_head, influences, log_odds
from cnnviz.explain.uncertainty.judgement_of_run import Known, judge, known_of
from cnnviz.explain.uncertainty.novelty import FOREIGN, distances
from cnnviz.explain.uncertainty.prediction_sets import coverage
from cnnviz.explain.uncertainty.training_features_of_run import TrainingFeatures, novelty_of
from cnnviz.models.classifier import Classifier
from cnnviz.models.load.load import load_run
from cnnviz.recipe import Data
from cnnviz.runs import Run
from cnnviz.runs.report import calibration

FOREIGN_SETS = ("cats_and_dogs", "animals:panda", "fashion_mnist", "mnist", "shapes")
"""Data sets, and what follows the colon is the only class of theirs that is taken."""
FOREIGN_IMAGES = 300
MOST = 4_000
REMOVALS = 30
TURNS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    for name in parser.parse_args().runs:
        run = runs.open_run(name)
        classifier = load_run(run)
        began = time.perf_counter()
        known = known_of(run, classifier)
        print(f"## {name}: {run.recipe.name if run.recipe else ''}\n\nLooked at its images in {_since(began)} s.\n")
        _measure(run, classifier, known)


def _measure(run: Run, classifier: Classifier, known: Known) -> None:
    if known.training is None or known.calibration is None:
        print(known.note)
        return
    recipe, dataset = open_and_adapt(run.recipe, may_adapt=False)
    split = dataset.splits["test"]
    split = split.take(np.sort(np.random.default_rng(1).permutation(len(split))[:MOST]))
    read = prepare(split, recipe.data)
    test = embed(classifier, np.asarray(read.array))
    for at, head in enumerate(one.name for one in classifier.heads):
        labels, raw = split.labels[head][read.kept], test.probabilities[at]
        sets = {risk: coverage(sets_of(known.calibration, head, raw, risk), labels)[0] for risk in (0.1, 0.05, 0.01)}
        likely = calibrated(known.calibration, head, raw)
        errors = [calibration(labels, one)["error"] for one in (raw, likely)]
        print(
            f"* {head}, {len(labels):,} test images, accuracy {(raw.argmax(axis=1) == labels).mean():.3f}: covered "
            f"{', '.join(f'{share:.3f} at {risk:g}' for risk, share in sets.items())}; calibration error "
            f"{errors[0]:.4f} → {errors[1]:.4f} (temperature {known.calibration.temperatures[head]:.2f})"
        )
    own = novelty_of(known.training, test)
    distance = distances(known.training.novelty, test.statistics)
    print(f"* own test images taken for foreign: {(own >= FOREIGN).mean():.3f}")
    for name, images in _foreign(classifier, recipe.data.dataset):
        found = embed(classifier, images)
        far = distances(known.training.novelty, found.statistics)
        area = roc_auc_score(np.r_[np.zeros(len(distance)), np.ones(len(far))], np.r_[distance, far])
        flagged = (novelty_of(known.training, found) >= FOREIGN).mean()
        print(f"* {name}, {len(images)} images: area {area:.3f}, {flagged:.3f} flagged")
    for name in sample_names():
        (told, *_), *_ = judge(known, classifier, classifier.fit(sample(name))[None])
        print(f"* {name}: novelty {told.novelty:.3f}{', foreign' if told.foreign else ''}")
    _influence(classifier, known.training, test)
    _times(classifier, known, np.asarray(read.array))


def _foreign(classifier: Classifier, own: str) -> Iterator[tuple[str, np.ndarray]]:
    for name in FOREIGN_SETS:
        dataset_name, _, only = name.partition(":")
        if dataset_name == own:
            continue
        dataset = open_dataset(Data(dataset=dataset_name, image_size=(160, 160)))
        split: Split = dataset.splits["train"]
        rows = np.arange(len(split))
        if only:
            head = dataset.heads[0]
            rows = np.flatnonzero(split.labels[head.name] == next(k for k, c in enumerate(head.classes) if only in c))
        rows = np.random.default_rng(2).permutation(rows)[:FOREIGN_IMAGES]
        yield name, np.stack([classifier.fit(split.image(int(row))) for row in rows])


def _influence(classifier: Classifier, known: TrainingFeatures, test) -> None:
    head = classifier.heads[0].name
    labels, classes = known.labels[head], len(known.classes[head])
    began = time.perf_counter()
    fitted = fitted_head(known.features, labels, classes)
    first, rng, seconds = _since(began), np.random.default_rng(3), []
    correlations, told, real = [], [], []
    for image in rng.permutation(len(test.features))[:REMOVALS]:
        given = test.features[image : image + 1]
        index = int(fitted.probabilities(given)[0].argmax())
        effects = influences(fitted, known.features, labels, given, index)
        order = np.argsort(-effects)
        began = time.perf_counter()
        without = fitted_head(known.features, labels, classes, start=fitted, left_out=order[:10])
        seconds.append(time.perf_counter() - began)
        before = log_odds(fitted, given, index)[0]
        told.append(effects[order[:10]].sum())
        real.append(before - log_odds(without, given, index)[0])
        if len(correlations) < 3:
            chosen = np.r_[order[:10], order[-10:], rng.choice(order[10:-10], 10, replace=False)]
            each = [fitted_head(known.features, labels, classes, start=fitted, left_out=np.array([k])) for k in chosen]
            change = [before - log_odds(one, given, index)[0] for one in each]
            correlations.append(float(spearmanr(effects[chosen], change).statistic))
    ten = float(spearmanr(told, real).statistic)
    print(
        f"* influence ({head}): Spearman {min(correlations):.3f} or more over {REMOVALS} single images left out, of "
        f"three answers; {ten:.3f} over the ten strongest left out of {REMOVALS} answers; the head trained in {first} "
        f"s, again without ten in {median(seconds):.2f} s (median)"
    )


def _times(classifier: Classifier, known: Known, images: np.ndarray) -> None:
    works = (classifier.predict, lambda image: judge(known, classifier, image))
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 2):
        image = images[turn % len(images)][None]
        for into, work in zip(taken, works, strict=True):
            began = time.perf_counter()
            work(image)
            into.append(1000 * (time.perf_counter() - began))
    alone, judged = (median(each[2:]) for each in taken)
    print(f"* an image predicted in {alone:.1f} ms, predicted and judged in {judged:.1f} ms (medians)\n")


def _since(began: float) -> str:
    return f"{time.perf_counter() - began:.1f}"


if __name__ == "__main__":
    main()
