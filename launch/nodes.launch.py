"""The nodes of grasp_affordance, without a camera or a robot; the other launch files include it.

ros2 launch grasp_affordance nodes.launch.py cell:=my_cell.yaml
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
    "autostart": ("true", "false: leave the node to a lifecycle manager"),
    "use_sim_time": ("false", "true with a simulator's /clock"),
}


def start(context: LaunchContext) -> list[object]:
    """Return the affordance node with the arguments of this launch."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    values: dict[str, object] = {
        name: given[name] == "true" for name in ("autostart", "use_sim_time")
    }
    if given["cell"]:
        values["cell"] = absolute_cell(given["cell"])
    return [
        Node(
            package=PACKAGE,
            executable="affordance_node",
            parameters=parameter_sources(given["params_file"], values),
            output="screen",
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the affordance node in one cell."""
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
