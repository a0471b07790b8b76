"""Where the app's own files lie: its entry and pages, its settings, and the runs that come with it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["HOME", "INSTALLED"]

_PACKED = Path(__file__).with_name("app")

INSTALLED = _PACKED.is_dir()
"""Whether this package was installed and not found in a clone; `setup.py` packs the clone's own files as `app/`."""
HOME = _PACKED if INSTALLED else Path(__file__).parents[1]
"""The folder with `streamlit_app.py`, `pages/`, `.streamlit/` and `checkpoints/`; not to be written to if installed."""
