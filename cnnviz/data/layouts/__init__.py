"""How images lie on a disk, one layout a file: each holds its `LAYOUT`, which `registry` finds."""
