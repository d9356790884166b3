"""The vacuum behaves as an ejector's: it rises with its time constant and stops at the leak."""

import numpy as np
import pytest

from grasp_affordance.errors import ConfigError
from grasp_affordance.sim.cup.pressure import Ejector, PressureConfig, steady_vacuum

CONFIG = PressureConfig()
STEP = 0.008


def ejector(noise: float = 0.0) -> Ejector:
    return Ejector(70.0, PressureConfig(noise=noise), np.random.default_rng(0))


def test_a_sealed_cup_reaches_the_full_vacuum_with_the_evacuation_time() -> None:
    pump = ejector()
    pump.switch_on()
    for _ in range(100):
        pump.advance(STEP, opening=0.0)
    trace = pump.trace()
    at_constant = np.interp(CONFIG.evacuation, trace.times, trace.vacuum)
    assert at_constant == pytest.approx(70.0 * (1 - np.exp(-1)), rel=0.05)
    assert trace.vacuum[-1] == pytest.approx(70.0, abs=0.1)
    assert np.all(np.diff(trace.times) > 0)
    assert trace.times[0] == 0.0


def test_the_steady_vacuum_falls_with_the_leak() -> None:
    values = [steady_vacuum(70.0, opening, CONFIG) for opening in np.linspace(0, 1, 21)]
    assert values[0] == pytest.approx(70.0)
    assert values[-1] == pytest.approx(CONFIG.open_vacuum)
    assert np.all(np.diff(values) < 0)


def test_ejector_and_leak_are_in_balance_at_the_steady_vacuum() -> None:
    full_leak = (1 - CONFIG.open_vacuum / 70.0) / np.sqrt(CONFIG.open_vacuum / 70.0)
    for opening in (0.1, 0.4, 0.8):
        share = steady_vacuum(70.0, opening, CONFIG) / 70.0
        assert 1 - share == pytest.approx(full_leak * opening * np.sqrt(share))


def test_the_vacuum_is_gone_soon_after_switching_off() -> None:
    pump = ejector()
    pump.switch_on()
    pump.advance(1.0, 0.0)
    pump.switch_off()
    for _ in range(10):
        pump.advance(STEP, 1.0)
    assert pump.reading() < 0.2


def test_a_new_grasp_begins_a_new_trace() -> None:
    pump = ejector()
    pump.switch_on()
    pump.advance(0.5, 0.0)
    pump.switch_on()
    assert pump.trace().times.tolist() == [0.0]


def test_the_sensor_is_noisy_and_has_a_resolution() -> None:
    pump = ejector(noise=0.3)
    pump.switch_on()
    for _ in range(500):
        pump.advance(STEP, 0.0)
    late = pump.trace().vacuum[100:]
    assert np.std(late) == pytest.approx(0.3, rel=0.2)
    np.testing.assert_allclose(late / 0.1, np.round(late / 0.1), atol=1e-3)


@pytest.mark.parametrize("bad", [{"evacuation": 0.0}, {"sealed_share": 1.0}])
def test_senseless_ejectors_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        PressureConfig(**bad)
