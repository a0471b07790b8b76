"""A run's model in other formats, and one head of several."""
