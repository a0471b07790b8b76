"""The worker: `python -m cnnviz.train RUN_FOLDER` carries out the recipe in the folder."""
