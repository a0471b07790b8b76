"""What the Learn page explains: the tutorials' questions, in plain words, and the systems that answer them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TOPICS", "Link", "Topic"]


@dataclass(frozen=True)
class Link:
    """A way on to another page. `needs` is the system whose newest run it opens; "" where it needs none."""

    page: str
    label: str
    icon: str
    needs: str = ""
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Topic:
    """A question. `text` are Markdown; `figure` names an image of `demos`; `systems` are presets whose
    runs stand beside each other, and `curve` the one whose curves are shown; `look` says what to look at in them, and
    `moved` whether they can predict translated images."""

    title: str
    question: str
    text: str
    figure: str = ""
    systems: tuple[str, ...] = ()
    curve: str = ""
    look: str = ""
    moved: bool = False
    links: tuple[Link, ...] = ()


TOPICS: dict[str, Topic] = {
    "convolution": Topic(
        "Convolution",
        "What does a convolution compute?",
        "A small window of weights, the **kernel**, slides over the image. At each place the pixels under it are "
        "multiplied by its weights and added up: one number. Where the image looks like the kernel the number is "
        "large. A model learns hundreds of such kernels; here, nine weights are set by hand.",
        figure="kernel",
        links=(
            Link("inside", "Take a number apart in a model", "calculate", "C2", (("view", "numbers"),)),
            Link("inside", "See the kernels that a model learned", "grid_view", "C2", (("view", "kernels"),)),
        ),
    ),
    "structure": Topic(
        "Structure",
        "Why does flattening lose structure?",
        "A dense layer takes all pixels as one long list. Put them in any other order, the same for every image, and "
        "it learns just as well: it never knew which pixels are neighbours. A convolution looks at neighbours, so that "
        "the left image is worth more to it than the right one, although both hold the very same numbers.",
        figure="order",
        systems=("C1", "C2"),
        look="C1 flattens the fashion images at once, C2 looks with convolutions first. Compare their best "
        "validation accuracies; the tutorial reported 0.880 (training) and 0.916.",
    ),
    "pooling": Topic(
        "Pooling",
        "What does pooling buy?",
        "Max pooling keeps the largest of four neighbours. Three quarters of the numbers go, and with them the exact "
        "place: when the image moves by a pixel, most of what is kept stays where it was. So a model needn't "
        "learn each thing at each place anew.",
        figure="pool",
        systems=("C1", "C2"),
        look="How much do shifts of the image cost a model with convolution and pooling (C2), and one with neither "
        "(C1)? One pooling forgives a pixel or two; the curve says when it no longer does.",
        moved=True,
        links=(Link("augment", "Is my model robust to a shift?", "swap_horiz", "", (("policy", "light"),)),),
    ),
    "overfitting": Topic(
        "Overfitting",
        "When do the curves part, and why?",
        "A large model can overfit, that is, learn 2,000 images by heart: training accuracy goes to 1, but on images "
        "that it never saw it stops getting better. **Validation** tells; where its curve leaves that of training, "
        "overfitting has begun. cnnviz keeps the model of the best epoch, not the last.",
        figure="curves",
        systems=("D2",),
        curve="D2",
        look="D2 has 3.5 million weights for 2,000 images. The shaded stretch is where the curves part.",
        links=(Link("runs", "Which images does it get wrong?", "troubleshoot", "D2"),),
    ),
    "augmentation": Topic(
        "Augmentation",
        "What does augmentation buy?",
        "A cat that is turned a little is still a cat. If every epoch shows each image a little differently, there is "
        "nothing to learn by heart: without (D2) training accuracy runs ahead to 1 while validation stands still; with "
        "it and dropout (D3) both rise together, for longer and higher.",
        figure="draws",
        systems=("D2", "D3"),
        curve="D3",
        look="D3 is D2 with dropout and augmentation. Its curves stay together.",
        links=(Link("augment", "Adjust the steps on your own image", "auto_awesome_motion", "", (("policy", "D3"),)),),
    ),
    "transfer": Topic(
        "Transfer",
        "What does a trained model bring along?",
        "Edges, textures and parts of things are the same in all images. A model that learned 1.2 million of them "
        "needs only a new last layer for cats and dogs: 1,281 weights instead of millions. On **cached features** (M4) "
        "that takes seconds, **in the model** (M5) it works with augmentation, and **fine-tuned** (M6) the last layers "
        "adapt too.",
        figure="kernels",
        systems=("D2", "D3", "M4", "M5", "M6"),
        look="The tutorial reported 0.904, 0.900 and 0.920 for the three ways on VGG16.",
        links=(Link("train", "Train M4: it takes less than a minute", "bolt", "", (("preset", "M4"),)),),
    ),
    "learning-rate": Topic(
        "Learning rate",
        "What does the learning rate do?",
        "Each batch says in which direction the weights should go; the **learning rate** says how far. One model, one "
        "seed, three rates.",
        figure="rates",
        links=(Link("train", "Choose a rate and a schedule", "tune", "", (("preset", "Q"),)),),
    ),
    "images": Topic(
        "Images",
        "How many images are enough?",
        "More images help less and less. Features that a model learned from other images are worth many of your own: "
        "that is **transfer learning**.",
        figure="amount",
        links=(Link("train", "Train on a part of the images", "tune", "", (("preset", "Q"),)),),
    ),
    "clue": Topic(
        "Clue",
        "Which clue did it take?",
        "A model takes whatever tells the classes apart, the ward's stamp on an X-ray as gladly as the bone: a "
        "**shortcut**. Here a white mark gives one digit away. Validation images carry it too: accuracy is silent.",
        figure="mark",
        links=(Link("predict", "Look where your model looks", "rule", "P", (("sample", "chelsea"),)),),
    ),
    "accuracy": Topic(
        "Accuracy",
        "What does an accuracy hide?",
        "Nine of ten right sounds well, until the tenth is always of one class. The **confusion matrix** says what is "
        "taken for what; **calibration** says whether 90 % sure means right nine times of ten. And the most confident "
        "mistakes are where to look first: often the label is wrong, not the model.",
        figure="calibration",
        links=(Link("runs", "Open a run's report", "lab_profile", "P"),),
    ),
    "why": Topic(
        "Reasons",
        "May I believe a heat map?",
        "Grad-CAM lays over the image where the evidence for a prediction came from. It looks convincing even when "
        "it is wrong. So cnnviz measures it: take away what it marks and the prediction must fall faster than with "
        "random maps; put the weights in random order and it must change.",
        figure="maps",
        links=(Link("predict", "Explain an image and measure the map", "rule", "P", (("sample", "chelsea"),)),),
    ),
}
"""By the names that stand in the address."""
