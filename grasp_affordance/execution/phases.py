"""The physical part of a pick: what moves, when the vacuum is on, and what is sensed on the way."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from grasp_affordance.attempt import Phase
from grasp_affordance.cell import Arm, Cell, Gripper
from grasp_affordance.errors import CellError, CollisionError, GripperError
from grasp_affordance.execution.outcome import Sensed
from grasp_affordance.execution.plan import PickConfig, PickPlan
from grasp_affordance.execution.recorder import Recorder

_log = logging.getLogger(__name__)


@dataclass
class PickState:
    """What is known of a pick at any instant, also when an error ends it.

    Attributes:
        sensed: see `Sensed`.
        load_in_air: whether the cup carries something that would fall if let go.
        load_told: whether the arm was told of a load, and not yet that it is gone.
        contact_height: of the rim of the cup at contact, base frame, metres; NaN before.
    """

    sensed: Sensed = field(default_factory=Sensed)
    load_in_air: bool = False
    load_told: bool = False
    contact_height: float = float("nan")


def run_phases(
    cell: Cell,
    arm: Arm,
    plan: PickPlan,
    config: PickConfig,
    recorder: Recorder,
    state: PickState,
    look: Callable[[], None] | None = None,
) -> None:
    """Execute a checked plan and note in `state` what the cell sensed.

    Ends at home with the vacuum off, after a failed grasp too. An error leaves the arm where it
    stopped; `make_safe` follows.

    Args:
        look: where the camera sees the whole bin past an arm that is over the place area: called
            when the arm gets there, before the release. The pick then ends there.
    """
    gripper = cell.gripper
    _require_idle(gripper, config)
    arm.carry(None)  # a program that was started anew has the pendant's payload again
    with recorder.phase(Phase.PRE_GRASP):
        arm.move_to(plan.pre_grasp)
        gripper.grasp()
        vacuum_on = cell.clock()

    with recorder.phase(Phase.APPROACH):
        _approach(arm, plan, state)
    if not state.sensed.contact:
        return _back_off(arm, gripper, plan, state)

    with recorder.phase(Phase.SEAL):
        sealed = gripper.holding()
        state.sensed = replace(state.sensed, sealed=sealed, sealed_at=cell.clock() - vacuum_on)
        if sealed:
            state.load_told = True
            arm.carry(plan.load)
    if not sealed:
        return _back_off(arm, gripper, plan, state)

    state.load_in_air = True  # from here on the object would fall
    with recorder.phase(Phase.LIFT):
        arm.move_to(plan.lift, linear=True)
        lifted = gripper.holding()
        state.sensed = replace(state.sensed, lifted=lifted)
    if not lifted:
        return _put_back(arm, gripper, plan, config, state)

    with recorder.phase(Phase.TRANSPORT):
        arm.move_to(plan.above_place)

    with recorder.phase(Phase.PLACE):
        if look is not None:
            look()
        arm.move_to(plan.place, linear=True)
        carried, released_at = gripper.holding(), cell.clock() - vacuum_on
        state.sensed = replace(state.sensed, carried=carried, released_at=released_at)
        if carried and config.lower:
            arm.move_until_contact(plan.lowest_place)
        state.load_in_air = False
        _let_go(arm, gripper, state)
    with recorder.phase(Phase.RETREAT):
        arm.move_to(plan.above_place, linear=True)
        if look is None:
            arm.home()
    return None


def make_safe(cell: Cell, state: PickState) -> None:
    """Leave the cell at rest after an error: the arm stopped, a load in the air still held.

    The vacuum goes off only while the cup carries nothing: whatever went wrong, letting an object
    fall from a height would add damage, and `recover` can put it down once the fault is cleared.
    A part that refuses is logged and does not keep the others from being made safe.
    """
    try:
        cell.arm.stop()
    except CellError:
        _log.exception("the arm did not confirm its stop; use the emergency stop if it moves")
    if state.load_in_air:
        _log.warning("the cup still holds an object in the air; recover() puts it down")
        return
    try:
        cell.gripper.release()
    except CellError:
        _log.exception("the vacuum did not switch off")
    if not state.load_told:
        return
    try:
        cell.arm.carry(None)
    except CellError as error:
        _log.warning("the robot still reckons with a load on the cup: %s", error)


def _require_idle(gripper: Gripper, config: PickConfig) -> None:
    """Raise GripperError where there is a vacuum although none was asked for."""
    vacuum = gripper.vacuum()
    if vacuum > config.idle_vacuum:
        raise GripperError(
            f"{vacuum:.0f} kPa of vacuum before the pick: something still hangs on the cup "
            "(recover the cell), or the pressure sensor is stuck"
        )


def _approach(arm: Arm, plan: PickPlan, state: PickState) -> None:
    """Go down to the surface until the rim of the cup meets something."""
    try:
        arm.move_to(plan.approach_start, linear=True)
        contact = arm.move_until_contact(plan.approach_limit)
    except CollisionError as error:
        # The way down to this very point was not free: what the point predicts, not a fault.
        _log.info("collision on the approach: %s", error)
        state.sensed = replace(state.sensed, collided=True)
        return
    if contact:
        state.contact_height = float(arm.tcp_pose()[2, 3])
        state.sensed = replace(state.sensed, contact=True)


def _let_go(arm: Arm, gripper: Gripper, state: PickState) -> None:
    """Release, and have the arm reckon with the tool alone."""
    gripper.release()
    if state.load_told:
        arm.carry(None)
        state.load_told = False


def _back_off(arm: Arm, gripper: Gripper, plan: PickPlan, state: PickState) -> None:
    """Leave a point that gave no seal by the way the tool came."""
    _let_go(arm, gripper, state)
    arm.move_to(plan.pre_grasp, linear=True)
    arm.home()


def _put_back(
    arm: Arm, gripper: Gripper, plan: PickPlan, config: PickConfig, state: PickState
) -> None:
    """Give up a load that the cup has lost, or holds too weakly to carry it on.

    Where there is still some vacuum something may hang on it: it is taken back down first.
    """
    if gripper.vacuum() > config.idle_vacuum:
        arm.move_to(plan.approach_start, linear=True)
        arm.move_until_contact(plan.approach_limit)
        state.load_in_air = False
        return _back_off(arm, gripper, plan, state)
    state.load_in_air = False
    _let_go(arm, gripper, state)
    arm.home()
    return None
