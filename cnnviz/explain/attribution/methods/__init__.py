"""Attribution methods, one a file: each holds its `METHOD`, which `registry` finds."""
