"""The simulated cell with all nodes: start picking with the service /executor_node/start.

ros2 launch grasp_affordance sim.launch.py scene:=random hardness:=realistic seed:=0

With `record:=FOLDER` every attempt is kept, and a trainer learns from them.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, SetEnvironmentVariable
from launch.conditions import UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import EqualsSubstitution, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from grasp_affordance.ros.common.share import PACKAGE, share_folder, transport_environment
from grasp_affordance.sim import SCENES, Hardness


def generate_launch_description() -> LaunchDescription:
    """Start the executor with the simulated cell in its process, and our other nodes."""
    share = share_folder()
    record = LaunchConfiguration("record")
    parameters: dict[str, object] = {
        f"mujoco.sim.{name}": ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, kind in (("scene", str), ("hardness", str), ("seed", int))
    }
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "scene", default_value="train", description=f"train or one of {', '.join(SCENES)}"
            ),
            DeclareLaunchArgument(
                "hardness", default_value="realistic", description=f"one of {', '.join(Hardness)}"
            ),
            DeclareLaunchArgument("seed", default_value="0", description="of everything random"),
            DeclareLaunchArgument(
                "params_file",
                default_value=str(share / "config" / "sim.yaml"),
                description="parameters of the nodes: differences from the defaults",
            ),
            DeclareLaunchArgument(
                "detector",
                default_value="",
                description="weights of `train_detector`: also start the detector node",
            ),
            *(SetEnvironmentVariable(k, v) for k, v in transport_environment().items()),
            DeclareLaunchArgument(
                "record",
                default_value="",
                description="folder for every attempt; with one, a trainer learns from them",
            ),
            Node(
                package=PACKAGE,
                executable="executor_node",
                parameters=[
                    LaunchConfiguration("params_file"),
                    parameters | {"record.directory": ParameterValue(record, value_type=str)},
                ],
                output="screen",
            ),
            Node(
                package=PACKAGE,
                executable="trainer_node",
                parameters=[
                    LaunchConfiguration("params_file"),
                    {"directory": ParameterValue(record, value_type=str)},
                ],
                output="screen",
                condition=UnlessCondition(EqualsSubstitution(record, "")),
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(share / "launch" / "nodes.launch.py")),
                launch_arguments=[
                    (name, LaunchConfiguration(name)) for name in ("params_file", "detector")
                ],
            ),
        ]
    )
