"""The vacuum in the cup over time, as an ejector's sensor would give it.

First-order: the vacuum approaches the level at which the ejector's flow equals the leak, with the
time constant of evacuating cup and hose. A sealed cup reaches the ejector's vacuum, an open one
only the small drop of free flow, a poor seal something between.
"""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.attempt import PressureTrace
from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class PressureConfig:
    """An ejector with its sensor.

    Attributes:
        evacuation: time constant of a sealed cup, seconds (5 ml behind a 30 l/min ejector).
        ventilation: time constant when the cup opens or is blown off, seconds.
        open_vacuum: of an open cup, kPa below ambient.
        noise: standard deviation of the sensor, kPa.
        resolution: of the sensor, kPa.
        sealed_share: of the ejector's vacuum above which a cup counts as sealed.
    """

    evacuation: float = 0.030
    ventilation: float = 0.012
    open_vacuum: float = 4.0
    noise: float = 0.3
    resolution: float = 0.1
    sealed_share: float = 0.6

    def __post_init__(self) -> None:
        if not (self.evacuation > 0 and self.ventilation > 0 and self.resolution > 0):
            raise ConfigError("evacuation, ventilation and resolution must be positive")
        if not 0 < self.sealed_share < 1:
            raise ConfigError(f"sealed_share {self.sealed_share} is not in (0, 1)")


def steady_vacuum(full: float, opening: float, config: PressureConfig) -> float:
    """Return the vacuum in kPa at which ejector and leak balance.

    Args:
        full: vacuum of a perfect seal, kPa.
        opening: leaking share of the rim, 0 sealed to 1 open.

    The leak's flow grows with the square root of the pressure drop (orifice), the ejector's falls
    linearly with its vacuum; their balance is solved in closed form.
    """
    # 1 - p/full = c sqrt(p/full) with c so large that the open cup gives open_vacuum
    share = config.open_vacuum / full
    c = (1 - share) / np.sqrt(share) * opening
    root = (-c + np.sqrt(c * c + 4.0)) / 2
    return float(full * root * root)


class Ejector:
    """The vacuum's state and its recorded trace."""

    def __init__(self, full: float, config: PressureConfig, rng: np.random.Generator) -> None:
        """Start off, at ambient pressure; `full` is the vacuum of a perfect seal in kPa."""
        self.config = config
        self.full = full
        self.on = False
        self.true_vacuum = 0.0
        self._rng = rng
        self._times: list[float] = []
        self._readings: list[float] = []
        self._elapsed = 0.0

    @property
    def threshold(self) -> float:
        """Reading above which the cup counts as sealed, kPa."""
        return self.config.sealed_share * self.full

    def switch_on(self) -> None:
        """Switch on and begin a new trace."""
        self.on = True
        self._times, self._readings, self._elapsed = [], [], 0.0
        self._record()

    def switch_off(self) -> None:
        """Switch off and blow off."""
        self.on = False

    def advance(self, duration: float, opening: float) -> None:
        """Let `duration` seconds pass with a leaking share `opening` of the rim."""
        target = steady_vacuum(self.full, opening, self.config) if self.on else 0.0
        rising = self.on and target > self.true_vacuum
        constant = self.config.evacuation if rising else self.config.ventilation
        self.true_vacuum = target + (self.true_vacuum - target) * float(
            np.exp(-duration / constant)
        )
        self._elapsed += duration
        self._record()

    def reading(self) -> float:
        """Return the sensor's last value, kPa."""
        return self._readings[-1] if self._readings else 0.0

    def trace(self) -> PressureTrace:
        """Return all values since the vacuum was switched on."""
        return PressureTrace(np.array(self._times), np.array(self._readings, dtype=np.float32))

    def _record(self) -> None:
        noise = self._rng.normal(0.0, self.config.noise) if self.config.noise else 0.0
        step = self.config.resolution
        self._times.append(self._elapsed)
        self._readings.append(max(0.0, round((self.true_vacuum + noise) / step) * step))
