"""What launch files share: their arguments, packages that must be there, RViz, what is recorded.

launch itself is not on PyPI: it is loaded where a launch file runs, which has it.
"""

import difflib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from grasp_affordance.calibration.calibration_file import read_calibration
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cell_file import cell_path, read_cell
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import to_quaternion
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.share import PACKAGE, share_folder, transport_environment

# All that is needed to see later what the cell saw, decided and did; in its namespace.
INCIDENT_TOPICS = (
    "/camera/camera/color/image_raw",
    "/camera/camera/color/camera_info",
    "/camera/camera/aligned_depth_to_color/image_raw",
    "/camera/camera/base_camera",
    "/robot_description",
    "/joint_states",
    "/scaled_joint_trajectory_controller/controller_state",
    "/io_and_status_controller/io_states",
    "/io_and_status_controller/robot_mode",
    "/io_and_status_controller/safety_mode",
    "/io_and_status_controller/robot_program_running",
    "/speed_scaling_state_broadcaster/speed_scaling",
    "/force_torque_sensor_broadcaster/wrench",
    "/affordance_node/overlay",
    "/affordance_node/points",
    "/executor_node/pick_result",
    "/executor_node/state",
    "/executor_node/plan",
    "/executor_node/deadman",
    "/model",
)
SYSTEM_TOPICS = ("/tf", "/tf_static", "/diagnostics", "/rosout", "/parameter_events")
GAZEBO_TOPICS = ("/clock", "/gazebo/arm_poses", "/gazebo/object_poses", "/tool/wrench")


# Arguments that every launch file has: name -> (default, meaning). None asks for a value.
Arguments = Mapping[str, tuple[str | None, str]]
COMMON: Arguments = {
    "namespace": ("", "of all nodes and topics, where several cells share one system"),
    "rviz": ("false", "true: start RViz"),
    "autostart": ("true", "false: leave our nodes to a lifecycle manager"),
    "use_sim_time": ("false", "true with a simulator's /clock"),
}
_OF_LAUNCH = "ros_"  # what launch_ros keeps beside the arguments, such as a group's namespace
_INCLUDED = "included_by_grasp_affordance"  # what one of our files gives another one beside


class MissingPackagesError(ConfigError):
    """ROS packages that a launch file starts are not installed."""


def describe(file: str, arguments: Arguments, start: Callable[[dict[str, str]], list[Any]]) -> Any:
    """Return the LaunchDescription of one of our launch files.

    It declares the arguments, warns of those that it does not have, and starts all in their
    namespace.

    Args:
        file: its name.
        arguments: its own and those of `COMMON` that it has.
        start: returns what is started with the values of the arguments.
    """
    from launch import LaunchContext, LaunchDescription
    from launch.actions import (
        DeclareLaunchArgument,
        GroupAction,
        LogInfo,
        OpaqueFunction,
        SetEnvironmentVariable,
    )
    from launch_ros.actions import PushROSNamespace

    def begin(context: LaunchContext) -> list[Any]:
        given = {name: str(context.launch_configurations[name]) for name in arguments}
        known = context.launch_configurations
        warnings = [] if _INCLUDED in known else unknown_arguments(file, known, arguments)
        namespace = given.get("namespace", "")
        pushed = [PushROSNamespace(namespace)] if namespace else []
        return [
            *(LogInfo(msg=f"WARNING: {warning}") for warning in warnings),
            GroupAction([*pushed, *start(given)]),
        ]

    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in arguments.items()
    ]
    environment = transport_environment().items()
    return LaunchDescription(
        [
            *declared,
            *(SetEnvironmentVariable(key, value) for key, value in environment),
            OpaqueFunction(function=begin),
        ]
    )


