"""The load on the cup rim, from wrenches as Gazebo's sensor gives them.

The numbers are those of runs in Gazebo Harmonic: Fz is -5.96 N in the air and -7.92 N with a box of
0.2 kg; a welded cup that presses an object on the floor reads 340 to 550 N for 15 ms.
"""

from collections.abc import Callable

import numpy as np
import pytest

from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError, GripperError
from grasp_affordance.geometry import Array, approach_pose
from grasp_affordance.ros.drivers.gazebo.gazebo_load import GRAVITY, Load, LoadMeter, ToolConfig
from grasp_affordance.ros.drivers.gazebo.gazebo_seal import holds

CUP = Cup()
TOOL = ToolConfig()
RIM = 0.150  # metres
BOX = 0.2  # kilograms
BOX_MIDDLE = 0.025  # metres beyond the rim
FREE = np.array([0.0, 0, -5.96, 0, 0, 0])
WITH_BOX = np.array([0.0, 0, -7.92, 0, 0, 0])
DOWN = approach_pose([0.5, 0.0, 0.4], [0.0, 0.0, -1.0])


class Recording:
    """A meter that hears a wrench every 5 ms and a pose every 10 ms."""

    def __init__(self, config: ToolConfig = TOOL) -> None:
        self.meter = LoadMeter(config, RIM)
        self.time = 0.0

    def play(
        self, seconds: float, wrench: Callable[[float], Array], pose: Callable[[float], Array]
    ) -> list[Load]:
        """Return the load after each wrench; both are asked for the seconds since this call."""
        loads = []
        for step in range(round(seconds / 0.005)):
            t = step * 0.005
            if step % 2 == 0:
                self.meter.note_pose(self.time + t, pose(t))
            self.meter.note_wrench(self.time + t, wrench(t))
            load = self.meter.load()
            if load is not None:
                loads.append(load)
        self.time += seconds
        return loads

    def rest(self, seconds: float, wrench: Array, T: Array = DOWN) -> list[Load]:
        return self.play(seconds, lambda _: wrench, lambda _: T)


def borne(loads: list[Load], vacuum: float = CUP.vacuum) -> bool:
    assert loads
    return all(holds(CUP, vacuum, load.pull, load.moment) for load in loads)


def tared(T: Array = DOWN, wrench: Array = FREE) -> Recording:
    recording = Recording()
    recording.rest(0.1, wrench, T)
    recording.meter.tare()
    return recording


def wrench_of(mass: float, middle: float, R: Array, acceleration: Array) -> Array:
    """Of a mass whose middle lies on the link's z, accelerated in the world."""
    force = mass * R.T @ (acceleration + np.array([0.0, 0.0, GRAVITY]))
    return np.concatenate([force, np.cross([0.0, 0.0, middle], force)])


def test_a_box_on_the_cup_pulls_with_its_weight() -> None:
    last = (loads := tared().rest(0.1, WITH_BOX))[-1]
    assert last.pull == pytest.approx(BOX * GRAVITY, abs=0.01)
    assert last.moment == pytest.approx(0.0, abs=1e-6)
    assert borne(loads)


@pytest.mark.parametrize("force", [340.0, 550.0])
def test_a_cup_that_presses_the_object_on_the_floor_holds_it_and_lifts_it(force: float) -> None:
    recording = tared()
    # Skew, so that there is a moment far beyond what a seal bears.
    pressed = np.array([10.0, 0, force, 0, 0.02 * force, 0])
    loads = recording.rest(0.015, pressed)
    loads += recording.rest(0.2, np.array([0.0, 0, 30.0, 0, 0, 0]))
    assert borne(loads, vacuum=20.0)
    assert borne(recording.rest(0.2, WITH_BOX))


def test_the_tare_is_that_of_the_air_also_after_the_spike() -> None:
    recording = tared()
    recording.rest(0.015, np.array([0.0, 0, 550.0, 0, 0, 0]))
    assert recording.rest(0.1, WITH_BOX)[-1].pull == pytest.approx(1.96, abs=0.01)


