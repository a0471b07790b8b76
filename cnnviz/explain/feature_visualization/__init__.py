"""Images for which a filter or a class answers most (activation maximization)."""
