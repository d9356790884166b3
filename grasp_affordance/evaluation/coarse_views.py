"""Simulated views labelled as a person would in a hurry, for the suction paper's pretraining.

Somebody looks at the bin and marks, on each object that lies free, the inner part; the hand slips
by a few pixels. What the material is, where the weight lies, what the cup can do, nobody can see.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import PredictorConfig, look
from grasp_affordance.evaluation.sim_pile import stacks_of
from grasp_affordance.papers.suction.pretraining import CoarseView
from grasp_affordance.sim import SimCell, SimConfig

_VIEWS = 0xC0A5  # tells their piles from those of learning and evaluation


@dataclass(frozen=True)
class HandConfig:
    """How carefully is marked.

    Attributes:
        margin: left unmarked at the edge of an object, as a share of its half width.
        slip: standard deviation of where the mark lies, pixels.
        smallest: pixels of a visible part below which it is overlooked.
        fewest, most: objects in the bin.
    """

    margin: float = 0.3
    slip: float = 3.0
    smallest: int = 300
    fewest: int = 4
    most: int = 20


def coarse_views(
    count: int, scene: str, base: SimConfig, hand: HandConfig | None = None
) -> list[CoarseView]:
    """Build piles, look at them, and mark them.

    Args:
        count: of views, each of another pile.
        scene: as in `evaluate`; its stack types take turns.
        base: of the cell, whose seed decides everything.
    """
    hand = hand or HandConfig()
    types = stacks_of(scene)
    predictor = PredictorConfig(cup=base.cup)
    views = []
    for number in range(count):
        rng = np.random.default_rng([base.seed, number, _VIEWS])
        objects = int(rng.integers(hand.fewest, hand.most + 1))
        config = replace(base, scene=types[number % len(types)], objects=objects)
        with SimCell(config) as cell:
            cell.reset(rng)
            frame = cell.camera.read()
            known = BinView(cell.camera.pose(), cell.bin)
            free = [thing.object_id for thing in cell.oracle.objects() if not thing.under]
            good = marked(cell.oracle.true_masks(), free, rng, hand)
        views.append(CoarseView(frame, good, look(frame, predictor, known).allowed))
    return views


def marked(
    ids: NDArray[np.int32], free: list[int], rng: np.random.Generator, hand: HandConfig
) -> NDArray[np.bool_]:
    """Return the pixels (H, W) that a hurried person marks.

    Args:
        ids: (H, W) object of every pixel.
        free: objects on which nothing lies.
    """
    good = np.zeros(ids.shape, np.bool_)
    for object_id in free:
        mask = (ids == object_id).astype(np.uint8)
        if mask.sum() < hand.smallest:
            continue
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
        inner = (depth > hand.margin * depth.max()).astype(np.uint8)
        du, dv = rng.normal(0.0, hand.slip, 2)
        shift = np.array([[1, 0, du], [0, 1, dv]], np.float64)
        size = (ids.shape[1], ids.shape[0])
        good |= cv2.warpAffine(inner, shift, size, flags=cv2.INTER_NEAREST).astype(np.bool_)
    return good
