"""Common corruptions, 15 kinds in five severities, and what accuracy they leave (Hendrycks & Dietterich 2019)."""
