"""Images for which a filter or a class responds most (activation maximization)."""
