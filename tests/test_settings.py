"""The server's settings: all known to Streamlit, closed to other machines, readable in light and dark."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from streamlit import config

SETTINGS = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))

STYLE = (Path(__file__).parents[1] / "cnnviz" / "ui" / "session" / "app_entry.py").read_text(encoding="utf-8")
ON_PRIMARY = dict(zip(("light", "dark"), re.search(r"light-dark\((#\w{6}), (#\w{6})\)", STYLE).groups(), strict=True))
"""What is written on the primary colour, by theme."""


def flat(tree: dict, prefix: str = "") -> dict[str, object]:
    """Nested tables as dotted keys."""
    values: dict[str, object] = {}
    for key, value in tree.items():
        values |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return values


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_streamlit_knows_every_setting() -> None:
    assert not set(flat(SETTINGS)) - set(config.get_config_options())


def test_the_server_is_for_this_machine_and_tells_nobody() -> None:
    server = SETTINGS["server"]
    assert server["address"] == "127.0.0.1"
    assert set(server["allowedHosts"]) == {"localhost", "127.0.0.1"}
    assert server["enableCORS"] is server["enableXsrfProtection"] is True
    assert server["maxUploadSize"] == 200
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["client"]["showErrorDetails"] == "none"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_lines_can_be_told_from_their_ground(mode: str) -> None:
    theme = SETTINGS["theme"][mode]
    for ground in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert contrast(theme["textColor"], ground) >= 7
        assert contrast(theme["linkColor"], ground) >= 4.5
        assert contrast(theme["primaryColor"], ground) >= 3
    assert contrast(ON_PRIMARY[mode], theme["primaryColor"]) >= 4.5
    for colour in theme["chartCategoricalColors"]:
        assert contrast(colour, theme["backgroundColor"]) >= 3


def test_no_font_or_image_comes_from_elsewhere() -> None:
    assert not [value for value in flat(SETTINGS).values() if "http" in str(value)]
