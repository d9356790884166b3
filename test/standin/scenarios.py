"""What each fault must lead to: the outcome, its cause, and the words that a person reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.ros.common.config_values import Leaf
from standin.faults import FaultKind

_ARM, _GRIPPER = frozenset({Cause.ARM_FAULT}), frozenset({Cause.GRIPPER_FAULT})
_EITHER = _ARM | _GRIPPER  # whichever notices the silence first
_ANY = _EITHER | {Cause.CAMERA_LOST}  # the stand-in's process is the camera's driver as well


@dataclass(frozen=True)
class Scenario:
    """A fault, when it strikes, and how the pick must end.

    Attributes:
        name: for tables.
        kind: of the stand-in; NONE where the fault is not the stand-in's.
        motions: the trajectories of a pick in which it may strike (1 to pre-grasp, 2 down, 3 until
            contact, 4 lift, 5 over the place, 6 down, 7 up, 8 home); 0 strikes before the first.
        outcomes: that are right; an empty set where nothing may be attempted.
        causes: that are right.
        words: one of them is part of the message.
        planning: MoveIt error code that the planner gives; 0 for none.
        kills: whether the driver's process is killed instead.
    """

    name: str
    kind: FaultKind = FaultKind.NONE
    motions: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    outcomes: frozenset[Outcome] = frozenset({Outcome.ABORTED})
    causes: frozenset[Cause] = _ARM
    words: tuple[str, ...] = field(default=("",))
    planning: int = 0
    kills: bool = False

    def parameters(self, motion: int, progress: float) -> Mapping[str, Leaf]:
        """Return the stand-in's parameters that arm it."""
        return {
            "fault.kind": str(self.kind),
            "fault.motion": motion,
            "fault.progress": progress,
        }

    def flaw(self, outcome: Outcome | None, cause: Cause, message: str) -> str:
        """Return what is wrong with how a pick ended under the fault; empty when it is right.

        Args:
            outcome: None where nothing was attempted.
        """
        if (outcome is None) != (not self.outcomes):
            return f"attempted: {outcome is not None}, which is wrong"
        if outcome is not None and outcome not in self.outcomes:
            return f"outcome {outcome}"
        if outcome is not None and cause not in self.causes:
            return f"cause {cause}"
        if not any(word in message for word in self.words):
            return f"message '{message}'"
        return ""


_LOST = frozenset({Outcome.FAILURE, Outcome.UNCERTAIN})
_LOST_CAUSES = frozenset({Cause.LOST_AT_LIFT, Cause.LOST_IN_TRANSPORT, Cause.SENSORS_DISAGREE})

SCENARIOS = (
    Scenario(
        "vacuum lost while lifting",
        FaultKind.LOST_VACUUM,
        (4,),
        _LOST,
        _LOST_CAUSES,
        ("vacuum was gone", "something left the bin", "collapsed"),
    ),
    Scenario(
        "vacuum lost in transport",
        FaultKind.LOST_VACUUM,
        (5,),
        _LOST,
        _LOST_CAUSES,
        ("vacuum was gone", "something left the bin", "collapsed"),
    ),
    Scenario(
        "pressure sensor stuck",
        FaultKind.STUCK_SENSOR,
        (1, 2, 3, 4, 5, 6),
        causes=_GRIPPER,
        words=("stuck",),
    ),
    Scenario(
        "wire of the sensor broken",
        FaultKind.BROKEN_WIRE,
        causes=_GRIPPER,
        words=("outside the sensor's range",),
    ),
    Scenario("protective stop", FaultKind.PROTECTIVE_STOP, words=("protective stop",)),
    Scenario("emergency stop", FaultKind.EMERGENCY_STOP, words=("emergency stop",)),
    Scenario("program stopped", FaultKind.PROGRAM_STOPPED, words=("program does not run",)),
    Scenario("speed slider at 0", FaultKind.SPEED_ZERO, (1, 4, 5), words=("has not moved",)),
    Scenario(
        "driver hangs",
        FaultKind.SILENCE,
        causes=_EITHER,
        words=("no joint states", "s old", "did not answer"),
    ),
    Scenario(
        "driver killed",
        kills=True,
        causes=_ANY,
        words=("no joint states", "s old", "did not answer", "nobody offers", "camera is lost"),
    ),
    Scenario(
        "camera freezes",
        FaultKind.CAMERA_FREEZES,
        (1,),
        causes=frozenset({Cause.CAMERA_LOST}),
        words=("the camera is lost",),
    ),
    Scenario(
        "TF missing",
        FaultKind.TF_MISSING,
        (0,),
        frozenset(),
        words=("no transform",),
    ),
    Scenario("planning times out", planning=-6, words=("MoveIt error -6 TIMED_OUT",)),
    Scenario(
        "no inverse kinematics",
        planning=-31,
        causes=frozenset({Cause.UNREACHABLE}),
        words=("MoveIt error -31 NO_IK_SOLUTION",),
    ),
    Scenario(
        "I/O service hangs",
        FaultKind.IO_HANGS,
        (1, 5),
        causes=_GRIPPER,
        words=("did not answer",),
    ),
    Scenario(
        "payload refused",
        FaultKind.PAYLOAD_REFUSED,
        (1, 3),
        words=("refused a payload",),
    ),
    Scenario(
        "I/O refused",
        FaultKind.IO_REFUSED,
        (1, 5),
        causes=_GRIPPER,
        words=("refused to switch",),
    ),
)
