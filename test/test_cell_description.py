"""One description of a cell: every key once, checked as a whole, the same after writing it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from grasp_affordance.affordance.candidates import ABSTAIN_BELOW
from grasp_affordance.affordance.cell_config import predictor_config
from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.cell_description import (
    CellDescription,
    CellKind,
    cell_from_dict,
    cell_to_dict,
    set_keys,
)
from grasp_affordance.cell_file import (
    CellFileError,
    read_cell,
    required_cell,
    shipped_cells,
    with_changes,
    write_cell,
)
from grasp_affordance.config_dict import differences, nested, to_dict
from grasp_affordance.errors import ConfigError
from grasp_affordance.suction import Source

ROOT = Path(__file__).parents[1]
NAMES = ("gazebo", "sim", "ur5", "ur5e")


def leaves(values: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Every value of nested mappings by its dotted key."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        inner = isinstance(value, Mapping)
        found |= leaves(value, f"{where}{key}.") if inner else {where + key: value}
    return found


def test_the_shipped_cells_are_those_of_the_folder() -> None:
    assert tuple(shipped_cells()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_cell_loads_by_name_and_says_nothing_that_is_a_default(name: str) -> None:
    path = ROOT / "config" / "cells" / f"{name}.yaml"
    cell = read_cell(name)
    assert cell == read_cell(path)
    assert cell.bin is not None
    given = leaves(yaml.safe_load(path.read_text()))
    defaults = leaves(cell_to_dict(CellDescription()))
    assert [key for key, value in given.items() if defaults.get(key) == value] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_is_the_same_after_a_file_and_after_json(name: str, tmp_path: Path) -> None:
    cell = read_cell(name)
    assert read_cell(write_cell(tmp_path / "cell.yaml", cell)) == cell
    assert cell_from_dict(json.loads(json.dumps(cell_to_dict(cell)))) == cell


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bim: {}", r"bim: unknown key; the nearest is bin$"),
        ("arm: {sped: 0.2}", r"arm\.sped: unknown key; the nearest is arm\.speed$"),
        ("zzz: 1", r"zzz: unknown key; known are bin, bins, cup, "),
        ("arm: {speed: fast}", r"arm\.speed: expected a number, got 'fast'"),
        ("arm: {speed: true}", r"arm\.speed: expected a number, got True"),
        ("arm: {speed: .nan}", r"arm\.speed: expected a number, got nan"),
        ("gripper: {vacuum_pin: 1.5}", r"gripper\.vacuum_pin: expected a whole number, got 1\.5"),
        ("arm: {kind: kuka}", r"arm\.kind: expected one of mujoco, ur, gazebo, got 'kuka'"),
        ("arm: {lowest: [0, 0]}", r"arm\.lowest: expected a list of 3, got \[0, 0\]"),
        ("arm: {lowest: [0, 0, x]}", r"arm\.lowest\[2\]: expected a number, got 'x'"),
        ("arm: {speed: 2.0}", r"arm: speed 2\.0 is a share"),
        ("arm: 3", r"arm: expected keys with values, got 3"),
        ("bin: {centre: [0.5, 0.0]}", r"bin\.size is missing"),
        ("bin: {centre: [0.5, 0.0], size: [0.4, 0.4, 0.0]}", r"bin: bin size"),
        ("camera: {pose: [0, 0, 0, 0, 0, 0, 0]}", r"camera: pose: "),
        ("cup: {radius: 0.01}\ncup: {radius: 0.02}", r"the key 'cup' stands there twice"),
        ("- 1", r"expected keys with values"),
        ("a: [", r"cell\.yaml: while parsing"),
    ],
)
def test_a_wrong_file_is_refused_by_key(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    path.write_text(text)
    with pytest.raises(CellFileError, match=message) as caught:
        read_cell(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bin.size": [0.03, 0.4, 0.1], "cup.radius": 0.016}, "cup is wider than the bin"),
        ({"camera.region": [[0, 0], [9, 0], [0, 9]]}, r"camera\.region and bin"),
        ({"arm.highest": [0.6, 0.35, 0.7]}, r"do not contain the bin's interior: \(0\.700"),
        ({"arm.lowest": [0.05, -0.8, 0.01]}, "do not contain the bin's interior"),
        ({"pick.place": [0.25, -0.9, 0.1]}, r"do not contain pick\.place"),
        ({"arm.home": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]}, "home turns joint 1 to 0.0 rad"),
        ({"offer.min_probability": 1.5}, r"offer: min_probability 1\.5 is not in"),
        ({"gripper.blow_off_pin": 0}, "cannot be both"),
        ({"base_frame": ""}, "base_frame is empty"),
    ],
)
def test_values_that_do_not_fit_each_other_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_cell("ur5").changed(changes)


def test_a_file_that_is_not_there_is_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(CellFileError, match=r"no cell 'ur7': expected a file, or one of gazebo, s"):
        read_cell("ur7")
    with pytest.raises(CellFileError, match="the parameter 'cell' is not set"):
        required_cell("")
    assert read_cell("") == CellDescription()


def test_files_of_a_cell_are_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    path.write_text("camera: {calibration: camera.yaml, empty: /data/empty}")
    camera = read_cell(path).camera
    assert (camera.calibration, camera.empty) == (str(tmp_path / "camera.yaml"), "/data/empty")


def test_a_changed_cell_differs_in_what_was_changed_and_in_nothing_else(tmp_path: Path) -> None:
    changes = {"cup.radius": 0.015, "offer.source": "prior", "tf_prefix": "left_"}
    path = with_changes("ur5", changes, tmp_path / "cell.yaml")
    one, other = (cell_to_dict(cell) for cell in (read_cell("ur5"), read_cell(path)))
    assert {key: value for key, _, value in differences(one, other)} == changes
    assert read_cell(path).base_frame_id == "left_base"
    assert set_keys(CellDescription().changed(changes)) == nested(changes)


def test_without_a_file_points_are_found_as_by_the_predictors_defaults() -> None:
    default = PredictorConfig(source=Source.LEARNED)
    found = predictor_config(CellDescription())
    assert found.candidates.min_probability == ABSTAIN_BELOW
    same = to_dict(found), to_dict(default)
    assert {key for key, *_ in differences(*same)} <= {"candidates.min_probability"}


def test_points_that_the_arm_may_not_reach_are_not_offered() -> None:
    ur5, sim = read_cell("ur5"), read_cell("sim")
    candidates = predictor_config(ur5).candidates
    assert (candidates.workspace_min, candidates.workspace_max) == (ur5.arm.lowest, ur5.arm.highest)
    assert predictor_config(sim).candidates.workspace_max == (10.0, 10.0, 10.0)  # no such box


def test_a_cell_that_picks_needs_a_bin() -> None:
    read_cell("sim").require_bin()
    CellDescription(bins=((0.4, 0.3, 0.1),)).require_bin()
    with pytest.raises(ConfigError, match="bin: a cell that picks needs it"):
        CellDescription().changed({"arm.kind": str(CellKind.UR)}).require_bin()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bins": [[1, 1, 1]], "bin": {"centre": [0, 0], "size": [1, 1, 1]}}, "remove one"),
        ({"bins": [[0.4, 0.3, 0.1]], "camera.region": [[0, 0], [9, 0], [9, 9]]}, "remove one"),
        ({"bins": [[0.4, 0.3, 0.0]]}, "not positive"),
        ({"bins": [[0.4, 0.3, 0.1], [0.4, 0.015, 0.1]]}, "wider than the bin"),
    ],
)
def test_sizes_of_bins_that_make_no_sense_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        CellDescription().changed(changes)
