"""Every parameter file fits its nodes, and holds nothing but differences from their defaults."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from helpers.ros_harness import Ros

from grasp_affordance.affordance.cell_config import predictor_config
from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.make_policy import threshold_of
from grasp_affordance.learning.online import OnlineConfig
from grasp_affordance.ros.affordance.affordance_config import AffordanceNodeConfig
from grasp_affordance.ros.common.config_values import flatten, unflatten
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.parameter_files import read_sections
from grasp_affordance.ros.common.parameters import parameters_of
from grasp_affordance.ros.common.processes import NodeSpec

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "config").glob("*.yaml"))
OF_ANY_NODE = {"use_sim_time", "autostart"}


def node_type(name: str) -> Any:
    """Return the class of the node whose module has this name."""
    module = importlib.import_module(NodeSpec(name).program)
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
    for section, values in read_sections(path).items():
        name = section.removeprefix("/**/")
        assert f"/**/{name}" == section, "it matches in one namespace only"
        default = ros.start(node_type(name), autostart=False).config
        assert set(values) <= {*parameters_of(default), *OF_ANY_NODE}
        given = {key: value for key, value in values.items() if key not in OF_ANY_NODE}
        config = unflatten(default, given)
        before, after = flatten(type(default), default), flatten(type(config), config)
        same = [key for key in given if before[key] == after[key]]
        assert not same, f"{path.name}: {name}: {same} are defaults already"


@pytest.mark.parametrize("name", ["sim", "ur5", "ur5e", "gazebo"])
def test_a_cell_that_picks_decides_as_training_and_evaluation_do(name: str) -> None:
    served = predictor_config(read_cell(name))
    trained = OnlineConfig()
    assert served.candidates.min_probability == threshold_of("learned")
    assert served.source is trained.predictor.source
    assert AffordanceNodeConfig().explorer.decision == trained.decision


def test_a_file_of_another_form_is_a_named_error(tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    for text in ("a: [", "camera_node: {rate: 1}", "[]"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="not a ROS parameter file"):
            read_sections(path)
