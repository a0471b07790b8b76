"""What layers compute: activations, kernels, receptive fields, and how an output comes about."""
