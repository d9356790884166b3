"""What must hold before the arm moves; everything else is refused with a reason."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.attempt import Cause
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cell, Cup
from grasp_affordance.errors import UnreachableError
from grasp_affordance.execution.heap import heap_top
from grasp_affordance.execution.plan import PickConfig, PickPlan, plan_pick
from grasp_affordance.geometry import transform_points
from grasp_affordance.rgbd import RgbdFrame, not_of_now
from grasp_affordance.suction import Rejection, SuctionPoint

_STEP = 0.005  # metres between the samples of the tool's axis


@dataclass(frozen=True)
class Refusal:
    """Why a pick is not begun.

    Attributes:
        rejection: the kind, as counted per view.
        detail: one sentence for a person, with what to do.
    """

    rejection: Rejection
    detail: str

    @property
    def cause(self) -> Cause:
        """The attempt's cause: the camera's fault, or the point's."""
        camera = (Rejection.NO_TRANSFORM, Rejection.STALE_FRAME)
        return Cause.CAMERA_LOST if self.rejection in camera else Cause.UNREACHABLE


def plan_checked(
    cell: Cell,
    point: SuctionPoint,
    T_base_camera: Array | None,
    config: PickConfig,
    before: RgbdFrame | None = None,
) -> PickPlan | Refusal:
    """Return the plan of a pick that may begin, or why it may not. Nothing moves."""
    if T_base_camera is None:
        return Refusal(
            Rejection.NO_TRANSFORM, "the camera's pose is unknown: calibrate it, publish it on TF"
        )
    if before is not None:
        penalty = not_of_now(before.stamp_ns, cell.now_ns(), config.max_frame_age)
        if penalty:
            return Refusal(Rejection.STALE_FRAME, f"the view is {penalty}; is the camera on?")
    if not np.isfinite(point.position).all():
        return Refusal(Rejection.NO_DEPTH, f"no depth at pixel ({point.u}, {point.v})")
    surface = transform_points(T_base_camera, point.position)
    if refusal := _outside(surface, cell.known_bin, config):
        return refusal
    box = cell.known_bin
    top = heap_top(before, T_base_camera, box) if before is not None else -np.inf
    plan = plan_pick(point, T_base_camera, box, config, top)
    return _near_wall(plan, box, cell.cup, config) or _unreachable(plan, cell) or plan


def _outside(surface: Array, bin_geometry: BinGeometry, config: PickConfig) -> Refusal | None:
    """Refuse points that are not in or on the bin's contents."""
    x, y, z = surface
    lowest = bin_geometry.floor + config.floor_margin
    highest = bin_geometry.rim + config.max_heap
    if bin_geometry.contains(surface) and lowest <= z <= highest:
        return None
    return Refusal(
        Rejection.OUTSIDE_WORKSPACE,
        f"the point ({x:.3f}, {y:.3f}, {z:.3f}) m is not in the bin between {lowest:.3f} and "
        f"{highest:.3f} m; are bin and camera pose calibrated?",
    )


def _near_wall(
    plan: PickPlan, bin_geometry: BinGeometry, cup: Cup, config: PickConfig
) -> Refusal | None:
    """Refuse poses in which cup or tool would touch a wall.

    The tool is two cylinders about its axis: slim up to `cup_length`, then `tool_radius`. A slice
    whose lowest point is under the rim must keep its radius and the margin from every wall. The
    deepest pose decides: on the way there the axis runs through the same line.
    """
    T = plan.approach_limit
    distances = np.arange(0.0, config.tool_length + _STEP, _STEP)
    radii = np.where(
        distances <= config.cup_length, cup.radius + config.cup_clearance, config.tool_radius
    )
    centres = T[:3, 3] - distances[:, None] * T[:3, 2]
    sine = np.sqrt(max(0.0, 1.0 - T[2, 2] ** 2))
    low = centres[:, 2] - radii * sine < bin_geometry.rim
    for centre, radius in zip(centres[low], radii[low], strict=True):
        if not bin_geometry.contains(centre, margin=float(radius) + config.wall_margin):
            return Refusal(
                Rejection.NEAR_WALL,
                f"the tool would come within {config.wall_margin * 1000:.0f} mm of a bin wall",
            )
    return None


def _unreachable(plan: PickPlan, cell: Cell) -> Refusal | None:
    """Refuse a plan with a pose outside the arm's reach."""
    for name, pose in plan.waypoints.items():
        try:
            cell.arm.check_reachable(pose, plan.load if name in plan.loaded else None)
        except UnreachableError as error:
            return Refusal(Rejection.UNREACHABLE, f"{name}: {error}")
    return None
