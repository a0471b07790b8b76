"""The explanation metrics' measurements of one map: pixels taken away and shown, layers randomized."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import streamlit as st

from cnnviz.augment.preview import image_bytes
from cnnviz.explain.attribution.registry import METHODS
from cnnviz.explain.metrics.deletion_insertion import DeletionInsertion
from cnnviz.explain.metrics.parameter_randomization import ParameterRandomization
from cnnviz.explain.metrics.pointing_game import Pointing
from cnnviz.explain.metrics.verdicts import (
    KEPT,
    Verdict,
    deletion_insertion_verdict,
    parameter_randomization_verdict,
    trust_verdict,
)
from cnnviz.figures.style import CONFIG
from cnnviz.images import enlarge, with_channels
from cnnviz.overlay import overlay
from cnnviz.ui.markdown import plain
from cnnviz.ui.predict.metrics_job import (
    SECONDS,
    Case,
    measure_deletion_insertion,
    measure_parameter_randomization,
    peers,
)
from cnnviz.ui.session import background_job

__all__ = [
    "LEVELS",
    "PARTS",
    "Findings",
    "deletion_insertion_part",
    "draw_verdict",
    "measured_part",
    "parameter_randomization_part",
]

PARTS = ("faithful", "randomized", "pointing")
STOPPED = "It was stopped before there was anything to show."
_SIDE = 160  # of the images under the bars, in pixels at least


@dataclass(eq=False)
class Findings:
    """What is known of a case: a result for each part, or the sentence why there is none.

    `beside` is the method that the curves were compared with, `wanted` are the parts that were asked for by a button,
    `methods` those that are being measured on the test split, and `objects` what that found in this session. `quick`
    are the curves that were measured unasked, where that was `tried` and didn't take long.
    """

    results: dict[str, Any] = field(default_factory=dict)
    beside: str = ""
    wanted: set[str] = field(default_factory=set)
    methods: tuple[str, ...] = ()
    objects: dict[str, Pointing] = field(default_factory=dict)
    quick: DeletionInsertion | None = None
    tried: bool = False

    def again(self, part: str) -> None:
        """Forgets a part's result and asks for it anew."""
        self.results.pop(part, None)
        self.wanted.add(part)

    def trust(self, subject: str) -> Verdict | None:
        """What is known so far of the map for the class `subject` comes to; `None` where nothing was measured."""
        curves, changed = self.results.get("faithful"), self.results.get("randomized")
        curves = curves if isinstance(curves, DeletionInsertion) else self.quick
        return trust_verdict(
            deletion_insertion_verdict(curves, subject) if curves is not None else None,
            parameter_randomization_verdict(changed) if isinstance(changed, ParameterRandomization) else None,
        )

    @property
    def stopped(self) -> bool:
        """Whether the curves were stopped, so that nothing should begin by itself."""
        made = self.results.get("faithful")
        return made == STOPPED or getattr(made, "ended", "") == "stop"


def measured_part(found: Findings, part: str, work: Callable[..., Any], what: str, key: str, *, begin: bool) -> Any:
    """Returns a part's result once it is there; begins the work where it is to, and shows a bar or what went wrong."""
    name = f"{key}_{part}"
    if (done := background_job.run_job(name, work, what, begin=begin and part not in found.results)) is not None:
        found.results[part] = done.result if done.result is not None else done.message or STOPPED
    result = found.results.get(part)
    if isinstance(result, str):
        st.warning(plain(result), icon=":material/warning:")
    if isinstance(result, str) or bool(getattr(result, "ended", "")):
        st.button(
            "Measure again",
            icon=":material/refresh:",
            key=f"{name}_again",
            on_click=found.again,
            args=(part,),
            help="Does this measurement anew from its beginning.",
        )
    return None if isinstance(result, str) else result


LEVELS = {
    "holds": ("green", ":material/verified:", "Map holds"),
    "doubtful": ("orange", ":material/warning:", "Map doubtful"),
    "unclear": ("gray", ":material/help:", "Map: can't tell"),
}
"""Each level's colour, icon and words."""


def draw_verdict(verdict: Verdict) -> None:
    """Draws a verdict, and what limits it."""
    colour, icon, _ = LEVELS[verdict.level]
    st.markdown(f":{colour}[{icon}] **{plain(verdict.message)}**")
    for note in verdict.notes:
        st.caption(plain(note))


