"""A run as a script that needs Keras, NumPy and Pillow alone."""
