"""What the removals of a sequence say about each of its frames.

A pair of frames labels one object: the one removed between them. The sequence says more. An object
that is removed later was there already, and if neither it moved nor anything lay upon it, its
rectangles hold in the earlier frame too. If something did lie upon it, it could not be grasped
freely, and is a true negative. Of everything else that never left, only what is known to be the
empty bin is a negative; the rest is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.difference import DifferenceConfig, depth_change
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.grasp import GraspRectangle

Mask = NDArray[np.bool_]
Depth = NDArray[np.float32]

_UPON = 0.05  # of an object's mask under an earlier one: it was covered (removal_order's share)
_SAME = 0.95  # of an object's known pixels must have kept their depth
_SEEN = 0.5  # of an object's pixels must be known in both frames to tell
_MARGIN = 4  # pixels around a mask when frames are compared there
_ONE_SCENE = DifferenceConfig(noise_limit=0.003)  # a noisier pair says nothing about rest


@dataclass(frozen=True)
class HistoryConfig:
    """When a later removal's rectangles hold in an earlier frame.

    Attributes:
        carry_back: whether they are used there at all.
        plate_thickness: of a gripper's plate, metres; it needs this much room outside a rectangle.
        clearance: what stands higher than the object by this much beside it hinders the plates,
            metres.
    """

    carry_back: bool = True
    plate_thickness: float = 0.008
    clearance: float = 0.010

    def __post_init__(self) -> None:
        if self.plate_thickness < 0 or self.clearance <= 0:
            raise ConfigError("label history: plate_thickness or clearance is negative")


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
        carried: how many of the rectangles are from later removals.
        covered: how many objects were found to lie under others.
    """

    rectangles: tuple[GraspRectangle, ...]
    known: Mask
    carried: int = 0
    covered: int = 0


def frame_labels(
    index: int,
    depths: Sequence[Depth],
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
    known = np.zeros(depth.shape, bool)
    gone = np.zeros(depth.shape, bool)
    rectangles: list[GraspRectangle] = []
    own = covered = 0
    for later in range(index, len(removals)):
        removal = removals[later]
        if later == index:
            known |= _own_area(removal, depth.shape)
            rectangles += removal.rectangles
            own = len(rectangles)
        if removal.mask is None:
            return FrameLabels(tuple(rectangles), known, len(rectangles) - own, covered)
        if later > index and removal.rectangles and config.carry_back:
            still = _unchanged_on(removal.mask, depth, depths[later])
            if _share(removal.mask & gone, removal.mask) >= _UPON:
                covered += 1
                known |= removal.mask & still & ~gone
            elif _stayed(removal.mask, still, depth, depths[later]):
                blocked = _carry(removal, depth, intrinsics, config, rectangles)
                known = (known | removal.mask) & ~blocked
        gone |= removal.mask
    rest = background & ~gone
    known |= rest & _unchanged(depth, depths[len(removals)])
    return FrameLabels(tuple(rectangles), known, len(rectangles) - own, covered)


def _own_area(removal: Removal, shape: tuple[int, ...]) -> Mask:
    """Return (H, W): the object that is removed from this very frame, if its label may be used."""
    area = np.zeros(shape[:2], bool)
    if removal.rectangles and removal.mask is not None:
        area |= removal.mask
    for rectangle in removal.rectangles:  # a reviewer's, where no mask was found
        area |= rectangle_mask(rectangle, shape)
    return area


def _carry(
    removal: Removal,
    depth: Depth,
    intrinsics: Intrinsics,
    config: HistoryConfig,
    rectangles: list[GraspRectangle],
) -> Mask:
    """Append the rectangles that hold; return the area (H, W) of those that may not."""
    blocked = np.zeros(depth.shape, bool)
    assert removal.mask is not None
    for rectangle in removal.rectangles:
        if _hindered(rectangle, removal.mask, depth, intrinsics, config):
            blocked |= rectangle_mask(rectangle, depth.shape)
        else:
            rectangles.append(rectangle)
    return blocked


def _hindered(
    rectangle: GraspRectangle,
    mask: Mask,
    depth: Depth,
    intrinsics: Intrinsics,
    config: HistoryConfig,
) -> bool:
    """Whether something beside the object stands higher where the plates come down."""
    on_object = depth[mask & rectangle_mask(rectangle, depth.shape)]
    on_object = on_object[np.isfinite(on_object)]
    if on_object.size == 0:
        return True
    top = float(np.percentile(on_object, 10))
    plates = 2 * config.plate_thickness * intrinsics.fx / top
    wide = GraspRectangle(
        rectangle.x, rectangle.y, rectangle.theta, rectangle.w, rectangle.h + plates
    )
    beside = rectangle_mask(wide, depth.shape) & ~mask
    with np.errstate(invalid="ignore"):
        higher = beside & (depth < top - config.clearance)
    return _share(higher, beside) > _UPON


def rectangle_mask(rectangle: GraspRectangle, shape: tuple[int, ...]) -> Mask:
    """Return the pixels (H, W) whose centre a rectangle covers."""
    mask = np.zeros(shape[:2], bool)
    u, v = rectangle.corners().T
    u0, u1 = max(int(np.ceil(u.min())), 0), min(int(u.max()), shape[1] - 1)
    v0, v1 = max(int(np.ceil(v.min())), 0), min(int(v.max()), shape[0] - 1)
    if u0 > u1 or v0 > v1:
        return mask
    dv, du = (
        np.mgrid[v0 : v1 + 1, u0 : u1 + 1] - np.array([rectangle.y, rectangle.x])[:, None, None]
    )
    c, s = np.cos(rectangle.theta), np.sin(rectangle.theta)
    along, across = np.abs(du * c + dv * s), np.abs(dv * c - du * s)
    mask[v0 : v1 + 1, u0 : u1 + 1] = (along <= rectangle.w / 2) & (across <= rectangle.h / 2)
    return mask


def _stayed(mask: Mask, still: Mask, before: Depth, after: Depth) -> bool:
    seen = mask & np.isfinite(before) & np.isfinite(after)
    return _share(seen, mask) >= _SEEN and _share(still & seen, seen) >= _SAME


def _unchanged_on(mask: Mask, before: Depth, after: Depth) -> Mask:
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


def _unchanged(before: Depth, after: Depth) -> Mask:
    """Pixels (H, W) with depth in both frames, the same up to the sensor's noise."""
    change = depth_change(before, after, _ONE_SCENE)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(change.signed) <= _ONE_SCENE.weak * change.noise)


def _share(part: Mask, whole: Mask) -> float:
    return int(np.count_nonzero(part)) / max(int(np.count_nonzero(whole)), 1)
