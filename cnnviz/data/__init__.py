"""Datasets behind one interface. All of it is NumPy; only `cnnviz.data.pipeline` knows TensorFlow."""

from cnnviz.data.dataset import Dataset, Head, Split
from cnnviz.data.pictures import Pictures, prepare
from cnnviz.data.resolve import Entry, catalogue, open_dataset
from cnnviz.data.samples import sample, sample_names, samples

__all__ = ["Dataset", "Entry", "Head", "Pictures", "Split", "catalogue", "open_dataset", "prepare", "sample",
           "sample_names", "samples"]  # fmt: skip
