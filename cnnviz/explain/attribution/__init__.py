"""Heat maps: what in an image speaks for a class, a file for each method."""
