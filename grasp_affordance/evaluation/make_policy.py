"""The one place where a policy's name becomes a policy."""

from collections.abc import Callable
from pathlib import Path

from grasp_affordance.errors import ConfigError
from grasp_affordance.policies.policy import ABSTAIN_BELOW, Policy, View
from grasp_affordance.policies.truth import Truth
from grasp_affordance.suction import SuctionPoint

NAMES = (
    "random",
    "highest",
    "normal_variance",
    "prior",
    "prior_abstaining",
    "learned",
    "oracle",
    "oracle_best",
)

Works = Callable[[SuctionPoint, View], bool]


def make_policy(
    name: str,
    *,
    weights: Path | None = None,
    truth: Truth | None = None,
    works: Works | None = None,
    min_probability: float = 0.0,
    device: str = "cpu",
) -> Policy:
    """Build a policy.

    Args:
        name: one of `NAMES`.
        weights: of a learned policy; None loads the shipped ones.
        truth: answers the oracles; they exist in a simulator only.
        works: picks in a copy of the world, for the oracle that rehearses.
        min_probability: expected success rate below which prior and learned policies abstain.
        device: of a learned policy, as torch names it.

    Raises:
        ConfigError: unknown name, weights for a policy without any, or an oracle without truth.
        CheckpointError: weights that do not load, or are not shipped.
    """
    check_policy(name, weights)
    match name:
        case "random":
            from grasp_affordance.policies.random_pixel import RandomPixel

            return RandomPixel()
        case "highest":
            from grasp_affordance.policies.highest_point import HighestPoint

            return HighestPoint()
        case "normal_variance":
            from grasp_affordance.policies.normal_variance import NormalVariance

            return NormalVariance()
        case "prior":
            from grasp_affordance.policies.affordance_policy import AffordancePolicy

            return AffordancePolicy("prior", min_probability=min_probability)
        case "prior_abstaining":
            from grasp_affordance.policies.affordance_policy import AffordancePolicy

            return AffordancePolicy(name, min_probability=min_probability or ABSTAIN_BELOW)
        case "learned":
            return _learned(weights, min_probability, device)
        case "oracle" | "oracle_best":
            from grasp_affordance.policies.oracle import Oracle, Rehearsal

            if truth is None or (works is None and name == "oracle_best"):
                raise ConfigError(f"policy '{name}' asks a simulator; a real cell has none")
            oracle = Oracle(truth)
            return Rehearsal(oracle, works) if name == "oracle_best" and works else oracle
    raise ConfigError(f"policy '{name}' is listed but has no constructor")


def _learned(weights: Path | None, min_probability: float, device: str) -> Policy:
    """Return the policy of a checkpoint, by default of the one that is shipped.

    Raises:
        CheckpointError: it does not load, or none is shipped.
    """
    from grasp_affordance.affordance.predictor import PredictorConfig
    from grasp_affordance.affordance.shipped import require_shipped_weights
    from grasp_affordance.learning.online import ungated
    from grasp_affordance.models import load_model
    from grasp_affordance.papers.suction.resnet_model import InferenceConfig
    from grasp_affordance.policies.affordance_policy import AffordancePolicy
    from grasp_affordance.suction import Source

    inference = InferenceConfig(device=device)
    model = load_model(weights or require_shipped_weights(), inference=inference)
    config = ungated(PredictorConfig(source=Source.LEARNED))  # as it has learned
    return AffordancePolicy("learned", config, model, min_probability)


def check_policy(name: str, weights: Path | None = None) -> None:
    """Refuse an unknown policy, and weights that it would ignore.

    Raises:
        ConfigError: says which names there are.
    """
    if name not in NAMES:
        raise ConfigError(f"policy '{name}' is unknown; use one of {', '.join(NAMES)}")
    if weights is not None and name != "learned":
        raise ConfigError(f"policy '{name}' has no weights: leave out --weights")
