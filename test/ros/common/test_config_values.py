"""Dataclasses map to flat parameters and back without loss, and wrong ones are refused by name."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pytest

from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.affordance.affordance_config import AffordanceNodeConfig
from grasp_affordance.ros.affordance.bin_view import BinConfig
from grasp_affordance.ros.calibration.calibration_node import CalibrationNodeConfig
from grasp_affordance.ros.camera.camera_node import CameraNodeConfig
from grasp_affordance.ros.common.config_values import as_parameter, describe, flatten, unflatten
from grasp_affordance.ros.common.frame_source import FrameSourceConfig
from grasp_affordance.ros.common.transforms import CameraPoseConfig
from grasp_affordance.ros.detector.detector_node import DetectorNodeConfig
from grasp_affordance.ros.drivers.mujoco.cell import MujocoConfig
from grasp_affordance.ros.executor.pick_record import RecordConfig
from grasp_affordance.ros.recorder.recorder_config import RecorderNodeConfig
from grasp_affordance.ros.trainer.trainer_config import TrainerNodeConfig


class Mode(StrEnum):
    FAST = "fast"
    SLOW = "slow"


@dataclass(frozen=True)
class Inner:
    """A part.

    Attributes:
        x, y: metres.
    """

    x: float = 1.0
    y: float = 2.0

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ConfigError(f"x {self.x} must not be negative metres")


@dataclass(frozen=True)
class Outer:
    """A whole.

    Attributes:
        mode: how.
        polygon: pixels, over
            two lines.
    """

    mode: Mode = Mode.FAST
    folder: Path = Path("a")
    polygon: tuple[tuple[float, float], ...] = ()
    size: tuple[float, float, float] = (1.0, 2.0, 3.0)
    names: tuple[str, ...] = ("a",)
    count: int = 3
    on: bool = True
    limit: float | None = None
    inner: Inner = field(default_factory=Inner)
    maybe: Inner | None = None


CHANGED = Outer(
    mode=Mode.SLOW,
    folder=Path("/b"),
    polygon=((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)),
    size=(4.0, 5.0, 6.0),
    names=("x", "y"),
    count=4,
    on=False,
    limit=0.5,
    inner=Inner(7.0, 8.0),
    maybe=Inner(9.0, 10.0),
)


@pytest.mark.parametrize("config", [Outer(), CHANGED])
def test_flattening_is_undone_by_unflattening(config: Outer) -> None:
    assert unflatten(Outer(), flatten(Outer, config)) == config


def test_names_are_dotted_and_values_are_plain() -> None:
    flat = flatten(Outer, CHANGED)
    assert flat["inner.x"] == 7.0
    assert flat["mode"] == "slow"
    assert flat["polygon"] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert flatten(Outer, Outer())["maybe.x"] is None


@pytest.mark.parametrize("config", [Outer(), CHANGED])
def test_values_survive_as_parameters_which_know_no_none(config: Outer) -> None:
    values = {name: as_parameter(value) for name, value in flatten(Outer, config).items()}
    assert None not in values.values()
    assert unflatten(Outer(), values) == config


def test_an_empty_value_resets_an_optional_one() -> None:
    assert unflatten(CHANGED, {"limit": "", "polygon": ""}).limit is None
    assert unflatten(CHANGED, {"polygon": ""}).polygon == ()


def test_differences_alone_are_enough_also_for_an_optional_part() -> None:
    assert unflatten(Outer(), {"maybe.y": 5.0}).maybe == Inner(1.0, 5.0)
    assert unflatten(Outer(), {"inner.y": 5.0}).inner == Inner(1.0, 5.0)


def test_an_integer_may_stand_for_a_float_but_not_the_other_way_round() -> None:
    assert unflatten(Outer(), {"size": [1, 2, 3]}).size == (1.0, 2.0, 3.0)
    with pytest.raises(ConfigError, match=r"count: 1\.5 is not a int"):
        unflatten(Outer(), {"count": 1.5})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"colour": 1}, "unknown parameter colour.*known are mode, folder"),
        ({"inner.z": 1}, "unknown parameter inner.z"),
        ({"mode": "medium"}, "mode: 'medium'"),
        ({"on": "yes"}, "on: 'yes'"),
        ({"names": "abc"}, "names: 'abc'"),
        ({"size": [1.0, 2.0]}, "3 values are needed"),
        ({"polygon": [1.0, 2.0, 3.0]}, "no multiple of 2"),
        ({"inner.x": -1.0}, "must not be negative"),
        ({"count": None}, "count: a value is needed"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        unflatten(Outer(), values)


def test_descriptions_come_from_the_docstrings() -> None:
    texts = describe(Outer)
    assert texts["mode"] == "how."
    assert texts["polygon"] == "pixels, over two lines."
    assert texts["inner.x"] == texts["inner.y"] == "metres."
    assert set(texts) == set(flatten(Outer, Outer()))


def test_a_tilde_is_the_home_folder_in_files_and_folders_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/robot")
    record = unflatten(RecordConfig(), {"directory": "~/attempts"})
    assert record.directory == "/home/robot/attempts"
    assert unflatten(RecordConfig(), {"directory": "/data/~odd"}).directory == "/data/~odd"
    assert unflatten(FrameSourceConfig(), {"camera": "~/camera"}).camera == "~/camera"
    with pytest.raises(ConfigError, match="directory: no home folder is known for '~nobody-here/x"):
        unflatten(RecordConfig(), {"directory": "~nobody-here/x"})


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (AffordanceNodeConfig, "checkpoint"),
        (BinConfig, "empty"),
        (CalibrationNodeConfig, "folder"),
        (CalibrationNodeConfig, "output"),
        (CalibrationNodeConfig, "touched"),
        (CameraNodeConfig, "recording"),
        (CameraPoseConfig, "calibration"),
        (DetectorNodeConfig, "weights"),
        (MujocoConfig, "film_path"),
        (RecordConfig, "directory"),
        (RecorderNodeConfig, "folder"),
        (TrainerNodeConfig, "directory"),
        (TrainerNodeConfig, "weights"),
        (TrainerNodeConfig, "initial"),
    ],
)
def test_every_parameter_that_names_a_file_or_folder_knows_the_home_folder(
    config: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/robot")
    assert flatten(config, unflatten(config(), {name: "~/x"}))[name] == "/home/robot/x"
