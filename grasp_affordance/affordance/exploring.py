"""Suction points that are tried in order to learn, not because they are the best."""

from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.candidates import select
from grasp_affordance.affordance.network.novelty import STRANGE
from grasp_affordance.affordance.predictor import Prediction, select_of
from grasp_affordance.arrays import Image
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Selection, Source

_SEALS = 0.25  # of the seal prior: half of what it gives the middle of a cylinder


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


def explore(prediction: Prediction, rng: np.random.Generator) -> Selection:
    """Return places on the objects of a view, at random (Algorithm 1 of the suction paper).

    They keep away from what `prediction` keeps away from (walls, recent failures, the prior's own
    limits), however unlikely they are; their probability is the one that `prediction` gives them,
    so that it stays a prediction that outcomes can be held against.
    """
    limits = replace(prediction.limits, min_probability=0.0, smoothing=0.0)
    cells = rng.random(prediction.scene.surface.shape, dtype=np.float32)
    chosen = select(cells, prediction.scene, Source.EXPLORATION, limits)
    return _as_predicted(chosen, prediction)


def novel(frame: RgbdFrame, prediction: Prediction, model: object) -> Selection:
    """Return points least like all that was tried, of the places where the cup would seal.

    A robot that has seen an object fall off when it was lifted by its middle gives the whole object
    a low probability: what it learned of the middle is all it knows of the rest. No probability,
    and no disagreement between members that learned from the same attempts, leads to where nobody
    has tried; novelty does.

    Args:
        prediction: of this frame.
        model: behind it.

    Returns:
        No points where nothing is strange, and for a model that does not know what was tried.
        Probabilities are those of `prediction`, as in `explore`.
    """
    scene = prediction.scene
    if not prediction.allowed.any() or not isinstance(model, Remembers):
        return Selection((), {})
    strange = model.novelty(frame, prediction.allowed, up=scene.region.up)
    seals = prediction.prior > _SEALS
    scores = np.where(seals & (strange > STRANGE), strange / (strange + STRANGE), np.float32(0))
    limits = replace(prediction.limits, min_probability=0.0)
    chosen = select_of(scores, scene, Source.NOVELTY, limits)
    return _as_predicted(chosen, prediction)


def _as_predicted(chosen: Selection, prediction: Prediction) -> Selection:
    """Return points with the probabilities that `prediction` gives them."""
    points = tuple(
        replace(point, probability=float(prediction.affordance[point.v, point.u]))
        for point in chosen.points
    )
    return Selection(points, chosen.rejections)
