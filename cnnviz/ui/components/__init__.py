"""Components that a page draws with scripts of its own."""
