"""The simulated cell: a UR5 with a vacuum cup over a bin, in MuJoCo.

    config = SimConfig(scene="train", hardness=Hardness.REALISTIC, seed=0)
    with SimCell(config) as cell:              # builds and settles the first stack
        frame = cell.camera.read()             # RgbdFrame
        T_base_camera = cell.camera.pose()     # as calibrated
        cell.arm.move_to(T_base_tool)          # cell.Arm, cell.Gripper, cell.Camera
        cell.resettle()                        # after a pick: stack at rest, fallen objects gone
        truth = cell.truth()                   # AttemptTruth since the last gripper.grasp()
        if cell.is_empty():
            cell.next_stack()                  # the arm stands at home

`SimCell(config)`
    `.arm .gripper .camera .bin .cup` (`.as_cell()` gives a `cell.Cell`), `.stack` (type of the
    present stack), `.time` (simulated seconds), `.place_pose(hanging)` (`T_base_tool` from which
    to release), `.reset(seed | generator | None)` = `.next_stack()`, `.objects_left()`,
    `.pickable_left()` (without porous ones), `.is_empty()`, `.resettle()`, `.truth()`,
    `.snapshot()`, `.restore(state)`, `.close()`.
`SimCell.oracle`
    `.true_masks()` (H, W) object ids, `.true_depth()`, `.objects()` (poses, masses, what lies on
    each), `.lies_on()`, `.seal_at(position_base, approach)` (evaluates a cup without moving),
    `.T_base_camera` (true).
`stacks.SCENES`
    all scene names; `train` draws one of `stacks.TRAINING` for every stack.

Frames: the base frame is the robot's, z up, and MuJoCo's world. Stamps are simulated time.
"""

from grasp_affordance.sim.attempt import AttemptTruth
from grasp_affordance.sim.cell import CellState, SimCell
from grasp_affordance.sim.config import Hardness, MotionLimits, SimConfig
from grasp_affordance.sim.cup.seal import Seal
from grasp_affordance.sim.oracle import ObjectState, Oracle
from grasp_affordance.sim.piles.stacks import SCENES

__all__ = [
    "SCENES",
    "AttemptTruth",
    "CellState",
    "Hardness",
    "MotionLimits",
    "ObjectState",
    "Oracle",
    "Seal",
    "SimCell",
    "SimConfig",
]
