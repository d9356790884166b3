"""Whether a stamp is of now: one rule for frames, poses and recordings, live or not."""

MOST_AHEAD = 0.3  # seconds: synchronised computers differ by less, also while /clock is on its way

_REMEDY = (
    "synchronise the clocks of the computers (chrony, PTP), or let the driver stamp with the "
    "computer's time"
)


def ahead_of_clock(stamp_ns: int, now_ns: int) -> str:
    """Return that a stamp is more than `MOST_AHEAD` ahead of a clock, and what to do; else empty.

    Such a clock makes every old message look new.
    """
    ahead = (stamp_ns - now_ns) * 1e-9
    if ahead <= MOST_AHEAD:
        return ""
    return f"stamped {ahead:.1f} s ahead of the clock, at most {MOST_AHEAD:.1f} s: {_REMEDY}"


def not_of_now(stamp_ns: int, now_ns: int, max_age: float) -> str:
    """Return why a stamp is not of the last `max_age` seconds of a clock; empty when it is."""
    age = (now_ns - stamp_ns) * 1e-9
    if age > max_age:
        return f"{age:.1f} s old, at most {max_age:.1f} s"
    return ahead_of_clock(stamp_ns, now_ns)