def deletion_insertion_part(case: Case, found: Findings, key: str) -> None:
    """Draws the deletion and insertion curves; they are begun at once."""
    offered = peers(case)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width="stretch"):
            st.subheader("Does it mark what the model uses?", anchor=False)
        beside = st.selectbox(
            "Beside it",
            ["", *offered],
            index=1 if offered else 0,
            width=220,
            key=f"{key}_beside",
            format_func=lambda name: METHODS[name].title if name else "No other method",
            help="Another method's map of the same class, measured in the same way.",
        )
    st.caption(
        "The map's strongest pixels go, or come, first: a good curve falls, or rises, early.",
        help=f"What is followed is the probability of {plain(case.subject)}: little area on the left is good, much on "
        "the right. Random maps have blobs as large, but elsewhere. Petsiuk et al. 2018, arXiv:1806.07421.",
    )
    if found.beside != beside:
        found.beside = beside
        found.results.pop("faithful", None)
        background_job.drop_job(f"{key}_faithful")
    made: DeletionInsertion | None = measured_part(
        found, "faithful", partial(measure_deletion_insertion, case, beside), "Predicting", key, begin=True
    )
    if made is None:
        return
    from cnnviz.figures.explanation_metrics import removal_curves  # brings Plotly

    draw_verdict(deletion_insertion_verdict(made, case.subject))
    fractions, mean = next(iter(made.curves.values())).fractions, made.random_mean
    axes = {"deletion": "Pixels taken away, down to the mean colour", "insertion": "Pixels shown, over a blurred image"}
    for position, (kind, axis) in zip(st.columns(2), axes.items(), strict=True):
        area = f"{kind}_area"
        position.plotly_chart(
            removal_curves(
                fractions,
                {name: (getattr(one, kind), getattr(one, area)) for name, one in made.curves.items()},
                [getattr(one, kind) for one in made.random],
                random_area=getattr(mean, area) if mean else None,
                axis=axis,
            ),
            config=CONFIG,
            key=f"{key}_{kind}",
            alt=f"Probability of {case.subject} by the fraction of pixels. {axis}.",
        )


def parameter_randomization_part(case: Case, found: Findings, key: str, colour_map: str) -> None:
    """Draws what becomes of the map while layers are randomized; it is begun once the curves are there."""
    st.subheader("Does it depend on what was learned?", anchor=False)
    st.caption(
        "Layer upon layer loses its weights: a map that stays as it is doesn't come from them.",
        help="On a copy of the model, from the top down, weights are put in random order and the map is made anew. "
        "Adebayo et al. 2018, arXiv:1810.03292.",
    )
    begin = "randomized" in found.wanted or ("faithful" in found.results and not found.stopped)
    if not begin and not found.results.get("faithful"):
        st.caption("This follows when the curves are there.")
    elif not begin:
        st.button(
            "Randomise layers",
            icon=":material/shuffle:",
            key=f"{key}_randomise",
            on_click=found.again,
            args=("randomized",),
            help=f"Takes {SECONDS['randomized']:.0f} seconds at most.",
        )
    made: ParameterRandomization | None = measured_part(
        found, "randomized", partial(measure_parameter_randomization, case), "Copying the model", key, begin=begin
    )
    if made is None:
        return
    from cnnviz.figures.explanation_metrics import cascade_bars

    draw_verdict(parameter_randomization_verdict(made))
    names = [" … ".join(dict.fromkeys((stage.layers[0], stage.layers[-1]))) for stage in made.stages]
    maps = [made.original, *(stage.map for stage in made.stages)]
    base = enlarge(with_channels(case.image, 3), -(-_SIDE // max(case.image.shape[:2])))
    by_strength = METHODS[case.explanation.method].by_strength
    st.plotly_chart(
        cascade_bars(
            [("as learned", [1.0]), *zip(names, (stage.correlations for stage in made.stages), strict=True)],
            [image_bytes(overlay(base, map_, 0.6, colour_map, by_strength=by_strength)) for map_ in maps],
            alike=KEPT,
        ),
        config=CONFIG,
        key=f"{key}_cascade",
        alt="Rank correlation of the map with the original one as more layers are randomized, with the maps",
    )
    draws = max(len(stage.correlations) for stage in made.stages)
    st.caption(
        f"Structural similarity (SSIM) at the end: {made.stages[-1].structure:.2f}. Dotted: alike from {KEPT} on.",
        help=f"Every layer is randomized together with those left of it. Bars are the mean of {draws} draws, which are "
        "the dots. Maps are the first draw's, each scaled to its own greatest value; an empty one counts as 0.",
    )
