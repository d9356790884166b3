"""Where the next object is put: the places of a pattern one after the other, until it is full."""

from grasp_affordance.cell import PatternConfig, Point


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
