"""What pages ask for: images, models, data sets and files."""
