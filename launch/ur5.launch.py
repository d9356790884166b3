"""The physical cell: UR driver, MoveIt, RealSense, our nodes, RViz, a recording.

ros2 launch grasp_affordance ur5.launch.py robot_ip:=192.168.1.102 cell:=my_cell.yaml
ros2 launch grasp_affordance ur5.launch.py use_mock_hardware:=true camera:=false
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cell_file import read_cell
from grasp_affordance.ros.common.launching import (
    COMMON,
    absolute_cell,
    decision_nodes,
    describe,
    node,
    recording,
    require_packages,
    rviz,
    static_transform_arguments,
)

PLANNING = (
    "moveit_planners_ompl",
    "moveit_py",
    "pilz_industrial_motion_planner",
    "ur_moveit_config",
)
ARGUMENTS = {
    "cell": ("ur5", "file of the cell, or ur5, ur5e: a copy of one with your cell's numbers"),
    "robot_ip": ("192.168.1.102", "address of the robot"),
    "use_mock_hardware": ("false", "true: the driver mirrors commands, no robot is needed"),
    "headless_mode": ("false", "true: no External Control program on the pendant is needed"),
    "kinematics_params_file": ("", "YAML of ur_calibration for this very robot; empty: nominal"),
    "move_group": ("false", "true: also MoveIt's own node; the executor plans without it"),
    "camera": ("true", "false: somebody else publishes the camera's topics"),
    "serial_no": ("''", "of the RealSense, where several are plugged in"),
    "calibrating": ("false", "true: calibration_node instead of the nodes that pick"),
    "params_file": ("", "further parameters of our nodes; empty for none"),
    "attempts": ("", "folder for every attempt; with one, a trainer learns from them"),
    "detector": ("", "weights of `train_detector`: also start the detector node"),
    "record": ("false", "true: record all that is needed to reproduce an incident"),
    "record_folder": ("incident", "folder of that recording; must not exist yet"),
    **COMMON,
    "rviz": ("true", "false: no RViz"),
}


def include(package: str, file: str, **arguments: str) -> IncludeLaunchDescription:
    """Include another package's launch file."""
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource([FindPackageShare(package), f"/launch/{file}"]),
        launch_arguments=arguments.items(),
    )


def start(given: dict[str, str]) -> list[object]:
    """Return what is started with the arguments of this launch."""
    needed = ["ur_robot_driver", "ur_msgs", "control_msgs"]
    needed += [] if given["calibrating"] == "true" else [*PLANNING]
    needed += ["realsense2_camera"] if given["camera"] == "true" else []
    cell = read_cell(given["cell"])
    needed += ["tf2_ros"] if cell.camera.calibration else []
    needed += ["rviz2"] if given["rviz"] == "true" else []
    needed += ["ros2bag", "rosbag2_storage_mcap"] if given["record"] == "true" else []
    require_packages(needed, "ur5.launch.py")
    return [*robot(given, cell), *camera(given, cell), *ours(given)]


def robot(given: dict[str, str], cell: CellDescription) -> list[object]:
    """Return the UR driver, and MoveIt's node where asked for."""
    names = ("robot_ip", "use_mock_hardware", "headless_mode")
    arguments = {name: given[name] for name in names} | {"launch_rviz": "false"}
    arguments["ur_type"] = cell.arm.model
    if cell.tf_prefix:
        arguments["tf_prefix"] = cell.tf_prefix
    if given["kinematics_params_file"]:
        arguments["kinematics_params_file"] = given["kinematics_params_file"]
    parts = [include("ur_robot_driver", "ur_control.launch.py", **arguments)]
    if given["move_group"] == "true":
        moveit = {"ur_type": cell.arm.model, "launch_rviz": "false"}
        parts.append(include("ur_moveit_config", "ur_moveit.launch.py", **moveit))
    return parts


def camera(given: dict[str, str], cell: CellDescription) -> list[object]:
    """Return the RealSense with depth aligned to color, and its place on TF."""
    parts: list[object] = []
    if given["camera"] == "true":
        settings = {
            "serial_no": given["serial_no"],
            "align_depth.enable": "true",
            "enable_sync": "true",
            "rgb_camera.color_profile": "640,480,15",
            "depth_module.depth_profile": "640,480,15",
            "pointcloud.enable": "false",
            "initial_reset": "true",
            # The calibration places the optical frame itself; two parents would break the tree.
            "publish_tf": "false" if cell.camera.calibration else "true",
        }
        parts.append(include("realsense2_camera", "rs_launch.py", **settings))
    if cell.camera.calibration:
        parts.append(
            Node(
                package="tf2_ros",
                executable="static_transform_publisher",
                name="camera_calibration",
                arguments=static_transform_arguments(cell.camera.calibration),
            )
        )
    return parts


def ours(given: dict[str, str]) -> list[object]:
    """Return our nodes, RViz and the recording."""
    given = given | {"cell": absolute_cell(given["cell"])}
    cell = given["cell"]
    if given["calibrating"] == "true":
        parts: list[object] = [node("calibration_node", given, {"cell": cell})]
    else:
        values: dict[str, object] = {
            "cell": cell,
            "mock_hardware": given["use_mock_hardware"] == "true",
        }
        learning = []
        if given["attempts"]:
            attempts = str(Path(given["attempts"]).absolute())
            values["record.directory"] = attempts
            learning = [node("trainer_node", given, {"cell": cell, "directory": attempts})]
        parts = [
            node("executor_node", given, values, {"continuous.failure_cap": 5}),
            *learning,
            decision_nodes(given),
        ]
    return [*parts, *rviz(given, "cell.rviz"), *recording(given)]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; what they start is decided when they are known."""
    return describe("ur5.launch.py", ARGUMENTS, start)
