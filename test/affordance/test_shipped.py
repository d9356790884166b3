"""The weights that come with the package."""

from pathlib import Path

import pytest

from grasp_affordance.affordance import shipped
from grasp_affordance.errors import CheckpointError
from grasp_affordance.evaluation.runner import RunConfig
from grasp_affordance.evaluation.sim_pile import clear_simulated_pile
from grasp_affordance.models import load_model


def test_what_is_shipped_loads() -> None:
    path = shipped.require_shipped_weights()
    assert load_model(path).version
    assert path.stat().st_size < 5e6


@pytest.mark.parametrize("stack", ["crossed", "domed"])
def test_a_robot_picks_well_with_what_is_shipped(stack: str) -> None:
    """Piles that the weights have not seen; chance would lift one object in five."""
    config = RunConfig("learned", stack, "realistic")
    clearance, _ = clear_simulated_pile(config, 31, 0)
    assert clearance.successes >= 15
    assert clearance.successes >= 0.8 * clearance.attempts


def test_without_shipped_weights_the_way_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "_SHIPPED", tmp_path / "default.safetensors")
    assert shipped.shipped_weights() is None
    with pytest.raises(CheckpointError, match="grasp-affordance train"):
        shipped.require_shipped_weights()
