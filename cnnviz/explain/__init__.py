"""Looking into a model: what it predicts, what makes it predict that, and how far that can be trusted.

Importing this loads no TensorFlow; `explain` does when it is called.
"""

from cnnviz.explain.attribution.explain import Explanation, explain
from cnnviz.explain.attribution.method import Method
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.attribution.targets import Target
from cnnviz.progress import Cancelled

__all__ = ["METHODS", "Cancelled", "Explanation", "Method", "Target", "explain"]
