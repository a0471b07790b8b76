"""A model over HTTP: predictions and heat maps of images that others send. Importing this loads no TensorFlow."""
