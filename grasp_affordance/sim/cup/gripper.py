"""The vacuum gripper of the simulated cell."""

import numpy as np

from grasp_affordance.attempt import PressureTrace
from grasp_affordance.sim.attempt import AttemptMonitor
from grasp_affordance.sim.cup.pressure import Ejector
from grasp_affordance.sim.cup.suction import Suction
from grasp_affordance.sim.world import World

_FREE = 3.0  # kPa below which an object has come off
_LONGEST_WAIT = 0.30  # seconds for the vacuum to settle


class SimGripper:
    """`cell.Gripper` in the simulator."""

    def __init__(self) -> None:
        self.attempts = 0

    def enter(
        self, world: World, suction: Suction, ejector: Ejector, monitor: AttemptMonitor
    ) -> None:
        """Work in a new stack's physics."""
        self._world, self._suction = world, suction
        self._ejector, self._monitor = ejector, monitor

    def grasp(self) -> None:
        """Switch the vacuum on and begin a new attempt with its pressure trace."""
        with self._world.lock:
            self._suction.begin()
            self._monitor.begin()
            self._ejector.switch_on()
        self.attempts += 1

    def release(self) -> None:
        """Blow off; returns when the vacuum is gone and the object free."""
        with self._world.lock:
            self._ejector.switch_off()
            self._monitor.note_release()
            self._suction.detach()
        for _ in range(round(_LONGEST_WAIT / self._world.period)):
            if self._ejector.true_vacuum < _FREE:
                return
            self._world.step()

    def forget(self) -> None:
        """Vacuum off and gone, at once (after a restored snapshot)."""
        self._ejector.switch_off()
        self._ejector.true_vacuum = 0.0

    def vacuum(self) -> float:
        """Return the sensor's present value, kPa below ambient."""
        return self._ejector.reading()

    def holding(self) -> bool:
        """Wait until the vacuum has settled; return whether it is that of a sealed cup."""
        still = 0
        last = self._ejector.true_vacuum
        for _ in range(round(_LONGEST_WAIT / self._world.period)):
            self._world.step()
            change = abs(self._ejector.true_vacuum - last)
            last = self._ejector.true_vacuum
            still = still + 1 if change < 0.02 * self._ejector.full else 0
            if still >= 2:
                break
        return self.sealed()

    def sealed(self) -> bool:
        """Whether the mean of the last readings is above the ejector's threshold."""
        readings = self._ejector.trace().vacuum[-3:]
        return bool(len(readings) and float(np.mean(readings)) > self._ejector.threshold)

    def trace(self) -> PressureTrace:
        """Return the vacuum since `grasp()`."""
        return self._ejector.trace()
