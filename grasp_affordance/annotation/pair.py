"""Annotation of one pair of frames: from two views to a result, a mask and rectangles."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.departure import DepartureConfig, Departures, departures
from grasp_affordance.annotation.change.region import ChangeRegion
from grasp_affordance.annotation.change.scene_change import (
    SceneChange,
    SceneChangeConfig,
    scene_change,
)
from grasp_affordance.annotation.gates import (
    GateConfig,
    check_departure,
    check_frames,
    check_region,
    check_view,
)
from grasp_affordance.annotation.rectangles import ProposalConfig, Proposals, propose
from grasp_affordance.annotation.result import ANNOTATED, PairResult, Reason, Status, rejected
from grasp_affordance.rectangle import GraspRectangle, JawConfig
from grasp_affordance.rgbd import RgbdFrame


@dataclass(frozen=True)
class AnnotationConfig:
    """Everything that annotation can be told.

    Attributes:
        change: how regions are formed.
        departure: how a departure is told from a movement.
        gates: when a pair is not used.
        proposals: how many rectangles, and where.
        jaw: the parallel gripper.
    """

    change: SceneChangeConfig = field(default_factory=SceneChangeConfig)
    departure: DepartureConfig = field(default_factory=DepartureConfig)
    gates: GateConfig = field(default_factory=GateConfig)
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    jaw: JawConfig = field(default_factory=JawConfig)


@dataclass(frozen=True, eq=False)
class PairAnnotation:
    """What two consecutive frames say.

    Attributes:
        result: how the pair ended.
        region: the object that left, in the first frame; None unless annotated.
        rectangles: its grasps, nearest to the centre of mass first; empty unless annotated.
        regions: all that left, by volume, largest first, also of a rejected pair.
        change: the measurement; None where the frames cannot be compared.
    """

    pair_result: PairResult
    region: ChangeRegion | None = None
    rectangles: tuple[GraspRectangle, ...] = ()
    regions: tuple[ChangeRegion, ...] = ()
    change: SceneChange | None = None

    @property
    def annotated(self) -> bool:
        """Whether there is a label to use."""
        return self.pair_result.status is Status.ANNOTATED


def annotate_pair(
    before: RgbdFrame,
    after: RgbdFrame,
    config: AnnotationConfig,
    polygon: NDArray[np.generic] | None = None,
) -> PairAnnotation:
    """Label what was removed between two frames of a static camera.

    Bad input ends as a result with a named reason, never as an exception. Changes outside
    `polygon` (N, 2), pixels (u, v), are ignored.
    """
    incomparable = check_frames(before, after, config.gates)
    if incomparable is not None:
        return PairAnnotation(incomparable)
    change = scene_change(before, after, config.change, polygon)
    return annotate_change(before, after, change, config)


def annotate_change(
    before: RgbdFrame, after: RgbdFrame, change: SceneChange, config: AnnotationConfig
) -> PairAnnotation:
    """Label what was removed where the change between two comparable frames is measured already."""
    found = departures(change, config.departure)
    pair_result = check_view(before, after, change, config.gates)
    pair_result = pair_result or check_departure(found, config.gates)
    pair_result = pair_result or check_region(found.left[0], change, before, config.gates)
    if pair_result is not None:
        return PairAnnotation(pair_result, regions=found.left, change=change)
    return _label(before, change, found, config)


def _label(
    before: RgbdFrame, change: SceneChange, found: Departures, config: AnnotationConfig
) -> PairAnnotation:
    region = found.left[0]
    grasps = propose(region.mask, before.depth, before.intrinsics, config.jaw, config.proposals)
    if grasps.fitting:
        return PairAnnotation(ANNOTATED, region, grasps.fitting, found.left, change)
    return PairAnnotation(_no_grasp(grasps, config.jaw), regions=found.left, change=change)


def _no_grasp(grasps: Proposals, jaw: JawConfig) -> PairResult:
    if grasps.too_wide:
        return rejected(
            Reason.TOO_WIDE, f"wider everywhere than the gripper's {jaw.maximum_opening} m"
        )
    return rejected(Reason.NO_RECTANGLE, "no chord across the mask fits the gripper")
