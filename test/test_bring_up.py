"""Every launch file, argument, service, command and parameter that the pages name exists."""

import ast
import re
from pathlib import Path

import pytest

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cli import COMMANDS
from grasp_affordance.ros.affordance.affordance_config import AffordanceNodeConfig
from grasp_affordance.ros.calibration.calibration_node import CalibrationNodeConfig
from grasp_affordance.ros.common.config_values import flatten
from grasp_affordance.ros.common.parameters import parameters_of
from grasp_affordance.ros.detector.detector_node import DetectorNodeConfig
from grasp_affordance.ros.executor.executor_config import ExecutorNodeConfig
from grasp_affordance.ros.trainer.trainer_config import TrainerNodeConfig

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "docs/annotation.md",
    "docs/bring_up.md",
    "docs/getting_started.md",
    "docs/learning.md",
    "docs/physical_cell.md",
    "docs/picking.md",
    "docs/troubleshooting.md",
)
WITHOUT_PARAMETERS = ("README.md", "docs/getting_started.md")
CONFIGS = (
    ExecutorNodeConfig,
    AffordanceNodeConfig,
    CalibrationNodeConfig,
    DetectorNodeConfig,
    TrainerNodeConfig,
)
BRING_UP = (ROOT / "docs" / "bring_up.md").read_text()


def arguments_of(launch_file: str) -> set[str]:
    """Return the strings that may be names of a launch file's arguments, the common ones among
    them."""
    common = ROOT / "grasp_affordance" / "ros" / "common" / "launching.py"
    return {
        node.value
        for path in (ROOT / "launch" / launch_file, common)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("page", PAGES)
def test_launch_files_and_their_arguments_exist(page: str) -> None:
    lines = re.findall(r"ros2 launch grasp_affordance (\S+\.launch\.py)([^#\n`]*)", _text(page))
    for file, rest in lines:
        given = set(re.findall(r"(\w+):=", rest))
        assert given <= arguments_of(file), f"{file} knows no {given - arguments_of(file)}"


@pytest.mark.parametrize("cell", ["nodes", "recorded", "sim", "gazebo", "ur5"])
def test_every_cell_starts_the_detector_where_its_weights_are_named(cell: str) -> None:
    assert "detector" in arguments_of(f"{cell}.launch.py")


def test_services_and_actions_of_the_guide_are_those_that_the_nodes_serve() -> None:
    named = set(re.findall(r"/(\w+_node)/(\w+)", BRING_UP))
    assert len(named) >= 5
    for node, service in named:
        source = next((ROOT / "grasp_affordance" / "ros").glob(f"*/{node}.py"))
        page = ast.get_docstring(ast.parse(source.read_text())) or ""
        assert f"~/{service}" in page, f"{node} serves no ~/{service}"


def test_commands_of_the_guide_exist() -> None:
    named = set(re.findall(r"grasp-affordance (\w+)", BRING_UP))
    assert named
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in WITHOUT_PARAMETERS])
def test_parameters_exist(page: str) -> None:
    known = {name for kind in CONFIGS for name in parameters_of(kind())}
    cell = CellDescription(bin=BinGeometry())
    known |= set(flatten(CellDescription, cell))
    groups = {name.split(".")[0] for name in known if "." in name}
    named = set(re.findall(r"`((?:[a-z_]+\.)+[a-z_]+)(?::[^`]*)?`", _text(page)))
    named = {name for name in named if name.split(".")[0] in groups}
    named = {name for name in named if not name.endswith((".yaml", ".py", ".json", ".md"))}
    assert named
    unknown = {n for n in named if n not in known and not any(k.startswith(n + ".") for k in known)}
    assert not unknown


def test_files_of_the_guide_exist() -> None:
    for file in re.findall(r"`(config/[\w/.]+)`", BRING_UP):
        assert (ROOT / file).is_file()


def _text(page: str) -> str:
    return (ROOT / page).read_text()
