"""Where the next object is put: the places of a pattern one after the other, until it is full."""

from grasp_affordance.cell import PatternConfig, Point


class Placing:
    """Counts what was put into one container.

    Where a pattern has a limit, nobody knows at the start how much of it is taken: a program that
    was started anew must not put an object where one lies.
    """

    def __init__(self, config: PatternConfig) -> None:
        self._config = config
        self.count: int | None = None if config.places else 0

    def begin_anew(self) -> None:
        """Count from 0: the container is empty."""
        self.count = 0

    def add(self) -> None:
        """Count one more object."""
        if self.count is not None:
            self.count += 1

    def next(self, first: Point) -> Point:
        """Return the next place, with the first one at `first`, metres."""
        offset = self._config.offset(self.count or 0)
        return (first[0] + offset[0], first[1] + offset[1], first[2] + offset[2])

    def is_last(self) -> bool:
        """Whether the next object fills the container."""
        return bool(self._config.places) and (self.count or 0) + 1 >= self._config.places

    def why_not(self) -> str:
        """Return why nothing may be put down; empty while something may."""
        places = self._config.places
        if self.count is None:
            return (
                f"nobody has said how many of the container's {places} places are taken: empty it "
                "and call ~/new_container"
            )
        if not places or self.count < places:
            return ""
        return f"the container is full: {self.count} of {places} places are taken"
