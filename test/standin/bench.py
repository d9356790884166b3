"""The stand-in under test: its processes, and the hands of a person who clears its faults."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import numpy as np
from grasp_affordance_interfaces.action import Pick
from grasp_affordance_interfaces.srv import GetSuctionPoints
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from grasp_affordance.cell_file import with_changes
from grasp_affordance.errors import CellError
from grasp_affordance.ros.common.client import CallError, Client
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.ros.common.spin import spinning
from grasp_affordance.ros.drivers.moveit.moveit_errors import planning_error
from grasp_affordance.ros.drivers.ordered_action_client import OrderedActionClient
from grasp_affordance.ros.drivers.ur.cell import UrConfig
from standin.executor import StandinExecutorNode
from standin.faults import FaultKind
from standin.scenarios import Scenario

STANDIN = "ur_standin"
# Patience for a machine that has more to do than this: two shared cores are no real-time system.
CELL = {
    "arm.speed": 0.8,
    "arm.linear_speed": 0.4,
    "camera.max_age": 2.5,
    "camera.timeout": 5.0,
    "tool.mass": 0.4,
    "pick.load_mass": 0.3,
}
EXECUTOR: dict[str, Leaf] = {"stop_timeout": 10.0}
STANDIN_PARAMETERS: dict[str, Leaf] = {"unlock_delay": 0.5, "camera_rate": 3.0, "every": 4}


def patient(config: UrConfig) -> UrConfig:
    """Return how a cell is driven on a busy machine."""
    return replace(
        config,
        arm=replace(config.arm, accept_timeout=10.0, stop_timeout=5.0),
        # Beside 16 other processes 3 to 6 s were seen.
        status=replace(config.status, joint_timeout=5.0),
        vacuum=replace(config.vacuum, reading_timeout=2.5),
        io=replace(config.io, timeout=4.0),
    )


class Bench:
    """Executor in this process; stand-in and affordance node in processes of their own.

    Attributes:
        executor: under test.
        alive: whether the stand-in runs.
    """

    def __init__(
        self, nodes: Processes, stack: ExitStack, parameters: Mapping[str, Leaf], seed: int
    ) -> None:
        """Start everything and wait until it is ready.

        Args:
            nodes: for the processes.
            stack: closed at the end.
            parameters: of the stand-in.
            seed: of its first stack; each restart gets another.
        """
        self.nodes, self._parameters, self._seed = nodes, dict(parameters), seed
        self.node = Node("fault_injection")
        stack.callback(self.node.destroy_node)
        cell = str(with_changes("sim", CELL, nodes.folder / "cell.yaml"))
        values = EXECUTOR | {"cell": cell}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        self.executor = StandinExecutorNode(patient, parameter_overrides=overrides)
        stack.callback(self.executor.destroy_node)
        self.samples: queue.Queue[float] = queue.Queue()
        self.client = Client(self.node)
        self.node.create_subscription(JointState, "/joint_states", self._note, 10)
        self.pick_client = OrderedActionClient(self.node, Pick, "executor_node/pick")
        self.restarts, self.alive = 0, False
        self.start_standin()
        nodes.start(NodeSpec("affordance_node", {"cell": cell}))
        stack.enter_context(spinning(self.node))
        stack.enter_context(spinning(self.executor))
        self.wait_active(STANDIN)
        self.wait_active("affordance_node")
        self.executor.autostart()
        self.wait_ready()

    def start_standin(self) -> None:
        """Start the stand-in's process with a stack of its own."""
        seed = {"sim.seed": 1000 * self._seed + self.restarts}
        parameters = {**STANDIN_PARAMETERS, **self._parameters, **seed}
        self.restarts, self.alive = self.restarts + 1, True
        self.nodes.start(NodeSpec(STANDIN, parameters, module="standin.node"))

    def kill_standin(self) -> None:
        """End the driver as a crash would."""
        self.alive = False
        self.nodes.kill("standin.node")

    def wait_active(self, name: str) -> None:
        """Wait for a node; a question to one that was killed is never answered, so ask again."""
        deadline = time.monotonic() + 90.0
        while True:
            try:
                return self.client.wait_active(name, 3.0)
            except CallError:
                if time.monotonic() > deadline:
                    raise

    def wait_ready(self) -> None:
        """Wait until robot, camera, its pose and the affordance node are there for the executor."""
        deadline = time.monotonic() + 60.0
        while problem := self.problem():
            if time.monotonic() > deadline:
                raise TimeoutError(f"never ready: {problem}")
            time.sleep(0.05)

    def problem(self) -> str:
        """Return why no pick could begin now; empty when one could."""
        driver = self.executor.driver
        if problem := driver.problem():
            return problem
        try:
            driver.cell.camera.read(newer_than_ns=driver.cell.now_ns())
            driver.cell.camera.pose()
        except CellError as error:
            return str(error)
        request = GetSuctionPoints.Request(count=1)
        service = "affordance_node/get_suction_points"
        answer = self.insist(lambda: self.client.call(GetSuctionPoints, service, request, 5.0))
        return str(answer.message) if "TransformError" in answer.message else ""

    def arm(self, scenario: Scenario, motion: int, progress: float) -> threading.Timer | None:
        """Inject a fault; return the timer that kills the driver, where it is that."""
        if scenario.kills:
            timer = threading.Timer(0.4 + 0.5 * motion, self.kill_standin)
            timer.start()
            return timer
        if scenario.planning:
            planner = self.executor.planner
            planner.fails = planning_error(scenario.planning, f"injected in motion {motion}")
            planner.delay = motion - 1
        else:
            values = dict(scenario.parameters(motion, progress))
            self.insist(lambda: self.client.set_parameters(STANDIN, values))
        return None

    def clear(self, scenario: Scenario) -> None:
        """Do what a person would, and wait until the cell is ready."""
        self.executor.planner.fails = None
        if not self.alive:
            self.start_standin()
            self.wait_active(STANDIN)
        else:
            values: dict[str, Leaf] = {"fault.kind": str(FaultKind.NONE)}
            self.insist(lambda: self.client.set_parameters(STANDIN, values))
        remedies = {
            FaultKind.PROTECTIVE_STOP: ("unlock_protective_stop", "play"),
            FaultKind.EMERGENCY_STOP: ("power_on", "brake_release", "play"),
            FaultKind.PROGRAM_STOPPED: ("play",),
        }
        for service in remedies.get(scenario.kind, ()):
            time.sleep(0.6)  # the robot refuses to unlock a stop at once
            self.trigger(f"/dashboard_client/{service}")
        self.wait_ready()

    def refill(self) -> None:
        """Build a new stack; the arm must be at home."""
        self.trigger(f"{STANDIN}/refill")
        self.wait_ready()

    def trigger(self, service: str) -> str:
        """Call a Trigger service; return its message."""
        request = Trigger.Request()
        return str(self.insist(lambda: self.client.call(Trigger, service, request, 5.0)).message)

    def insist(self, ask: Callable[[], Any]) -> Any:
        """Ask again what a killed process may have been asked in place of its successor."""
        for _ in range(4):
            with suppress(CallError):
                return ask()
        return ask()

    def pick(self) -> Pick.Result:
        """Pick once and wait for the end."""
        if not self.pick_client.wait_for_server(10.0):
            raise TimeoutError("the executor offers no action")
        done = threading.Event()
        results: list[Any] = []

        def ended(future: Any) -> None:
            results.append(future.result().result)
            done.set()

        def accepted(future: Any) -> None:
            future.result().get_result_async().add_done_callback(ended)

        self.pick_client.send_goal_async(Pick.Goal()).add_done_callback(accepted)
        if not done.wait(120.0):
            raise TimeoutError("a pick did not end within two minutes")
        result: Pick.Result = results[0]
        return result

    def speed_now(self) -> float:
        """Return the fastest joint over the next moment, rad/s; NaN where nobody tells."""
        while not self.samples.empty():
            self.samples.get()
        time.sleep(0.3)
        speeds = [self.samples.get() for _ in range(self.samples.qsize())]
        return max(speeds, default=float("nan"))

    def _note(self, message: JointState) -> None:
        self.samples.put(float(np.abs(message.velocity).max()))
