"""Whether a recipe's heads and a dataset's agree, and the recipe whose heads do."""

from __future__ import annotations

from cnnviz.data.dataset import Dataset
from cnnviz.data.resolve import open_dataset
from cnnviz.errors import DataError, one_of
from cnnviz.model_spec import Head
from cnnviz.progress import Progress
from cnnviz.recipe import Recipe

__all__ = ["adapt", "check", "open_and_adapt"]


def check(recipe: Recipe, dataset: Dataset) -> None:
    """Raises a `DataError` where a head of the recipe can't learn from the dataset."""
    found = {head.name: head for head in dataset.heads}
    for head in recipe.network.heads:
        if head.name not in found:
            raise DataError(
                f"{dataset.name} has no labels {head.name!r} for the model's head: {one_of(head.name, found)}."
            )
        classes = len(found[head.name].classes)
        if head.classes != classes:
            raise DataError(
                f"Head {head.name!r} tells {head.classes} classes apart but {dataset.name} has {classes}: "
                f"give it {classes} units."
            )


def adapt(recipe: Recipe, dataset: Dataset) -> Recipe:
    """Returns the recipe with heads that fit the dataset: names it has, and as many units as classes.

    A head whose name the dataset lacks takes the name of one of the dataset's heads that no other head of the recipe
    has, in order. One unit stays where there are two classes; otherwise it becomes a softmax.

    Raises:
        DataError: the recipe has more heads than the dataset.
    """
    free = [head.name for head in dataset.heads if head.name not in {h.name for h in recipe.network.heads}]
    classes = {head.name: len(head.classes) for head in dataset.heads}
    heads = []
    for head in recipe.network.heads:
        if head.name not in classes:
            if not free:
                raise DataError(
                    f"The model has {len(recipe.network.heads)} heads but {dataset.name} has labels for "
                    f"{len(classes)}: {', '.join(classes)}."
                )
            head = head.model_copy(update={"name": free.pop(0)})
        heads.append(_with_classes(head, classes[head.name]))
    if tuple(heads) == recipe.network.heads:
        return recipe
    return recipe.model_copy(update={"network": recipe.network.model_copy(update={"heads": tuple(heads)})})


def _with_classes(head: Head, classes: int) -> Head:
    if head.classes == classes:
        return head
    activation = "softmax" if head.activation == "sigmoid" else head.activation
    return Head(name=head.name, units=classes, activation=activation)


def open_and_adapt(recipe: Recipe, *, may_adapt: bool, progress: Progress | None = None) -> tuple[Recipe, Dataset]:
    """Returns the recipe and its dataset, opened and known to fit each other.

    With `may_adapt` the heads are made to fit (see `adapt`) where they don't; otherwise that is an error.

    Raises:
        DataError: the data can't be opened, or a head can't learn from it.
    """
    dataset = open_dataset(recipe.data, progress=progress)
    names = [head.name for head in recipe.network.heads]
    if not set(names) <= {head.name for head in dataset.heads}:
        try:
            dataset = open_dataset(recipe.data, names, progress=progress)
        except DataError:
            if not may_adapt:
                raise
    if may_adapt:
        recipe = adapt(recipe, dataset)
    check(recipe, dataset)
    return recipe, dataset
