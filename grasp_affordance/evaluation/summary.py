"""From clearances to the figures that are published: in total, per seed, per stack type."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from grasp_affordance.attempt import Phase
from grasp_affordance.evaluation.records import Clearance
from grasp_affordance.evaluation.statistics import (
    Interval,
    pile_interval,
    spread,
    success_interval,
)

MINIMUM_ATTEMPTS, MINIMUM_PILES = 400, 20  # behind a published rate
_BOOTSTRAP_SEED = 20240  # so that a file summarised twice says the same twice


def summarise(clearances: Sequence[Clearance]) -> dict[str, Any]:
    """Return `total`, `per_seed`, `per_stack` and `spread_over_seeds` of a run.

    Raises:
        ValueError: there is no clearance.
    """
    per_seed = _grouped(clearances, lambda clearance: str(clearance.seed))
    return {
        "total": statistics_of(clearances),
        "per_seed": per_seed,
        "per_stack": _grouped(clearances, lambda clearance: clearance.stack),
        "spread_over_seeds": {
            name: _finite(spread([_number(group[name]) for group in per_seed.values()]))
            for name in ("success_rate", "objects_cleared_per_attempt", "completion")
        },
    }


def statistics_of(clearances: Sequence[Clearance]) -> dict[str, Any]:
    """Return the figures of a group of clearances; None where there is nothing to divide by.

    - `success_rate`: attempts that truly succeeded, per attempt.
    - `objects_cleared_per_attempt`: objects placed, per attempt; two objects at once count twice.
    - `completion`: objects placed, per object that was in the bins.
    - `picks_per_hour`: objects placed per hour of the cell's clock (motion and suction, without
      the time for computing).
    - `phase_seconds`: mean seconds of an attempt by phase, in the same clock; `other` is the rest:
      looking, a pile that comes to rest, the way back after a failure.
    - `interventions`: what a person had to do, see `Clearance.interventions`;
      `picks_per_intervention`: objects placed per intervention, None without any.
    - `*_interval`: 95 % confidence, [low, high], by `statistics.success_interval` for rates of
      successes and by the bootstrap over piles for the others.

    Raises:
        ValueError: there is no clearance.
    """
    attempts, successes, placed, objects = (
        [getattr(clearance, name) for clearance in clearances]
        for name in ("attempts", "successes", "placed", "objects")
    )
    rng = np.random.default_rng(_BOOTSTRAP_SEED)
    seconds = sum(clearance.seconds for clearance in clearances)
    phases = {
        str(phase): sum(clearance.phase_seconds.get(phase, 0.0) for clearance in clearances)
        for phase in Phase
    }
    phases["other"] = seconds - sum(phases.values())
    interventions = sum(clearance.interventions for clearance in clearances)
    total = {name: sum(getattr(each, name) for each in clearances) for name in _SUMMED}
    return {
        "piles": len(clearances),
        "piles_cleared": sum(clearance.cleared for clearance in clearances),
        **total,
        "lost": sum(clearance.lost for clearance in clearances),
        "success_rate": _ratio(sum(successes), sum(attempts)),
        "success_rate_interval": _ends(success_interval(successes, attempts, rng)),
        "objects_cleared_per_attempt": _ratio(sum(placed), sum(attempts)),
        "objects_cleared_per_attempt_interval": _ends(pile_interval(placed, attempts, rng)),
        "completion": _ratio(sum(placed), sum(objects)),
        "completion_interval": _ends(pile_interval(placed, objects, rng)),
        "picks_per_hour": _ratio(3600 * sum(placed), seconds),
        "phase_seconds": {name: _ratio(spent, sum(attempts)) for name, spent in phases.items()},
        "interventions": interventions,
        "picks_per_intervention": _ratio(sum(placed), interventions),
        "lifted_rate": _ratio(total["lifted"], total["attempts"]),
        "disagreement_rate": _ratio(total["disagreements"], total["attempts"]),
        "ends": dict(Counter(clearance.end for clearance in clearances).most_common()),
        "causes": _added([clearance.causes for clearance in clearances]),
        "sensed_causes": _added([clearance.sensed_causes for clearance in clearances]),
        "seconds": seconds,
        "decision_seconds": sum(clearance.decision_seconds for clearance in clearances),
        "wall_seconds": sum(clearance.wall_seconds for clearance in clearances),
        "publishable": sum(attempts) >= MINIMUM_ATTEMPTS and len(clearances) >= MINIMUM_PILES,
    }


_SUMMED = (
    "objects",
    "attempts",
    "successes",
    "lifted",
    "placed",
    "left",
    "sensed_successes",
    "disagreements",
    "uncertain",
    "refusals",
    "abstentions",
)


def _grouped(
    clearances: Sequence[Clearance], key: Callable[[Clearance], str]
) -> dict[str, dict[str, Any]]:
    names = sorted({key(clearance) for clearance in clearances}, key=lambda name: (len(name), name))
    return {
        name: statistics_of([each for each in clearances if key(each) == name]) for name in names
    }


def _ratio(top: float, bottom: float) -> float | None:
    return top / bottom if bottom else None


def _ends(interval: Interval) -> list[float] | None:
    ends = [interval.low, interval.high]
    return ends if all(map(math.isfinite, ends)) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total.most_common())
