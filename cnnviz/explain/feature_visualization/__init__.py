"""feature_visualization."""
