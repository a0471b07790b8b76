"""A recipe's model: layers, backbones and their weights."""
