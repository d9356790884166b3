"""Record a sequence of removals under a running camera, for automatic annotation.

ros2 launch grasp_affordance record.launch.py folder:=/path/to/sequence

Keeps a frame by itself after each removal; `by_itself:=false` waits for the service
/recorder_node/record. The bin and the camera's topics are those of `cell`.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from grasp_affordance.ros.common.share import PACKAGE, transport_environment


def generate_launch_description() -> LaunchDescription:
    """Start the recorder node; a camera is running."""
    parameters = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, kind in (("folder", str), ("by_itself", bool), ("cell", str))
    }
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "folder", description="sequence to write; one of the same camera is gone on with"
            ),
            DeclareLaunchArgument(
                "by_itself",
                default_value="true",
                description="false: keep a frame only when ~/record is called",
            ),
            DeclareLaunchArgument(
                "cell",
                default_value="",
                description="file of the cell, or sim, ur5, ur5e, gazebo; empty: nothing is known",
            ),
            *(SetEnvironmentVariable(k, v) for k, v in transport_environment().items()),
            Node(
                package=PACKAGE,
                executable="recorder_node",
                parameters=[parameters],
                output="screen",
            ),
        ]
    )
