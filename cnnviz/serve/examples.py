"""How a run is served and asked, as text to copy."""

from __future__ import annotations

from cnnviz.runs import Run

__all__ = ["command", "curl", "python"]

ADDRESS = "http://127.0.0.1:8000"


def command(run: Run) -> str:
    """Returns what starts a server of a run's model."""
    return f"python -m cnnviz serve {run.id}"


def curl() -> str:
    """Returns how it is asked from a shell."""
    return (
        f"curl --data-binary @photo.jpg {ADDRESS}/predict\n"
        f'curl --data-binary @photo.jpg "{ADDRESS}/heatmap?method=grad-cam" -o map.png\n'
        f"curl {ADDRESS}/model"
    )


def python() -> str:
    """Returns how it is asked from Python."""
    return f'''import requests

with open("photo.jpg", "rb") as file:
    image = file.read()
answer = requests.post("{ADDRESS}/predict", data=image, timeout=30)
answer.raise_for_status()
for head in answer.json()["heads"]:
    print(head["head"], head["class"], head["probability"])

drawn = requests.post("{ADDRESS}/heatmap", data=image, timeout=30)
drawn.raise_for_status()
with open("map.png", "wb") as file:
    file.write(drawn.content)
'''
