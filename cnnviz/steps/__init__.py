"""The augmentation steps, one a file: each holds its `KIND`, which `registry` finds."""
