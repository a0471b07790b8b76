"""From a file of unknown origin to a model: checked, tried in a process of its own, then loaded."""
