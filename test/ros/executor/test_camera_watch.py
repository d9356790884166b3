"""A silent camera stops an arm at work; a process that was itself held up does not."""

from collections.abc import Callable
from typing import Any, cast

from grasp_affordance.ros.executor.topic_camera import CameraWatch


class Cell:
    """Node, camera, arm and clock of a watch whose timer the test fires."""

    def __init__(self) -> None:
        self.now = 50.0
        self.silence = ""
        self.busy = True
        self.stops: list[str] = []
        self.fire: Callable[[], None] = lambda: None
        part = cast(Any, self)
        self.watch = CameraWatch(part, part, part, 1.0, clock=lambda: self.now)

    def create_timer(self, period: float, callback: Callable[[], None], **_: Any) -> object:
        self.period, self.fire = period, callback
        return object()

    def problem(self) -> str:
        return self.silence

    def stop(self, cause: object, reason: str, timeout: float) -> bool:
        self.stops.append(reason)
        return True

    def look(self, after: float = 0.1) -> None:
        self.now += after
        self.fire()


def test_a_silent_camera_stops_an_arm_at_work() -> None:
    cell = Cell()
    cell.look()
    assert not cell.stops
    cell.silence = "no frames"
    cell.look()
    assert cell.stops == ["the camera is lost: no frames"]


def test_an_arm_at_rest_is_left_alone() -> None:
    cell = Cell()
    cell.silence, cell.busy = "no frames", False
    cell.look()
    assert not cell.stops


def test_a_look_that_was_held_up_waits_for_the_next() -> None:
    cell = Cell()
    cell.silence = "frames are old, for nobody could take them"
    cell.look(after=2.0)
    assert not cell.stops
    cell.silence = ""
    cell.look()
    assert not cell.stops


def test_not_even_a_machine_that_is_always_late_goes_on_without_a_camera() -> None:
    cell = Cell()
    cell.silence = "no frames"
    cell.look(after=2.0)
    cell.look(after=2.0)
    assert cell.stops
