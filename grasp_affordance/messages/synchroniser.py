"""Bring messages of several topics together by their stamps, and say why none come together.

`message_filters.ApproximateTimeSynchronizer` does the first half; the second half is what a person
in front of a silent node needs.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grasp_affordance.errors import ConfigError

_NOTICE = 5  # messages on a topic before the silence of another is worth a word


@dataclass(frozen=True)
class SynchroniserConfig:
    """When messages belong together.

    Attributes:
        tolerance: largest difference between their stamps, seconds.
        queue: messages kept per topic while waiting for their partners.
    """

    tolerance: float = 0.02
    queue: int = 10

    def __post_init__(self) -> None:
        if not (self.tolerance >= 0 and self.queue >= 1):
            raise ConfigError(f"synchroniser tolerance {self.tolerance} s, queue {self.queue}")


class Synchroniser:
    """Keeps the last messages of each topic and matches them; not thread-safe."""

    def __init__(self, topics: Sequence[str], config: SynchroniserConfig) -> None:
        self.topics = tuple(topics)
        self.config = config
        self._tolerance_ns = int(config.tolerance * 1e9)
        self._queues: dict[str, deque[tuple[int, Any]]] = {
            topic: deque(maxlen=config.queue) for topic in topics
        }
        self._unmatched: dict[str, int] = dict.fromkeys(topics, 0)

    def add(self, topic: str, stamp_ns: int, message: Any) -> tuple[Any, ...] | None:
        """Take one message; return the messages of all topics, in order, when it completes a set.

        A set is used once; whatever is older than it is dropped.
        """
        self._queues[topic].append((stamp_ns, message))
        self._unmatched[topic] += 1
        matched = [self._nearest(other, stamp_ns) for other in self.topics]
        if any(item is None for item in matched):
            return None
        stamps = [item[0] for item in matched if item is not None]
        if max(stamps) - min(stamps) > self._tolerance_ns:
            return None
        self._drop_until(stamps)
        return tuple(item[1] for item in matched if item is not None)

    def clear(self) -> None:
        """Forget all messages: their stamps cannot be compared with those to come."""
        for topic in self.topics:
            self._queues[topic].clear()
            self._unmatched[topic] = 0

    def problem(self) -> str:
        """Return why messages since the last set do not come together; empty if nothing is wrong.

        A problem is a topic that is silent while others speak, or stamps that never meet.
        """
        counts = self._unmatched
        silent = [topic for topic in self.topics if counts[topic] == 0]
        if len(silent) == len(self.topics) or max(counts.values()) < _NOTICE:
            return ""
        if silent:
            others = [topic for topic in self.topics if topic not in silent]
            return f"nothing on {', '.join(silent)} while {', '.join(others)} arrive"
        difference = self._closest_difference()
        return (
            f"stamps never match: the closest messages are {difference:.3f} s apart, "
            f"{self.config.tolerance:.3f} s are allowed; synchronise the clocks, let one driver "
            "publish all topics, or raise the tolerance"
        )

    def _nearest(self, topic: str, stamp_ns: int) -> tuple[int, Any] | None:
        return min(self._queues[topic], key=lambda item: abs(item[0] - stamp_ns), default=None)

    def _drop_until(self, stamps: list[int]) -> None:
        for topic, stamp in zip(self.topics, stamps, strict=True):
            queue = self._queues[topic]
            while queue and queue[0][0] <= stamp:
                queue.popleft()
            self._unmatched[topic] = 0

    def _closest_difference(self) -> float:
        """Return the smallest spread of a message of the first topic with the others, seconds."""
        spreads = []
        for stamp, _ in self._queues[self.topics[0]]:
            nearest = [self._nearest(topic, stamp) for topic in self.topics]
            stamps = [item[0] for item in nearest if item is not None]
            spreads.append((max(stamps) - min(stamps)) * 1e-9)
        return min(spreads, default=float("inf"))
