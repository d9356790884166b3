"""Whether a gripper's plates find room beside the object that a rectangle is on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from grasp_affordance.arrays import Image, Mask
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rectangle import GraspRectangle

_TOP = 10  # percentile of the depth on the object that is its top
_SEEN = 0.5  # of a plate's place must be known to evaluate it


class Room(StrEnum):
    """What becomes of the plates."""

    FREE = "free"
    BLOCKED = "blocked"
    UNSURE = "unsure"


@dataclass(frozen=True)
class RoomConfig:
    """What the plates need.

    Attributes:
        plate_thickness: metres.
        clearance: by which the gripper opens wider on either side before it comes down, metres.
        reach: how far below the object's widest height the plates end, metres.
        floor_gap: plates end this far above what the object lies on, metres.
        tolerance: what stands higher than the plates' tips by less is no obstacle for sure, metres.
        share: of a plate's place that has to stand higher for it to be blocked.
    """

    plate_thickness: float = 0.006
    clearance: float = 0.006
    reach: float = 0.005
    floor_gap: float = 0.002
    tolerance: float = 0.005
    share: float = 0.2

    def __post_init__(self) -> None:
        lengths = (
            self.plate_thickness,
            self.clearance,
            self.reach,
            self.floor_gap,
            self.tolerance,
        )
        if min(lengths) < 0 or self.plate_thickness + self.clearance <= 0:
            raise ConfigError("room beside objects: a length is negative, or plates have none")
        if not 0 < self.share < 1:
            raise ConfigError(f"room beside objects: {self.share} is no share")


def room_for_plates(
    rectangle: GraspRectangle,
    mask: Mask,
    depth: Image,
    height: float,
    intrinsics: Intrinsics,
    config: RoomConfig,
) -> Room:
    """Evaluate the two places where the plates of a rectangle come down.

    The plates have to reach a little below the object's widest height, which is half its width
    below its top on a round thing, but not below what it lies on.

    Args:
        mask: (H, W) bool, the object.
        depth: (H, W) of the view, metres.
        height: of the object's top over what it lies on, metres.
    """
    on_object = depth[mask & rectangle_mask(rectangle, depth.shape)]
    on_object = on_object[np.isfinite(on_object)]
    if on_object.size == 0:
        return Room.UNSURE
    top = float(np.percentile(on_object, _TOP))
    pixels = intrinsics.focal_at(rectangle.x, rectangle.y) / top
    tips = _tips(top, rectangle.h / pixels, height, config)
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    places = _places(rectangle, (config.plate_thickness + config.clearance) * pixels)
    return _worst(
        [_evaluate(depth[rectangle_mask(p, depth.shape) & ~grown], tips, config) for p in places]
    )


def room_in_view(
    rectangle: GraspRectangle, depth: Image, intrinsics: Intrinsics, config: RoomConfig
) -> Room:
    """Evaluate the places beside a rectangle of which nothing but the view is known.

    The object may reach into the clearance, as rectangles are not exact to the pixel: looked at is
    where the plates themselves come down. What the object lies on is taken to be what is seen at
    the lower of the two.

    Args:
        depth: (H, W) of the view, metres.
    """
    reach = rectangle.w + rectangle.h
    u0, v0 = (max(int(centre - reach), 0) for centre in (rectangle.x, rectangle.y))
    around = depth[v0 : int(rectangle.y + reach) + 2, u0 : int(rectangle.x + reach) + 2]
    if around.size == 0:
        return Room.UNSURE
    around = _smooth(around)
    here = replace(rectangle, x=rectangle.x - u0, y=rectangle.y - v0)
    on_object = around[rectangle_mask(here, around.shape) & np.isfinite(around)]
    if on_object.size == 0:
        return Room.UNSURE
    top = float(np.percentile(on_object, _TOP))
    pixels = intrinsics.focal_at(rectangle.x, rectangle.y) / top
    opened = replace(here, h=here.h + 2 * config.clearance * pixels)
    beside = [
        around[rectangle_mask(place, around.shape)]
        for place in _places(opened, config.plate_thickness * pixels)
    ]
    known = [place[np.isfinite(place)] for place in beside]
    lowest = [float(np.median(place)) for place in known if place.size]
    height = max(lowest) - top if lowest else np.inf
    tips = _tips(top, here.h / pixels, height, config)
    return _worst([_evaluate(place, tips, config) for place in beside])


def _smooth(depth: Image) -> Image:
    """Return the mean of what is known in 3x3 pixels; unknown stays unknown."""
    known = np.isfinite(depth)
    total = cv2.blur(np.where(known, depth, 0).astype(np.float32), (3, 3))
    weight = cv2.blur(known.astype(np.float32), (3, 3))
    return np.where(known, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def _tips(top: float, width: float, height: float, config: RoomConfig) -> float:
    """Return the depth to which the plates go at an object whose top is at depth `top`."""
    return top + max(min(width / 2 + config.reach, height - config.floor_gap), 0.0)


def _evaluate(place: Image, tips: float, config: RoomConfig) -> Room:
    """Evaluate one plate's place by the depths (N,) that are seen there."""
    known = place[np.isfinite(place)]
    if known.size < _SEEN * max(place.size, 1):
        return Room.UNSURE
    above = tips - known
    if (above > config.tolerance).mean() > config.share:
        return Room.BLOCKED
    return Room.UNSURE if (above > 0).mean() > config.share else Room.FREE


def _worst(rooms: Sequence[Room]) -> Room:
    return next(room for room in (Room.BLOCKED, Room.UNSURE, Room.FREE) if room in rooms)


def _places(rectangle: GraspRectangle, reach: float) -> tuple[GraspRectangle, GraspRectangle]:
    """Return the areas that a plate needs on either side, `reach` pixels wide."""
    x, y, theta, w, h = rectangle.x, rectangle.y, rectangle.theta, rectangle.w, rectangle.h
    away = (h + reach) / 2
    first, second = (
        GraspRectangle(x - side * np.sin(theta), y + side * np.cos(theta), theta, w, reach)
        for side in (-away, away)
    )
    return first, second


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
