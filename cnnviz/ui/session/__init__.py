"""A person's session: its address, its widgets' values, and work in the background."""
