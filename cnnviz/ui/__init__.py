"""The only Streamlit code of the package: parts that pages are made of."""
