"""The nodes of grasp_affordance, without a camera or a robot; the other launch files include it.

ros2 launch grasp_affordance nodes.launch.py params_file:=my_cell.yaml

With `detector:=WEIGHTS` the detector of grasp rectangles runs beside.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.conditions import UnlessCondition
from launch.substitutions import EqualsSubstitution, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from grasp_affordance.ros.common.share import PACKAGE, share_folder, transport_environment


def generate_launch_description() -> LaunchDescription:
    """Start the affordance node with the parameters of one cell, and the detector on demand."""
    detector = LaunchConfiguration("detector")
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
            DeclareLaunchArgument(
                "detector",
                default_value="",
                description="weights of `train_detector`: also start the detector node",
            ),
            *(SetEnvironmentVariable(k, v) for k, v in transport_environment().items()),
            Node(
                package=PACKAGE,
                executable="affordance_node",
                parameters=parameters,
                output="screen",
            ),
            Node(
                package=PACKAGE,
                executable="detector_node",
                parameters=[*parameters, {"weights": ParameterValue(detector, value_type=str)}],
                output="screen",
                condition=UnlessCondition(EqualsSubstitution(detector, "")),
            ),
        ]
    )
