"""Every parameter file fits its nodes, and holds nothing but differences from their defaults."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from helpers.ros_harness import Ros

from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.common import parameters
from grasp_affordance.ros.common.config_values import flatten, unflatten
from grasp_affordance.ros.common.node import ManagedNode

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "config").glob("*.yaml"))
OF_ANY_NODE = {"use_sim_time", "autostart"}


def node_type(name: str) -> Any:
    """Return the class of the node whose module has this name."""
    module = importlib.import_module(f"grasp_affordance.ros.{name}")
    (found,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ManagedNode)
        and value.__module__ == module.__name__
    ]
    return found


def test_there_are_parameter_files() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_parameter_file_loads_and_says_nothing_that_is_the_default(ros: Ros, path: Path) -> None:
    for name, values in parameters.read_file(path).items():
        default = ros.start(node_type(name), autostart=False).config
        given = {key: value for key, value in values.items() if key not in OF_ANY_NODE}
        config = unflatten(default, given)
        before, after = flatten(type(default), default), flatten(type(config), config)
        same = [key for key in given if before[key] == after[key]]
        assert not same, f"{path.name}: {name}: {same} are defaults already"


def test_a_file_of_another_form_is_a_named_error(tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    for text in ("a: [", "camera_node: {rate: 1}", "[]"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="not a ROS parameter file"):
            parameters.read_file(path)