def unknown_arguments(file: str, given: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a sentence for each argument that a launch file was given and does not have."""
    names = list(known)
    sentences = []
    for name in sorted(set(given) - set(names)):
        if name.startswith(_OF_LAUNCH):
            continue
        near = difflib.get_close_matches(name, names, 1)
        meant = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(names)}"
        sentences.append(f"{file} has no argument {name}{meant}")
    return sentences


def node(
    name: str,
    given: Mapping[str, str],
    values: Mapping[str, object] | None = None,
    defaults: Mapping[str, object] | None = None,
) -> Any:
    """Return one of our nodes.

    Args:
        given: arguments of the launch file; `autostart` and `use_sim_time` go to the node, its
            `params_file` goes before them.
        values: further parameters, which win over those of the file.
        defaults: over which the file wins.
    """
    from launch_ros.actions import Node

    shared = {key: given[key] == "true" for key in ("autostart", "use_sim_time") if key in given}
    sources = parameter_sources(given.get("params_file", ""), shared | dict(values or {}))
    parameters = [*([dict(defaults)] if defaults else []), *sources]
    return Node(package=PACKAGE, executable=name, parameters=parameters, output="screen")


def decision_nodes(given: Mapping[str, str]) -> Any:
    """Return `nodes.launch.py` with the arguments that it shares with the file that includes it."""
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    shared = ("cell", "params_file", "detector", "autostart", "use_sim_time")
    arguments = {name: given.get(name, "") for name in shared}
    # The group around it has the namespace, and who includes it starts RViz.
    arguments |= {"namespace": "", "rviz": "false", _INCLUDED: "true"}
    path = str(share_folder() / "launch" / "nodes.launch.py")
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(path), launch_arguments=list(arguments.items())
    )


def rviz(given: Mapping[str, str], layout: str) -> list[Any]:
    """Return RViz where `rviz:=true` asks for it.

    Args:
        layout: name of a file in config/.

    Raises:
        MissingPackagesError: it is not installed.
    """
    if given["rviz"] != "true":
        return []
    from launch_ros.actions import Node

    require_packages(["rviz2"], "rviz:=true")
    use_sim_time = given.get("use_sim_time", "false") == "true"
    file = rviz_layout(layout, given.get("namespace", ""), given.get("cell", ""))
    return [
        Node(
            package="rviz2",
            executable="rviz2",
            arguments=["-d", file],
            parameters=[{"use_sim_time": use_sim_time}],
        )
    ]


def rviz_layout(layout: str, namespace: str = "", cell: str = "") -> str:
    """Return the path of a layout of config/ with the names of a cell's topics and base frame.

    Args:
        namespace: of the cell's topics.
        cell: name or file of the cell; empty where none is described.

    Raises:
        CellFileError: there is no such cell.
    """
    path = share_folder() / "config" / layout
    described = read_cell(cell) if cell else CellDescription()
    own = f"/{namespace.strip('/')}" if namespace else ""
    camera = f"/{described.camera.topics}/"

    def adapt(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: adapt(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [adapt(each) for each in value]
        if key in ("Fixed Frame", "Target Frame") and value == CellDescription.base_frame:
            return described.base_frame_id
        if key == "Value" and isinstance(value, str) and value.startswith("/"):
            return own + value.replace(f"/{topics.CAMERA}/", camera, 1)
        return value

    content = yaml.safe_load(path.read_text())
    adapted = adapt(content)
    if adapted == content:
        return str(path)
    with tempfile.NamedTemporaryFile("w", suffix=f"_{layout}", delete=False) as file:
        yaml.safe_dump(adapted, file, sort_keys=False)
    return file.name


def require_packages(names: Iterable[str], launch_file: str) -> None:
    """Raise MissingPackagesError, in one line, unless all ROS packages are installed."""
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        debian = " ".join(f"ros-$ROS_DISTRO-{name.replace('_', '-')}" for name in missing)
        raise MissingPackagesError(
            f"{launch_file} needs {', '.join(missing)}: sudo apt install {debian}"
        )


def parameter_sources(file: str, values: Mapping[str, object]) -> list[object]:
    """Return the parameters of a node: a file of them, where one is given, and values."""
    return [*([file] if file else []), dict(values)]


def absolute_cell(name: str) -> str:
    """Return a cell as every node finds it, wherever it is started: its absolute path.

    Raises:
        CellFileError: there is no such cell.
    """
    return str(cell_path(name).absolute())


def record_command(folder: str, more: Iterable[str] = (), namespace: str = "") -> list[str]:
    """Return the command that records `INCIDENT_TOPICS` and more into a new rosbag2 in `folder`.

    Args:
        namespace: of the cell; TF, diagnostics and logs are those of the whole system.
    """
    own = f"/{namespace.strip('/')}" if namespace else ""
    topics = (*(own + topic for topic in INCIDENT_TOPICS), *SYSTEM_TOPICS, *more)
    return ["ros2", "bag", "record", "--storage", "mcap", "--output", folder, "--topics", *topics]


def recording(given: Mapping[str, str], more: Iterable[str] = ()) -> list[Any]:
    """Return the recording of an incident where `record:=true` asks for it; see `record_command`.

    Args:
        more: topics beside.
    """
    if given["record"] != "true":
        return []
    from launch.actions import ExecuteProcess

    command = record_command(given["record_folder"], more, given.get("namespace", ""))
    return [ExecuteProcess(cmd=command, output="screen")]


def static_transform_arguments(calibration: str) -> list[str]:
    """Return the arguments of tf2_ros's static_transform_publisher for a calibration file.

    Raises:
        CalibrationError: the file cannot be used.
    """
    known = read_calibration(Path(calibration))
    x, y, z = known.T_parent_camera[:3, 3]
    qx, qy, qz, qw = to_quaternion(known.T_parent_camera)
    values = {"x": x, "y": y, "z": z, "qx": qx, "qy": qy, "qz": qz, "qw": qw}
    arguments = [text for name, value in values.items() for text in (f"--{name}", f"{value:.9f}")]
    return [*arguments, "--frame-id", known.parent, "--child-frame-id", known.child]


def _is_installed(name: str) -> bool:
    try:
        get_package_prefix(name)
    except PackageNotFoundError:
        return False
    return True
