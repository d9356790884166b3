"""How often a robot is rolled back by chance, and how soon where its weights have become worse.

No robot and no network: coins are tossed at a given rate, and `rollback.rolls_back` is asked about
them as the trainer asks.

    python research/benchmarks/rollback.py
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from grasp_affordance.files import write_atomically
from grasp_affordance.learning.rollback import RollbackConfig, rolls_back

STEADY = (0.97, 0.93, 0.90, 0.87, 0.80)
FALLS = (0.5, 0.6, 0.7)
BEFORE, BEST = 600, 0.95  # attempts before a fall, and their rate


def main(
    robots: int = 200,
    attempts: int = 5000,
    seed: int = 0,
    output: Path = Path("output/benchmarks/coins.json"),
) -> None:
    """Toss and print a table.

    Args:
        robots: per line.
        attempts: of a robot whose skill stays the same.
        seed: of the tosses.
        output: raw results.
    """
    lines: list[dict[str, Any]] = []
    for certainty in (0.0, RollbackConfig.certainty):
        config, rng = RollbackConfig(certainty=certainty), np.random.default_rng(seed)
        for rate in STEADY:
            counts = [len(rollbacks(rng.random(attempts) < rate, config)) for _ in range(robots)]
            share = float(np.mean(np.array(counts) > 0))
            print(f"certainty {certainty}: steady {rate:.0%}, rolled back {share:.1%} of robots")
            lines.append({"certainty": certainty, "steady": rate, "rolled_back": share})
        for rate in FALLS:
            tosses = (fallen(rng, rate) for _ in range(robots))
            delays = [
                next((at - BEFORE for at in rollbacks(t, config) if at > BEFORE), None)
                for t in tosses
            ]
            found = [delay for delay in delays if delay is not None]
            median = float(np.median(found)) if found else None
            print(
                f"certainty {certainty}: {BEST:.0%} falls to {rate:.0%}, found {len(found)} of "
                f"{robots}, median after {median} attempts"
            )
            lines.append({"certainty": certainty, "falls_to": rate, "found": found})
    settings = {"robots": robots, "attempts": attempts, "seed": seed}
    write_atomically(output, (json.dumps({**settings, "lines": lines}) + "\n").encode())


def fallen(rng: np.random.Generator, rate: float) -> NDArray[np.bool_]:
    """Return the outcomes of a robot whose success falls to a rate."""
    rates = np.repeat([BEST, rate], BEFORE)
    return np.asarray(rng.random(rates.size) < rates)


def rollbacks(outcomes: Iterable[bool], config: RollbackConfig) -> list[int]:
    """Return after how many attempts the trainer rolls back: see `Trainer._watch`."""
    found, window, best = [], config.window, 0.0
    live: list[bool] = []
    for number, success in enumerate(outcomes, start=1):
        live.append(bool(success))
        if len(live) < window:
            continue
        now = sum(live[-window:]) / window
        best = max(best, now)
        if rolls_back(now, best, config):
            found.append(number)
            live, best = [], 0.0
    return found


if __name__ == "__main__":
    tyro.cli(main)
