"""Random pixel: the floor below which no rule should fall."""

from grasp_affordance.policies.policy import View
from grasp_affordance.policies.ranking import RankingConfig, bin_region, rank
from grasp_affordance.suction import Selection


class RandomPixel:
    """Draws pixels uniformly from those with depth inside the bin's walls, the floor included."""

    name = "random"

    def __init__(self, config: RankingConfig | None = None) -> None:
        self._config = config or RankingConfig()

    def choose(self, view: View) -> Selection:
        """Return pixels in random order."""
        points_base = view.base_points()
        score = view.rng.random(view.frame.shape)
        return rank(
            score, bin_region(view, points_base, self._config), view, points_base, self._config
        )
