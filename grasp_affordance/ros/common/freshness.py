"""Whether a message is of now, by a clock that may itself be wrong, stand still or start again.

Two things are evaluated. *Silence*: how long ago a message came; in a simulation in simulated time,
else by a clock that nobody sets. *The stamp*: against the node's clock, in both directions. Neither
is enough: a stamp ahead of the clock stays young for ever, and a message that was held up is old
although it has just come.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.clock import Clock, ClockChange, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node

from grasp_affordance.rgbd import ahead_of_clock, not_of_now

_CHANGED = (ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED)
_CLOCK_TIMEOUT = 2.0  # seconds of real time without /clock


@dataclass(frozen=True)
class Arrival:
    """When a message came.

    Attributes:
        ros_ns: by the node's clock, nanoseconds.
        steady: by a clock that nobody sets, seconds.
    """

    ros_ns: int
    steady: float


class NodeClock:
    """The node's clock, and what is wrong with it."""

    def __init__(
        self,
        node: Node,
        on_restart: Callable[[], None] = lambda: None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch the clock.

        Args:
            on_restart: called when /clock goes back or `use_sim_time` changes: what came before
                cannot be compared with now. It must not block.
            steady: seconds of a clock that nobody sets.
        """
        self._clock, self._steady, self._on_restart = node.get_clock(), steady, on_restart
        self._ticked = steady()
        self._restart = ""
        # Every message on /clock counts as a jump of a nanosecond or more.
        every = JumpThreshold(
            min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1)
        )
        self._handle = self._clock.create_jump_callback(every, post_callback=self._jumped)

    def close(self) -> None:
        """Stop watching."""
        self._handle.unregister()

    def now_ns(self) -> int:
        """Return the node's time, nanoseconds."""
        return int(self._clock.now().nanoseconds)

    def seconds(self) -> float:
        """Return the time for durations and deadlines, seconds: simulated in a simulation.

        Where /clock stands still, real time goes on from there after a while: a wait must end in a
        simulation that is paused or gone.
        """
        if not self._clock.ros_time_is_active:
            return self._steady()
        still = self._steady() - self._ticked
        return self.now_ns() * 1e-9 + max(0.0, still - _CLOCK_TIMEOUT)

    def problem(self) -> str:
        """Return why nothing can be evaluated by this clock; empty when it runs.

        While it says something nothing may move.
        """
        if not self._clock.ros_time_is_active:
            return ""
        remedy = "start the simulator and its clock bridge, or set use_sim_time to false"
        if self.now_ns() == 0:
            return f"use_sim_time is true, but nothing came on /clock: {remedy}"
        still = self._steady() - self._ticked
        if still > _CLOCK_TIMEOUT:
            return f"/clock has stood still for {still:.1f} s: the simulation is paused or gone"
        return ""

    def restarted(self) -> str:
        """Return how the clock last started again; empty if it has not since it was watched."""
        return self._restart

    def arrival(self) -> Arrival:
        """Return when a message came that comes now."""
        return Arrival(self.now_ns(), self._steady())

    def silence(self, since: Arrival) -> float:
        """Return how long ago that was, seconds."""
        if self._clock.ros_time_is_active:
            return (self.now_ns() - since.ros_ns) * 1e-9
        return self._steady() - since.steady

    def ahead(self, stamp_ns: int) -> float:
        """Return how far a stamp is ahead of now, seconds; negative when it is past."""
        return (stamp_ns - self.now_ns()) * 1e-9

    def penalty(self, stamp_ns: int, max_age: float, arrival: Arrival | None = None) -> str:
        """Return why a message is not of now; empty when it is.

        Args:
            stamp_ns: of the message.
            max_age: it may be this old, seconds, by its stamp and since it came.
            arrival: when it came, where that is known.
        """
        if problem := self.problem():
            return problem
        penalties = []
        silence = 0.0 if arrival is None else self.silence(arrival)
        if silence > max_age:
            penalties.append(f"silent for {silence:.1f} s, at most {max_age:.1f} s")
        stamp = ahead_of_clock(stamp_ns, arrival.ros_ns) if arrival else ""
        stamp = stamp or not_of_now(stamp_ns, self.now_ns(), max_age)
        return "; ".join([*penalties, *([stamp] if stamp else [])])

    def _jumped(self, jump: TimeJump) -> None:
        self._ticked = self._steady()
        back = -jump.delta.nanoseconds * 1e-9
        if jump.clock_change in _CHANGED:
            self._restart = "use_sim_time has changed: what came before does not count"
        elif back > 0:
            self._restart = f"/clock went back by {back:.1f} s: what came before does not count"
        else:
            return
        self._on_restart()


def steady_clock() -> Clock:
    """Return a clock for timers that must go on whatever happens to /clock."""
    return Clock(clock_type=ClockType.STEADY_TIME)
