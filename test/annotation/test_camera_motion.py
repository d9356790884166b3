"""Laws of the one rule that tells a moved camera from a scene that changed."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.annotation_scenes import LOG, OTHER, noisy, plain_table
from helpers.ros_scenes import box_frame

from grasp_affordance.annotation.change.camera_motion import camera_motion
from grasp_affordance.annotation.change.difference import (
    DifferenceConfig,
    depth_change,
)
from grasp_affordance.annotation.pair import AnnotationConfig, annotate_pair
from grasp_affordance.annotation.recording.recorder import (
    Reason,
    RecorderConfig,
    RecorderState,
    consider,
)
from grasp_affordance.annotation.result import Reason as AnnotationReason
from grasp_affordance.rgbd import RgbdFrame


def shifted(view: RgbdFrame, pixels: int) -> RgbdFrame:
    color, depth = np.roll(view.color, pixels, axis=1), np.roll(view.depth, pixels, axis=1)
    return replace(view, color=color, depth=depth)


def motion(before: RgbdFrame, after: RgbdFrame) -> float | None:
    limits = DifferenceConfig()
    change = depth_change(before.depth, after.depth, limits)
    return camera_motion(before, after, change)


def evaluated(before: RgbdFrame, after: RgbdFrame) -> Reason:
    """Return what the recorder says of a second frame."""
    state, first = consider(RecorderState(), before, before.stamp_ns, RecorderConfig(), asked=True)
    assert first.keep
    return consider(state, after, after.stamp_ns, RecorderConfig(), asked=True)[1].reason


@pytest.mark.parametrize("seed", range(5))
def test_a_bottle_taken_from_a_plain_table_has_not_moved_the_camera(seed: int) -> None:
    before, after = plain_table(True, seed), plain_table(False, seed + 10)
    assert motion(before, after) is None
    assert evaluated(before, after) is Reason.ASKED
    ending = annotate_pair(before, after, AnnotationConfig()).pair_result
    assert ending.reason is not AnnotationReason.CAMERA_MOVED


@pytest.mark.parametrize("pixels", [2, 4, 8, 24])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (noisy(LOG, OTHER), noisy(OTHER, seed=3)),
        (plain_table(True, 0), plain_table(True, 1)),
    ],
    ids=["one object left", "nothing left"],
)
def test_recorder_and_annotation_both_name_a_moved_camera(
    before: RgbdFrame, after: RgbdFrame, pixels: int
) -> None:
    moved = shifted(after, pixels)
    assert motion(before, moved) == pytest.approx(pixels, abs=0.1)
    assert evaluated(before, moved) is Reason.CAMERA_MOVED
    ending = annotate_pair(before, moved, AnnotationConfig()).pair_result
    assert ending.reason is AnnotationReason.CAMERA_MOVED


def test_a_camera_that_stands_still_moves_by_nothing() -> None:
    assert motion(noisy(LOG, OTHER), noisy(OTHER, seed=3)) == pytest.approx(0.0, abs=0.1)


def test_one_of_many_objects_alike_that_is_gone_has_not_moved_the_camera() -> None:
    found = motion(box_frame(2), box_frame(1))
    assert found is None or found < 1.0
