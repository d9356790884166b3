"""MoveIt's error codes in words: what happened, and what to do about it.

The numbers are those of `moveit_msgs/msg/MoveItErrorCodes` of Jazzy (moveit_msgs 2.6); a test
compares them where that package is installed.
"""

from dataclasses import dataclass

from grasp_affordance.errors import CellError, PlanningError, UnreachableError

SUCCESS = 1


@dataclass(frozen=True)
class MoveItCode:
    """One code.

    Attributes:
        name: MoveIt's own.
        meaning: with the remedy, for a person.
        of_the_pose: whether another pose could do: the point is at fault, not the cell.
    """

    name: str
    meaning: str
    of_the_pose: bool = False


_SCENE = "compare the planning scene with the cell in RViz"
_NAMES = "compare the parameters moveit.group and moveit.tip_link with the robot's SRDF"

CODES: dict[int, MoveItCode] = {
    99999: MoveItCode("FAILURE", "the planner failed without a reason; see MoveIt's log"),
    0: MoveItCode("UNDEFINED", "the planner gave no answer; see MoveIt's log"),
    -1: MoveItCode("PLANNING_FAILED", f"no path was found; {_SCENE}", True),
    -2: MoveItCode(
        "INVALID_MOTION_PLAN", f"the path found collides or breaks limits; {_SCENE}", True
    ),
    -3: MoveItCode(
        "MOTION_PLAN_INVALIDATED_BY_ENVIRONMENT_CHANGE", "the scene changed meanwhile; plan again"
    ),
    -4: MoveItCode("CONTROL_FAILED", "the controller refused; see the driver's log"),
    -5: MoveItCode("UNABLE_TO_AQUIRE_SENSOR_DATA", "the scene's sensor is silent"),
    -6: MoveItCode("TIMED_OUT", "no path in the time given; raise moveit.planning_time"),
    -7: MoveItCode("PREEMPTED", "planning was interrupted"),
    -10: MoveItCode(
        "START_STATE_IN_COLLISION",
        f"the arm touches something of the planning scene already; {_SCENE}, or jog it free",
    ),
    -11: MoveItCode("START_STATE_VIOLATES_PATH_CONSTRAINTS", "the arm stands where it may not"),
    -26: MoveItCode(
        "START_STATE_INVALID",
        "the joints' positions are outside their limits or older than the plan; jog the arm back",
    ),
    -12: MoveItCode("GOAL_IN_COLLISION", f"the pose touches something; {_SCENE}", True),
    -13: MoveItCode("GOAL_VIOLATES_PATH_CONSTRAINTS", "the pose breaks a path constraint", True),
    -14: MoveItCode("GOAL_CONSTRAINTS_VIOLATED", "the path found does not end at the pose", True),
    -27: MoveItCode("GOAL_STATE_INVALID", "the pose breaks the joints' limits", True),
    -28: MoveItCode("UNRECOGNIZED_GOAL_TYPE", "the planner does not know this kind of goal"),
    -15: MoveItCode("INVALID_GROUP_NAME", f"there is no such planning group; {_NAMES}"),
    -16: MoveItCode("INVALID_GOAL_CONSTRAINTS", f"the goal is not for this arm; {_NAMES}"),
    -17: MoveItCode(
        "INVALID_ROBOT_STATE", "the arm's state is incomplete; is /joint_states whole?"
    ),
    -18: MoveItCode("INVALID_LINK_NAME", f"there is no such link; {_NAMES}"),
    -19: MoveItCode("INVALID_OBJECT_NAME", "there is no such object in the planning scene"),
    -21: MoveItCode(
        "FRAME_TRANSFORM_FAILURE",
        "the goal's frame is not in TF; is robot_state_publisher running, is base_frame_id right?",
    ),
    -22: MoveItCode("COLLISION_CHECKING_UNAVAILABLE", "MoveIt has no collision checker loaded"),
    -23: MoveItCode("ROBOT_STATE_STALE", "/joint_states is silent; is the robot's driver running?"),
    -24: MoveItCode("SENSOR_INFO_STALE", "the scene's sensor is silent"),
    -25: MoveItCode("COMMUNICATION_FAILURE", "MoveIt's parts do not reach each other"),
    -29: MoveItCode("CRASH", "the planner crashed; see MoveIt's log"),
    -30: MoveItCode("ABORT", "planning was aborted"),
    -31: MoveItCode("NO_IK_SOLUTION", "no joint angles reach the pose", True),
}


def planning_error(code: int, what: str, message: str = "") -> CellError:
    """Return the exception for a MoveIt error code: its number, name, meaning and MoveIt's words.

    Args:
        what: was planned, such as "the straight line to (0.5, 0.1, 0.2) m".
        message: MoveIt's own, where it gave one.
    """
    known = CODES.get(code, MoveItCode("UNKNOWN", "a code that this version does not know"))
    said = f" (MoveIt says: {message})" if message else ""
    text = f"{what}: MoveIt error {code} {known.name}: {known.meaning}{said}"
    return UnreachableError(text) if known.of_the_pose else PlanningError(text)
