"""cnnviz: train convolutional image classifiers, watch them learn and look inside."""

__version__ = "0.1.0"
