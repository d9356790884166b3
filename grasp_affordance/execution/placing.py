"""Where the next object is put: the places of a pattern one after the other, until it is full."""

from dataclasses import dataclass

from grasp_affordance.errors import ConfigError

Point = tuple[float, float, float]


@dataclass(frozen=True)
class PatternConfig:
    """The places beside and over the first one.

    Attributes:
        counts: along the base frame's x, y and z; 0 layers: any number of objects, all at the
            first place.
        pitch: from one place to the next along each, metres; 0 where objects fall into a container
            that so many fill.
    """

    counts: tuple[int, int, int] = (1, 1, 0)
    pitch: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if min(self.counts[:2]) < 1 or self.counts[2] < 0:
            raise ConfigError(f"pattern {self.counts}: columns and rows from 1, layers from 0")
        if not self.counts[2] and self.counts != (1, 1, 0):
            raise ConfigError(f"pattern {self.counts}: a pattern without a limit has one place")
        if any(abs(step) > 1 for step in self.pitch) or self.pitch[2] < 0:
            raise ConfigError(f"pitch {self.pitch} m: at most 1 m, and layers go up")

    @property
    def places(self) -> int:
        """How many objects fill it; 0 for any number."""
        columns, rows, layers = self.counts
        return columns * rows * layers

    def offset(self, number: int) -> Point:
        """Return where object `number`, 0-based, goes, from the first place, metres."""
        columns, rows, layers = self.counts
        if not layers:
            return (0.0, 0.0, 0.0)
        column, row = number % columns, number // columns % rows
        x, y, z = self.pitch
        return (column * x, row * y, number // (columns * rows) * z)


class Placing:
    """Counts what was put into one container; it is empty at the start."""

    def __init__(self, config: PatternConfig) -> None:
        self._config = config
        self.count = 0

    def next(self, first: Point) -> Point:
        """Return the next place, with the first one at `first`, metres."""
        offset = self._config.offset(self.count)
        return (first[0] + offset[0], first[1] + offset[1], first[2] + offset[2])

    def why_full(self) -> str:
        """Return why nothing more can be put down; empty while something can."""
        places = self._config.places
        if not places or self.count < places:
            return ""
        return f"the container is full: {self.count} of {places} places are taken"
