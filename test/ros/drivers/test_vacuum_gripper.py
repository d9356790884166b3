"""The gripper believes a sensor only as far as it behaves like one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from grasp_affordance.errors import ConfigError, GripperError
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import Reading, VacuumConfig, VacuumGripper

CONFIG = VacuumConfig(
    settling=0.03,
    longest_settling=0.3,
    blow_off=0.01,
    release_timeout=0.15,
    reading_timeout=1.0,  # a thread of a busy machine may wait for its turn that long
    stuck_readings=60,
)


class FakeEjector:
    """A `VacuumSystem` in a thread: the vacuum that `level` gives, with a sensor's tremble."""

    def __init__(self) -> None:
        self.level: Callable[[bool], float] = lambda on: 65.0 if on else 0.0
        self.on = False
        self.blown = 0
        self.tremble = 0.2
        self.silent = False
        self._reading: Reading | None = None
        self._listeners: list[Callable[[Reading], None]] = []
        self._rng = np.random.default_rng(0)

    def switch_vacuum(self, on: bool) -> None:
        self.on = on

    def switch_blow_off(self, on: bool) -> None:
        self.blown += on

    def newest(self) -> Reading | None:
        return self._reading

    def listen(self, listener: Callable[[Reading], None]) -> None:
        self._listeners.append(listener)

    def measure(self) -> None:
        if not self.silent:
            self.note(time.monotonic())

    def note(self, now: float) -> None:
        noise = self._rng.normal(0.0, self.tremble) if self.tremble else 0.0
        self._reading = Reading(now, self.level(self.on) + noise)
        for listener in self._listeners:
            listener(self._reading)


@contextmanager
def gripping(config: VacuumConfig = CONFIG) -> Iterator[tuple[VacuumGripper, FakeEjector]]:
    ejector = FakeEjector()
    gripper = VacuumGripper(ejector, config)
    ending = threading.Event()

    def run() -> None:
        while not ending.wait(0.001):
            ejector.measure()

    ejector.measure()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield gripper, ejector
    finally:
        ending.set()
        thread.join()


def test_a_sealed_cup_holds_and_an_open_one_does_not() -> None:
    with gripping() as (gripper, ejector):
        gripper.grasp()
        assert gripper.holding()
        ejector.level = lambda on: 4.0
        assert not gripper.holding()


def test_the_trace_begins_with_the_grasp_and_grows() -> None:
    with gripping() as (gripper, _):
        assert len(gripper.trace().times) == 0
        gripper.grasp()
        assert gripper.holding()
        trace = gripper.trace()
        assert len(trace.times) > 5
        assert trace.times[0] >= 0.0
        assert (np.diff(trace.times) >= 0).all()
        assert trace.vacuum.dtype == np.float32


def test_a_release_blows_off_and_waits_until_the_vacuum_is_gone() -> None:
    with gripping() as (gripper, ejector):
        gripper.grasp()
        gripper.release()
        assert not ejector.on
        assert ejector.blown == 1
        assert gripper.vacuum() <= CONFIG.free


def test_air_is_not_left_on_where_nobody_confirms_that_it_was_switched_on() -> None:
    with gripping() as (gripper, ejector):
        switched: list[bool] = []

        def switch(on: bool) -> None:
            switched.append(on)
            if on:
                raise GripperError("no answer")

        ejector.switch_blow_off = switch  # type: ignore[method-assign]
        with pytest.raises(GripperError, match="no answer"):
            gripper.release()
        assert switched == [True, False]


def test_a_vacuum_that_stays_after_the_release_is_a_fault() -> None:
    with gripping() as (gripper, ejector):
        gripper.grasp()
        ejector.level = lambda on: 65.0
        with pytest.raises(GripperError, match="valve does not close"):
            gripper.release()


def test_a_vacuum_that_is_there_before_the_grasp_is_a_fault_and_nothing_is_switched() -> None:
    with gripping() as (gripper, ejector):
        ejector.level = lambda on: 65.0
        ejector.measure()
        with pytest.raises(GripperError, match="before the vacuum is on"):
            gripper.grasp()
        assert not ejector.on


