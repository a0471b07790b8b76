"""Datasets behind one interface. All of it is NumPy; only `cnnviz.data.pipeline` knows TensorFlow."""

from cnnviz.data.dataset import Dataset, Head, Split
from cnnviz.data.resolve import Entry, catalogue, open_dataset
from cnnviz.data.samples import sample, sample_names, samples
from cnnviz.data.split_images import SplitImages, prepare

__all__ = [
    "Dataset",
    "Entry",
    "Head",
    "Split",
    "SplitImages",
    "catalogue",
    "open_dataset",
    "prepare",
    "sample",
    "sample_names",
    "samples",
]
