"""The one place where a policy's name becomes a policy."""

from dataclasses import replace
from pathlib import Path

from grasp_affordance.affordance.candidates import ABSTAIN_BELOW
from grasp_affordance.affordance.predictor import AffordanceModel, PredictorConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.decision import decide_in
from grasp_affordance.policies.policy import Policy, View
from grasp_affordance.policies.truth import Truth
from grasp_affordance.suction import Selection, Source

# Expected success rate below which each policy hands a bin back, unless another is asked for; the
# others always offer something.
THRESHOLDS = {"prior": 0.0, "prior_abstaining": ABSTAIN_BELOW, "learned": ABSTAIN_BELOW}
NAMES = ("highest", *THRESHOLDS, "oracle")


class DecidingPolicy:
    """The decision behind the policies' interface; it tries nothing to learn from."""

    def __init__(
        self, name: str, predictor: PredictorConfig, model: AffordanceModel | None = None
    ) -> None:
        """Use the predictor's configuration, but for cup and memory, which come with the view."""
        self.name = name
        self._predictor, self._model = predictor, model

    def choose(self, view: View) -> Selection:
        """See `policies.Policy`."""
        return decide_in(view, self._predictor, self._model)[0]


def make_policy(
    name: str,
    *,
    weights: Path | None = None,
    truth: Truth | None = None,
    min_probability: float | None = None,
    device: str = "cpu",
) -> Policy:
    """Build a policy.

    Args:
        name: one of `NAMES`.
        weights: of a learned policy; None loads the shipped ones.
        truth: answers the oracle; it exists in a simulator only.
        min_probability: see `threshold_of`.
        device: of a learned policy, as torch names it.

    Raises:
        ConfigError: unknown name, weights for a policy without any, or an oracle without truth.
        CheckpointError: weights that do not load, or are not shipped.
    """
    check_policy(name, weights)
    if name == "highest":
        from grasp_affordance.policies.highest_point import HighestPoint

        return HighestPoint()
    if name == "oracle":
        from grasp_affordance.policies.oracle import Oracle

        if truth is None:
            raise ConfigError(f"policy '{name}' asks a simulator; a real cell has none")
        return Oracle(truth)
    model = _load(weights, device) if name == "learned" else None
    config = PredictorConfig(source=Source.PRIOR if model is None else Source.LEARNED)
    candidates = replace(config.candidates, min_probability=threshold_of(name, min_probability))
    return DecidingPolicy(name, replace(config, candidates=candidates), model)


def threshold_of(name: str, asked: float | None = None) -> float:
    """Return the expected success rate below which a policy hands a bin back.

    Args:
        asked: instead of the policy's own.
    """
    own = THRESHOLDS.get(name, 0.0)
    return own if asked is None or name not in THRESHOLDS else asked


def _load(weights: Path | None, device: str) -> AffordanceModel:
    """Return the model of a checkpoint, by default of the one that is shipped.

    Raises:
        CheckpointError: it does not load, or none is shipped.
    """
    from grasp_affordance.affordance.shipped import require_shipped_weights
    from grasp_affordance.models import load_model

    return load_model(weights or require_shipped_weights(), device)


def check_policy(name: str, weights: Path | None = None) -> None:
    """Refuse an unknown policy, and weights that it would ignore.

    Raises:
        ConfigError: says which names there are.
    """
    if name not in NAMES:
        raise ConfigError(f"policy '{name}' is unknown; use one of {', '.join(NAMES)}")
    if weights is not None and name != "learned":
        raise ConfigError(f"policy '{name}' has no weights: leave out --weights")
