"""`cell.Gripper` over anything that can switch a vacuum and measure it.

What is sensed is believed only as far as it behaves like a sensor: readings must be fresh and in
range, an analog one must tremble, the vacuum must be gone after a release, and it may not be there
before a grasp. Anything else is a GripperError: an aborted pick, never a label.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from grasp_affordance.attempt import PressureTrace
from grasp_affordance.errors import ConfigError, GripperError

_POLL = 0.005  # seconds between looks at the newest reading
_LONGEST_TRACE = 100_000  # readings; minutes at any driver's rate


@dataclass(frozen=True)
class Reading:
    """One value of the sensor.

    Attributes:
        time: of arrival, seconds, by the clock of the gripper.
        vacuum: kilopascals below ambient; NaN where the signal is impossible.
    """

    time: float
    vacuum: float


class VacuumSystem(Protocol):
    """An ejector with its sensor, whatever it hangs on. Calls raise GripperError."""

    def switch_vacuum(self, on: bool) -> None:
        """Switch the suction; returns when that is confirmed."""

    def switch_blow_off(self, on: bool) -> None:
        """Switch the blow-off; does nothing where there is none."""

    def newest(self) -> Reading | None:
        """Return the newest reading; None before the first."""

    def listen(self, listener: Callable[[Reading], None]) -> None:
        """Call `listener` with every reading from now on."""


@dataclass(frozen=True)
class VacuumConfig:
    """When the cup counts as sealed, and how long things may take.

    Attributes:
        sealed: from this vacuum on the cup counts as sealed, kilopascals.
        settled: the vacuum has settled when it changes by less than this in `settling`, kPa.
        settling: seconds.
        longest_settling: the seal is evaluated after this long at the latest, seconds.
        free: below this vacuum the object has come off, kilopascals.
        blow_off: how long air is blown, seconds.
        release_timeout: the vacuum must be gone this long after it was switched off, seconds.
        reading_timeout: readings older than this mean that the sensor is silent, seconds.
        stuck_readings: so many readings in a row that are exactly equal mean that the sensor is
            stuck; 0 for a switch, whose readings are always equal.
    """

    sealed: float = 40.0
    settled: float = 1.5
    settling: float = 0.06
    longest_settling: float = 0.6
    free: float = 5.0
    blow_off: float = 0.1
    release_timeout: float = 1.0
    reading_timeout: float = 0.5
    stuck_readings: int = 60

    def __post_init__(self) -> None:
        if not 0 < self.free < self.sealed <= 101.3:
            raise ConfigError(f"free {self.free} and sealed {self.sealed} kPa: 0 < free < sealed")
        times = (self.settling, self.longest_settling, self.release_timeout, self.reading_timeout)
        if min(times) <= 0 or self.settled <= 0 or self.blow_off < 0 or self.stuck_readings < 0:
            raise ConfigError(
                "times and settled must be positive, blow_off and stuck_readings >= 0"
            )


class VacuumGripper:
    """Switches, waits, and evaluates what the sensor says."""

    def __init__(
        self,
        system: VacuumSystem,
        config: VacuumConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Listen to a system whose readings have the time of `clock`, seconds."""
        self.config = config or VacuumConfig()
        self._system, self._clock = system, clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._trace: list[Reading] = []
        self._last = float("nan")
        self._equal = self._changes = 0
        system.listen(self._note)

    def grasp(self) -> None:
        """Switch the vacuum on and start a new pressure trace.

        Raises:
            GripperError: the sensor does not answer, or the vacuum is there already.
        """
        before = self.vacuum()
        if before >= self.config.sealed:
            raise GripperError(
                f"{before:.0f} kPa before the vacuum is on: something hangs on the cup, or the "
                "pressure sensor is stuck"
            )
        self._system.switch_vacuum(True)
        with self._lock:
            self._trace, self._began = [], self._clock()

    def release(self) -> None:
        """Switch the vacuum off, blow off; return when the vacuum is gone.

        Every pick ends with a release, so this is also where a sensor must show that it still
        measures: without that, "no vacuum" may be what it said when it got stuck.

        Raises:
            GripperError: it does not go away: the valve or the sensor is stuck.
        """
        self._system.switch_vacuum(False)
        try:
            self._system.switch_blow_off(True)
            end = self._clock() + self.config.blow_off
            while self._clock() < end:
                self._pause(_POLL)
        finally:
            self._system.switch_blow_off(False)
        deadline = self._clock() + self.config.release_timeout
        while (vacuum := self.vacuum()) > self.config.free:
            if self._clock() > deadline:
                raise GripperError(
                    f"{vacuum:.0f} kPa {self.config.release_timeout:.1f} s after the vacuum was "
                    "switched off: the valve does not close, the cup is blocked, or the pressure "
                    "sensor is stuck"
                )
            self._pause(_POLL)
        self._wait_for_tremble()

    def vacuum(self) -> float:
        """Return the newest reading, kilopascals below ambient.

        Raises:
            GripperError: it is missing, old, impossible or stuck.
        """
        reading = self._system.newest()
        if reading is None:
            raise GripperError("no reading of the vacuum yet; is the gripper's driver running?")
        age = self._clock() - reading.time
        if age > self.config.reading_timeout:
            raise GripperError(f"the last reading of the vacuum is {age:.1f} s old")
        if not np.isfinite(reading.vacuum):
            raise GripperError(
                "the pressure signal is outside the sensor's range: a broken wire, the wrong pin, "
                "or an input set to current instead of voltage"
            )
        if self.config.stuck_readings and self._equal >= self.config.stuck_readings:
            raise GripperError(
                f"{self._equal} readings of exactly {reading.vacuum:.3f} kPa: the pressure sensor "
                "is stuck"
            )
        return max(0.0, reading.vacuum)

    def holding(self) -> bool:
        """Wait until the vacuum has settled; return whether it is that of a sealed cup.

        Raises:
            GripperError: the sensor cannot be believed.
        """
        began = self._clock()
        while self._clock() - began < self.config.longest_settling:
            self._pause(_POLL)
            vacuum = self.vacuum()
            if self._clock() - began < self.config.settling:
                continue
            span = np.ptp([*self._since(self._clock() - self.config.settling), vacuum])
            # Readings that do not tremble at all may be those of a sensor that just got stuck:
            # wait, until they do or until `vacuum` says so.
            if span <= self.config.settled and (span > 0 or not self.config.stuck_readings):
                break
        return self.vacuum() >= self.config.sealed

    def trace(self) -> PressureTrace:
        """Return the vacuum since `grasp()`; impossible readings are left out."""
        with self._lock:
            began, readings = self._began, list(self._trace)
        kept = [r for r in readings if np.isfinite(r.vacuum)]
        times = np.array([r.time - (began or 0.0) for r in kept])
        vacuum = np.array([max(0.0, r.vacuum) for r in kept], dtype=np.float32)
        return PressureTrace(times, vacuum)

    def _wait_for_tremble(self) -> None:
        """Return once a reading differs from the one before; `vacuum` raises where none does."""
        start = self._changes
        while self.config.stuck_readings and self._changes == start:
            self.vacuum()
            self._pause(_POLL)

    def _note(self, reading: Reading) -> None:
        with self._lock:
            same = reading.vacuum == self._last
            self._equal = self._equal + 1 if same else 1
            self._changes += not same
            self._last = reading.vacuum
            if self._began is not None and len(self._trace) < _LONGEST_TRACE:
                self._trace.append(reading)

    def _since(self, start: float) -> list[float]:
        """Return the readings after a time, kilopascals."""
        with self._lock:
            return [r.vacuum for r in self._trace[-200:] if r.time >= start]

    @staticmethod
    def _pause(seconds: float) -> None:
        threading.Event().wait(seconds)
