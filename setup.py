"""What pyproject.toml has no words for: the clone's own files as `cnnviz/app`, and extras whose files name others."""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup


def named_in(file: str) -> list[str]:
    """Returns the packages of a requirements file and of those that it begins with, the app's own left out."""
    lines = Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines()
    others = [line.removeprefix("-r ") for line in lines if line.startswith("-r ") and line != "-r requirements.txt"]
    own = [line for line in lines if line.strip() and not line.startswith(("-", "#"))]
    return [*(name for other in others for name in named_in(other)), *own]


setup(
    script_name="setup.py",  # or it would be packed too
    packages=[*find_packages(include=["cnnviz*"]), "cnnviz.app"],
    package_dir={"cnnviz.app": "."},
    extras_require={
        "export": named_in("requirements-export.txt"),
        "cluster": named_in("requirements-cluster.txt"),
        "dev": named_in("requirements-dev.txt"),
    },
)
