"""The quality gates: what the paper's authors dropped by eye, automatic and explained (stage d).

Each gate looks at one kind of trouble and returns a result, or None where it has no objection.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from grasp_affordance.annotation.change.camera_motion import camera_motion
from grasp_affordance.annotation.change.departure import Departures
from grasp_affordance.annotation.change.refinement import bounding_box, disc
from grasp_affordance.annotation.change.region import ChangeRegion
from grasp_affordance.annotation.change.scene_change import SceneChange
from grasp_affordance.annotation.result import PairResult, Reason, nothing_removed, rejected
from grasp_affordance.errors import ConfigError
from grasp_affordance.rgbd import RgbdFrame

_TOUCH = 2  # pixels between regions that touch
_SAME_UNIT = 3.0  # no removal changes a view's median depth by more than this factor


@dataclass(frozen=True)
class GateConfig:
    """Limits of the gates.

    Attributes:
        nearest, farthest: median depths outside this range, metres, are of a wrong unit.
        known: least share of pixels with depth in each frame.
        camera_motion: largest motion of the unchanged part of the image, pixels.
        changed: largest share of the observed area that one pick may change.
        second_object: a region with this share of the largest one's volume is an object too.
        clutter: volume that shows where there was none, or that settled, over that which left, up
            to which the label is kept.
        conserved: share of the moved volume that has to show again for nothing to have left.
        intrusion: volume that came to lie against the mask, over that which left, up to which the
            mask is one object's: what moves against it leaves a trace that joins it.
        unseen: area changed in colour only, where depth is unknown, over that of the mask.
        smallest_area: least visible area of an object, square metres.
        thinnest: least width of an object, metres.
    """

    nearest: float = 0.1
    farthest: float = 10.0
    known: float = 0.25
    camera_motion: float = 1.0
    changed: float = 0.5
    second_object: float = 0.1
    clutter: float = 0.3
    conserved: float = 0.6
    intrusion: float = 0.03
    unseen: float = 0.5
    smallest_area: float = 3.0e-4
    thinnest: float = 0.010

    def __post_init__(self) -> None:
        if not 0 < self.nearest < self.farthest:
            raise ConfigError("gates: 0 < nearest < farthest does not hold")
        shares = (self.known, self.changed, self.second_object)
        if min(shares) < 0 or max(self.known, self.changed) > 1:
            raise ConfigError("gates: a share is outside [0, 1]")
        limits = (self.clutter, self.intrusion, self.camera_motion, self.unseen)
        if min(*limits, self.smallest_area, self.thinnest) < 0:
            raise ConfigError("gates: a limit is negative")


def check_departure(sorted_regions: Departures, config: GateConfig) -> PairResult | None:
    """Refuse a pair in which not exactly one object left and the rest stayed."""
    left, arrived = sorted_regions.left, sorted_regions.arrived
    arrived_volume = sum(region.volume for region in arrived if region.evident)
    if not left:
        if arrived:
            return rejected(
                Reason.SWAPPED_ORDER,
                f"{_cubic_centimetres(arrived_volume)} came and nothing left; swap the frames?",
            )
        disturbed = (*sorted_regions.moved, *sorted_regions.settled)
        if disturbed:
            volume = sum(region.volume for region in disturbed)
            missing = sum(region.volume for region in sorted_regions.moved)
            if sorted_regions.returned < config.conserved * missing:
                lost = _cubic_centimetres(missing - sorted_regions.returned)
                return rejected(Reason.DRAGGED_NEIGHBOUR, f"{lost} are missing among what moved")
            return nothing_removed(
                Reason.SETTLED, f"{_cubic_centimetres(volume)} moved or settled, nothing left"
            )
        return nothing_removed(Reason.NO_CHANGE, "no change beyond the noise")
    main = left[0].volume
    others = [
        region
        for region in left[1:]
        if region.evident and region.volume >= config.second_object * main
    ]
    if others:
        return rejected(Reason.DOUBLE_PICK, f"{len(others) + 1} separate regions left")
    if arrived_volume > config.clutter * main:
        return rejected(Reason.SOMETHING_ADDED, f"{_cubic_centimetres(arrived_volume)} came")
    if sorted_regions.returned > config.clutter * main:
        moved = _cubic_centimetres(sorted_regions.returned)
        return rejected(Reason.DRAGGED_NEIGHBOUR, f"{moved} lie in another place")
    settled = sum(region.volume for region in sorted_regions.settled)
    if settled > config.clutter * main:
        return rejected(Reason.SETTLING_CLUTTER, f"{_cubic_centimetres(settled)} settled")
    return None


def check_region(
    region: ChangeRegion, change: SceneChange, frame: RgbdFrame, config: GateConfig
) -> PairResult | None:
    """Refuse a mask that is no good label."""
    unseen = sum(other.area for other in change.unseen)
    if unseen > config.unseen * region.area:
        return rejected(
            Reason.UNSEEN_OBJECT,
            f"{unseen * 1e4:.1f} cm2 changed colour where depth sees nothing",
        )
    against = _volume_against(region, change)
    if against > config.intrusion * region.volume:
        return rejected(
            Reason.SETTLING_CLUTTER, f"{_cubic_centimetres(against)} settled against the mask"
        )
    if not region.evident:
        return rejected(Reason.TOO_MANY_UNKNOWN, f"{region.unknown:.0%} of the mask has no depth")
    if region.cut:
        return rejected(Reason.CUT_BY_BORDER, "the mask reaches the end of the observed area")
    if region.area < config.smallest_area:
        return rejected(Reason.TOO_SMALL, f"{region.area * 1e4:.1f} cm2 are visible")
    width = mask_width(region, frame)
    if width < config.thinnest:
        return rejected(Reason.TOO_THIN, f"the mask is {width * 1e3:.1f} mm wide")
    return None


def is_object_sized(region: ChangeRegion, frame: RgbdFrame, config: GateConfig) -> bool:
    """Whether a region is large and wide enough to be an object rather than the rim of one."""
    large = region.area >= config.smallest_area
    return large and mask_width(region, frame) >= config.thinnest


def mask_width(region: ChangeRegion, frame: RgbdFrame) -> float:
    """Diameter of the largest disc that fits into the mask, metres."""
    box = bounding_box(region.mask.astype(np.uint8))
    padded = np.pad(region.mask[box], 1).astype(np.uint8)
    radius = float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())
    return 2 * radius * float(region.position[2]) / frame.intrinsics.focal_at(*region.centre)


def _volume_against(region: ChangeRegion, change: SceneChange) -> float:
    """Volume of the added regions that touch the mask, cubic metres."""
    near = cv2.dilate(region.mask.astype(np.uint8), disc(2 * _TOUCH + 1)).astype(bool)
    return sum(other.volume for other in change.added if (other.mask & near).any())


def _cubic_centimetres(volume: float) -> str:
    return f"{volume * 1e6:.1f} cm3"


def check_frames(before: RgbdFrame, after: RgbdFrame, config: GateConfig) -> PairResult | None:
    """Refuse two frames that cannot be compared."""
    if before.intrinsics != after.intrinsics or before.frame_id != after.frame_id:
        return rejected(
            Reason.DIFFERENT_CAMERA,
            f"{_camera(before)} and {_camera(after)}; use frames of one static camera",
        )
    medians = []
    for name, frame in (("first", before), ("second", after)):
        share = float(frame.known.mean())
        if share < config.known:
            return rejected(Reason.NO_DEPTH, f"{share:.0%} of the {name} frame's depth is known")
        median = float(np.nanmedian(frame.depth[::4, ::4]))
        if not config.nearest <= median <= config.farthest:
            return rejected(
                Reason.WRONG_DEPTH_UNIT,
                f"the {name} frame's median depth is {median:.4g} m; check depth_scale",
            )
        medians.append(median)
    if max(medians) > _SAME_UNIT * min(medians):
        depths = " and ".join(f"{median:.4g} m" for median in medians)
        return rejected(Reason.WRONG_DEPTH_UNIT, f"the median depths are {depths}")
    same_depth = np.array_equal(before.depth, after.depth, equal_nan=True)
    if same_depth and np.array_equal(before.color, after.color):
        return nothing_removed(Reason.IDENTICAL_FRAMES, "one frame twice, to the last bit")
    return None


def check_view(
    before: RgbdFrame, after: RgbdFrame, change: SceneChange, config: GateConfig
) -> PairResult | None:
    """Refuse a pair whose view changed: the camera moved, or most of the scene did."""
    motion = camera_motion(before, after, change.change)
    if motion is not None and motion > config.camera_motion:
        return rejected(Reason.CAMERA_MOVED, f"the still part of the image moved {motion:.1f} px")
    pixels = sum(region.pixels for region in (*change.removed, *change.added))
    share = pixels / max(int(np.count_nonzero(change.observed)), 1)
    if share > config.changed:
        return rejected(Reason.TOO_MUCH_CHANGED, f"{share:.0%} of the observed area changed")
    return None


def _camera(frame: RgbdFrame) -> str:
    k = frame.intrinsics
    return f"'{frame.frame_id}' {k.width}x{k.height} f={k.fx:.1f}"
