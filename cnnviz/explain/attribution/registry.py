"""Which explanation methods there are and what each does. Importing this loads no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["METHODS", "Method"]


@dataclass(frozen=True)
class Method:
    """A method: what a page calls it, what it does in two sentences, and the paper it comes from.

    Methods of the family `cam` weigh a layer's activations and give a map of that layer's size, those of the family
    `pixel` need no layer and give a map of the input's size. A method that isn't `of_class` gives the same map for
    every class.
    """

    id: str
    title: str
    description: str
    paper: str
    family: Literal["cam", "pixel"]
    of_class: bool = True


METHODS: dict[str, Method] = {
    method.id: method
    for method in (
        Method(
            "grad-cam",
            "Grad-CAM",
            "Adds up the layer's channels, each weighed by how much the class's score grows with it on average over "
            "the image. What remains above zero speaks for the class.",
            "Selvaraju et al. 2017, arXiv:1610.02391",
            "cam",
        ),
        Method(
            "grad-cam++",
            "Grad-CAM++",
            "As Grad-CAM, but positions where the score grows count more in a channel's weight, so that several "
            "objects of the class are covered. Falls of the score are left out of the weights.",
            "Chattopadhay et al. 2018, arXiv:1710.11063",
            "cam",
        ),
        Method(
            "hires-cam",
            "HiResCAM",
            "Multiplies every activation with the score's gradient at its own position, then adds up the channels. The "
            "map shows only positions that the score truly depends on, which Grad-CAM's averaging can't promise.",
            "Draelos & Carin 2020, arXiv:2011.08891",
            "cam",
        ),
        Method(
            "layer-cam",
            "LayerCAM",
            "As HiResCAM, but only positions where the score grows with an activation count. It gives usable maps of "
            "early layers, too, which show fine detail.",
            "Jiang et al. 2021, doi:10.1109/TIP.2021.3089943",
            "cam",
        ),
        Method(
            "eigen-cam",
            "Eigen-CAM",
            "Shows how strongly each position follows the layer's main pattern of channels (the first singular "
            "vector of its activations). It asks for no class: the map is the same for all of them.",
            "Muhammad & Yeasin 2020, arXiv:2008.00299",
            "cam",
            of_class=False,
        ),
        Method(
            "score-cam",
            "Score-CAM",
            "Shows the model the image through each channel's activations as a mask, and weighs the channel by "
            "the class's probability then. It needs no gradient but one prediction for every channel, so it is slow.",
            "Wang et al. 2020, arXiv:1910.01279",
            "cam",
        ),
        Method(
            "gradient",
            "Gradient",
            "Shows for every pixel how fast the class's score changes with it. It is the oldest method, exact for tiny "
            "changes and noisy to look at.",
            "Simonyan et al. 2014, arXiv:1312.6034",
            "pixel",
        ),
        Method(
            "smoothgrad",
            "SmoothGrad",
            "Averages the gradient over copies of the image with random noise. What comes and goes with the noise "
            "fades, what stays is clearer than in a single gradient.",
            "Smilkov et al. 2017, arXiv:1706.03825",
            "pixel",
        ),
        Method(
            "integrated-gradients",
            "Integrated Gradients",
            "Follows the score from the baseline to this one and gives every pixel its part of the way. The parts "
            "add up to the difference between both scores.",
            "Sundararajan et al. 2017, arXiv:1703.01365",
            "pixel",
        ),
        Method(
            "occlusion",
            "Occlusion",
            "Covers one patch of the image after another and shows how far the class's score falls. It asks the "
            "model only for predictions, so that it works for any of them.",
            "Zeiler & Fergus 2014, arXiv:1311.2901",
            "pixel",
        ),
    )
}
