"""Labels that are probably wrong, and images that are hard but right, by confident learning on out-of-fold
probabilities (Northcutt, Jiang & Chuang 2021, "Confident Learning"; library cleanlab)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

__all__ = ["FOLDS", "LabelErrors", "components", "folds", "label_errors", "out_of_fold"]

FOLDS = 5


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """What one head's labels look like against predictions of models that did not see them.

    Attributes:
        probabilities: out of fold, float32 (n, classes).
        margins: the given class's probability minus the most probable other's, float32 (n,).
        wrong: positions of images whose label is probably wrong, the surest first.
        hard: positions of images that are predicted wrongly or barely, and whose label is nevertheless kept; the
            hardest first.
    """

    probabilities: np.ndarray
    margins: np.ndarray
    wrong: np.ndarray
    hard: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """For each of `wrong` how sure it is, 0..1: half of one plus the probability of the suggested class minus the
        given one's, float32."""
        return np.asarray(0.5 - self.margins[self.wrong] / 2, np.float32)

    @property
    def suggested(self) -> np.ndarray:
        """For each of `wrong` the class that is suggested, int64."""
        suggested: np.ndarray = self.probabilities[self.wrong].argmax(axis=1)
        return suggested


def folds(labels: np.ndarray, groups: np.ndarray, count: int = FOLDS, seed: int = 0) -> list[np.ndarray]:
    """Returns the positions held out by each fold, the classes in equal shares; duplicates stay together, as a model
    that has seen a twin with the same wrong label would find it right.

    Args:
        labels: int64 (n,).
        groups: of each image the number of its group of duplicates, int64 (n,).
        count: how many folds; fewer where even the commonest class has fewer groups.
        seed: of the order in which groups are dealt out.
    """
    from sklearn.model_selection import StratifiedKFold

    _, first, same = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) < 2:
        first = same = np.arange(len(labels))  # all are one image: there is nothing to learn but from twins
    of_groups = labels[first]  # scikit-learn's StratifiedGroupKFold takes 10 s for 20,000 groups
    most = int(np.bincount(of_groups).max())
    if most < 2:  # so nothing that is learned of one image can be asked of another
        return [np.flatnonzero(np.isin(same, part)) for part in np.array_split(np.arange(len(first)), 2)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        dealt = StratifiedKFold(min(count, most), shuffle=True, random_state=seed).split(of_groups, of_groups)
        return [np.flatnonzero(np.isin(same, held_out)) for _, held_out in dealt]


def components(features: np.ndarray) -> np.ndarray:
    """Returns the 128 principal components of features, or as many as there are, float32 (n, 128); no label has a part
    in them."""
    from sklearn.decomposition import PCA

    count = min(_COMPONENTS, *features.shape)
    return np.asarray(PCA(count, random_state=0).fit_transform(features), np.float32)


def out_of_fold(
    features: np.ndarray, labels: np.ndarray, groups: np.ndarray, classes: int, *, quick: bool = False
) -> np.ndarray:
    """Returns for each image the probabilities by a model that did not see it, float32 (n, classes).

    It is a logistic regression; `quick`, linear discriminant analysis, which on `components` takes seconds where the
    other takes minutes, and finds as many wrong labels at somewhat more false alarms.

    Args:
        features: float32 (n, k).
        labels: int64 (n,).
        groups: see `folds`.
        classes: how many there are; one that has no image, or none elsewhere, gets 0.
        quick: for many images, classes or heads.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = np.zeros((len(labels), classes), np.float32)
    for held_out in folds(labels, groups):
        rest = np.setdiff1d(np.arange(len(labels)), held_out)
        known = np.unique(labels[rest])
        if len(known) == 1:
            found[held_out, known[0]] = 1
            continue
        if len(known) == len(rest):  # of each class one image: there is nothing to tell them by
            found[np.ix_(held_out, known)] = 1 / len(known)
            continue
        if quick:
            model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE)
        else:
            model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=300))
        model.fit(features[rest], labels[rest])
        found[np.ix_(held_out, model.classes_)] = model.predict_proba(features[held_out])
    return found


C = 0.001
"""Of the logistic regression, small: a weakly regularised one learns wrong labels by heart and is sure of all."""
_COMPONENTS, _SHRINKAGE = 128, 0.3


def label_errors(probabilities: np.ndarray, labels: np.ndarray) -> LabelErrors:
    """Returns whose labels are probably wrong, and who is hard but right.

    Args:
        probabilities: out of fold, float32 (n, classes).
        labels: int64 (n,).
    """
    from cleanlab.filter import find_label_issues

    present, order = np.unique(labels), np.zeros(0, np.int64)
    if len(present) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that classes of few images keep most of their labels
            order = find_label_issues(
                np.searchsorted(present, labels),
                np.ascontiguousarray(_normalised(probabilities[:, present])),
                filter_by="prune_by_noise_rate",
                return_indices_ranked_by="normalized_margin",
                n_jobs=1,
            )
    at = np.arange(len(labels))
    given = probabilities[at, labels]
    others = probabilities.copy()
    others[at, labels] = -1
    margin = given - others.max(axis=1)
    wrong = np.asarray(order, np.int64)
    wrong = wrong[margin[wrong] < 0]
    wrong = wrong[np.argsort(margin[wrong], kind="stable")]
    hard = np.setdiff1d(np.flatnonzero(margin < 0.2), wrong)
    return LabelErrors(probabilities, margin, wrong, hard[np.argsort(margin[hard], kind="stable")])


def _normalised(probabilities: np.ndarray) -> np.ndarray:
    sums: np.ndarray = probabilities.sum(axis=1, keepdims=True)
    return np.asarray(probabilities / np.maximum(sums, 1e-9))
