"""Looking into a network: what it answers, what makes it answer so, and how far that can be trusted.

Importing this loads no TensorFlow; `explain` does when it is called.
"""

from cnnviz.explain.explaining import Explanation, explain
from cnnviz.explain.methods import METHODS, Method
from cnnviz.explain.stopping import Cancelled
from cnnviz.explain.targets import Target

__all__ = ["METHODS", "Cancelled", "Explanation", "Method", "Target", "explain"]
