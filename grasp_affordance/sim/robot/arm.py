"""The UR5 in the physics: position-controlled motion that stops on request and on contact."""

import threading
from collections.abc import Callable, Sequence

import mujoco
import numpy as np

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load, Motion
from grasp_affordance.errors import CollisionError, StoppedError
from grasp_affordance.geometry import Array, approach_pose, check_rigid
from grasp_affordance.sim.config import SimConfig
from grasp_affordance.sim.cup.suction import Suction
from grasp_affordance.sim.robot import kinematics
from grasp_affordance.sim.robot.tool_clearance import check_tool_clearance
from grasp_affordance.sim.robot.trajectory import JointPath, SpeedProfile
from grasp_affordance.sim.scene import ARM, TOOL, TOOL_LENGTH
from grasp_affordance.sim.world import World

_JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
_POSTURE = (kinematics.Branch(shoulder=1, wrist=-1, elbow=1),)  # elbow up, always
_ELBOW_UP = np.radians([103.0, -70.0, 60.0, -80.0, -90.0, -167.0])  # near home
_HOME_HEIGHT = 0.36  # metres of the TCP above the bin's floor
_SAFE_ABOVE_RIM = 0.04  # metres between rim and TCP from which free motions are allowed
_SPACING = 0.015  # metres between the waypoints of a straight line
_REACHED = 1.5e-3  # radians
_LONGEST_SETTLING = 0.20  # seconds
_LONGEST_BRAKING = 0.25  # seconds
_STANDING = 0.02  # rad/s


