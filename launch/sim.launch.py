"""The simulated cell with all nodes: start picking with the service /executor_node/start.

ros2 launch grasp_affordance sim.launch.py scene:=random hardness:=realistic seed:=0

With `record:=FOLDER` every attempt is kept, and a trainer learns from them.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from grasp_affordance.ros.common.launching import absolute_cell, parameter_sources
from grasp_affordance.ros.common.share import PACKAGE, share_folder, transport_environment
from grasp_affordance.sim import SCENES, Hardness

ARGUMENTS = {
    "cell": ("sim", "file of the cell, or the name of one that comes with the package"),
    "scene": ("train", f"train or one of {', '.join(SCENES)}"),
    "hardness": ("realistic", f"one of {', '.join(Hardness)}"),
    "seed": ("0", "of everything random"),
    "params_file": ("", "further parameters of the nodes; empty for none"),
    "detector": ("", "weights of `train_detector`: also start the detector node"),
    "record": ("", "folder for every attempt; with one, a trainer learns from them"),
}


def start(context: LaunchContext) -> list[object]:
    """Return what is started with the arguments of this launch."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    cell, file = absolute_cell(given["cell"]), given["params_file"]
    values: dict[str, object] = {
        "cell": cell,
        "simulation.scene": given["scene"],
        "simulation.hardness": given["hardness"],
        "simulation.seed": int(given["seed"]),
    }
    learning: list[object] = []
    if record := given["record"]:
        values["record.directory"] = record
        learning = [node("trainer_node", file, {"cell": cell, "directory": record})]
    nodes = str(share_folder() / "launch" / "nodes.launch.py")
    return [
        node("executor_node", file, values),
        *learning,
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(nodes),
            launch_arguments={
                "cell": cell,
                "params_file": file,
                "detector": given["detector"],
            }.items(),
        ),
    ]


def node(name: str, file: str, values: dict[str, object]) -> Node:
    """Return one of our nodes."""
    parameters = parameter_sources(file, values)
    return Node(package=PACKAGE, executable=name, parameters=parameters, output="screen")


def generate_launch_description() -> LaunchDescription:
    """Start the executor with the simulated cell in its process, and our other nodes."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            *(SetEnvironmentVariable(k, v) for k, v in transport_environment().items()),
            OpaqueFunction(function=start),
        ]
    )
