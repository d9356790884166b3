"""The simulated cell with all nodes: start picking with the service /executor_node/start.

ros2 launch grasp_affordance sim.launch.py scene:=random hardness:=realistic seed:=0 rviz:=true

With `record:=FOLDER` every attempt is kept, and a trainer learns from them. RViz shows the arm
where robot_state_publisher is installed.
"""

from launch import LaunchDescription
from launch_ros.actions import Node

from grasp_affordance.cell_file import read_cell
from grasp_affordance.ros.common.launching import (
    COMMON,
    absolute_cell,
    decision_nodes,
    describe,
    node,
    require_packages,
    rviz,
)
from grasp_affordance.sim import SCENES, Hardness
from grasp_affordance.sim.robot.urdf import arm_urdf

ARGUMENTS = {
    "cell": ("sim", "file of the cell, or the name of one that comes with the package"),
    "scene": ("train", f"train or one of {', '.join(SCENES)}"),
    "hardness": ("realistic", f"one of {', '.join(Hardness)}"),
    "seed": ("0", "of everything random"),
    "params_file": ("", "further parameters of the nodes; empty for none"),
    "detector": ("", "weights of `train_detector`: also start the detector node"),
    "record": ("", "folder for every attempt; with one, a trainer learns from them"),
    **COMMON,
}


def start(given: dict[str, str]) -> list[object]:
    """Return what is started with the arguments of this launch."""
    given = given | {"cell": absolute_cell(given["cell"])}
    cell = given["cell"]
    values: dict[str, object] = {
        "cell": cell,
        "simulation.scene": given["scene"],
        "simulation.hardness": given["hardness"],
        "simulation.seed": int(given["seed"]),
    }
    learning: list[object] = []
    if record := given["record"]:
        values["record.directory"] = record
        learning = [node("trainer_node", given, {"cell": cell, "directory": record})]
    return [
        node("executor_node", given, values),
        *learning,
        decision_nodes(given),
        *robot_model(given),
        *rviz(given, "cell.rviz"),
    ]


def robot_model(given: dict[str, str]) -> list[object]:
    """Return what shows the arm in RViz; the executor publishes its joint states."""
    if given["rviz"] != "true":
        return []
    require_packages(["robot_state_publisher", "rviz2"], "sim.launch.py with rviz:=true")
    described = read_cell(given["cell"])
    description = arm_urdf(described.tf_prefix, described.base_frame)
    return [
        Node(
            package="robot_state_publisher",
            executable="robot_state_publisher",
            parameters=[
                {
                    "robot_description": description,
                    "use_sim_time": given["use_sim_time"] == "true",
                }
            ],
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the executor with the simulated cell in its process, and our other nodes."""
    return describe("sim.launch.py", ARGUMENTS, start)
