"""A parameter that is set does something, or is refused with the reason."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
from helpers.ros_harness import Ros
from lifecycle_msgs.msg import Transition
from rclpy.parameter import Parameter

from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.affordance.affordance_config import AffordanceNodeConfig
from grasp_affordance.ros.calibration.calibration_node import CalibrationNode, CalibrationNodeConfig
from grasp_affordance.ros.camera.camera_node import CameraNode, CameraNodeConfig
from grasp_affordance.ros.common.config_values import describe
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.parameters import parameters_of
from grasp_affordance.ros.detector.detector_node import DetectorNodeConfig
from grasp_affordance.ros.executor.executor_config import ExecutorNodeConfig
from grasp_affordance.ros.recorder.recorder_config import RecorderNodeConfig
from grasp_affordance.ros.trainer.trainer_config import TrainerNodeConfig

CONFIGS = (
    AffordanceNodeConfig,
    CalibrationNodeConfig,
    CameraNodeConfig,
    DetectorNodeConfig,
    ExecutorNodeConfig,
    RecorderNodeConfig,
    TrainerNodeConfig,
)


def other(value: Any) -> Any:
    """Return a value of the same type that differs."""
    if isinstance(value, bool):
        return not value
    return value + ("x" if isinstance(value, str) else 1)


def settable(node: ManagedNode[Any]) -> list[str]:
    return ["autostart", *parameters_of(type(node.config)())]


@pytest.mark.parametrize("kind", [CameraNode, CalibrationNode])
def test_no_parameter_of_a_configured_node_changes_in_vain(
    ros: Ros, kind: type[ManagedNode[Any]], sequence: Path
) -> None:
    given: dict[str, Any] = {"recording": str(sequence)} if kind is CameraNode else {}
    node = ros.start(kind, **given)
    assert node.active
    for name in settable(node):
        value = node.get_parameter(name).value
        same, changed = (
            node.set_parameters([Parameter(name, value=each)])[0] for each in (value, other(value))
        )
        assert same.successful, f"{name}: {same.reason}"
        assert not changed.successful, name
        assert f"{name} is read when the" in changed.reason
        assert node.get_parameter(name).value == value


def test_a_parameter_set_before_the_node_is_configured_is_what_it_is_configured_with(
    ros: Ros, sequence: Path
) -> None:
    node = ros.start(CameraNode, recording=str(sequence))
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        ros.client.change_state("camera_node", transition)
    ros.client.set_parameters("camera_node", {"rate": 7.0})
    ros.client.change_state("camera_node", Transition.TRANSITION_CONFIGURE)
    assert node.config.rate == 7.0


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_parameter_is_a_field_and_says_what_it_is(kind: type[Any]) -> None:
    texts = describe(kind)
    assert all(texts[name] for name in parameters_of(kind()))


def test_a_list_that_names_no_field_is_refused() -> None:
    class Wrong(CameraNodeConfig):
        PARAMETERS: ClassVar[tuple[str, ...]] = ("rate", "speed")

    with pytest.raises(ConfigError, match="Wrong has no speed"):
        parameters_of(Wrong())


def test_a_program_sets_what_no_parameter_sets(ros: Ros, sequence: Path) -> None:
    given = CameraNodeConfig(recording=str(sequence), rate=11.0)
    node = CameraNode(given, context=ros.context)
    assert node.get_parameter("rate").value == 11.0
    assert node.get_parameter("recording").value == str(sequence)
    node.destroy_node()
