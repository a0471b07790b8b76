"""Numbers and records as Plotly figures."""
