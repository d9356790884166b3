"""What launch files share: packages that must be there, what is recorded, the camera on TF."""

from collections.abc import Iterable
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from grasp_affordance.calibration.calibration_file import read_calibration
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import to_quaternion
from grasp_affordance.ros.common.share import share_folder

# All that is needed to see later what the cell saw, decided and did.
INCIDENT_TOPICS = (
    "/camera/camera/color/image_raw",
    "/camera/camera/color/camera_info",
    "/camera/camera/aligned_depth_to_color/image_raw",
    "/camera/camera/base_camera",
    "/tf",
    "/tf_static",
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
    "/diagnostics",
    "/rosout",
    "/parameter_events",
)
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


def parameters_file(given: str, ur_type: str) -> str:
    """Return the parameter file of a cell: the one that is given, else that of the type of robot.

    Raises:
        ConfigError: there is none.
    """
    file = Path(given) if given else share_folder() / "config" / f"{ur_type}.yaml"
    if not file.is_file():
        raise ConfigError(
            f"no parameters in {file}: copy config/ur5.yaml, change it to your cell, and pass it "
            "as params_file:="
        )
    return str(file)


def record_command(folder: str, more: Iterable[str] = ()) -> list[str]:
    """Return the command that records `INCIDENT_TOPICS` and more into a new rosbag2 in `folder`."""
    topics = (*INCIDENT_TOPICS, *more)
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
