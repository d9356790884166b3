"""Packages that come with an installed ROS and are not on PyPI: loaded where they are used."""

import importlib
from typing import Any

from grasp_affordance.errors import ConfigError


def require(module: str, package: str, why: str) -> Any:
    """Return a module of a ROS package.

    Raises:
        ConfigError: it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        debian = package.replace("_", "-")
        raise ConfigError(
            f"{why} needs the ROS package {package}, which is not installed ({error}): "
            f"sudo apt install ros-$ROS_DISTRO-{debian}"
        ) from error
