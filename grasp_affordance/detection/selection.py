"""From many scored rectangles to a few: the last stage of every detector."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from grasp_affordance.detection.pose import opening_of
from grasp_affordance.detection.room import Room, RoomConfig, room_in_view
from grasp_affordance.detection.samples import Mask, ScoredRectangle
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.rectangle import GraspRectangle, JawConfig
from grasp_affordance.rgbd import RgbdFrame

_CONSIDERED = 300  # best rectangles that suppression looks at


@dataclass(frozen=True)
class SelectionConfig:
    """Which of the proposed rectangles are returned.

    Attributes:
        threshold: least score; None takes the one that validation chose.
        count: at most this many.
        overlap: of two rectangles with a higher IoU the worse is suppressed.
        jaw: the gripper; what it cannot open for is dropped. None takes the one of the labels.
        check_room: drop rectangles beside which the depth shows no room for the plates. A network
            looks at the object; whether a neighbour is in the way is better measured than learned.
        room: what the plates need; stricter than for labels, where a pixel may be the object's own
            rim. As strict as cost no valid candidate in the training piles of docs/detection.md.
    """

    threshold: float | None = None
    count: int = 20
    overlap: float = 0.25
    jaw: JawConfig | None = None
    check_room: bool = True
    room: RoomConfig = field(default_factory=lambda: RoomConfig(tolerance=0.003, share=0.05))

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigError(f"detection: threshold {self.threshold} is not in [0, 1]")
        if self.count < 1 or not 0 <= self.overlap <= 1:
            raise ConfigError("detection: count must be positive, overlap in [0, 1]")


def select(
    proposals: Sequence[ScoredRectangle],
    frame: RgbdFrame,
    threshold: float,
    jaw: JawConfig,
    config: SelectionConfig,
    region: Mask | None = None,
) -> tuple[ScoredRectangle, ...]:
    """Return the best proposals that do not overlap, best first.

    Dropped are: scores below `threshold`, centres outside the image or `region` (H, W), places
    without depth, where nobody could go, openings that the jaw does not reach, and, if asked, those
    whose plates find no room. What is dropped suppresses nothing.

    Raises:
        FrameError: the region is of another size.
    """
    if region is not None and region.shape != frame.shape:
        raise FrameError(f"region {region.shape} and frame {frame.shape} differ in size")
    good = [
        proposal
        for proposal in proposals
        if proposal.score >= threshold and _inside(proposal.rectangle, frame, region)
    ]
    good.sort(key=lambda proposal: -proposal.score)
    good = good[:_CONSIDERED]
    kept = suppress(
        [proposal.rectangle for proposal in good],
        config.overlap,
        config.count,
        lambda rectangle: _fits(rectangle, frame, jaw) and _has_room(rectangle, frame, config),
    )
    return tuple(good[index] for index in kept)


def suppress(
    rectangles: Sequence[GraspRectangle],
    overlap: float,
    count: int | None = None,
    accept: Callable[[GraspRectangle], bool] | None = None,
) -> list[int]:
    """Return the indices, in order, of rectangles that no better one overlaps (rotated NMS).

    Args:
        rectangles: best first.
        overlap: IoU above which the worse of two is suppressed.
        count: stop after so many.
        accept: what it refuses neither stays nor suppresses others; asked only about those that
            would stay.
    """
    if not rectangles:
        return []
    polygons = shapely.polygons(np.array([rectangle.corners() for rectangle in rectangles]))
    areas = shapely.area(polygons)
    left = np.arange(len(rectangles))
    kept: list[int] = []
    while left.size and (count is None or len(kept) < count):
        best, left = int(left[0]), left[1:]
        if accept is not None and not accept(rectangles[best]):
            continue
        kept.append(best)
        # not OpenCV's rotatedRectangleIntersection: version 5 errs where sides are parallel
        shared = shapely.area(shapely.intersection(polygons[best], polygons[left]))
        iou: NDArray[np.float64] = shared / (areas[best] + areas[left] - shared)
        left = left[iou <= overlap]
    return kept


def _inside(rectangle: GraspRectangle, frame: RgbdFrame, region: Mask | None) -> bool:
    height, width = frame.shape
    u, v = round(rectangle.x), round(rectangle.y)
    if not (0 <= u < width and 0 <= v < height):
        return False
    return region is None or bool(region[v, u])


def _fits(rectangle: GraspRectangle, frame: RgbdFrame, jaw: JawConfig) -> bool:
    opening = opening_of(rectangle, frame)
    return opening is not None and jaw.minimum_opening <= opening <= jaw.maximum_opening


def _has_room(rectangle: GraspRectangle, frame: RgbdFrame, config: SelectionConfig) -> bool:
    """Whether nothing is known to be in the way of the plates."""
    if not config.check_room:
        return True
    room = room_in_view(rectangle, frame.depth, frame.intrinsics, config.room)
    return room is not Room.BLOCKED