def test_a_sensor_that_stops_trembling_is_stuck_and_decides_nothing() -> None:
    with gripping() as (gripper, ejector):
        gripper.grasp()
        ejector.tremble = 0.0
        ejector.level = lambda on: 3.8  # would be called "not sealed"
        with pytest.raises(GripperError, match=r"3\.800 kPa: the pressure sensor is stuck"):
            gripper.holding()


def test_a_sensor_that_got_stuck_on_the_way_down_is_found_out_at_the_release() -> None:
    with gripping() as (gripper, ejector):
        gripper.grasp()
        ejector.tremble = 0.0
        ejector.level = lambda on: 0.4
        with pytest.raises(GripperError, match="stuck"):
            gripper.release()
        assert not ejector.on


def test_a_sensor_whose_zero_is_off_reads_zero_and_is_not_called_stuck() -> None:
    with gripping() as (gripper, ejector):
        ejector.level = lambda on: -1.5
        for _ in range(2):
            gripper.grasp()
            gripper.release()
        assert gripper.vacuum() == 0.0
        assert (gripper.trace().vacuum == 0.0).any()


def test_a_silent_sensor_is_a_fault() -> None:
    with gripping() as (gripper, ejector):
        gripper.grasp()
        ejector.silent = True
        threading.Event().wait(CONFIG.reading_timeout)
        with pytest.raises(GripperError, match="s old"):
            gripper.holding()


def test_a_broken_wire_is_a_fault_and_stays_out_of_the_trace() -> None:
    with gripping() as (gripper, ejector):
        gripper.grasp()
        gripper.holding()
        ejector.level = lambda on: float("nan")
        ejector.measure()
        with pytest.raises(GripperError, match="broken wire"):
            gripper.holding()
        assert np.isfinite(gripper.trace().vacuum).all()


def test_before_the_first_reading_nothing_is_known() -> None:
    with pytest.raises(GripperError, match="no reading"):
        VacuumGripper(FakeEjector()).vacuum()


def test_a_switch_never_trembles_and_is_no_fault() -> None:
    with gripping(VacuumConfig(settling=0.03, longest_settling=0.3, stuck_readings=0)) as (g, e):
        e.tremble = 0.0
        g.grasp()
        assert g.holding()


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ConfigError, match="free"):
        VacuumConfig(free=50.0, sealed=40.0)


def test_ages_and_waits_are_in_the_time_of_the_cell() -> None:
    """A simulation at a tenth of real time: readings half a second apart are fresh."""

    def slow() -> float:
        return time.monotonic() / 10

    ejector = FakeEjector()
    gripper = VacuumGripper(ejector, replace(CONFIG, reading_timeout=0.1, settling=0.02), slow)
    ejector.note(slow())
    time.sleep(0.5)
    assert gripper.vacuum() < 5.0
    gripper.grasp()
    time.sleep(0.7)
    with pytest.raises(GripperError, match=r"0\.1 s old"):
        gripper.holding()


def test_a_wait_for_the_vacuum_to_go_lasts_in_the_time_of_the_cell() -> None:
    ejector = FakeEjector()
    ejector.level = lambda on: 65.0
    now = [0.0]
    gripper = VacuumGripper(ejector, CONFIG, lambda: now[0])
    released: list[BaseException] = []

    def release() -> None:
        try:
            gripper.release()
        except GripperError as error:
            released.append(error)

    ejector.note(0.0)
    thread = threading.Thread(target=release)
    thread.start()
    thread.join(3 * CONFIG.release_timeout)
    assert thread.is_alive()  # this clock stands still
    now[0] = CONFIG.blow_off + 0.001
    time.sleep(0.1)
    now[0] += 1.2 * CONFIG.release_timeout
    thread.join(10.0)
    assert "after the vacuum was switched off" in str(released[0])
