"""A model taken apart: its layers in order, its logits, and what its outputs are."""
