import numpy as np
import pytest

from grasp_affordance.calibration.drift import DriftConfig, DriftMonitor
from grasp_affordance.errors import ConfigError


def monitor(differences: np.ndarray, **config: float) -> DriftMonitor:
    result = DriftMonitor(DriftConfig(**config))  # type: ignore[arg-type]
    for difference in differences:
        result.note(0.05, 0.05 + difference)
    return result


def noise(count: int, seed: int, sigma: float = 0.002) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, sigma, count)


@pytest.mark.parametrize("seed", range(20))
def test_a_good_calibration_raises_no_alarm(seed: int) -> None:
    assert not monitor(noise(40, seed)).estimate().alarm


@pytest.mark.parametrize("seed", range(20))
def test_a_camera_that_moved_by_a_centimetre_raises_the_alarm(seed: int) -> None:
    drift = monitor(noise(40, seed) + 0.010).estimate()
    assert "10." in drift.alarm or "9." in drift.alarm
    assert "higher" in drift.alarm
    assert drift.offset == pytest.approx(0.010, abs=0.0015)


def test_the_sign_says_where_contact_is() -> None:
    assert "lower" in monitor(noise(40, 0) - 0.010).estimate().alarm


def test_a_few_wild_contacts_change_nothing() -> None:
    differences = noise(40, 1)
    differences[::5] = 0.08
    assert not monitor(differences).estimate().alarm


def test_nothing_is_said_before_there_are_enough_contacts() -> None:
    assert not monitor(np.full(9, 0.05)).estimate().alarm
    assert monitor(np.full(10, 0.05)).estimate().alarm


def test_old_contacts_are_forgotten() -> None:
    both = np.concatenate([noise(40, 2) + 0.02, noise(40, 3)])
    assert not monitor(both).estimate().alarm


def test_contacts_that_scatter_raise_the_alarm() -> None:
    assert "scatter" in monitor(noise(40, 4, sigma=0.03)).estimate().alarm


def test_what_the_cup_rim_gives_way_is_not_drift() -> None:
    assert monitor(noise(40, 5) - 0.008).estimate().alarm
    assert not monitor(noise(40, 5) - 0.008, expected=-0.008).estimate().alarm


def test_a_pick_without_contact_does_not_count() -> None:
    watch = DriftMonitor()
    watch.note(0.05, float("nan"))
    watch.note(float("nan"), 0.05)
    estimate = watch.estimate()
    assert estimate.contacts == 0
    assert not estimate.alarm


def test_a_reset_forgets_everything() -> None:
    watch = monitor(np.full(20, 0.05))
    watch.reset()
    assert watch.estimate().contacts == 0


def test_a_limit_of_zero_never_alarms() -> None:
    assert not monitor(np.full(20, 0.5), limit=0.0).estimate().alarm


def test_impossible_limits_are_a_named_error() -> None:
    with pytest.raises(ConfigError):
        DriftConfig(fewest=50, window=40)
    with pytest.raises(ConfigError):
        DriftConfig(scatter=0.0)
