"""Two simulated robots in one system, each in a namespace: they pick at once and share nothing.

Once with plain processes, and once with launch where it is installed.
"""

import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from grasp_affordance_interfaces.msg import PickResult
from helpers.ros_harness import Ros
from std_srvs.srv import Trigger

from grasp_affordance.ros.common.client import CallError
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.processes import NodeSpec, Processes

ROOT = Path(__file__).parents[2]
ROBOTS = ("robot1", "robot2")
PATIENCE = 300.0  # seconds; eight processes start at once
NODES = ("executor_node", "affordance_node")


def sim_parameters(seed: int) -> dict[str, dict[str, Leaf]]:
    """Return what each node of a simulated robot differs in from config/sim.yaml."""
    return {
        "executor_node": {
            "mujoco.sim.scene": "rows",
            "mujoco.sim.hardness": "ideal",
            "mujoco.sim.seed": seed,
            "frames.max_age": 30.0,
            "frames.timeout": 30.0,
        },
        "affordance_node": {"frames.max_age": 30.0, "frames.timeout": 30.0},
    }


@contextmanager
def two_robots(folder: Path) -> Iterator[list[Processes]]:
    """Two simulated cells, each node a process of its own."""
    with ExitStack() as stack:
        robots = []
        for seed, name in enumerate(ROBOTS):
            processes = stack.enter_context(Processes(folder / name))
            for node, values in sim_parameters(seed).items():
                processes.start(
                    NodeSpec(node, values, ROOT / "config" / "sim.yaml", {"__ns": f"/{name}"})
                )
            robots.append(processes)
        yield robots


def pick_once_each(ros: Ros) -> dict[str, list[PickResult]]:
    """Let both robots pick at the same time; return the results that each has published."""
    results: dict[str, queue.Queue[Any]] = {}
    for name in ROBOTS:
        results[name] = ros.listen(PickResult, f"/{name}/executor_node/pick_result")
    for name in ROBOTS:
        for node in NODES:
            ros.client.wait_active(f"/{name}/{node}", PATIENCE)
    for name in ROBOTS:
        start(ros, name)
    first = {name: [results[name].get(timeout=PATIENCE)] for name in ROBOTS}
    for name in ROBOTS:
        ros.client.call(Trigger, f"/{name}/executor_node/stop", Trigger.Request(), PATIENCE)
        while not results[name].empty():
            first[name].append(results[name].get())
    return first


def start(ros: Ros, name: str) -> None:
    """Start continuous picking as soon as nothing speaks against it."""
    service = f"/{name}/executor_node/start"

    def started() -> bool:
        try:
            return bool(ros.client.call(Trigger, service, Trigger.Request(), PATIENCE).success)
        except CallError:
            return False

    ros.wait_until(started, f"{name} picks", PATIENCE)


def check_separate(ros: Ros, results: dict[str, list[PickResult]]) -> None:
    """Both have picked, each by its own affordance node, and nothing of ours is in the root."""
    assert all(results.values())
    points = [
        tuple(getattr(results[name][0].point.position_base, axis) for axis in "xyz")
        for name in ROBOTS
    ]
    assert points[0] != points[1], "their stacks differ, so must their points"
    shared = {"/diagnostics", "/rosout", "/parameter_events", "/tf", "/tf_static"}
    names = [name for name, _ in ros.node.get_topic_names_and_types()]
    assert not [
        n for n in names if not n.startswith(tuple(f"/{r}/" for r in ROBOTS)) and n not in shared
    ]


@pytest.mark.slow
def test_two_simulated_robots_pick_at_once_in_two_namespaces(ros: Ros, tmp_path: Path) -> None:
    with two_robots(tmp_path) as robots:
        results = pick_once_each(ros)
        check_separate(ros, results)
        for processes in robots:
            processes.check()


PROGRAM = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import PushRosNamespace
service = LaunchService()
for seed, name in enumerate(sys.argv[2:]):
    source = PythonLaunchDescriptionSource(sys.argv[1])
    arguments = [("scene", "rows"), ("hardness", "ideal"), ("seed", str(seed))]
    included = IncludeLaunchDescription(source, launch_arguments=arguments)
    service.include_launch_description(
        LaunchDescription([GroupAction([PushRosNamespace(name), included])])
    )
sys.exit(service.run())
"""


@pytest.mark.slow
def test_two_launched_robots_pick_at_once_in_two_namespaces(ros: Ros) -> None:
    pytest.importorskip("launch_ros")
    file = ROOT / "launch" / "sim.launch.py"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(file), *ROBOTS]) as process:
        try:
            check_separate(ros, pick_once_each(ros))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60.0)
