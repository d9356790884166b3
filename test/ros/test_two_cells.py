"""Two simulated cells in one system, each in a namespace of its own, pick at the same time."""

import queue
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from grasp_affordance_interfaces.msg import PickResult
from helpers.ros_harness import Ros
from std_srvs.srv import Trigger

from grasp_affordance.cell_file import with_changes
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.ros.common.processes import NodeSpec, Processes

CELLS = ("left", "right")
PATIENCE = 180.0  # seconds; four processes that load PyTorch share two cores


def cell_of(name: str, folder: Path) -> str:
    """Write a cell whose frames have a prefix of its own; return its path."""
    changes = {"tf_prefix": f"{name}_", "camera.max_age": 20.0, "camera.timeout": 20.0}
    return str(with_changes("sim", changes, folder / f"{name}.yaml"))


def nodes_of(name: str, folder: Path) -> list[NodeSpec]:
    """Executor and affordance node of a cell, whose frames have a prefix of its own."""
    cell: dict[str, Leaf] = {"cell": cell_of(name, folder)}
    play: dict[str, Leaf] = {
        "simulation.scene": "rows",
        "simulation.hardness": "ideal",
        "simulation.objects": 3,
    }
    remappings = {"__ns": f"/{name}"}
    return [
        NodeSpec("executor_node", cell | play, remappings=remappings),
        NodeSpec("affordance_node", cell | {"from_scratch": True}, remappings=remappings),
    ]


def pick_at_once(ros: Ros, results: dict[str, "queue.Queue[Any]"]) -> None:
    """Wait for the nodes of both cells, start both, and hear of a pick of each."""
    for name in CELLS:
        for node in ("executor_node", "affordance_node"):
            ros.client.wait_active(f"/{name}/{node}", PATIENCE)
    for name in CELLS:
        service = f"/{name}/executor_node/start"
        answer = ros.client.call(Trigger, service, Trigger.Request(), PATIENCE)
        assert answer.success, answer.message
    for name in CELLS:
        result = results[name].get(timeout=PATIENCE)
        assert result.outcome != PickResult.OUTCOME_ABORTED, result.detail
        assert result.header.frame_id == f"{name}_base"
        assert result.point.header.frame_id.startswith(f"{name}_camera")


@pytest.mark.slow
def test_two_cells_in_two_namespaces_pick_at_once(ros: Ros, tmp_path: Path) -> None:
    left, right = (Processes(tmp_path / name) for name in CELLS)
    results: dict[str, queue.Queue[Any]] = {
        name: ros.listen(PickResult, f"/{name}/executor_node/pick_result", 100) for name in CELLS
    }
    with left, right:
        for name, processes in zip(CELLS, (left, right), strict=True):
            for spec in nodes_of(name, tmp_path):
                processes.start(spec)
        pick_at_once(ros, results)


PROGRAM = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService()
for path in sys.argv[2:]:
    source = PythonLaunchDescriptionSource(sys.argv[1])
    name = path.rpartition("/")[2].removesuffix(".yaml")
    arguments = [("scene", "rows"), ("hardness", "ideal"), ("namespace", name), ("cell", path)]
    included = IncludeLaunchDescription(source, launch_arguments=arguments)
    service.include_launch_description(LaunchDescription([included]))
sys.exit(service.run())
"""


@pytest.mark.slow
def test_two_launched_cells_in_two_namespaces_pick_at_once(ros: Ros, tmp_path: Path) -> None:
    pytest.importorskip("launch_ros")
    results: dict[str, queue.Queue[Any]] = {
        name: ros.listen(PickResult, f"/{name}/executor_node/pick_result", 100) for name in CELLS
    }
    file = Path(__file__).parents[2] / "launch" / "sim.launch.py"
    cells = [cell_of(name, tmp_path) for name in CELLS]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(file), *cells]) as process:
        try:
            pick_at_once(ros, results)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60.0)
