"""Which shipped run is seen learning on Home."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnviz.ui.home.learning import film_data, shown_run


def test_cats_and_dogs_are_seen_where_their_photos_are(data_root: Path) -> None:
    found = shown_run()
    assert found is not None
    run, probe = found
    assert run.name == "cats-and-dogs"
    assert probe.images.shape == (6, 128, 128, 3)
    assert probe.images.std() > 30, "photos, not the grey that stands in for them"
    film = film_data(run, probe)
    assert film is not None
    assert {one["alt"].rpartition(": ")[2] for one in film["images"]} == {"cats", "dogs"}


def test_shapes_are_seen_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path))
    found = shown_run()
    assert found is not None
    assert found[0].name == "shapes"
