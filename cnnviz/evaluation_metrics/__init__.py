"""Further evaluation metrics of one head, one a file: each holds its `METRIC`, which `registry` finds."""
