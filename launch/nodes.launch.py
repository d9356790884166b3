"""The nodes of grasp_affordance, without a camera or a robot; the other launch files include it.

ros2 launch grasp_affordance nodes.launch.py cell:=my_cell.yaml

With `detector:=WEIGHTS` the detector of grasp rectangles runs beside.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from grasp_affordance.ros.common.launching import absolute_cell, parameter_sources
from grasp_affordance.ros.common.share import PACKAGE, transport_environment

ARGUMENTS = {
    "cell": ("", "file of the cell, or sim, ur5, ur5e, gazebo; empty: nothing is known of it"),
    "params_file": ("", "further parameters of the node; empty for none"),
    "detector": ("", "weights of `train_detector`: also start the detector node"),
    "autostart": ("true", "false: leave the node to a lifecycle manager"),
    "use_sim_time": ("false", "true with a simulator's /clock"),
}


def start(context: LaunchContext) -> list[object]:
    """Return what is started with the arguments of this launch."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    values: dict[str, object] = {
        name: given[name] == "true" for name in ("autostart", "use_sim_time")
    }
    if given["cell"]:
        values["cell"] = absolute_cell(given["cell"])
    started: dict[str, dict[str, object]] = {"affordance_node": values}
    if given["detector"]:
        started["detector_node"] = values | {"weights": given["detector"]}
    return [
        Node(
            package=PACKAGE,
            executable=name,
            parameters=parameter_sources(given["params_file"], own),
            output="screen",
        )
        for name, own in started.items()
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the affordance node in one cell, and the detector on demand."""
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
