"""What the removals of a sequence say about each of its frames.

A pair of frames labels one object: the one removed between them. The sequence says more. An object
that is removed later was there already, and if neither it moved nor anything lay upon it, its
rectangles hold in the earlier frame too. If something did lie upon it, it could not be grasped
freely, and is a true negative. Of everything else that never left, only what is known to be the
empty bin is a negative; the rest is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from grasp_affordance.annotation.change.difference import DifferenceConfig, depth_change
from grasp_affordance.arrays import Image, Mask
from grasp_affordance.detection.room import Room, RoomConfig, rectangle_mask, room_for_plates
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rectangle import GraspRectangle

_UPON = 0.05  # of an object's mask under an earlier one: it was covered (`covered_by`'s share)
_SAME = 0.95  # of an object's known pixels must have kept their depth
_SEEN = 0.5  # of an object's pixels must be known in both frames to tell
_MARGIN = 4  # pixels around a mask when frames are compared there
_ONE_SCENE = DifferenceConfig(noise_limit=0.003)  # a noisier pair says nothing about rest


@dataclass(frozen=True)
class HistoryConfig:
    """What is made of the removals.

    Attributes:
        carry_back: use an object's rectangles also in earlier frames in which it lay as free.
        check_room: drop rectangles beside which the plates find no room; labels look at the object
            alone. The place is then known to be no grasp.
        room: what the plates need.
    """

    carry_back: bool = True
    check_room: bool = True
    room: RoomConfig = field(default_factory=RoomConfig)


@dataclass(frozen=True, eq=False)
class Removal:
    """What happened between frame `k` and frame `k + 1`.

    Attributes:
        mask: (H, W) bool, everything that left, in frame k; None if that is not known because the
            frames cannot be compared: nothing is carried across.
        rectangles: of the object that left; empty if its label may not be used.
    """

    mask: Mask | None
    rectangles: tuple[GraspRectangle, ...] = ()


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """All that is known about one frame.

    Attributes:
        rectangles: grasps that hold in it; those of its own removal first.
        known: (H, W) bool, see `GraspSample`.
        blocked: how many rectangles were dropped because the plates find no room.
        covered: how many objects were found to lie under others.
    """

    rectangles: tuple[GraspRectangle, ...]
    known: Mask
    blocked: int = 0
    covered: int = 0


def frame_labels(
    index: int,
    depths: Sequence[Image],
    removals: Sequence[Removal],
    background: Mask,
    intrinsics: Intrinsics,
    config: HistoryConfig,
) -> FrameLabels:
    """Collect what is known about frame `index` of a sequence from a static camera.

    Args:
        depths: (H, W) of all frames, metres.
        removals: between consecutive frames, one less than frames.
        background: (H, W) bool, pixels of the last frame that show no object.
    """
    depth = depths[index]
    labels = _Labels(depth, intrinsics, config)
    gone = np.zeros(depth.shape, bool)
    for later in range(index, len(removals)):
        removal = removals[later]
        if later == index:
            labels.add(removal, _own_area(removal, depth.shape), depths[later : later + 2])
        if removal.mask is None:
            return labels.collected()
        if later > index and removal.rectangles and config.carry_back:
            still = _unchanged_on(removal.mask, depth, depths[later])
            if _share(removal.mask & gone, removal.mask) >= _UPON:
                labels.covered += 1
                labels.known |= removal.mask & still & ~gone
            elif _stayed(removal.mask, still, depth, depths[later]):
                labels.add(removal, removal.mask, depths[later : later + 2])
        gone |= removal.mask
    labels.known |= background & ~gone & _unchanged(depth, depths[len(removals)])
    return labels.collected()


class _Labels:
    """Collects what is known about one frame."""

    def __init__(self, depth: Image, intrinsics: Intrinsics, config: HistoryConfig) -> None:
        self.depth, self.intrinsics, self.config = depth, intrinsics, config
        self.known = np.zeros(depth.shape, bool)
        self.rectangles: list[GraspRectangle] = []
        self.blocked = self.covered = 0

    def add(self, removal: Removal, area: Mask, around: Sequence[Image]) -> None:
        """Take the rectangles of an object that covers `area`; `around` are the depths before and
        after it left.
        """
        self.known |= area
        for rectangle in removal.rectangles:
            room = self._room(rectangle, area, around)
            if room is Room.FREE:
                self.rectangles.append(rectangle)
            elif room is Room.BLOCKED:
                self.blocked += 1
            else:
                self.known &= ~rectangle_mask(rectangle, self.known.shape)

    def _room(self, rectangle: GraspRectangle, area: Mask, around: Sequence[Image]) -> Room:
        if not self.config.check_room:
            return Room.FREE
        change = (around[1] - around[0])[area & rectangle_mask(rectangle, area.shape)]
        change = change[np.isfinite(change)]
        # nothing known about its height: as high as it is wide, which asks for the most room
        height = float(np.percentile(change, 75)) if change.size else np.inf
        return room_for_plates(
            rectangle, area, self.depth, height, self.intrinsics, self.config.room
        )

    def collected(self) -> FrameLabels:
        return FrameLabels(tuple(self.rectangles), self.known, self.blocked, self.covered)


def _own_area(removal: Removal, shape: tuple[int, ...]) -> Mask:
    """Return (H, W): the object that is removed from this very frame, if its label may be used."""
    area = np.zeros(shape[:2], bool)
    if removal.rectangles and removal.mask is not None:
        area |= removal.mask
    for rectangle in removal.rectangles:  # a reviewer's, where no mask was found
        area |= rectangle_mask(rectangle, shape)
    return area


def _stayed(mask: Mask, still: Mask, before: Image, after: Image) -> bool:
    seen = mask & np.isfinite(before) & np.isfinite(after)
    return _share(seen, mask) >= _SEEN and _share(still & seen, seen) >= _SAME


def _unchanged_on(mask: Mask, before: Image, after: Image) -> Mask:
    """Return (H, W), False outside the surroundings of the mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    result = np.zeros(mask.shape, bool)
    if rows.size:
        box = np.s_[
            max(rows[0] - _MARGIN, 0) : rows[-1] + _MARGIN + 1,
            max(columns[0] - _MARGIN, 0) : columns[-1] + _MARGIN + 1,
        ]
        result[box] = _unchanged(before[box], after[box])
    return result


def _unchanged(before: Image, after: Image) -> Mask:
    """Pixels (H, W) with depth in both frames, the same up to the sensor's noise."""
    change = depth_change(before, after, _ONE_SCENE)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(change.signed) <= _ONE_SCENE.weak * change.noise)


def _share(part: Mask, whole: Mask) -> float:
    return int(np.count_nonzero(part)) / max(int(np.count_nonzero(whole)), 1)