def test_a_load_beyond_the_force_of_the_vacuum_is_lost() -> None:
    heavy = FREE - np.array([0, 0, 1.1 * CUP.force, 0, 0, 0])
    assert not borne(tared().rest(0.1, heavy))


def test_a_long_lever_that_hangs_peels_the_cup_off() -> None:
    hanging = WITH_BOX + np.array([0, 0, 0, 0, BOX * GRAVITY * 0.15, 0])
    assert not borne(tared().rest(0.1, hanging))


def test_the_tool_turned_after_the_tare_is_no_load() -> None:
    recording = tared()
    R = (T := approach_pose([0.5, 0, 0.4], [np.sin(0.5), 0.0, -np.cos(0.5)]))[:3, :3]
    turned = wrench_of(TOOL.mass, TOOL.middle, R, np.zeros(3))
    last = recording.rest(0.1, turned, T)[-1]
    assert last.pull == pytest.approx(0.0, abs=0.02)
    assert last.moment == pytest.approx(0.0, abs=0.005)


def moving(acceleration: float) -> Callable[[float], Array]:
    """Along the world's x."""

    def pose(t: float) -> Array:
        T = DOWN.copy()
        T[0, 3] += acceleration * t**2 / 2
        return T

    return pose


@pytest.mark.parametrize("acceleration", [1.0, 4.0])
def test_the_inertia_of_wrist_and_tool_is_no_load(acceleration: float) -> None:
    a, R = np.array([acceleration, 0.0, 0.0]), DOWN[:3, :3]
    tool = wrench_of(TOOL.mass, TOOL.middle, R, a)
    load = wrench_of(BOX, RIM + BOX_MIDDLE, R, a)
    recording = tared()
    last = recording.play(0.2, lambda _: tool + load, moving(acceleration))[-1]
    assert last.pull == pytest.approx(BOX * GRAVITY, abs=0.02)
    assert last.moment == pytest.approx(BOX * acceleration * BOX_MIDDLE, abs=1e-3)
    assert borne([last])
    # What the sensor itself says is more than ten times that: it would have torn the box off.
    raw = (tool + load)[3:] - np.cross([0, 0, RIM], (tool + load)[:3])
    assert np.hypot(raw[0], raw[1]) > 10 * last.moment


def test_forces_in_bursts_are_averaged() -> None:
    """A controller of 250 Hz moves the joints of a 1 kHz physics in one step of four."""
    recording, a = tared(), 2.0

    def bursts(t: float) -> Array:
        now = 4 * a if round(t * 1000) % 4 == 0 else 0.0
        mean = np.array([now, 0.0, 0.0])
        tool = wrench_of(TOOL.mass, TOOL.middle, DOWN[:3, :3], mean)
        return tool + wrench_of(BOX, RIM + BOX_MIDDLE, DOWN[:3, :3], mean)

    loads = recording.play(0.3, bursts, moving(a))[20:]
    assert borne(loads)
    np.testing.assert_allclose([load.moment for load in loads], BOX * a * BOX_MIDDLE, atol=1e-3)


def test_a_cup_that_touches_something_cannot_be_tared() -> None:
    recording = Recording()
    recording.rest(0.1, FREE + np.array([0, 0, 50.0, 0, 0, 0]))
    with pytest.raises(GripperError, match="touches something"):
        recording.meter.tare()


def test_without_wrench_or_pose_nothing_is_tared_or_loaded() -> None:
    meter = LoadMeter(TOOL, RIM)
    for step in range(10):
        meter.note_wrench(step * 0.005, FREE)
    with pytest.raises(GripperError, match="not known"):
        meter.tare()
    assert meter.load() is None


def test_a_simulation_that_begins_anew_must_be_tared_anew() -> None:
    recording = tared()
    recording.time = 0.0
    assert not recording.rest(0.1, WITH_BOX)
    recording.meter.tare()
    assert recording.rest(0.1, WITH_BOX)


def test_a_tool_without_mass_is_refused() -> None:
    with pytest.raises(ConfigError, match="positive"):
        ToolConfig(mass=0.0)
