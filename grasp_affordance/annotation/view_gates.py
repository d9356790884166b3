"""The gates that come before a label: can these two frames be compared at all?"""

import numpy as np

from grasp_affordance.annotation.change.camera_motion import camera_motion
from grasp_affordance.annotation.change.scene_change import SceneChange
from grasp_affordance.annotation.gates import GateConfig
from grasp_affordance.annotation.result import PairResult, Reason, nothing_removed, rejected
from grasp_affordance.rgbd import RgbdFrame

_SAME_UNIT = 3.0  # no removal changes a view's median depth by more than this factor


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
