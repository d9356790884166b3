"""Configuration dataclasses as ROS parameters: declared once, read back checked."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.common.config_values import as_parameter, describe, flatten, unflatten

# What rclpy itself reads from a parameter file.
_OF_RCLPY = ("use_sim_time", "start_type_description_service", "qos_overrides.")


def declare[Config](node: Node, default: Config) -> None:
    """Declare every field of `default` as a parameter and refuse later changes that are invalid.

    Types are left to the dataclass, so that `1` may stand for `1.0` and an error names the field.
    """
    descriptions = describe(type(default))
    for name, value in flatten(type(default), default).items():
        node.declare_parameter(name, as_parameter(value), _descriptor(descriptions[name]))
    node.add_on_set_parameters_callback(lambda changes: _check(node, default, changes))


def read[Config](node: Node, default: Config) -> Config:
    """Return the configuration that the declared parameters now hold.

    Raises:
        ConfigError: a value is of the wrong type or out of range, or a key of the parameter file
            or command line is unknown.
    """
    names = list(flatten(type(default), default))
    # rclpy offers no public way to see overrides of parameters that nobody declared.
    given = {name for name in node._parameter_overrides if not name.startswith(_OF_RCLPY)}
    undeclared = {name: None for name in given if not node.has_parameter(name)}
    return unflatten(default, _values(node, names) | undeclared)


def read_file(path: Path) -> dict[str, dict[str, Any]]:
    """Return node name -> flat parameters of a ROS parameter file.

    Raises:
        ConfigError: the file is missing or is not of the form `node: ros__parameters: {...}`.
    """
    try:
        content = yaml.safe_load(path.read_text())
        return {
            node.strip("/"): _flat(entry["ros__parameters"], "") for node, entry in content.items()
        }
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}: not a ROS parameter file (node name: ros__parameters: ...): {error!r}"
        ) from error


def _descriptor(description: str) -> ParameterDescriptor:
    return ParameterDescriptor(description=description, dynamic_typing=True)


def _values(node: Node, names: Iterable[str]) -> dict[str, object]:
    return {name: node.get_parameter_or(name, Parameter(name)).value for name in names}


def _check(node: Node, default: Any, changes: list[Parameter]) -> SetParametersResult:
    """Accept a change only if the whole configuration is valid with it."""
    names = list(flatten(type(default), default))
    changed = {change.name: change.value for change in changes if change.name in names}
    try:
        unflatten(default, _values(node, names) | changed)
    except ConfigError as error:
        return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


def _flat(entry: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, Mapping):
            values |= _flat(value, f"{prefix}{key}.")
        else:
            values[prefix + key] = value
    return values
