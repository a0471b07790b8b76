"""A model over HTTP: predictions and heat maps of images that other programs send. Importing this loads no TensorFlow."""
