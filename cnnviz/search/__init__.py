"""Searches for the settings of a recipe that do best: Optuna asks, a coordinator starts ordinary runs, their folders
tell it how they do. Neither TensorFlow nor, but for the coordinator and for reading a study, Optuna."""

from cnnviz.search.launch import resume, start
from cnnviz.search.space import Choices, Range, Space, parse_space
from cnnviz.search.spec import SearchSpec, parse_spec
from cnnviz.search.store import Search, listing, open_search, request_stop, trials_of

__all__ = [
    "Choices",
    "Range",
    "Search",
    "SearchSpec",
    "Space",
    "listing",
    "open_search",
    "parse_space",
    "parse_spec",
    "request_stop",
    "resume",
    "start",
    "trials_of",
]
