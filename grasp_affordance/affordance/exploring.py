"""Suction points that are tried in order to learn, not because they are the best."""

from dataclasses import replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.candidates import CandidateConfig, select
from grasp_affordance.affordance.network.novelty import STRANGE
from grasp_affordance.affordance.predictor import Prediction, select_of
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Selection, Source

Image = NDArray[np.float32]

_SEALS = 0.25  # of the seal prior: half of what it gives the middle of a cylinder


class Exploration(StrEnum):
    """How a place to learn from is chosen."""

    RANDOM = "random"  # any place on an object (Algorithm 1 of the suction paper)
    MEMBER = "member"  # the best in the eyes of one member of the ensemble (Thompson sampling)


@runtime_checkable
class Ensemble(Protocol):
    """A model whose members disagree where little is known."""

    @property
    def members(self) -> int:
        """Return how many there are."""

    def predict_member(
        self,
        member: int,
        frame: RgbdFrame,
        region: NDArray[np.bool_] | None = None,
        *,
        up: NDArray[np.float64] | None = None,
        prior: Image | None = None,
    ) -> Image:
        """Return what one member predicts, as `predict` does for their mean."""


@runtime_checkable
class Remembers(Protocol):
    """A model that knows which places it has learned from."""

    def novelty(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_],
        *,
        up: NDArray[np.float64] | None = None,
    ) -> Image:
        """Return how little places are like those (H, W), in spreads of their features."""


def explore(
    frame: RgbdFrame,
    prediction: Prediction,
    model: object,
    kind: Exploration,
    rng: np.random.Generator,
    config: CandidateConfig | None = None,
) -> Selection:
    """Return exploratory points of a view that was evaluated.

    They keep away from what `prediction` keeps away from (edges, walls, recent failures), however
    unlikely they are; their probability is the one that `prediction` gives them, so that it stays a
    prediction that outcomes can be held against.

    Args:
        prediction: of this frame.
        model: behind it; MEMBER asks one of its members, and is RANDOM for a model without any.
        rng: of the choice.
        config: which points may be offered; its threshold is not applied.
    """
    config = replace(config or CandidateConfig(), min_probability=0.0)
    scene = prediction.scene
    if kind is Exploration.MEMBER and isinstance(model, Ensemble) and not scene.region.empty:
        scores = model.predict_member(
            int(rng.integers(model.members)),
            frame,
            prediction.allowed,
            up=scene.region.up,
            prior=scene.surface.to_image(scene.seal.score),
        )
        chosen = select_of(scores, scene, Source.EXPLORATION, config)
    else:
        cells = rng.random(scene.surface.shape, dtype=np.float32)
        chosen = select(cells, scene, Source.EXPLORATION, replace(config, smoothing=0.0))
    return _as_predicted(chosen, prediction)


def novel(
    frame: RgbdFrame, prediction: Prediction, model: object, config: CandidateConfig
) -> Selection:
    """Return points least like all that was tried, of the places where the cup would seal.

    Who has seen an object fall off when it was lifted by its middle holds the whole object for
    unlikely to succeed: what it learned of the middle is all it knows of the rest. No probability,
        and no
    disagreement between members that learned from the same attempts, leads to where nobody has
    tried; that it is strange does.

    Returns:
        No points where nothing is strange, and for a model that does not know what was tried.
        Probabilities are those of `prediction`, as in `explore`.

    Args:
        prediction: of this frame.
        model: behind it.
        config: which points may be offered; its threshold is not applied.
    """
    scene = prediction.scene
    if not prediction.allowed.any() or not isinstance(model, Remembers):
        return Selection((), {})
    strange = model.novelty(frame, prediction.allowed, up=scene.region.up)
    seals = scene.surface.to_image(scene.seal.score) > _SEALS
    scores = np.where(seals & (strange > STRANGE), strange / (strange + STRANGE), np.float32(0))
    chosen = select_of(scores, scene, Source.NOVELTY, replace(config, min_probability=0.0))
    return _as_predicted(chosen, prediction)


def _as_predicted(chosen: Selection, prediction: Prediction) -> Selection:
    """Return points with the probabilities that `prediction` gives them."""
    points = tuple(
        replace(point, probability=float(prediction.affordance[point.v, point.u]))
        for point in chosen.points
    )
    return Selection(points, chosen.rejections)