class SimArm:
    """`cell.Arm` in the simulator; its TCP is the centre of the relaxed cup rim."""

    def __init__(self, config: SimConfig) -> None:
        self._config = config
        self._limits = config.limits
        self._stop = threading.Event()
        x, y = config.place
        posture = approach_pose((x, y, config.bin.floor + _HOME_HEIGHT), (0.0, 0.0, -1.0))
        self.command: Array
        self.home_joints: Array = _joints(posture, near=_ELBOW_UP)
        self.collided = False

    def enter(self, world: World, suction: Suction) -> None:
        """Stand at home in a new stack's physics."""
        self._world, self._suction = world, suction
        model = world.model
        self._qpos = np.array([model.joint(f"{ARM}{j}").qposadr[0] for j in _JOINTS])
        self._qvel = np.array([model.joint(f"{ARM}{j}").dofadr[0] for j in _JOINTS])
        self._actuators = np.array([model.actuator(f"{ARM}{j}").id for j in _JOINTS])
        gain = model.actuator_gainprm[self._actuators, 0]
        self._damping = -model.actuator_biasprm[self._actuators, 2] / gain
        self._rigid = np.zeros(model.ngeom, dtype=bool)
        for geom in range(model.ngeom):
            body = model.body(model.geom_bodyid[geom]).name
            self._rigid[geom] = body.startswith((ARM, TOOL))
        self._rigid[model.geom(f"{TOOL}cup_rim").id] = False
        world.data.qpos[self._qpos] = self.home_joints
        self.hold(self.home_joints)
        self.collided = False
        self._tolerated: set[tuple[int, int]] = set()
        self._tolerated_compression = self._config.cup.stroke

    @property
    def joints(self) -> Array:
        """Joint angles (6,), radians."""
        return np.array(self._world.data.qpos[self._qpos])

    def tcp_pose(self) -> Array:
        """Return `T_base_tool` (4, 4) from the joint angles."""
        with self._world.lock:
            T = kinematics.forward(self.joints)
        T[:3, 3] += TOOL_LENGTH * T[:3, 2]
        return T

    def check_reachable(self, T_base_tool: Array, load: Load | None = None) -> None:  # noqa: ARG002
        """Raise UnreachableError unless joints and bin walls allow the pose of the tool."""
        T = check_rigid(T_base_tool, "T_base_tool")
        _joints(T, near=self.home_joints)
        check_tool_clearance(T, self._config.bin, self._suction.cup.radius)

    def rehearse(self, motions: Sequence[Motion]) -> None:
        """See `cell.Arm`; what the simulated arm can reach it can reach from anywhere."""
        for motion in motions:
            self.check_reachable(motion.T_base_tool)

    def set_bin(self, box: BinGeometry) -> None:
        """See `cell.Arm`; the physics knows where the walls are."""

    def carry(self, load: Load | None) -> None:
        """See `cell.Arm`; the physics knows what hangs there."""

    def move_to(self, T_base_tool: Array, *, linear: bool = False) -> None:
        """Move to a pose; a free motion first rises above the bin's rim and sinks at its end."""
        self.check_reachable(T_base_tool)
        self._stop.clear()
        if linear:
            self._move_linear(T_base_tool)
            return
        safe = self._config.bin.rim + _SAFE_ABOVE_RIM
        start = self.tcp_pose()
        if start[2, 3] < safe - 1e-3:
            self._move_linear(_raised(start, safe))
        above = _raised(T_base_tool, max(safe, T_base_tool[2, 3]))
        end = _joints(above, near=self.command)
        self._move_joints(end)
        if above[2, 3] > T_base_tool[2, 3] + 1e-6:
            self._move_linear(T_base_tool)

    def move_until_contact(self, T_base_tool: Array) -> bool:
        """Descend slowly; stop once the bellows is compressed; return whether it was."""
        self.check_reachable(T_base_tool)
        self._stop.clear()
        limit = self._limits.contact_compression
        path = self._linear_path(T_base_tool)
        profile = SpeedProfile.plan(
            path.length, self._limits.contact_speed, self._limits.linear_acceleration
        )
        return self._follow(path, profile, until=lambda: self._suction.compression >= limit)

    def home(self) -> None:
        """Move to above the place area, out of the camera's view."""
        self._stop.clear()
        safe = self._config.bin.rim + _SAFE_ABOVE_RIM
        start = self.tcp_pose()
        if start[2, 3] < safe - 1e-3:
            self._move_linear(_raised(start, safe))
        self._move_joints(self.home_joints)

    def stop(self) -> None:
        """Stop the motion under way within one control period; callable from any thread."""
        self._stop.set()

    def _acceleration_factor(self) -> float:
        return self._limits.carrying if self._suction.attached >= 0 else 1.0

    def _move_joints(self, end: Array) -> None:
        path = JointPath.straight(self.command, end)
        acceleration = self._limits.joint_acceleration * self._acceleration_factor()
        self._follow(path, SpeedProfile.plan(path.length, self._limits.joint_speed, acceleration))

    def _move_linear(self, T_base_tool: Array) -> None:
        path, limits = self._linear_path(T_base_tool), self._limits
        rises = T_base_tool[2, 3] > self.tcp_pose()[2, 3]
        fast, slow = limits.linear_acceleration, limits.linear_acceleration
        slow *= self._acceleration_factor()
        # What takes from the weight of a load, not what adds to it, may be as fast as without one.
        ramps = (slow, fast) if rises else (fast, slow)
        self._follow(path, SpeedProfile.plan(path.length, limits.linear_speed, *ramps))

    def _linear_path(self, T_base_tool: Array) -> JointPath:
        start = kinematics.forward(self.command)
        end = _flange(np.asarray(T_base_tool, dtype=np.float64))
        span = end[:3, 3] - start[:3, 3]
        turn = _rotation_vector(start[:3, :3].T @ end[:3, :3])
        length = max(float(np.linalg.norm(span)), 0.2 * float(np.linalg.norm(turn)))
        count = max(1, int(np.ceil(length / _SPACING)))
        joints = [self.command]
        for k in range(1, count + 1):
            T = start.copy()
            T[:3, 3] = start[:3, 3] + span * k / count
            T[:3, :3] = start[:3, :3] @ _rotation(turn * k / count)
            joints.append(kinematics.inverse(T, joints[-1], _POSTURE))
        return JointPath(np.linspace(0.0, length, count + 1), np.array(joints))

    def _follow(
        self, path: JointPath, profile: SpeedProfile, until: Callable[[], bool] | None = None
    ) -> bool:
        """Track a path; return whether `until` became true, which ends it early."""
        period = self._world.period
        self._tolerated = self._pressed_pairs() if until is None else set()
        self._tolerated_compression = max(0.9 * self._config.cup.stroke, self._suction.compression)
        steps = int(np.ceil(profile.duration / period))
        target = self.command
        for k in range(1, steps + 1):
            previous, target = target, path.at(profile.distance(k * period))
            self.track(target, (target - previous) / period)
            self._world.step()
            self._raise_if_interrupted(guarded=until is not None)
            if until is not None and until():
                self._settle_at(target)
                return True
        self._settle_at(target)
        return until is not None and until()

    def _settle_at(self, target: Array) -> None:
        self.hold(target)
        for _ in range(round(_LONGEST_SETTLING / self._world.period)):
            if np.abs(self.joints - target).max() < _REACHED:
                return
            self._world.step()
            self._raise_if_interrupted(guarded=True)

    def hold(self, target: Array) -> None:
        """Command these joints (6,) as they are, without a motion towards them."""
        self.command = target
        self._world.data.ctrl[self._actuators] = target

    def track(self, target: Array, velocity: Array) -> None:
        """Command joints (6,) that move at `velocity` (6,), rad/s, for one control period."""
        self.command = target
        self._world.data.ctrl[self._actuators] = target + self._damping * velocity

    def _brake(self) -> None:
        """Come to a stand where the joints are now."""
        self.hold(self.joints)
        for _ in range(round(_LONGEST_BRAKING / self._world.period)):
            self._world.step()
            if np.abs(self._world.data.qvel[self._qvel]).max() < _STANDING:
                return

    def _raise_if_interrupted(self, guarded: bool) -> None:
        if self._stop.is_set():
            self._brake()
            raise StoppedError("the motion was stopped by a call of stop()")
        touched = self._collision(guarded)
        if touched:
            self.collided = True
            self._brake()
            raise CollisionError(f"{touched}; the arm has stopped")

    def _collision(self, guarded: bool) -> str | None:
        """Return what was hit; what already touched when the motion began may still touch."""
        free = self._suction.attached < 0 and not guarded
        if free and self._suction.compression > self._tolerated_compression + 5e-4:
            return f"the cup was pressed in by {self._suction.compression * 1e3:.0f} mm"
        for pair, force in self._contacts():
            if force > self._limits.contact_force and pair not in self._tolerated:
                first, second = (self._world.model.geom(g).name or "an object" for g in pair)
                return f"{first} hit {second} with {force:.0f} N"
        return None

    def _pressed_pairs(self) -> set[tuple[int, int]]:
        return {pair for pair, _ in self._contacts()}

    def _contacts(self) -> list[tuple[tuple[int, int], float]]:
        """Return the contacts of arm and tool (without the cup rim): geoms and normal force."""
        world = self._world
        pairs = world.data.contact.geom
        if not len(pairs):
            return []
        wrench = np.empty(6)
        found = []
        for k in np.flatnonzero(self._rigid[pairs].any(axis=1)):
            mujoco.mj_contactForce(world.model, world.data, int(k), wrench)
            found.append(((int(pairs[k, 0]), int(pairs[k, 1])), float(wrench[0])))
        return found


def _joints(T_base_tool: Array, near: Array) -> Array:
    return kinematics.inverse(_flange(T_base_tool), near, _POSTURE)


def _flange(T_base_tool: Array) -> Array:
    T = np.array(T_base_tool, dtype=np.float64)
    T[:3, 3] -= TOOL_LENGTH * T[:3, 2]
    return T


def _raised(T: Array, height: float) -> Array:
    raised = np.array(T, dtype=np.float64)
    raised[2, 3] = height
    return raised


def _rotation_vector(R: Array) -> Array:
    quat, vector = np.empty(4), np.empty(3)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(R).flatten())
    mujoco.mju_quat2Vel(vector, quat, 1.0)
    return vector


def _rotation(vector: Array) -> Array:
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    quat, matrix = np.empty(4), np.empty(9)
    mujoco.mju_axisAngle2Quat(quat, vector / angle, angle)
    mujoco.mju_quat2Mat(matrix, quat)
    return matrix.reshape(3, 3)
