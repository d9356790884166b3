"""From the raw signal of a vacuum sensor to kilopascals, and whether to believe it."""

from dataclasses import dataclass

from grasp_affordance.cell_description import Sensing
from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class VacuumSensorConfig:
    """One sensor on the robot's inputs.

    Attributes:
        sensing: analog or digital.
        pin: of the input: 0 or 1 analog; 0 to 7 standard, 8 to 15 configurable, 16 and 17 tool.
        low, high: analog signal at `low_vacuum` and at `high_vacuum`: volts, or amperes.
        low_vacuum, high_vacuum: kilopascals below ambient that belong to them.
        tolerance: an analog signal further outside [low, high] than this share of the span means
            a broken wire or a wrong input domain.
        inverted: the digital input is on while there is no vacuum.
        switch_vacuum: the vacuum that a closed switch stands for, kilopascals.
    """

    sensing: Sensing = Sensing.ANALOG
    pin: int = 0
    low: float = 1.0
    high: float = 5.0
    low_vacuum: float = 0.0
    high_vacuum: float = 101.3
    tolerance: float = 0.1
    inverted: bool = False
    switch_vacuum: float = 50.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sensing", Sensing(self.sensing))
        pins = 1 if self.sensing is Sensing.ANALOG else 17
        if not 0 <= self.pin <= pins:
            raise ConfigError(f"{self.sensing} pin {self.pin} is not between 0 and {pins}")
        if self.low == self.high or self.low_vacuum == self.high_vacuum:
            raise ConfigError("low and high of the sensor are equal: that is no scale")
        if not (0 < self.switch_vacuum <= 101.3 and self.tolerance >= 0):
            raise ConfigError("switch_vacuum must be in (0, 101.3] kPa, tolerance at least 0")

    def from_analog(self, signal: float) -> float:
        """Return kilopascals below ambient; NaN for a signal that the sensor cannot give.

        A little below 0 is right for a sensor whose zero is a little off; it is not cut off here,
        because readings that are all exactly 0 would look like those of a stuck sensor.
        """
        share = (signal - self.low) / (self.high - self.low)
        if not -self.tolerance <= share <= 1.0 + self.tolerance:
            return float("nan")
        return self.low_vacuum + share * (self.high_vacuum - self.low_vacuum)

    def from_digital(self, state: bool) -> float:
        """Return `switch_vacuum` or 0."""
        return self.switch_vacuum if state != self.inverted else 0.0

    def to_analog(self, vacuum: float) -> float:
        """Return the signal of a vacuum: the inverse of `from_analog`, for a stand-in."""
        share = (vacuum - self.low_vacuum) / (self.high_vacuum - self.low_vacuum)
        return self.low + share * (self.high - self.low)
