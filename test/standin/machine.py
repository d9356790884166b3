"""The simulated cell run as a machine: always in motion, commanded through controller and pins."""

import logging
import queue
import threading
from collections.abc import Callable

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import SimCell, SimConfig
from standin.controller import INVALID_GOAL, End, ScaledController
from standin.faults import FaultConfig, FaultKind, Faults
from standin.robot import Robot

_log = logging.getLogger(__name__)

_TIDY = 125  # control periods between looks for objects that fell beside the bin


class Machine:
    """Physics in a thread of its own, one control period after the other.

    Attributes:
        robot, controller, faults: the parts that ROS talks to.
        joints, velocities: of the arm, (6,) radians and rad/s.
        outputs: digital outputs, by pin.
    """

    def __init__(
        self,
        config: SimConfig,
        vacuum_pin: int,
        unlock_delay: float,
        on_period: Callable[[], None],
    ) -> None:
        """Build the cell and let the arm stand at home.

        Args:
            vacuum_pin: the digital output that switches the ejector.
            on_period: called after every control period, in the physics thread.
        """
        self._sim = SimCell(config)
        self._vacuum_pin, self._on_period = vacuum_pin, on_period
        self.controller = ScaledController(self._sim.arm.joints)
        self.robot = Robot(unlock_delay, self._deactivate)
        self.faults = Faults()
        self.joints = self._sim.arm.joints
        self.velocities = np.zeros_like(self.joints)
        self.outputs = dict.fromkeys(range(18), False)
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="physics")

    def start(self) -> None:
        """Let time pass."""
        self._thread.start()

    def close(self) -> None:
        """Stop time."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._sim.close()

    @property
    def scaling(self) -> float:
        """Speed scaling that the robot applies, a factor."""
        return 0.0 if self.faults.active is FaultKind.SPEED_ZERO else 1.0

    @property
    def camera_pose(self) -> Array:
        """`T_base_camera` (4, 4) as calibrated."""
        return self._sim.camera.pose()

    def expose(self) -> RgbdFrame:
        """Return a frame of this moment."""
        return self._sim.camera.read()

    def vacuum(self) -> float:
        """Return what the vacuum at the sensor is, kilopascals below ambient."""
        return self._sim.gripper.vacuum()

    def set_output(self, pin: int, on: bool) -> None:
        """Switch a digital output, within the next control period."""
        self._ask(lambda: self._switch(pin, on))

    def refill(self) -> str:
        """Build the next stack with the arm at home; return what it is."""
        return self._ask(self._next_stack)

    def arm_fault(self, config: FaultConfig) -> None:
        """Have a fault from now on, or none."""
        self._strike(self.faults.arm(config, self.controller.started))

    def truth(self) -> str:
        """Return what really became of the last attempt, and the fault that struck, for scoring."""
        truth = self._sim.truth()
        return f"{truth.outcome} {truth.cause} {self.faults.active}"

    def _ask[T](self, order: Callable[[], T]) -> T:
        """Have something done between two control periods; return its result."""
        done = threading.Event()
        results: list[T] = []

        def carry_out() -> None:
            results.append(order())
            done.set()

        self._orders.put(carry_out)
        while not done.wait(0.1):
            if self._ending.is_set():
                raise RuntimeError("the machine is being switched off")
        return results[0]

    def _run(self) -> None:
        periods = 0
        while not self._ending.is_set():
            while not self._orders.empty():
                self._orders.get()()
            self._step()
            periods += 1
            if periods % _TIDY == 0:
                with self._sim.world.lock:
                    self._sim.monitor.remove_lost()
            self._on_period()

    def _step(self) -> None:
        world, arm = self._sim.world, self._sim.arm
        goal = self.controller.goal
        if goal is not None:
            self._strike(self.faults.during(self.controller.started, goal.progress))
        target, velocity = self.controller.step(world.period, self.scaling, self.joints)
        with world.lock:
            arm.track(target, velocity)
        world.step()
        before, self.joints = self.joints, arm.joints
        self.velocities = (self.joints - before) / world.period

    def _strike(self, kind: FaultKind) -> None:
        if kind is FaultKind.NONE:
            return
        _log.warning("fault: %s", kind)
        match kind:
            case FaultKind.PROTECTIVE_STOP:
                self.robot.protective_stop()
            case FaultKind.EMERGENCY_STOP:
                self.robot.emergency_stop()
            case FaultKind.PROGRAM_STOPPED:
                self.robot.stop_program()
            case FaultKind.LOST_VACUUM:
                with self._sim.world.lock:
                    self._sim.suction.detach()

    def _deactivate(self) -> None:
        text = "Current goal cancelled during deactivate transition."
        self.controller.give_up(End.ABORTED, INVALID_GOAL, text)

    def _switch(self, pin: int, on: bool) -> None:
        changed = self.outputs[pin] != on
        self.outputs[pin] = on
        if pin == self._vacuum_pin and changed:
            if on:
                self._sim.gripper.grasp()
            else:
                self._sim.gripper.release()

    def _next_stack(self) -> str:
        self._sim.next_stack()
        self.controller.hold(self._sim.arm.joints)
        self.joints = self._sim.arm.joints
        return f"{self._sim.objects_left()} objects, stack {self._sim.stack}"
