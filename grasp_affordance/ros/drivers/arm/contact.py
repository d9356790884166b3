"""How a guarded approach notices that the cup has met something.

A UR5 of the CB3 series has no force sensor. What it can notice is the vacuum, which builds up as
the cup rim closes on a surface, and the joints lagging behind their plan; or the approach simply
ends at a programmed depth, which the bellows absorbs. A UR5e measures forces at its flange as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from grasp_affordance.cell_description import ContactSign
from grasp_affordance.errors import ConfigError

Signal = Callable[[], float]


@dataclass(frozen=True)
class ContactConfig:
    """Signs of contact and their thresholds.

    Attributes:
        signs: which count.
        vacuum_rise: above the vacuum at the start of the approach, kilopascals.
        tracking_error: beyond the error at the start, radians.
        force: beyond the force at the start, newtons.
        force_topic: geometry_msgs/WrenchStamped of the flange.
        force_timeout: a force older than this ends the approach with an error, seconds.
    """

    signs: tuple[ContactSign, ...] = (ContactSign.VACUUM,)
    vacuum_rise: float = 8.0
    tracking_error: float = 0.01
    force: float = 6.0
    force_topic: str = "force_torque_sensor_broadcaster/wrench"
    force_timeout: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "signs", tuple(ContactSign(sign) for sign in self.signs))
        if not self.signs:
            raise ConfigError("contact.signs is empty: the approach would never notice anything")
        if min(self.vacuum_rise, self.tracking_error, self.force) <= 0:
            raise ConfigError("vacuum_rise, tracking_error and force must be positive")
        if not 0 < self.force_timeout <= 5:
            raise ConfigError(f"force_timeout {self.force_timeout} s is not between 0 and 5 s")

    @property
    def at_the_end(self) -> bool:
        """Whether the programmed end of an approach counts as contact."""
        return ContactSign.DEPTH in self.signs


class ContactWatch:
    """Compares signals with what they were when the approach began."""

    def __init__(self, config: ContactConfig, signals: Mapping[ContactSign, Signal]) -> None:
        """Remember where the signals stand now.

        Args:
            signals: of the signs in the config; DEPTH needs none.
        """
        thresholds = {
            ContactSign.VACUUM: config.vacuum_rise,
            ContactSign.TRACKING: config.tracking_error,
            ContactSign.FORCE: config.force,
        }
        self._watched = [
            (signals[sign], signals[sign](), thresholds[sign])
            for sign in config.signs
            if sign is not ContactSign.DEPTH
        ]

    def touched(self) -> bool:
        """Whether one of the signals has risen by its threshold."""
        return any(signal() - start >= threshold for signal, start, threshold in self._watched)
