"""Whether the calibration still holds: where contact was predicted, and where it was felt.

The difference of one pick says little: depth is noisy, objects give way. The median of many says
how far camera and robot have moved against each other along the approach since the calibration.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from grasp_affordance.errors import ConfigError

_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution to its standard deviation


@dataclass(frozen=True)
class DriftConfig:
    """When the calibration is in doubt.

    Attributes:
        window: newest contacts that count.
        fewest: contacts before anything is said.
        expected: sensed minus predicted height of a good calibration: how far the cup rim gives way
            before contact is noticed (negative: lower), metres. Measure it after a calibration.
        limit: the median may be this far off `expected`, metres; 0 never alarms.
        scatter: robust standard deviation from which single contacts disagree too much, metres.
        sure: standard errors by which the median must be beyond the limit.
    """

    window: int = 40
    fewest: int = 10
    expected: float = 0.0
    limit: float = 0.006
    scatter: float = 0.012
    sure: float = 1.0

    def __post_init__(self) -> None:
        if not 3 <= self.fewest <= self.window:
            raise ConfigError(f"drift: 3 <= fewest {self.fewest} <= window {self.window}")
        if self.limit < 0 or self.scatter <= 0 or self.sure < 0:
            raise ConfigError("drift: limit and sure must be at least 0, scatter positive")


@dataclass(frozen=True)
class Drift:
    """What the contacts say now.

    Attributes:
        contacts: that count.
        offset: median of sensed minus predicted height beyond `expected`, metres; NaN without any.
        spread: robust standard deviation of one contact, metres; NaN without any.
        alarm: what is wrong and what to do; empty while all is well or nothing is known yet.
    """

    contacts: int
    offset: float
    spread: float
    alarm: str = ""


class DriftMonitor:
    """A running estimate; one difference per contact."""

    def __init__(self, config: DriftConfig | None = None) -> None:
        self.config = config or DriftConfig()
        self._differences: deque[float] = deque(maxlen=self.config.window)

    def note(self, predicted: float, sensed: float) -> None:
        """Take one contact: heights in the base frame, metres; without both it does not count."""
        if np.isfinite(predicted) and np.isfinite(sensed):
            self._differences.append(sensed - predicted - self.config.expected)

    def reset(self) -> None:
        """Forget everything: after a new calibration."""
        self._differences.clear()

    def estimate(self) -> Drift:
        """Return what the contacts say."""
        values = np.array(self._differences)
        if not values.size:
            return Drift(0, float("nan"), float("nan"))
        offset = float(np.median(values))
        spread = float(_TO_SIGMA * np.median(np.abs(values - offset)))
        return Drift(len(values), offset, spread, self._alarm(len(values), offset, spread))

    def _alarm(self, count: int, offset: float, spread: float) -> str:
        config = self.config
        if config.limit == 0 or count < config.fewest:
            return ""
        if spread > config.scatter:
            return (
                f"the heights of {count} contacts scatter by {spread * 1000:.1f} mm: the camera "
                "or the bin is loose, or contact is not sensed where it happens"
            )
        # Standard error of a median: 1.25 sigma / sqrt(n).
        penalty = config.sure * 1.2533 * spread / np.sqrt(count)
        if abs(offset) - penalty <= config.limit:
            return ""
        where = "higher" if offset > 0 else "lower"
        return (
            f"contact is {abs(offset) * 1000:.1f} mm {where} than predicted (median of {count}): "
            "the camera has moved, the cup is another, or the bin's height is wrong; run "
            "`grasp-affordance verify_calibration`, calibrate again if it confirms, then "
            "configure the node anew"
        )
