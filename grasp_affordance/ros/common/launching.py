"""What launch files share: packages that must be there, what is recorded, the camera on TF."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from grasp_affordance.calibration.calibration_file import read_calibration
from grasp_affordance.cell_file import cell_path
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import to_quaternion

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


class MissingPackagesError(ConfigError):
    """ROS packages that a launch file starts are not installed."""


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
