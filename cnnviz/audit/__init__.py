"""The audit of a data set: duplicates and leaks, wrong labels, odd ones, shortcuts, and a map of all images."""
