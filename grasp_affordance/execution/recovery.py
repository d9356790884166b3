"""From wherever a pick broke off back to a cell that is ready for the next one."""

import numpy as np

from grasp_affordance.cell import Cell
from grasp_affordance.execution.cancellation import CancellableArm, Cancellation
from grasp_affordance.execution.plan import PickConfig
from grasp_affordance.geometry import approach_pose


def recover(
    cell: Cell, config: PickConfig | None = None, cancellation: Cancellation | None = None
) -> None:
    """Raise the tool out of the bin, put down what the cup still holds, and go home.

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
    arm.home()
