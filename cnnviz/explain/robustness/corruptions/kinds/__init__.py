"""The kinds of corruptions, a group a file: each holds its `CORRUPTIONS`, which `registry` finds."""
