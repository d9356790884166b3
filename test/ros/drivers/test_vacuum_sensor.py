"""The scale of the sensor, and signals that it cannot give."""

import numpy as np
import pytest

from grasp_affordance.cell_description import Sensing
from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.drivers.gripper.vacuum_sensor import VacuumSensorConfig

SENSOR = VacuumSensorConfig(low=1.0, high=5.0, low_vacuum=0.0, high_vacuum=101.3)


@pytest.mark.parametrize("vacuum", [0.0, 12.5, 70.0, 101.3])
def test_the_signal_of_a_vacuum_reads_as_that_vacuum(vacuum: float) -> None:
    assert SENSOR.from_analog(SENSOR.to_analog(vacuum)) == pytest.approx(vacuum)


def test_a_falling_scale_works_as_well() -> None:
    falling = VacuumSensorConfig(low=5.0, high=1.0, low_vacuum=0.0, high_vacuum=100.0)
    assert falling.from_analog(2.0) == pytest.approx(75.0)


@pytest.mark.parametrize("signal", [0.0, 0.5, 5.6, 10.0, np.nan])
def test_a_signal_outside_the_span_is_no_vacuum(signal: float) -> None:
    assert np.isnan(SENSOR.from_analog(signal))


def test_a_zero_that_is_a_little_off_stays_measurable() -> None:
    assert -1.0 < SENSOR.from_analog(0.98) < 0.0


@pytest.mark.parametrize("inverted", [False, True])
def test_a_switch_says_sealed_or_nothing(inverted: bool) -> None:
    switch = VacuumSensorConfig(Sensing.DIGITAL, pin=3, switch_vacuum=55.0, inverted=inverted)
    assert switch.from_digital(not inverted) == 55.0
    assert switch.from_digital(inverted) == 0.0


def test_impossible_wirings_are_refused() -> None:
    with pytest.raises(ConfigError, match="pin 2"):
        VacuumSensorConfig(Sensing.ANALOG, pin=2)
    with pytest.raises(ConfigError, match="pin 18"):
        VacuumSensorConfig(Sensing.DIGITAL, pin=18)
    with pytest.raises(ConfigError, match="scale"):
        VacuumSensorConfig(low=2.0, high=2.0)
