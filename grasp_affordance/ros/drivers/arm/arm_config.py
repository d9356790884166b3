"""The parameters of an arm behind a trajectory controller."""

from dataclasses import dataclass, field

from grasp_affordance.errors import ConfigError
from grasp_affordance.execution.safety import JointLimits, Workspace
from grasp_affordance.ros.drivers.arm.contact import ContactConfig


@dataclass(frozen=True)
class ArmConfig:
    """How the arm moves, and when something is wrong.

    Attributes:
        action: the controller's FollowJointTrajectory action, relative to the namespace.
        joint_states: topic of the joints' positions and velocities, relative too.
        home: joint angles from which the camera sees the whole bin, radians.
        speed: of free motions, share of full speed.
        linear_speed: of straight lines, m/s.
        contact_speed: of a guarded approach, m/s.
        goal_tolerance: of every joint at the end of a motion, radians.
        goal_time: how long after its end the goal must be reached, seconds.
        start_tolerance: a plan that starts further from where the arm is is not begun, radians.
        accept_timeout: for the controller to take a trajectory, seconds.
        stop_timeout: for the arm to come to rest, seconds.
        stall_timeout: without any movement under way, seconds: the speed slider is at 0, or the
            program is paused.
        still_speed: below this of every joint the arm stands still, rad/s.
        contact: what counts as contact.
        workspace: where the tool centre point may be.
        joints: where the joints may be.
    """

    action: str = "scaled_joint_trajectory_controller/follow_joint_trajectory"
    joint_states: str = "joint_states"
    home: tuple[float, ...] = (1.804, -1.211, 0.939, -1.299, -1.571, -2.908)
    speed: float = 0.3
    linear_speed: float = 0.25
    contact_speed: float = 0.03
    goal_tolerance: float = 0.005
    goal_time: float = 1.0
    start_tolerance: float = 0.02
    accept_timeout: float = 2.0
    stop_timeout: float = 2.0
    stall_timeout: float = 3.0
    still_speed: float = 0.01
    contact: ContactConfig = field(default_factory=ContactConfig)
    workspace: Workspace = field(default_factory=Workspace)
    joints: JointLimits = field(default_factory=JointLimits)

    def __post_init__(self) -> None:
        if not 0 < self.speed <= 1:
            raise ConfigError(f"speed {self.speed} is a share of full speed: above 0, at most 1")
        if not 0 < self.contact_speed <= self.linear_speed <= 1.5:
            raise ConfigError(
                f"contact_speed {self.contact_speed} and linear_speed {self.linear_speed} m/s: "
                "0 < contact_speed <= linear_speed <= 1.5"
            )
        positive = ("goal_tolerance", "goal_time", "start_tolerance", "accept_timeout")
        for name in (*positive, "stop_timeout", "stall_timeout", "still_speed"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be positive, got {getattr(self, name)}")
        if len(self.home) != len(self.joints.lowest):
            raise ConfigError(f"home has {len(self.home)} angles, the limits others")
