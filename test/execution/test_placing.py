"""Objects go to the places of a pattern one after the other, and picking ends when it is full."""

import numpy as np
import pytest
from execution.fakes import FakeArm, FakeCellState, FakeGripper, fake_cell
from execution.test_picker import FakeProposer, pick_once, run

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import PatternConfig
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.errors import CellError, ConfigError
from grasp_affordance.execution import PickConfig
from grasp_affordance.execution.continuous import End
from grasp_affordance.execution.picker import Picker
from grasp_affordance.execution.placing import Placing
from grasp_affordance.ros.common.cell_configs import pick_config

PATTERN = PatternConfig((2, 3, 2), (0.05, 0.06, 0.04))


def picker_of(state: FakeCellState, pattern: PatternConfig = PATTERN) -> tuple[Picker, list]:
    """Return a picker, and where it lets objects go."""
    cell = fake_cell(state)
    places: list[np.ndarray] = []

    class Noting(FakeGripper):
        def release(self) -> None:
            if self.state.held:
                places.append(self.state.pose[:3, 3].copy())
            super().release()

    proposer = FakeProposer(state, (0.5, 0.0), (0.5, 0.1), (0.45, 0.05))
    gripper = Noting(state)
    cell = type(cell)(
        FakeArm(state), gripper, cell.camera, cell.bin, cell.cup, cell.clock, cell.now_ns
    )
    picker = Picker(cell, proposer, PickConfig(pattern=pattern))
    picker.placing.begin_anew()
    return picker, places


def test_the_places_are_filled_along_x_then_y_then_in_layers() -> None:
    placing, seen = Placing(PATTERN), []
    placing.begin_anew()
    while not placing.why_not():
        seen.append(placing.next((0.25, -0.58, 0.13)))
        placing.add()
    assert len(seen) == len(set(seen)) == PATTERN.places == 12
    first = np.array(seen[0])
    for number, step in ((1, (0.05, 0, 0)), (2, (0, 0.06, 0)), (6, (0, 0, 0.04))):
        np.testing.assert_allclose(np.array(seen[number]) - first, step, atol=1e-12)


def test_without_layers_any_number_goes_to_one_place() -> None:
    placing = Placing(PatternConfig())
    placing.count = 1000
    assert not placing.why_not()
    assert placing.next((0.1, 0.2, 0.3)) == (0.1, 0.2, 0.3)


def test_a_full_container_ends_picking_and_an_empty_one_goes_on_at_the_first_place() -> None:
    state = FakeCellState()
    picker, places = picker_of(state, PatternConfig((2, 1, 1), (0.05, 0.0, 0.0)))
    ending, reports = run(picker)
    assert ending.end is End.FULL
    assert "2 of 2 places" in ending.detail
    assert len(reports) == len(places) == 2
    np.testing.assert_allclose(places[1] - places[0], [0.05, 0, 0], atol=1e-9)
    refused = pick_once(picker)
    assert refused.attempt is None
    assert "the container is full" in refused.message
    picker.placing.begin_anew()
    assert pick_once(picker).attempt is not None
    np.testing.assert_allclose(places[2], places[0])


def test_after_a_start_nothing_is_put_into_a_pattern_that_may_be_half_full() -> None:
    state = FakeCellState()
    picker, places = picker_of(state)
    picker.placing = Placing(PATTERN)
    state.held = True  # what the program before was carrying
    moved: list[str] = []
    state.on_event = moved.append
    report = pick_once(picker)
    assert report.attempt is None
    assert "nobody has said how many of the container's 12 places are taken" in report.message
    assert "~/new_container" in report.message
    ending, _ = run(picker)
    assert ending.end is End.FULL
    assert not [event for event in moved if "move" in event]
    picker.placing.begin_anew()
    assert pick_once(picker).attempt is not None
    assert len(places) == picker.placing.count == 2


def test_a_failed_pick_takes_no_place_and_a_recovered_load_takes_one() -> None:
    state = FakeCellState(seals=False)
    picker, places = picker_of(state)
    pick_once(picker)
    assert picker.placing.count == 0
    state.seals = True
    stops = iter(range(100))

    def stop_in_transport(event: str) -> None:
        if event == "move_to" and next(stops) == 1:
            raise CellError("protective stop")

    state.on_event = stop_in_transport
    pick_once(picker)
    assert (picker.placing.count, state.held) == (0, True)
    state.on_event = lambda event: None
    pick_once(picker)
    assert picker.placing.count == len(places) == 2
    assert np.linalg.norm(places[1][:2] - places[0][:2]) == pytest.approx(0.05)


def test_the_way_to_a_layer_clears_what_was_put_down() -> None:
    state = FakeCellState()
    picker, _ = picker_of(state, PatternConfig((1, 1, 5), (0.0, 0.0, 0.1)))
    travelled: list[float] = []
    picker._on_plan = lambda motions: travelled.extend(
        motion.T_base_tool[2, 3] for motion in motions if motion.load is not None
    )
    for _ in range(3):
        pick_once(picker)
    config = picker.config
    for number, height in enumerate(travelled):
        hang, top = 0.05, config.place[2] + number * 0.1
        assert height - hang >= top + config.clearance - 1e-9


def test_the_pattern_of_a_cell_reaches_the_pick_and_lies_within_reach() -> None:
    base = CellDescription(bin=BinGeometry())
    cell = base.changed({"pick.pattern": [2, 2, 1], "pick.pitch": [0.05, 0.05, 0.0]})
    assert pick_config(cell).pattern == PatternConfig((2, 2, 1), (0.05, 0.05, 0.0))
    with pytest.raises(ConfigError, match="its pattern"):
        base.changed({"arm.kind": "ur", "pick.pattern": [9, 1, 1], "pick.pitch": [0.1, 0.0, 0.0]})
    for pattern in ([0, 1, 1], [1, 1, -1]):
        with pytest.raises(ConfigError, match="pattern"):
            base.changed({"pick.pattern": pattern})
    with pytest.raises(ConfigError, match="without a limit"):
        PatternConfig((2, 1, 0))
