"""Figures of several seeds in words: mean and spread, and a `*` where there is one seed only."""

from collections.abc import Sequence

import numpy as np

from research.experiments.results import ALL, ArmRun, Array, mean_interval

Values = Sequence[float]


def over_seeds(values: Values) -> str:
    """Return mean and standard deviation over seeds in percent; a `*` for a single seed."""
    known = _known(values)
    if not known.size:
        return "–"
    if known.size == 1:
        return f"{100 * known[0]:.1f} % *"
    return f"{100 * known.mean():.1f} ± {100 * known.std(ddof=1):.1f} %"


def reached(attempts: Sequence[int | None]) -> str:
    """Return median and range of the attempts to a level, and how many runs reached it."""
    known = [each for each in attempts if each is not None]
    if not known:
        return "never" if len(attempts) > 1 else "not reached *"
    spread = f" ({min(known)}–{max(known)})" if len(known) > 1 else ""
    missing = "" if len(known) == len(attempts) else f", {len(known)} of {len(attempts)}"
    return f"{np.median(known):.0f}{spread}{missing}" + (" *" if len(attempts) == 1 else "")


def plain(values: Values) -> str:
    """Return mean and standard deviation over seeds; a `*` for a single seed."""
    known = _known(values)
    if known.size < 2:
        return f"{known[0]:.3f} *" if known.size else "–"
    return f"{known.mean():.3f} ± {known.std(ddof=1):.3f}"


def points(pairs: Sequence[tuple[ArmRun, ArmRun]], part: slice) -> str:
    """Return the mean difference of success in points, with Student's 95 % interval."""

    def success(run: ArmRun) -> float:
        return float(run.success.mean()) if part == ALL else run.share(part)

    values = _known([100 * (success(one) - success(other)) for one, other in pairs])
    if not values.size:
        return "–"
    if values.size == 1:
        return f"{values[0]:+.1f} *"
    interval = mean_interval(values)
    return f"{values.mean():+.1f} ({interval.low:+.1f} to {interval.high:+.1f})"


def span(values: Sequence[int]) -> str:
    """Return a number, or the range that several of them cover."""
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}–{high}"


def _known(values: Values) -> Array:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]
