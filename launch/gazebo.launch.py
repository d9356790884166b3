"""The cell in Gazebo (Harmonic): world, arm with vacuum tool, camera, controllers, our nodes.

ros2 launch grasp_affordance gazebo.launch.py gui:=false
"""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import Command
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from grasp_affordance.cell_file import read_cell
from grasp_affordance.ros.common.launching import (
    COMMON,
    GAZEBO_TOPICS,
    absolute_cell,
    decision_nodes,
    describe,
    node,
    recording,
    require_packages,
    rviz,
)
from grasp_affordance.ros.common.share import share_folder

NEEDED = (
    "controller_manager",
    "gz_ros2_control",
    "joint_state_broadcaster",
    "joint_trajectory_controller",
    "moveit_planners_ompl",
    "moveit_py",
    "pilz_industrial_motion_planner",
    "robot_state_publisher",
    "ros_gz_bridge",
    "ros_gz_sim",
    "ur_description",
    "ur_moveit_config",
    "xacro",
)
ARGUMENTS = {
    "cell": ("gazebo", "file of the cell, or the name of one that comes with the package"),
    "gui": ("true", "false: Gazebo without a window"),
    "params_file": ("", "further parameters of our nodes; empty for none"),
    "detector": ("", "weights of `train_detector`: also start the detector node"),
    "record": ("false", "true: record all that is needed to reproduce an incident"),
    "record_folder": ("incident", "folder of that recording; must not exist yet"),
    # No namespace: the names of the world's topics stand in its file.
    **{name: COMMON[name] for name in ("rviz", "autostart")},
    "use_sim_time": ("true", "false: our nodes take this machine's clock"),
}


def start(given: dict[str, str]) -> list[object]:
    """Return what is started with the arguments of this launch."""
    needed = [*NEEDED, *(["rviz2"] if given["rviz"] == "true" else [])]
    needed += ["ros2bag", "rosbag2_storage_mcap"] if given["record"] == "true" else []
    require_packages(needed, "gazebo.launch.py")
    return [*simulation(given), *ours(given)]


def simulation(given: dict[str, str]) -> list[object]:
    """Return Gazebo, the robot in it, its controllers and the bridge."""
    share = share_folder()
    settings = share / "config" / "gazebo"
    xacro = ["xacro ", str(share / "urdf" / "gazebo_cell.urdf.xacro")]
    xacro += [
        f" ur_type:={read_cell(given['cell']).arm.model}",
        f" controllers:={settings / 'controllers.yaml'}",
    ]
    server = "" if given["gui"] == "true" else "-s "
    description = ParameterValue(Command(xacro), value_type=str)
    sim_time = {"use_sim_time": True}
    return [
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(
                [FindPackageShare("ros_gz_sim"), "/launch/gz_sim.launch.py"]
            ),
            launch_arguments={
                "gz_args": f"{server}-r {share / 'worlds' / 'cell.sdf'}",
                "on_exit_shutdown": "true",
            }.items(),
        ),
        Node(
            package="robot_state_publisher",
            executable="robot_state_publisher",
            parameters=[{"robot_description": description}, sim_time],
        ),
        Node(
            package="ros_gz_sim",
            executable="create",
            arguments=["-topic", "robot_description", "-name", "ur"],
        ),
        Node(
            package="controller_manager",
            executable="spawner",
            arguments=["joint_state_broadcaster", "scaled_joint_trajectory_controller"],
        ),
        Node(
            package="ros_gz_bridge",
            executable="parameter_bridge",
            parameters=[{"config_file": str(settings / "bridge.yaml")}, sim_time],
            output="screen",
        ),
    ]


def ours(given: dict[str, str]) -> list[object]:
    """Return our nodes, RViz and the recording."""
    given = given | {"cell": absolute_cell(given["cell"])}
    return [
        node("executor_node", given, {"cell": given["cell"]}),
        decision_nodes(given),
        *rviz(given, "cell.rviz"),
        *recording(given, GAZEBO_TOPICS),
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; what they start is decided when they are known."""
    return describe("gazebo.launch.py", ARGUMENTS, start)
