"""Models: built from recipes. Importing its modules loads TensorFlow."""
