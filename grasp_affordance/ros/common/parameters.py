"""Configuration dataclasses as ROS parameters: declared once, read back checked.

A node's configuration class lists in `PARAMETERS` the fields that are ROS parameters: what somebody
who sets up a cell chooses. Its other fields keep the default that the program gives them.
"""

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.common.config_values import (
    Leaf,
    as_parameter,
    describe,
    flatten,
    unflatten,
)
from grasp_affordance.ros.common.parameter_files import ParametersError, check_files

# What rclpy itself reads from a parameter file.
_OF_RCLPY = ("use_sim_time", "start_type_description_service")


def parameters_of(config: Any) -> dict[str, Leaf]:
    """Return dotted name -> value of the fields of a configuration that are ROS parameters.

    They are those that `PARAMETERS` of its class lists; the name of a nested configuration stands
    for all of its fields. All fields are, where the class has no such list.

    Raises:
        ConfigError: the list names no field.
    """
    values = flatten(type(config), config)
    listed: tuple[str, ...] | None = getattr(config, "PARAMETERS", None)
    if listed is None:
        return values
    missing = [entry for entry in listed if not any(_is_in(name, entry) for name in values)]
    if missing:
        raise ConfigError(f"{type(config).__name__} has no {', '.join(missing)}")
    return {
        name: value for name, value in values.items() if any(_is_in(name, each) for each in listed)
    }


def declare[Config](node: Node, default: Config, fixed: Callable[[str], str]) -> None:
    """Declare the parameters of a configuration, and refuse later changes that would do nothing.

    Types are left to the dataclass, so that `1` may stand for `1.0` and an error names the field.

    Args:
        default: the configuration without any parameter set.
        fixed: of a parameter's name, why it cannot change now; empty where it can.
    """
    descriptions = describe(type(default))
    for name, value in parameters_of(default).items():
        descriptor = ParameterDescriptor(description=descriptions[name], dynamic_typing=True)
        node.declare_parameter(name, as_parameter(value), descriptor)
    node.add_on_set_parameters_callback(lambda changes: _check(node, default, fixed, changes))


def read[Config](node: Node, default: Config) -> Config:
    """Return the configuration that the declared parameters now hold.

    Raises:
        ConfigError: a value is of the wrong type or out of range.
    """
    return unflatten(default, _values(node, parameters_of(default)))


def check_given(node: Node, files: Iterable[Path]) -> None:
    """Check that what a process was started with is meant for its node.

    Args:
        files: parameter files of the process.

    Raises:
        ParametersError: a file holds nothing for the node, or a parameter in a file or on the
            command line is unknown to it.
    """
    check_files(files, node.get_fully_qualified_name())
    # rclpy offers no public way to see overrides of parameters that nobody declared.
    given = [
        name
        for name in node._parameter_overrides
        if name not in _OF_RCLPY and not name.startswith("qos_overrides.")
    ]
    unknown = sorted(name for name in given if not node.has_parameter(name))
    if unknown:
        near = difflib.get_close_matches(unknown[0], [*node._parameters], 1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        raise ParametersError(
            f"unknown parameter {', '.join(unknown)} of {node.get_fully_qualified_name()}: {meant}"
            "docs/parameters.md lists all"
        )


def _values(node: Node, names: Iterable[str]) -> dict[str, object]:
    return {name: node.get_parameter_or(name, Parameter(name)).value for name in names}


def _check(
    node: Node, default: Any, fixed: Callable[[str], str], changes: list[Parameter]
) -> SetParametersResult:
    """Accept a change only if it takes effect and the whole configuration is valid with it."""
    changed = {
        change.name: change.value
        for change in changes
        if change.value != node.get_parameter_or(change.name, change).value
    }
    for name in changed:
        if reason := fixed(name):
            return SetParametersResult(successful=False, reason=reason)
    names = parameters_of(default)
    try:
        values = _values(node, names)
        unflatten(default, values | {k: v for k, v in changed.items() if k in names})
    except ConfigError as error:
        return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


def _is_in(name: str, entry: str) -> bool:
    return name == entry or name.startswith(f"{entry}.")
