"""Packages that come with an installed ROS and are not on PyPI: loaded where they are used."""

import importlib
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from grasp_affordance.errors import ConfigError


def require(module: str, package: str, why: str) -> Any:
    """Return a module of a ROS package.

    Raises:
        ConfigError: it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(_missing(package, why, f" ({error})")) from error


def require_installed(package: str, why: str) -> None:
    """Look whether a ROS package is there that is loaded by others, such as a plugin of MoveIt.

    Raises:
        ConfigError: it is not installed, with the command that installs it.
    """
    try:
        get_package_prefix(package)
    except PackageNotFoundError as error:
        raise ConfigError(_missing(package, why)) from error


def _missing(package: str, why: str, detail: str = "") -> str:
    return (
        f"{why} needs the ROS package {package}, which is not installed{detail}: "
        f"sudo apt install ros-$ROS_DISTRO-{package.replace('_', '-')}"
    )
