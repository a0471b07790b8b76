"""Datasets behind one interface. All of it is NumPy; only `cnnviz.data.pipeline` knows TensorFlow."""

from cnnviz.data.dataset import Dataset, Head, Split
from cnnviz.data.pictures import Pictures, prepare
from cnnviz.data.resolve import open_dataset

__all__ = ["Dataset", "Head", "Pictures", "Split", "open_dataset", "prepare"]
