"""Starts the ROS client library, or says in one line why it does not start."""

import os
from collections.abc import Sequence

import rclpy
from rclpy.signals import SignalHandlerOptions

from grasp_affordance.errors import ConfigError

_HIGHEST_DOMAIN = 232  # beyond it DDS has no port
_REMEDIES = {
    "log": "set ROS_LOG_DIR, or HOME, to a folder that can be written",
    "params file": "correct the parameter file; it needs `node_name: ros__parameters: ...`",
    "ROS arguments": "see `ros2 run --help` for what may follow --ros-args",
    "override rule": "give parameters as -p NAME:=VALUE",
}


def start_ros(arguments: Sequence[str] | None = None) -> None:
    """Initialise rclpy; signals are left to the caller.

    Args:
        arguments: of the process; by default `sys.argv`.

    Raises:
        ConfigError: the environment, an argument or a parameter file makes it impossible.
    """
    domain = os.environ.get("ROS_DOMAIN_ID", "")
    if domain and not (domain.isdecimal() and int(domain) <= _HIGHEST_DOMAIN):
        raise ConfigError(
            f"ROS_DOMAIN_ID '{domain}' is not a number between 0 and {_HIGHEST_DOMAIN}"
        )
    try:
        rclpy.init(
            args=None if arguments is None else list(arguments),
            signal_handler_options=SignalHandlerOptions.NO,
        )
    except RuntimeError as error:  # the root of what rclpy raises from C
        rclpy.try_shutdown()
        what = str(error).partition(", at /")[0].replace("\n", " ")
        remedies = (remedy for part, remedy in _REMEDIES.items() if part in what)
        raise ConfigError(f"ROS does not start: {what}; {next(remedies, 'correct it')}") from error
