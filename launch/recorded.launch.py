"""Play a recording into the affordance node, as a camera would.

ros2 launch grasp_affordance recorded.launch.py recording:=/path/to/sequence rviz:=true
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from grasp_affordance.ros.common.share import PACKAGE, share_folder, transport_environment


def generate_launch_description() -> LaunchDescription:
    """Start the camera node on a recording, our nodes, and RViz on demand."""
    share = share_folder()
    cell = ParameterValue(LaunchConfiguration("cell"), value_type=str)
    recording = ParameterValue(LaunchConfiguration("recording"), value_type=str)
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "recording",
                description="sequence folder (camera.json, NNNN.color.png ...) or rosbag2",
            ),
            DeclareLaunchArgument(
                "cell",
                default_value="",
                description="file of the cell, or sim, ur5, ur5e, gazebo; empty: nothing is known",
            ),
            DeclareLaunchArgument("rviz", default_value="false", description="true: start RViz"),
            DeclareLaunchArgument(
                "params_file",
                default_value=str(share / "config" / "recorded.yaml"),
                description="parameters of the camera node: differences from the defaults",
            ),
            DeclareLaunchArgument(
                "detector",
                default_value="",
                description="weights of `train_detector`: also start the detector node",
            ),
            *(SetEnvironmentVariable(k, v) for k, v in transport_environment().items()),
            Node(
                package=PACKAGE,
                executable="camera_node",
                parameters=[
                    LaunchConfiguration("params_file"),
                    {"recording": recording, "cell": cell},
                ],
                output="screen",
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(share / "launch" / "nodes.launch.py")),
                launch_arguments=[
                    (name, LaunchConfiguration(name)) for name in ("cell", "detector")
                ],
            ),
            Node(
                package="rviz2",
                executable="rviz2",
                arguments=["-d", str(share / "config" / "affordance.rviz")],
                condition=IfCondition(LaunchConfiguration("rviz")),
            ),
        ]
    )
