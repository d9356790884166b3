"""One pick, from a suction point to an attempt with its outcome."""

import logging
from collections.abc import Callable

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome, PressureTrace
from grasp_affordance.cell import Cell, Load
from grasp_affordance.errors import (
    CameraError,
    CellError,
    CollisionError,
    GripperError,
    StoppedError,
    UnreachableError,
)
from grasp_affordance.execution.cancellation import CancellableArm, Cancellation
from grasp_affordance.execution.checks import Refusal, plan_checked
from grasp_affordance.execution.outcome import OutcomeResult, RemovalCheck, evaluate, reconcile
from grasp_affordance.execution.phases import PickState, make_safe, run_phases
from grasp_affordance.execution.plan import PickConfig, PickPlan
from grasp_affordance.execution.recorder import Progress, Recorder
from grasp_affordance.geometry import approach_pose
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import SuctionPoint

_log = logging.getLogger(__name__)

_UNKNOWN_POSE = np.full((4, 4), np.nan)
_NO_TRACE = PressureTrace(np.zeros(0), np.zeros(0, np.float32))


def pick(
    cell: Cell,
    point: SuctionPoint,
    T_base_camera: Array | None,
    config: PickConfig | None = None,
    *,
    plan: PickPlan | None = None,
    index: int = 0,
    policy: str = "",
    model_version: str = "",
    before: RgbdFrame | None = None,
    take_after: bool = False,
    check_removal: RemovalCheck | None = None,
    cancellation: Cancellation | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_view: Callable[[RgbdFrame], None] | None = None,
) -> GraspAttempt:
    """Pick at a suction point, place what was picked, and say how it went.

    Checks first, unless a checked plan is given: view fresh, camera pose known, point in the bin,
    tool clear of the walls, every pose reachable. Then pre-grasp, vacuum on, guarded approach until
    contact, seal check, lift, transport, place, home; the vacuum is checked again after lift and
    transport.

    The view after the pick is taken when the arm is home. With `on_view` it is taken over the place
    area, as soon as the arm is there, and the arm stays there after a release.

    A fault of the cell or a cancellation raises nothing: it returns an ABORTED attempt with the
    cause and without phases that were not begun, the arm stopped where it was. Call
    `recover` before the next pick then.

    Args:
        cell: arm, gripper, camera, bin and cup.
        point: in the camera frame.
        T_base_camera: (4, 4) with which the point is reached; None where it is unknown.
        config: `PickConfig()` by default.
        plan: what `plan_checked` has just returned for this point; None has it called here.
        index: number of the attempt in its session, 0-based.
        policy, model_version: who chose the point; written into the attempt.
        before: the view in which the point was found; refused where it is too old.
        take_after: take a view after the pick.
        removal check: compares `before` with the view after; implies `take_after`.
        cancellation: lets another thread end the pick.
        on_progress: called at the start and the end of each phase, in this thread.
        on_view: told of the view that is taken over the place area, before the release. Only for an
            arm that hides nothing of the bin there.

    Returns:
        The attempt. SUCCESS, FAILURE or UNCERTAIN when the cell worked; ABORTED otherwise. Poses
        that are unknown because the pick was refused are full of NaN.

    Raises:
        GeometryError: a transform that is not rigid.
    """
    config, cancellation = config or PickConfig(), cancellation or Cancellation()
    stamp_ns = cell.now_ns()
    recorder, state = Recorder(cell, on_progress), PickState()
    after: RgbdFrame | None = None

    def look() -> None:
        nonlocal after
        cell.settle()
        after = _view_now(cell)
        if after is not None and on_view is not None:
            on_view(after)

    checked = plan or plan_checked(cell, point, T_base_camera, config, before)
    if isinstance(checked, Refusal):
        result = OutcomeResult(
            Outcome.ABORTED, checked.cause, f"{checked.rejection}: {checked.detail}"
        )
    else:
        arm = CancellableArm(cell.arm, cancellation)
        try:
            ahead = look if on_view is not None else None
            run_phases(cell, arm, checked, config, recorder, state, ahead)
            result = evaluate(state.sensed, cell.gripper.trace())
            cell.settle()
        except CellError as error:
            make_safe(cell, state)
            result = OutcomeResult(Outcome.ABORTED, *_fault(error, cancellation))
        except BaseException:  # a defect or Ctrl-C: the arm stops all the same
            make_safe(cell, state)
            raise

    completed = result.outcome is not Outcome.ABORTED
    if not completed or not (take_after or check_removal):
        after = None
    elif after is None:
        after = _view_now(cell)
    removal = None
    if check_removal and before and after:
        removal = check_removal(before, after, (float(point.u), float(point.v)), T_base_camera)
    result = reconcile(result, removal)
    truth = cell.truth() if completed and cell.truth else (None, None)
    return GraspAttempt(
        index=index,
        stamp_ns=stamp_ns,
        point=point,
        T_base_camera=_UNKNOWN_POSE if T_base_camera is None else T_base_camera,
        T_base_tool=_UNKNOWN_POSE if isinstance(checked, Refusal) else checked.contact,
        outcome=result.outcome,
        cause=result.cause,
        phases=tuple(recorder.phases),
        pressure=_trace(cell) if recorder.phases else _NO_TRACE,
        contact_height=state.contact_height,
        policy=policy,
        model_version=model_version,
        before=before,
        after=after,
        true_outcome=truth[0],
        true_cause=truth[1],
        removal=removal,
        detail=result.detail,
    )


