"""Policies that pick where an affordance map is highest: the seal prior, a network, or a blend."""

from dataclasses import replace

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import (
    AffordanceModel,
    AffordancePredictor,
    PredictorConfig,
)
from grasp_affordance.errors import FrameError
from grasp_affordance.policies.policy import View
from grasp_affordance.suction import Rejection, Selection


class AffordancePolicy:
    """The predictor behind the policies' interface.

    By default it offers even unlikely to succeed points rather than none: an abstention clears no
        bin.
    """

    def __init__(
        self,
        name: str,
        config: PredictorConfig | None = None,
        model: AffordanceModel | None = None,
        min_probability: float = 0.0,
    ) -> None:
        """Use the predictor's configuration, but for cup and memory, which come with the view.

        Args:
            min_probability: expected success rate below which it abstains.
        """
        self.name = name
        self._config = config or PredictorConfig()
        self._model = model
        self._min_probability = min_probability

    def choose(self, view: View) -> Selection:
        """Return the map's best points; none, with the reason, in a frame without depth."""
        candidates = replace(self._config.candidates, min_probability=self._min_probability)
        config = replace(self._config, cup=view.cup, candidates=candidates)
        predictor = AffordancePredictor(config, self._model)
        known = BinView(T_base_camera=view.T_base_camera, bin=view.bin)
        try:
            return predictor.predict(view.frame, known, view.failures).selection
        except FrameError:
            return Selection((), {Rejection.UNUSABLE_FRAME: 1})
