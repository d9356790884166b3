"""The acquisition protocol: when a static camera's frame is worth keeping (section 3.1).

One frame after each removal. The decision is a function of a small immutable state, so that a node,
an offline command and a test make the same ones.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import cv2
import numpy as np

from grasp_affordance.annotation.change.camera_motion import camera_motion
from grasp_affordance.annotation.change.difference import (
    DepthChange,
    DifferenceConfig,
    Mask,
    depth_change,
)
from grasp_affordance.annotation.change.refinement import disc
from grasp_affordance.errors import ConfigError
from grasp_affordance.rgbd import RgbdFrame, not_of_now


@dataclass(frozen=True)
class RecorderConfig:
    """When a frame is kept.

    Attributes:
        difference: when a pixel counts as changed.
        rest: the scene has to be still for so long, seconds.
        still: largest share of pixels that change between frames of a still scene.
        changed: least share of pixels that differ from the last kept frame.
        too_much: largest share; more is no single removal.
        camera_motion: largest motion of the unchanged part of the image, pixels.
        intruder: share of pixels that something entering over the image border covers, from which
            it is a hand or an arm.
        intruder_height: it is nearer to the camera than the scene by this much, metres.
        maximum_age: of a frame when it is evaluated, seconds.
        known: least share of pixels with depth.
    """

    difference: DifferenceConfig = field(default_factory=DifferenceConfig)
    rest: float = 0.5
    still: float = 0.001
    changed: float = 0.001
    too_much: float = 0.4
    camera_motion: float = 1.0
    intruder: float = 0.005
    intruder_height: float = 0.02
    maximum_age: float = 1.0
    known: float = 0.25

    def __post_init__(self) -> None:
        if min(self.rest, self.still, self.camera_motion, self.intruder_height) < 0:
            raise ConfigError("recorder: a limit is negative")
        if not 0 < self.changed < self.too_much <= 1:
            raise ConfigError("recorder: 0 < changed < too_much <= 1 does not hold")
        if self.maximum_age <= 0:
            raise ConfigError("recorder: maximum_age must be positive seconds")


class Reason(StrEnum):
    """Why a frame was kept or not."""

    FIRST = "first"  # kept: the scene before any removal
    CHANGED = "changed"  # kept: at rest again, and something changed
    ASKED = "asked"  # kept: a service call or a key
    # not yet
    MOVING = "moving"
    RESTING = "resting"  # still, but not for long enough
    INTRUDER = "intruder"  # a hand or an arm is in view
    UNCHANGED = "unchanged"
    # refused
    CAMERA_MOVED = "camera_moved"
    STALE_FRAME = "stale_frame"  # its stamp is not of now
    STALE_DEPTH = "stale_depth"  # depth repeats itself
    TOO_MUCH_CHANGED = "too_much_changed"
    NO_DEPTH = "no_depth"
    DIFFERENT_CAMERA = "different_camera"


REFUSALS = frozenset(
    {
        Reason.CAMERA_MOVED,
        Reason.STALE_FRAME,
        Reason.STALE_DEPTH,
        Reason.TOO_MUCH_CHANGED,
        Reason.NO_DEPTH,
        Reason.DIFFERENT_CAMERA,
    }
)


@dataclass(frozen=True)
class RecordDecision:
    """What to do with a frame.

    Attributes:
        keep: whether to write it.
        reason: why or why not.
        detail: the measured facts, one sentence.
    """

    keep: bool
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, eq=False)
class RecorderState:
    """What the recorder remembers.

    Attributes:
        kept: the last kept frame; None before the first.
        previous: the last frame seen.
        still_since_ns: stamp since which the scene is still; None while it moves.
    """

    kept: RgbdFrame | None = None
    previous: RgbdFrame | None = None
    still_since_ns: int | None = None


def consider(
    state: RecorderState,
    frame: RgbdFrame,
    now_ns: int,
    config: RecorderConfig,
    asked: bool = False,
) -> tuple[RecorderState, RecordDecision]:
    """Decide on a frame; return the new state and the decision.

    Args:
        state: as the last call returned it.
        frame: the newest.
        now_ns: the time, in the clock of the frames' stamps.
        config: limits.
        asked: a person or a program wants this frame. It need not wait for rest or a change, but it
            is refused for the same reasons.
    """
    refusal = _refuse_frame(state, frame, now_ns, config)
    if refusal is not None:
        return state, refusal
    since = _still_since(state, frame, config)
    seen = replace(state, previous=frame, still_since_ns=since)
    if state.kept is None and asked:
        return replace(seen, kept=frame), RecordDecision(True, Reason.ASKED)
    if not asked:
        waiting = _wait_for_rest(since, frame, config)
        if waiting is not None:
            return seen, waiting
    if state.kept is None:
        return replace(seen, kept=frame), RecordDecision(True, Reason.FIRST)
    decision = _compare(state.kept, frame, config, asked)
    return (replace(seen, kept=frame) if decision.keep else seen), decision


def _refuse_frame(
    state: RecorderState, frame: RgbdFrame, now_ns: int, config: RecorderConfig
) -> RecordDecision | None:
    if penalty := not_of_now(frame.stamp_ns, now_ns, config.maximum_age):
        return RecordDecision(False, Reason.STALE_FRAME, f"the frame is {penalty}")
    share = float(frame.known.mean())
    if share < config.known:
        return RecordDecision(False, Reason.NO_DEPTH, f"{share:.0%} of the depth is known")
    previous = state.previous
    if previous is None:
        return None
    if frame.intrinsics != previous.intrinsics or frame.frame_id != previous.frame_id:
        return RecordDecision(False, Reason.DIFFERENT_CAMERA, "the camera's calibration changed")
    repeated = np.array_equal(frame.depth, previous.depth, equal_nan=True)
    if repeated and not np.array_equal(frame.color, previous.color):
        return RecordDecision(False, Reason.STALE_DEPTH, "color goes on but depth repeats itself")
    return None


def _still_since(state: RecorderState, frame: RgbdFrame, config: RecorderConfig) -> int | None:
    if state.previous is None or frame.stamp_ns < state.previous.stamp_ns:
        return frame.stamp_ns  # the clock went back: rest is measured anew
    grown, shrunk = _changes(_depth_change(state.previous, frame, config), config)
    if float((grown | shrunk).mean()) > config.still:
        return None
    return state.still_since_ns if state.still_since_ns is not None else frame.stamp_ns


def _wait_for_rest(
    since: int | None, frame: RgbdFrame, config: RecorderConfig
) -> RecordDecision | None:
    if since is None:
        return RecordDecision(False, Reason.MOVING)
    rested = (frame.stamp_ns - since) * 1e-9
    if rested < config.rest:
        return RecordDecision(False, Reason.RESTING, f"still for {rested:.2f} s")
    return None


def _compare(
    kept: RgbdFrame, frame: RgbdFrame, config: RecorderConfig, asked: bool
) -> RecordDecision:
    """Evaluate a frame at rest against the last kept one."""
    change = _depth_change(kept, frame, config)
    grown, shrunk = _changes(change, config)
    share = float((grown | shrunk).mean())
    motion = camera_motion(kept, frame, change)
    if motion is not None and motion > config.camera_motion:
        return RecordDecision(False, Reason.CAMERA_MOVED, f"the view moved {motion:.1f} pixels")
    covered = _intruding_share(shrunk, kept, frame, config)
    if covered > config.intruder:
        return RecordDecision(False, Reason.INTRUDER, f"{covered:.1%} of the view is covered")
    if share > config.too_much:
        return RecordDecision(False, Reason.TOO_MUCH_CHANGED, f"{share:.0%} of the view changed")
    if asked:
        return RecordDecision(True, Reason.ASKED, f"{share:.1%} of the view changed")
    if share < config.changed:
        return RecordDecision(False, Reason.UNCHANGED, f"{share:.2%} of the view changed")
    return RecordDecision(True, Reason.CHANGED, f"{share:.1%} of the view changed")


def _depth_change(first: RgbdFrame, second: RgbdFrame, config: RecorderConfig) -> DepthChange:
    return depth_change(first.depth, second.depth, config.difference)


def _changes(change: DepthChange, config: RecorderConfig) -> tuple[Mask, Mask]:
    """Return where depth grew and where it shrank, without specks, each (H, W)."""
    opened = [
        cv2.morphologyEx(
            change.beyond(config.difference.strong, sign).astype(np.uint8), cv2.MORPH_OPEN, disc(3)
        ).astype(bool)
        for sign in (1, -1)
    ]
    return opened[0], opened[1]


def _intruding_share(
    shrunk: Mask, kept: RgbdFrame, frame: RgbdFrame, config: RecorderConfig
) -> float:
    """Share of the view covered by something near that reaches in over the image border.

    Arms are often too near or too dark for the sensor: pixels that lost their depth count with the
    intruder that they touch.
    """
    with np.errstate(invalid="ignore"):
        near = shrunk & (kept.depth - frame.depth > config.intruder_height)
    lost = kept.known & ~frame.known
    body = cv2.morphologyEx((near | lost).astype(np.uint8), cv2.MORPH_OPEN, disc(5))
    count, labels = cv2.connectedComponents(body)
    share = 0.0
    for label in range(1, count):
        segment = labels == label
        edges = (segment[0], segment[-1], segment[:, 0], segment[:, -1])
        if any(edge.any() for edge in edges) and (segment & near).any():
            share += float(segment.mean())
    return share
