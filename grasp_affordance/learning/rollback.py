"""When the trainer puts earlier weights back: live success has fallen beyond chance."""

import math
from dataclasses import dataclass

from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class RollbackConfig:
    """How live success is watched.

    Attributes:
        window: attempts over which it is taken; exploratory ones do not count.
        drop: share of attempts by which it may fall below the best so far; beyond that, the weights
            that were deployed at the best are put back.
        certainty: standard errors by which the fall must exceed chance besides. The best of many
            windows is a lucky one, so it takes more than usual: `research/benchmarks/rollback.py`
            says how often chance alone rolls back, and how soon a fall is found.
    """

    window: int = 100
    drop: float = 0.15
    certainty: float = 4.5

    def __post_init__(self) -> None:
        if self.window < 1 or not 0 < self.drop <= 1 or self.certainty < 0:
            raise ConfigError("rollback: window at least 1, drop in (0, 1], certainty not negative")


def rolls_back(live: float, best: float, config: RollbackConfig) -> bool:
    """Return whether live success (NaN: not known) has fallen below the best, beyond chance.

    Chance is evaluated as for two proportions over `config.window` attempts each.
    """
    pooled = (live + best) / 2
    error = math.sqrt(2 * pooled * (1 - pooled) / config.window) if pooled < 1 else 0.0
    return best - live > max(config.drop, config.certainty * error)
