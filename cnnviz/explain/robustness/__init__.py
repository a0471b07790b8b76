"""What augmentation and translation of images do to a model's predictions."""
