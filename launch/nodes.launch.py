"""The nodes of grasp_affordance, without a camera or a robot; the other launch files include it.

ros2 launch grasp_affordance nodes.launch.py params_file:=my_cell.yaml
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from grasp_affordance.ros.common.share import PACKAGE, share_folder, transport_environment


def generate_launch_description() -> LaunchDescription:
    """Start the affordance node with the parameters of one cell."""
    parameters = [
        LaunchConfiguration("params_file"),
        {
            "autostart": LaunchConfiguration("autostart"),
            "use_sim_time": LaunchConfiguration("use_sim_time"),
        },
    ]
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "params_file",
                default_value=str(share_folder() / "config" / "recorded.yaml"),
                description="parameters of this cell: differences from the defaults",
            ),
            DeclareLaunchArgument(
                "autostart",
                default_value="true",
                description="false: leave the nodes to a lifecycle manager",
            ),
            DeclareLaunchArgument(
                "use_sim_time", default_value="false", description="true with a simulator's /clock"
            ),
            *(SetEnvironmentVariable(k, v) for k, v in transport_environment().items()),
            Node(
                package=PACKAGE,
                executable="affordance_node",
                parameters=parameters,
                output="screen",
            ),
        ]
    )
