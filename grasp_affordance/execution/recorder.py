"""Measures the phases of a pick and tells who listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from grasp_affordance.attempt import Phase, PhaseReport
from grasp_affordance.cell import Cell
from grasp_affordance.errors import CellError


@dataclass(frozen=True)
class Progress:
    """What a listener learns at the start and at the end of each phase.

    Attributes:
        phase: under way.
        elapsed: seconds since the pick began, in the cell's clock.
        vacuum: kilopascals below ambient.
        tcp_height: of the tool centre point in the base frame, metres.
    """

    phase: Phase
    elapsed: float
    vacuum: float
    tcp_height: float


class Recorder:
    """Collects one PhaseReport per phase, also of the phase that an error ends."""

    def __init__(self, cell: Cell, listener: Callable[[Progress], None] | None = None) -> None:
        self._cell = cell
        self._listener = listener
        self._began = cell.clock()
        self.phases: list[PhaseReport] = []

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Measure a phase."""
        began = self._cell.clock()
        self._publish(self._sense(phase))
        try:
            yield
        except BaseException:
            self._note(phase, began, self._sense_if_possible(phase))
            raise
        progress = self._sense(phase)
        self._note(phase, began, progress)
        self._publish(progress)

    def _note(self, phase: Phase, began: float, progress: Progress) -> None:
        duration = self._cell.clock() - began
        self.phases.append(PhaseReport(phase, duration, progress.vacuum, progress.tcp_height))

    def _publish(self, progress: Progress) -> None:
        if self._listener is not None:
            self._listener(progress)

    def _sense(self, phase: Phase) -> Progress:
        return Progress(
            phase=phase,
            elapsed=self._cell.clock() - self._began,
            vacuum=self._cell.gripper.vacuum(),
            tcp_height=float(self._cell.arm.tcp_pose()[2, 3]),
        )

    def _sense_if_possible(self, phase: Phase) -> Progress:
        """Sense after an error; a sensor that fails as well must not hide that error."""
        try:
            return self._sense(phase)
        except CellError:
            nan = float("nan")
            return Progress(phase, self._cell.clock() - self._began, nan, nan)
