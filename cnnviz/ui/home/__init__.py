"""The Home page's parts."""
