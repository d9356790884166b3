"""The parallel gripper that rectangles are made for."""

from dataclasses import dataclass

from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class JawConfig:
    """A gripper with two parallel plates.

    Attributes:
        plate_length: length of a plate, metres; it sets a rectangle's w.
        maximum_opening: between the plates, metres.
        minimum_opening: between the plates when closed, metres.
    """

    plate_length: float = 0.02
    maximum_opening: float = 0.085
    minimum_opening: float = 0.0

    def __post_init__(self) -> None:
        if self.plate_length <= 0 or not 0 <= self.minimum_opening < self.maximum_opening:
            raise ConfigError(
                f"gripper: plates of {self.plate_length} m that open from {self.minimum_opening} "
                f"to {self.maximum_opening} m are not possible"
            )