def _fault(error: CellError, cancellation: Cancellation) -> tuple[Cause, str]:
    """Return the cause of an aborted pick and a sentence on it.

    What was asked for explains whatever broke off.
    """
    if cancellation.requested:
        stopped = isinstance(error, StoppedError)
        return cancellation.cause, cancellation.reason if stopped else str(error)
    causes = {
        StoppedError: Cause.CANCELLED,
        UnreachableError: Cause.UNREACHABLE,
        CollisionError: Cause.COLLISION,
        CameraError: Cause.CAMERA_LOST,
        GripperError: Cause.GRIPPER_FAULT,
    }
    kinds = (cause for kind, cause in causes.items() if isinstance(error, kind))
    return next(kinds, Cause.ARM_FAULT), str(error)


def _view_now(cell: Cell) -> RgbdFrame | None:
    """Return a view taken now; the object is out, so a missing one costs only the removal check."""
    try:
        return cell.camera.read(newer_than_ns=cell.now_ns())
    except CameraError as error:
        _log.warning("no view of the bin after the pick: %s", error)
        return None


def _trace(cell: Cell) -> PressureTrace:
    """Return the vacuum since it was switched on; empty where the sensor does not answer."""
    try:
        return cell.gripper.trace()
    except GripperError as error:
        _log.warning("no pressure trace: %s", error)
        return _NO_TRACE


def recover(
    cell: Cell, config: PickConfig | None = None, cancellation: Cancellation | None = None
) -> bool:
    """Raise the tool out of the bin, put down what the cup still holds, and go home.

    Returns:
        Whether there was something to put down.

    A load of unknown length is raised until even one as long as the bin is deep, or as far as the
    tool is over the bin's floor now, clears the rim.

    Raises:
        CellError: the fault persists; the arm has stopped, a load is still held.
    """
    config = config or PickConfig()
    arm = CancellableArm(cell.arm, cancellation or Cancellation())
    T = arm.tcp_pose()
    loaded = cell.gripper.vacuum() > config.idle_vacuum
    hang = max(T[2, 3] - cell.bin.floor, cell.bin.size[2]) if loaded else 0.0
    arm.carry(Load(config.load_mass, config.load_radius, hang) if loaded else None)
    over_bin = bool(cell.bin.contains(T[:3, 3]))
    travel = cell.bin.rim + config.clearance + (min(hang, cell.bin.size[2]) if over_bin else 0.0)
    if T[2, 3] < travel:
        raised = T.copy()
        raised[2, 3] = travel
        arm.move_to(raised, linear=True)
    if loaded:
        surface = np.asarray(config.place)
        height = max(travel, surface[2] + hang)
        arm.move_to(approach_pose([surface[0], surface[1], height], (0, 0, -1)))
        lowest = surface[2] + config.place_clearance
        arm.move_until_contact(approach_pose([surface[0], surface[1], lowest], (0, 0, -1)))
    cell.gripper.release()
    if loaded:
        arm.carry(None)
    arm.home()
    return loaded
